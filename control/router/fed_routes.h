// SPDX-License-Identifier: Apache-2.0
//
// FedRoutes: what one RouteFeed tells, in the RIBs, as routes of source bgp.
//
// Thread safety: control thread only.
//
// Invariants
//   (1) The routes of a VRF that take one way of the feed point at one group of their own, which
//       stands for wherever the way leads at the time (fib/next_hops.h, indirect groups). So a
//       change of the way, and the coming or going of an attachment, is one redirection, however
//       many routes take it.
//   (2) A way leads over those of its next hops that are hosts of a connected subnet of the VRF.
//       Where none is, its group is down: the packets go where the prefix's next source says, or
//       are dropped.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/types.h"
#include "control/fpm/fpm_counters.h"
#include "control/fpm/route_feed.h"
#include "control/router/attachments.h"
#include "control/router/ribs.h"
#include "control/router/ways.h"
#include "fib/next_hops.h"

namespace causeway {

// What the routes go into; all of it must outlive them.
struct FedTables {
    Attachments& attachments;
    Ribs& ribs;
    Ways& ways;
    NextHops& next_hops;
    std::uint64_t (*now_ns)();
};

class FedRoutes final : public FeedApplier {
  public:
    FedRoutes(const FedTables& tables, FpmCounters& counters)
        : tables_(tables), counters_(counters) {}

    void apply(std::span<const FeedChange> changes) override;

    // All ways lead around an attachment that is about to go.
    void leave(const Attachment& attachment);
    // Attachments have come: looks again where each way leads.
    void resolve_again();
    // Takes all routes out of a VRF that is about to go, or that the feed is to fill no more.
    void clear(VrfId vrf);

    // Whether routes were refused for want of room. Telling all again would show what has changed.
    [[nodiscard]] bool has_refused() const noexcept { return has_refused_; }
    void forget_refusals() noexcept { has_refused_ = false; }

  private:
    enum class Family : std::uint8_t { kIpv4, kIpv6 };
    struct Place {
        VrfId vrf;
        Family family = Family::kIpv4;
        friend auto operator<=>(const Place&, const Place&) = default;
    };
    struct Target {
        GroupId group;  // that the routes point at
        GroupId leads;  // what it stands for
    };
    struct Way {
        FpmWay told;
        std::map<Place, Target> targets;
    };

    void take(const FeedSetWay& set);
    void take(const FeedForgetWay& forgotten);
    void take(const FeedSetRoute& set);
    void take(const FeedRemoveRoute& removed);
    [[nodiscard]] std::optional<GroupId> group_of(Way& way, const Place& place);
    void redirect(const FpmWay& told, const Place& place, Target& target,
                  const Attachment* leaving);
    void drop(const Target& target);
    // The group that the way leads to now, with a reference of ours.
    [[nodiscard]] GroupId lead(const FpmWay& told, const Place& place, const Attachment* leaving);
    [[nodiscard]] std::vector<Hop> hops_of(const FpmWay& told, const Place& place,
                                           const Attachment* leaving);

    FedTables tables_;
    FpmCounters& counters_;
    std::unordered_map<FeedWayId, Way> ways_;
    bool has_refused_ = false;
};

}  // namespace causeway
