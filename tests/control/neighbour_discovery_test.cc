// SPDX-License-Identifier: Apache-2.0
//
// Bytes to values and back; what the slow path does with them is in slow_path_nd_test.cc.
#include "control/slow_path/neighbour_discovery.h"

#include <array>

#include "base/ipv6.h"
#include "tests/control/ipv6_packets.h"

namespace causeway::test {
namespace {

const NdPacket kSolicitation{"2001:db8:15::1", "ff02::1:ff00:2", "2001:db8:15::2"};
const NdPacket kAdvertisement{"2001:db8:15::1", "2001:db8:15::2", "2001:db8:15::1", 136,
                              NeighbourMessage::kSolicited | NeighbourMessage::kOverride};

Attachment dual_stack() {
    Attachment attachment;
    attachment.mac = kRouterMac;
    attachment.ipv6 = {v6("2001:db8:15::2"), net6("2001:db8:15::/126"), v6("2001:db8:15::1")};
    return attachment;
}

Frame changed(Frame packet, std::size_t at, std::uint8_t byte) {
    packet[at] = byte;
    seal_icmpv6(packet);
    return packet;
}

Frame with_options(NdPacket packet, const Frame& options) {
    packet.mac = std::nullopt;
    Frame bytes = packet.bytes();
    bytes.insert(bytes.end(), options.begin(), options.end());
    bytes[5] = static_cast<std::uint8_t>(bytes.size() - 40);
    seal_icmpv6(bytes);
    return bytes;
}

TEST(NeighbourDiscovery, a_solicitation_is_read) {
    const auto notice = parse_neighbour_notice(kSolicitation.bytes());
    ASSERT_TRUE(notice.has_value());
    EXPECT_EQ(notice->type, Icmpv6Type::kNeighbourSolicitation);
    EXPECT_EQ(notice->source, v6("2001:db8:15::1"));
    EXPECT_EQ(notice->destination, v6("ff02::1:ff00:2"));
    EXPECT_EQ(notice->target, v6("2001:db8:15::2"));
    EXPECT_EQ(notice->mac, kNeighbourMac);
}

TEST(NeighbourDiscovery, an_advertisement_is_read) {
    const auto notice = parse_neighbour_notice(kAdvertisement.bytes());
    ASSERT_TRUE(notice.has_value());
    EXPECT_EQ(notice->type, Icmpv6Type::kNeighbourAdvertisement);
    EXPECT_EQ(notice->mac, kNeighbourMac);
    EXPECT_TRUE(notice->is_solicited);
    EXPECT_TRUE(notice->overrides);
    NdPacket plain = kAdvertisement;
    plain.flags = NeighbourMessage::kRouter;
    plain.mac = std::nullopt;
    const auto other = parse_neighbour_notice(plain.bytes());
    ASSERT_TRUE(other.has_value());
    EXPECT_FALSE(other->is_solicited);
    EXPECT_FALSE(other->overrides);
    EXPECT_FALSE(other->mac.has_value());
}

// Each rule of RFC 4861 7.1.1 and 7.1.2, broken alone.
TEST(NeighbourDiscovery, what_the_rfc_discards_is_discarded) {
    const Frame good = kSolicitation.bytes();
    ASSERT_TRUE(parse_neighbour_notice(good).has_value());
    Frame bad_sum = good;
    bad_sum[42] ^= 1;
    Frame cut = good;
    cut.resize(63);
    Frame longer = good;
    longer.push_back(0);
    NdPacket from_nobody{"::", "ff02::1:ff00:2", "2001:db8:15::2"};
    NdPacket from_nobody_to_us = from_nobody;
    from_nobody_to_us.destination = "2001:db8:15::2";
    from_nobody_to_us.mac = std::nullopt;
    NdPacket to_all = kAdvertisement;
    to_all.destination = "ff02::1";
    NdPacket of_a_group = kSolicitation;
    of_a_group.target = "ff02::5";
    NdPacket group_mac = kSolicitation;
    group_mac.mac = MacAddress{{0x33, 0x33, 0, 0, 0, 1}};
    NdPacket no_mac = kSolicitation;
    no_mac.mac = MacAddress{};
    const struct {
        const char* says;
        Frame packet;
    } cases[] = {
        {"nothing", {}},
        {"cut short", cut},
        {"longer than it says", longer},
        {"version 4", changed(good, 0, 0x40)},
        {"forwarded", changed(good, 7, 254)},
        {"with a bad sum", bad_sum},
        {"with a code", changed(good, 41, 1)},
        {"UDP", changed(good, 6, 17)},
        {"another message", changed(good, 40, 137)},
        {"for a group", of_a_group.bytes()},
        {"from nobody, with a MAC", from_nobody.bytes()},
        {"from nobody, to us alone", from_nobody_to_us.bytes()},
        {"an answer to everybody", to_all.bytes()},
        {"an option of no length", with_options(kSolicitation, Frame(8))},
        {"an option that is cut", with_options(kSolicitation, {1, 2, 0, 0, 0, 0, 0, 1})},
        {"half an option", with_options(kSolicitation, {1})},
        {"a long MAC",
         with_options(kSolicitation, Frame{1, 2, 2, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0})},
        {"a group's MAC", group_mac.bytes()},
        {"no MAC at all", no_mac.bytes()},
    };
    for (const auto& each : cases) {
        EXPECT_FALSE(parse_neighbour_notice(each.packet).has_value()) << each.says;
    }
}

TEST(NeighbourDiscovery, options_that_we_do_not_know_are_passed_over) {
    Frame options{14, 1, 1, 2, 3, 4, 5, 6};  // a nonce, RFC 3971 5.3.2
    options.insert(options.end(), {1, 1, 0x02, 0xbe, 0, 0, 0, 1});
    const auto notice = parse_neighbour_notice(with_options(kSolicitation, options));
    ASSERT_TRUE(notice.has_value());
    EXPECT_EQ(notice->mac, kNeighbourMac);
}

TEST(NeighbourDiscovery, a_question_goes_to_the_group_of_its_target) {
    std::array<std::uint8_t, kLinkMessageBytesMax> room;
    const LinkMessage message =
        write_question(room, dual_stack(), v6("2001:db8:15::1"), std::nullopt);
    EXPECT_EQ(message.to, (MacAddress{{0x33, 0x33, 0xff, 0, 0, 1}}));
    EXPECT_EQ(message.type, EtherType::kIpv6);
    ASSERT_EQ(message.bytes, room.size());
    const Frame packet(room.begin(), room.end());
    const Frame wanted{0x60, 0,    0,          0,          0, 32,   58, 255,  // 32 bytes of ICMPv6
                       0x20, 0x01, 0x0d,       0xb8,       0, 0x15, 0,  0,   0,
                       0,    0,    0,          0,          0, 0,    2,  // from our address
                       0xff, 0x02, 0,          0,          0, 0,    0,  0,   0,
                       0,    0,    1,          0xff,       0, 0,    1,      // to the group
                       135,  0,    packet[42], packet[43], 0, 0,    0,  0,  //
                       0x20, 0x01, 0x0d,       0xb8,       0, 0x15, 0,  0,   0,
                       0,    0,    0,          0,          0, 0,    1,       // who has this?
                       1,    1,    0x02,       0xca,       0, 0,    0,  1};  // says this MAC
    EXPECT_EQ(packet, wanted);
    EXPECT_EQ(icmpv6_sum(packet), 0xffffU);
}

TEST(NeighbourDiscovery, a_poll_goes_to_the_neighbour_alone) {
    std::array<std::uint8_t, kLinkMessageBytesMax> room;
    const LinkMessage message =
        write_question(room, dual_stack(), v6("2001:db8:15::1"), kNeighbourMac);
    EXPECT_EQ(message.to, kNeighbourMac);
    const auto notice = parse_neighbour_notice(room);
    ASSERT_TRUE(notice.has_value());
    EXPECT_EQ(notice->destination, v6("2001:db8:15::1"));
    EXPECT_EQ(notice->mac, kRouterMac);
}

TEST(NeighbourDiscovery, a_link_local_neighbour_is_asked_from_our_link_local_address) {
    std::array<std::uint8_t, kLinkMessageBytesMax> room;
    (void)write_question(room, dual_stack(), v6("fe80::1"), std::nullopt);
    EXPECT_EQ(parse_neighbour_notice(room)->source, v6("fe80::ca:ff:fe00:1"));
}

TEST(NeighbourDiscovery, our_link_local_address_is_made_of_the_mac) {
    EXPECT_EQ(dual_stack().link_local(), v6("fe80::ca:ff:fe00:1"));
    Attachment other;
    other.mac = MacAddress{{0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde}};
    EXPECT_EQ(other.link_local(), v6("fe80::3656:78ff:fe9a:bcde")) << "RFC 2464 4, the example";
}

TEST(NeighbourDiscovery, an_answer_says_all_that_the_asker_needs) {
    std::array<std::uint8_t, kLinkMessageBytesMax> room;
    const auto asked = parse_neighbour_notice(kSolicitation.bytes());
    const LinkMessage message = write_nd_answer(room, dual_stack(), *asked, kNeighbourMac);
    EXPECT_EQ(message.to, kNeighbourMac);
    EXPECT_EQ(icmpv6_sum(Frame(room.begin(), room.end())), 0xffffU);
    EXPECT_EQ(parse_neighbour_notice(room),
              (NeighbourNotice{.type = Icmpv6Type::kNeighbourAdvertisement,
                               .source = v6("2001:db8:15::2"),
                               .destination = v6("2001:db8:15::1"),
                               .target = v6("2001:db8:15::2"),
                               .mac = kRouterMac,
                               .is_solicited = true,
                               .overrides = true}));
    EXPECT_EQ(room[44], 0xe0) << "a router, solicited, override";
}

TEST(NeighbourDiscovery, an_announcement_goes_to_everybody) {
    std::array<std::uint8_t, kLinkMessageBytesMax> room;
    const LinkMessage message = write_nd_announcement(room, dual_stack(), v6("2001:db8:15::2"));
    EXPECT_EQ(message.to, (MacAddress{{0x33, 0x33, 0, 0, 0, 1}}));
    const auto notice = parse_neighbour_notice(room);
    ASSERT_TRUE(notice.has_value());
    EXPECT_EQ(notice->destination, kAllNodes);
    EXPECT_FALSE(notice->is_solicited);
    EXPECT_TRUE(notice->overrides);
    EXPECT_EQ(notice->mac, kRouterMac);
}

}  // namespace
}  // namespace causeway::test
