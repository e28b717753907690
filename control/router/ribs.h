// SPDX-License-Identifier: Apache-2.0
//
// Ribs: the RIBs of both families behind one face, for whoever does not care which. Where a prefix
// or an address decides, its family decides the RIB; in lists IPv4 comes before IPv6.
//
// Thread safety: control thread only.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "base/result.h"
#include "base/types.h"
#include "fib/rib.h"

namespace causeway {

struct IpRoute {
    IpPrefix prefix;
    RouteSource source = RouteSource::kStatic;
    GroupId group;
    bool is_best = false;   // of its prefix: the one that forwards while its group lives
    bool is_stale = false;  // not repeated since mark_stale()
};

struct IpRouteChange {
    RouteChangeAction action = RouteChangeAction::kAdd;
    RouteSource source = RouteSource::kStatic;
    VrfId vrf;
    IpPrefix prefix;
    GroupId group;  // of kAdd
};

struct IpRoutePage {
    std::vector<IpRoute> routes;
    std::optional<IpPrefix> next;  // nothing: this was the last
};

struct IpRouteSweep {
    std::vector<GroupId> removed;  // the group of each route that was
    std::optional<IpPrefix> next;  // nothing: this was the last part
};

class Ribs {
  public:
    // They must outlive this.
    Ribs(Rib4& ipv4, Rib6& ipv6) : ipv4_(ipv4), ipv6_(ipv6) {}

    // A VRF has routes of both families, or is in neither RIB.
    [[nodiscard]] Status create_vrf(VrfId vrf);
    [[nodiscard]] Status destroy_vrf(VrfId vrf);

    [[nodiscard]] Status add(VrfId vrf, const IpPrefix& prefix, RouteSource source, GroupId group);
    [[nodiscard]] Status remove(VrfId vrf, const IpPrefix& prefix, RouteSource source);
    // In order; all of them, or none and the first of a family that failed. One of keep() and
    // undo() must follow.
    [[nodiscard]] std::optional<BatchError> start(std::span<const IpRouteChange> changes);
    void keep();
    void undo();
    // Of what was started, as of Rib.
    [[nodiscard]] std::span<const GroupId> replaced() const noexcept { return replaced_; }

    // As of Rib.
    [[nodiscard]] Status mark_stale(VrfId vrf, RouteSource source);
    // Of up to prefixes_max prefixes of each family.
    [[nodiscard]] Result<IpRouteSweep> sweep_stale(VrfId vrf, RouteSource source,
                                                   const std::optional<IpPrefix>& after,
                                                   std::size_t prefixes_max);
    // For each family.
    void set_limits(const RouteLimits& limits) noexcept;
    [[nodiscard]] Result<std::vector<IpRoute>> explain(VrfId vrf, const IpAddress& address) const;
    [[nodiscard]] std::vector<IpRoute> find(VrfId vrf, const IpPrefix& prefix) const;
    // The group of a prefix's route of this source.
    [[nodiscard]] std::optional<GroupId> group_of(VrfId vrf, const IpPrefix& prefix,
                                                  RouteSource source) const;
    [[nodiscard]] Result<IpRoutePage> dump(VrfId vrf, const std::optional<IpPrefix>& after,
                                           std::size_t prefixes_max) const;
    [[nodiscard]] Result<RouteCounts> counts(VrfId vrf) const;  // of both families together
    [[nodiscard]] std::size_t route_count() const noexcept {
        return ipv4_.route_count() + ipv6_.route_count();
    }

  private:
    // The changes of one family, while they are neither kept nor undone.
    template <class RibT>
    struct Part {
        std::vector<typename RibT::Change> changes;
        std::vector<std::size_t> indices;  // of each in the whole batch
    };
    template <class RibT>
    [[nodiscard]] static std::optional<BatchError> start_part(RibT& rib, Part<RibT>& part,
                                                              std::span<const IpRouteChange> all);
    template <class RibT>
    void collect_replaced(const RibT& rib, const Part<RibT>& part);
    void forget_batch();

    Rib4& ipv4_;
    Rib6& ipv6_;
    Part<Rib4> ipv4_part_;
    Part<Rib6> ipv6_part_;
    std::vector<GroupId> replaced_;
};

}  // namespace causeway
