// SPDX-License-Identifier: Apache-2.0
//
// What operators look at: views, copied out of the tables.
#include <algorithm>
#include <utility>

#include "base/check.h"
#include "control/api/page.h"
#include "control/router/router.h"

namespace causeway {
namespace {

std::optional<VlanId> tag(std::uint16_t vid) {
    return VlanId::from(vid);
}

OperStatus oper(bool up) {
    return up ? OperStatus::kUp : OperStatus::kDown;
}

NeighbourState state_of(const Neighbour& neighbour) {
    switch (neighbour.state) {
        case ResolutionState::kReachable:
            return NeighbourState::kReachable;
        case ResolutionState::kStale:
            return NeighbourState::kStale;
        case ResolutionState::kIncomplete:
            break;
    }
    return neighbour.probes >= Neighbours::kProbesMax ? NeighbourState::kFailed
                                                      : NeighbourState::kIncomplete;
}

}  // namespace

std::optional<VrfId> Router::find_vrf(std::string_view name) const {
    const auto found = vrfs_.find(name);
    return found == vrfs_.end() ? std::nullopt : std::optional(found->second);
}

Result<VrfId> Router::require_vrf(std::string_view name) const {
    if (const auto vrf = find_vrf(name)) return *vrf;
    return Unexpected(ErrorCode::kNotFound, "there is no VRF " + std::string(name), "vrf");
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

RuleTotals Router::rule_totals(RuleCounterId row) const {
    RuleTotals totals;
    for (const auto& worker : forwarder_->workers()) {
        const Counters::RuleCounters& counters = worker->counters().rule(row);
        totals.packets += counters.packets.read();
        totals.bytes += counters.bytes.read();
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
        (exit.fate == Fate::kDrop ? view.drops : view.punts)
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
        if (exit.fate == Fate::kWalk) continue;
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
    // A worker and BFD's thread both look at the TTL: one row for both.
    for (const BfdDiscardInfo& discard : kBfdDiscards) {
        const std::uint64_t packets = bfd_runner_->ask(
            [&](BfdEngine& engine, auto) { return engine.discarded(discard.discard); });
        const auto known = std::ranges::find(reasons, discard.name, &ReasonCount::name);
        if (known != reasons.end()) {
            known->packets += packets;
        } else {
            reasons.push_back(
                {.name = discard.name, .meaning = discard.meaning, .packets = packets});
        }
    }
    return reasons;
}

Result<std::vector<PuntView>> Router::punts(const std::optional<std::string>& attachment) {
    if (attachment && attachments_.find(*attachment) == nullptr) {
        return Unexpected(ErrorCode::kNotFound, "there is no attachment " + *attachment,
                          "attachment");
    }
    std::vector<PuntView> views;
    for (const PuntClassInfo& info : kPuntClasses) {
        const auto k = static_cast<std::size_t>(info.punt_class);
        PuntView& view = views.emplace_back(PuntView{
            .punt_class = info.name, .meaning = info.meaning, .rates = punt_police_.limits()[k]});
        for (const auto& [name, id] : attachments_.by_name()) {
            if (attachment && name != *attachment) continue;
            const PuntCounts counts = punt_police_.counts(id, info.punt_class);
            view.passed += counts.passed;
            view.over_attachment += counts.over_attachment;
            view.over_total += counts.over_total;
        }
    }
    return views;
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
        .ipv6_address = {},
        .ipv6_subnet = {},
        .mtu = attachment.mtu,
        .admin = attachment.closed == Exit::kAdminDown ? AdminStatus::kDown : AdminStatus::kUp,
        .oper = oper(attachment.is_usable()),
        .reason = {},
        .drain = drain_state(attachment.name),
        .appeal = {}};
    if (attachment.link) view.appeal = appeal(attachment.name);
    if (attachment.ipv6) {
        view.ipv6_address = attachment.ipv6->address;
        view.ipv6_subnet = attachment.ipv6->subnet;
    }
    const auto planned = installed_.attachments.find(attachment.name);
    if (planned != installed_.attachments.end() && planned->second.tap) {
        view.tap = planned->second.tap->name;
        view.tap_namespace = planned->second.tap->network_namespace;
    }
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
    const auto leg = [&](Link link, std::optional<Ipv4Prefix>& subnet,
                         std::optional<Ipv6Prefix>& ipv6_subnet, std::string& name,
                         OperStatus& state) {
        if (const auto& ipv6 = peering.leg<Ipv6Address>(link)) ipv6_subnet = ipv6->subnet;
        const auto& ipv4 = peering.leg<Ipv4Address>(link);
        if (!ipv4) return;
        subnet = ipv4->subnet;
        const auto found = attachments_.by_name().find(attachment_name(circuit, peering, link));
        if (found == attachments_.by_name().end()) return;
        name = found->first;
        state = oper(attachments_.find(found->second)->is_usable());
    };
    leg(Link::kPrimary, view.primary_subnet, view.primary_ipv6_subnet, view.primary_attachment,
        view.primary);
    leg(Link::kSecondary, view.secondary_subnet, view.secondary_ipv6_subnet,
        view.secondary_attachment, view.secondary);
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
    // In order of attachments' names, IPv4 first, as the ARP table of a circuit reads.
    std::map<NeighbourCursor, NeighbourView> rows;
    for (const auto& entry : attachments_.by_name()) {
        const std::string& name = entry.first;  // a lambda cannot capture a binding in clang
        const AttachmentId id = entry.second;
        if (attachment && name != *attachment) continue;
        const Attachment& owner = *attachments_.find(id);
        const auto add_own = [&](const IpAddress& address) {
            rows.emplace(NeighbourCursor{name, address},
                         NeighbourView{.attachment = name,
                                       .address = address,
                                       .mac = owner.mac,
                                       .state = NeighbourState::kOwn,
                                       .side = NeighbourSide::kMicrosoft});
        };
        add_own(owner.address);
        if (owner.ipv6) add_own(owner.ipv6->address);
        auto at = neighbours_->all().lower_bound({id, IpAddress()});
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
                .failed = seen.value().no_socket,
                .bfd = seen.value().bfd};
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
        const auto append = [&](std::string_view family, auto names, auto counters) {
            for (std::size_t k = 0; k < counters.size(); ++k) {
                views.push_back({.worker = worker->id(),
                                 .name = std::string(family).append(names[k]),
                                 .packets = counters[k].packets.read(),
                                 .calls = counters[k].bursts.read(),
                                 .cycles = counters[k].cycles.read()});
            }
        };
        append("", Ipv4Walk::kStageNames, worker->ipv4_walk().counters());
        append("ipv6/", Ipv6Walk::kStageNames, worker->ipv6_walk().counters());
    }
    return views;
}

}  // namespace causeway
