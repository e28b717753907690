// SPDX-License-Identifier: Apache-2.0
#include "base/ipv6.h"
#include "tests/control/ipv6_packets.h"

namespace causeway::test {
namespace {

class SlowPathIcmpv6 : public DualStackFixture {
  protected:
    explicit SlowPathIcmpv6(const SlowRates& rates = {}) : DualStackFixture(rates) {
        resolve_ipv6();
    }

    static Frame packet(std::size_t payload = 40, std::uint8_t next_header = 17,
                        std::uint8_t hop_limit = 64) {
        return Ipv6Packet{"2001:db8:1::10", "2001:db8:3::10", next_header, hop_limit,
                          Frame(payload, 0xab)}
            .bytes();
    }
    // RFC 4443 2.2, 2.4: from our address on the link that the packet came by, to its source, and
    // it quotes as much as fits in 1,280 bytes.
    void expect_error(const Frame& about, std::uint8_t type, std::uint8_t code,
                      std::uint32_t rest = 0) {
        const Heard error = hear_one();
        ASSERT_GE(error.packet.size(), 48U);
        EXPECT_EQ(error.out, kEdge);
        EXPECT_EQ(error.to, kNeighbourMac);
        const auto header = error.at<Ipv6Header>();
        EXPECT_EQ(header.version(), 6U);
        EXPECT_EQ(header.payload_length.host(), error.packet.size() - 40);
        EXPECT_EQ(header.next_header, 58);
        EXPECT_EQ(header.hop_limit, 64);
        EXPECT_EQ(header.source.host(), v6("2001:db8:15::2"));
        EXPECT_EQ(header.destination.host(), v6("2001:db8:1::10"));
        EXPECT_EQ(icmpv6_sum(error.packet), 0xffffU);
        const auto icmp = error.at<Icmpv6Header>(40);
        EXPECT_EQ(icmp.type, type);
        EXPECT_EQ(icmp.code, code);
        EXPECT_EQ(icmp.rest.host(), rest);
        const Frame quoted(error.packet.begin() + 48, error.packet.end());
        const auto wanted = static_cast<std::ptrdiff_t>(std::min<std::size_t>(about.size(), 1'232));
        EXPECT_EQ(quoted, Frame(about.begin(), about.begin() + wanted)) << "the packet as it came";
        EXPECT_EQ(bed_.count(SlowEvent::kErrorSent), 1U);
    }
};

struct ErrorCase {
    const char* says;
    Exit exit;
    std::uint8_t type;
    std::uint8_t code;
};

class SlowPathError6 : public SlowPathIcmpv6, public testing::WithParamInterface<ErrorCase> {};

TEST_P(SlowPathError6, is_answered_by_the_error_of_its_kind) {
    handle(kEdge, GetParam().exit, packet());
    expect_error(packet(), GetParam().type, GetParam().code);
}

INSTANTIATE_TEST_SUITE_P(Kinds, SlowPathError6,
                         testing::Values(ErrorCase{"expired", Exit::kTtlExpired, 3, 0},
                                         ErrorCase{"no_route", Exit::kNoRoute, 1, 0},
                                         ErrorCase{"unreachable", Exit::kUnreachable, 1, 3},
                                         ErrorCase{"next_hop_down", Exit::kNextHopDown, 1, 3},
                                         ErrorCase{"prohibited", Exit::kProhibit, 1, 1},
                                         ErrorCase{"nobody_listens_on_the_port", Exit::kLocal, 1,
                                                   4}),
                         [](const auto& each) { return std::string(each.param.says); });

TEST_F(SlowPathIcmpv6, too_big_names_the_mtu_of_the_way_out_and_is_never_fragmented) {
    const Frame about = packet(1'420);
    handle(kEdge, Exit::kTooBig, about);
    expect_error(about, 2, 0, 1'400);
    EXPECT_EQ(bed_.count(SlowEvent::kFragmented), 0U);
}

TEST_F(SlowPathIcmpv6, padding_is_not_quoted) {
    Frame padded = packet(4);
    padded.resize(70, 0xaa);
    handle(kEdge, Exit::kNoRoute, padded);
    expect_error(packet(4), 1, 0);
}

TEST_F(SlowPathIcmpv6, to_us_but_of_a_protocol_we_do_not_speak) {
    handle(kEdge, Exit::kLocal, packet(8, 89));
    expect_error(packet(8, 89), 4, 1, 6);
}

TEST_F(SlowPathIcmpv6, nothing_behind_the_header_needs_no_answer) {
    handle(kEdge, Exit::kLocal, packet(0, 59));
    expect_silence(SlowEvent::kLocalIgnored);
}

TEST_F(SlowPathIcmpv6, some_packets_no_error_may_answer) {
    handle(kEdge, Exit::kTtlExpired, icmpv6_packet("2001:db8:1::10", "2001:db8:3::10", 3, 60));
    handle(kEdge, Exit::kNoRoute, Ipv6Packet{"2001:db8:1::10", "ff0e::1"}.bytes());
    expect_silence(SlowEvent::kErrorForbidden, 2);
    Attachment plain = *bed_.attachments.find(kEdge);
    plain.ipv6.reset();
    bed_.attachments.put(plain);
    handle(kEdge, Exit::kNoRoute, packet());
    expect_silence(SlowEvent::kErrorForbidden, 3);
}

TEST_F(SlowPathIcmpv6, a_ping_of_our_address_is_answered) {
    handle(kEdge, Exit::kLocal, icmpv6_packet("2001:db8:1::10", "2001:db8:15::2", 128, 60, 3));
    const Heard reply = hear_one();
    EXPECT_EQ(reply.out, kEdge);
    EXPECT_EQ(reply.packet, icmpv6_packet("2001:db8:15::2", "2001:db8:1::10", 129, 60, 64));
    EXPECT_EQ(bed_.count(SlowEvent::kEchoAnswered), 1U);
}

TEST_F(SlowPathIcmpv6, a_ping_of_our_link_local_address_is_answered_on_its_link) {
    handle(kEdge, Exit::kLocal, icmpv6_packet("fe80::9", kLinkLocal, 128));
    EXPECT_EQ(hear_one().to, multicast_mac(solicited_node_group(v6("fe80::9")))) << "who is it?";
    handle(kEdge, Exit::kNeighbourDiscovery,
           NdPacket{"fe80::9", kLinkLocal, "fe80::9", 136,
                    NeighbourMessage::kSolicited | NeighbourMessage::kOverride}
               .bytes());
    const Heard reply = hear_one();
    EXPECT_EQ(reply.out, kEdge);
    EXPECT_EQ(reply.packet, icmpv6_packet(kLinkLocal, "fe80::9", 129));
}

TEST_F(SlowPathIcmpv6, the_link_local_address_of_another_is_none_of_our_business) {
    handle(kEdge, Exit::kLocal, icmpv6_packet("fe80::9", "fe80::77", 128));
    handle(kEdge, Exit::kLocal, Ipv6Packet{"2001:db8:1::10", "fe80::77"}.bytes());
    expect_silence(SlowEvent::kLocalIgnored, 2);
}

TEST_F(SlowPathIcmpv6, a_broken_ping_or_another_message_to_us_is_ignored) {
    Frame broken = icmpv6_packet("2001:db8:1::10", "2001:db8:15::2", 128);
    broken.back() ^= 1;
    handle(kEdge, Exit::kLocal, broken);
    handle(kEdge, Exit::kLocal, icmpv6_packet("2001:db8:1::10", "2001:db8:15::2", 129));
    expect_silence(SlowEvent::kLocalIgnored, 2);
}

// The walk stopped at the next hop: hop limit and MTU are still to be looked at.
class SlowPathWaiting6 : public DualStackFixture {};

TEST_F(SlowPathWaiting6, a_packet_waits_for_its_next_hop_and_loses_one_hop) {
    (void)route_to_core();
    const Ipv6Packet sent{"2001:db8:1::10", "2001:db8:3::10"};
    handle(kEdge, Exit::kUnresolved, sent.bytes());
    EXPECT_TRUE(hear().empty());
    bed_.neighbours.learn(core_, kNeighbourMac, bed_.now_ns);
    const Heard heard = hear_one();
    EXPECT_EQ(heard.out, kCore);
    Ipv6Packet wanted = sent;
    wanted.hop_limit = 63;
    EXPECT_EQ(heard.packet, wanted.bytes());
    EXPECT_EQ((Frame{heard.header.end() - 2, heard.header.end()}), (Frame{0x86, 0xdd}));
}

TEST_F(SlowPathWaiting6, a_host_of_the_core_is_asked_for_when_a_packet_wants_it) {
    handle(kEdge, Exit::kUnresolved, Ipv6Packet{"2001:db8:1::10", "2001:db8:2::9"}.bytes());
    EXPECT_EQ(hear_one().to, multicast_mac(solicited_node_group(v6("2001:db8:2::9"))));
    handle(kEdge, Exit::kUnresolved, Ipv6Packet{"2001:db8:1::10", "2001:db8:2::"}.bytes());
    expect_silence(SlowEvent::kNoWayOut);
}

TEST_F(SlowPathWaiting6, what_may_go_no_further_is_answered_instead) {
    resolve_ipv6();
    const NeighbourKey other{kCore, v6("2001:db8:2::7")};
    (void)route("2001:db8:7::/48", other);
    (void)hear();
    Ipv6Packet expired{"2001:db8:1::10", "2001:db8:7::10", 17, 1};
    handle(kEdge, Exit::kUnresolved, expired.bytes());
    EXPECT_EQ(hear_one().at<Icmpv6Header>(40).type, 3);
    expired.hop_limit = 64;
    expired.payload = Frame(1'400);
    handle(kEdge, Exit::kUnresolved, expired.bytes());
    const Heard too_big = hear_one();
    EXPECT_EQ(too_big.at<Icmpv6Header>(40).type, 2);
    EXPECT_EQ(too_big.at<Icmpv6Header>(40).rest.host(), 1'400U);
}

TEST_F(SlowPathWaiting6, who_waited_in_vain_is_told) {
    (void)route_to_customer();
    bed_.neighbours.learn(customer_, kNeighbourMac, bed_.now_ns);
    const Frame sent = Ipv6Packet{"2001:db8:1::10", "2001:db8:2::9"}.bytes();
    handle(kEdge, Exit::kUnresolved, sent);
    bed_.pass(Neighbours::kProbesMax * Neighbours::kProbeInterval);
    const std::vector<Heard> heard = hear();
    ASSERT_EQ(heard.size(), Neighbours::kProbesMax + 1);
    const Heard& error = heard.back();
    EXPECT_EQ(error.out, kEdge);
    EXPECT_EQ(error.at<Ipv6Header>().destination.host(), v6("2001:db8:1::10"));
    EXPECT_EQ(error.at<Icmpv6Header>(40).type, 1);
    EXPECT_EQ(error.at<Icmpv6Header>(40).code, 3);
    EXPECT_EQ(Frame(error.packet.begin() + 48, error.packet.end()), sent) << "as it came";
    EXPECT_EQ(bed_.count(SlowEvent::kPendingExpired), 1U);
    EXPECT_TRUE(bed_.neighbours.all().size() == 1) << "and the neighbour is forgotten";
}

TEST_F(SlowPathWaiting6, both_families_share_what_may_wait) {
    const Frame packet = Ipv6Packet{"2001:db8:1::10", "2001:db8:2::9"}.bytes();
    for (std::size_t i = 0; i < kPendingPerNeighbour + 2; ++i) {
        handle(kEdge, Exit::kUnresolved, packet);
    }
    EXPECT_EQ(bed_.count(SlowEvent::kPendingHeld), kPendingPerNeighbour);
    EXPECT_EQ(bed_.count(SlowEvent::kPendingFull), 2U);
}

// Each family has buckets of its own.
class SlowPathRates6 : public SlowPathIcmpv6 {
  protected:
    SlowPathRates6()
        : SlowPathIcmpv6({.echo = {.per_second = 10, .burst = 5},
                          .time_exceeded = {.per_second = 1, .burst = 3},
                          .unreachable = {.per_second = 2, .burst = 2},
                          .too_big = {.per_second = 4, .burst = 4}}) {
        resolve_customer();
    }
    std::size_t answers_to(Exit exit, const Frame& about) {
        for (unsigned i = 0; i < 100; ++i) handle(kEdge, exit, about);
        return hear().size();
    }
};

TEST_F(SlowPathRates6, a_flood_of_one_kind_silences_no_other_kind_and_no_other_family) {
    EXPECT_EQ(answers_to(Exit::kTtlExpired, packet()), 3U);
    EXPECT_EQ(bed_.count(SlowEvent::kErrorLimited), 97U);
    EXPECT_EQ(answers_to(Exit::kNoRoute, packet()), 2U);
    EXPECT_EQ(answers_to(Exit::kTooBig, packet(1'420)), 4U);
    EXPECT_EQ(answers_to(Exit::kLocal, icmpv6_packet("2001:db8:1::10", "2001:db8:15::2", 128)), 5U);
    const Frame ipv4 = from_customer().ipv4("10.1.0.10", "10.3.0.10").udp(1, 2).bytes();
    for (unsigned i = 0; i < 10; ++i) bed_.handle(kEdge, Exit::kTtlExpired, ipv4);
    EXPECT_EQ(hear().size(), 3U);
}

}  // namespace
}  // namespace causeway::test
