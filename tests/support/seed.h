// SPDX-License-Identifier: Apache-2.0
//
// Seed: where the random numbers of a property test come from. A failing test prints its seed;
// CAUSEWAY_SEED=that repeats it, CAUSEWAY_EFFORT=10 tries ten times as hard.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>

namespace causeway::test {

[[nodiscard]] inline std::uint64_t seed_of_this_run() {
    static const std::uint64_t seed = [] {
        const char* const given = std::getenv("CAUSEWAY_SEED");
        return given != nullptr ? std::strtoull(given, nullptr, 0) : std::random_device{}();
    }();
    return seed;
}

// How often a property is tried: `usual` times, or as many times more as CAUSEWAY_EFFORT says.
[[nodiscard]] inline std::size_t rounds(std::size_t usual) {
    const char* const effort = std::getenv("CAUSEWAY_EFFORT");
    return effort != nullptr ? usual * std::strtoull(effort, nullptr, 0) : usual;
}

// A generator for one test; while it lives, a failed expectation says how to repeat it.
class SeededRandom {
  public:
    using result_type = std::mt19937_64::result_type;

    SeededRandom() : engine_(seed_of_this_run()) {
        ::testing::Test::RecordProperty("seed", std::to_string(seed_of_this_run()));
    }
    [[nodiscard]] static constexpr result_type min() { return std::mt19937_64::min(); }
    [[nodiscard]] static constexpr result_type max() { return std::mt19937_64::max(); }
    result_type operator()() { return engine_(); }
    // Uniform in [0, bound).
    [[nodiscard]] std::uint64_t below(std::uint64_t bound) { return engine_() % bound; }

  private:
    std::mt19937_64 engine_;
    ::testing::ScopedTrace trace_{__FILE__, __LINE__,
                                  "CAUSEWAY_SEED=" + std::to_string(seed_of_this_run())};
};

}  // namespace causeway::test
