// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/fuzz_lists.h"

#include <utility>
#include <vector>

#include "acl/packet_view.h"
#include "base/check.h"
#include "base/headers.h"
#include "tests/support/frame_builder.h"

namespace causeway::test {
namespace {

constexpr auto kTcp = static_cast<std::uint8_t>(IpProtocol::kTcp);
constexpr auto kUdp = static_cast<std::uint8_t>(IpProtocol::kUdp);
constexpr auto kIcmp = static_cast<std::uint8_t>(IpProtocol::kIcmp);
constexpr auto kIcmpv6 = static_cast<std::uint8_t>(IpProtocol::kIcmpv6);
constexpr std::uint8_t kEsp = 50;
constexpr std::uint8_t kExpedited = 46;

AclRule to_port(const char* name, std::uint8_t protocol, PortRange ports, AclAction action) {
    AclRule rule{.name = name, .protocol = protocol, .action = std::move(action)};
    rule.destination_ports.ranges = {ports};
    return rule;
}

AclRule of_icmp(const char* name, std::uint8_t protocol, IcmpMatch icmp, AclAction action) {
    return {.name = name, .protocol = protocol, .icmp = icmp, .action = std::move(action)};
}

AclRule of_fragments(const char* name, Fragments part, IpPrefix destination, AclAction action) {
    AclRule rule{.name = name, .fragments = part, .action = std::move(action)};
    rule.destination.prefixes = {destination};
    return rule;
}

AclRule voice() {
    AclRule rule{.name = "voice",
                 .protocol = kUdp,
                 .dscp = kExpedited,
                 .action = {.log_one_in = 2, .steer = "elsewhere4"}};
    rule.source.sets = {"customers"};
    rule.source_ports.sets = {"media"};
    return rule;
}

AclRule to_office() {
    AclRule rule{.name = "to-office", .action = {.mark_dscp = std::uint8_t{18}}};
    rule.destination_names = {"office"};
    return rule;
}

AclRule from_video() {
    AclRule rule{.name = "from-video", .protocol = kTcp, .action = {.steer = "elsewhere"}};
    rule.source_names = {"video", "office"};
    return rule;
}

}  // namespace

AclSets fuzz_sets(const SteerGroups& elsewhere) {
    AclSets sets;
    sets.prefixes["customers"] = {prefix("10.1.0.0/16"), prefix("198.18.0.0/16"),
                                  prefix6("2001:db8:1::/48"), prefix6("2001:db8:113::/48")};
    sets.ports["media"] = {{5'060, 5'070}, {16'384, 32'767}};
    sets.targets["elsewhere"] = elsewhere;
    sets.targets["elsewhere4"] = {.ipv4 = elsewhere.ipv4, .ipv6 = {}};
    sets.names = {{"video", kFuzzVideo}, {"office", kFuzzOffice}};
    return sets;
}

const Acl& fuzz_list_in() {
    static const Acl acl = [] {
        constexpr AclVerdict kDeny = AclVerdict::kDeny;
        constexpr AclVerdict kExplain = AclVerdict::kDenyAndExplain;
        AclRule begins = to_port("begins", kTcp, {8'000, 8'100},
                                 {.log_one_in = 1, .mark_dscp = std::uint8_t{kExpedited}});
        begins.tcp_flags = {.value = 2, .mask = 18};  // SYN and not ACK
        Acl some{.name = "in", .rules = {}, .otherwise = {}};
        some.rules = {
            to_port("telnet", kTcp, {23, 23}, {.verdict = kDeny}),
            to_port("ssh", kTcp, {22, 22}, {.verdict = kExplain, .log_one_in = 1}),
            std::move(begins),
            from_video(),
            to_office(),
            voice(),
            of_icmp("ping", kIcmp, {8, {}}, {.mark_dscp = std::uint8_t{10}}),
            of_icmp("ping6", kIcmpv6, {128, std::uint8_t{0}}, {.steer = "elsewhere"}),
            of_icmp("redirect", kIcmp, {5, {}}, {.verdict = kDeny}),
            of_fragments("first", Fragments::kFirst, prefix("10.2.1.0/24"), {.verdict = kExplain}),
            of_fragments("later", Fragments::kLater, prefix("10.2.2.0/24"), {.steer = "elsewhere"}),
            of_fragments("parts6", Fragments::kAll, prefix6("2001:db8:2:1::/64"),
                         {.verdict = kDeny}),
            to_port("sctp", kProtocolSctp, {5'000, 65'535}, {.mark_dscp = std::uint8_t{34}}),
            {.name = "esp", .protocol = kEsp, .action = {.verdict = kDeny, .log_one_in = 3}},
        };
        return some;
    }();
    return acl;
}

const Acl& fuzz_list_out() {
    static const Acl acl = [] {
        AclRule reset{.name = "reset", .protocol = kTcp, .action = {.verdict = AclVerdict::kDeny}};
        reset.tcp_flags = {.value = 4, .mask = 4};
        AclRule bulk{.name = "bulk",
                     .dscp = std::uint8_t{8},
                     .fragments = Fragments::kWhole,
                     .action = {.mark_dscp = std::uint8_t{0}}};
        AclRule named{.name = "named", .protocol = kUdp, .action = {.mark_dscp = std::uint8_t{24}}};
        named.destination_names = {"video"};
        Acl some{.name = "out", .rules = {}, .otherwise = {}};
        some.rules = {std::move(reset),
                      std::move(bulk),
                      std::move(named),
                      to_port("dns", kUdp, {53, 53}, {.mark_dscp = std::uint8_t{kExpedited}}),
                      of_icmp("unreachable", kIcmp, {3, std::uint8_t{4}}, {.log_one_in = 1}),
                      to_port("discard", kUdp, {9, 9},
                              {.verdict = AclVerdict::kDenyAndExplain, .log_one_in = 1})};
        return some;
    }();
    return acl;
}

const Acl& fuzz_list_untranslated() {
    static const Acl acl = [] {
        AclRule but{.name = "but", .action = {.verdict = AclVerdict::kDeny}};
        but.destination.prefixes = {prefix("198.18.0.54/32")};
        AclRule dns = to_port("dns", kUdp, {53, 53}, {});
        dns.destination.prefixes = {prefix("198.18.0.0/24")};
        return Acl{.name = "as-it-is", .rules = {std::move(but), std::move(dns)}};
    }();
    return acl;
}

std::unique_ptr<const AclList> build_fuzz_list(const Acl& acl, const AclSets& sets,
                                               std::uint32_t first_counter) {
    std::vector<RuleCounterId> counters;
    for (std::uint32_t i = 0; i <= acl.rules.size(); ++i) {
        counters.emplace_back(first_counter + i);
    }
    auto list = AclList::build(acl, sets, counters);
    CHECK(list.has_value());
    return std::move(list).value();
}

}  // namespace causeway::test
