// SPDX-License-Identifier: Apache-2.0
//
// IPv6 route lookups in bulk and route updates: a full table in one VRF, beside rte_fib6 with the
// same routes and the same addresses; a thousand private VRFs of a hundred routes (`private`); and
// one of so few that a vector kernel compares with all of them at once (`few/ROUTES`). `cycles` is
// TSC cycles a lookup or update, the median of many pieces, `mib` what the table takes. `full` rows
// ask for so many addresses that tables outgrow the cache, `cached` and `few` rows for few. For
// ratios, let the rows alternate:
//
//   fib6_bench --benchmark_enable_random_interleaving --benchmark_repetitions=9
//              --benchmark_report_aggregates_only --benchmark_min_time=0.2
//
//   CAUSEWAY_TABLE6=FILE   a table in lines of `prefix next-hop-number`, instead of a generated one
//   CAUSEWAY_SEED=N        of the generated table and of the addresses; 1 by default
#include <benchmark/benchmark.h>

#include <array>
#include <cstdio>
#include <functional>
#include <map>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "fib/fib6.h"
#include "perf/bulk_lookup.h"
#include "perf/dpdk_tables.h"
#include "perf/private_routes.h"
#include "perf/route_updates.h"
#include "perf/router.h"
#include "perf/traffic.h"

