// SPDX-License-Identifier: Apache-2.0
//
// The policer on a virtual clock, against a bucket of real numbers.
#include "dataplane/policer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <thread>
#include <vector>

#include "tests/support/seed.h"

namespace causeway::test {
namespace {

constexpr std::uint64_t kHz = 2'100'000'000;

// A token bucket as a book draws it.
class Model {
  public:
    Model(const PolicerRate& rate, std::uint64_t now) : rate_(rate), now_(now) {
        tokens_ = static_cast<double>(rate.burst_bytes);
    }
    void pass_time(std::uint64_t now) {
        const double seconds = static_cast<double>(now - now_) / static_cast<double>(kHz);
        tokens_ = std::min(static_cast<double>(rate_.burst_bytes),
                           tokens_ + seconds * static_cast<double>(rate_.bytes_per_second));
        now_ = now;
    }
    // How many bytes are there beyond these; negative: they do not fit.
    [[nodiscard]] double room(std::uint64_t bytes) const {
        return tokens_ - static_cast<double>(bytes);
    }
    void take(std::uint64_t bytes) { tokens_ -= static_cast<double>(bytes); }
    void set_rate(const PolicerRate& rate) {
        const double taken = static_cast<double>(rate_.burst_bytes) - tokens_;
        rate_ = rate;
        tokens_ = std::max(0.0, static_cast<double>(rate.burst_bytes) - taken);
    }

