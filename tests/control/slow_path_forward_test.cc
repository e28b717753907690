// SPDX-License-Identifier: Apache-2.0
//
// Customers' packets that the walk could not send by itself: those that wait for a neighbour, and
// those that must be cut.
#include <algorithm>

#include "base/limits.h"
#include "base/text.h"
#include "tests/control/slow_path_fixture.h"

namespace causeway::test {
namespace {

class SlowPathForward : public SlowPathFixture {
  protected:
    // To a host of the core's subnet that nobody has asked for yet.
    static FrameBuilder packet(const std::string& destination = "10.2.0.9") {
        return from_customer().ipv4("10.1.0.10", destination).udp(4'000, 53);
    }
    void hand_up(const FrameBuilder& frame) {
        bed_.handle(kEdge, Exit::kUnresolved, frame.bytes());
    }
    void answer(const char* address) {
        bed_.neighbours.learn({kCore, ip(address)}, kNeighbourMac, bed_.now_ns);
    }
    static Frame layer3(const FrameBuilder& frame) {
        const Frame bytes = frame.bytes();
        return {bytes.begin() + 22, bytes.end()};
    }
};

TEST_F(SlowPathForward, the_first_packet_asks_and_the_answer_sends_it) {
    hand_up(packet());
    const Heard question = hear_one();
    EXPECT_EQ(question.out, kCore);
    EXPECT_EQ(question.to, kBroadcastMac);
    EXPECT_EQ(question.arp().operation, Be16(1));
    EXPECT_EQ(question.arp().sender_mac, kRouterMac);
    EXPECT_EQ(question.arp().sender_address.host(), ip("10.2.0.254").value());
    EXPECT_EQ(question.arp().target_address.host(), ip("10.2.0.9").value());

    answer("10.2.0.9");
    const Heard sent = hear_one();
    EXPECT_EQ(sent.out, kCore);
    EXPECT_EQ(sent.to, kNeighbourMac);
    EXPECT_EQ(sent.packet, layer3(packet().ttl(63))) << "a hop is a hop, also for who waited";
    EXPECT_EQ(bed_.count(SlowEvent::kPendingSent), 1U);
}

TEST_F(SlowPathForward, a_static_route_to_the_subnet_itself_does_not_hide_its_hosts) {
    resolve_customer();
    (void)bed_.route_via("10.2.0.0/24", kEdge, "192.168.0.1");
    hand_up(packet());
    EXPECT_EQ(hear_one().arp().target_address.host(), ip("10.2.0.9").value());
    answer("10.2.0.9");
    EXPECT_EQ(hear_one().out, kCore);
}

TEST_F(SlowPathForward, what_expires_here_does_not_wait) {
    resolve_customer();
    for (const int ttl : {0, 1}) {
        hand_up(packet().ttl(static_cast<std::uint8_t>(ttl)));
        const Heard error = hear_one();
        EXPECT_EQ(error.out, kEdge);
        EXPECT_EQ(error.icmp().type, 11);
    }
    EXPECT_EQ(bed_.count(SlowEvent::kPendingHeld), 0U);
}

TEST_F(SlowPathForward, what_is_too_big_for_the_way_out_does_not_wait_whole) {
    resolve_customer();
    hand_up(packet().payload(1'400).dont_fragment());
    const Heard error = hear_one();
    EXPECT_EQ(error.icmp().type, 3);
    EXPECT_EQ(error.icmp().code, 4);
    EXPECT_EQ(error.icmp().rest_low.host(), 1'400);

    hand_up(packet().payload(1'400));
    EXPECT_EQ(bed_.count(SlowEvent::kPendingHeld), 2U);
    (void)hear();
    answer("10.2.0.9");
    const std::vector<Heard> fragments = hear();
    ASSERT_EQ(fragments.size(), 2U);
    for (const Heard& fragment : fragments) {
        EXPECT_LE(fragment.packet.size(), 1'400U);
        EXPECT_EQ(fragment.ipv4().ttl, 63);
    }
}

TEST_F(SlowPathForward, packets_wait_in_order_and_only_so_many) {
    for (std::uint8_t i = 0; i < kPendingPerNeighbour + 3; ++i) {
        hand_up(packet().ttl(static_cast<std::uint8_t>(100 + i)));
    }
    EXPECT_EQ(bed_.count(SlowEvent::kPendingHeld), kPendingPerNeighbour);
    EXPECT_EQ(bed_.count(SlowEvent::kPendingFull), 3U);
    EXPECT_EQ(hear().size(), 1U) << "one question, however many wait";
    answer("10.2.0.9");
    const std::vector<Heard> sent = hear();
    ASSERT_EQ(sent.size(), kPendingPerNeighbour);
    for (std::size_t i = 0; i < sent.size(); ++i) EXPECT_EQ(sent[i].ipv4().ttl, 99 + i);
    answer("10.2.0.9");
    EXPECT_TRUE(hear().empty()) << "sent once";
}

TEST_F(SlowPathForward, only_so_many_wait_on_an_attachment_and_the_others_have_room) {
    auto pool = make_packet_pool({.name = "many", .count = 8'191, .cache = 0});
    ASSERT_TRUE(pool.has_value());
    ControlBed bed({}, pool.value().get());
    bed.attach_edge_and_core();
    bed.attach({.id = *bed.attachments.id_of("wide"),
                .name = "wide",
                .port = PortId(1),
                .outer = 301,
                .vrf = kVrf,
                .vrf_name = {},
                .address = ip("10.9.255.254"),
                .subnet = prefix("10.9.0.0/16"),
                .mac = kRouterMac,
                .peer = {},
                .circuit = {},
                .link = {},
                .is_port_up = true});
    constexpr std::size_t kMost = Neighbours::kPendingPerAttachment;
    const std::uint32_t first = ip("10.9.0.1").value();
    for (std::size_t i = 0; i < kMost + 10; ++i) {
        const auto host = static_cast<std::uint32_t>(i / kPendingPerNeighbour);
        bed.handle(kEdge, Exit::kUnresolved, packet(to_string(Ipv4Address(first + host))).bytes());
    }
    EXPECT_EQ(bed.count(SlowEvent::kPendingHeld), kMost);
    EXPECT_EQ(bed.count(SlowEvent::kPendingFull), 10U);
    EXPECT_EQ(bed.neighbours.all().size(), kMost / kPendingPerNeighbour)
        << "who scans a subnet makes no more (RFC 6583 7)";
    bed.handle(kEdge, Exit::kUnresolved, packet("10.2.0.77").bytes());
    EXPECT_EQ(bed.count(SlowEvent::kPendingHeld), kMost + 1) << "of another attachment";
    bed.pass(5 * kSecond);
    EXPECT_EQ(bed.count(SlowEvent::kPendingExpired), kMost + 1);
    EXPECT_EQ(rte_mempool_in_use_count(bed.transmitter.pool()), 0U);
    bed.handle(kEdge, Exit::kUnresolved, packet("10.9.0.1").bytes());
    EXPECT_EQ(bed.count(SlowEvent::kPendingHeld), kMost + 2) << "there is room again";
}

TEST_F(SlowPathForward, only_so_many_wait_for_all_neighbours_together) {
    auto pool = make_packet_pool({.name = "all", .count = 8'191, .cache = 0});
    ASSERT_TRUE(pool.has_value());
    ControlBed bed({}, pool.value().get());
    bed.attach_edge_and_core();
    constexpr std::size_t kEach = Neighbours::kPendingPerAttachment;
    constexpr std::size_t kAttachments = kPendingTotal / kEach + 1;
    for (std::size_t i = 0; i < kAttachments; ++i) {
        const Ipv4Prefix subnet = Ipv4Prefix::of(
            Ipv4Address(ip("20.0.0.0").value() + (static_cast<unsigned>(i) << 16)), 16);
        const std::string name = "net" + std::to_string(i);
        bed.attach({.id = *bed.attachments.id_of(name),
                    .name = name,
                    .port = PortId(1),
                    .outer = static_cast<std::uint16_t>(301 + i),
                    .vrf = kVrf,
                    .vrf_name = {},
                    .address = Ipv4Address(subnet.last().value() - 1),
                    .subnet = subnet,
                    .mac = kRouterMac,
                    .peer = {},
                    .circuit = {},
                    .link = {},
                    .is_port_up = true});
        for (std::size_t k = 0; k < kEach; ++k) {
            const auto host = static_cast<std::uint32_t>(1 + k / kPendingPerNeighbour);
            const Ipv4Address to(subnet.first().value() + host);
            bed.handle(kEdge, Exit::kUnresolved, packet(to_string(to)).bytes());
        }
    }
    EXPECT_EQ(bed.count(SlowEvent::kPendingHeld), kPendingTotal);
    EXPECT_EQ(bed.count(SlowEvent::kPendingFull), kEach);
    bed.pass(5 * kSecond);
    EXPECT_EQ(bed.count(SlowEvent::kPendingExpired), kPendingTotal);
    EXPECT_EQ(rte_mempool_in_use_count(bed.transmitter.pool()), 0U);
}

TEST_F(SlowPathForward, who_never_answers_is_asked_three_times_and_forgotten) {
    hand_up(packet());
    EXPECT_EQ(hear().size(), 1U);
    bed_.pass(2 * kSecond);
    EXPECT_EQ(hear().size(), 2U);
    EXPECT_EQ(bed_.count(SlowEvent::kPendingExpired), 0U);
    bed_.pass(kSecond);
    EXPECT_TRUE(hear().empty());
    EXPECT_EQ(bed_.count(SlowEvent::kPendingExpired), 1U);
    EXPECT_TRUE(bed_.neighbours.all().empty());
    EXPECT_EQ(rte_mempool_in_use_count(bed_.transmitter.pool()), 0U);
}

TEST_F(SlowPathForward, a_routes_next_hop_is_what_its_packets_wait_for) {
    (void)bed_.route_via("10.3.0.0/16", kCore, "10.2.0.1");
    hand_up(packet("10.3.0.10"));
    EXPECT_TRUE(hear().empty()) << "the route has asked, or its tick will";
    answer("10.2.0.1");
    EXPECT_EQ(hear_one().packet, layer3(packet("10.3.0.10").ttl(63)));
}

TEST_F(SlowPathForward, an_answer_on_the_way_up_is_not_waited_for_again) {
    (void)bed_.route_via("10.3.0.0/16", kCore, "10.2.0.1");
    answer("10.2.0.1");
    hand_up(packet("10.3.0.10"));
    EXPECT_EQ(hear_one().packet, layer3(packet("10.3.0.10").ttl(63)));
    EXPECT_EQ(bed_.count(SlowEvent::kPendingHeld), 0U);
}

TEST_F(SlowPathForward, nobody_waits_for_what_is_no_host_or_behind_a_dead_link) {
    hand_up(packet("10.2.0.255"));
    hand_up(packet("10.2.0.0"));
    bed_.attachments.find(kCore)->is_port_up = false;
    hand_up(packet());
    expect_silence(SlowEvent::kNoWayOut, 3);
}

// Puts fragments together again: RFC 791 3.2, without its timer.
Frame reassembled(const std::vector<Heard>& fragments) {
    Frame payload;
    std::size_t total = 0;
    for (const Heard& fragment : fragments) {
        const Ipv4Header header = fragment.ipv4();
        const std::size_t offset = (header.flags_fragment.host() & 0x1fffU) * std::size_t{8};
        const std::size_t size = fragment.packet.size() - header.header_bytes();
        const bool is_last = (header.flags_fragment.host() & 0x2000) == 0;
        EXPECT_TRUE(is_last || size % 8 == 0);
        if (payload.size() < offset + size) payload.resize(offset + size);
        std::copy(fragment.packet.begin() + static_cast<std::ptrdiff_t>(header.header_bytes()),
                  fragment.packet.end(), payload.begin() + static_cast<std::ptrdiff_t>(offset));
        if (is_last) total = offset + size;
    }
    EXPECT_EQ(total, payload.size());
    return payload;
}

TEST_F(SlowPathForward, fragments_add_up_to_the_packet) {
    resolve_core();
    for (const std::size_t payload : {1'373U, 1'374U, 1'400U, 1'450U}) {
        SCOPED_TRACE(payload);
        FrameBuilder whole = packet("10.3.0.10").payload(payload);
        Frame bytes = whole.bytes();
        for (std::size_t i = 22 + 28; i < bytes.size(); ++i) {
            bytes[i] = static_cast<std::uint8_t>(i * 7);
        }
        bed_.handle(kEdge, Exit::kTooBig, bytes);
        const std::vector<Heard> fragments = hear();
        ASSERT_EQ(fragments.size(), 2U);
        for (const Heard& fragment : fragments) {
            EXPECT_EQ(fragment.out, kCore);
            EXPECT_LE(fragment.packet.size(), 1'400U);
            EXPECT_EQ(fragment.ipv4().ttl, 63);
            EXPECT_EQ(fragment.ipv4().total_length.host(), fragment.packet.size());
            EXPECT_TRUE(sums_up(std::span(fragment.packet).first(20)));
        }
        EXPECT_EQ(reassembled(fragments), Frame(bytes.begin() + 22 + 20, bytes.end()));
    }
    EXPECT_EQ(bed_.count(SlowEvent::kFragmented), 4U);
}

TEST_F(SlowPathForward, a_fragment_is_cut_again_where_it_must_be) {
    resolve_core();
    const Frame bytes =
        packet("10.3.0.10").fragment(1'600, Ipv4Header::kMoreFragments).payload(1'436).bytes();
    bed_.handle(kEdge, Exit::kTooBig, bytes);
    const std::vector<Heard> fragments = hear();
    ASSERT_EQ(fragments.size(), 2U);
    EXPECT_EQ(fragments[0].ipv4().flags_fragment.host(), 0x2000 | 200);
    EXPECT_EQ(fragments[1].ipv4().flags_fragment.host() & 0x2000, 0x2000) << "more follow still";
    EXPECT_EQ((fragments[1].ipv4().flags_fragment.host() & 0x1fff) * 8U,
              1'600 + fragments[0].packet.size() - 20);
}

TEST_F(SlowPathForward, without_buffers_nothing_is_cut) {
    resolve_core();
    Packet waiting = bed_.punted(kEdge, Exit::kTooBig, packet("10.3.0.10").payload(1'400).bytes());
    std::vector<Packet> all;
    while (auto buffer = bed_.transmitter.make_packet()) all.push_back(std::move(*buffer));
    bed_.slow_path.handle(std::move(waiting), bed_.now_ns);
    expect_silence(SlowEvent::kFragmentFailed);
}

}  // namespace
}  // namespace causeway::test
