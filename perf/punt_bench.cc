// SPDX-License-Identifier: Apache-2.0
//
// What a worker spends on a packet that is to go to the control thread, beside the walk: TSC cycles
// of PuntPolice::admit(), for those that a flood is made of and for those of a session.
#include <benchmark/benchmark.h>
#include <rte_cycles.h>

#include <vector>

#include "dataplane/punt_police.h"
#include "perf/cycles.h"
#include "tests/support/frame_builder.h"

namespace causeway::test {
namespace {

constexpr AttachmentId kEdge{100};
constexpr std::uint64_t kHz = 2'000'000'000;  // of the TSC, about: the rates are not the matter
constexpr unsigned kPackets = 256;            // with as many source ports
constexpr std::size_t kHeaderBytes = 14;

enum class Traffic : std::uint8_t { kForgedFlood, kStrangersFlood, kSession };

void admit(benchmark::State& state, Traffic traffic) {
    PuntLimits limits = kUsualPuntLimits;
    limits[static_cast<std::size_t>(PuntClass::kBgp)] = {{10'000'000, 1'000'000},
                                                         {10'000'000, 1'000'000}};
    PuntPolice police(kHz, limits);
    police.begin(kEdge, {.ipv4 = {{ip("192.168.0.2"), prefix("192.168.0.1/32")}}, .ipv6 = {}});
    police.note_session(kEdge, {ip("192.168.0.1"), 4'000, 179});
    const char* const source = traffic == Traffic::kStrangersFlood ? "10.1.0.10" : "192.168.0.1";
    std::vector<std::vector<std::uint8_t>> frames;
    std::vector<PacketMeta> metas;
    for (unsigned k = 0; k < kPackets; ++k) {
        const unsigned port = traffic == Traffic::kSession ? 4'000 : 20'000 + k;
        frames.push_back(
            frame().ipv4(source, "192.168.0.2").tcp(static_cast<std::uint16_t>(port), 179).bytes());
        PacketMeta& meta = metas.emplace_back();
        meta.frame = frames.back().data() + kHeaderBytes;
        meta.packet_bytes = static_cast<std::uint16_t>(frames.back().size() - kHeaderBytes);
        meta.attachment = kEdge;
        meta.exit = Exit::kLocal;
    }
    perf::Cycles cycles;
    std::uint64_t passed = 0;
    std::uint64_t asked = 0;
    for (auto _ : state) {
        cycles.start();
        const std::uint64_t now = rte_rdtsc();
        for (const PacketMeta& meta : metas) passed += police.admit(meta, now) ? 1 : 0;
        cycles.stop();
        asked += kPackets;
    }
    state.counters["cycles"] = cycles.median() / kPackets;
    state.counters["passed%"] = 100.0 * static_cast<double>(passed) / static_cast<double>(asked);
}
BENCHMARK_CAPTURE(admit, forged_flood, Traffic::kForgedFlood);
BENCHMARK_CAPTURE(admit, strangers_flood, Traffic::kStrangersFlood);
BENCHMARK_CAPTURE(admit, session, Traffic::kSession);

}  // namespace
}  // namespace causeway::test

BENCHMARK_MAIN();
