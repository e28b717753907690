// SPDX-License-Identifier: Apache-2.0
#include "control/api/view_json.h"

#include "base/check.h"
#include "base/text.h"
#include "control/config/values.h"

namespace causeway {
namespace {

std::string_view word(AdminStatus status) {
    return status == AdminStatus::kUp ? "up" : "down";
}
std::string_view word(OperStatus status) {
    return status == OperStatus::kUp ? "up" : "down";
}

std::string_view word(DrainState state) {
    switch (state) {
        case DrainState::kNone:
            return "none";
        case DrainState::kDraining:
            return "draining";
        case DrainState::kDrained:
            return "drained";
    }
    return "";
}

std::string_view word(Appeal appeal) {
    switch (appeal) {
        case Appeal::kNormal:
            return "normal";
        case Appeal::kPrepended:
            return "prepended";
        case Appeal::kWithdrawn:
            return "withdrawn";
    }
    return "";
}

std::string_view word(NeighbourState state) {
    switch (state) {
        case NeighbourState::kIncomplete:
            return "incomplete";
        case NeighbourState::kReachable:
            return "reachable";
        case NeighbourState::kStale:
            return "stale";
        case NeighbourState::kFailed:
            return "failed";
        case NeighbourState::kOwn:
            return "own";
    }
    return "";
}

// As the ARP tables spell it that circuits' owners know.
std::string_view word(NeighbourSide side) {
    return side == NeighbourSide::kOnPrem ? "On-Prem" : "Microsoft";
}

std::string_view word(RouteAction action) {
    return action == RouteAction::kForward ? "forward" : kRouteActions.name(action);
}

std::string_view word(RouteSource source) {
    CHECK(source < RouteSource::kCount);
    return kRouteSourceWords[static_cast<std::size_t>(source)];
}

std::string_view word(FeedState state) {
    switch (state) {
        case FeedState::kAway:
            return "away";
        case FeedState::kReplaying:
            return "replaying";
        case FeedState::kSettled:
            return "settled";
    }
    return "";
}

std::string_view word(ConfigChange::Kind kind) {
    switch (kind) {
        case ConfigChange::Kind::kAdded:
            return "added";
        case ConfigChange::Kind::kRemoved:
            return "removed";
        case ConfigChange::Kind::kChanged:
            return "changed";
    }
    return "";
}

// Absent values are null, so that every row of a kind has the same members.
Json json_of(const std::optional<VlanId>& tag) {
    return tag ? Json(tag->value()) : Json(nullptr);
}

template <class Value>
Json text_or_null(const std::optional<Value>& value) {
    return value ? Json(to_string(*value)) : Json(nullptr);
}

Json json_of(const Traffic& traffic) {
    return {{"packets", traffic.packets}, {"bytes", traffic.bytes}};
}

// {"ttl_expired": 3, ...}: without the meanings, which drop.list has.
Json counts_of(const std::vector<ReasonCount>& reasons) {
    Json counts = Json::object();
    for (const ReasonCount& reason : reasons) counts[std::string(reason.name)] = reason.packets;
    return counts;
}

}  // namespace

Json json_of(const WorkerView& worker) {
    return {{"worker", worker.id.value()},    {"core", worker.core},
            {"turns", worker.turns},          {"busy-turns", worker.busy_turns},
            {"packets", worker.packets},      {"handed-over", worker.handed_over},
            {"punts-lost", worker.punts_lost}};
}

Json json_of(const LimitUse& limit) {
    return {{"name", limit.name},
            {"used", limit.used},
            {"max", limit.max},
            {"refused", limit.refused ? Json(*limit.refused) : Json(nullptr)}};
}

Json json_of(const CircuitLegView& leg) {
    return {{"link", to_string(leg.link)},
            {"port", leg.port},
            {"s-tag", json_of(leg.s_tag)},
            {"admin", word(leg.admin)},
            {"port-state", word(leg.port_state)}};
}

Json json_of(const PeeringView& peering) {
    const auto leg = [](const std::optional<Ipv4Prefix>& subnet,
                        const std::optional<Ipv6Prefix>& ipv6_subnet, const std::string& attachment,
                        OperStatus state) -> Json {
        if (!subnet) return nullptr;
        return {{"subnet", to_string(*subnet)},
                {"ipv6-subnet", text_or_null(ipv6_subnet)},
                {"attachment", attachment.empty() ? Json(nullptr) : Json(attachment)},
                {"state", word(state)}};
    };
    return {{"type", to_string(peering.type)},
            {"enabled", peering.enabled},
            {"c-tag", peering.c_tag.value()},
            {"peer-asn", peering.peer_asn},
            {"vrf", peering.vrf},
            {"primary", leg(peering.primary_subnet, peering.primary_ipv6_subnet,
                            peering.primary_attachment, peering.primary)},
            {"secondary", leg(peering.secondary_subnet, peering.secondary_ipv6_subnet,
                              peering.secondary_attachment, peering.secondary)}};
}

Json json_of(const RouteHopView& hop) {
    return {{"address", to_string(hop.address)},
            {"weight", hop.weight},
            {"attachment", hop.attachment.empty() ? Json(nullptr) : Json(hop.attachment)},
            {"recursive", hop.recursive},
            {"alive", hop.alive}};
}

Json json_of(const GroupMemberView& member) {
    return {{"address", to_string(member.address)},
            {"attachment", member.attachment},
            {"weight", member.weight},
            {"alive", member.alive},
            {"reason", member.reason},
            {"buckets", member.buckets}};
}

Json json_of(const DaemonStatus& status) {
    Json kernels = Json::object();
    for (const Kernel& kernel : status.kernels) {
        kernels[std::string(kernel.function)] = kernel.variant;
    }
    return {{"version", status.version},
            {"uptime-seconds", status.uptime_seconds},
            {"cpu", status.cpu},
            {"tsc-hz", status.tsc_hz},
            {"kernels", kernels},
            {"circuits", status.circuits},
            {"attachments", status.attachments},
            {"attachments-up", status.attachments_up},
            {"routes", status.routes},
            {"acl-log-skipped", status.acl_log_skipped},
            {"workers", json_list(status.workers)},
            {"limits", json_list(status.limits)}};
}

Json json_of(const PortView& port) {
    Json filter = nullptr;
    if (port.tag_filter) {
        filter = {{"forwarded", port.tag_filter->forwarded},
                  {"kernel", port.tag_filter->kernel},
                  {"failed", port.tag_filter->failed},
                  {"bfd", port.tag_filter->bfd}};
    }
    return {{"name", port.name},
            {"device", port.device},
            {"driver", port.driver},
            {"role", to_string(port.role)},
            {"mac", to_string(port.mac)},
            {"admin", word(port.admin)},
            {"state", word(port.link)},
            {"speed-mbps", port.speed_mbps == 0 ? Json(nullptr) : Json(port.speed_mbps)},
            {"mtu", port.mtu},
            {"queues", port.queues},
            {"rx", json_of(port.rx)},
            {"tx", json_of(port.tx)},
            {"rx-missed", port.rx_missed},
            {"rx-errors", port.rx_errors},
            {"tx-errors", port.tx_errors},
            {"drops", counts_of(port.drops)},
            {"tag-filter", filter}};
}

Json json_of(const StageView& stage) {
    const auto ratio = [](std::uint64_t of, std::uint64_t by) {
        return by == 0 ? Json(nullptr) : Json(static_cast<double>(of) / static_cast<double>(by));
    };
    return {{"worker", stage.worker.value()},
            {"stage", stage.name},
            {"packets", stage.packets},
            {"calls", stage.calls},
            {"cycles", stage.cycles},
            {"cycles-per-packet", ratio(stage.cycles, stage.packets)},
            {"packets-per-call", ratio(stage.packets, stage.calls)}};
}

Json json_of(const FpmView& listener) {
    const bool has_namespace = !listener.network_namespace.empty();
    Json tables = Json::array();
    for (const FpmTable& table : listener.tables) {
        tables.push_back({{"table", table.table}, {"vrf", table.vrf}});
    }
    Json events = Json::array();
    for (const ReasonCount& event : listener.events) {
        events.push_back(
            {{"event", event.name}, {"count", event.packets}, {"meaning", event.meaning}});
    }
    return {{"name", listener.name},
            {"address", to_string(listener.address)},
            {"port", listener.port},
            {"namespace", has_namespace ? Json(listener.network_namespace) : Json(nullptr)},
            {"state", word(listener.state)},
            {"routes", listener.routes},
            {"next-hops", listener.next_hops},
            {"tables", tables},
            {"events", events}};
}

Json json_of(const VrfView& vrf) {
    return {{"name", vrf.name}, {"routes", vrf.routes}, {"attachments", vrf.attachments}};
}

Json json_of(const CircuitView& circuit) {
    return {{"service-key", circuit.service_key},
            {"name", circuit.name},
            {"bandwidth-bps", circuit.bandwidth_bps},
            {"status", kCircuitStatuses.name(circuit.status)},
            {"provider-state", kProviderStates.name(circuit.provider_state)},
            {"links", json_list(circuit.legs)},
            {"peerings", json_list(circuit.peerings)}};
}

Json json_of(const AttachmentView& attachment) {
    const auto name_or_null = [](const std::string& name) {
        return name.empty() ? Json(nullptr) : Json(name);
    };
    return {{"name", attachment.name},
            {"id", attachment.id.value()},
            {"port", attachment.port},
            {"outer", json_of(attachment.outer)},
            {"inner", json_of(attachment.inner)},
            {"link", text_or_null(attachment.link)},
            {"circuit", name_or_null(attachment.circuit)},
            {"vrf", attachment.vrf},
            {"address", to_string(attachment.address)},
            {"subnet", to_string(attachment.subnet)},
            {"ipv6-address", text_or_null(attachment.ipv6_address)},
            {"ipv6-subnet", text_or_null(attachment.ipv6_subnet)},
            {"mtu", attachment.mtu},
            {"admin", word(attachment.admin)},
            {"state", word(attachment.oper)},
            {"reason", name_or_null(attachment.reason)},
            {"tap", name_or_null(attachment.tap)},
            {"tap-namespace", name_or_null(attachment.tap_namespace)},
            {"drain", word(attachment.drain)},
            {"appeal", attachment.appeal ? Json(word(*attachment.appeal)) : Json(nullptr)}};
}

Json json_of(const CountersView& counters) {
    return {{"name", counters.name},
            {"rx", json_of(counters.rx)},
            {"tx", json_of(counters.tx)},
            {"forwarded", counters.forwarded},
            {"drops", counts_of(counters.drops)},
            {"punts", counts_of(counters.punts)}};
}

Json json_of(const PuntView& punt) {
    return {{"class", punt.punt_class},
            {"passed", punt.passed},
            {"over-attachment", punt.over_attachment},
            {"over-total", punt.over_total},
            {"rate", punt.rates.attachment.per_second},
            {"burst", punt.rates.attachment.burst},
            {"total-rate", punt.rates.total.per_second},
            {"total-burst", punt.rates.total.burst},
            {"meaning", punt.meaning}};
}

Json json_of(const NeighbourView& neighbour) {
    return {{"attachment", neighbour.attachment},   {"address", to_string(neighbour.address)},
            {"mac", text_or_null(neighbour.mac)},   {"state", word(neighbour.state)},
            {"age-seconds", neighbour.age_seconds}, {"interface-property", word(neighbour.side)}};
}

Json json_of(const BfdView& session) {
    const auto word_or_null = [](std::string_view text) {
        return text.empty() ? Json(nullptr) : Json(text);
    };
    return {{"attachment", session.attachment},
            {"address", to_string(session.address)},
            {"local", to_string(session.local)},
            {"state", to_string(session.state)},
            {"remote-state", to_string(session.remote_state)},
            {"diagnostic", word_or_null(session.diagnostic)},
            {"remote-diagnostic", word_or_null(session.remote_diagnostic)},
            {"changed-seconds", session.changed_seconds},
            {"interval-us", session.interval_us},
            {"detection-us", session.detection_us},
            {"downs", session.downs},
            {"rx-packets", session.rx_packets},
            {"tx-packets", session.tx_packets},
            {"tx-lost", session.tx_lost},
            {"failed", session.is_failed}};
}

std::string_view action_word(const RouteView& route) {
    return route.local ? "local" : word(route.action);
}

Json json_of(const RouteView& route) {
    return {{"vrf", route.vrf},
            {"prefix", to_string(route.prefix)},
            {"source", word(route.source)},
            {"selected", route.selected},
            {"stale", route.stale},
            {"action", action_word(route)},
            {"group", route.group.value()},
            {"via", json_list(route.via)}};
}

Json json_of(const GroupView& group) {
    return {{"group", group.id.value()},
            {"vrf", group.vrf},
            {"routes", group.routes},
            {"buckets", group.buckets},
            {"members", json_list(group.members)}};
}

Json json_of(const RouteMatch& match) {
    return {{"route", match.route ? json_of(*match.route) : Json(nullptr)},
            {"group", match.group ? json_of(*match.group) : Json(nullptr)}};
}

Json json_of(const ReasonCount& reason) {
    return {{"reason", reason.name}, {"packets", reason.packets}, {"meaning", reason.meaning}};
}

Json json_of(const ConfigError& error) {
    return {{"line", error.line},
            {"column", error.column},
            {"field", error.path},
            {"message", error.message}};
}

Json json_of(const ConfigChange& change) {
    return {{"kind", word(change.kind)}, {"subject", change.subject}, {"detail", change.detail}};
}

}  // namespace causeway
