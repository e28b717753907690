// SPDX-License-Identifier: Apache-2.0
//
// IPv6 route lookups in bulk: a full table in one VRF, beside rte_fib6 with the same routes and the
// same addresses; and a thousand private VRFs of a hundred routes. `tsc` is TSC cycles a lookup,
// the median of many pieces, `mib` what the table takes. For ratios, let the rows alternate:
//
//   fib6_bench --benchmark_enable_random_interleaving --benchmark_repetitions=9
//              --benchmark_report_aggregates_only --benchmark_min_time=0.2
//
//   CAUSEWAY_TABLE6=FILE   a table in lines of `prefix next-hop-number`, instead of a generated one
//   CAUSEWAY_SEED=N        of the generated table and of the addresses; 1 by default
#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/grace.h"
#include "fib/fib6.h"
#include "perf/bulk_lookup.h"
#include "perf/dpdk_tables.h"
#include "perf/router.h"
#include "perf/traffic.h"

namespace causeway::perf {
namespace {

constexpr VrfId kVrf{0};
constexpr std::size_t kBurst = 64;
constexpr std::size_t kKeys = std::size_t{1} << 18;  // what they take is small beside the tables
constexpr std::size_t kFullTable = 168'000;
constexpr std::size_t kPrivateVrfs = 1'000;
constexpr std::size_t kPrivateRoutes = 100;  // of each

const std::vector<TableRoute6>& full_table() {
    static const std::vector<TableRoute6> table = [] {
        const char* const path = std::getenv("CAUSEWAY_TABLE6");
        return path != nullptr ? read_table<Ipv6Prefix>(path)
                               : generate_table<Ipv6Prefix>({.routes = kFullTable, .seed = seed()});
    }();
    return table;
}

// Makes Fib6 what a Rib would: the longer the prefix, the later it has its addresses.
class Filled6 {
  public:
    void create(VrfId vrf, std::vector<TableRoute6> routes) {
        CHECK(fib_->open_vrf(vrf).has_value());
        std::sort(routes.begin(), routes.end(), [](const auto& a, const auto& b) {
            return a.prefix.length() < b.prefix.length();
        });
        for (const auto& [prefix, next_hop] : routes) {
            CHECK(fib_->hold(vrf, prefix).has_value());
            fib_->fill(vrf, prefix.first(), prefix.last(),
                       GroupId(static_cast<std::uint16_t>(next_hop + 1)));
        }
    }
    [[nodiscard]] const Fib6& fib() const noexcept { return *fib_; }
    [[nodiscard]] double mib() const noexcept {
        return static_cast<double>(fib_->usage().node_bytes) / (1 << 20);
    }