namespace causeway::perf {
namespace {

constexpr VrfId kVrf{0};
constexpr std::size_t kBurst = 64;
constexpr std::size_t kKeys = std::size_t{1} << 18;     // what they take is small beside the tables
constexpr std::size_t kFewKeys = std::size_t{1} << 14;  // all that they need is in a cache of 1 MiB
constexpr std::size_t kFullTable = 168'000;

const std::vector<TableRoute6>& full_table() {
    static const std::vector<TableRoute6> table = [] {
        const char* const path = std::getenv("CAUSEWAY_TABLE6");
        return path != nullptr ? read_table<Ipv6Prefix>(path)
                               : generate_table<Ipv6Prefix>({.routes = kFullTable, .seed = seed()});
    }();
    return table;
}

Router6& full_router() {
    static Router6 router;
    if (!router.rib.has_vrf(kVrf)) router.create(kVrf, full_table());
    return router;
}
RteFib6& rte_fib6() {
    static RteFib6 fib(full_table());
    return fib;
}

struct Customers {
    std::size_t vrfs;
    std::size_t routes;  // of each
    std::size_t keys;
};
constexpr Customers kMany{.vrfs = 1'000, .routes = 100, .keys = kKeys};

struct PrivateVrfs {
    explicit PrivateVrfs(const Customers& customers) {
        std::mt19937_64 random(seed());
        std::vector<std::vector<TableRoute6>> tables;
        for (std::size_t vrf = 0; vrf < customers.vrfs; ++vrf) {
            router.create(
                VrfId(static_cast<std::uint16_t>(vrf)),
                tables.emplace_back(private_routes<Ipv6Prefix>(customers.routes, random)));
        }
        while (keys.size() < customers.keys) {
            const std::size_t vrf = random() % customers.vrfs;
            const Ipv6Prefix prefix = tables[vrf][random() % customers.routes].prefix;
            const Ipv6Address any(random(), random());
            keys.push_back({.vrf = VrfId(static_cast<std::uint16_t>(vrf)),
                            .destination = Ipv6Address(prefix.address().value() |
                                                       (any.value() & ~prefix.mask()))});
        }
    }
    Router6 router;
    std::vector<RouteKey6> keys;
};

const PrivateVrfs& private_vrfs(const Customers& customers) {
    static std::map<std::size_t, PrivateVrfs> made;  // by routes
    return made.try_emplace(customers.routes, customers).first->second;
}

const std::vector<Ipv6Address>& addresses(Traffic traffic) {
    static std::map<Traffic, std::vector<Ipv6Address>> made;
    std::vector<Ipv6Address>& found = made[traffic];
    if (found.empty()) found = make_addresses(full_table(), traffic, kKeys, seed() + 1);
    return found;
}

void look_up_ours(benchmark::State& state, const Router6& router, Fib6Kernel kernel,
                  const std::vector<RouteKey6>& keys) {
    const Fib6Tables tables = router.fib->tables();
    std::array<GroupId, kBurst> groups;
    look_up(state, keys, [&](std::span<const RouteKey6> burst) {
        kernel(tables, burst, std::span(groups).first(burst.size()));
        benchmark::DoNotOptimize(groups);
    });
    state.counters["mib"] = static_cast<double>(router.fib->usage().node_bytes) / (1 << 20);
}

void look_up_full(benchmark::State& state, Fib6Kernel kernel, Traffic traffic, std::size_t count) {
    std::vector<RouteKey6> keys;
    for (const Ipv6Address destination : std::span(addresses(traffic)).first(count)) {
        keys.push_back({kVrf, destination});
    }
    look_up_ours(state, full_router(), kernel, keys);
}

void look_up_rte_fib6(benchmark::State& state, Traffic traffic, std::size_t count) {
    std::vector<WireAddress6> keys;
    for (const Ipv6Address destination : std::span(addresses(traffic)).first(count)) {
        keys.push_back(to_wire(destination));
    }
    const RteFib6& fib = rte_fib6();
    std::array<std::uint64_t, kBurst> next_hops;
    look_up(state, keys, [&](std::span<const WireAddress6> burst) {
        fib.lookup(burst, std::span(next_hops).first(burst.size()));
        benchmark::DoNotOptimize(next_hops);
    });
    state.counters["mib"] = fib.mib();
}

using Row = std::function<void(benchmark::State&)>;

benchmark::internal::Benchmark* add_row(const std::string& name, const Row& row) {
    return benchmark::RegisterBenchmark(name.c_str(), row);
}

using Kernels = std::vector<std::pair<std::string, Fib6Kernel>>;

void register_lookups(const Kernels& kernels, const std::string& traffic_name, Traffic traffic) {
    for (const auto& [table, keys] : {std::pair{"full", kKeys}, std::pair{"cached", kFewKeys}}) {
        const std::string name = std::string("lookup6/") + table + '/' + traffic_name + '/';
        for (const auto& [kernel_name, kernel] : kernels) {
            add_row(name + kernel_name, [=, keys = keys, kernel = kernel](benchmark::State& state) {
                look_up_full(state, kernel, traffic, keys);
            })->Arg(kBurst);
        }
        add_row(name + "rte_fib6", [=, keys = keys](benchmark::State& state) {
            look_up_rte_fib6(state, traffic, keys);
        })->Arg(kBurst);
    }
}

void register_private(const Kernels& kernels, const std::string& name, const Customers& customers) {
    for (const auto& [kernel_name, kernel] : kernels) {
        add_row("lookup6/" + name + '/' + kernel_name, [=,
                                                        kernel = kernel](benchmark::State& state) {
            const PrivateVrfs& vrfs = private_vrfs(customers);
            look_up_ours(state, vrfs.router, kernel, vrfs.keys);
        })->Arg(kBurst);
    }
}

void register_updates() {
    for (const auto& [name, what] : {std::pair{"replace", Update::kReplace},
                                     std::pair{"remove_and_add", Update::kRemoveAndAdd}}) {
        add_row(std::string("update6/") + name + "/causeway",
                [what = what](benchmark::State& state) {
                    update_ours(state, full_router(), kVrf, full_table(), what);
                });
        add_row(std::string("update6/") + name + "/causeway_batches",
                [what = what](benchmark::State& state) {
                    update_in_batches(state, full_router(), kVrf, full_table(), what);
                });
    }
    // It does not take back all routes that it has let go of, so there is no row for that.
    add_row("update6/replace/rte_fib6", [](benchmark::State& state) {
        update_dpdk(state, rte_fib6(), full_table(), Update::kReplace);
    });
    for (const std::size_t prefixes : {std::size_t{1'000}, full_table().size()}) {
        add_row("link_loss6/" + std::to_string(prefixes), [=](benchmark::State& state) {
            lose_link<Fib6>(state, std::span(full_table()).first(prefixes));
        });
    }
}

void register_rows() {
    Kernels kernels{{"scalar", fib6_lookup_scalar}};
    if (__builtin_cpu_supports("avx512f")) kernels.emplace_back("avx512", fib6_lookup_avx512);
    register_lookups(kernels, "uniform", Traffic::kUniform);
    register_lookups(kernels, "drawn", Traffic::kDrawn);
    register_lookups(kernels, "zipf", Traffic::kZipf);
    register_private(kernels, "private", kMany);
    for (const std::size_t routes : {8U, 16U, 24U}) {
        register_private(kernels, "few/" + std::to_string(routes),
                         {.vrfs = 1, .routes = routes, .keys = kFewKeys});
    }
    register_updates();
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
    benchmark::AddCustomContext("routes", std::to_string(full_table().size()));
    benchmark::AddCustomContext("seed", std::to_string(seed()));
    register_rows();
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}
