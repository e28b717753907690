// SPDX-License-Identifier: Apache-2.0
//
// What a NAT tells its log: who had which public port, and when. Blocks are enough to answer that
// as long as they are not shared (RFC 6888 REQ-14), and are a hundredth of the sessions.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/record_ring.h"
#include "nat/flow.h"

namespace causeway {

enum class NatEventKind : std::uint8_t {
    kBlockLent = 1,
    kBlockReturned,
    kSessionBegun,
    kSessionEnded,
};

struct NatEvent {
    Endpoint inside;   // of a block: the host, without a port
    Endpoint outside;  // of a block: its first port
    Endpoint remote;   // of a session
    NatSeconds at = 0;
    NatPoolId pool;
    std::uint16_t ports = 0;  // of a block
    NatEventKind kind = NatEventKind::kBlockLent;
    NatProtocol protocol = NatProtocol::kTcp;  // of a session
    friend bool operator==(const NatEvent&, const NatEvent&) = default;
};

// Events of one worker that wait for the log: what begins and ends in ten milliseconds where two
// million sessions a second do.
inline constexpr std::size_t kNatEventRingSize = 1U << 15;

// From one worker to whoever writes the log.
using NatEventRing = RecordRing<NatEvent, kNatEventRingSize>;

}  // namespace causeway
