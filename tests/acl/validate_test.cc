// SPDX-License-Identifier: Apache-2.0
#include "acl/validate.h"

#include <gtest/gtest.h>

#include "acl/compile.h"
#include "base/limits.h"
#include "tests/acl/acl_words.h"

namespace causeway::test {
namespace {

const AclSets kSets{
    .prefixes = {{"v4", {prefix("10.0.0.0/8")}}, {"v6", {prefix6("2001:db8::/32")}}},
    .ports = {{"web", {{80, 80}}}}};

// The field that a list of this one rule is refused for; empty: it is not.
std::string fault_of(const AclRule& rule) {
    const Status status = validate(Acl{.name = "one", .rules = {rule}}, kSets);
    return status ? "" : status.error().field;
}

AclRule of(std::uint8_t protocol) {
    AclRule some = rule("r");
    some.protocol = protocol;
    return some;
}

TEST(AclValidate, refuses_ports_of_a_protocol_that_has_none) {
    for (const std::uint8_t protocol : {kTcp, kUdp, kProtocolSctp}) {
        AclRule some = of(protocol);
        some.destination_ports = any_of({{80, 80}});
        EXPECT_EQ(fault_of(some), "");
    }
    AclRule some = of(kIcmp);
    some.destination_ports = any_of({{80, 80}});
    EXPECT_EQ(fault_of(some), "rules[0].destination-ports");
    some.protocol.reset();
    EXPECT_EQ(fault_of(some), "rules[0].destination-ports");
    some.source_ports.sets = {"web"};
    EXPECT_EQ(fault_of(some), "rules[0].source-ports");
}

TEST(AclValidate, refuses_flags_that_no_packet_has) {
    AclRule some = of(kUdp);
    some.tcp_flags = {.value = 2, .mask = 2};
    EXPECT_EQ(fault_of(some), "rules[0].tcp-flags");
    some.protocol = kTcp;
    EXPECT_EQ(fault_of(some), "");
    some.tcp_flags = {.value = 2, .mask = 16};
    EXPECT_EQ(fault_of(some), "rules[0].tcp-flags");
    some.tcp_flags = {.value = 0, .mask = 0};
    EXPECT_EQ(fault_of(some), "rules[0].tcp-flags");
}

TEST(AclValidate, refuses_an_icmp_type_without_icmp) {
    AclRule some = of(kTcp);
    some.icmp = {.type = 8, .code = {}};
    EXPECT_EQ(fault_of(some), "rules[0].icmp-type");
    some.protocol = kIcmp;
    EXPECT_EQ(fault_of(some), "");
}

TEST(AclValidate, refuses_families_that_do_not_meet) {
    AclRule some = rule("r");
    some.source.sets = {"v4"};
    some.destination.sets = {"v6"};
    EXPECT_EQ(fault_of(some), "rules[0].destination");
    some.destination.sets.push_back("v4");
    EXPECT_EQ(fault_of(some), "");
    some.protocol = kIcmpv6;
    EXPECT_EQ(fault_of(some), "rules[0].protocol");
    some.source.sets = {"v6"};
    EXPECT_EQ(fault_of(some), "");
    some.protocol = kIcmp;
    EXPECT_EQ(fault_of(some), "rules[0].protocol");
}

TEST(AclValidate, refuses_layer_4_of_later_fragments) {
    AclRule some = of(kTcp);
    some.fragments = Fragments::kLater;
    EXPECT_EQ(fault_of(some), "");
    some.destination_ports = any_of({{80, 80}});
    EXPECT_EQ(fault_of(some), "rules[0].fragments");
    some.fragments = Fragments::kFirst;
    EXPECT_EQ(fault_of(some), "");
}

TEST(AclValidate, refuses_ranges_that_are_none) {
    AclRule some = of(kTcp);
    some.source_ports = any_of({{80, 79}});
    EXPECT_EQ(fault_of(some), "rules[0].source-ports");
    some.source_ports = any_of({{0, 79}});
    EXPECT_EQ(fault_of(some), "rules[0].source-ports");
    some.source_ports = {};
    some.dscp = 64;
    EXPECT_EQ(fault_of(some), "rules[0].dscp");
}

TEST(AclValidate, refuses_sets_that_do_not_exist_or_are_empty) {
    AclRule some = of(kTcp);
    some.source.sets = {"nowhere"};
    EXPECT_EQ(fault_of(some), "rules[0].source");
    some.source = {};
    some.destination_ports.sets = {"nothing"};
    EXPECT_EQ(fault_of(some), "rules[0].destination-ports");

    EXPECT_TRUE(validate(kSets));
    AclSets sets = kSets;
    sets.prefixes["empty"];
    EXPECT_EQ(validate(sets).error().field, "prefix-sets.empty");
    sets = kSets;
    sets.ports["odd"] = {{0, 1}};
    EXPECT_EQ(validate(sets).error().field, "port-sets.odd");
}

TEST(AclValidate, refuses_to_mark_or_steer_what_it_denies) {
    AclRule some = rule("r", {.verdict = AclVerdict::kDeny, .steer = "internet"});
    EXPECT_EQ(fault_of(some), "rules[0].steer");
    some.action.verdict = AclVerdict::kPermit;  // there is no such target
    EXPECT_EQ(fault_of(some), "rules[0].steer");
    some.action = {.verdict = AclVerdict::kDenyAndExplain, .mark_dscp = std::uint8_t{10}};
    EXPECT_EQ(fault_of(some), "rules[0].mark-dscp");
    some.action = {.verdict = AclVerdict::kPermit, .mark_dscp = std::uint8_t{64}};
    EXPECT_EQ(fault_of(some), "rules[0].mark-dscp");
    some.action.mark_dscp = 63;
    EXPECT_EQ(fault_of(some), "");
}

TEST(AclValidate, wants_a_name_of_its_own_for_each_rule) {
    EXPECT_EQ(fault_of(rule("")), "rules[0].name");
    const Status status = validate(Acl{.name = "two", .rules = {rule("a"), rule("a")}}, {});
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, ErrorCode::kExists);
    EXPECT_EQ(status.error().field, "rules[1].name");
}

TEST(AclValidate, a_list_has_an_end) {
    Acl acl{.name = "long", .rules = {}};
    for (std::size_t i = 0; i < kAclRulesMax; ++i) acl.rules.push_back(rule(std::to_string(i)));
    EXPECT_TRUE(validate(acl, {}));
    acl.rules.push_back(rule("one more"));
    ASSERT_FALSE(validate(acl, {}));
    EXPECT_EQ(validate(acl, {}).error().code, ErrorCode::kFull);
}

TEST(AclCompile, refuses_alternatives_beyond_its_room) {
    AclRule some = of(kTcp);
    for (std::uint16_t port = 2; port < 600; port = static_cast<std::uint16_t>(port + 2)) {
        some.source_ports.ranges.push_back({port, port});
        some.destination_ports.ranges.push_back({port, port});
    }
    const auto entries = compile(Acl{.name = "wide", .rules = {rule("first"), some}}, {});
    ASSERT_FALSE(entries);
    EXPECT_EQ(entries.error().code, ErrorCode::kFull);
    EXPECT_EQ(entries.error().field, "rules[1]");
}

}  // namespace
}  // namespace causeway::test
