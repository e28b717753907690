// SPDX-License-Identifier: Apache-2.0
//
// Route lookups in bulk and route updates, without a NIC. `tsc` is TSC cycles a lookup or
// update, the median of many pieces.
//
//   CAUSEWAY_TABLE=FILE   a table in lines of `prefix next-hop-number`, instead of a generated one
//   CAUSEWAY_SEED=N       of the generated table and of the addresses; 1 by default
#include <benchmark/benchmark.h>
#include <x86intrin.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <memory>
#include <numeric>
#include <random>
#include <utility>

#include "base/check.h"
#include "base/grace.h"
#include "fib/fib4.h"
#include "fib/next_hops.h"
#include "fib/rib.h"
#include "perf/route_table.h"

namespace causeway::perf {
namespace {

constexpr VrfId kVrf{0};
constexpr std::size_t kKeys = std::size_t{1} << 20;
constexpr std::size_t kFullTable = 940'000;

std::uint64_t seed() {
    const char* const given = std::getenv("CAUSEWAY_SEED");
    return given != nullptr ? std::strtoull(given, nullptr, 0) : 1;
}

std::vector<TableRoute> full_table() {
    const char* const path = std::getenv("CAUSEWAY_TABLE");
    return path != nullptr ? read_table(path) : generate_table(kFullTable, seed());
}

// A table and all that it needs, in one VRF.
struct Router {
    explicit Router(std::vector<TableRoute> table) : routes(std::move(table)) {
        CHECK(!routes.empty());
        CHECK(rib.create_vrf(kVrf).has_value());
        for (std::uint16_t i = 0; i < 256; ++i) {
            const NextHopId hop = next_hops->acquire(AttachmentId(i), Ipv4Address(1)).value();
            groups.push_back(
                next_hops->acquire_group(std::array{GroupMember{.next_hop = hop}}).value());
        }
        for (const TableRoute& route : routes) {
            CHECK(
                rib.add(kVrf, route.prefix, RouteSource::kBgp, groups[route.next_hop]).has_value());
        }
    }
    ImmediateGrace grace;
    std::vector<TableRoute> routes;
    std::vector<GroupId> groups;
    std::unique_ptr<Fib4> fib = std::move(Fib4::create(grace, {}).value());
    std::unique_ptr<NextHops> next_hops = std::move(NextHops::create(grace).value());
    Rib rib{*fib, *next_hops, {}};
};

enum class Traffic { kUniform, kDrawn, kZipf };

std::vector<RouteKey> make_keys(const std::vector<TableRoute>& routes, Traffic traffic) {
    std::mt19937_64 random(seed() + 1);
    std::vector<double> ends;  // running sums of 1/rank, ranks in random order of the routes
    std::vector<std::size_t> ranks(routes.size());
    std::iota(ranks.begin(), ranks.end(), std::size_t{0});
    std::shuffle(ranks.begin(), ranks.end(), random);
    double sum = 0;
    for (std::size_t i = 0; i < routes.size(); ++i) {
        ends.push_back(sum += 1.0 / static_cast<double>(i + 1));
    }
    std::uniform_real_distribution<double> point(0, sum);
    std::vector<RouteKey> keys;
    while (keys.size() < kKeys) {
        auto value = static_cast<std::uint32_t>(random());
        if (traffic != Traffic::kUniform) {
            std::size_t index = random() % routes.size();
            if (traffic == Traffic::kZipf) {
                const auto end = std::lower_bound(ends.begin(), ends.end(), point(random));
                index = ranks[std::min(routes.size() - 1,
                                       static_cast<std::size_t>(end - ends.begin()))];
            }
            const Ipv4Prefix prefix = routes[index].prefix;
            value = prefix.address().value() | (value & ~prefix.mask());
        }
        keys.push_back({.vrf = kVrf, .destination = Ipv4Address(value)});
    }
    return keys;
}

// TSC cycles of equal pieces of work, of which the median is reported: it does not mind the pieces
// in which another process had the core.
class Cycles {
  public:
    Cycles() { pieces_.reserve(1U << 20); }
    void start() noexcept { start_ = __rdtsc(); }
    void stop() noexcept {
        if (pieces_.size() < pieces_.capacity()) pieces_.push_back(__rdtsc() - start_);
    }
    [[nodiscard]] double median() {
        const auto middle = pieces_.begin() + static_cast<std::ptrdiff_t>(pieces_.size() / 2);
        std::nth_element(pieces_.begin(), middle, pieces_.end());
        return static_cast<double>(*middle);
    }

