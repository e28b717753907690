// SPDX-License-Identifier: Apache-2.0
//
// Route lookups in bulk and route updates in one VRF, beside DPDK's tables with the same routes and
// the same addresses. `cycles` is TSC cycles a lookup or
// update, the median of many pieces. For
// ratios, let the rows alternate:
//
//   fib_bench --benchmark_enable_random_interleaving --benchmark_repetitions=9
//             --benchmark_report_aggregates_only --benchmark_min_time=0.2
//
//   CAUSEWAY_TABLE=FILE   a table in lines of `prefix next-hop-number`, instead of a generated one
//   CAUSEWAY_SEED=N       of the generated table and of the addresses; 1 by default
#include <benchmark/benchmark.h>

#include <array>
#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "perf/bulk_lookup.h"
#include "perf/dpdk_tables.h"
#include "perf/raw_gather.h"
#include "perf/route_updates.h"
#include "perf/router.h"
#include "perf/traffic.h"

namespace causeway::perf {
namespace {

constexpr VrfId kVrf{0};
constexpr std::size_t kKeys = std::size_t{1} << 20;
constexpr std::size_t kBurst = 64;
constexpr std::size_t kFullTable = 940'000;

std::vector<TableRoute> load_full_table() {
    const char* const path = std::getenv("CAUSEWAY_TABLE");
    return path != nullptr ? read_table(path) : generate_table(kFullTable, seed());
}

// Tables are built when a row first needs them: --benchmark_filter chooses what is waited for.
const std::vector<TableRoute>& full_table() {
    static const std::vector<TableRoute> table = load_full_table();
    return table;
}
const std::vector<TableRoute>& few_table() {
    static const std::vector<TableRoute> table = generate_table(16, seed());
    return table;
}
Router& full_router() {
    static Router router;
    if (!router.rib.has_vrf(kVrf)) router.create(kVrf, full_table());
    return router;
}
Router& few_router() {
    static Router router;
    if (!router.rib.has_vrf(kVrf)) router.create(kVrf, few_table());
    return router;
}
RteFib& rte_fib_2b() {
    static RteFib fib(full_table(), RteFib::Entry::kTwoBytes);
    return fib;
}
RteFib& rte_fib_4b() {
    static RteFib fib(full_table(), RteFib::Entry::kFourBytes);
    return fib;
}

const std::vector<Ipv4Address>& addresses(const std::vector<TableRoute>& routes, Traffic traffic) {
    static std::map<std::pair<const void*, Traffic>, std::vector<Ipv4Address>> made;
    std::vector<Ipv4Address>& found = made[{&routes, traffic}];
    if (found.empty()) found = make_addresses(routes, traffic, kKeys, seed() + 1);
    return found;
}

void look_up_ours(benchmark::State& state, const Router& router, FibKernel kernel,
                  const std::vector<Ipv4Address>& destinations) {
    std::vector<RouteKey> keys;
    for (const Ipv4Address destination : destinations) keys.push_back({kVrf, destination});
    const FibTables tables = router.fib->tables();
    std::array<GroupId, kBurst> groups;
    look_up(state, keys, [&](std::span<const RouteKey> burst) {
        kernel(tables, burst, std::span(groups).first(burst.size()));
        benchmark::DoNotOptimize(groups);
    });
}

std::vector<std::uint32_t> values(const std::vector<Ipv4Address>& destinations) {
    std::vector<std::uint32_t> values;
    for (const Ipv4Address destination : destinations) values.push_back(destination.value());
    return values;
}

template <class NextHop, class Table>
void look_up_dpdk(benchmark::State& state, const Table& table, Traffic traffic) {
    std::array<NextHop, kBurst> next_hops;
    look_up(state, values(addresses(full_table(), traffic)),
            [&](std::span<const std::uint32_t> burst) {
                table.lookup(burst, std::span(next_hops).first(burst.size()));
                benchmark::DoNotOptimize(next_hops);
            });
}

void gather_raw(benchmark::State& state, Traffic traffic) {
    const Mapping memory = std::move(
        Mapping::allocate(kFibLevel1Entries * sizeof(FibEntry) + kCacheLine, PageSize::kHuge)
            .value());
    auto* const entries = reinterpret_cast<std::uint16_t*>(memory.data());
    std::fill_n(entries, kFibLevel1Entries, std::uint16_t{1});
    look_up(state, values(addresses(full_table(), traffic)),
            [&](std::span<const std::uint32_t> burst) {
                std::uint32_t sum = raw_gather(entries, burst);
                benchmark::DoNotOptimize(sum);
            });
}

// Builds a table and says what it takes.
template <class Measure, class Build>
void load(benchmark::State& state, const Measure& mib, const Build& build) {
    const std::size_t routes = full_table().size();
    const double before = mib();
    double resident = 0;
    for (auto _ : state) {
        const auto table = build();
        benchmark::DoNotOptimize(table.get());
        resident = mib() - before;
    }
    state.counters["resident_mib"] = resident;
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(routes));
}

using Row = std::function<void(benchmark::State&)>;

benchmark::internal::Benchmark* add_row(const std::string& name, const Row& row) {
    return benchmark::RegisterBenchmark(name.c_str(), row);
}

void register_lookups(const std::string& traffic_name, Traffic traffic) {
    const auto ours = [&](const std::string& table, Router& (*router)(), auto& routes,
                          const std::string& kernel_name, FibKernel kernel) {
        add_row("lookup/" + table + '/' + traffic_name + '/' + kernel_name,
                [=](benchmark::State& state) {
                    look_up_ours(state, router(), kernel, addresses(routes(), traffic));
                })
            ->Arg(32)
            ->Arg(64);
    };
    const bool has_avx512 = __builtin_cpu_supports("avx512f") != 0;
    ours("few", few_router, few_table, "scalar", fib4_lookup_scalar);
    ours("full", full_router, full_table, "scalar", fib4_lookup_scalar);
    const std::string full = "lookup/full/" + traffic_name;
    if (has_avx512) {
        ours("few", few_router, few_table, "avx512", fib4_lookup_avx512);
        ours("full", full_router, full_table, "avx512", fib4_lookup_avx512);
        add_row(full + "/raw_gather", [=](benchmark::State& state) {
            gather_raw(state, traffic);
        })->Arg(kBurst);
    }
    add_row(full + "/rte_fib_2b", [=](benchmark::State& state) {
        look_up_dpdk<std::uint64_t>(state, rte_fib_2b(), traffic);
    })->Arg(kBurst);
    add_row(full + "/rte_fib_4b", [=](benchmark::State& state) {
        look_up_dpdk<std::uint64_t>(state, rte_fib_4b(), traffic);
    })->Arg(kBurst);
    add_row(full + "/rte_lpm", [=](benchmark::State& state) {
        static const RteLpm lpm(full_table());
        look_up_dpdk<std::uint32_t>(state, lpm, traffic);
    })->Arg(kBurst);
}

void register_updates() {
    for (const auto& [name, what] : {std::pair{"replace", Update::kReplace},
                                     std::pair{"remove_and_add", Update::kRemoveAndAdd}}) {
        add_row(std::string("update/") + name + "/causeway",
                [what = what](benchmark::State& state) {
                    update_ours(state, full_router(), kVrf, full_table(), what);
                });
        add_row(std::string("update/") + name + "/causeway_batches",
                [what = what](benchmark::State& state) {
                    update_in_batches(state, full_router(), kVrf, full_table(), what);
                });
        add_row(std::string("update/") + name + "/rte_fib_2b",
                [what = what](benchmark::State& state) {
                    update_dpdk(state, rte_fib_2b(), full_table(), what);
                });
    }
    for (const std::size_t prefixes :
         {std::size_t{16}, std::size_t{1'000}, std::size_t{30'000}, full_table().size()}) {
        add_row("link_loss/" + std::to_string(prefixes), [=](benchmark::State& state) {
            lose_link<Fib4>(state, std::span(full_table()).first(prefixes));
        });
    }
    const auto add_load = [](const char* name, double (*mib)(), auto build) {
        add_row(name, [=](benchmark::State& state) { load(state, mib, build); })
            ->Unit(benchmark::kMillisecond)
            ->Iterations(1);
    };
    add_load("load/causeway", resident_mib, [] {
        auto router = std::make_unique<Router>();
        router->create(kVrf, full_table());
        return router;
    });
    add_load("load/rte_fib_2b", dpdk_tables_mib,
             [] { return std::make_unique<RteFib>(full_table(), RteFib::Entry::kTwoBytes); });
}

}  // namespace
}  // namespace causeway::perf

int main(int argc, char** argv) {
    using namespace causeway::perf;
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
    if (full_table().empty()) {
        std::fprintf(stderr, "CAUSEWAY_TABLE: no table of `prefix next-hop-number` lines there\n");
        return 1;
    }
    benchmark::AddCustomContext("routes", std::to_string(full_table().size()));
    benchmark::AddCustomContext("seed", std::to_string(seed()));
    register_lookups("uniform", Traffic::kUniform);
    register_lookups("drawn", Traffic::kDrawn);
    register_lookups("zipf", Traffic::kZipf);
    register_updates();
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}
