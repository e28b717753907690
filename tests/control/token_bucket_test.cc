// SPDX-License-Identifier: Apache-2.0
#include "control/slow_path/token_bucket.h"

#include <gtest/gtest.h>

#include "tests/support/seed.h"

namespace causeway::test {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;

unsigned taken(TokenBucket& bucket, std::uint64_t now_ns, TokenRate rate, unsigned tries) {
    unsigned count = 0;
    for (unsigned i = 0; i < tries; ++i) count += bucket.take(now_ns, rate) ? 1 : 0;
    return count;
}

TEST(TokenBucket, begins_full_whatever_the_clock_says) {
    for (const std::uint64_t now : {std::uint64_t{0}, kSecond, UINT64_MAX}) {
        TokenBucket bucket;
        EXPECT_EQ(taken(bucket, now, {.per_second = 1, .burst = 7}, 100), 7U);
    }
}

TEST(TokenBucket, fills_at_its_rate_and_no_further_than_its_burst) {
    constexpr TokenRate kRate{.per_second = 10, .burst = 5};
    TokenBucket bucket;
    std::uint64_t now = 5 * kSecond;
    EXPECT_EQ(taken(bucket, now, kRate, 100), 5U);
    EXPECT_EQ(taken(bucket, now += kSecond / 10 - 1, kRate, 100), 0U);
    EXPECT_EQ(taken(bucket, now += 1, kRate, 100), 1U);
    EXPECT_EQ(taken(bucket, now += 3 * kSecond / 10, kRate, 100), 3U);
    EXPECT_EQ(taken(bucket, now += 1'000'000 * kSecond, kRate, 100), 5U);
}

TEST(TokenBucket, of_nothing_gives_nothing) {
    TokenBucket no_burst;
    EXPECT_EQ(taken(no_burst, kSecond, {.per_second = 1'000, .burst = 0}, 10), 0U);
    TokenBucket no_rate;
    EXPECT_EQ(taken(no_rate, 0, {.per_second = 0, .burst = 2}, 10), 2U);
    EXPECT_EQ(taken(no_rate, 1'000'000 * kSecond, {.per_second = 0, .burst = 2}, 10), 0U);
}

TEST(TokenBucket, no_rate_and_no_pause_overflow) {
    // 2^33 ns times 2^31 tokens a second is 2^64: nothing, where it wraps.
    constexpr TokenRate kRate{.per_second = 1U << 31, .burst = 10};
    TokenBucket bucket;
    EXPECT_EQ(taken(bucket, 0, kRate, 100), 10U);
    EXPECT_EQ(taken(bucket, std::uint64_t{1} << 33, kRate, 100), 10U);

    constexpr TokenRate kLargest{.per_second = UINT32_MAX, .burst = UINT32_MAX};
    TokenBucket large;
    EXPECT_EQ(taken(large, 0, kLargest, 1'000), 1'000U);
    EXPECT_EQ(taken(large, UINT64_MAX / 2, kLargest, 1'000), 1'000U);
}

// However the asking is spread over time, it gives what burst and rate say, to the token.
TEST(TokenBucketProperty, loses_no_fraction) {
    SeededRandom random;
    for (std::size_t i = 0; i < rounds(200); ++i) {
        const TokenRate rate{.per_second = static_cast<std::uint32_t>(1 + random.below(5'000)),
                             .burst = static_cast<std::uint32_t>(2 + random.below(50))};
        TokenBucket bucket;
        const std::uint64_t start = random.below(kSecond);
        std::uint64_t now = start;
        std::uint64_t given = taken(bucket, now, rate, rate.burst + 10);
        // Asked often enough that it is never full, so that nothing is forgone: less than one is
        // left each time, and at most one comes until the next.
        while (now - start < 3 * kSecond) {
            now += 1 + random.below(kSecond / rate.per_second);
            given += taken(bucket, now, rate, rate.burst + 10);
        }
        ASSERT_EQ(given, rate.burst + (now - start) * rate.per_second / kSecond);
    }
}

}  // namespace
}  // namespace causeway::test
