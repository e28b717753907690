// SPDX-License-Identifier: Apache-2.0
//
// Lookups in many small VRFs at once: 4,000 routes of /16 to /24 in private space (RFC 1918) a VRF,
// bursts of 64 keys whose VRFs come in random order. `cycles` is TSC cycles a lookup, the median of
// many pieces; `resident_mib` what the VRFs take in all, RIB included.
//
//   CAUSEWAY_SEED=N   of the routes and the addresses; 1 by default
#include <benchmark/benchmark.h>

#include <array>
#include <map>
#include <memory>
#include <random>
#include <string>

#include "perf/cycles.h"
#include "perf/private_routes.h"
#include "perf/router.h"

namespace causeway::perf {
namespace {

constexpr std::size_t kRoutesPerVrf = 4'000;
constexpr std::size_t kKeys = std::size_t{1} << 20;
constexpr std::size_t kBurst = 64;

struct Scene {
    explicit Scene(std::size_t vrfs) {
        const double before = resident_mib();
        std::mt19937_64 random(seed());
        std::vector<std::vector<TableRoute>> tables;
        for (std::size_t vrf = 0; vrf < vrfs; ++vrf) {
            router.create(VrfId(static_cast<std::uint16_t>(vrf)),
                          tables.emplace_back(private_routes<Ipv4Prefix>(kRoutesPerVrf, random)));
        }
        const double with_routes = resident_mib();
        std::size_t route_bytes = 0;
        for (const auto& table : tables) route_bytes += table.size() * sizeof(TableRoute);
        mib = with_routes - before - static_cast<double>(route_bytes) / (1 << 20);
        while (keys.size() < kKeys) {
            const std::size_t vrf = random() % vrfs;
            const Ipv4Prefix prefix = tables[vrf][random() % kRoutesPerVrf].prefix;
            const auto value = static_cast<std::uint32_t>(random());
            keys.push_back(
                {.vrf = VrfId(static_cast<std::uint16_t>(vrf)),
                 .destination = Ipv4Address(prefix.address().value() | (value & ~prefix.mask()))});
        }
    }
    Router router;
    std::vector<RouteKey> keys;
    double mib = 0;
};

Scene& scene(std::size_t vrfs) {
    static std::map<std::size_t, std::unique_ptr<Scene>> scenes;
    std::unique_ptr<Scene>& found = scenes[vrfs];
    if (!found) found = std::make_unique<Scene>(vrfs);
    return *found;
}

void look_up(benchmark::State& state, FibKernel kernel) {
    constexpr std::size_t kPiece = 4'096;
    const Scene& with = scene(static_cast<std::size_t>(state.range(0)));
    const FibTables tables = with.router.fib->tables();
    std::array<GroupId, kBurst> groups;
    Cycles cycles;
    std::size_t next = 0;
    for (auto _ : state) {
        cycles.start();
        for (const std::size_t end = next + kPiece; next < end; next += kBurst) {
            kernel(tables, {with.keys.data() + next, kBurst}, groups);
            benchmark::DoNotOptimize(groups);
        }
        cycles.stop();
        next %= kKeys;
    }
    state.counters["cycles"] = cycles.median() / kPiece;
    state.counters["resident_mib"] = with.mib;
    state.counters["routes"] = static_cast<double>(with.router.rib.route_count());
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kPiece));
}

}  // namespace
}  // namespace causeway::perf

int main(int argc, char** argv) {
    using namespace causeway;
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
    const auto add = [](const char* name, FibKernel kernel) {
        benchmark::RegisterBenchmark(
            name, [kernel](benchmark::State& state) { perf::look_up(state, kernel); })
            ->Arg(1)
            ->Arg(16)
            ->Arg(1'000);
    };
    add("vrfs/scalar", fib4_lookup_scalar);
    if (__builtin_cpu_supports("avx512f")) add("vrfs/avx512", fib4_lookup_avx512);
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}
