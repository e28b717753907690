// SPDX-License-Identifier: Apache-2.0
//
// Steering against a Toeplitz hash by its definition.
#include "nat/steering.h"

#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "tests/nat/nat_bed.h"
#include "tests/support/seed.h"

namespace causeway {
namespace {

using test::kRssKey;
using test::turns;

// Microsoft's "Verifying the RSS Hash Calculation": each set bit of the input, from the first on,
// adds the 32 bits of the key that begin at its place.
std::uint32_t toeplitz(const std::vector<std::uint8_t>& input) {
    std::uint32_t hash = 0;
    for (std::size_t bit = 0; bit < input.size() * 8; ++bit) {
        if ((input[bit / 8] >> (7 - bit % 8) & 1) == 0) continue;
        for (std::size_t i = 0; i < 32; ++i) {
            const std::size_t at = bit + i;
            hash ^= static_cast<std::uint32_t>(kRssKey[at / 8] >> (7 - at % 8) & 1) << (31 - i);
        }
    }
    return hash;
}

std::uint32_t hash_of(Endpoint source, Endpoint destination, NatProtocol protocol) {
    std::vector<std::uint8_t> input;
    for (const Endpoint& end : {source, destination}) {
        for (int shift = 24; shift >= 0; shift -= 8) {
            input.push_back(static_cast<std::uint8_t>(end.address.value() >> shift));
        }
    }
    if (protocol == NatProtocol::kIcmp) return toeplitz(input);
    for (const Endpoint& end : {source, destination}) {
        input.push_back(static_cast<std::uint8_t>(end.port >> 8));
        input.push_back(static_cast<std::uint8_t>(end.port));
    }
    return toeplitz(input);
}

Endpoint any(test::SeededRandom& random) {
    return {Ipv4Address(static_cast<std::uint32_t>(random())),
            static_cast<std::uint16_t>(random())};
}

class SteeringOf : public ::testing::TestWithParam<std::size_t> {};

TEST_P(SteeringOf, names_the_worker_that_toeplitz_names) {
    test::SeededRandom random;
    const auto table = turns(128, GetParam());
    const Steering steering = Steering::toeplitz(kRssKey, table).value();
    for (std::size_t i = 0; i < test::rounds(20'000); ++i) {
        const Endpoint a = any(random);
        const Endpoint b = any(random);
        const auto protocol = static_cast<NatProtocol>(random.below(3));
        ASSERT_EQ(steering.worker_of(protocol, a, b), table[hash_of(a, b, protocol) % 128]);
        ASSERT_EQ(steering.worker_of(protocol, a, b), steering.worker_of(protocol, b, a));
    }
}

TEST_P(SteeringOf, endpoints_of_a_kind_share_the_worker_for_every_remote) {
    test::SeededRandom random;
    const Steering steering = Steering::toeplitz(kRssKey, turns(128, GetParam())).value();
    for (std::size_t i = 0; i < test::rounds(2'000); ++i) {
        const Endpoint inside = any(random);
        Endpoint outside = any(random);
        const auto first = static_cast<std::uint16_t>(outside.port & ~63U);
        const std::uint64_t ports =
            steering.ports_of_kind(steering.kind_of(inside), outside.address, first);
        for (std::uint16_t k = 0; k < 64; ++k) {
            outside.port = static_cast<std::uint16_t>(first + k);
            const bool is_of_kind = (ports >> k & 1) != 0;
            ASSERT_EQ(is_of_kind, steering.kind_of(outside) == steering.kind_of(inside));
            if (!is_of_kind) continue;
            for (int remotes = 0; remotes < 8; ++remotes) {
                const Endpoint remote = any(random);
                ASSERT_EQ(steering.worker_of(NatProtocol::kTcp, inside, remote),
                          steering.worker_of(NatProtocol::kTcp, outside, remote));
            }
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Workers, SteeringOf, ::testing::Values(1, 2, 3, 4, 5, 8, 16));

TEST(Steering, kinds_are_as_few_as_the_workers_allow) {
    EXPECT_EQ(Steering::toeplitz(kRssKey, turns(128, 1)).value().kinds(), 1U);
    EXPECT_EQ(Steering::toeplitz(kRssKey, turns(128, 2)).value().kinds(), 2U);
    EXPECT_EQ(Steering::toeplitz(kRssKey, turns(128, 8)).value().kinds(), 8U);
    EXPECT_EQ(Steering::toeplitz(kRssKey, turns(128, 3)).value().kinds(), 128U);
    EXPECT_EQ(Steering::to(WorkerId(5)).kinds(), 1U);
}

TEST(Steering, refuses_keys_that_treat_the_directions_differently) {
    std::array<std::uint8_t, 52> key = kRssKey;
    key[5] ^= 1;
    EXPECT_FALSE(Steering::toeplitz(key, turns(128, 2)).has_value());
    EXPECT_FALSE(Steering::toeplitz(kRssKey, turns(127, 2)).has_value());
    EXPECT_FALSE(Steering::toeplitz(std::span(kRssKey).first(15), turns(128, 2)).has_value());
}

}  // namespace
}  // namespace causeway
