// SPDX-License-Identifier: Apache-2.0
//
// DscpMap: what becomes of each DSCP (RFC 2474).
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace causeway {

using DscpMap = std::array<std::uint8_t, 64>;

// Those listed stay, all others become 0.
[[nodiscard]] constexpr DscpMap keep_only(std::span<const std::uint8_t> kept) noexcept {
    DscpMap map{};
    for (const std::uint8_t dscp : kept) map[dscp] = dscp;
    return map;
}

// The contract of the Microsoft peering: voice (EF), video (AF41), application sharing (AF21), SIP
// signalling (CS3), file transfer (AF11), the rest.
inline constexpr std::array<std::uint8_t, 6> kMicrosoftDscps{46, 34, 18, 24, 10, 0};
inline constexpr DscpMap kMicrosoftDscpMap = keep_only(kMicrosoftDscps);

}  // namespace causeway
