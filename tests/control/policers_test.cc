// SPDX-License-Identifier: Apache-2.0
//
// Circuits that are held to their bandwidth, in virtual time: what tolerance lets pass, and that a
// change of rate under traffic neither gives nor takes a burst.
#include "control/policy/policers.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>
#include <vector>

namespace causeway::test {
namespace {

constexpr std::uint64_t kHz = 1'000'000'000;
constexpr std::uint64_t kMillisecond = kHz / 1'000;
constexpr std::uint64_t kMbps = 1'000'000;
constexpr std::uint64_t kFrameBytes = 1'000;
constexpr BurstSize kFixedBurst{.count = 50'000, .unit = BurstSize::Unit::kBytes};

// One circuit, and the policer of one of its links and directions.
class PolicersTest : public testing::Test {
  protected:
    Policer& adopt(std::uint64_t bits_per_second, const PolicingConfig& policing) {
        CircuitConfig circuit;
        circuit.name = "contoso";
        circuit.bandwidth_bps = bits_per_second;
        circuit.policing = policing;
        policers_.adopt(std::vector{circuit}, now_);
        return *state().policer;
    }
    [[nodiscard]] const PolicerState& state() const {
        return policers_.all().at({.circuit = "contoso", .peering = {}});
    }
    // Bytes that pass of a steady flow of frames; meanwhile the control thread ticks.
    std::uint64_t passed(std::uint64_t bits_per_second, std::uint64_t milliseconds) {
        Policer& policer = *state().policer;
        const std::uint64_t end = now_ + milliseconds * kMillisecond;
        std::uint64_t next_tick = now_;
        std::uint64_t bytes = 0;
        for (; now_ < end; now_ += kHz * kFrameBytes * 8 / bits_per_second) {
            if (now_ >= next_tick) {
                policers_.tick(now_, now_);
                next_tick += 20 * kMillisecond;
            }
            ++offered_;
            if (policer.take(kFrameBytes, now_)) {
                bytes += kFrameBytes;
                ++passed_;
            } else {
                policer.count_drop(kFrameBytes);
            }
        }
        now_ = end;
        return bytes;
    }
    static std::uint64_t bytes_of(std::uint64_t bits_per_second, std::uint64_t milliseconds) {
        return bits_per_second / 8'000 * milliseconds;
    }

    Policers policers_{kHz};
    std::uint64_t now_ = kHz;
    std::uint64_t offered_ = 0;
    std::uint64_t passed_ = 0;
};

// A circuit of 50 Mbps and 20 %: 57.5 Mbps pass, of 65 Mbps only 50.
TEST_F(PolicersTest, what_exceeds_the_tolerance_is_held_to_the_rate) {
    const Policer& policer = adopt(
        50 * kMbps,
        {.burst = {.count = 5, .unit = BurstSize::Unit::kMilliseconds}, .tolerance_percent = 20});
    const double bytes = 2.0 * 50e6 / 8;
    EXPECT_NEAR(double(passed(57'500'000, 2'000)), 1.15 * bytes, 0.01 * bytes);
    EXPECT_EQ(policer.dropped_packets(), 0U);
    (void)passed(65 * kMbps, 2'000);
    EXPECT_NEAR(double(passed(65 * kMbps, 2'000)), bytes, 0.01 * bytes);
    // Who keeps to the rate for a second is forgiven.
    (void)passed(40 * kMbps, 2'000);
    EXPECT_NEAR(double(passed(57'500'000, 2'000)), 1.15 * bytes, 0.01 * bytes);
}

TEST_F(PolicersTest, who_is_held_stays_so_over_a_change_of_rate_and_who_is_forgiven_does) {
    const PolicingConfig policing{.burst = kFixedBurst, .tolerance_percent = 20};
    (void)adopt(50 * kMbps, policing);
    (void)passed(100 * kMbps, 100);
    EXPECT_TRUE(state().is_held);
    (void)adopt(80 * kMbps, policing);
    EXPECT_TRUE(state().is_held);
    const double bytes = 80e6 / 80;
    EXPECT_NEAR(double(passed(160 * kMbps, 100)), bytes, 0.01 * bytes);
    (void)passed(40 * kMbps, 2'000);
    EXPECT_FALSE(state().is_held);
    (void)adopt(50 * kMbps, policing);  // its old drops are no new ones
    EXPECT_NEAR(double(passed(57'500'000, 1'000)), double(bytes_of(57'500'000, 1'000)),
                2.0 * kFrameBytes);
    EXPECT_FALSE(state().is_held);
}

// Twice the highest rate is offered throughout, so the bucket is empty whenever its rate changes.
TEST_F(PolicersTest, a_change_of_rate_under_traffic_gives_and_takes_no_burst) {
    const PolicingConfig policing{.burst = kFixedBurst};
    const Policer& policer = adopt(50 * kMbps, policing);
    std::uint64_t burst = kFixedBurst.count;  // it is full at first
    for (const std::uint64_t mbps : {50U, 100U, 20U, 80U, 100U, 50U, 51U}) {
        EXPECT_EQ(&adopt(mbps * kMbps, policing), &policer);
        const std::uint64_t expected = bytes_of(mbps * kMbps, 100) + burst;
        EXPECT_NEAR(double(passed(200 * kMbps, 100)), double(expected), 2.0 * kFrameBytes) << mbps;
        EXPECT_EQ(policer.dropped_packets(), offered_ - passed_);
        EXPECT_EQ(policer.dropped_bytes(), (offered_ - passed_) * kFrameBytes);
        burst = 0;
    }
}

TEST_F(PolicersTest, a_thousand_changes_add_up_to_nothing) {
    const PolicingConfig policing{.burst = kFixedBurst};
    (void)adopt(50 * kMbps, policing);
    std::uint64_t bytes = 0;
    for (int change = 0; change < 1'000; ++change) {
        (void)adopt((change % 2 == 0 ? 100 : 50) * kMbps, policing);
        bytes += passed(200 * kMbps, 1);
    }
    const double expected = double(bytes_of(75 * kMbps, 1'000) + kFixedBurst.count);
    EXPECT_NEAR(double(bytes), expected, 0.001 * expected);
}

// A burst of milliseconds grows and shrinks with the rate: what it grows by is there at once, and
// no more.
TEST_F(PolicersTest, a_burst_that_grows_grants_what_it_grows_by) {
    const PolicingConfig policing{};  // of 20 ms
    (void)adopt(50 * kMbps, policing);
    (void)passed(200 * kMbps, 500);
    (void)adopt(100 * kMbps, policing);
    const std::uint64_t growth = bytes_of(50 * kMbps, 20);
    EXPECT_NEAR(double(passed(200 * kMbps, 100)), double(bytes_of(100 * kMbps, 100) + growth),
                2.0 * kFrameBytes);
    (void)adopt(50 * kMbps, policing);
    EXPECT_NEAR(double(passed(200 * kMbps, 100)), double(bytes_of(50 * kMbps, 100)),
                2.0 * kFrameBytes);
}

// Who was silent has his burst before and after, once.
TEST_F(PolicersTest, a_full_bucket_stays_full) {
    const PolicingConfig policing{.burst = kFixedBurst};
    Policer& policer = adopt(50 * kMbps, policing);
    for (const std::uint64_t mbps : {100U, 20U, 80U}) {
        now_ += kHz;
        (void)adopt(mbps * kMbps, policing);
        EXPECT_TRUE(policer.take(kFixedBurst.count, now_));
        (void)adopt(mbps * kMbps + 8, policing);
        EXPECT_FALSE(policer.take(64, now_));
    }
}

TEST_F(PolicersTest, a_class_keeps_its_bucket_and_its_drops) {
    const auto adopt_class = [this](std::uint64_t bits_per_second) {
        const PolicerClassConfig video{
            .name = "video", .bandwidth_bps = bits_per_second, .burst = kFixedBurst};
        policers_.adopt(std::vector{video}, now_);
    };
    adopt_class(50 * kMbps);
    Policer& policer = *policers_.classes().at({"video", Direction::kOut}).policer;
    EXPECT_TRUE(policer.take(30'000, now_));
    policer.count_drop(1'500);
    adopt_class(10 * kMbps);
    EXPECT_EQ(policers_.classes().at({"video", Direction::kOut}).policer.get(), &policer);
    EXPECT_FALSE(policer.take(20'100, now_));
    EXPECT_TRUE(policer.take(19'900, now_));
    EXPECT_EQ(policer.dropped_packets(), 1U);
    EXPECT_EQ(policer.dropped_bytes(), 1'500U);
}

// Workers go on taking while the control thread changes the rate. A change that they meet half done
// may cost or grant a burst, and no more; nothing is counted twice or not at all. Rates are high,
// so that a thread that is put aside does not fall behind the virtual clock by a second.
TEST_F(PolicersTest, workers_go_on_while_the_rate_changes) {
    constexpr std::uint64_t kLow = 40'000 * kMbps;
    constexpr std::uint64_t kHigh = 100'000 * kMbps;
    constexpr std::uint64_t kStep = kHz * kFrameBytes * 8 / (2 * kHigh);
    constexpr int kChanges = 50;
    const PolicingConfig policing{.burst = kFixedBurst};
    Policer& policer = adopt(kLow, policing);
    const std::uint64_t start = now_;
    std::atomic<std::uint64_t> clock{start}, through{0}, offered{0};
    std::atomic<bool> stop{false};
    std::vector<std::thread> workers;
    for (int worker = 0; worker < 2; ++worker) {
        workers.emplace_back([&] {
            while (!stop.load(std::memory_order_relaxed)) {
                offered.fetch_add(1, std::memory_order_relaxed);
                if (policer.take(kFrameBytes, clock.fetch_add(kStep) + kStep)) {
                    through.fetch_add(1, std::memory_order_relaxed);
                } else {
                    policer.count_drop(kFrameBytes);
                }
            }
        });
    }
    for (int change = 0; change < kChanges; ++change) {
        const std::uint64_t before = through.load();
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        while (through.load() == before) std::this_thread::yield();  // packets go on
        now_ = clock.load();
        EXPECT_EQ(&adopt(change % 2 == 0 ? kHigh : kLow, policing), &policer);
    }
    stop = true;
    for (std::thread& worker : workers) worker.join();
    const double seconds = double(clock.load() - start) / double(kHz);
    const double bursts = double(kFixedBurst.count) * (kChanges + 1);
    const double bytes = double(through.load() * kFrameBytes);
    EXPECT_LE(bytes, seconds * double(kHigh) / 8 + bursts);
    EXPECT_GE(bytes, 0.99 * seconds * double(kLow) / 8 - 3 * bursts);
    EXPECT_EQ(policer.dropped_packets(), offered.load() - through.load());
    EXPECT_EQ(policer.dropped_bytes(), policer.dropped_packets() * kFrameBytes);
}

}  // namespace
}  // namespace causeway::test