  private:
    ImmediateGrace grace_;
    std::unique_ptr<Fib6> fib_ = std::move(Fib6::create(grace_, {}).value());
};

const Filled6& full_fib() {
    static const Filled6 filled = [] {
        Filled6 made;
        made.create(kVrf, full_table());
        return made;
    }();
    return filled;
}

// Links of /126, networks of /64 and sites of /48 in unique local space (RFC 4193).
std::vector<TableRoute6> private_routes(std::mt19937_64& random) {
    constexpr std::array kLengths{48, 64, 64, 126};
    const std::uint64_t site = std::uint64_t{0xfd} << 56 | (random() >> 24) << 16;
    std::vector<TableRoute6> routes;
    while (routes.size() < kPrivateRoutes) {
        const std::uint64_t high = site ^ (random() % 64 << 16 | random() % 65'536);
        routes.push_back({.prefix = Ipv6Prefix::of(Ipv6Address(high, random() % 16),
                                                   kLengths[random() % kLengths.size()]),
                          .next_hop = static_cast<unsigned>(random() % 256)});
    }
    return routes;
}

struct PrivateVrfs {
    PrivateVrfs() {
        std::mt19937_64 random(seed());
        std::vector<std::vector<TableRoute6>> tables;
        for (std::size_t vrf = 0; vrf < kPrivateVrfs; ++vrf) {
            filled.create(VrfId(static_cast<std::uint16_t>(vrf)),
                          tables.emplace_back(private_routes(random)));
        }
        while (keys.size() < kKeys) {
            const std::size_t vrf = random() % kPrivateVrfs;
            const Ipv6Prefix prefix = tables[vrf][random() % kPrivateRoutes].prefix;
            const Ipv6Address any(random(), random());
            keys.push_back({.vrf = VrfId(static_cast<std::uint16_t>(vrf)),
                            .destination = Ipv6Address(prefix.address().value() |
                                                       (any.value() & ~prefix.mask()))});
        }
    }
    Filled6 filled;
    std::vector<RouteKey6> keys;
};

const std::vector<Ipv6Address>& addresses(Traffic traffic) {
    static std::map<Traffic, std::vector<Ipv6Address>> made;
    std::vector<Ipv6Address>& found = made[traffic];
    if (found.empty()) found = make_addresses(full_table(), traffic, kKeys, seed() + 1);
    return found;
}

void look_up_ours(benchmark::State& state, const Filled6& filled, Fib6Kernel kernel,
                  const std::vector<RouteKey6>& keys) {
    const Fib6Tables tables = filled.fib().tables();
    std::array<GroupId, kBurst> groups;
    look_up(state, keys, [&](std::span<const RouteKey6> burst) {
        kernel(tables, burst, std::span(groups).first(burst.size()));
        benchmark::DoNotOptimize(groups);
    });
    state.counters["mib"] = filled.mib();
}

void look_up_rte_fib6(benchmark::State& state, Traffic traffic) {
    static const double before = dpdk_tables_mib();
    static const RteFib6 fib(full_table());
    static const double mib = dpdk_tables_mib() - before;
    std::vector<WireAddress6> keys;
    for (const Ipv6Address destination : addresses(traffic)) keys.push_back(to_wire(destination));
    std::array<std::uint64_t, kBurst> next_hops;
    look_up(state, keys, [&](std::span<const WireAddress6> burst) {
        fib.lookup(burst, std::span(next_hops).first(burst.size()));
        benchmark::DoNotOptimize(next_hops);
    });
    state.counters["mib"] = mib;
}

void add_row(const std::string& name, const std::function<void(benchmark::State&)>& row) {
    benchmark::RegisterBenchmark(name.c_str(), row)->Arg(kBurst);
}

void register_rows() {
    std::vector<std::pair<std::string, Fib6Kernel>> kernels{{"scalar", fib6_lookup_scalar}};
    if (__builtin_cpu_supports("avx512f")) kernels.emplace_back("avx512", fib6_lookup_avx512);
    for (const auto& [traffic_name, traffic] :
         {std::pair{"uniform", Traffic::kUniform}, std::pair{"drawn", Traffic::kDrawn},
          std::pair{"zipf", Traffic::kZipf}}) {
        const std::string full = std::string("lookup6/full/") + traffic_name + '/';
        for (const auto& [kernel_name, kernel] : kernels) {
            add_row(full + kernel_name,
                    [traffic = traffic, kernel = kernel](benchmark::State& state) {
                        std::vector<RouteKey6> keys;
                        for (const Ipv6Address to : addresses(traffic)) keys.push_back({kVrf, to});
                        look_up_ours(state, full_fib(), kernel, keys);
                    });
        }
        add_row(full + "rte_fib6",
                [traffic = traffic](benchmark::State& state) { look_up_rte_fib6(state, traffic); });
    }
    for (const auto& [kernel_name, kernel] : kernels) {
        add_row("lookup6/private/" + kernel_name, [kernel = kernel](benchmark::State& state) {
            static const PrivateVrfs vrfs;
            look_up_ours(state, vrfs.filled, kernel, vrfs.keys);
        });
    }
}

}  // namespace
}  // namespace causeway::perf

int main(int argc, char** argv) {
    using namespace causeway::perf;
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
    if (full_table().empty()) {
        std::fprintf(stderr, "CAUSEWAY_TABLE6: no table of `prefix next-hop-number` lines there\n");
        return 1;
    }
    std::printf("%zu routes, seed %llu\n", full_table().size(),
                static_cast<unsigned long long>(seed()));
    register_rows();
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}
