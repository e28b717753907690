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
    bool is_best = false;  // of its prefix: the one that forwards while its group lives
};

// Of a static route.
struct IpRouteChange {
    enum class Action : std::uint8_t { kAdd, kRemove };  // kAdd replaces
    Action action = Action::kAdd;
    VrfId vrf;
    IpPrefix prefix;
    GroupId group;  // of kAdd
};

struct IpRoutePage {
    std::vector<IpRoute> routes;
    std::optional<IpPrefix> next;  // nothing: this was the last
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
    // In order; all of them, or none and the first of a family that failed.
    [[nodiscard]] std::optional<BatchError> apply(std::span<const IpRouteChange> changes);

    // As of Rib.
    [[nodiscard]] Result<std::vector<IpRoute>> explain(VrfId vrf, const IpAddress& address) const;
    [[nodiscard]] std::vector<IpRoute> find(VrfId vrf, const IpPrefix& prefix) const;
    // The group of a prefix's static route.
    [[nodiscard]] std::optional<GroupId> static_group(VrfId vrf, const IpPrefix& prefix) const;
    [[nodiscard]] Result<IpRoutePage> dump(VrfId vrf, const std::optional<IpPrefix>& after,
                                           std::size_t prefixes_max) const;
    [[nodiscard]] Result<RouteCounts> counts(VrfId vrf) const;  // of both families together
    [[nodiscard]] std::size_t route_count() const noexcept {
        return ipv4_.route_count() + ipv6_.route_count();
    }

  private:
    Rib4& ipv4_;
    Rib6& ipv6_;
};

}  // namespace causeway
