// SPDX-License-Identifier: Apache-2.0
//
// What came over FPM and what became of it: one row each, with a name and a meaning, as
// dataplane/exit.h has for packets. Thread safety: control thread only.
#pragma once

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace causeway {

enum class FpmEvent : std::uint8_t {
    kConnected,
    kDisconnected,
    kSuperseded,
    kSilentPeer,
    kFrame,
    kRouteSet,
    kRouteDeleted,
    kNextHopSet,
    kNextHopDeleted,
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
    kCount,
};
inline constexpr std::size_t kFpmEventCount = static_cast<std::size_t>(FpmEvent::kCount);

// What an event means for whoever sent it.
enum class FpmVerdict : std::uint8_t {
    kFine,
    kSkipped,  // the message is passed over or waits; what follows is read on
    kClosed,   // the stream makes no sense any more: the connection is closed
};

struct FpmEventInfo {
    FpmEvent event;
    FpmVerdict verdict;
    std::string_view name;
    std::string_view meaning;
};

inline constexpr std::array kFpmEvents{
    FpmEventInfo{FpmEvent::kConnected, FpmVerdict::kFine, "connected", "zebra connected"},
    FpmEventInfo{FpmEvent::kDisconnected, FpmVerdict::kFine, "disconnected",
                 "a connection ended; its routes stay"},
    FpmEventInfo{FpmEvent::kSuperseded, FpmVerdict::kFine, "superseded",
                 "a connection was closed because a newer one came"},
    FpmEventInfo{FpmEvent::kSilentPeer, FpmVerdict::kSkipped, "silent_peer",
                 "a peer connected and said nothing, so nothing is swept"},
    FpmEventInfo{FpmEvent::kFrame, FpmVerdict::kFine, "frame", "frames read"},
    FpmEventInfo{FpmEvent::kRouteSet, FpmVerdict::kFine, "route_set", "routes added or replaced"},
    FpmEventInfo{FpmEvent::kRouteDeleted, FpmVerdict::kFine, "route_deleted", "routes deleted"},
    FpmEventInfo{FpmEvent::kNextHopSet, FpmVerdict::kFine, "next_hop_set",
                 "next-hop objects added or replaced"},
    FpmEventInfo{FpmEvent::kNextHopDeleted, FpmVerdict::kFine, "next_hop_deleted",
                 "next-hop objects deleted"},
    FpmEventInfo{FpmEvent::kKernelRoute, FpmVerdict::kFine, "kernel_route",
                 "connected and kernel routes, which are not taken from FPM"},
    FpmEventInfo{FpmEvent::kSweptRoute, FpmVerdict::kFine, "swept_route",
                 "routes removed because they were not repeated after a reconnect"},
    FpmEventInfo{FpmEvent::kSweptNextHop, FpmVerdict::kFine, "swept_next_hop",
                 "next-hop objects removed because they were not repeated after a reconnect"},
    FpmEventInfo{FpmEvent::kBadVersion, FpmVerdict::kClosed, "bad_version",
                 "a frame whose FPM version is not 1"},
    FpmEventInfo{FpmEvent::kNotNetlink, FpmVerdict::kClosed, "not_netlink",
                 "a frame that does not carry netlink"},
    FpmEventInfo{FpmEvent::kShortFrame, FpmVerdict::kClosed, "short_frame",
                 "a frame that says to be shorter than its own header"},
    FpmEventInfo{FpmEvent::kOversizeFrame, FpmVerdict::kClosed, "oversize_frame",
                 "a frame longer than any that zebra sends"},
    FpmEventInfo{FpmEvent::kBadMessageLength, FpmVerdict::kSkipped, "bad_message_length",
                 "a netlink message that does not fit its frame; the rest of the frame is lost"},
    FpmEventInfo{FpmEvent::kShortMessage, FpmVerdict::kSkipped, "short_message",
                 "a netlink message too short for its type"},
    FpmEventInfo{FpmEvent::kBadAttribute, FpmVerdict::kSkipped, "bad_attribute",
                 "an attribute that is cut off, of the wrong size or missing"},
    FpmEventInfo{FpmEvent::kBadPrefix, FpmVerdict::kSkipped, "bad_prefix",
                 "a prefix with too many bits, or with host bits"},
    FpmEventInfo{FpmEvent::kBadNextHop, FpmVerdict::kSkipped, "bad_next_hop",
                 "a route without a way out, or a next-hop object without an id or members"},
    FpmEventInfo{FpmEvent::kTooManyHops, FpmVerdict::kSkipped, "too_many_hops",
                 "more next hops than a group may have members"},
    FpmEventInfo{FpmEvent::kOtherMessage, FpmVerdict::kSkipped, "other_message",
                 "netlink messages about something else than routes and next hops"},
    FpmEventInfo{FpmEvent::kUnsupported, FpmVerdict::kSkipped, "unsupported",
                 "routes by source or TOS, of other types or families, or with encapsulation"},
    FpmEventInfo{FpmEvent::kUnknownRoute, FpmVerdict::kSkipped, "unknown_route",
                 "deletions of routes and next-hop objects that are not there"},
    FpmEventInfo{FpmEvent::kUnknownTable, FpmVerdict::kSkipped, "unknown_table",
                 "routes of a table that is no VRF of ours; they wait until it is one"},
    FpmEventInfo{FpmEvent::kUnknownNextHop, FpmVerdict::kSkipped, "unknown_next_hop",
                 "routes over a next-hop object not yet known; they wait for it"},
    FpmEventInfo{FpmEvent::kRoutesFull, FpmVerdict::kSkipped, "routes_full",
                 "routes beyond the number that is kept"},
    FpmEventInfo{FpmEvent::kNextHopsFull, FpmVerdict::kSkipped, "next_hops_full",
                 "next-hop objects beyond the number that is kept"},
};

[[nodiscard]] consteval bool fpm_events_follow_enum() {
    for (std::size_t i = 0; i < kFpmEvents.size(); ++i) {
        if (static_cast<std::size_t>(kFpmEvents[i].event) != i) return false;
    }
    return kFpmEvents.size() == kFpmEventCount;
}
static_assert(fpm_events_follow_enum(), "each FpmEvent has one row, in the order of the enum");

[[nodiscard]] constexpr const FpmEventInfo& info_of(FpmEvent event) noexcept {
    return kFpmEvents[static_cast<std::size_t>(event)];
}

class FpmCounters {
  public:
    // `subject` says which, where that helps: a table, a next-hop id, a message type.
    void count(FpmEvent event, std::uint32_t subject = 0) noexcept {
        const auto index = static_cast<std::size_t>(event);
        ++counts_[index];
        if (!is_new_[index] && !is_told_[index]) subjects_[index] = subject;
        is_new_[index] = true;
    }
    [[nodiscard]] std::uint64_t read(FpmEvent event) const noexcept {
        return counts_[static_cast<std::size_t>(event)];
    }

    // Calls tell(info, subject) for each event that is not fine and was counted for the first time
    // since expect_anew(): so the log has one line, not one a route.
    template <class Tell>
    void tell_new(const Tell& tell) {
        if (is_new_.none()) return;
        for (const FpmEventInfo& info : kFpmEvents) {
            const auto index = static_cast<std::size_t>(info.event);
            if (!is_new_[index] || is_told_[index] || info.verdict == FpmVerdict::kFine) continue;
            is_told_[index] = true;
            tell(info, subjects_[index]);
        }
        is_new_.reset();
    }
    void expect_anew() noexcept { is_told_.reset(); }

  private:
    std::array<std::uint64_t, kFpmEventCount> counts_{};
    std::array<std::uint32_t, kFpmEventCount> subjects_{};
    std::bitset<kFpmEventCount> is_new_;
    std::bitset<kFpmEventCount> is_told_;
};

}  // namespace causeway
