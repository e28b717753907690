// SPDX-License-Identifier: Apache-2.0
//
// The least that any table of one entry a /24 must do: one load an address, and nothing with it but
// a sum. Needs AVX-512 F.
#pragma once

#include <cstdint>
#include <span>

namespace causeway::perf {

// Of whole sixteens of the addresses. The table ends with room for a load of 32 bits.
std::uint32_t raw_gather(const std::uint16_t* by_slash24,
                         std::span<const std::uint32_t> addresses) noexcept;

}  // namespace causeway::perf
