// SPDX-License-Identifier: Apache-2.0
#include "acl/match.h"

#include <gtest/gtest.h>

#include "tests/acl/acl_words.h"

namespace causeway::test {
namespace {

const AclPacket kPacket = tcp("10.1.0.10", "10.2.0.10", {4'000, 443});

std::optional<AclField> mismatch(const AclRule& rule, const AclPacket& packet = kPacket) {
    return first_mismatch(rule, {}, packet);
}

TEST(AclMatch, a_rule_that_names_nothing_matches_everything) {
    EXPECT_EQ(mismatch(rule("all")), std::nullopt);
    AclPacket ipv6 = kPacket;
    ipv6.source = ip6("2001:db8::1");
    ipv6.destination = ip6("2001:db8::2");
    EXPECT_EQ(mismatch(rule("all"), ipv6), std::nullopt);
}

TEST(AclMatch, names_the_first_field_that_does_not) {
    AclRule some = rule("some");
    some.source = any_of({prefix("10.1.0.0/16"), prefix6("2001:db8::/32")});
    EXPECT_EQ(mismatch(some), std::nullopt);
    some.destination = any_of({prefix("10.3.0.0/16")});
    some.protocol = kUdp;
    EXPECT_EQ(mismatch(some), AclField::kDestination);
    some.destination = any_of({prefix("10.2.0.0/16")});
    EXPECT_EQ(mismatch(some), AclField::kProtocol);
    some.protocol = kTcp;
    some.source_ports = any_of({{1, 1'023}});
    EXPECT_EQ(mismatch(some), AclField::kSourcePorts);
    some.source_ports = {};
    some.destination_ports = any_of({{80, 80}, {443, 443}});
    EXPECT_EQ(mismatch(some), std::nullopt);
    some.tcp_flags = {.value = 16, .mask = 16};
    EXPECT_EQ(mismatch(some), AclField::kTcpFlags);
    some.tcp_flags = {.value = 2, .mask = 18};  // SYN, not ACK
    EXPECT_EQ(mismatch(some), std::nullopt);
    some.dscp = 46;
    EXPECT_EQ(mismatch(some), AclField::kDscp);
    some.dscp = 0;
    some.fragments = Fragments::kAll;
    EXPECT_EQ(mismatch(some), AclField::kFragments);
}

TEST(AclMatch, layer_4_that_is_not_shown_matches_no_rule_that_asks_for_it) {
    AclPacket later = kPacket;
    later.fragment = FragmentKind::kLater;
    later.ports.reset();
    later.tcp_flags.reset();
    AclRule some = rule("tcp");
    some.protocol = kTcp;
    EXPECT_EQ(mismatch(some, later), std::nullopt);
    some.tcp_flags = {.value = 0, .mask = 2};
    EXPECT_EQ(mismatch(some, later), AclField::kTcpFlags);
    some.destination_ports = any_of({{1, 0xffff}});
    EXPECT_EQ(mismatch(some, later), AclField::kDestinationPorts);
}

TEST(AclMatch, port_0_is_in_no_range) {
    AclRule some = rule("tcp");
    some.protocol = kTcp;
    some.destination_ports = any_of({{1, 0xffff}});
    EXPECT_EQ(mismatch(some, tcp("10.1.0.10", "10.2.0.10", {4'000, 0})),
              AclField::kDestinationPorts);
}

TEST(AclMatch, a_set_stands_for_what_it_holds) {
    AclSets sets;
    sets.prefixes["branch"] = {prefix("10.1.0.0/16"), prefix6("2001:db8:1::/48")};
    sets.ports["web"] = {{80, 80}, {443, 443}};
    AclRule some = rule("web");
    some.protocol = kTcp;
    some.source.sets = {"branch"};
    some.destination_ports.sets = {"web"};
    EXPECT_EQ(first_mismatch(some, sets, kPacket), std::nullopt);
    EXPECT_EQ(first_mismatch(some, sets, tcp("10.9.0.1", "10.2.0.10", {4'000, 443})),
              AclField::kSource);
    EXPECT_EQ(first_mismatch(some, sets, tcp("10.1.0.1", "10.2.0.10", {4'000, 22})),
              AclField::kDestinationPorts);
}

TEST(AclMatch, explains_the_hit_and_every_miss_before_it) {
    Acl acl{.name = "edge",
            .rules = {rule("no-udp"), rule("no-ssh"), rule("web", kPermitAction), rule("rest")}};
    acl.rules[0].protocol = kUdp;
    acl.rules[1].protocol = kTcp;
    acl.rules[1].source = any_of({prefix("192.0.2.0/24")});
    acl.rules[1].destination_ports = any_of({{22, 22}});
    acl.rules[2].protocol = kTcp;
    const AclExplanation why = explain(acl, {}, kPacket);
    EXPECT_EQ(why.hit, 2U);
    EXPECT_EQ(why.action, kPermitAction);
    ASSERT_EQ(why.misses.size(), 2U);
    EXPECT_EQ(why.misses[0].fields, std::vector{AclField::kProtocol});
    EXPECT_EQ(why.misses[1].fields, (std::vector{AclField::kSource, AclField::kDestinationPorts}));
    EXPECT_EQ(first_match(acl, {}, kPacket), 2U);

    acl.rules.resize(2);
    EXPECT_EQ(explain(acl, {}, kPacket).hit, std::nullopt);
    EXPECT_EQ(explain(acl, {}, kPacket).action, acl.otherwise);
}

TEST(AclMatch, every_field_has_a_name_of_its_own) {
    EXPECT_EQ(to_string(AclField::kSource), "source");
    EXPECT_EQ(to_string(AclField::kDestinationPorts), "destination-ports");
    EXPECT_EQ(to_string(AclField::kFragments), "fragments");
}

}  // namespace
}  // namespace causeway::test
