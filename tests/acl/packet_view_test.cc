// SPDX-License-Identifier: Apache-2.0
#include "acl/packet_view.h"

#include <gtest/gtest.h>

#include "tests/acl/acl_words.h"

namespace causeway::test {
namespace {

// What a frame without tags carries, as a rule sees it.
std::optional<AclPacket> view(const FrameBuilder& frame) {
    const std::vector<std::uint8_t> bytes = frame.bytes();
    return read_acl_packet(std::span(bytes).subspan(14));
}

TEST(AclPacket, shows_ports_and_flags_of_tcp) {
    const auto packet = view(frame().ipv4("10.1.0.10", "10.2.0.10").options(8).tcp(4'000, 443));
    ASSERT_TRUE(packet);
    EXPECT_EQ(packet->source, IpAddress(ip("10.1.0.10")));
    EXPECT_EQ(packet->destination, IpAddress(ip("10.2.0.10")));
    EXPECT_EQ(packet->protocol, kTcp);
    ASSERT_TRUE(packet->ports && packet->tcp_flags && !packet->icmp);
    EXPECT_EQ(packet->ports->source, 4'000);
    EXPECT_EQ(packet->ports->destination, 443);
}

TEST(AclPacket, finds_layer_4_behind_extension_headers) {
    FrameBuilder packet = frame().ipv6("2001:db8:1::10", "2001:db8:2::10");
    for (int i = 0; i < kAclExtensionHeadersMax; ++i) {
        packet.extension(IpProtocol::kDestinationOptions, 16);
    }
    packet.udp(4'000, 53);
    const auto seen = view(packet);
    ASSERT_TRUE(seen && seen->ports);
    EXPECT_EQ(seen->protocol, kUdp);
    EXPECT_EQ(seen->ports->destination, 53);

    const auto hidden = view(packet.extension(IpProtocol::kDestinationOptions));
    ASSERT_TRUE(hidden);
    EXPECT_EQ(hidden->protocol, static_cast<std::uint8_t>(IpProtocol::kDestinationOptions));
    EXPECT_FALSE(hidden->ports);
}

TEST(AclPacket, tells_fragments_apart) {
    for (const bool is_ipv6 : {false, true}) {
        const auto part = [&](std::uint16_t offset, std::uint16_t more) {
            FrameBuilder some = is_ipv6 ? frame().ipv6("2001:db8:1::10", "2001:db8:2::10")
                                        : frame().ipv4("10.1.0.10", "10.2.0.10");
            return view(some.udp(4'000, 53).payload(32).fragment(offset, more)).value();
        };
        EXPECT_EQ(part(0, Ipv4Header::kMoreFragments).fragment, FragmentKind::kFirst);
        EXPECT_TRUE(part(0, Ipv4Header::kMoreFragments).ports);
        EXPECT_EQ(part(64, Ipv4Header::kMoreFragments).fragment, FragmentKind::kLater);
        EXPECT_EQ(part(64, 0).fragment, FragmentKind::kLater);
        EXPECT_FALSE(part(64, 0).ports);
        EXPECT_EQ(part(64, 0).protocol, kUdp);
        EXPECT_EQ(part(0, 0).fragment, FragmentKind::kWhole);
    }
}

TEST(AclPacket, shows_a_tcp_header_as_a_whole_or_not_at_all) {
    std::vector<std::uint8_t> bytes =
        frame().ipv4("10.1.0.10", "10.2.0.10").tcp(4'000, 443).bytes();
    bytes.erase(bytes.begin(), bytes.begin() + 14);
    EXPECT_TRUE(read_acl_packet(bytes)->ports);
    bytes[3] = 39;
    EXPECT_FALSE(read_acl_packet(bytes)->ports);
    EXPECT_FALSE(read_acl_packet(bytes)->tcp_flags);
}

TEST(AclPacket, reads_type_and_code_of_icmp) {
    const auto echo = view(frame().ipv4("10.1.0.10", "10.2.0.10").echo_request(1, 2));
    ASSERT_TRUE(echo && echo->icmp);
    EXPECT_EQ(echo->icmp->type, 8);
    const auto big =
        view(frame().ipv6("2001:db8:1::10", "2001:db8:2::10").icmpv6(Icmpv6Type::kPacketTooBig));
    ASSERT_TRUE(big && big->icmp);
    EXPECT_EQ(big->icmp->type, 2);
    EXPECT_FALSE(big->ports);
}

TEST(AclPacket, refuses_what_is_no_whole_header) {
    const std::vector<std::uint8_t> good = frame().ipv4("10.1.0.10", "10.2.0.10").udp(1, 2).bytes();
    const std::span packet = std::span(good).subspan(14);
    EXPECT_TRUE(read_acl_packet(packet));
    for (std::size_t bytes = 0; bytes < packet.size(); ++bytes) {
        EXPECT_FALSE(read_acl_packet(packet.first(bytes))) << bytes;
    }
    std::vector<std::uint8_t> odd(packet.begin(), packet.end());
    odd[0] = 0x44;  // a header of 16 bytes
    EXPECT_FALSE(read_acl_packet(odd));
    odd[0] = 0x55;
    EXPECT_FALSE(read_acl_packet(odd));
}

}  // namespace
}  // namespace causeway::test
