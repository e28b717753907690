// SPDX-License-Identifier: Apache-2.0
//
// What an operator may choose of the NAT, with the defaults and least values of the RFCs.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/result.h"
#include "nat/flow.h"

namespace causeway {

// Sessions end so many seconds after the packet that last refreshed them.
struct NatTimers {
    NatSeconds tcp_established = 7'440;  // RFC 5382 REQ-5: not less than 2 hours and 4 minutes
    NatSeconds tcp_opening = 240;        // RFC 5382 REQ-5: 4 minutes, unless an operator says less
    NatSeconds tcp_closing = 240;        // likewise; RFC 7857 2.1 lets the two differ
    NatSeconds udp = 300;                // RFC 4787 REQ-5: 5 minutes or more, not less than two
    NatSeconds icmp = 60;                // RFC 5508 REQ-1: not less than one
    NatSeconds fragment = 5;             // an incomplete datagram's, and what is held for it
    friend bool operator==(const NatTimers&, const NatTimers&) = default;
};

// RFC 4787 5.
enum class NatFiltering : std::uint8_t { kEndpointIndependent, kAddressDependent };
// RFC 4787 REQ-2: all of a host's endpoints at one public address: as long as it has free blocks,
// or else they are refused.
enum class NatPairing : std::uint8_t { kPreferred, kStrict };
// RFC 4787 REQ-4.
enum class NatParity : std::uint8_t { kIgnore, kPreserve };
// RFC 4787 REQ-6: packets from outside may refresh a session, or only those from inside.
enum class NatRefresh : std::uint8_t { kBothWays, kOutboundOnly };

// RFC 6888 REQ-14 and RFC 8158: what the log is told of.
enum class NatLogging : std::uint8_t { kNothing, kBlocks, kSessions };

inline constexpr std::uint32_t kNatBlockPortsMin = 64;
inline constexpr std::uint32_t kNatBlockPortsMax = 4'096;
inline constexpr std::uint32_t kNatHostBlocksMax = 64;

struct NatPoolSettings {
    NatTimers timers;
    NatFiltering filtering = NatFiltering::kEndpointIndependent;
    NatPairing pairing = NatPairing::kPreferred;
    NatParity parity = NatParity::kPreserve;
    NatRefresh refresh = NatRefresh::kBothWays;
    std::uint32_t block_ports = 256;          // a power of two
    std::uint32_t host_blocks_max = 8;        // RFC 6888 REQ-4: what one host may take
    std::uint32_t host_sessions_max = 8'192;  // likewise
    friend bool operator==(const NatPoolSettings&, const NatPoolSettings&) = default;
};

[[nodiscard]] Status check(const NatPoolSettings& settings);

// RFC 6146 3.5.2.2, which RFC 7857 2.1 has every NAT follow; the rest of the list is for the other
// protocols, so that a session has one state and a state one timer.
enum class NatState : std::uint8_t {
    kUdp,
    kIcmp,
    kInsideInit,   // a SYN from inside
    kOutsideInit,  // a SYN from outside
    kEstablished,
    kInsideFin,
    kOutsideFin,
    kBothFin,
    kTransitory,  // after a RST
};
inline constexpr std::size_t kNatStates = 9;

// By state. A table, because packets of flows in all states come in turns, and a jump would be
// guessed wrong.
inline constexpr std::array<NatSeconds NatTimers::*, kNatStates> kTimerOf{
    &NatTimers::udp,
    &NatTimers::icmp,
    &NatTimers::tcp_opening,      // kInsideInit
    &NatTimers::tcp_opening,      // kOutsideInit
    &NatTimers::tcp_established,  // kEstablished
    &NatTimers::tcp_established,  // kInsideFin
    &NatTimers::tcp_established,  // kOutsideFin
    &NatTimers::tcp_closing,      // kBothFin
    &NatTimers::tcp_closing,      // kTransitory
};

[[nodiscard]] constexpr NatSeconds timeout(const NatTimers& timers, NatState state) noexcept {
    return timers.*kTimerOf[static_cast<std::size_t>(state)];
}

}  // namespace causeway
