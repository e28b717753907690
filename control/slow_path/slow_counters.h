// SPDX-License-Identifier: Apache-2.0
//
// What became of the packets that the workers handed up: one row each, as dataplane/exit.h has for
// the walk. Counted for the router as a whole. Thread safety: control thread only.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace causeway {

enum class SlowEvent : std::uint8_t {
    kArpAnswered,
    kArpLearned,
    kArpIgnored,
    kArpConflict,
    kNdAnswered,
    kNdLearned,
    kNdIgnored,
    kNdConflict,
    kRouterSolicitation,
    kEchoAnswered,
    kEchoLimited,
    kErrorSent,
    kErrorLimited,
    kErrorForbidden,
    kLocalIgnored,
    kHostDelivered,
    kHostFull,
    kHostSent,
    kHostClosed,
    kHostAnswered,
    kHostWaits,
    kHostIgnored,
    kFragmented,
    kFragmentFailed,
    kPendingHeld,
    kPendingSent,
    kPendingFull,
    kPendingExpired,
    kNoWayOut,
    kAttachmentGone,
    kNoBuffer,
    kInjectFull,
    kCount,
};
inline constexpr std::size_t kSlowEventCount = static_cast<std::size_t>(SlowEvent::kCount);

struct SlowEventInfo {
    SlowEvent event;
    bool is_loss;  // the packet ended here, unanswered and unsent
    std::string_view name;
    std::string_view meaning;
};

inline constexpr std::array kSlowEvents{
    SlowEventInfo{SlowEvent::kArpAnswered, false, "arp_answered", "requests for our address"},
    SlowEventInfo{SlowEvent::kArpLearned, false, "arp_learned",
                  "a neighbour's MAC address, new or confirmed"},
    SlowEventInfo{SlowEvent::kArpIgnored, true, "arp_ignored",
                  "malformed, not about this attachment's subnet, or a reply from nobody"},
    SlowEventInfo{SlowEvent::kArpConflict, true, "arp_conflict",
                  "another station claims our address"},
    SlowEventInfo{SlowEvent::kNdAnswered, false, "nd_answered",
                  "neighbour solicitations for our address"},
    SlowEventInfo{SlowEvent::kNdLearned, false, "nd_learned",
                  "an IPv6 neighbour's MAC address, new or confirmed"},
    SlowEventInfo{SlowEvent::kNdIgnored, true, "nd_ignored",
                  "Neighbour Discovery that is malformed, or not about this attachment's subnet"},
    SlowEventInfo{SlowEvent::kNdConflict, false, "nd_conflict",
                  "another station claims our IPv6 address, or tests whether it is free"},
    SlowEventInfo{SlowEvent::kRouterSolicitation, true, "router_solicitation",
                  "asked for router advertisements, which we do not send"},
    SlowEventInfo{SlowEvent::kEchoAnswered, false, "echo_answered", "pings of our addresses"},
    SlowEventInfo{SlowEvent::kEchoLimited, true, "echo_limited",
                  "pings beyond the attachment's rate"},
    SlowEventInfo{SlowEvent::kErrorSent, false, "icmp_error_sent", "ICMP errors sent"},
    SlowEventInfo{SlowEvent::kErrorLimited, true, "icmp_error_limited",
                  "ICMP errors not sent, beyond the attachment's rate"},
    SlowEventInfo{SlowEvent::kErrorForbidden, true, "icmp_error_forbidden",
                  "packets that no ICMP error may answer (RFC 1812 4.3.2.7, RFC 4443 2.4)"},
    SlowEventInfo{SlowEvent::kLocalIgnored, true, "local_ignored",
                  "addressed to us, but nothing here listens and no error may answer"},
    SlowEventInfo{SlowEvent::kHostDelivered, false, "host_delivered",
                  "packets for our own kernel, given to the attachment's TAP"},
    SlowEventInfo{SlowEvent::kHostFull, true, "host_full",
                  "packets for our own kernel that the TAP did not take"},
    SlowEventInfo{SlowEvent::kHostSent, false, "host_sent",
                  "packets of our own kernel, sent on the attachment of their TAP"},
    SlowEventInfo{SlowEvent::kHostClosed, true, "host_closed",
                  "packets of our own kernel for an attachment that is down"},
    SlowEventInfo{SlowEvent::kHostAnswered, false, "host_answered",
                  "neighbours' MAC addresses that our own kernel was told"},
    SlowEventInfo{SlowEvent::kHostWaits, true, "host_waits",
                  "questions of our own kernel for a neighbour that is not known yet"},
    SlowEventInfo{SlowEvent::kHostIgnored, true, "host_ignored",
                  "frames of our own kernel that no link needs: multicast, no IP, malformed"},
    SlowEventInfo{SlowEvent::kFragmented, false, "fragmented", "packets sent in fragments"},
    SlowEventInfo{SlowEvent::kFragmentFailed, true, "fragment_failed",
                  "packets that could not be fragmented"},
    SlowEventInfo{SlowEvent::kPendingHeld, false, "pending_held",
                  "packets that waited for a neighbour"},
    SlowEventInfo{SlowEvent::kPendingSent, false, "pending_sent",
                  "packets sent when their neighbour answered"},
    SlowEventInfo{SlowEvent::kPendingFull, true, "pending_full",
                  "packets for a neighbour for which enough wait already"},
    SlowEventInfo{SlowEvent::kPendingExpired, true, "pending_expired",
                  "packets whose neighbour never answered; their senders are told"},
    SlowEventInfo{SlowEvent::kNoWayOut, true, "no_way_out",
                  "packets of ours, or held ones, with no route or no usable link"},
    SlowEventInfo{SlowEvent::kAttachmentGone, true, "attachment_gone",
                  "packets of an attachment that was removed on their way to the control thread"},
    SlowEventInfo{SlowEvent::kNoBuffer, true, "no_buffer", "the packet pool was empty"},
    SlowEventInfo{SlowEvent::kInjectFull, true, "inject_full", "the ring to the worker was full"},
};

[[nodiscard]] consteval bool slow_events_follow_enum() {
    for (std::size_t i = 0; i < kSlowEvents.size(); ++i) {
        if (static_cast<std::size_t>(kSlowEvents[i].event) != i) return false;
    }
    return kSlowEvents.size() == kSlowEventCount;
}
static_assert(slow_events_follow_enum(), "each SlowEvent has one row, in the order of the enum");

class SlowCounters {
  public:
    void count(SlowEvent event, std::uint64_t amount = 1) noexcept {
        counts_[static_cast<std::size_t>(event)] += amount;
    }
    [[nodiscard]] std::uint64_t read(SlowEvent event) const noexcept {
        return counts_[static_cast<std::size_t>(event)];
    }

  private:
    std::array<std::uint64_t, kSlowEventCount> counts_{};
};

}  // namespace causeway
