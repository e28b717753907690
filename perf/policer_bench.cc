// SPDX-License-Identifier: Apache-2.0
//
// The policers' stage on bursts of 64 that fit: two levels, so many attachments in random order,
// each with a peering's bucket of its own, four to a circuit. TSC cycles a packet, and what it
// costs where nobody is policed.
#include <benchmark/benchmark.h>
#include <rte_cycles.h>
#include <rte_mbuf.h>

#include <algorithm>
#include <array>
#include <memory>
#include <random>
#include <vector>

#include "base/check.h"
#include "dataplane/policer.h"
#include "dataplane/stages/police.h"
#include "tests/support/frame_builder.h"
#include "tests/support/test_bed.h"

namespace causeway::test {
namespace {

constexpr std::size_t kPackets = 4'096;
constexpr unsigned kBurst = kBurstSizeMax;
constexpr std::uint16_t kFirst = 100;
constexpr PolicerRate kPlenty{.bytes_per_second = 100'000'000'000, .burst_bytes = 1'000'000'000};

void police(benchmark::State& state) {
    const auto attachments = static_cast<std::size_t>(state.range(0));
    const std::uint64_t now = rte_rdtsc();
    std::vector<std::unique_ptr<Policer>> policers;
    const auto make = [&] {
        return policers.emplace_back(std::make_unique<Policer>(rte_get_tsc_hz(), kPlenty, now))
            .get();
    };
    std::vector<PolicePlan> plans(attachments);
    Policies policies;
    PolicyBits bits;
    Policer* circuit = nullptr;
    for (std::size_t i = 0; i < attachments; ++i) {
        if (i % 4 == 0) circuit = make();
        plans[i] = {.rest = {.peering = make(), .circuit = circuit}};
        AttachmentPolicy& policy = policies.attachments[kFirst + i];
        policy.police_in = &plans[i];
        bits |= policy.bits();
    }
    Tables tables;
    tables.policies = &policies;

    Mempool pool = std::move(make_packet_pool({.name = "policer_bench", .count = 1'023})).value();
    std::vector<rte_mbuf*> mbufs(kBurst);
    CHECK(rte_pktmbuf_alloc_bulk(pool.get(), mbufs.data(), kBurst) == 0);
    const auto bytes =
        frame().tags(10, 100).ipv4("10.1.0.10", "10.2.0.10").udp(1, 2).pad_to(60).bytes();
    for (rte_mbuf* mbuf : mbufs) {
        std::ranges::copy(bytes, reinterpret_cast<std::uint8_t*>(rte_pktmbuf_append(
                                     mbuf, static_cast<std::uint16_t>(bytes.size()))));
    }
    Counters counters;
    AclLog log;
    Burst burst(counters, log);
    std::mt19937 random(1);
    std::vector<AttachmentId> order;
    for (std::size_t i = 0; i < kPackets; ++i) {
        order.emplace_back(
            static_cast<std::uint16_t>(kFirst + random() % std::max<std::size_t>(attachments, 1)));
    }
    std::vector<double> passes;
    for (auto _ : state) {
        std::uint64_t cycles = 0;
        for (std::size_t at = 0; at < kPackets; at += kBurst) {
            std::ranges::copy(mbufs, burst.room().begin());
            burst.start(PortId(0), kBurst);
            for (unsigned k = 0; k < kBurst; ++k) {
                burst.walking()[k].frame += 22;
                burst.walking()[k].attachment = order[at + k];
            }
            burst.note(bits);
            const std::uint64_t start = rte_rdtsc();
            Police<Ipv4, Direction::kIn>::run(burst, tables);
            cycles += rte_rdtsc() - start;
            CHECK(burst.size() == kBurst);
        }
        passes.push_back(static_cast<double>(cycles) / kPackets);
    }
    std::ranges::sort(passes);
    state.counters["min"] = passes.front();
    state.counters["median"] = passes[passes.size() / 2];
    rte_pktmbuf_free_bulk(mbufs.data(), kBurst);
}
BENCHMARK(police)->ArgName("attachments")->Arg(0)->Arg(1)->Arg(2)->Arg(8)->Arg(1'000);

}  // namespace
}  // namespace causeway::test

int main(int argc, char** argv) {
    causeway::test::test_eal(causeway::Pages::kHuge);
    benchmark::Initialize(&argc, argv);
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}
