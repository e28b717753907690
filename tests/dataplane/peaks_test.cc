// SPDX-License-Identifier: Apache-2.0
//
// Peaks of what workers hand over: against a sum by window that forgets nothing.
#include "dataplane/peaks.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <thread>

#include "dataplane/counters.h"
#include "tests/support/seed.h"

namespace causeway::test {
namespace {

void count(Counters& worker, AttachmentId row, std::uint32_t bytes) {
    worker.count_rx(row, 1, bytes);
    worker.settle_peaks();
}

// Time passes for both workers alike; each hands over when it next counts.
TEST(Peaks, are_those_of_all_workers_together) {
    SeededRandom random;
    Peaks peaks;
    Counters first(&peaks);
    Counters second(&peaks);
    const std::array workers{&first, &second};
    const AttachmentId row(20);
    std::map<std::uint32_t, std::uint32_t> by_1ms;
    std::map<std::uint32_t, std::uint32_t> by_10ms;
    std::uint32_t window = 1'000;
    for (std::size_t round = 0; round < rounds(20'000); ++round) {
        if (random.below(20) == 0) ++window;
        // No worker rests for as long as the slots reach back.
        for (Counters* const worker : workers) {
            worker->set_window(window);
            const auto bytes = static_cast<std::uint32_t>(random.below(1'500));
            count(*worker, row, bytes);
            by_1ms[window] += bytes;
            by_10ms[window / 10] += bytes;
        }
    }
    ++window;
    for (Counters* const worker : workers) {
        worker->set_window(window);
        count(*worker, row, 0);
    }
    const auto most = [](const auto& sums) {
        return std::ranges::max_element(sums, {}, [](const auto& s) { return s.second; })->second;
    };
    const Peak::Bytes peak = peaks.of(row).rx.read();
    EXPECT_EQ(peak.in_1ms, most(by_1ms));
    EXPECT_EQ(peak.in_10ms, most(by_10ms));
    EXPECT_EQ(peaks.of(row).tx.read().in_1ms, 0U);
}

TEST(Peaks, who_hands_over_late_is_compared_alone) {
    Peak peak;
    peak.add(100, 500);
    peak.add(104, 300);
    peak.add(100, 700);  // its slot has gone on
    EXPECT_EQ(peak.read().in_1ms, 700U);
}

TEST(Peaks, survive_two_writers) {
    Peak peak;
    const auto add = [&peak] {
        for (std::uint32_t window = 0; window < 10'000; ++window) peak.add(window / 100, 1);
    };
    std::thread other(add);
    add();
    other.join();
    EXPECT_LE(peak.read().in_1ms, 200U);
    EXPECT_GE(peak.read().in_1ms, 100U);
}

TEST(Peaks, windows_are_milliseconds) {
    const WindowClock clock(2'500'000'000);
    EXPECT_EQ(clock.window_of(2'500'000 * 7 - 10), 6U);
    EXPECT_EQ(clock.window_of(2'500'000 * 7 + 10), 7U);
    EXPECT_EQ(clock.window_of(std::uint64_t{2'500'000} * 86'400'000 + 100), 86'400'000U);
}

}  // namespace
}  // namespace causeway::test
