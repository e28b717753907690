// SPDX-License-Identifier: Apache-2.0
#include "control/router/ribs.h"

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
                          .is_best = route.is_best,
                          .is_stale = route.is_stale});
    }
    return result;
}

template <class RibT>
std::optional<GroupId> group_in(const RibT& rib, VrfId vrf, typename RibT::Prefix prefix,
                                RouteSource source) {
    for (const auto& route : rib.find(vrf, prefix)) {
        if (route.source == source) return route.group;
    }
    return std::nullopt;
}

template <class RibT>
Status sweep_in(IpRouteSweep& sweep, RibT& rib, VrfId vrf, RouteSource source,
                const std::optional<IpPrefix>& after, std::size_t prefixes_max) {
    std::optional<typename RibT::Prefix> own_after;
    if (after && std::holds_alternative<typename RibT::Prefix>(*after)) {
        own_after = std::get<typename RibT::Prefix>(*after);
    }
    auto part = rib.sweep_stale(vrf, source, own_after, prefixes_max);
    if (!part) return Unexpected(part.error());
    sweep.removed.insert(sweep.removed.end(), part->removed.begin(), part->removed.end());
    if (part->next) sweep.next = IpPrefix(*part->next);
    return ok();
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

template <class RibT>
std::optional<BatchError> Ribs::start_part(RibT& rib, Part<RibT>& part,
                                           std::span<const IpRouteChange> all) {
    for (std::size_t i = 0; i < all.size(); ++i) {
        const auto* prefix = std::get_if<typename RibT::Prefix>(&all[i].prefix);
        if (prefix == nullptr) continue;
        part.changes.push_back({.action = all[i].action,
                                .source = all[i].source,
                                .vrf = all[i].vrf,
                                .prefix = *prefix,
                                .group = all[i].group});
        part.indices.push_back(i);
    }
    auto error = rib.start(part.changes);
    if (error) error->index = part.indices[error->index];
    return error;
}

template <class RibT>
void Ribs::collect_replaced(const RibT& rib, const Part<RibT>& part) {
    const std::span<const GroupId> replaced = rib.replaced();
    for (std::size_t i = 0; i < replaced.size(); ++i) replaced_[part.indices[i]] = replaced[i];
}

std::optional<BatchError> Ribs::start(std::span<const IpRouteChange> changes) {
    CHECK(replaced_.empty());
    if (auto error = start_part(ipv4_, ipv4_part_, changes)) {
        forget_batch();
        return error;
    }
    if (auto error = start_part(ipv6_, ipv6_part_, changes)) {
        ipv4_.undo();
        forget_batch();
        return error;
    }
    replaced_.resize(changes.size());
    collect_replaced(ipv4_, ipv4_part_);
    collect_replaced(ipv6_, ipv6_part_);
    return std::nullopt;
}

void Ribs::keep() {
    ipv4_.keep();
    ipv6_.keep();
    forget_batch();
}

void Ribs::undo() {
    ipv4_.undo();
    ipv6_.undo();
    forget_batch();
}

void Ribs::forget_batch() {
    ipv4_part_ = {};
    ipv6_part_ = {};
    replaced_ = {};
}

Status Ribs::mark_stale(VrfId vrf, RouteSource source) {
    if (Status status = ipv4_.mark_stale(vrf, source); !status) return status;
    return ipv6_.mark_stale(vrf, source);
}

Result<IpRouteSweep> Ribs::sweep_stale(VrfId vrf, RouteSource source,
                                       const std::optional<IpPrefix>& after,
                                       std::size_t prefixes_max) {
    IpRouteSweep sweep;
    if (!after || std::holds_alternative<Ipv4Prefix>(*after)) {
        const Status status = sweep_in(sweep, ipv4_, vrf, source, after, prefixes_max);
        if (!status) return Unexpected(status.error());
        if (sweep.next) return sweep;
    }
    const Status status = sweep_in(sweep, ipv6_, vrf, source, after, prefixes_max);
    if (!status) return Unexpected(status.error());
    return sweep;
}

void Ribs::set_limits(const RouteLimits& limits) noexcept {
    ipv4_.set_limits(limits);
    ipv6_.set_limits(limits);
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

std::optional<GroupId> Ribs::group_of(VrfId vrf, const IpPrefix& prefix, RouteSource source) const {
    if (const auto* ipv4 = std::get_if<Ipv4Prefix>(&prefix)) {
        return group_in(ipv4_, vrf, *ipv4, source);
    }
    return group_in(ipv6_, vrf, std::get<Ipv6Prefix>(prefix), source);
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
