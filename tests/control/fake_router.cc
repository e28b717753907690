// SPDX-License-Identifier: Apache-2.0
#include "tests/control/fake_router.h"

#include <algorithm>
#include <array>
#include <ranges>

#include "base/text.h"
#include "control/slow_path/ip_family.h"

namespace causeway {
namespace {

constexpr std::string_view kContosoKey = "6e1a1b5c-0b1c-4b0c-9d3e-0a1b2c3d4e5f";
constexpr std::string_view kAdatumKey = "7f2b2c6d-1c2d-4c1d-8e4f-1b2c3d4e5f60";

// The part of a map of rows that follows a name.
template <class Row>
Page<Row, std::string> page_of(const std::map<std::string, Row, std::less<>>& rows,
                               const PageRequest<std::string>& request) {
    Page<Row, std::string> page;
    auto row = request.after ? rows.upper_bound(*request.after) : rows.begin();
    for (; row != rows.end() && page.items.size() < request.limit; ++row) {
        page.items.push_back(row->second);
        page.next = row->first;
    }
    if (row == rows.end()) page.next.reset();
    return page;
}

Unexpected no_such(const char* kind, std::string_view name, const char* field) {
    return {ErrorCode::kNotFound, std::string("no ") + kind + " \"" + std::string(name) + '"',
            field};
}

AttachmentView leg_of(const std::string& circuit, std::uint16_t s_tag, Link link,
                      std::uint32_t subnet) {
    AttachmentView leg;
    leg.name = circuit + "/private/" + std::string(to_string(link));
    leg.port = link == Link::kPrimary ? "edge-primary" : "edge-secondary";
    leg.outer = VlanId::from(s_tag);
    leg.inner = VlanId::from(100);
    leg.link = link;
    leg.circuit = circuit;
    leg.vrf = circuit;
    leg.subnet = Ipv4Prefix::of(Ipv4Address(subnet), 30);
    leg.address = Ipv4Address(subnet + 2);
    leg.mtu = 1'500;
    leg.oper = OperStatus::kUp;
    return leg;
}

CircuitView circuit_of(std::string_view key, const std::string& name, int s_tag) {
    CircuitView circuit;
    circuit.service_key = key;
    circuit.name = name;
    circuit.bandwidth_bps = 1'000'000'000;
    circuit.provider_state = ProviderState::kProvisioned;
    for (const Link link : {Link::kPrimary, Link::kSecondary}) {
        circuit.legs.push_back({link, "edge-" + std::string(to_string(link)), VlanId::from(s_tag),
                                AdminStatus::kUp, OperStatus::kUp});
    }
    PeeringView peering;
    peering.c_tag = *VlanId::from(100);
    peering.primary_subnet = Ipv4Prefix::of(Ipv4Address(0xac100000), 30);
    peering.primary_attachment = name + "/private/primary";
    peering.primary = OperStatus::kUp;
    peering.peer_asn = 65'010;
    peering.vrf = name;
    circuit.peerings.push_back(peering);
    return circuit;
}

std::map<std::string, CircuitView, std::less<>> all_circuits() {
    return {{"adatum", circuit_of(kAdatumKey, "adatum", 20)},
            {"contoso", circuit_of(kContosoKey, "contoso", 10)}};
}

CountersView counters_named(const std::string& name) {
    return {name,
            {1'234'567, 98'765'432},
            {1'000'000, 88'000'000},
            1'234'500,
            {{"ttl_expired", "TTL was 1 or 0 on arrival", 60}},
            {{"arp", "ARP for the control thread", 7}}};
}

RouteView view_of(const std::string& vrf, const FakeRouter::RouteTable::value_type& row) {
    RouteView view;
    view.vrf = vrf;
    view.prefix = row.first;
    view.action = row.second.action;
    view.group = GroupId(17);
    for (const RouteNextHop& hop : row.second.via) {
        const std::string out = hop.is_recursive ? "" : vrf + "/private/primary";
        view.via.push_back({hop.address, hop.weight, out, hop.is_recursive, true});
    }
    return view;
}

}  // namespace

FakeRouter::FakeRouter() {
    for (const char* name : {"adatum", "contoso"}) {
        const bool is_contoso = std::string_view(name) == "contoso";
        for (const Link link : {Link::kPrimary, Link::kSecondary}) {
            const std::uint32_t subnet = 0xac100000U + (link == Link::kPrimary ? 0 : 4);
            AttachmentView leg = leg_of(name, is_contoso ? 10 : 20, link, subnet);
            legs.emplace(leg.name, leg);
        }
        tables[name];
    }
}

DaemonStatus FakeRouter::status() {
    ++status_calls;
    DaemonStatus status;
    status.version = "0.1.0";
    status.uptime_seconds = 93'784;
    status.cpu = "Test Processor";
    status.tsc_hz = 2'500'000'000;
    status.kernels = {{"fib lookup", "avx2"}};
    status.circuits = 2;
    status.acl_log_skipped = 17;
    status.attachments = legs.size();
    status.attachments_up = legs.size();
    status.workers = {{WorkerId(0), 1, 2'000, 500, 16'000, 0}};
    status.limits = {{"circuits", 2, 8'192}};
    return status;
}

std::vector<PortView> FakeRouter::ports() {
    PortView port;
    port.name = "edge-primary";
    port.device = "af_xdp:edge0";
    port.driver = "net_af_xdp";
    port.link = OperStatus::kUp;
    port.rx = {1'234'567, 98'765'432};
    port.drops = {{"untagged", "no tag at all", 12}};
    port.tag_filter = TagFilterView{100, 23, 0, 7};
    return {port};
}

std::vector<StageView> FakeRouter::stages() {
    return {{WorkerId(0), "parse_ethernet", 6'400, 100, 51'200}, {WorkerId(0), "unused", 0, 0, 0}};
}

std::vector<FpmView> FakeRouter::fpm_listeners() {
    return {{.name = "edge",
             .network_namespace = "contoso",
             .address = Ipv4Address(0x7f'00'00'01),
             .port = 2'620,
             .state = FeedState::kReplaying,
             .routes = 4'000,
             .next_hops = 3,
             .tables = {{254, "contoso"}},
             .events = {{"unknown_table", "routes of a table that is no VRF of ours", 7}}}};
}

Page<VrfView, std::string> FakeRouter::vrfs(const PageRequest<std::string>& request) {
    std::map<std::string, VrfView, std::less<>> rows;
    for (const auto& [name, table] : tables) rows[name] = {name, VrfId(1), table.size(), 2};
    return page_of(rows, request);
}

Page<CircuitView, std::string> FakeRouter::circuits(const PageRequest<std::string>& request) {
    return page_of(all_circuits(), request);
}

Page<AttachmentView, std::string> FakeRouter::attachments(const PageRequest<std::string>& request) {
    return page_of(legs, request);
}

Page<CountersView, std::string> FakeRouter::counters(const PageRequest<std::string>& request) {
    std::map<std::string, CountersView, std::less<>> rows;
    for (const auto& leg : legs) rows[leg.first] = counters_named(leg.first);
    return page_of(rows, request);
}

Result<CircuitView> FakeRouter::circuit(std::string_view name_or_key) {
    for (const auto& [name, circuit] : all_circuits()) {
        if (name == name_or_key || circuit.service_key == name_or_key) return circuit;
    }
    return no_such("circuit", name_or_key, "name");
}

Result<AttachmentView> FakeRouter::attachment(std::string_view name) {
    const auto found = legs.find(name);
    if (found == legs.end()) return no_such("attachment", name, "name");
    return found->second;
}

Result<CountersView> FakeRouter::counters_of(std::string_view name) {
    if (!legs.contains(name)) return no_such("attachment or port", name, "name");
    return counters_named(std::string(name));
}

// neighbours_total of them on one attachment, with ascending addresses.
Result<Page<NeighbourView, NeighbourCursor>> FakeRouter::neighbours(
    const std::optional<std::string>& attachment, const PageRequest<NeighbourCursor>& request) {
    const std::string name = attachment.value_or("contoso/private/primary");
    if (!legs.contains(name)) return no_such("attachment", name, "attachment");
    constexpr std::uint32_t kFirst = 0xac100001;
    const std::uint32_t begin =
        request.after ? std::get<Ipv4Address>(request.after->address).value() + 1 : kFirst;
    Page<NeighbourView, NeighbourCursor> page;
    for (std::uint32_t i = begin; i < kFirst + neighbours_total; ++i) {
        if (page.items.size() == request.limit) {
            page.next = {name, page.items.back().address};
            break;
        }
        NeighbourView row;
        row.attachment = name;
        row.address = Ipv4Address(i);
        if (i != kFirst) {
            row.mac = MacAddress{{2, 0, 0, 0, 0, 1}};
            row.state = NeighbourState::kReachable;
            row.age_seconds = 3'661;
        }
        page.items.push_back(row);
    }
    return page;
}

Result<Page<RouteView, RouteCursor>> FakeRouter::routes(const RouteFilter& filter,
                                                        const PageRequest<RouteCursor>& request) {
    if (filter.vrf && !tables.contains(*filter.vrf)) return no_such("VRF", *filter.vrf, "vrf");
    Page<RouteView, RouteCursor> page;
    for (const auto& [vrf, table] : tables) {
        for (const auto& row : table) {
            const RouteCursor here{vrf, row.first, RouteSource::kApi};
            if (request.after && here <= *request.after) continue;
            if (filter.vrf && *filter.vrf != vrf) continue;
            if (filter.within && !contains(*filter.within, row.first)) continue;
            if (filter.source && *filter.source != RouteSource::kApi) continue;
            if (page.items.size() == request.limit) {
                const RouteView& last = page.items.back();
                page.next = {last.vrf, last.prefix, last.source};
                return page;
            }
            page.items.push_back(view_of(vrf, row));
        }
    }
    return page;
}

Result<RouteMatch> FakeRouter::match(std::string_view vrf, const IpAddress& address) {
    const auto table = tables.find(vrf);
    if (table == tables.end()) return no_such("VRF", vrf, "vrf");
    RouteMatch match;
    for (const auto& row : table->second) {  // in order, so that the longest comes last
        if (contains(row.first, host_prefix(address))) match.route = view_of(table->first, row);
    }
    if (match.route && !match.route->via.empty()) {
        match.group = GroupView{GroupId(17), table->first, 1, 64, {}};
        for (const RouteHopView& hop : match.route->via) {
            match.group->members.push_back({hop.address, hop.attachment, hop.weight, true, "", 32});
        }
    }
    return match;
}

Page<GroupView, GroupId> FakeRouter::groups(const PageRequest<GroupId>& request) {
    GroupView group{GroupId(17), "contoso", 3, 64, {}};
    group.members = {
        {Ipv4Address(0xac100001), "contoso/private/primary", 1, true, "", 64},
        {Ipv4Address(0xac100005), "contoso/private/secondary", 1, false, "link down", 0}};
    if (request.after && *request.after >= group.id) return {};
    return {{group}, std::nullopt};
}

Result<std::vector<ReasonCount>> FakeRouter::drops(const std::optional<std::string>& owner) {
    if (owner && !legs.contains(*owner)) return no_such("attachment or port", *owner, "of");
    return std::vector<ReasonCount>{{"ttl_expired", "TTL was 1 or 0 on arrival", 60},
                                    {"no_route", "no prefix of the VRF matches", 0}};
}

Result<std::vector<PuntView>> FakeRouter::punts(const std::optional<std::string>& attachment) {
    if (attachment && !legs.contains(*attachment)) {
        return no_such("attachment", *attachment, "attachment");
    }
    return std::vector<PuntView>{
        {"bgp-new", "no established session", 12, 3'456, 7, {{1, 2}, {3, 4}}}};
}

// All or nothing, as the contract says: the edits are made on a copy.
Page<AclView, std::string> FakeRouter::acls(const PageRequest<std::string>&) {
    AclView acl;
    acl.name = "microsoft-in";
    acl.state = AclViewState::kBuilding;
    acl.rules = 2;
    acl.idle_rules = 1;
    acl.packets = 1'234'567;
    acl.bound = {"contoso/microsoft in"};
    return {.items = {acl}, .next = {}};
}

// Two rules and the rest, a row a page.
Result<Page<AclRuleView, std::size_t>> FakeRouter::acl_rules(
    std::string_view acl, const PageRequest<std::size_t>& request) {
    if (acl != "microsoft-in") return no_such("access list", acl, "acl");
    const std::size_t index = request.after ? *request.after + 1 : 0;
    Page<AclRuleView, std::size_t> page;
    if (index > 2) return page;
    AclRuleView rule{.index = index, .name = index == 2 ? "" : "r" + std::to_string(index)};
    rule.action.verdict = index == 0 ? AclVerdict::kPermit : AclVerdict::kDenyAndExplain;
    if (index == 1) rule.match = "source: [10.0.0.0/8]";
    if (index == 0) rule.action.steer = "internet";
    rule.packets = 10 * index;
    if (index == 1) rule.remark = "shadowed by r0";
    page.items.push_back(rule);
    if (index < 2) page.next = index;
    return page;
}

Result<AclExplanationView> FakeRouter::explain_acl(std::string_view acl, const AclPacket& packet,
                                                   const std::optional<std::string>& vrf) {
    if (acl != "microsoft-in") return no_such("access list", acl, "acl");
    if (vrf && *vrf != "microsoft") return no_such("VRF", *vrf, "vrf");
    explained = packet;
    AclExplanationView view;
    view.misses.push_back({"r0", {"source", "protocol"}});
    view.misses_unlisted = 3;
    view.hit = "r1";
    view.action = {.verdict = AclVerdict::kDeny, .mark_dscp = std::uint8_t{46}};
    return view;
}

Page<PolicerView, std::string> FakeRouter::policers(const PageRequest<std::string>&) {
    PolicerView policer{.name = "contoso/primary in"};
    policer.bits_per_second = 1'000'000'000;
    policer.burst_bytes = 2'500'000;
    policer.tolerance_percent = 20;
    policer.is_held = false;
    policer.dropped_packets = 7;
    return {.items = {policer}, .next = {}};
}

Page<PeakView, std::string> FakeRouter::peaks(const PageRequest<std::string>&) {
    return {.items = {{.name = "contoso/private/primary", .rx_1ms_bps = 940'000'000}}, .next = {}};
}

Result<RouteOutcome> FakeRouter::change_routes(const RouteBatch& batch) {
    const auto found = tables.find(batch.vrf);
    if (found == tables.end()) return no_such("VRF", batch.vrf, "vrf");
    RouteTable edited = found->second;
    std::vector<IpPrefix> repeated;
    RouteOutcome outcome;
    for (std::size_t i = 0; i < batch.edits.size(); ++i) {
        const RouteEdit& edit = batch.edits[i];
        const bool is_there = edited.contains(edit.prefix);
        if (edit.kind == RouteEditKind::kAdd && is_there) {
            outcome.failures.push_back({i, {ErrorCode::kExists, "is there already", "prefix"}});
        } else if (edit.kind == RouteEditKind::kDelete && !is_there) {
            outcome.failures.push_back({i, {ErrorCode::kNotFound, "is not there", "prefix"}});
        } else if (edit.kind == RouteEditKind::kDelete) {
            edited.erase(edit.prefix);
            ++outcome.deleted;
        } else {
            const auto via = batch.via_of(edit);
            edited[edit.prefix] = {edit.action, {via.begin(), via.end()}};
            repeated.push_back(edit.prefix);
            ++(is_there ? outcome.replaced : outcome.added);
        }
    }
    if (!outcome.failures.empty()) return outcome;
    found->second = std::move(edited);
    for (const IpPrefix& prefix : repeated) stale.erase(prefix);
    return outcome;
}

Result<std::uint64_t> FakeRouter::begin_sync(std::string_view vrf) {
    const auto table = tables.find(vrf);
    if (table == tables.end()) return no_such("VRF", vrf, "vrf");
    stale.clear();
    for (const auto& route : table->second) stale.insert(route.first);
    return ++syncs;
}

// A prefix a part, so that there are several.
Result<RouteSweep> FakeRouter::end_sync(std::string_view vrf, std::uint64_t sync,
                                        const std::optional<IpPrefix>& after) {
    const auto table = tables.find(vrf);
    if (table == tables.end()) return no_such("VRF", vrf, "vrf");
    if (sync != syncs) return Unexpected(ErrorCode::kInvalid, "is not the last sync", "sync");
    RouteSweep sweep;
    const auto route = after ? table->second.upper_bound(*after) : table->second.begin();
    if (route == table->second.end()) return sweep;
    sweep.next = route->first;
    if (stale.contains(route->first)) {
        table->second.erase(route);
        ++sweep.removed;
    }
    return sweep;
}

Result<AdminOutcome> FakeRouter::set_admin(const AdminTarget& target, AdminStatus status) {
    AdminOutcome outcome;
    for (auto& [name, leg] : legs) {
        bool is_meant = false;
        if (const auto* link = std::get_if<LinkTarget>(&target)) {
            is_meant = leg.link == link->link && (!link->circuit || *link->circuit == leg.circuit);
        } else if (const auto* attachment = std::get_if<AttachmentTarget>(&target)) {
            is_meant = name == attachment->name;
        } else {
            is_meant = leg.port == std::get<PortTarget>(target).name;
        }
        if (!is_meant || leg.admin == status) continue;
        leg.admin = status;
        leg.oper = status == AdminStatus::kUp ? OperStatus::kUp : OperStatus::kDown;
        outcome.changed.push_back(name);
    }
    return outcome;
}

// Every link of contoso's has a session; the secondary's has failed.
Result<Page<BfdView, NeighbourCursor>> FakeRouter::bfd_sessions(
    const std::optional<std::string>& attachment, const PageRequest<NeighbourCursor>& request) {
    Page<BfdView, NeighbourCursor> page;
    for (const auto& [name, leg] : legs) {
        if (leg.circuit != "contoso" || (attachment && name != *attachment)) continue;
        const IpAddress customer = Ipv4Address(leg.address.value() - 1);
        if (request.after && NeighbourCursor{name, customer} <= *request.after) continue;
        const bool is_up = leg.link == Link::kPrimary;
        page.items.push_back(
            {.attachment = name,
             .address = customer,
             .local = leg.address,
             .state = is_up ? BfdState::kUp : BfdState::kDown,
             .remote_state = is_up ? BfdState::kUp : BfdState::kDown,
             .diagnostic = is_up ? "" : to_string(BfdDiagnostic::kDetectionTimeExpired),
             .remote_diagnostic = {},
             .changed_seconds = 61,
             .interval_us = 300'000,
             .detection_us = 900'000,
             .downs = is_up ? 0U : 1U,
             .rx_packets = 203,
             .tx_packets = 204,
             .tx_lost = 0,
             .is_failed = !is_up});
    }
    return page;
}

Result<AdminOutcome> FakeRouter::drain(const LinkTarget& target, std::uint64_t seconds) {
    drain_seconds = seconds;
    AdminOutcome outcome;
    for (auto& [name, leg] : legs) {
        if (leg.link != target.link || leg.drain != DrainState::kNone) continue;
        if (target.circuit && *target.circuit != leg.circuit) continue;
        leg.drain = DrainState::kDraining;
        outcome.changed.push_back(name);
    }
    return outcome;
}

Result<AdminOutcome> FakeRouter::undrain(const LinkTarget& target) {
    AdminOutcome outcome;
    for (auto& [name, leg] : legs) {
        if (leg.link != target.link || leg.drain == DrainState::kNone) continue;
        leg.drain = DrainState::kNone;
        outcome.changed.push_back(name);
    }
    return outcome;
}

std::string FakeRouter::config_yaml(Secrets secrets) {
    return secrets == Secrets::kShown ? "circuits: []  # password\n" : "circuits: []\n";
}

ConfigOutcome FakeRouter::apply_config(std::string_view yaml, ApplyMode mode) {
    if (!config_errors.empty()) return {config_errors, {}};
    if (mode == ApplyMode::kCommit) applied_yaml = yaml;
    return {{},
            {{ConfigChange::Kind::kAdded, "circuit contoso", ""}},
            {{7, 9, "acls[0].rules[1]", "no packet reaches rule b"}}};
}

}  // namespace causeway
