// SPDX-License-Identifier: Apache-2.0
//
// Names in the walk of IPv6: its packets are steered, held and marked as those of IPv4 are
// (names_test.cc), by next hops and learned addresses of their own.
#include <gtest/gtest.h>
#include <rte_cycles.h>

#include <cstdint>
#include <vector>

#include "dataplane/policer.h"
#include "tests/packets/names_fixture.h"

namespace causeway::test {
namespace {

using Ways = std::vector<int>;

constexpr const char* kNamed = "2001:db8:2::5";
constexpr const char* kOther = "2001:db8:2::6";
constexpr const char* kNameless = "2001:db8:2::7";

using NamesIpv6Test = NamesTest;
using NamesListIpv6Test = NamesListTest;

TEST_F(NamesIpv6Test, first_packet_goes_the_other_way) {
    rule(kSet, {.steer = other_});
    learn(kNamed);
    EXPECT_EQ(ways_of({tcp(kNamed, 1'000, kSyn), tcp(kNameless, 1'000, kSyn)}), (Ways{21, 20}));
    EXPECT_EQ(hits(0), 1U);
    EXPECT_EQ(bed_.worker().names().flows_begun.read(), 1U);
}

TEST_F(NamesIpv6Test, flow_keeps_its_way) {
    rule(kSet, {.steer = other_});
    EXPECT_EQ(ways_of({tcp(kNamed, 1'000, kSyn)}), (Ways{20}));
    learn(kNamed);
    // One that began before is left alone.
    EXPECT_EQ(ways_of({tcp(kNamed, 1'000, kAck), tcp(kNamed, 1'001, kSyn)}), (Ways{20, 21}));
    learned_->expire(60);
    // One that began in time goes on; a new one is not steered, nor is what follows it.
    EXPECT_EQ(
        ways_of({tcp(kNamed, 1'001, kAck), tcp(kNamed, 1'002, kSyn), tcp(kNamed, 1'002, kAck)}),
        (Ways{21, 20, 20}));
}

TEST_F(NamesIpv6Test, udp_begins_with_any_packet) {
    rule(kSet, {.steer = other_});
    learn(kNamed);
    EXPECT_EQ(ways_of({udp(kNamed, 1'000)}), (Ways{21}));
    learned_->expire(60);
    EXPECT_EQ(ways_of({udp(kNamed, 1'000), udp(kNamed, 1'001)}), (Ways{21, 20}));
}

// Layer 4 is found behind options, so the flow is the same; a fragment goes by its address alone.
TEST_F(NamesIpv6Test, extension_headers_and_fragments_are_steered_too) {
    rule(kSet, {.steer = other_});
    learn(kNamed);
    const Frame behind_options =
        going_to(kNamed).udp(1'000, 443).extension(IpProtocol::kDestinationOptions).bytes();
    const Frame fragment = going_to(kNamed).udp(1'000, 443).fragment(64, 0).bytes();
    EXPECT_EQ(ways_of({behind_options, fragment}), (Ways{21, 21}));
    learned_->expire(60);
    EXPECT_EQ(ways_of({udp(kNamed, 1'000), behind_options, fragment}), (Ways{21, 21, 20}));
}

TEST_F(NamesIpv6Test, a_target_of_the_other_family_leaves_it_to_the_routes) {
    rule(kSet, {.steer = {.ipv4 = other_.ipv4, .ipv6 = {}}});
    learn(kNamed);
    learn("10.2.0.5");
    // Of IPv6 first.
    EXPECT_EQ(ways_of({udp("10.2.0.5", 1), udp(kNamed, 1)}), (Ways{20, 21}));
    EXPECT_EQ(hits(0), 2U);
}

TEST_F(NamesIpv6Test, both_families_of_a_burst_go_by_next_hops_of_their_own) {
    rule(kSet, {.steer = other_});
    learn(kNamed);
    learn("10.2.0.5");
    // IPv6 goes out first: its walk ends first.
    EXPECT_EQ(sent_of({udp("10.2.0.5", 1), udp(kNamed, 1), udp("10.2.0.6", 1)}),
              (std::vector{gone_to(kNamed, 21).udp(1, 443).bytes(),
                           gone_to("10.2.0.5", 21).udp(1, 443).bytes(),
                           gone_to("10.2.0.6").udp(1, 443).bytes()}));
}

TEST_F(NamesIpv6Test, who_is_steered_does_not_go_by_the_routes_meanwhile) {
    rule(kSet, {.steer = other_});
    learn(kNamed);
    bed_.neighbour_down(ipv6_ways_[1]);
    EXPECT_EQ(ways_of({udp(kNamed, 1'000), udp(kNameless, 1'000)}), (Ways{20}));
    EXPECT_EQ(bed_.counters().exits(leg_, Exit::kNextHopDown), 1U);
    EXPECT_EQ(bed_.punted().size(), 1U);
}

TEST_F(NamesIpv6Test, rule_marks_and_logs) {
    rule(kSet, {.log_one_in = 1, .mark_dscp = 46});
    learn(kNamed);
    EXPECT_EQ(sent_of({going_to(kNamed).udp(1, 443).dscp_ecn(0x29).bytes(), udp(kNameless, 2)}),
              (std::vector{gone_to(kNamed).udp(1, 443).dscp_ecn(46 << 2 | 1).bytes(),
                           gone_to(kNameless).udp(2, 443).bytes()}));
    EXPECT_EQ(hits(0), 1U);
    const auto records = logged();
    ASSERT_EQ(records.size(), 1U);
    EXPECT_EQ(records[0].rule, RuleCounterId(kFirst));
    EXPECT_EQ(records[0].attachment, leg_);
    EXPECT_EQ(records[0].packet_bytes, 48);
    EXPECT_EQ(records[0].head[0] >> 4, 6);
    EXPECT_EQ(records[0].head[39], 5);  // of the destination
}

// Two frames fit each bucket: of what goes to the names, and of what comes back, by whichever way
// it went.
TEST_F(NamesIpv6Test, both_directions_are_held_by_their_class) {
    const std::uint64_t burst = 2 * udp(kNamed, 1).size() + 10;
    const PolicerRate rate{.bytes_per_second = 1'000, .burst_bytes = burst};
    Policer in(rte_get_tsc_hz(), rate, rte_rdtsc());
    Policer out(rte_get_tsc_hz(), rate, rte_rdtsc());
    rule(kSet, {});
    rule(kOtherSet, {.steer = other_});
    for (NameRule& some : policy_.rules) some.police = {.in = &in, .out = &out};
    police_what_comes_back();
    learn(kNamed);
    learn(kOther, kOtherSet);
    EXPECT_EQ(ways_of({udp(kNamed, 1), udp(kOther, 2), udp(kNameless, 1), udp(kNamed, 1)}),
              (Ways{20, 21, 20}));
    EXPECT_EQ(bed_.counters().exits(leg_, Exit::kOverClassRate), 1U);
    EXPECT_EQ(come_back({udp_back(kNamed, 1), udp_back(kNameless, 1), udp_back(kOther, 2),
                         udp_back(kNamed, 1), udp_back(kOther, 2)}),
              3U);
    EXPECT_EQ(in.dropped_packets(), 1U);
    EXPECT_EQ(out.dropped_packets(), 2U);
    // Of an address that steers, a flow that went by the routes is held by nobody.
    EXPECT_EQ(come_back({udp_back(kOther, 3)}), 1U);
}

// Whoever came in time is held on, also when nobody knows the address any more.
TEST_F(NamesIpv6Test, what_comes_back_of_a_steered_flow_is_held_to_its_end) {
    const PolicerRate rate{.bytes_per_second = 1'000, .burst_bytes = 10};
    Policer out(rte_get_tsc_hz(), rate, rte_rdtsc());
    rule(kSet, {.steer = other_});
    policy_.rules[0].police.out = &out;
    police_what_comes_back();
    learn(kNamed);
    EXPECT_EQ(ways_of({udp(kNamed, 1)}), (Ways{21}));
    learned_->expire(60);
    EXPECT_EQ(come_back({udp_back(kNamed, 1), udp_back(kNamed, 2)}), 1U);
    EXPECT_EQ(out.dropped_packets(), 1U);
}

TEST_F(NamesListIpv6Test, first_packet_is_known_by_its_name) {
    EXPECT_EQ(ways_of({tcp(kNamed, 1'000, kSyn)}), (Ways{}));
    learn(kNamed);
    learn(kOther, kOtherSet);
    learn("2001:db8:2::8", kElse);
    EXPECT_EQ(ways_of({tcp(kNamed, 1'000, kSyn), tcp(kOther, 1'000, kSyn),
                       udp("2001:db8:2::8", 1'000), udp(kNameless, 1'000)}),
              (Ways{21, 21}));
    EXPECT_EQ(hits(0), 2U);
    EXPECT_EQ(hits(2), 3U);
    learn("2001:db8:1::10");
    EXPECT_EQ(ways_of({udp(kNameless, 1'000)}), (Ways{20}));
    EXPECT_EQ(hits(1), 1U);
}

TEST_F(NamesListIpv6Test, what_was_let_through_in_time_stays_so) {
    learn(kNamed);
    learned_->expire(60);
    EXPECT_EQ(ways_of({tcp(kNamed, 1'000, kAck)}), (Ways{21}));
    EXPECT_EQ(ways_of({tcp(kNamed, 1'001, kSyn), udp(kNamed, 1'000)}), (Ways{}));
}

TEST_F(NamesListIpv6Test, odd_packets_go_by_their_addresses_too) {
    learn(kNamed);
    EXPECT_EQ(ways_of({going_to(kNamed).udp(1, 2).extension(IpProtocol::kHopByHopOptions).bytes(),
                       going_to(kNamed).icmpv6(Icmpv6Type::kEchoRequest, 4).bytes(),
                       going_to(kNamed).udp(1, 2).fragment(64, 0).bytes(), udp(kNameless, 1)}),
              (Ways{21, 21, 21}));
}

}  // namespace
}  // namespace causeway::test
