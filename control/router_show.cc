// SPDX-License-Identifier: Apache-2.0
//
// What operators look at: views, copied out of the tables.
#include <algorithm>
#include <utility>

#include "base/check.h"
#include "control/router.h"

namespace causeway {
namespace {

// The page of an ordered map that a request asks for; `view` makes a row of an element.
template <class Row, class Cursor, class Map, class View>
Page<Row, Cursor> page_of(const Map& map, const PageRequest<Cursor>& request, View&& view) {
    Page<Row, Cursor> page;
    auto at = request.after ? map.upper_bound(*request.after) : map.begin();
    for (; at != map.end(); ++at) {
        if (page.items.size() == request.limit) {
            page.next = std::prev(at)->first;
            break;
        }
        page.items.push_back(view(at->first, at->second));
    }
    return page;
}

std::optional<VlanId> tag(std::uint16_t vid) {
    return VlanId::from(vid);
}

OperStatus oper(bool up) {
    return up ? OperStatus::kUp : OperStatus::kDown;
}

NeighbourState state_of(const Neighbour& neighbour) {
    switch (neighbour.state) {
        case ArpState::kReachable:
            return NeighbourState::kReachable;
        case ArpState::kStale:
            return NeighbourState::kStale;
        case ArpState::kIncomplete:
            break;
    }
    return neighbour.probes >= Neighbours::kProbesMax ? NeighbourState::kFailed
                                                      : NeighbourState::kIncomplete;
}

std::string_view why_not(NextHopState state) {
    switch (state) {
        case NextHopState::kForwarding:
            return "";
        case NextHopState::kUnresolved:
            return "neighbour does not answer";
        case NextHopState::kDown:
            return "link down";
    }
    return "";
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

std::optional<VrfId> Router::find_vrf(std::string_view name) const {
    const auto found = vrfs_.find(name);
    return found == vrfs_.end() ? std::nullopt : std::optional(found->second);
}

Router::RowTotals Router::totals_of(AttachmentId row) const {
    RowTotals totals;
    for (const auto& worker : forwarder_->workers()) {
        const TrafficCounters& traffic = worker->counters().traffic(row);
        totals.rx_packets += traffic.rx_packets.read();
        totals.rx_bytes += traffic.rx_bytes.read();
        totals.tx_packets += traffic.tx_packets.read();
        totals.tx_bytes += traffic.tx_bytes.read();
        totals.forwarded += traffic.forwarded_packets.read();
        totals.injected += traffic.injected_packets.read();
        for (std::size_t exit = 0; exit < kExitCount; ++exit) {
            totals.exits[exit] += worker->counters().exits(row, static_cast<Exit>(exit));
        }
    }
    return totals;
}

Router::RowTotals Router::since(const RowTotals& now, const RowTotals& then) {
    RowTotals counted{.rx_packets = now.rx_packets - then.rx_packets,
                      .rx_bytes = now.rx_bytes - then.rx_bytes,
                      .tx_packets = now.tx_packets - then.tx_packets,
                      .tx_bytes = now.tx_bytes - then.tx_bytes,
                      .forwarded = now.forwarded - then.forwarded,
                      .injected = now.injected - then.injected};
    for (std::size_t exit = 0; exit < kExitCount; ++exit) {
        counted.exits[exit] = now.exits[exit] - then.exits[exit];
    }
    return counted;
}

CountersView Router::counters_view(std::string name, AttachmentId row) const {
    const auto lease = leases_.find(row);
    const RowTotals counted =
        since(totals_of(row), lease == leases_.end() ? RowTotals{} : lease->second.baseline);
    CountersView view{.name = std::move(name),
                      .rx = {counted.rx_packets, counted.rx_bytes},
                      .tx = {counted.tx_packets, counted.tx_bytes},
                      .forwarded = counted.forwarded};
    for (const ExitInfo& exit : kExits) {
        const std::uint64_t count = counted.exits[static_cast<std::size_t>(exit.exit)];
        if (count == 0) continue;
        (exit.fate == Fate::kPunt ? view.punts : view.drops)
            .push_back({.name = exit.name, .meaning = exit.meaning, .packets = count});
    }
    return view;
}

CountersView Router::unclaimed_view(const Port& port) const {
    CountersView view = counters_view(port.name(), AttachmentId(port.id().value()));
    const RowTotals& settled = settled_[port.id().value()];
    view.rx.packets -= settled.rx_packets;
    view.rx.bytes -= settled.rx_bytes;
    for (const auto& [row, lease] : leases_) {
        if (lease.port != port.id()) continue;
        const RowTotals claimed = since(totals_of(row), lease.baseline);
        view.rx.packets -= claimed.rx_packets;
        view.rx.bytes -= claimed.rx_bytes;
    }
    return view;
}

Page<CountersView, std::string> Router::counters(const PageRequest<std::string>& request) {
    std::map<std::string, AttachmentId, std::less<>> rows = attachments_.by_name();
    for (const Port& port : forwarder_->ports()) {
        rows.emplace(port.name(), AttachmentId(port.id().value()));
    }
    return page_of<CountersView>(rows, request, [this](const std::string& name, AttachmentId row) {
        const bool is_port = row.value() < kPortsMax;
        return is_port ? unclaimed_view(forwarder_->ports()[row.value()])
                       : counters_view(name, row);
    });
}

Result<CountersView> Router::counters_of(std::string_view name) {
    if (const Attachment* attachment = attachments_.find(name)) {
        return counters_view(attachment->name, attachment->id);
    }
    if (const Port* port = find_port(name)) {
        return unclaimed_view(*port);
    }
    return Unexpected(ErrorCode::kNotFound, "there is no attachment or port " + std::string(name),
                      "name");
}

Result<std::vector<ReasonCount>> Router::drops(const std::optional<std::string>& owner) {
    std::array<std::uint64_t, kExitCount> sums{};
    const auto add = [&sums](const CountersView& view) {
        for (const auto* list : {&view.drops, &view.punts}) {
            for (const ReasonCount& reason : *list) {
                const auto exit = std::ranges::find(kExits, reason.name, &ExitInfo::name);
                sums[static_cast<std::size_t>(exit - kExits.begin())] += reason.packets;
            }
        }
    };
    if (owner) {
        const auto view = counters_of(*owner);
        if (!view) return Unexpected(view.error());
        add(*view);
    } else {
        for (const auto& [name, id] : attachments_.by_name()) add(counters_view(name, id));
        for (const Port& port : forwarder_->ports()) {
            add(counters_view(port.name(), AttachmentId(port.id().value())));
        }
    }
    std::vector<ReasonCount> reasons;
    for (const ExitInfo& exit : kExits) {
        if (exit.exit == Exit::kNone) continue;
        reasons.push_back({.name = exit.name,
                           .meaning = exit.meaning,
                           .packets = sums[static_cast<std::size_t>(exit.exit)]});
    }
    if (owner) return reasons;
    for (const SlowEventInfo& event : kSlowEvents) {
        reasons.push_back({.name = event.name,
                           .meaning = event.meaning,
                           .packets = slow_counters_.read(event.event)});
    }
    return reasons;
}

AttachmentView Router::attachment_view(const Attachment& attachment) const {
    AttachmentView view{
        .name = attachment.name,
        .id = attachment.id,
        .port = forwarder_->ports()[attachment.port.value()].name(),
        .outer = tag(attachment.outer),
        .inner = tag(attachment.inner),
        .link = attachment.link,
        .circuit = attachment.circuit,
        .vrf = attachment.vrf_name,
        .address = attachment.address,
        .subnet = attachment.subnet,
        .mtu = attachment.mtu,
        .admin = attachment.closed == Exit::kAdminDown ? AdminStatus::kDown : AdminStatus::kUp,
        .oper = oper(attachment.is_usable()),
        .reason = {}};
    if (attachment.closed != Exit::kNone) {
        view.reason = info_of(attachment.closed).meaning;
    } else if (!attachment.is_port_up) {
        view.reason = "port down";
    }
    return view;
}

Page<AttachmentView, std::string> Router::attachments(const PageRequest<std::string>& request) {
    return page_of<AttachmentView>(attachments_.by_name(), request,
                                   [this](const std::string&, AttachmentId id) {
                                       return attachment_view(*attachments_.find(id));
                                   });
}

Result<AttachmentView> Router::attachment(std::string_view name) {
    if (const Attachment* found = attachments_.find(name)) return attachment_view(*found);
    return Unexpected(ErrorCode::kNotFound, "there is no attachment " + std::string(name), "name");
}

PeeringView Router::peering_view(const CircuitConfig& circuit, const PeeringConfig& peering) const {
    PeeringView view{.type = peering.type,
                     .enabled = peering.enabled,
                     .c_tag = peering.c_tag,
                     .peer_asn = peering.peer_asn,
                     .vrf = peering.vrf};
    const auto leg = [&](const std::optional<PeeringLeg>& from, Link link,
                         std::optional<Ipv4Prefix>& subnet, std::string& name, OperStatus& state) {
        if (!from) return;
        subnet = from->subnet;
        const auto found = attachments_.by_name().find(attachment_name(circuit, peering, link));
        if (found == attachments_.by_name().end()) return;
        name = found->first;
        state = oper(attachments_.find(found->second)->is_usable());
    };
    leg(peering.primary, Link::kPrimary, view.primary_subnet, view.primary_attachment,
        view.primary);
    leg(peering.secondary, Link::kSecondary, view.secondary_subnet, view.secondary_attachment,
        view.secondary);
    return view;
}

CircuitView Router::circuit_view(const CircuitConfig& circuit) const {
    CircuitView view{.service_key = circuit.service_key,
                     .name = circuit.name,
                     .bandwidth_bps = circuit.bandwidth_bps,
                     .status = circuit.status,
                     .provider_state = circuit.provider_state};
    const auto leg = [&](const std::optional<CircuitLink>& link, Link which) {
        if (!link) return;
        bool is_up = false;
        for (const Port& port : forwarder_->ports()) {
            if (port.name() == link->port) is_up = port_states_[port.id().value()].has_link;
        }
        // Down where every attachment of the link is: `causeway link down` means the whole of it.
        bool admin_up = link->enabled;
        for (const auto& [name, planned] : installed_.attachments) {
            if (planned.circuit != circuit.name || planned.link != which) continue;
            const auto said = overrides_.find(name);
            if (said != overrides_.end()) admin_up = said->second == AdminStatus::kUp;
        }
        view.legs.push_back({.link = which,
                             .port = link->port,
                             .s_tag = link->s_tag,
                             .admin = admin_up ? AdminStatus::kUp : AdminStatus::kDown,
                             .port_state = oper(is_up)});
    };
    leg(circuit.primary, Link::kPrimary);
    leg(circuit.secondary, Link::kSecondary);
    for (const PeeringConfig& peering : circuit.peerings) {
        view.peerings.push_back(peering_view(circuit, peering));
    }
    return view;
}

Page<CircuitView, std::string> Router::circuits(const PageRequest<std::string>& request) {
    std::map<std::string, const CircuitConfig*> rows;
    for (const CircuitConfig& circuit : config_.circuits) rows.emplace(circuit.name, &circuit);
    return page_of<CircuitView>(
        rows, request,
        [this](const std::string&, const CircuitConfig* row) { return circuit_view(*row); });
}

Result<CircuitView> Router::circuit(std::string_view name_or_key) {
    for (const CircuitConfig& circuit : config_.circuits) {
        if (circuit.name == name_or_key || circuit.service_key == name_or_key) {
            return circuit_view(circuit);
        }
    }
    return Unexpected(ErrorCode::kNotFound, "there is no circuit " + std::string(name_or_key),
                      "circuit");
}

NeighbourView Router::neighbour_view(const NeighbourKey& key, const Neighbour& neighbour) const {
    const Attachment* attachment = attachments_.find(key.attachment);
    return {.attachment = attachment->name,
            .address = key.address,
            .mac = neighbour.mac,
            .state = state_of(neighbour),
            .age_seconds = neighbour.mac ? (now_ns() - neighbour.confirmed_ns) / 1'000'000'000 : 0,
            .side = attachment->link ? NeighbourSide::kOnPrem : NeighbourSide::kMicrosoft};
}

Result<Page<NeighbourView, NeighbourCursor>> Router::neighbours(
    const std::optional<std::string>& attachment, const PageRequest<NeighbourCursor>& request) {
    if (attachment && attachments_.find(*attachment) == nullptr) {
        return Unexpected(ErrorCode::kNotFound, "there is no attachment " + *attachment,
                          "attachment");
    }
    // In order of attachments' names, our own row first, as the ARP table of a circuit reads.
    std::map<NeighbourCursor, NeighbourView> rows;
    for (const auto& [name, id] : attachments_.by_name()) {
        if (attachment && name != *attachment) continue;
        const Attachment& owner = *attachments_.find(id);
        rows.emplace(NeighbourCursor{name, owner.address},
                     NeighbourView{.attachment = name,
                                   .address = owner.address,
                                   .mac = owner.mac,
                                   .state = NeighbourState::kOwn,
                                   .side = NeighbourSide::kMicrosoft});
        auto at = neighbours_->all().lower_bound({id, Ipv4Address(0)});
        for (; at != neighbours_->all().end() && at->first.attachment == id; ++at) {
            rows.emplace(NeighbourCursor{name, at->first.address},
                         neighbour_view(at->first, at->second));
        }
    }
    return page_of<NeighbourView>(
        rows, request, [](const NeighbourCursor&, const NeighbourView& view) { return view; });
}

PortView Router::port_view(Port& port) {
    const PortConfig& config = config_.ports[port.id().value()];
    const PortRuntime& state = port_states_[port.id().value()];
    const PortCounters counters = port.counters();
    PortView view{.name = port.name(),
                  .id = port.id(),
                  .device = config.device,
                  .driver = port.driver(),
                  .role = config.role,
                  .mac = port.mac(),
                  .admin = state.admin,
                  .link = oper(state.has_link),
                  .mtu = config.mtu,
                  .queues = port.rx_queues(),
                  .rx = {counters.rx_packets, counters.rx_bytes},
                  .tx = {counters.tx_packets, counters.tx_bytes},
                  .rx_missed = counters.rx_missed + counters.rx_no_buffer,
                  .rx_errors = counters.rx_errors,
                  .tx_errors = counters.tx_errors,
                  .drops = counters_view(port.name(), AttachmentId(port.id().value())).drops,
                  .tag_filter = {}};
    if (TagFilter* filter = port.tag_filter()) {
        if (const auto seen = filter->counters()) {
            view.tag_filter = {
                .forwarded = seen.value().redirected,
                .kernel = seen.value().untagged + seen.value().unknown_tag + seen.value().malformed,
                .failed = seen.value().no_socket};
        }
    }
    return view;
}

std::vector<PortView> Router::ports() {
    std::vector<PortView> views;
    for (Port& port : forwarder_->ports()) views.push_back(port_view(port));
    return views;
}

std::vector<StageView> Router::stages() {
    std::vector<StageView> views;
    for (const auto& worker : forwarder_->workers()) {
        const auto counters = worker->walk().counters();
        for (std::size_t k = 0; k < counters.size(); ++k) {
            views.push_back({.worker = worker->id(),
                             .name = std::string(Ipv4Walk::kStageNames[k]),
                             .packets = counters[k].packets.read(),
                             .calls = counters[k].bursts.read(),
                             .cycles = counters[k].cycles.read()});
        }
    }
    return views;
}

RouteView Router::route_view(const std::string& vrf, const Route& route) const {
    RouteView view{.vrf = vrf,
                   .prefix = route.prefix,
                   .source = route.source,
                   .action = action_of(route.group),
                   .selected = route.is_best,
                   .local = route.group == special_group(AdjacencyKind::kLocal),
                   .group = route.group,
                   .via = {}};
    if (is_special(route.group)) return view;
    for (const GroupInfo::Member& member : next_hops_->group_info(route.group).members) {
        const Attachment* out = attachments_.find(member.attachment);
        view.via.push_back({.address = member.address,
                            .weight = member.weight,
                            .attachment = out == nullptr ? std::string() : out->name,
                            .alive = member.state == NextHopState::kForwarding});
    }
    return view;
}

Result<Page<RouteView, RouteCursor>> Router::routes(const RouteFilter& filter,
                                                    const PageRequest<RouteCursor>& request) {
    if (filter.vrf && !find_vrf(*filter.vrf)) {
        return Unexpected(ErrorCode::kNotFound, "there is no VRF " + *filter.vrf, "vrf");
    }
    Page<RouteView, RouteCursor> page;
    auto vrf = request.after ? vrfs_.lower_bound(request.after->vrf) : vrfs_.begin();
    for (; vrf != vrfs_.end(); ++vrf) {
        if (filter.vrf && vrf->first != *filter.vrf) continue;
        const bool resumes = request.after && request.after->vrf == vrf->first;
        // The cursor's own prefix may have routes of further sources, so its page begins with it.
        std::optional<Ipv4Prefix> after;
        if (resumes) {
            for (const Route& route : rib_->find(vrf->second, request.after->prefix)) {
                if (route.source <= request.after->source) continue;
                if (filter.source && route.source != *filter.source) continue;
                if (page.items.size() == request.limit) break;
                page.items.push_back(route_view(vrf->first, route));
            }
            after = request.after->prefix;
        }
        do {
            const auto part = rib_->dump(vrf->second, after, request.limit);
            CHECK(part.has_value());
            for (const Route& route : part.value().routes) {
                if (filter.source && route.source != *filter.source) continue;
                if (filter.within && !filter.within->contains(route.prefix)) continue;
                if (page.items.size() == request.limit) {
                    const RouteView& last = page.items.back();
                    page.next = RouteCursor{last.vrf, last.prefix, last.source};
                    return page;
                }
                page.items.push_back(route_view(vrf->first, route));
            }
            after = part.value().next;
        } while (after);
    }
    return page;
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

Result<RouteMatch> Router::match(std::string_view vrf, Ipv4Address address) {
    const auto id = find_vrf(vrf);
    if (!id) return Unexpected(ErrorCode::kNotFound, "there is no VRF " + std::string(vrf), "vrf");
    const auto routes = rib_->explain(*id, address);
    CHECK(routes.has_value());
    RouteMatch match;
    if (routes.value().empty()) return match;
    const Route& best = routes.value().front();
    match.route = route_view(std::string(vrf), best);
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
        const auto counts = rib_->counts(id);
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
