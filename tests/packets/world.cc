// SPDX-License-Identifier: Apache-2.0
#include "tests/packets/world.h"

#include <algorithm>

#include "base/check.h"
#include "base/text.h"
#include "tests/support/frame_builder.h"

namespace causeway::test {
namespace {

void append(Frame& frame, const MacAddress& mac) {
    frame.insert(frame.end(), mac.bytes.begin(), mac.bytes.end());
}

void append(Frame& frame, std::uint16_t word) {
    frame.push_back(static_cast<std::uint8_t>(word >> 8));
    frame.push_back(static_cast<std::uint8_t>(word));
}

IpPrefix any_prefix(const char* text) {
    const auto parsed = parse_ip_prefix(text);
    CHECK(parsed.has_value());
    return *parsed;
}

}  // namespace

MacAddress mac_behind(AttachmentId attachment) {
    return {{0x02, 0xbe, 0x00, 0x00, 0x00, static_cast<std::uint8_t>(attachment.value())}};
}

const Acl& guard_in() {
    static const Acl acl = [] {
        Acl some{.name = "guard-in", .rules = {}, .otherwise = {.verdict = AclVerdict::kPermit}};
        AclRule rule{.name = "telnet", .protocol = std::uint8_t{6}};
        rule.destination_ports.ranges = {{23, 23}};
        rule.action.verdict = AclVerdict::kDeny;
        some.rules.push_back(rule);
        rule.name = "ssh";
        rule.destination_ports.ranges = {{22, 22}};
        rule.action.verdict = AclVerdict::kDenyAndExplain;
        some.rules.push_back(rule);
        return some;
    }();
    return acl;
}

const Acl& guard_out() {
    static const Acl acl = [] {
        Acl some{.name = "guard-out", .rules = {}, .otherwise = {.verdict = AclVerdict::kDeny}};
        some.rules.push_back({.name = "icmp", .protocol = std::uint8_t{1}});
        some.rules.push_back({.name = "icmpv6", .protocol = std::uint8_t{58}});
        AclRule answers{.name = "answers", .protocol = std::uint8_t{6}};
        answers.tcp_flags = {.value = 16, .mask = 16};
        some.rules.push_back(answers);
        return some;
    }();
    return acl;
}

World::World(const TestBedOptions& options)
    : bed_(options), contoso_(bed_.vrf()), adatum_(bed_.vrf()), fabrikam_(bed_.vrf()) {
    twin_.mac = kRouterMac;
    twin_.tpids[kSecondaryPort.value()] = {.outer = Tpid::kDot1ad, .inner = Tpid::kDot1q};
    bed_.set_tpids(kSecondaryPort, twin_.tpids[kSecondaryPort.value()]);
    attach_all();
    guard();
    advertise();
    route_ipv4();
    route_ipv6();
    bed_.publish();
}

void World::guard() {
    const auto build = [](const Acl& acl, std::uint32_t first_counter) {
        std::vector<RuleCounterId> counters;
        for (std::uint32_t i = 0; i <= acl.rules.size(); ++i) {
            counters.emplace_back(first_counter + i);
        }
        auto list = AclList::build(acl, {}, counters);
        CHECK(list.has_value());
        return std::move(list).value();
    };
    guard_in_ = build(guard_in(), 1);
    guard_out_ = build(guard_out(), 11);
    constexpr PeeringId kAdatum(7);
    bed_.set_policy(kGuarded, {.filter_in = guard_in_.get(),
                               .filter_out = guard_out_.get(),
                               .peering = kAdatum,
                               .source_check = SourceCheck::kStrict});
    slow(kGuarded).filter_in = &guard_in();
    slow(kGuarded).filter_out = &guard_out();
    slow(kGuarded).source_check = SourceCheck::kStrict;
    slow(kGuarded).peering = kAdatum;
    for (const AttachmentId leg : {kAdatumPrimary, kAdatumSecondary}) {
        bed_.set_policy(leg, {.peering = kAdatum});
        slow(leg).peering = kAdatum;
    }
}

void World::advertise() {
    const Ipv4Prefix ipv4 = prefix("203.0.113.0/24");
    const Ipv6Prefix ipv6 = prefix6("2001:db8:113::/48");
    sources_ = {.ipv4 = SourceSet<Ipv4Address>({&ipv4, 1}),
                .ipv6 = SourceSet<Ipv6Address>({&ipv6, 1})};
    bed_.set_policy(kMicrosoft, {.sources = &sources_,
                                 .dscp_map = &kMicrosoftDscpMap,
                                 .source_check = SourceCheck::kAdvertised,
                                 .ip_options = IpOptions::kDrop});
    slow(kMicrosoft).ip_options = IpOptions::kDrop;
    slow(kMicrosoft).source_check = SourceCheck::kAdvertised;
    slow(kMicrosoft).advertised = {ipv4, ipv6};
    slow(kMicrosoft).kept_dscps = {46, 34, 18, 24, 10, 0};
}

SlowAttachment& World::slow(AttachmentId id) {
    return *std::ranges::find(twin_.attachments, id, &SlowAttachment::id);
}

void World::route_ipv4() {
    const Hop primary = hop(kContosoPrimary, "192.168.0.1");
    const Hop secondary = hop(kContosoSecondary, "192.168.0.5");
    Hop dead = hop(kContosoPrimary, "192.168.0.9");
    kill(dead);
    route(contoso_, "10.1.0.0/16", {primary, secondary});
    route(contoso_, "10.2.0.0/16", {hop(kContosoCore, "10.2.0.1", 1'400)});
    route(contoso_, "10.2.200.0/24", {secondary});
    route(contoso_, "10.3.0.0/16", AdjacencyKind::kUnresolved, Exit::kUnresolved);
    route(contoso_, "10.4.0.0/16", AdjacencyKind::kBlackhole, Exit::kBlackhole);
    route(contoso_, "10.5.0.0/16", AdjacencyKind::kUnreachable, Exit::kUnreachable);
    route(contoso_, "10.6.0.0/16", AdjacencyKind::kProhibit, Exit::kProhibit);
    route(contoso_, "10.7.0.0/16", {dead});
    route(contoso_, "10.8.0.0/16", {dead, secondary});
    route(contoso_, "192.168.0.2/32", AdjacencyKind::kLocal, Exit::kLocal);
    route(contoso_, "192.168.0.6/32", AdjacencyKind::kLocal, Exit::kLocal);

    const Hop adatum_core = hop(kAdatumCore, "10.2.0.1");
    route(adatum_, "10.1.0.0/16",
          {hop(kAdatumPrimary, "192.168.0.1"), hop(kAdatumSecondary, "192.168.0.5")});
    route(adatum_, "10.2.0.0/16", {adatum_core});
    route(adatum_, "0.0.0.0/0", {adatum_core});
    route(adatum_, "10.11.0.0/16", {hop(kGuarded, "192.168.0.9")});
    route(adatum_, "10.12.0.0/16", {hop(kMicrosoft, "192.168.0.13")});

    route(fabrikam_, "10.1.0.0/16", {hop(kFabrikam, "192.168.0.1")});
    route(fabrikam_, "10.9.0.0/16", {hop(kFabrikamCore, "10.9.0.1")});
}

void World::route_ipv6() {
    const Hop primary = hop(kContosoPrimary, "2001:db8::1");
    const Hop secondary = hop(kContosoSecondary, "2001:db8::5");
    Hop dead = hop(kContosoPrimary, "2001:db8::9");
    kill(dead);
    route(contoso_, "2001:db8:1::/48", {primary, secondary});
    route(contoso_, "2001:db8:2::/48", {hop(kContosoCore, "2001:db8:2::1", 1'400)});
    route(contoso_, "2001:db8:2:200::/64", {secondary});
    route(contoso_, "2001:db8:3::/48", AdjacencyKind::kUnresolved, Exit::kUnresolved);
    route(contoso_, "2001:db8:4::/48", AdjacencyKind::kBlackhole, Exit::kBlackhole);
    route(contoso_, "2001:db8:5::/48", AdjacencyKind::kUnreachable, Exit::kUnreachable);
    route(contoso_, "2001:db8:6::/48", AdjacencyKind::kProhibit, Exit::kProhibit);
    route(contoso_, "2001:db8:7::/48", {dead});
    route(contoso_, "2001:db8:8::/48", {dead, secondary});
    route(contoso_, "2001:db8::2/128", AdjacencyKind::kLocal, Exit::kLocal);
    route(contoso_, "2001:db8::6/128", AdjacencyKind::kLocal, Exit::kLocal);

    const Hop adatum_core = hop(kAdatumCore, "2001:db8:2::1");
    route(adatum_, "2001:db8:1::/48",
          {hop(kAdatumPrimary, "2001:db8::1"), hop(kAdatumSecondary, "2001:db8::5")});
    route(adatum_, "2001:db8:2::/48", {adatum_core});
    route(adatum_, "::/0", {adatum_core});
    route(adatum_, "2001:db8:11::/48", {hop(kGuarded, "2001:db8::9")});
    route(adatum_, "2001:db8:12::/48", {hop(kMicrosoft, "2001:db8::13")});

    route(fabrikam_, "2001:db8:1::/48", {hop(kFabrikam, "2001:db8::1")});
    route(fabrikam_, "2001:db8:9::/48", {hop(kFabrikamCore, "2001:db8:9::1")});
}

void World::attach_all() {
    attach(kContosoPrimary, kPrimaryPort, 10, 100, contoso_);
    attach(kContosoSecondary, kSecondaryPort, 10, 100, contoso_);
    attach(kAdatumPrimary, kPrimaryPort, 20, 100, adatum_);
    attach(kAdatumSecondary, kPrimaryPort, 21, 100, adatum_);
    attach(kFabrikam, kPrimaryPort, 30, 0, fabrikam_);
    attach(kNotProvisioned, kPrimaryPort, 40, 100, contoso_, Exit::kCircuitNotProvisioned);
    attach(kDisabled, kPrimaryPort, 41, 100, contoso_, Exit::kPeeringDisabled);
    attach(kTakenDown, kPrimaryPort, 42, 100, contoso_, Exit::kAdminDown);
    attach(kContosoCore, kCorePort, 300, 0, contoso_);
    attach(kAdatumCore, kCorePort, 301, 0, adatum_);
    attach(kFabrikamCore, kCorePort, 500, 501, fabrikam_);
    attach(kGuarded, kPrimaryPort, 22, 100, adatum_);
    attach(kMicrosoft, kPrimaryPort, 23, 100, adatum_);
    attach(kIpv4Only, kPrimaryPort, 24, 100, adatum_);
    bed_.take_ipv6_from(kIpv4Only);
    slow(kIpv4Only).has_ipv6 = false;
}

const SlowAttachment& World::attachment(AttachmentId id) const {
    const auto found = std::ranges::find(twin_.attachments, id, &SlowAttachment::id);
    CHECK(found != twin_.attachments.end());
    return *found;
}

void World::attach(AttachmentId id, PortId port, std::uint16_t outer, std::uint16_t inner,
                   VrfId vrf, Exit closed) {
    CHECK(bed_.attach(port, outer, inner, vrf) == id);
    bed_.close(id, closed);
    twin_.attachments.push_back({id, port, outer, inner, vrf, closed});
}

World::Hop World::hop(AttachmentId out, const char* address, std::uint16_t mtu) {
    const auto neighbour = parse_ip_address(address);
    CHECK(neighbour.has_value());
    const bool is_ipv4 = std::holds_alternative<Ipv4Address>(*neighbour);
    const SlowAttachment& leg = attachment(out);
    const PortTpids tpids = twin_.tpids[leg.port.value()];
    SlowHop slow{.attachment = out, .port = leg.port, .header = {}, .mtu = mtu};
    append(slow.header, mac_behind(out));
    append(slow.header, kRouterMac);
    append(slow.header, static_cast<std::uint16_t>(tpids.outer));
    append(slow.header, leg.outer);
    if (leg.inner != 0) {
        append(slow.header, static_cast<std::uint16_t>(tpids.inner));
        append(slow.header, leg.inner);
    }
    append(slow.header, is_ipv4 ? std::uint16_t{0x0800} : std::uint16_t{0x86dd});
    return {bed_.neighbour(out, *neighbour, mac_behind(out), mtu), slow};
}

void World::kill(Hop& hop) {
    bed_.neighbour_down(hop.id);
    hop.slow.is_alive = false;
}

void World::route(VrfId vrf, const char* destination, std::initializer_list<Hop> hops) {
    std::vector<NextHopId> members;
    SlowRoute slow{.vrf = vrf, .prefix = any_prefix(destination), .exit = Exit::kNone, .hops = {}};
    for (const Hop& hop : hops) {
        members.push_back(hop.id);
        slow.hops.push_back(hop.slow);
    }
    bed_.route(vrf, slow.prefix, bed_.group(members));
    twin_.routes.push_back(std::move(slow));
}

void World::route(VrfId vrf, const char* destination, AdjacencyKind kind, Exit exit) {
    const IpPrefix prefix = any_prefix(destination);
    bed_.route(vrf, prefix, kind);
    twin_.routes.push_back({.vrf = vrf, .prefix = prefix, .exit = exit, .hops = {}});
}

}  // namespace causeway::test
