// SPDX-License-Identifier: Apache-2.0
//
// What operators look at of routing: VRFs, routes, matches, next-hop groups.
#include <algorithm>
#include <utility>

#include "base/check.h"
#include "control/api/page.h"
#include "control/router/router.h"
#include "control/slow_path/ip_family.h"

namespace causeway {
namespace {

std::string_view why_not(NextHopState state) {
    switch (state) {
        case NextHopState::kForwarding:
            return "";
        case NextHopState::kStandby:
            return "draining";
        case NextHopState::kUnresolved:
            return "neighbour does not answer";
        case NextHopState::kDown:
            return "link down";
    }
    return "";
}

// Nothing where there is nothing to say.
std::string_view word_of(BfdDiagnostic diagnostic) {
    return diagnostic == BfdDiagnostic::kNone ? std::string_view() : to_string(diagnostic);
}

RouteAction action_of(GroupId group) {
    if (group == special_group(AdjacencyKind::kBlackhole)) return RouteAction::kBlackhole;
    if (group == special_group(AdjacencyKind::kUnreachable)) return RouteAction::kUnreachable;
    if (group == special_group(AdjacencyKind::kProhibit)) return RouteAction::kProhibit;
    return RouteAction::kForward;
}

bool is_special(GroupId group) {
    return group.value() < kFirstFreeGroup;
}

}  // namespace

// The next hops as they were told.
std::vector<RouteHopView> Router::hop_views(GroupId group) const {
    std::vector<RouteHopView> hops;
    if (is_special(group)) return hops;
    if (recursions_->has(group)) {
        for (const Recursions::HopView& view : recursions_->view(group)) {
            hops.push_back({.address = view.hop.address,
                            .weight = view.hop.weight,
                            .attachment = {},
                            .recursive = true,
                            .alive = view.is_resolved});
        }
        return hops;
    }
    for (const GroupInfo::Member& member : next_hops_->group_info(group).members) {
        const Attachment* out = attachments_.find(member.attachment);
        hops.push_back({.address = member.address,
                        .weight = member.weight,
                        .attachment = out == nullptr ? std::string() : out->name,
                        .alive = member.state == NextHopState::kForwarding});
    }
    return hops;
}

RouteView Router::route_view(const std::string& vrf, const IpRoute& route, HopCache& hops) const {
    auto known = hops.find(route.group);
    if (known == hops.end()) known = hops.emplace(route.group, hop_views(route.group)).first;
    return {.vrf = vrf,
            .prefix = route.prefix,
            .source = route.source,
            .action = action_of(route.group),
            .selected = route.is_best,
            .local = route.group == special_group(AdjacencyKind::kLocal),
            .stale = route.is_stale,
            .group = route.group,
            .via = known->second};
}

Result<Page<RouteView, RouteCursor>> Router::routes(const RouteFilter& filter,
                                                    const PageRequest<RouteCursor>& request) {
    if (filter.vrf && !find_vrf(*filter.vrf)) {
        return Unexpected(ErrorCode::kNotFound, "there is no VRF " + *filter.vrf, "vrf");
    }
    Page<RouteView, RouteCursor> page;
    HopCache hops;
    auto vrf = request.after ? vrfs_.lower_bound(request.after->vrf) : vrfs_.begin();
    for (; vrf != vrfs_.end(); ++vrf) {
        if (filter.vrf && vrf->first != *filter.vrf) continue;
        const bool resumes = request.after && request.after->vrf == vrf->first;
        // The cursor's own prefix may have routes of further sources, so its page begins with it.
        std::optional<IpPrefix> after;
        if (resumes) {
            for (const IpRoute& route : ribs_->find(vrf->second, request.after->prefix)) {
                if (route.source <= request.after->source) continue;
                if (filter.source && route.source != *filter.source) continue;
                if (page.items.size() == request.limit) break;
                page.items.push_back(route_view(vrf->first, route, hops));
            }
            after = request.after->prefix;
        }
        do {
            const auto part = ribs_->dump(vrf->second, after, request.limit);
            CHECK(part.has_value());
            for (const IpRoute& route : part.value().routes) {
                if (filter.source && route.source != *filter.source) continue;
                if (filter.within && !contains(*filter.within, route.prefix)) continue;
                if (page.items.size() == request.limit) {
                    const RouteView& last = page.items.back();
                    page.next = RouteCursor{last.vrf, last.prefix, last.source};
                    return page;
                }
                page.items.push_back(route_view(vrf->first, route, hops));
            }
            after = part.value().next;
        } while (after);
    }
    return page;
}

Result<Page<BfdView, NeighbourCursor>> Router::bfd_sessions(
    const std::optional<std::string>& attachment, const PageRequest<NeighbourCursor>& request) {
    if (attachment && attachments_.find(*attachment) == nullptr) {
        return Unexpected(ErrorCode::kNotFound, "there is no attachment " + *attachment,
                          "attachment");
    }
    constexpr std::uint64_t kNsPerUs = 1'000;
    constexpr std::uint64_t kNsPerSecond = 1'000'000'000;
    std::map<NeighbourCursor, BfdView> rows;
    const auto sessions = bfd_runner_->ask([](BfdEngine& engine, auto) { return engine.all(); });
    for (const BfdSessionStatus& session : sessions) {
        const Attachment* owner = attachments_.find(session.options.peer.attachment);
        if (owner == nullptr || (attachment && owner->name != *attachment)) continue;
        const IpAddress& peer = session.options.peer.address;
        rows.emplace(NeighbourCursor{owner->name, peer},
                     BfdView{.attachment = owner->name,
                             .address = peer,
                             .local = session.options.local,
                             .state = session.state,
                             .remote_state = session.remote_state,
                             .diagnostic = word_of(session.diagnostic),
                             .remote_diagnostic = word_of(session.remote_diagnostic),
                             .changed_seconds = (now_ns() - session.changed_ns) / kNsPerSecond,
                             .interval_us = session.transmit_interval_ns / kNsPerUs,
                             .detection_us = session.detection_time_ns / kNsPerUs,
                             .downs = session.downs,
                             .rx_packets = session.traffic.rx_packets,
                             .tx_packets = session.traffic.tx_packets,
                             .tx_lost = session.tx_lost,
                             .is_failed = session.verdict == BfdVerdict::kFailed});
    }
    return page_of<BfdView>(rows, request,
                            [](const NeighbourCursor&, const BfdView& view) { return view; });
}

GroupView Router::group_view(GroupId id) const {
    const GroupInfo info = next_hops_->group_info(id);
    GroupView view{.id = id,
                   .vrf = {},
                   .routes = ways_->routes(id),
                   .buckets = static_cast<unsigned>(info.buckets),
                   .members = {}};
    for (const GroupInfo::Member& member : info.members) {
        const Attachment* out = attachments_.find(member.attachment);
        if (out != nullptr) view.vrf = out->vrf_name;
        view.members.push_back({.address = member.address,
                                .attachment = out == nullptr ? std::string() : out->name,
                                .weight = member.weight,
                                .alive = member.state == NextHopState::kForwarding,
                                .reason = std::string(why_not(member.state)),
                                .buckets = static_cast<unsigned>(member.buckets)});
    }
    return view;
}

Result<RouteMatch> Router::match(std::string_view vrf, const IpAddress& address) {
    const auto id = require_vrf(vrf);
    if (!id) return Unexpected(id.error());
    const auto routes = ribs_->explain(*id, address);
    CHECK(routes.has_value());
    RouteMatch match;
    if (routes.value().empty()) return match;
    const IpRoute& best = routes.value().front();
    HopCache hops;
    match.route = route_view(std::string(vrf), best, hops);
    if (!is_special(best.group)) match.group = group_view(best.group);
    return match;
}

Page<GroupView, GroupId> Router::groups(const PageRequest<GroupId>& request) {
    std::map<GroupId, bool> rows;
    for (const GroupId id : next_hops_->group_ids()) rows.emplace(id, true);
    return page_of<GroupView>(rows, request, [this](GroupId id, bool) { return group_view(id); });
}

Page<VrfView, std::string> Router::vrfs(const PageRequest<std::string>& request) {
    return page_of<VrfView>(vrfs_, request, [this](const std::string& name, VrfId id) {
        const auto counts = ribs_->counts(id);
        CHECK(counts.has_value());
        VrfView view{.name = name, .id = id};
        for (const std::size_t count : counts.value()) view.routes += count;
        view.attachments = static_cast<std::uint64_t>(std::ranges::count_if(
            installed_.attachments,
            [&name](const auto& attachment) { return attachment.second.vrf == name; }));
        return view;
    });
}

}  // namespace causeway
