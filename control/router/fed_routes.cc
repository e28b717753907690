// SPDX-License-Identifier: Apache-2.0
#include "control/router/fed_routes.h"

#include <algorithm>
#include <variant>

#include "base/check.h"
#include "control/slow_path/subnet_hosts.h"

namespace causeway {
namespace {

// Prefixes that a sweep looks at before it asks again.
constexpr std::size_t kSweepPrefixes = 4'096;

std::optional<AdjacencyKind> dropping_kind(FpmAction action) {
    switch (action) {
        case FpmAction::kBlackhole:
            return AdjacencyKind::kBlackhole;
        case FpmAction::kUnreachable:
            return AdjacencyKind::kUnreachable;
        case FpmAction::kProhibit:
            return AdjacencyKind::kProhibit;
        case FpmAction::kForward:
            break;
    }
    return std::nullopt;
}

bool is_neighbour_on(const Attachment& out, const IpAddress& address) {
    if (const auto* ipv4 = std::get_if<Ipv4Address>(&address)) {
        return *ipv4 != out.address && is_host_of(out.subnet, *ipv4);
    }
    const auto ipv6 = std::get<Ipv6Address>(address);
    return ipv6 != out.ipv6->address && is_host_of(out.ipv6->subnet, ipv6);
}

}  // namespace

void FedRoutes::apply(std::span<const FeedChange> changes) {
    for (const FeedChange& change : changes) {
        std::visit([this](const auto& one) { take(one); }, change);
    }
}

void FedRoutes::take(const FeedSetWay& set) {
    Way& way = ways_[set.id];
    way.told = set.way;
    for (auto& [place, target] : way.targets) redirect(way.told, place, target, nullptr);
}

void FedRoutes::take(const FeedForgetWay& forgotten) {
    const auto found = ways_.find(forgotten.id);
    CHECK(found != ways_.end());
    for (const auto& [place, target] : found->second.targets) drop(target);
    ways_.erase(found);
}

void FedRoutes::take(const FeedSetRoute& set) {
    const auto way = ways_.find(set.way);
    CHECK(way != ways_.end());
    const bool is_ipv4 = std::holds_alternative<Ipv4Prefix>(set.prefix);
    const Place place{set.vrf, is_ipv4 ? Family::kIpv4 : Family::kIpv6};
    const auto group = group_of(way->second, place);
    if (group && tables_.ribs.add(set.vrf, set.prefix, RouteSource::kBgp, *group)) return;
    if (group) counters_.count(FpmEvent::kRibFull, set.vrf.value());
    has_refused_ = true;
    // The route that there was leads where zebra does not want it any more.
    (void)tables_.ribs.remove(set.vrf, set.prefix, RouteSource::kBgp);
}

// Nothing is there where it was refused.
void FedRoutes::take(const FeedRemoveRoute& removed) {
    (void)tables_.ribs.remove(removed.vrf, removed.prefix, RouteSource::kBgp);
}

std::optional<GroupId> FedRoutes::group_of(Way& way, const Place& place) {
    if (const auto found = way.targets.find(place); found != way.targets.end()) {
        return found->second.group;
    }
    const GroupId leads = lead(way.told, place, nullptr);
    const auto group = tables_.next_hops.create_indirect(leads);
    if (!group) {
        tables_.ways.release(leads);
        counters_.count(FpmEvent::kGroupsFull, place.vrf.value());
        return std::nullopt;
    }
    way.targets.emplace(place, Target{.group = *group, .leads = leads});
    return *group;
}

void FedRoutes::redirect(const FpmWay& told, const Place& place, Target& target,
                         const Attachment* leaving) {
    const GroupId leads = lead(told, place, leaving);
    // What it leads to is a group of members or a fixed one, so never itself.
    CHECK(tables_.next_hops.redirect(target.group, leads).has_value());
    tables_.ways.release(target.leads);
    target.leads = leads;
}

void FedRoutes::drop(const Target& target) {
    tables_.next_hops.release_group(target.group);
    tables_.ways.release(target.leads);
}

GroupId FedRoutes::lead(const FpmWay& told, const Place& place, const Attachment* leaving) {
    if (const auto kind = dropping_kind(told.action)) return special_group(*kind);
    const std::vector<Hop> hops = hops_of(told, place, leaving);
    if (hops.empty()) return special_group(AdjacencyKind::kDown);
    const auto group = tables_.ways.acquire(hops, tables_.now_ns());
    if (group) return *group;
    counters_.count(FpmEvent::kGroupsFull, place.vrf.value());
    has_refused_ = true;
    return special_group(AdjacencyKind::kDown);
}

std::vector<Hop> FedRoutes::hops_of(const FpmWay& told, const Place& place,
                                    const Attachment* leaving) {
    std::vector<Hop> hops;
    for (const FpmHop& hop : told.hops) {
        if (!hop.gateway) {
            counters_.count(FpmEvent::kNoNeighbour, place.vrf.value());
            continue;
        }
        const bool is_ipv4 = std::holds_alternative<Ipv4Address>(*hop.gateway);
        if (is_ipv4 != (place.family == Family::kIpv4)) {
            counters_.count(FpmEvent::kOtherFamily, place.vrf.value());
            continue;
        }
        const Attachment* out = tables_.attachments.connected(place.vrf, *hop.gateway);
        const bool leaves = out != nullptr && leaving != nullptr && out->id == leaving->id;
        if (out == nullptr || leaves || !is_neighbour_on(*out, *hop.gateway)) {
            counters_.count(FpmEvent::kNoNeighbour, place.vrf.value());
            continue;
        }
        const NeighbourKey neighbour{out->id, *hop.gateway};
        const auto twin = std::ranges::find(hops, neighbour, &Hop::neighbour);
        if (twin == hops.end()) {
            hops.push_back({.neighbour = neighbour, .weight = hop.weight});
        } else {
            twin->weight = std::min(twin->weight + hop.weight, kGroupWeightMax);
        }
    }
    return hops;
}

void FedRoutes::leave(const Attachment& attachment) {
    for (auto& [id, way] : ways_) {
        for (auto& [place, target] : way.targets) {
            if (place.vrf == attachment.vrf) redirect(way.told, place, target, &attachment);
        }
    }
}

void FedRoutes::resolve_again() {
    for (auto& [id, way] : ways_) {
        for (auto& [place, target] : way.targets) redirect(way.told, place, target, nullptr);
    }
}

void FedRoutes::clear(VrfId vrf) {
    CHECK(tables_.ribs.mark_stale(vrf, RouteSource::kBgp).has_value());
    std::optional<IpPrefix> after;
    do {
        const auto sweep = tables_.ribs.sweep_stale(vrf, RouteSource::kBgp, after, kSweepPrefixes);
        CHECK(sweep.has_value());
        after = sweep->next;
    } while (after);
    for (auto& [id, way] : ways_) {
        std::erase_if(way.targets, [&](const auto& entry) {
            const bool goes = entry.first.vrf == vrf;
            if (goes) drop(entry.second);
            return goes;
        });
    }
}

}  // namespace causeway
