// SPDX-License-Identifier: Apache-2.0
#include "control/ribs.h"

#include <type_traits>
#include <utility>
#include <variant>

#include "base/check.h"

namespace causeway {
namespace {

template <class RibT>
std::vector<IpRoute> neutral(const std::vector<typename RibT::Route>& routes) {
    std::vector<IpRoute> result;
    result.reserve(routes.size());
    for (const auto& route : routes) {
        result.push_back({.prefix = route.prefix,
                          .source = route.source,
                          .group = route.group,
                          .is_best = route.is_best});
    }
    return result;
}

// Those of one family.
template <class RibT>
struct Part {
    using Change = typename RibT::Change;
    std::vector<Change> changes;
    std::vector<std::size_t> indices;  // of each in the whole batch

    explicit Part(std::span<const IpRouteChange> all) {
        for (std::size_t i = 0; i < all.size(); ++i) {
            const auto* prefix = std::get_if<typename RibT::Prefix>(&all[i].prefix);
            if (prefix == nullptr) continue;
            const bool adds = all[i].action == IpRouteChange::Action::kAdd;
            changes.push_back({.action = adds ? Change::Action::kAdd : Change::Action::kRemove,
                               .vrf = all[i].vrf,
                               .prefix = *prefix,
                               .group = all[i].group});
            indices.push_back(i);
        }
    }
    [[nodiscard]] std::optional<BatchError> start(RibT& rib) const {
        auto error = rib.start(changes);
        if (error) error->index = indices[error->index];
        return error;
    }
};

template <class RibT>
std::optional<GroupId> static_group_in(const RibT& rib, VrfId vrf, typename RibT::Prefix prefix) {
    for (const auto& route : rib.find(vrf, prefix)) {
        if (route.source == RouteSource::kStatic) return route.group;
    }
    return std::nullopt;
}

// Appends up to prefixes_max prefixes after the cursor to the page, and takes them off
// prefixes_max. Whether there may be more in this RIB is page.next.
template <class RibT>
Status append(IpRoutePage& page, const RibT& rib, VrfId vrf,
              const std::optional<typename RibT::Prefix>& after, std::size_t& prefixes_max) {
    const auto part = rib.dump(vrf, after, prefixes_max);
    if (!part) return Unexpected(part.error());
    std::optional<typename RibT::Prefix> last;
    for (const auto& route : part.value().routes) {
        if (last != route.prefix) --prefixes_max;
        last = route.prefix;
    }
    const std::vector<IpRoute> routes = neutral<RibT>(part.value().routes);
    page.routes.insert(page.routes.end(), routes.begin(), routes.end());
    if (part.value().next) page.next = IpPrefix(*part.value().next);
    return ok();
}

}  // namespace

Status Ribs::create_vrf(VrfId vrf) {
    if (Status status = ipv4_.create_vrf(vrf); !status) return status;
    Status status = ipv6_.create_vrf(vrf);
    if (!status) CHECK(ipv4_.destroy_vrf(vrf).has_value());
    return status;
}

Status Ribs::destroy_vrf(VrfId vrf) {
    if (Status status = ipv4_.destroy_vrf(vrf); !status) return status;
    return ipv6_.destroy_vrf(vrf);
}

Status Ribs::add(VrfId vrf, const IpPrefix& prefix, RouteSource source, GroupId group) {
    if (const auto* ipv4 = std::get_if<Ipv4Prefix>(&prefix)) {
        return ipv4_.add(vrf, *ipv4, source, group);
    }
    return ipv6_.add(vrf, std::get<Ipv6Prefix>(prefix), source, group);
}

Status Ribs::remove(VrfId vrf, const IpPrefix& prefix, RouteSource source) {
    if (const auto* ipv4 = std::get_if<Ipv4Prefix>(&prefix)) {
        return ipv4_.remove(vrf, *ipv4, source);
    }
    return ipv6_.remove(vrf, std::get<Ipv6Prefix>(prefix), source);
}

std::optional<BatchError> Ribs::apply(std::span<const IpRouteChange> changes) {
    const Part<Rib4> ipv4(changes);
    const Part<Rib6> ipv6(changes);
    if (auto error = ipv4.start(ipv4_)) return error;
    if (auto error = ipv6.start(ipv6_)) {
        ipv4_.undo();
        return error;
    }
    ipv4_.keep();
    ipv6_.keep();
    return std::nullopt;
}

Result<std::vector<IpRoute>> Ribs::explain(VrfId vrf, const IpAddress& address) const {
    const auto in = [&](const auto& rib, auto one) -> Result<std::vector<IpRoute>> {
        const auto routes = rib.explain(vrf, one);
        if (!routes) return Unexpected(routes.error());
        return neutral<std::remove_cvref_t<decltype(rib)>>(routes.value());
    };
    if (const auto* ipv4 = std::get_if<Ipv4Address>(&address)) return in(ipv4_, *ipv4);
    return in(ipv6_, std::get<Ipv6Address>(address));
}

std::vector<IpRoute> Ribs::find(VrfId vrf, const IpPrefix& prefix) const {
    if (const auto* ipv4 = std::get_if<Ipv4Prefix>(&prefix)) {
        return neutral<Rib4>(ipv4_.find(vrf, *ipv4));
    }
    return neutral<Rib6>(ipv6_.find(vrf, std::get<Ipv6Prefix>(prefix)));
}

std::optional<GroupId> Ribs::static_group(VrfId vrf, const IpPrefix& prefix) const {
    if (const auto* ipv4 = std::get_if<Ipv4Prefix>(&prefix)) {
        return static_group_in(ipv4_, vrf, *ipv4);
    }
    return static_group_in(ipv6_, vrf, std::get<Ipv6Prefix>(prefix));
}

Result<IpRoutePage> Ribs::dump(VrfId vrf, const std::optional<IpPrefix>& after,
                               std::size_t prefixes_max) const {
    IpRoutePage page;
    std::optional<Ipv6Prefix> ipv6_after;
    if (after && std::holds_alternative<Ipv6Prefix>(*after)) {
        ipv6_after = std::get<Ipv6Prefix>(*after);
    } else {
        std::optional<Ipv4Prefix> ipv4_after;
        if (after) ipv4_after = std::get<Ipv4Prefix>(*after);
        const Status status = append(page, ipv4_, vrf, ipv4_after, prefixes_max);
        if (!status) return Unexpected(status.error());
        if (page.next) return page;
        if (prefixes_max == 0) {  // the next page begins with IPv6, after the last of IPv4
            if (!page.routes.empty()) page.next = page.routes.back().prefix;
            return page;
        }
    }
    const Status status = append(page, ipv6_, vrf, ipv6_after, prefixes_max);
    if (!status) return Unexpected(status.error());
    return page;
}

Result<RouteCounts> Ribs::counts(VrfId vrf) const {
    auto counts = ipv4_.counts(vrf);
    const auto ipv6 = ipv6_.counts(vrf);
    if (!counts) return counts;
    if (!ipv6) return ipv6;
    for (std::size_t source = 0; source < counts->size(); ++source) {
        (*counts)[source] += (*ipv6)[source];
    }
    return counts;
}

}  // namespace causeway
