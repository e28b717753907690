// SPDX-License-Identifier: Apache-2.0
//
// A hash with a secret: who sends packets chooses keys, and must not choose their buckets.
#pragma once

#include <cstdint>

#include "base/types.h"

namespace causeway {

// Of a table; random, or fixed in a test that repeats itself.
struct HashSecret {
    std::uint64_t first = 0x243f'6a88'85a3'08d3U;  // digits of pi where nobody is hostile
    std::uint64_t second = 0x1319'8a2e'0370'7344U;
};

// Both halves of a product, twice: each bit of the result depends on all bits of both words.
[[nodiscard]] constexpr std::uint64_t keyed_hash(std::uint64_t a, std::uint64_t b,
                                                 const HashSecret& secret) noexcept {
    const Uint128 product = Uint128{a ^ secret.first} * (b ^ secret.second);
    const std::uint64_t folded =
        static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
    const Uint128 again = Uint128{folded} * 0x9e37'79b9'7f4a'7c15U;
    return static_cast<std::uint64_t>(again) ^ static_cast<std::uint64_t>(again >> 64);
}

// A number below `count` by 32 bits of a hash, without a division and for any count.
[[nodiscard]] constexpr std::uint32_t scaled(std::uint32_t hash, std::uint32_t count) noexcept {
    return static_cast<std::uint32_t>(std::uint64_t{hash} * count >> 32);
}

}  // namespace causeway
