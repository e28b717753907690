// SPDX-License-Identifier: Apache-2.0
//
// The Internet checksum: RFC 1071 (sum), RFC 1624 (update of one field).
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace causeway {

// Folds a sum of 16-bit words into one, in one's complement.
[[nodiscard]] constexpr std::uint16_t checksum_fold(std::uint64_t sum) noexcept {
    sum = (sum & 0xffffffffU) + (sum >> 32);
    sum = (sum & 0xffffU) + (sum >> 16);
    sum = (sum & 0xffffU) + (sum >> 16);
    sum = (sum & 0xffffU) + (sum >> 16);
    return static_cast<std::uint16_t>(sum);
}

// Sum of the bytes as 16-bit words in wire order; an odd byte counts as if a zero followed.
[[nodiscard]] inline std::uint64_t checksum_sum(std::span<const std::uint8_t> bytes,
                                                std::uint64_t sum = 0) noexcept {
    std::size_t i = 0;
    for (; i + 4 <= bytes.size(); i += 4) {
        std::uint32_t word;
        std::memcpy(&word, bytes.data() + i, 4);
        sum += word;
    }
    for (; i + 2 <= bytes.size(); i += 2) {
        std::uint16_t word;
        std::memcpy(&word, bytes.data() + i, 2);
        sum += word;
    }
    if (i < bytes.size()) sum += bytes[i];  // little endian: the byte is the low half of its word
    return sum;
}

// The checksum to store, in wire order, over bytes whose checksum field is zero.
[[nodiscard]] inline std::uint16_t checksum_of(std::span<const std::uint8_t> bytes) noexcept {
    return static_cast<std::uint16_t>(~checksum_fold(checksum_sum(bytes)));
}

// RFC 1624 eqn. 3: HC' = ~(~HC + ~m + m'), in one's complement, so carries are added back in.
// Any byte order will do as long as all three arguments share it (RFC 1071 2 (B)).
[[nodiscard]] constexpr std::uint16_t checksum_replace(std::uint16_t checksum, std::uint16_t before,
                                                       std::uint16_t after) noexcept {
    std::uint32_t sum = 0xffffU ^ checksum;
    sum += 0xffffU ^ before;
    sum += after;
    sum = (sum & 0xffffU) + (sum >> 16);  // at most 0x1fffe: one more fold is enough
    sum = (sum & 0xffffU) + (sum >> 16);
    return static_cast<std::uint16_t>(~sum);
}
// RFC 1624 4: the example in which the older formula of RFC 1141 yields 0xffff.
static_assert(checksum_replace(0xdd2f, 0x5555, 0x3285) == 0x0000);

}  // namespace causeway
