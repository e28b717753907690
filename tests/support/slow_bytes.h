// SPDX-License-Identifier: Apache-2.0
//
// Numbers out of the bytes of a frame, in network order; std::vector::at() watches its ends.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/types.h"

namespace causeway::test {

[[nodiscard]] inline std::uint16_t word_at(const std::vector<std::uint8_t>& bytes,
                                           std::size_t offset) {
    return static_cast<std::uint16_t>(bytes.at(offset) << 8 | bytes.at(offset + 1));
}

[[nodiscard]] inline std::uint32_t address_at(const std::vector<std::uint8_t>& bytes,
                                              std::size_t offset) {
    return std::uint32_t{word_at(bytes, offset)} << 16 | word_at(bytes, offset + 2);
}

[[nodiscard]] inline Ipv4Address ipv4_at(const std::vector<std::uint8_t>& bytes,
                                         std::size_t offset) {
    return Ipv4Address(address_at(bytes, offset));
}

[[nodiscard]] inline Ipv6Address ipv6_at(const std::vector<std::uint8_t>& bytes,
                                         std::size_t offset) {
    Uint128 value = 0;
    for (std::size_t i = 0; i < 16; ++i) value = value << 8 | bytes.at(offset + i);
    return Ipv6Address(value);
}

}  // namespace causeway::test
