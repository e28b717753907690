// SPDX-License-Identifier: Apache-2.0
//
// Access lists in the walk: what they let pass, and what else a rule does.
#include <gtest/gtest.h>

#include "acl/packet_view.h"
#include "tests/packets/packet_table.h"

namespace causeway::test {
namespace {

FrameBuilder from_guarded() {
    return frame().tags(22, 100).ipv4("10.11.0.10", "10.2.0.10");
}
FrameBuilder from_guarded6() {
    return frame().tags(22, 100).ipv6("2001:db8:11::10", "2001:db8:2::10");
}
FrameBuilder out_to_core() {
    return frame().to(mac_behind(kAdatumCore)).from(kRouterMac).tag(0x8100, 301);
}
FrameBuilder to_guarded() {
    return frame().tag(0x8100, 301).ipv4("10.2.0.10", "10.11.0.10");
}
FrameBuilder to_guarded6() {
    return frame().tag(0x8100, 301).ipv6("2001:db8:2::10", "2001:db8:11::10");
}
FrameBuilder out_to_guarded() {
    return frame().to(mac_behind(kGuarded)).from(kRouterMac).tags(22, 100);
}

const PacketTable kFilters(
    "Filters",
    {
        {"what no rule names follows otherwise", on(kPrimaryPort, from_guarded().tcp(4'000, 443)),
         leaves({kGuarded, kAdatumCore},
                out_to_core().ipv4("10.11.0.10", "10.2.0.10").tcp(4'000, 443).ttl(63))},
        {"a rule denies in silence", on(kPrimaryPort, from_guarded().tcp(4'000, 23)),
         ends(Exit::kAclDenied, kGuarded)},
        {"a rule denies with a word", on(kPrimaryPort, from_guarded().tcp(4'000, 22)),
         ends(Exit::kAclProhibited, kGuarded)},
        {"the same port of UDP is another", on(kPrimaryPort, from_guarded().udp(4'000, 23)),
         leaves({kGuarded, kAdatumCore},
                out_to_core().ipv4("10.11.0.10", "10.2.0.10").udp(4'000, 23).ttl(63))},
        {"behind options, too", on(kPrimaryPort, from_guarded().options(8).tcp(4'000, 23)),
         ends(Exit::kAclDenied, kGuarded)},
        {"a rule without prefixes is of IPv6, too",
         on(kPrimaryPort, from_guarded6().tcp(4'000, 23)), ends(Exit::kAclDenied, kGuarded)},
        {"behind extension headers, too",
         on(kPrimaryPort,
            from_guarded6().extension(IpProtocol::kDestinationOptions).tcp(4'000, 22)),
         ends(Exit::kAclProhibited, kGuarded)},
        {"the other legs have no list",
         on(kPrimaryPort, frame().tags(20, 100).ipv4("10.1.0.10", "10.2.0.10").tcp(4'000, 23)),
         leaves({kAdatumPrimary, kAdatumCore},
                out_to_core().ipv4("10.1.0.10", "10.2.0.10").tcp(4'000, 23).ttl(63))},

        {"on the way out, what no rule names", on(kCorePort, to_guarded().udp(53, 4'000)),
         ends(Exit::kAclDenied, kAdatumCore)},
        {"on the way out, ICMP passes", on(kCorePort, to_guarded().echo_request(1, 2)),
         leaves({kAdatumCore, kGuarded},
                out_to_guarded().ipv4("10.2.0.10", "10.11.0.10").echo_request(1, 2).ttl(63))},
        {"on the way out of IPv6, what no rule names", on(kCorePort, to_guarded6().udp(53, 4'000)),
         ends(Exit::kAclDenied, kAdatumCore)},
        {"on the way out, ICMPv6 passes",
         on(kCorePort, to_guarded6().icmpv6(Icmpv6Type::kEchoReply, 4)),
         leaves({kAdatumCore, kGuarded}, out_to_guarded()
                                             .ipv6("2001:db8:2::10", "2001:db8:11::10")
                                             .icmpv6(Icmpv6Type::kEchoReply, 4)
                                             .ttl(63))},
    });

// A bed of two legs and two cores, with lists as a test makes them.
class FilterTest : public testing::Test {
  protected:
    FilterTest() {
        for (const std::uint16_t vid : std::array<std::uint16_t, 2>{10, 11})
            legs_.push_back(bed_.attach(kLeg, vid, 100, vrf_));
        for (const std::uint16_t vid : std::array<std::uint16_t, 2>{20, 21}) {
            cores_.push_back(bed_.attach(kCore, vid, 100, vrf_));
            ways_.push_back(bed_.neighbour(cores_.back(), ip("10.2.0.1"), kCustomerMac));
        }
        bed_.route(vrf_, prefix("10.2.0.0/16"), ways_[0]);
        bed_.publish();
    }
    const AclList* list(const Acl& acl, const AclSets& sets = {}) {
        std::vector<RuleCounterId> counters;
        for (std::uint32_t i = 0; i <= acl.rules.size(); ++i) counters.emplace_back(kFirst + i);
        auto built = AclList::build(acl, sets, counters);
        EXPECT_TRUE(built);
        return lists_.emplace_back(std::move(built).value()).get();
    }
    void send(std::uint16_t tag, const FrameBuilder& rest) {
        FrameBuilder some = rest;
        bed_.receive(kLeg, some.tags(tag, 100).bytes());
    }
    [[nodiscard]] std::uint64_t hits(std::uint32_t rule) {
        return bed_.counters().rule(RuleCounterId(kFirst + rule)).packets.read();
    }
    [[nodiscard]] std::uint64_t bytes(std::uint32_t rule) {
        return bed_.counters().rule(RuleCounterId(kFirst + rule)).bytes.read();
    }
    // The DSCP and ECN of what was sent to the core, and the tag it went by.
    std::vector<std::pair<std::uint8_t, std::uint16_t>> sent() {
        std::vector<std::pair<std::uint8_t, std::uint16_t>> some;
        for (const Frame& frame : bed_.sent(kCore)) {
            const auto packet = read_acl_packet(std::span(frame).subspan(22));
            EXPECT_TRUE(packet);
            some.emplace_back(frame[23], static_cast<std::uint16_t>(frame[14] << 8 | frame[15]));
            Frame header(frame.begin() + 22, frame.begin() + 42);
            EXPECT_EQ(checksum_fold(checksum_sum(header)), 0xffff);
        }
        return some;
    }

    static constexpr PortId kLeg{0};
    static constexpr PortId kCore{1};
    static constexpr std::uint32_t kFirst = 100;
    std::vector<std::unique_ptr<const AclList>> lists_;
    TestBed bed_{{.burst_size = kBurstSizeMax}};
    VrfId vrf_ = bed_.vrf();
    std::vector<AttachmentId> legs_;
    std::vector<AttachmentId> cores_;
    std::vector<NextHopId> ways_;
};

FrameBuilder udp_to(std::uint16_t port) {
    return frame().ipv4("10.1.0.10", "10.2.0.10").udp(4'000, port);
}

AclRule udp_rule(const char* name, std::uint16_t port, AclAction action) {
    AclRule rule{.name = name, .protocol = std::uint8_t{17}, .action = action};
    rule.destination_ports.ranges = {{port, port}};
    return rule;
}

TEST_F(FilterTest, a_rule_steers_past_the_routes) {
    const GroupId other = bed_.group({&ways_[1], 1});
    Acl acl{.name = "steer",
            .rules = {udp_rule("dns", 53, {.verdict = AclVerdict::kPermit, .steer = "other"})}};
    acl.otherwise.verdict = AclVerdict::kPermit;
    AclSets sets;
    sets.targets["other"] = {.ipv4 = other, .ipv6 = {}};
    bed_.set_policy(legs_[0], {.filter_in = list(acl, sets)});
    bed_.publish();
    EXPECT_TRUE(lists_[0]->steers());
    send(10, udp_to(53));
    send(10, udp_to(80));
    send(11, udp_to(53));  // that leg has no list
    bed_.turn();
    using Sent = std::vector<std::pair<std::uint8_t, std::uint16_t>>;
    EXPECT_EQ(sent(), (Sent{{0, 21}, {0, 20}, {0, 20}}));
    EXPECT_EQ(hits(0), 1U);
    EXPECT_EQ(hits(1), 1U);
    EXPECT_EQ(bed_.unaccounted(), "");
}

// One burst brings both families: a rule that steers of the one says nothing of the other.
TEST_F(FilterTest, steering_of_ipv4_leaves_ipv6_alone) {
    const NextHopId way =
        bed_.neighbour(bed_.attach(kCore, 22, 100, vrf_), ip6("2001:db8:2::1"), kCustomerMac);
    bed_.route(vrf_, prefix6("2001:db8:2::/48"), way);
    Acl acl{.name = "steer",
            .rules = {udp_rule("dns", 53, {.verdict = AclVerdict::kPermit, .steer = "other"})}};
    AclSets sets;
    sets.targets["other"] = {.ipv4 = bed_.group({&ways_[1], 1}), .ipv6 = {}};
    bed_.set_policy(legs_[0], {.filter_in = list(acl, sets)});
    bed_.publish();
    send(10, udp_to(53));
    send(11, frame().ipv6("2001:db8:1::10", "2001:db8:2::10").udp(4'000, 53));
    bed_.turn();
    std::vector<int> tags;
    for (const Frame& frame : bed_.sent(kCore)) tags.push_back(frame[14] << 8 | frame[15]);
    std::ranges::sort(tags);  // one family leaves before the other
    EXPECT_EQ(tags, (std::vector<int>{21, 22}));
    EXPECT_EQ(bed_.unaccounted(), "");
}

// The same of IPv6, whose next hops are others; what is behind extension headers and in pieces goes
// the same way.
TEST_F(FilterTest, a_rule_steers_ipv6_past_the_routes) {
    const auto next_hop = [this](std::size_t core) {
        return bed_.neighbour(cores_[core], ip6("2001:db8:2::1"), kCustomerMac);
    };
    bed_.route(vrf_, prefix6("2001:db8:2::/48"), next_hop(0));
    const NextHopId way = next_hop(1);
    const GroupId other = bed_.group({&way, 1});
    Acl acl{.name = "steer",
            .rules = {udp_rule("dns", 53, {.verdict = AclVerdict::kPermit, .steer = "other"}),
                      udp_rule("ipv4", 54, {.verdict = AclVerdict::kPermit, .steer = "ipv4"}),
                      {.name = "pieces",
                       .fragments = Fragments::kLater,
                       .action = {.verdict = AclVerdict::kPermit, .steer = "other"}}}};
    acl.otherwise.verdict = AclVerdict::kPermit;
    AclSets sets;
    sets.targets["other"] = {.ipv4 = {}, .ipv6 = other};
    sets.targets["ipv4"] = {.ipv4 = bed_.group({&ways_[1], 1}), .ipv6 = {}};
    bed_.set_policy(legs_[0], {.filter_in = list(acl, sets)});
    bed_.publish();
    const auto udp6_to = [](std::uint16_t port) {
        return frame().ipv6("2001:db8:1::10", "2001:db8:2::10").udp(4'000, port);
    };
    send(10, udp6_to(53));
    send(10, udp6_to(53).extension(IpProtocol::kDestinationOptions));
    send(10, udp6_to(80).fragment(64, 0));
    send(10, udp6_to(80));
    send(10, udp6_to(54));  // this target has no next hop of IPv6
    send(11, udp6_to(53));  // that leg has no list
    bed_.turn();
    std::vector<int> tags;
    for (const Frame& frame : bed_.sent(kCore)) {
        tags.push_back(frame[14] << 8 | frame[15]);
        EXPECT_EQ(frame[22] >> 4, 6);
        EXPECT_EQ(frame[22 + 7], 63);  // a hop less
    }
    EXPECT_EQ(tags, (std::vector<int>{21, 21, 21, 20, 20, 20}));
    EXPECT_EQ(hits(0), 2U);
    EXPECT_EQ(hits(2), 1U);
    EXPECT_EQ(bed_.unaccounted(), "");
    // Those to the other core follow it when it goes, and do not fall back to the routes.
    bed_.neighbour_down(way);
    send(10, udp6_to(53));
    send(10, udp6_to(80));
    bed_.turn();
    EXPECT_EQ(bed_.sent(kCore).size(), 1U);
    EXPECT_EQ(bed_.counters().exits(legs_[0], Exit::kNextHopDown), 1U);
    EXPECT_EQ(bed_.punted().size(), 1U);
}

TEST_F(FilterTest, a_rule_marks_and_leaves_ecn_alone) {
    Acl acl{.name = "mark",
            .rules = {udp_rule("voice", 5'060,
                               {.verdict = AclVerdict::kPermit, .mark_dscp = std::uint8_t{46}})}};
    acl.otherwise.verdict = AclVerdict::kPermit;
    bed_.set_policy(legs_[0], {.filter_in = list(acl)});
    bed_.publish();
    for (const std::uint8_t before : std::array<std::uint8_t, 4>{0x00, 0x03, 0xff, 0x29}) {
        send(10, udp_to(5'060).dscp_ecn(before));
        bed_.turn();
        const auto some = sent();
        ASSERT_EQ(some.size(), 1U);
        EXPECT_EQ(some[0].first, 46 << 2 | (before & 3));
    }
}

TEST_F(FilterTest, a_rule_logs_one_in_so_many) {
    const Acl acl{.name = "log",
                  .rules = {udp_rule("dns", 53, {.verdict = AclVerdict::kDeny, .log_one_in = 3})}};
    bed_.set_policy(legs_[0], {.filter_in = list(acl)});
    bed_.publish();
    for (int i = 0; i < 7; ++i) {
        send(10, udp_to(53));
        bed_.turn();
    }
    std::array<AclLogRecord, 8> records;
    ASSERT_EQ(bed_.worker().acl_log().take(records), 3U);  // the first, the fourth, the seventh
    EXPECT_EQ(records[0].rule, RuleCounterId(kFirst));
    EXPECT_EQ(records[0].attachment, legs_[0]);
    EXPECT_EQ(records[0].packet_bytes, 28);
    EXPECT_EQ(records[0].head[0], 0x45);
    EXPECT_EQ(bed_.worker().acl_log().take(records), 0U);
}

// The numbers of the packets that were logged: send_numbered() makes them source ports.
std::vector<int> logged(TestBed& bed) {
    std::array<AclLogRecord, kBurstSizeMax> records;
    const std::size_t count = bed.worker().acl_log().take(records);
    std::vector<int> numbers;
    for (const AclLogRecord& record : std::span(records).first(count)) {
        numbers.push_back(record.head[20] << 8 | record.head[21]);
    }
    return numbers;
}

// Of one burst as of many: the first, the eleventh and so on.
TEST_F(FilterTest, a_rule_logs_one_in_so_many_of_a_burst) {
    const Acl acl{.name = "log",
                  .rules = {udp_rule("dns", 53, {.verdict = AclVerdict::kDeny, .log_one_in = 10})}};
    const auto send_numbered = [this](std::uint16_t tag, int first, int count) {
        for (int i = first; i < first + count; ++i) {
            send(tag,
                 frame().ipv4("10.1.0.10", "10.2.0.10").udp(static_cast<std::uint16_t>(i), 53));
        }
    };
    bed_.set_policy(legs_[0], {.filter_in = list(acl)});
    bed_.publish();
    send_numbered(10, 0, 64);
    bed_.turn();
    EXPECT_EQ(hits(0), 64U);
    EXPECT_EQ(logged(bed_), (std::vector<int>{0, 10, 20, 30, 40, 50, 60}));
    send_numbered(10, 64, 7);
    bed_.turn();
    EXPECT_EQ(logged(bed_), (std::vector<int>{70}));
    // Beside packets of others, which no list concerns, it is the same.
    for (int i = 71; i < 103; ++i) {
        send_numbered(10, i, 1);
        send_numbered(11, i, 1);
    }
    bed_.turn();
    EXPECT_EQ(logged(bed_), (std::vector<int>{80, 90, 100}));
}

TEST_F(FilterTest, a_log_that_nobody_reads_loses_and_says_so) {
    AclLog log;
    const std::array<std::uint8_t, 20> packet{};
    for (std::size_t i = 0; i < kAclLogSize + 5; ++i) log.put({}, {}, packet);
    EXPECT_EQ(log.lost(), 5U);
    std::vector<AclLogRecord> records(2 * kAclLogSize);
    EXPECT_EQ(log.take(records), kAclLogSize);
}

// A burst that meets one rule is counted at once, by what its packets have of layer 3.
TEST_F(FilterTest, a_burst_of_one_rule_counts_each_packet_and_its_bytes) {
    for (const AclVerdict verdict : {AclVerdict::kPermit, AclVerdict::kDeny}) {
        const bool is_denied = verdict == AclVerdict::kDeny;
        Acl acl{.name = "one", .rules = {udp_rule("dns", 53, {.verdict = verdict})}};
        acl.otherwise.verdict = AclVerdict::kPermit;
        bed_.set_policy(legs_[0], {.filter_in = list(acl)});
        bed_.publish();
        const std::uint64_t bytes_before = bytes(0);
        const std::uint64_t hits_before = hits(0);
        for (std::size_t i = 0; i < 5; ++i) send(10, udp_to(53).payload(100 * i));
        bed_.turn();
        EXPECT_EQ(hits(0) - hits_before, 5U);
        EXPECT_EQ(bytes(0) - bytes_before, 5U * 28 + 100 + 200 + 300 + 400);
        EXPECT_EQ(bed_.sent(kCore).size(), is_denied ? 0U : 5U);
        EXPECT_EQ(bed_.counters().exits(legs_[0], Exit::kAclDenied), is_denied ? 5U : 0U);
        EXPECT_EQ(hits(1), 0U);
        EXPECT_EQ(bed_.unaccounted(), "");
    }
}

// Under traffic, lists are swapped turn by turn; a packet meets the old one or the new, and is
// counted once. Counters go on: rules keep their rows.
TEST_F(FilterTest, lists_are_swapped_whole) {
    Acl acl{.name = "swap", .rules = {udp_rule("dns", 53, {.verdict = AclVerdict::kDeny})}};
    acl.otherwise.verdict = AclVerdict::kPermit;
    std::uint64_t sent_frames = 0;
    for (int turn = 0; turn < 50; ++turn) {
        acl.rules[0].action.verdict = turn % 2 == 0 ? AclVerdict::kDeny : AclVerdict::kPermit;
        bed_.set_policy(legs_[0], {.filter_in = list(acl)});
        bed_.publish();
        for (int i = 0; i < 8; ++i) send(i % 2 == 0 ? 10 : 11, udp_to(i < 4 ? 53 : 80));
        bed_.turn();
        sent_frames += bed_.sent(kCore).size();
    }
    const std::uint64_t denied = bed_.counters().exits(legs_[0], Exit::kAclDenied);
    EXPECT_EQ(denied, 25U * 2);
    EXPECT_EQ(sent_frames + denied, 50U * 8);
    EXPECT_EQ(hits(0), 50U * 2);
    EXPECT_EQ(hits(1), 50U * 2);
    EXPECT_EQ(bed_.unaccounted(), "");
}

}  // namespace
}  // namespace causeway::test
