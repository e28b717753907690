// SPDX-License-Identifier: Apache-2.0
//
// NAT44: established flows, new sessions with their expiry, and rte_hash with the same keys beside
// them. `tsc` is TSC cycles a packet, lookup or session, the median of many pieces. For ratios:
//
//   nat_bench --benchmark_enable_random_interleaving --benchmark_repetitions=5
//             --benchmark_report_aggregates_only
#include <benchmark/benchmark.h>
#include <rte_hash.h>
#include <rte_hash_crc.h>

#include <algorithm>
#include <array>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "dataplane/dpdk.h"
#include "nat/translator.h"
#include "perf/cycles.h"
#include "perf/nat_frames.h"
#include "tests/nat/nat_bed.h"

namespace causeway::perf {
namespace {

constexpr std::size_t kBurst = NatFrames::kBurst;
constexpr std::size_t kFlows = 1'000'000;
constexpr std::size_t kOrder = std::size_t{1} << 20;  // packets of the random order
constexpr std::size_t kHosts = 10'000;
constexpr std::uint32_t kAddresses = 64;
constexpr WorkerId kWorker{0};

// Flow i: one of the hosts' UDP sockets and a server.
Endpoint inside_of(std::size_t i) {
    return {Ipv4Address(0x0a000000U + static_cast<std::uint32_t>(i % kHosts)),
            static_cast<std::uint16_t>(1'024 + i / kHosts)};
}
Endpoint remote_of(std::size_t i) {
    return {Ipv4Address(0x14000000U + static_cast<std::uint32_t>(i * 2'654'435'761U % 60'000)),
            443};
}

struct Nat {
    explicit Nat(std::uint32_t sessions_max)
        : steering(Steering::to(kWorker)), space(std::move(PortSpace::create().value())) {
        CHECK(space->add_pool(test::kPool, {.timers = {.udp = 60}}).has_value());
        for (std::uint32_t i = 0; i < kAddresses; ++i) {
            CHECK(space->add_address(test::kPool, Ipv4Address(test::kPublic.value() + i))
                      .has_value());
        }
        mappings = std::move(MappingTable::create(*space, steering,
                                                  {.hosts_max = 65'536,
                                                   .mappings_max = sessions_max,
                                                   .peers_max = sessions_max,
                                                   .secret = {}})
                                 .value());
        translator = std::move(
            Translator::create(*mappings, {.worker = kWorker, .sessions_max = sessions_max})
                .value());
    }
    Steering steering;
    std::unique_ptr<PortSpace> space;
    std::unique_ptr<MappingTable> mappings;
    std::unique_ptr<Translator> translator;
    StaticMappings statics;
};

// A NAT with a million flows, and for each its keys of both directions.
struct Filled {
    Filled() : nat(kFlows) {
        NatFrames frames(test::kPool);
        for (std::size_t i = 0; i < kFlows; i += kBurst) {
            for (std::size_t k = 0; k < kBurst; ++k) {
                frames.set(k, inside_of(i + k), remote_of(i + k));
            }
            nat.translator->outbound(frames.packets, frames.results, nat.statics, 1);
        }
        CHECK(nat.translator->sessions().size() == kFlows);
        for (std::uint32_t session = 1; session <= kFlows; ++session) {
            keys[0].push_back(nat.translator->sessions()[session].inside);
            keys[1].push_back(nat.translator->sessions()[session].outside);
        }
        std::mt19937_64 random(1);
        for (std::size_t i = 0; i < kOrder; ++i) {
            order.push_back(static_cast<std::uint32_t>(random() % kFlows));
        }
    }
    Nat nat;
    std::array<std::vector<FlowKey>, 2> keys;  // by NatDirection
    std::vector<std::uint32_t> order;
};
Filled& filled() {
    static Filled filled;
    return filled;
}

// The keys of a direction in random order, so that the lookup alone is measured, and not the list.
std::vector<FlowKey> shuffled(NatDirection direction) {
    std::vector<FlowKey> keys;
    for (const std::uint32_t i : filled().order) {
        keys.push_back(filled().keys[static_cast<std::size_t>(direction)][i]);
    }
    return keys;
}

template <class Burst>
void run(benchmark::State& state, std::size_t count, const Burst& burst) {
    constexpr std::size_t kPiece = 4'096;
    Cycles cycles;
    std::size_t next = 0;
    for (auto _ : state) {
        cycles.start();
        for (const std::size_t end = next + kPiece; next < end; next += kBurst) burst(next);
        cycles.stop();
        next %= count;
    }
    state.counters["tsc"] = cycles.median() / kPiece;
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kPiece));
}

void look_up(benchmark::State& state, NatDirection direction) {
    const std::vector<FlowKey> keys = shuffled(direction);
    const SessionTable& sessions = filled().nat.translator->sessions();
    std::array<std::uint32_t, kBurst> found;
    run(state, keys.size(), [&](std::size_t next) {
        sessions.lookup(direction, std::span(keys).subspan(next, kBurst), found);
        benchmark::DoNotOptimize(found);
    });
}

// Parse, look up, rewrite, refresh; the frames' addresses are set in the same loop, which `frames`
// measures alone.
void translate(benchmark::State& state, NatDirection direction) {
    const std::vector<FlowKey> keys = shuffled(direction);
    Nat& nat = filled().nat;
    NatFrames frames(test::kPool);
    run(state, keys.size(), [&](std::size_t next) {
        for (std::size_t k = 0; k < kBurst; ++k) {
            const FlowKey& key = keys[next + k];
            if (direction == NatDirection::kOutbound) {
                frames.set(k, key.own(), key.remote());
            } else {
                frames.set(k, key.remote(), key.own());
            }
        }
        if (direction == NatDirection::kOutbound) {
            nat.translator->outbound(frames.packets, frames.results, nat.statics, 2);
        } else {
            nat.translator->inbound(frames.packets, frames.results, nat.statics, 2);
        }
        benchmark::DoNotOptimize(frames.results);
    });
    for (const NatResult& result : frames.results) {
        CHECK(result.outcome == NatOutcome::kTranslated);
    }
}

void set_frames(benchmark::State& state) {
    const std::vector<FlowKey> keys = shuffled(NatDirection::kOutbound);
    NatFrames frames(test::kPool);
    run(state, keys.size(), [&](std::size_t next) {
        for (std::size_t k = 0; k < kBurst; ++k) {
            frames.set(k, keys[next + k].own(), keys[next + k].remote());
        }
        benchmark::DoNotOptimize(frames.bytes);
    });
}

// The other representation that was thought of: the mapping first, then the session.
void look_up_mapping_first(benchmark::State& state) {
    const std::vector<FlowKey> keys = shuffled(NatDirection::kInbound);
    const SessionTable& sessions = filled().nat.translator->sessions();
    const Nat& nat = filled().nat;
    std::array<std::uint32_t, kBurst> found;
    run(state, keys.size(), [&](std::size_t next) {
        std::array<PortRef, kBurst> ports;
        for (std::size_t k = 0; k < kBurst; ++k) {
            const FlowKey& key = keys[next + k];
            ports[k] = PortRef(nat.space->find(key.own().address), key.protocol(), key.own().port);
            nat.space->prefetch(ports[k]);
        }
        for (std::size_t k = 0; k < kBurst; ++k)
            benchmark::DoNotOptimize(nat.space->read(ports[k]));
        sessions.lookup(NatDirection::kInbound, std::span(keys).subspan(next, kBurst), found);
        benchmark::DoNotOptimize(found);
    });
}

// rte_hash with the flags that let one thread write while others read, as the peers use it.
void look_up_rte_hash(benchmark::State& state) {
    static const std::unique_ptr<rte_hash, Deleter<rte_hash_free>> hash = [] {
        static const Eal eal = std::move(Eal::start({.control_core = 0,
                                                     .worker_cores = {0},
                                                     .pages = Pages::kNormal,
                                                     .memory_mib = 512,
                                                     .extra_args = {}})
                                             .value());
        rte_hash_parameters parameters{};
        parameters.name = "sessions";
        parameters.entries = kFlows + kFlows / 4;
        parameters.key_len = sizeof(FlowKey);
        parameters.hash_func = rte_hash_crc;
        parameters.extra_flag = RTE_HASH_EXTRA_FLAGS_RW_CONCURRENCY_LF;
        std::unique_ptr<rte_hash, Deleter<rte_hash_free>> made(rte_hash_create(&parameters));
        CHECK(made != nullptr);
        std::uintptr_t value = 0;
        for (const FlowKey& key : filled().keys[0]) {
            CHECK(rte_hash_add_key_data(made.get(), &key, reinterpret_cast<void*>(++value)) == 0);
        }
        return made;
    }();
    const std::vector<FlowKey> keys = shuffled(NatDirection::kOutbound);
    std::array<void*, kBurst> found;
    run(state, keys.size(), [&](std::size_t next) {
        std::array<const void*, kBurst> pointers;
        for (std::size_t k = 0; k < kBurst; ++k) pointers[k] = &keys[next + k];
        std::uint64_t hits = 0;
        rte_hash_lookup_bulk_data(hash.get(), pointers.data(), kBurst, &hits, found.data());
        benchmark::DoNotOptimize(found);
        benchmark::DoNotOptimize(hits);
    });
}

// Sessions come and go at the same rate: each second as many new ones as are over, a million
// live. `tsc` is of one session's creation, port choice included, and of one's end.
void create_and_expire(benchmark::State& state) {
    constexpr std::size_t kPerSecond = 16'384;
    constexpr std::size_t kPiece = 1'024;
    Nat nat(4'000'000);
    NatFrames frames(test::kPool);
    Cycles cycles;
    NatSeconds now = 1;
    std::size_t next = 0;                              // sessions so far
    std::vector<std::pair<Endpoint, Endpoint>> flows;  // in an order that no cache line likes
    for (std::size_t i = 0; i < 2'500'000; ++i) {
        const std::size_t flow = i * 7'919 % 2'500'000;
        flows.emplace_back(inside_of(flow), remote_of(flow));
    }
    const auto piece = [&] {
        for (std::size_t made = 0; made < kPiece; made += kBurst, next += kBurst) {
            for (std::size_t k = 0; k < kBurst; ++k) {
                const auto& [source, destination] = flows[(next + k) % flows.size()];
                frames.set(k, source, destination);
            }
            nat.translator->outbound(frames.packets, frames.results, nat.statics, now);
            (void)nat.translator->expire(now, kBurst / kWheelLanes + 1);
        }
        if (next % kPerSecond == 0) ++now;
    };
    while (now < 75) piece();
    const std::uint64_t before = nat.translator->created();
    for (auto _ : state) {
        cycles.start();
        piece();
        cycles.stop();
    }
    state.counters["tsc"] = cycles.median() / kPiece;
    state.counters["sessions"] = nat.translator->sessions().size();
    const auto created = static_cast<std::int64_t>(nat.translator->created() - before);
    CHECK(created == state.iterations() * static_cast<std::int64_t>(kPiece));
    state.SetItemsProcessed(created);
}

// What ten million sessions need, all told.
void bytes(benchmark::State& state) {
    constexpr std::size_t kMany = 10'000'000;
    constexpr double kMiB = 1 << 20;
    for (auto _ : state) benchmark::DoNotOptimize(SessionTable::bytes_for(kMany));
    const std::size_t sessions = SessionTable::bytes_for(kMany);
    const std::size_t mappings = SharedMap::bytes_for(kMany);
    const std::size_t addresses = kMany / 64'512 + 1;  // each session its own port
    const std::size_t ports = addresses * 65'536 * kNatProtocols * (sizeof(std::uint64_t) + 1);
    state.counters["sessions_mib"] = static_cast<double>(sessions) / kMiB;
    state.counters["mappings_mib"] = static_cast<double>(mappings) / kMiB;
    state.counters["peers_mib"] = static_cast<double>(mappings) / kMiB;
    state.counters["ports_mib"] = static_cast<double>(ports) / kMiB;
    state.counters["all_mib"] = static_cast<double>(sessions + 2 * mappings + ports) / kMiB;
}

}  // namespace
}  // namespace causeway::perf

int main(int argc, char** argv) {
    using namespace causeway;
    using namespace causeway::perf;
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
    benchmark::RegisterBenchmark("nat/lookup/outbound", look_up, NatDirection::kOutbound);
    benchmark::RegisterBenchmark("nat/lookup/inbound", look_up, NatDirection::kInbound);
    benchmark::RegisterBenchmark("nat/lookup/mapping_first", look_up_mapping_first);
    benchmark::RegisterBenchmark("nat/lookup/rte_hash", look_up_rte_hash);
    benchmark::RegisterBenchmark("nat/established/outbound", translate, NatDirection::kOutbound);
    benchmark::RegisterBenchmark("nat/established/inbound", translate, NatDirection::kInbound);
    benchmark::RegisterBenchmark("nat/established/frames", set_frames);
    benchmark::RegisterBenchmark("nat/create_and_expire", create_and_expire);
    benchmark::RegisterBenchmark("nat/bytes", bytes)->Iterations(1);
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}
