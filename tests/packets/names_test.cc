// SPDX-License-Identifier: Apache-2.0
//
// Names in the walk: what happens to packets to addresses that the DNS has taught. Of IPv6:
// names_ipv6_test.cc.
#include <gtest/gtest.h>
#include <rte_cycles.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "acl/packet_view.h"
#include "base/checksum.h"
#include "base/text.h"
#include "dataplane/name_policy.h"
#include "dataplane/punt_police.h"
#include "tests/packets/names_fixture.h"

namespace causeway::test {
namespace {

TEST_F(NamesTest, first_packet_goes_the_other_way) {
    rule(kSet, {.steer = other_});
    learn("10.2.0.5");
    EXPECT_EQ(ways_of({tcp("10.2.0.5", 1'000, kSyn), tcp("10.2.0.6", 1'000, kSyn)}),
              (std::vector<int>{21, 20}));
    EXPECT_EQ(hits(0), 1U);
}

TEST_F(NamesTest, flow_keeps_its_way) {
    rule(kSet, {.steer = other_});
    EXPECT_EQ(ways_of({tcp("10.2.0.5", 1'000, kSyn)}), (std::vector<int>{20}));
    learn("10.2.0.5");
    // One that began before is left alone.
    EXPECT_EQ(ways_of({tcp("10.2.0.5", 1'000, kAck), tcp("10.2.0.5", 1'001, kSyn)}),
              (std::vector<int>{20, 21}));
    learned_->expire(60);
    // One that began in time goes on; a new one is not steered, nor is what follows it.
    EXPECT_EQ(ways_of({tcp("10.2.0.5", 1'001, kAck), tcp("10.2.0.5", 1'002, kSyn),
                       tcp("10.2.0.5", 1'002, kAck)}),
              (std::vector<int>{21, 20, 20}));
}

// In one burst, with the same addresses.
TEST_F(NamesTest, what_one_vrf_learns_is_nothing_to_others) {
    rule(kSet, {.exit = Exit::kAclDenied});
    const VrfId theirs = bed_.vrf();
    const AttachmentId their_leg = bed_.attach(kLeg, 11, 100, theirs);
    bed_.route(theirs, prefix("10.2.0.0/16"), ways_[1]);
    const auto their_learned = std::move(LearnedAddresses::create(grace_)).value();
    ASSERT_TRUE(
        their_learned->learn(ip("10.2.0.6"), kSet, 60, *Hostname::from("a.example.com"), 0));
    bed_.set_policy(their_leg, {.names = &policy_, .learned = their_learned.get()});
    bed_.publish();
    learn("10.2.0.5");
    const auto of = [](std::uint16_t tag, const char* address) {
        return frame().tags(tag, 100).ipv4("10.1.0.10", address).udp(1, 2).bytes();
    };
    EXPECT_EQ(
        ways_of({of(11, "10.2.0.5"), of(10, "10.2.0.5"), of(11, "10.2.0.6"), of(10, "10.2.0.6")}),
        (std::vector<int>{21, 20}));
    EXPECT_EQ(hits(0), 2U);
}

TEST_F(NamesTest, udp_begins_with_any_packet) {
    rule(kSet, {.steer = other_});
    learn("10.2.0.5");
    EXPECT_EQ(ways_of({udp("10.2.0.5", 1'000)}), (std::vector<int>{21}));
    learned_->expire(60);
    EXPECT_EQ(ways_of({udp("10.2.0.5", 1'000), udp("10.2.0.5", 1'001)}),
              (std::vector<int>{21, 20}));
}

TEST_F(NamesTest, who_is_steered_does_not_go_by_the_routes_meanwhile) {
    rule(kSet, {.steer = {.ipv4 = special_group(AdjacencyKind::kUnresolved), .ipv6 = {}}});
    learn("10.2.0.5");
    EXPECT_EQ(ways_of({udp("10.2.0.5", 1'000)}), (std::vector<int>{}));
    EXPECT_EQ(bed_.counters().exits(leg_, Exit::kNextHopDown), 1U);
}

TEST_F(NamesTest, first_rule_of_a_set_decides) {
    rule(kOtherSet, {.exit = Exit::kAclDenied});
    rule(kSet | kOtherSet, {});
    learn("10.2.0.5");
    learn("10.2.0.6", kSet | kOtherSet);
    EXPECT_EQ(ways_of({udp("10.2.0.5", 1), udp("10.2.0.6", 1)}), (std::vector<int>{20}));
    EXPECT_EQ(hits(0), 1U);
    EXPECT_EQ(hits(1), 1U);
    EXPECT_EQ(bed_.counters().exits(leg_, Exit::kAclDenied), 1U);
}

TEST_F(NamesTest, rule_marks_and_logs) {
    rule(kSet, {.log_one_in = 1, .mark_dscp = 46});
    learn("10.2.0.5");
    const std::vector<Frame> sent =
        sent_of({going_to("10.2.0.5").udp(1, 443).dscp_ecn(0x29).bytes(), udp("10.2.0.6", 2)});
    EXPECT_EQ(sent, (std::vector{gone_to("10.2.0.5").udp(1, 443).dscp_ecn(46 << 2 | 1).bytes(),
                                 gone_to("10.2.0.6").udp(2, 443).bytes()}));
    ASSERT_FALSE(sent.empty());
    const auto header = std::span(sent[0]).subspan(22, sizeof(Ipv4Header));
    EXPECT_EQ(checksum_fold(checksum_sum(header)), 0xffff);
    EXPECT_EQ(hits(0), 1U);
    const auto records = logged();
    ASSERT_EQ(records.size(), 1U);
    EXPECT_EQ(records[0].rule, RuleCounterId(kFirst));
    EXPECT_EQ(records[0].attachment, leg_);
    EXPECT_EQ(records[0].packet_bytes, 28);
    EXPECT_EQ(records[0].head[0], 0x45);
    EXPECT_EQ(records[0].head[1], 0x29);  // as it came
    EXPECT_EQ(records[0].head[19], 5);    // of 10.2.0.5
}

TEST_F(NamesTest, rule_logs_one_in_so_many_of_a_burst) {
    rule(kSet, {.log_one_in = 3});
    learn("10.2.0.5");
    std::vector<Frame> frames;
    for (std::uint16_t i = 0; i < 7; ++i) frames.push_back(udp("10.2.0.5", i));
    EXPECT_EQ(ways_of(frames).size(), 7U);
    std::vector<int> ports;
    for (const AclLogRecord& record : logged()) ports.push_back(record.head[21]);
    EXPECT_EQ(ports, (std::vector<int>{0, 3, 6}));
}

// Two frames fit the burst, whichever of the rules they meet.
TEST_F(NamesTest, rules_of_a_class_share_its_rate) {
    const std::uint64_t burst = 2 * udp("10.2.0.5", 1).size() + 10;
    Policer policer(rte_get_tsc_hz(), {.bytes_per_second = 1'000, .burst_bytes = burst},
                    rte_rdtsc());
    rule(kSet, {});
    rule(kOtherSet, {.steer = other_});
    for (NameRule& some : policy_.rules) some.police.in = &policer;
    learn("10.2.0.5");
    learn("10.2.0.6", kOtherSet);
    EXPECT_EQ(ways_of({udp("10.2.0.5", 1), udp("10.2.0.6", 1), udp("10.2.0.7", 1),
                       udp("10.2.0.5", 1), udp("10.2.0.5", 1)}),
              (std::vector<int>{20, 21, 20}));
    EXPECT_EQ(bed_.counters().exits(leg_, Exit::kOverClassRate), 2U);
    EXPECT_EQ(policer.dropped_packets(), 2U);
    EXPECT_EQ(hits(0) + hits(1), 4U);
}

// In a bucket of its own; what comes from other addresses is nobody's.
TEST_F(NamesTest, what_comes_back_is_held_by_its_class) {
    const std::uint64_t burst = 2 * udp_back("10.2.0.5", 1).size() + 10;
    const PolicerRate rate{.bytes_per_second = 1'000, .burst_bytes = burst};
    Policer in(rte_get_tsc_hz(), rate, rte_rdtsc());
    Policer out(rte_get_tsc_hz(), rate, rte_rdtsc());
    rule(kSet, {});
    rule(kOtherSet, {.steer = other_});
    for (NameRule& some : policy_.rules) some.police = {.in = &in, .out = &out};
    police_what_comes_back();
    learn("10.2.0.5");
    learn("10.2.0.6", kOtherSet);
    EXPECT_EQ(ways_of({udp("10.2.0.5", 1), udp("10.2.0.6", 2), udp("10.2.0.5", 1)}),
              (std::vector<int>{20, 21}));
    EXPECT_EQ(come_back({udp_back("10.2.0.5", 1), udp_back("10.2.0.7", 1), udp_back("10.2.0.6", 2),
                         udp_back("10.2.0.5", 1), udp_back("10.2.0.6", 2)}),
              3U);
    EXPECT_EQ(in.dropped_packets(), 1U);
    EXPECT_EQ(out.dropped_packets(), 2U);
    // Of an address that steers, a flow that went by the routes is held by nobody.
    EXPECT_EQ(come_back({udp_back("10.2.0.6", 3)}), 1U);
}

// A flow of no known address says its name itself, and is policed from then on.
TEST_F(NamesTest, a_flow_that_says_its_name_goes_into_the_class) {
    std::vector<NameSet> sets(1);
    sets[0].name = "video";
    sets[0].members.push_back(NamePattern::from("*.video.example").value());
    const NameMatcher matcher(sets, plan_patterns(sets), nullptr);
    NameReaders readers{.matcher = &matcher, .scratches = {}};
    readers.scratches.push_back(std::move(matcher.make_scratch()).value());
    Policer policer(rte_get_tsc_hz(), {.bytes_per_second = 1'000, .burst_bytes = 1'000},
                    rte_rdtsc());
    policy_.readers = &readers;
    rule(kSet, {});
    policy_.rules[0].police.in = &policer;
    const std::string_view request = "GET / HTTP/1.1\r\nHost: a.video.example\r\n\r\n";
    const auto segment = [](std::uint32_t sequence, std::uint8_t flags, std::string_view text) {
        Frame bytes = frame()
                          .tags(10, 100)
                          .ipv4("10.1.0.10", "10.2.0.9")
                          .tcp(1'000, 80)
                          .payload(text.size())
                          .bytes();
        constexpr std::size_t kTcp = 22 + 20;
        const Be32 number(sequence);
        std::memcpy(&bytes[kTcp + 4], &number, sizeof number);
        bytes[kTcp + 13] = flags;
        std::ranges::copy(text, bytes.begin() + kTcp + 20);
        return bytes;
    };
    const std::string long_text(1'000, 'x');  // more than the burst
    EXPECT_EQ(ways_of({segment(99, kSyn, ""), segment(100, kAck, request),
                       segment(200, kAck, long_text)}),
              (std::vector<int>{20, 20}));
    EXPECT_EQ(hits(0), 2U);  // from the one that says it on
    EXPECT_EQ(bed_.counters().exits(leg_, Exit::kOverClassRate), 1U);
    EXPECT_EQ(bed_.worker().names().flows_labelled.read(), 1U);

    Policer out(rte_get_tsc_hz(), {.bytes_per_second = 1'000, .burst_bytes = 1'000}, rte_rdtsc());
    policy_.rules[0].police.out = &out;
    police_what_comes_back();
    const auto answer = [](std::uint16_t to) {
        return frame().tags(20, 100).ipv4("10.2.0.9", "10.1.0.10").tcp(80, to).payload(1'000);
    };
    EXPECT_EQ(come_back({answer(1'000).bytes(), answer(1'001).bytes()}), 1U);
    EXPECT_EQ(out.dropped_packets(), 1U);
}

TEST_F(NamesListTest, first_packet_is_known_by_its_name) {
    EXPECT_EQ(ways_of({tcp("10.2.0.5", 1'000, kSyn)}), (std::vector<int>{}));
    learn("10.2.0.5");
    learn("10.2.0.6", kOtherSet);
    learn("10.2.0.7", kElse);
    EXPECT_EQ(ways_of({tcp("10.2.0.5", 1'000, kSyn), tcp("10.2.0.6", 1'000, kSyn),
                       udp("10.2.0.7", 1'000), udp("10.2.0.8", 1'000)}),
              (std::vector<int>{21, 21}));
    EXPECT_EQ(hits(0), 2U);
    EXPECT_EQ(hits(2), 3U);
    learn("10.1.0.10");
    EXPECT_EQ(ways_of({udp("10.2.0.8", 1'000)}), (std::vector<int>{20}));
    EXPECT_EQ(hits(1), 1U);
}

TEST_F(NamesListTest, a_list_goes_by_the_vrf_of_the_packet) {
    const VrfId theirs = bed_.vrf();
    const AttachmentId their_leg = bed_.attach(kLeg, 11, 100, theirs);
    const auto their_learned = std::move(LearnedAddresses::create(grace_)).value();
    bed_.set_policy(their_leg, {.filter_in = list_.get(), .learned = their_learned.get()});
    bed_.publish();
    learn("10.2.0.5");
    EXPECT_EQ(ways_of({frame().tags(11, 100).ipv4("10.1.0.9", "10.2.0.5").udp(1, 2).bytes(),
                       udp("10.2.0.5", 1)}),
              (std::vector<int>{21}));
    EXPECT_EQ(hits(2), 1U);
}

TEST_F(NamesListTest, what_was_let_through_in_time_stays_so) {
    learn("10.2.0.5");
    learned_->expire(60);
    EXPECT_EQ(ways_of({tcp("10.2.0.5", 1'000, kAck)}), (std::vector<int>{21}));
    EXPECT_EQ(ways_of({tcp("10.2.0.5", 1'001, kSyn), udp("10.2.0.5", 1'000)}),
              (std::vector<int>{}));
}

// Packets of others are judged by lists of their own in the same burst, and fragments and options
// go by addresses as well.
TEST_F(NamesListTest, bursts_are_mixed_and_packets_odd) {
    bed_.attach(kLeg, 11, 100, vrf_);
    bed_.publish();
    learn("10.2.0.5");
    const Frame other = frame().tags(11, 100).ipv4("10.1.0.11", "10.2.0.5").udp(1, 2).bytes();
    const auto odd = [] { return frame().tags(10, 100).ipv4("10.1.0.10", "10.2.0.5"); };
    EXPECT_EQ(ways_of({other, odd().options(8).udp(1, 2).bytes(), odd().echo_request(1, 1).bytes(),
                       odd().fragment(8, 100).udp(1, 2).bytes(), udp("10.2.0.9", 1)}),
              (std::vector<int>{20, 21, 21, 21}));
}

// A resolver in the core, whose answers go to the leg.
class AnswersTest : public NamesTest {
  protected:
    AnswersTest() {
        const NextHopId customer = bed_.neighbour(leg_, ip("192.168.0.1"), kCustomerMac);
        bed_.route(vrf_, prefix("10.1.0.0/16"), customer);
        resolvers_.add(ip("10.2.0.53"));
        resolvers_.add(*parse_ip_address("2001:db8::53"));
        bed_.set_policy(leg_, {.resolvers = &resolvers_, .learned = learned_.get()});
        bed_.publish();
    }
    static FrameBuilder from_core(const char* source) {
        return frame().tags(20, 100).ipv4(source, "10.1.0.10");
    }
    void receive(FrameBuilder builder) {
        bed_.receive(kCore, builder.bytes());
        bed_.turn();
        EXPECT_EQ(bed_.unaccounted(), "");
    }
    NameResolvers resolvers_;
};

TEST_F(AnswersTest, what_a_resolver_says_waits_ready_to_be_sent) {
    receive(from_core("10.2.0.53").udp(53, 4'000));
    EXPECT_TRUE(bed_.sent(kLeg).empty());
    std::vector<Packet> punted = bed_.punted();
    ASSERT_EQ(punted.size(), 1U);
    const PuntNote& note = punted[0].note();
    EXPECT_EQ(note.exit, Exit::kNameAnswer);
    EXPECT_EQ(note.attachment, leg_);
    EXPECT_EQ(note.port, kLeg);
    const auto packet = read_acl_packet(punted[0].bytes().subspan(note.header_bytes));
    ASSERT_TRUE(packet);
    EXPECT_EQ(packet->source, IpAddress(ip("10.2.0.53")));
    bed_.inject(std::move(punted[0]));
    bed_.turn();
    const std::vector<Frame> sent = bed_.sent(kLeg);
    ASSERT_EQ(sent.size(), 1U);
    EXPECT_EQ(sent[0][14] << 8 | sent[0][15], 10);  // the leg's outer tag
    EXPECT_EQ(sent[0][22 + 8], 63);                 // a hop less
}

TEST_F(AnswersTest, over_tcp_too_and_behind_options) {
    receive(from_core("10.2.0.53").tcp(53, 4'000));
    receive(from_core("10.2.0.53").options(8).udp(53, 4'000));
    EXPECT_EQ(bed_.punted().size(), 2U);
}

TEST_F(AnswersTest, nobody_else_is_waited_for) {
    receive(from_core("10.2.0.54").udp(53, 4'000));
    receive(from_core("10.2.0.53").udp(54, 4'000));
    receive(from_core("10.2.0.53").echo_request(53, 1));
    receive(from_core("10.2.0.53").fragment(8, 100).udp(53, 4'000));
    EXPECT_EQ(bed_.sent(kLeg).size(), 4U);
    EXPECT_TRUE(bed_.punted().empty());
}

TEST_F(AnswersTest, beyond_the_rate_an_answer_goes_on) {
    PuntLimits limits = kUsualPuntLimits;
    limits[static_cast<std::size_t>(PuntClass::kNames)] = {{1, 1}, {1, 1}};
    PuntPolice police(2'000'000'000, limits);
    bed_.police_punts(&police);
    receive(from_core("10.2.0.53").udp(53, 4'000));
    receive(from_core("10.2.0.53").udp(53, 4'001));
    EXPECT_EQ(bed_.punted().size(), 1U);
    EXPECT_EQ(bed_.sent(kLeg).size(), 1U);
    EXPECT_EQ(bed_.worker().names().answers_unheard.read(), 1U);
    bed_.police_punts(nullptr);
}

}  // namespace
}  // namespace causeway::test
