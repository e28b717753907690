// SPDX-License-Identifier: Apache-2.0
//
// How packets change the state of a TCP session: RFC 6146 3.5.2.2 with "inside" for its V6 and
// "outside" for its V4. Sequence numbers are not looked at.
#pragma once

#include <cstdint>

#include "nat/session_table.h"
#include "nat/settings.h"

namespace causeway {

// TCP's flags as they lie in the header's fourteenth byte.
inline constexpr std::uint8_t kTcpFin = 1;
inline constexpr std::uint8_t kTcpSyn = 2;
inline constexpr std::uint8_t kTcpRst = 4;

// Whether a packet without SYN, FIN or RST leaves the state as it is and lets the session live
// longer: nearly every packet of nearly every session.
[[nodiscard]] constexpr bool is_steady(NatState state, std::uint8_t flags) noexcept {
    constexpr unsigned kSteady = 1U << static_cast<unsigned>(NatState::kUdp) |
                                 1U << static_cast<unsigned>(NatState::kIcmp) |
                                 1U << static_cast<unsigned>(NatState::kEstablished) |
                                 1U << static_cast<unsigned>(NatState::kInsideFin) |
                                 1U << static_cast<unsigned>(NatState::kOutsideFin);
    return (flags & (kTcpFin | kTcpSyn | kTcpRst)) == 0 &&
           (kSteady >> static_cast<unsigned>(state) & 1U) != 0;
}

// For states of the other protocols, too: they stay.
template <NatDirection direction>
[[nodiscard]] constexpr NatState next_state(NatState state, std::uint8_t flags) noexcept {
    constexpr bool kFromInside = direction == NatDirection::kOutbound;
    switch (state) {
        case NatState::kUdp:
        case NatState::kIcmp:
            return state;
        case NatState::kInsideInit:
            return !kFromInside && (flags & kTcpSyn) != 0 ? NatState::kEstablished : state;
        case NatState::kOutsideInit:
            return kFromInside && (flags & kTcpSyn) != 0 ? NatState::kEstablished : state;
        case NatState::kEstablished:
            if ((flags & kTcpRst) != 0) return NatState::kTransitory;
            if ((flags & kTcpFin) == 0) return state;
            return kFromInside ? NatState::kInsideFin : NatState::kOutsideFin;
        case NatState::kInsideFin:
            return !kFromInside && (flags & kTcpFin) != 0 ? NatState::kBothFin : state;
        case NatState::kOutsideFin:
            return kFromInside && (flags & kTcpFin) != 0 ? NatState::kBothFin : state;
        case NatState::kBothFin:
            // Not of RFC 6146: a new connection of the same ports begins anew, instead of dying
            // with the old one's timer.
            if ((flags & kTcpSyn) == 0) return state;
            return kFromInside ? NatState::kInsideInit : NatState::kOutsideInit;
        case NatState::kTransitory:
            return (flags & kTcpRst) != 0 ? state : NatState::kEstablished;
    }
    return state;
}

// Whether a packet that does not change the state lets the session live longer: after a RST or both
// FINs nothing does, and before the answer to a SYN only another SYN.
[[nodiscard]] constexpr bool refreshes(NatState state, std::uint8_t flags) noexcept {
    switch (state) {
        case NatState::kInsideInit:
        case NatState::kOutsideInit:
            return (flags & kTcpSyn) != 0;
        case NatState::kBothFin:
        case NatState::kTransitory:
            return false;
        default:
            return true;
    }
}

}  // namespace causeway
