// SPDX-License-Identifier: Apache-2.0
//
// What passed between bfdd and us, one row each. Thread safety: control thread only.
#pragma once

#include <array>
#include <cstdint>

#include "control/api/event_counters.h"

namespace causeway {

enum class BfddpEvent : std::uint8_t {
    kConnected,
    kDisconnected,
    kSessionAdded,
    kSessionUpdated,
    kSessionDeleted,
    kSessionSwept,
    kStateSent,
    kCountersAsked,
    kEcho,
    kBadVersion,
    kBadLength,
    kOversize,
    kPeerStuck,
    kShortMessage,
    kUnknownType,
    kWrongDirection,
    kBadSession,
    kMultihop,
    kRefused,
    kUnknownSession,
    kCount,
};

using BfddpEventInfo = EventInfo<BfddpEvent>;

inline constexpr std::array kBfddpEvents{
    BfddpEventInfo{BfddpEvent::kConnected, EventVerdict::kFine, "connected", "connections to bfdd"},
    BfddpEventInfo{BfddpEvent::kDisconnected, EventVerdict::kFine, "disconnected",
                   "a connection ended; its sessions go on"},
    BfddpEventInfo{BfddpEvent::kSessionAdded, EventVerdict::kFine, "session_added",
                   "sessions that bfdd asked for"},
    BfddpEventInfo{BfddpEvent::kSessionUpdated, EventVerdict::kFine, "session_updated",
                   "sessions that bfdd changed or told of again"},
    BfddpEventInfo{BfddpEvent::kSessionDeleted, EventVerdict::kFine, "session_deleted",
                   "sessions that bfdd gave up"},
    BfddpEventInfo{BfddpEvent::kSessionSwept, EventVerdict::kFine, "session_swept",
                   "sessions that bfdd did not tell of again after a reconnect"},
    BfddpEventInfo{BfddpEvent::kStateSent, EventVerdict::kFine, "state_sent",
                   "states reported to bfdd"},
    BfddpEventInfo{BfddpEvent::kCountersAsked, EventVerdict::kFine, "counters_asked",
                   "requests for a session's counters"},
    BfddpEventInfo{BfddpEvent::kEcho, EventVerdict::kFine, "echo", "echoes of the protocol"},
    BfddpEventInfo{BfddpEvent::kBadVersion, EventVerdict::kClosed, "bad_version",
                   "a message whose version is not 1"},
    BfddpEventInfo{BfddpEvent::kBadLength, EventVerdict::kClosed, "bad_length",
                   "a message that says to be shorter than its header"},
    BfddpEventInfo{BfddpEvent::kOversize, EventVerdict::kClosed, "oversize",
                   "a message longer than any of the protocol"},
    BfddpEventInfo{BfddpEvent::kPeerStuck, EventVerdict::kClosed, "peer_stuck",
                   "bfdd does not read what it is told"},
    BfddpEventInfo{BfddpEvent::kShortMessage, EventVerdict::kSkipped, "short_message",
                   "a message too short for its type"},
    BfddpEventInfo{BfddpEvent::kUnknownType, EventVerdict::kSkipped, "unknown_type",
                   "messages of a type that the protocol does not have"},
    BfddpEventInfo{BfddpEvent::kWrongDirection, EventVerdict::kSkipped, "wrong_direction",
                   "messages that only we may send"},
    BfddpEventInfo{BfddpEvent::kBadSession, EventVerdict::kSkipped, "bad_session",
                   "a session without discriminator, multiplier, intervals or a proper name"},
    BfddpEventInfo{BfddpEvent::kMultihop, EventVerdict::kSkipped, "multihop",
                   "sessions over several hops: the protocol does not say in which VRF"},
    BfddpEventInfo{BfddpEvent::kRefused, EventVerdict::kSkipped, "refused",
                   "sessions with nobody who could be a neighbour, or too many"},
    BfddpEventInfo{BfddpEvent::kUnknownSession, EventVerdict::kSkipped, "unknown_session",
                   "messages about a session that is not there"},
};
static_assert(events_follow_enum(kBfddpEvents), "each BfddpEvent has one row, in the enum's order");

using BfddpCounters = EventCounters<kBfddpEvents>;

}  // namespace causeway
