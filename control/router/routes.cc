// SPDX-License-Identifier: Apache-2.0
#include "control/router/routes.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "base/check.h"
#include "base/text.h"

namespace causeway {
namespace {

GroupId dropping_group(RouteAction action) {
    switch (action) {
        case RouteAction::kBlackhole:
            return special_group(AdjacencyKind::kBlackhole);
        case RouteAction::kUnreachable:
            return special_group(AdjacencyKind::kUnreachable);
        case RouteAction::kProhibit:
            return special_group(AdjacencyKind::kProhibit);
        case RouteAction::kForward:
            break;
    }
    return kNoRouteGroup;
}

}  // namespace

Result<GroupId> Routes::acquire(VrfId vrf, RouteAction action, std::span<const RouteNextHop> hops,
                                std::uint64_t now_ns) {
    if (action != RouteAction::kForward) return dropping_group(action);
    if (hops.front().is_recursive) {
        std::vector<RecursiveHop> way;
        for (const RouteNextHop& hop : hops) way.push_back({hop.address, hop.weight});
        return ways_.acquire(vrf, way);
    }
    std::vector<Hop> way;
    for (const RouteNextHop& hop : hops) {
        const Attachment* out = attachments_.connected(vrf, hop.address);
        CHECK(out != nullptr);  // a rule of load_config(), and of change()
        way.push_back({.neighbour = {out->id, hop.address}, .weight = hop.weight});
    }
    return ways_.acquire(way, now_ns);
}

// The plan knows the attachment of each hop, which need not be of the VRF: the inside of a NAT has
// a VRF of its own, and its routes lead out where the customer's others do.
Result<GroupId> Routes::acquire(VrfId vrf, const PlannedRoute& route, std::uint64_t now_ns) {
    std::vector<RouteNextHop> hops;
    std::vector<Hop> way;
    for (const PlannedHop& hop : route.hops) {
        hops.push_back({hop.address, hop.weight, hop.attachment.empty()});
        const Attachment* const out = attachments_.find(std::string_view(hop.attachment));
        if (out != nullptr) way.push_back({{out->id, hop.address}, hop.weight});
    }
    if (way.empty() || way.size() != hops.size()) return acquire(vrf, route.action, hops, now_ns);
    return ways_.acquire(way, now_ns);
}

Status Routes::put(VrfId vrf, const IpPrefix& prefix, const PlannedRoute& route,
                   std::uint64_t now_ns) {
    const auto group = acquire(vrf, route, now_ns);
    if (!group) return Unexpected(group.error());
    const auto before = ribs_.group_of(vrf, prefix, RouteSource::kStatic);
    if (before == *group) {  // there already
        ways_.release(*group);
        return ok();
    }
    const Status status = ribs_.add(vrf, prefix, RouteSource::kStatic, *group);
    if (!status) {
        ways_.release(*group);
        return status;
    }
    if (before) ways_.release(*before);
    return ok();
}

Status Routes::check(VrfId vrf, const IpPrefix& prefix) const {
    const auto group = ribs_.group_of(vrf, prefix, RouteSource::kStatic);
    if (!group || !recursions_.has(*group)) return ok();
    const auto hop = recursions_.own_ancestor(*group);
    if (!hop) return ok();
    return Unexpected(ErrorCode::kInvalid,
                      own_ancestor_message(recursions_.view(*group)[*hop].hop.address, prefix),
                      "routes");
}

void Routes::remove(VrfId vrf, const IpPrefix& prefix) {
    const auto group = ribs_.group_of(vrf, prefix, RouteSource::kStatic);
    if (!group) return;
    CHECK(ribs_.remove(vrf, prefix, RouteSource::kStatic).has_value());
    ways_.release(*group);
}

// Those of the configuration come back with put() where the new one still has them.
void Routes::remove_over(const Attachment& attachment) {
    std::vector<bool> leads(kGroupsMax);
    bool is_any = false;
    for (const GroupId group : ways_.over(attachment.id)) {
        leads[group.value()] = true;
        is_any = true;
    }
    if (!is_any) return;
    remove_leading(attachment.vrf, leads);
    if (attachment.inside_vrf) remove_leading(*attachment.inside_vrf, leads);
    recursions_.settle();  // or what resolved through them would hold their next hops
}

void Routes::remove_leading(VrfId vrf, const std::vector<bool>& leads) {
    std::optional<IpPrefix> after;
    do {
        constexpr std::size_t kPrefixesAtOnce = 1'024;
        const auto page = ribs_.dump(vrf, after, kPrefixesAtOnce);
        CHECK(page.has_value());
        for (const IpRoute& route : page.value().routes) {
            const bool is_ours =
                route.source == RouteSource::kStatic || route.source == RouteSource::kApi;
            if (!is_ours || !leads[route.group.value()]) continue;
            CHECK(ribs_.remove(vrf, route.prefix, route.source).has_value());
            ways_.release(route.group);
        }
        after = page.value().next;
    } while (after);
}

void Routes::remove_fed(VrfId vrf) {
    const auto sync = begin_sync(vrf);
    CHECK(sync.has_value());
    std::optional<IpPrefix> after;
    do {
        const auto sweep = end_sync(vrf, *sync, after);
        CHECK(sweep.has_value());
        after = sweep->next;
    } while (after);
    syncs_.erase(vrf);
}

Result<std::uint64_t> Routes::begin_sync(VrfId vrf) {
    if (Status status = ribs_.mark_stale(vrf, RouteSource::kApi); !status) {
        return Unexpected(status.error());
    }
    return syncs_[vrf] = ++last_sync_;
}

Result<RouteSweep> Routes::end_sync(VrfId vrf, std::uint64_t sync,
                                    const std::optional<IpPrefix>& after) {
    const auto last = syncs_.find(vrf);
    if (last == syncs_.end() || last->second != sync) {
        return Unexpected(ErrorCode::kInvalid,
                          "is not the number of the VRF's last sync: another has begun since, or "
                          "none",
                          "sync");
    }
    const auto sweep = ribs_.sweep_stale(vrf, RouteSource::kApi, after, kSweepPrefixes);
    if (!sweep) return Unexpected(sweep.error());
    for (const GroupId group : sweep->removed) ways_.release(group);
    recursions_.settle();
    return RouteSweep{.removed = sweep->removed.size(), .next = sweep->next};
}

}  // namespace causeway
