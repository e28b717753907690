// SPDX-License-Identifier: Apache-2.0
//
// What BFD costs the thread that has it: sessions that are up, each with a far end on a perfect
// wire, in virtual time. One side is measured: its polls, the packets it hears and those it writes.
//
//   tsc_session_s    TSC cycles a session a second
//   tsc_packet       TSC cycles a packet, sent and received packets counted alike
//   tsc_idle_poll    TSC cycles of a poll at which nothing is due
#include <benchmark/benchmark.h>
#include <x86intrin.h>

#include <array>
#include <cstdint>
#include <memory>

#include "dataplane/bfd/sessions.h"

namespace causeway::perf {
namespace {

constexpr std::uint64_t kStepNs = 100'000;  // of virtual time: between polls
constexpr std::uint64_t kSecond = 1'000'000'000;

class Wire {
  public:
    Wire(std::uint32_t sessions, std::uint32_t interval_us)
        : near_({.sessions_max = sessions, .seed = 1}, 0),
          far_({.sessions_max = sessions, .seed = 2}, 0) {
        const BfdParameters parameters{.desired_min_tx_us = interval_us,
                                       .required_min_rx_us = interval_us};
        for (std::uint32_t i = 0; i < sessions; ++i) {
            const BfdPeer peer{AttachmentId(static_cast<std::uint16_t>(i)), Ipv4Address(i)};
            benchmark::DoNotOptimize(near_.add(peer, parameters, 0).has_value());
            benchmark::DoNotOptimize(far_.add(peer, parameters, 0).has_value());
        }
        run(5 * kSecond);
        cycles = packets = idle_cycles = idle_polls = 0;
    }

    void run(std::uint64_t duration_ns) {
        for (const std::uint64_t until = now_ + duration_ns; now_ < until; now_ += kStepNs) {
            poll_near();
            poll_far();
        }
    }
    [[nodiscard]] std::size_t up() const {
        std::size_t count = 0;
        for (std::uint32_t i = 0; i < near_.size(); ++i) {
            const BfdPeer peer{AttachmentId(static_cast<std::uint16_t>(i)), Ipv4Address(i)};
            count += near_.find(*near_.find(peer))->state() == BfdState::kUp ? 1 : 0;
        }
        return count;
    }

    std::uint64_t cycles = 0;
    std::uint64_t packets = 0;
    std::uint64_t idle_cycles = 0;
    std::uint64_t idle_polls = 0;

  private:
    using Bytes = std::array<std::uint8_t, kBfdPacketBytes>;

    void poll_near() {
        const std::uint64_t start = __rdtsc();
        const std::size_t count = near_.poll(now_, events_);
        for (std::size_t i = 0; i < count; ++i) written_[i] = write_bfd(*events_[i].outcome.packet);
        benchmark::DoNotOptimize(written_);
        const std::uint64_t taken = __rdtsc() - start;
        cycles += taken;
        packets += count;
        if (count == 0) {
            ++idle_polls;
            idle_cycles += taken;
        }
        for (std::size_t i = 0; i < count; ++i) {
            const auto answer =
                far_.receive(written_[i], near_.peer(events_[i].session), kBfdTtl, now_);
            hear(answer, far_);
        }
    }
    void poll_far() {
        const std::size_t count = far_.poll(now_, events_);
        for (std::size_t i = 0; i < count; ++i) hear(events_[i], far_);
    }
    void hear(const std::variant<BfdEvent, BfdDiscard>& from, const BfdSessions& sessions) {
        const auto* event = std::get_if<BfdEvent>(&from);
        if (event == nullptr || !event->outcome.packet) return;
        const Bytes bytes = write_bfd(*event->outcome.packet);
        const BfdPeer peer = sessions.peer(event->session);
        const std::uint64_t start = __rdtsc();
        const auto received = near_.receive(bytes, peer, kBfdTtl, now_);
        cycles += __rdtsc() - start;
        ++packets;
        const auto* reply = std::get_if<BfdEvent>(&received);
        if (reply == nullptr || !reply->outcome.packet) return;
        benchmark::DoNotOptimize(
            far_.receive(write_bfd(*reply->outcome.packet), peer, kBfdTtl, now_));
    }

    std::uint64_t now_ = 0;
    BfdSessions near_;
    BfdSessions far_;
    std::array<BfdEvent, 64> events_{};
    std::array<Bytes, 64> written_{};
};

void sessions(benchmark::State& state) {
    const auto count = static_cast<std::uint32_t>(state.range(0));
    const auto interval_us = static_cast<std::uint32_t>(state.range(1));
    Wire wire(count, interval_us);
    std::uint64_t seconds = 0;
    for (auto _ : state) {
        wire.run(kSecond);
        ++seconds;
    }
    if (wire.up() != count) state.SkipWithError("a session is not up");
    const auto tsc = static_cast<double>(wire.cycles);
    state.counters["tsc_session_s"] = tsc / static_cast<double>(seconds * count);
    state.counters["tsc_packet"] = tsc / static_cast<double>(wire.packets);
    if (wire.idle_polls == 0) return;
    state.counters["tsc_idle_poll"] =
        static_cast<double>(wire.idle_cycles) / static_cast<double>(wire.idle_polls);
}
BENCHMARK(sessions)
    ->ArgNames({"sessions", "interval_us"})
    ->Args({2'000, 300'000})
    ->Args({2'000, 10'000})
    ->Args({16, 10'000})
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace causeway::perf

BENCHMARK_MAIN();