  private:
    PolicerRate rate_;
    std::uint64_t now_;
    double tokens_ = 0;
};

PolicerRate random_rate(SeededRandom& random) {
    // 1 Mbit/s to 400 Gbit/s.
    const double exponent = static_cast<double>(random.below(5'600)) / 1'000;
    return {.bytes_per_second = static_cast<std::uint64_t>(125'000 * std::pow(10.0, exponent)),
            .burst_bytes = 9'022 + random.below(200'000)};
}

TEST(Policer, decides_as_the_model_does) {
    SeededRandom random;
    std::size_t refused = 0;
    std::size_t passed = 0;
    for (std::size_t round = 0; round < rounds(50); ++round) {
        PolicerRate rate = random_rate(random);
        std::uint64_t now = random();  // the clock wraps around, too
        Policer policer(kHz, rate, now);
        Model model(rate, now);
        for (int packet = 0; packet < 5'000; ++packet) {
            if (random.below(1'000) == 0) {
                rate = random_rate(random);
                policer.set_rate(rate, now);
                model.set_rate(rate);
            }
            const std::uint64_t bytes = 64 + random.below(1'459);
            // Twice the rate, about, and a pause now and then.
            const double due = static_cast<double>(kHz) * static_cast<double>(bytes) /
                               static_cast<double>(rate.bytes_per_second);
            now += static_cast<std::uint64_t>(due * static_cast<double>(random.below(100)) / 100);
            if (random.below(500) == 0) now += random.below(kHz / 100);
            model.pass_time(now);
            const bool is_in = policer.take(bytes, now);
            ++(is_in ? passed : refused);
            // At the edge, rounding may decide either way.
            if (std::abs(model.room(bytes)) > 64) {
                ASSERT_EQ(is_in, model.room(bytes) > 0) << packet;
            }
            if (is_in) model.take(bytes);
        }
    }
    EXPECT_GT(passed, 10'000U);
    EXPECT_GT(refused, 10'000U);
}

TEST(Policer, is_exact_over_a_second) {
    for (const std::uint64_t mbits : {50ULL, 1'000ULL, 10'000ULL, 100'000ULL, 400'000ULL}) {
        const PolicerRate rate{.bytes_per_second = mbits * 125'000, .burst_bytes = 9'022};
        std::uint64_t now = 1'000'000;
        Policer policer(kHz, rate, now);
        while (policer.take(64, now)) {
        }
        // Twice the rate for a second, in frames of 64 bytes, or of 1,518 where those are too many.
        const std::uint64_t bytes = mbits > 1'000 ? 1'518 : 64;
        const double step = static_cast<double>(kHz) * static_cast<double>(bytes) /
                            static_cast<double>(rate.bytes_per_second) / 2;
        std::uint64_t delivered = 0;
        for (double t = 0; t < static_cast<double>(kHz); t += step) {
            if (policer.take(bytes, now + static_cast<std::uint64_t>(t))) delivered += bytes;
        }
        EXPECT_NEAR(static_cast<double>(delivered) / static_cast<double>(rate.bytes_per_second), 1,
                    0.002)
            << mbits;
    }
}

// The slowest rate with the largest burst: its time must not wrap.
TEST(Policer, holds_a_burst_of_years_at_fifty_days) {
    std::uint64_t now = 1'000'000;
    Policer policer(kHz, {.bytes_per_second = 125, .burst_bytes = 10'000'000'000}, now);
    const std::uint64_t days_50 = (std::uint64_t{1} << 61) / 256 / kHz * 125;
    ASSERT_LT(days_50, 10'000'000'000U);
    EXPECT_TRUE(policer.take(days_50 - 1'000, now));
    EXPECT_FALSE(policer.take(2'000, now));
}

// What a document may ask for at the least: its price must not overflow.
TEST(Policer, holds_a_byte_a_second) {
    std::uint64_t now = 1'000'000;
    Policer policer(kHz, {.bytes_per_second = 1, .burst_bytes = 10'000}, now);
    EXPECT_FALSE(policer.take(10'001, now));
    EXPECT_TRUE(policer.take(10'000, now));
    now += 1'000 * kHz;
    EXPECT_FALSE(policer.take(1'001, now));
    EXPECT_TRUE(policer.take(999, now));
    EXPECT_FALSE(policer.take(10, now));
    policer.set_rate({.bytes_per_second = 1'000'000, .burst_bytes = 10'000}, now);
    EXPECT_FALSE(policer.take(1'100, now));
    EXPECT_TRUE(policer.take(1'000, now + kHz / 1'000));
}

TEST(Policer, lets_a_burst_of_its_size_pass_whenever_it_was_idle) {
    const PolicerRate rate{.bytes_per_second = 6'250'000, .burst_bytes = 100 * 1'518};
    std::uint64_t now = 5;
    Policer policer(kHz, rate, now);
    for (const std::uint64_t idle : {kHz, kHz * 60 * 60 * 24 * 300, kHz * 60 * 60 * 24 * 600}) {
        now += idle;  // a year and more of silence
        for (int k = 0; k < 100; ++k) ASSERT_TRUE(policer.take(1'518, now)) << k;
        EXPECT_FALSE(policer.take(1'518, now));
    }
}

TEST(Policer, a_clock_a_little_behind_gives_nothing_away) {
    const PolicerRate rate{.bytes_per_second = 1'000'000, .burst_bytes = 10'000};
    const std::uint64_t now = 123'456'789;
    Policer policer(kHz, rate, now);
    EXPECT_TRUE(policer.take(10'000, now));
    EXPECT_FALSE(policer.take(64, now - 5'000));
}

TEST(Policer, a_new_rate_keeps_what_was_taken) {
    const std::uint64_t now = 1'000;
    Policer policer(kHz, {.bytes_per_second = 1'000'000, .burst_bytes = 10'000}, now);
    EXPECT_TRUE(policer.take(6'000, now));
    policer.set_rate({.bytes_per_second = 2'000'000, .burst_bytes = 10'000}, now);
    EXPECT_FALSE(policer.take(4'100, now));
    EXPECT_TRUE(policer.take(3'900, now));
    policer.set_rate({.bytes_per_second = 2'000'000, .burst_bytes = 20'000}, now);
    EXPECT_FALSE(policer.take(10'200, now));
    EXPECT_TRUE(policer.take(9'900, now));
    policer.set_rate({.bytes_per_second = 2'000'000, .burst_bytes = 5'000}, now);
    EXPECT_FALSE(policer.take(64, now));
    EXPECT_TRUE(policer.take(4'900, now + kHz / 400));  // 2.5 ms: 5,000 bytes
}

TEST(Policer, one_level_takes_nothing_that_the_other_refuses) {
    const std::uint64_t now = 1'000;
    Policer peering(kHz, {.bytes_per_second = 1'000'000, .burst_bytes = 10'000}, now);
    Policer circuit(kHz, {.bytes_per_second = 1'000'000, .burst_bytes = 4'000}, now);
    const PolicerPair pair{.peering = &peering, .circuit = &circuit};
    EXPECT_EQ(pair.refused_by(5'000, now), &circuit);
    EXPECT_EQ(pair.refused_by(4'000, now), nullptr);
    EXPECT_EQ((PolicerPair{.peering = &peering}).refused_by(5'990, now), nullptr);
    EXPECT_EQ((PolicerPair{.peering = &peering}).refused_by(64, now), &peering);
    EXPECT_EQ(PolicerPair{}.refused_by(1'000'000, now), nullptr);
}

TEST(Policer, workers_share_it_exactly) {
    constexpr unsigned kWorkers = 4;
    constexpr std::uint64_t kStep = 1'000;  // ticks between two packets
    constexpr std::uint64_t kPackets = 400'000;
    constexpr std::uint64_t kBytes = 1'000;
    const PolicerRate rate{.bytes_per_second = 500'000'000, .burst_bytes = 100'000};
    Policer policer(kHz, rate, 0);
    std::atomic<std::uint64_t> clock{0};
    std::atomic<std::uint64_t> delivered{0};
    std::vector<std::thread> workers;
    for (unsigned worker = 0; worker < kWorkers; ++worker) {
        workers.emplace_back([&] {
            std::uint64_t own = 0;
            for (std::uint64_t k = 0; k < kPackets / kWorkers; ++k) {
                if (policer.take(kBytes, clock.fetch_add(kStep) + kStep)) own += kBytes;
            }
            delivered += own;
        });
    }
    for (std::thread& worker : workers) worker.join();
    // Offered is about four times the rate.
    const double seconds = static_cast<double>(clock) / static_cast<double>(kHz);
    const double granted = seconds * static_cast<double>(rate.bytes_per_second);
    EXPECT_LE(static_cast<double>(delivered), granted + static_cast<double>(rate.burst_bytes));
    EXPECT_GE(static_cast<double>(delivered), 0.99 * granted);
}

// Voice at 5 % of the rate beside twice the rate of other traffic, for ten seconds: no voice is
// lost, and both together are the rate, to a hundredth.
TEST(PolicePlan, what_is_expedited_passes_and_is_paid_for_by_the_rest) {
    constexpr PolicerRate kRate{.bytes_per_second = 6'250'000, .burst_bytes = 125'000};
    constexpr PolicerRate kVoice{.bytes_per_second = 625'000, .burst_bytes = 12'500};
    constexpr std::uint64_t kSeconds = 10;
    Policer rest(kHz, kRate, 0);
    Policer voice(kHz, kVoice, 0);
    PolicePlan plan;
    plan.rest = {nullptr, &rest};
    plan.expedited = {nullptr, &voice, &plan.rest};
    std::uint64_t passed = 0;
    std::uint64_t voice_lost = 0;
    const auto offer = [&](const PolicerPair& pair, std::uint64_t bytes, std::uint64_t now) {
        const bool passes = pair.refused_by(bytes, now) == nullptr;
        passed += passes ? bytes : 0;
        return passes;
    };
    // A voice packet of 200 bytes each 640 us, and 1,000 bytes each 80 us.
    const std::uint64_t step = kHz / 12'500;
    for (std::uint64_t k = 0; k < 12'500 * kSeconds; ++k) {
        if (k % 8 == 0) voice_lost += !offer(plan.expedited, 200, k * step);
        (void)offer(plan.rest, 1'000, k * step);
    }
    EXPECT_EQ(voice_lost, 0U);
    const double rate = static_cast<double>(passed) / kSeconds;
    EXPECT_NEAR(rate, 6'250'000.0, 62'500.0);
}

}  // namespace
}  // namespace causeway::test
