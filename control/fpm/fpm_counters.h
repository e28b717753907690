// SPDX-License-Identifier: Apache-2.0
//
// What came over FPM and what became of it: one row each, with a name and a meaning, as
// dataplane/exit.h has for packets. Thread safety: control thread only.
#pragma once

#include <array>
#include <cstdint>

#include "control/api/event_counters.h"

namespace causeway {

enum class FpmEvent : std::uint8_t {
    kConnected,
    kDisconnected,
    kSuperseded,
    kSilentNewcomer,
    kCrowdedNewcomer,
    kSilentPeer,
    kFrame,
    kRouteSet,
    kRouteDeleted,
    kNextHopSet,
    kNextHopDeleted,
    kDeletionHeld,
    kKernelRoute,
    kSweptRoute,
    kSweptNextHop,
    kBadVersion,
    kNotNetlink,
    kShortFrame,
    kOversizeFrame,
    kBadMessageLength,
    kShortMessage,
    kBadAttribute,
    kBadPrefix,
    kBadNextHop,
    kTooManyHops,
    kOtherMessage,
    kUnsupported,
    kUnknownRoute,
    kUnknownTable,
    kUnknownNextHop,
    kRoutesFull,
    kNextHopsFull,
    kNoNeighbour,
    kOtherFamily,
    kGroupsFull,
    kRibFull,
    kCount,
};

using FpmEventInfo = EventInfo<FpmEvent>;

inline constexpr std::array kFpmEvents{
    FpmEventInfo{FpmEvent::kConnected, EventVerdict::kFine, "connected", "zebra connected"},
    FpmEventInfo{FpmEvent::kDisconnected, EventVerdict::kFine, "disconnected",
                 "a connection ended; its routes stay"},
    FpmEventInfo{FpmEvent::kSuperseded, EventVerdict::kFine, "superseded",
                 "a connection was closed because a newer one has sent a frame"},
    FpmEventInfo{FpmEvent::kSilentNewcomer, EventVerdict::kSkipped, "silent_newcomer",
                 "connections beside zebra's that were over before their first frame"},
    FpmEventInfo{FpmEvent::kCrowdedNewcomer, EventVerdict::kSkipped, "crowded_newcomer",
                 "connections beside zebra's that were closed because newer ones waited, too"},
    FpmEventInfo{FpmEvent::kSilentPeer, EventVerdict::kSkipped, "silent_peer",
                 "a peer connected and said nothing, so nothing is swept"},
    FpmEventInfo{FpmEvent::kFrame, EventVerdict::kFine, "frame", "frames read"},
    FpmEventInfo{FpmEvent::kRouteSet, EventVerdict::kFine, "route_set", "routes added or replaced"},
    FpmEventInfo{FpmEvent::kRouteDeleted, EventVerdict::kFine, "route_deleted", "routes deleted"},
    FpmEventInfo{FpmEvent::kNextHopSet, EventVerdict::kFine, "next_hop_set",
                 "next-hop objects added or replaced"},
    FpmEventInfo{FpmEvent::kNextHopDeleted, EventVerdict::kFine, "next_hop_deleted",
                 "next-hop objects deleted"},
    FpmEventInfo{FpmEvent::kDeletionHeld, EventVerdict::kFine, "deletion_held",
                 "routes and next-hop objects that stay although zebra deleted them, for bgpd was "
                 "away, or went before it could answer for that"},
    FpmEventInfo{FpmEvent::kKernelRoute, EventVerdict::kFine, "kernel_route",
                 "connected and kernel routes, which are not taken from FPM"},
    FpmEventInfo{FpmEvent::kSweptRoute, EventVerdict::kFine, "swept_route",
                 "routes removed because they were not repeated after a reconnect"},
    FpmEventInfo{FpmEvent::kSweptNextHop, EventVerdict::kFine, "swept_next_hop",
                 "next-hop objects removed because they were not repeated after a reconnect"},
    FpmEventInfo{FpmEvent::kBadVersion, EventVerdict::kClosed, "bad_version",
                 "a frame whose FPM version is not 1"},
    FpmEventInfo{FpmEvent::kNotNetlink, EventVerdict::kClosed, "not_netlink",
                 "a frame that does not carry netlink"},
    FpmEventInfo{FpmEvent::kShortFrame, EventVerdict::kClosed, "short_frame",
                 "a frame that says to be shorter than its own header"},
    FpmEventInfo{FpmEvent::kOversizeFrame, EventVerdict::kClosed, "oversize_frame",
                 "a frame longer than any that zebra sends"},
    FpmEventInfo{FpmEvent::kBadMessageLength, EventVerdict::kSkipped, "bad_message_length",
                 "a netlink message that does not fit its frame; the rest of the frame is lost"},
    FpmEventInfo{FpmEvent::kShortMessage, EventVerdict::kSkipped, "short_message",
                 "a netlink message too short for its type"},
    FpmEventInfo{FpmEvent::kBadAttribute, EventVerdict::kSkipped, "bad_attribute",
                 "an attribute that is cut off, of the wrong size or missing"},
    FpmEventInfo{FpmEvent::kBadPrefix, EventVerdict::kSkipped, "bad_prefix",
                 "a prefix with too many bits, or with host bits"},
    FpmEventInfo{FpmEvent::kBadNextHop, EventVerdict::kSkipped, "bad_next_hop",
                 "a route without a way out, or a next-hop object without an id or members"},
    FpmEventInfo{FpmEvent::kTooManyHops, EventVerdict::kSkipped, "too_many_hops",
                 "more next hops than a group may have members"},
    FpmEventInfo{FpmEvent::kOtherMessage, EventVerdict::kSkipped, "other_message",
                 "netlink messages about something else than routes and next hops"},
    FpmEventInfo{FpmEvent::kUnsupported, EventVerdict::kSkipped, "unsupported",
                 "routes by source or TOS, of other types or families, or with encapsulation"},
    FpmEventInfo{FpmEvent::kUnknownRoute, EventVerdict::kSkipped, "unknown_route",
                 "deletions of routes and next-hop objects that are not there"},
    FpmEventInfo{FpmEvent::kUnknownTable, EventVerdict::kSkipped, "unknown_table",
                 "routes of a table that is no VRF of ours; they wait until it is one"},
    FpmEventInfo{FpmEvent::kUnknownNextHop, EventVerdict::kSkipped, "unknown_next_hop",
                 "routes over a next-hop object not yet known; they wait for it"},
    FpmEventInfo{FpmEvent::kRoutesFull, EventVerdict::kSkipped, "routes_full",
                 "routes beyond the number that is kept"},
    FpmEventInfo{FpmEvent::kNextHopsFull, EventVerdict::kSkipped, "next_hops_full",
                 "next-hop objects beyond the number that is kept"},
    FpmEventInfo{FpmEvent::kNoNeighbour, EventVerdict::kSkipped, "no_neighbour",
                 "next hops that are no host of a connected subnet of the VRF; they are left out "
                 "until they are"},
    FpmEventInfo{FpmEvent::kOtherFamily, EventVerdict::kSkipped, "other_family",
                 "next hops of another family than the route's; they are left out"},
    FpmEventInfo{FpmEvent::kGroupsFull, EventVerdict::kSkipped, "groups_full",
                 "ways for which there was no next-hop group left; their packets are dropped"},
    FpmEventInfo{FpmEvent::kRibFull, EventVerdict::kSkipped, "rib_full",
                 "routes beyond daemon.routes-max or daemon.routes-per-vrf-max"},
};

static_assert(events_follow_enum(kFpmEvents), "each FpmEvent has one row, in the enum's order");

using FpmCounters = EventCounters<kFpmEvents>;

}  // namespace causeway