  private:
    std::uint64_t start_ = 0;
    std::vector<std::uint64_t> pieces_;
};

void look_up(benchmark::State& state, const Router& router, FibKernel kernel,
             const std::vector<RouteKey>& keys) {
    constexpr std::size_t kPiece = 4'096;  // lookups
    const auto burst = static_cast<std::size_t>(state.range(0));
    const FibTables tables = router.fib->tables();
    std::array<GroupId, kBurstSizeMax> groups;
    Cycles cycles;
    std::size_t next = 0;
    for (auto _ : state) {
        cycles.start();
        for (const std::size_t end = next + kPiece; next < end; next += burst) {
            kernel(tables, {keys.data() + next, burst}, {groups.data(), burst});
            benchmark::DoNotOptimize(groups);
        }
        cycles.stop();
        next %= kKeys;
    }
    state.counters["tsc"] = cycles.median() / kPiece;
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kPiece));
}

// Each route in random order gets another next hop, or is removed and added again.
enum class Update { kReplace, kRemoveAndAdd };

void update(benchmark::State& state, Router& router, Update what) {
    constexpr std::size_t kPiece = 256;  // routes
    const std::size_t updates = what == Update::kReplace ? kPiece : 2 * kPiece;
    std::mt19937_64 random(seed() + 2);
    Cycles cycles;
    for (auto _ : state) {
        cycles.start();
        for (std::size_t i = 0; i < kPiece; ++i) {
            const Ipv4Prefix prefix = router.routes[random() % router.routes.size()].prefix;
            const GroupId group = router.groups[random() % router.groups.size()];
            if (what == Update::kRemoveAndAdd) {
                CHECK(router.rib.remove(kVrf, prefix, RouteSource::kBgp).has_value());
            }
            CHECK(router.rib.add(kVrf, prefix, RouteSource::kBgp, group).has_value());
        }
        cycles.stop();
    }
    state.counters["tsc"] = cycles.median() / static_cast<double>(updates);
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(updates));
}

void load(benchmark::State& state, const std::vector<TableRoute>& routes) {
    for (auto _ : state) {
        const Router router(routes);
        benchmark::DoNotOptimize(router.rib.route_count());
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(routes.size()));
}

void register_all(Router& few, Router& full) {
    using Name = std::string;
    const std::array kernels{std::pair{"scalar", FibKernel{fib4_lookup_scalar}},
                             std::pair{"avx512", FibKernel{fib4_lookup_avx512}}};
    const std::array traffics{std::pair{"uniform", Traffic::kUniform},
                              std::pair{"drawn", Traffic::kDrawn},
                              std::pair{"zipf", Traffic::kZipf}};
    for (const auto& [table, router] : {std::pair{"few", &few}, std::pair{"full", &full}}) {
        for (const auto& [traffic_name, traffic] : traffics) {
            const std::vector<RouteKey> keys = make_keys(router->routes, traffic);
            for (const auto& [kernel_name, kernel] : kernels) {
                if (kernel == fib4_lookup_avx512 && router->fib->kernel_name() != Name("avx512")) {
                    continue;  // this machine has none
                }
                const Name name = Name("lookup/") + table + '/' + traffic_name + '/' + kernel_name;
                benchmark::RegisterBenchmark(
                    name.c_str(),
                    [router = router, kernel = kernel, keys](benchmark::State& state) {
                        look_up(state, *router, kernel, keys);
                    })
                    ->Arg(32)
                    ->Arg(64);
            }
        }
    }
    benchmark::RegisterBenchmark(
        "update/replace", [&](benchmark::State& state) { update(state, full, Update::kReplace); });
    benchmark::RegisterBenchmark("update/remove_and_add", [&](benchmark::State& state) {
        update(state, full, Update::kRemoveAndAdd);
    });
    benchmark::RegisterBenchmark("load", [&](benchmark::State& state) { load(state, full.routes); })
        ->Unit(benchmark::kMillisecond)
        ->Iterations(3);
}

}  // namespace
}  // namespace causeway::perf

int main(int argc, char** argv) {
    using namespace causeway::perf;
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
    const std::vector<TableRoute> table = full_table();
    if (table.empty()) {
        std::fprintf(stderr, "CAUSEWAY_TABLE: no table of `prefix next-hop-number` lines there\n");
        return 1;
    }
    Router few(generate_table(16, seed()));
    Router full(table);
    std::printf("%zu routes, seed %llu\n", full.routes.size(),
                static_cast<unsigned long long>(seed()));
    register_all(few, full);
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}
