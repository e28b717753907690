// SPDX-License-Identifier: Apache-2.0
//
// Headers laid over frames as a capture shows them.
#include "base/headers.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "base/endian.h"
#include "base/ipv6.h"

namespace causeway {
namespace {

template <class Header, std::size_t kBytes>
Header lay(const std::array<std::uint8_t, kBytes>& bytes, std::size_t offset) {
    static_assert(std::is_trivially_copyable_v<Header>);
    EXPECT_LE(offset + sizeof(Header), kBytes);
    Header header;
    std::memcpy(static_cast<void*>(&header), bytes.data() + offset, sizeof header);
    return header;
}

TEST(Be, LiesInMemoryAsOnTheWire) {
    const Be32 value{0x0a000001};
    std::array<std::uint8_t, 4> bytes{};
    std::memcpy(bytes.data(), &value, sizeof value);
    EXPECT_EQ(bytes, (std::array<std::uint8_t, 4>{10, 0, 0, 1}));
    EXPECT_EQ(value.host(), 0x0a000001U);
    EXPECT_EQ(Be32::from_wire(value.wire()), value);
}

TEST(Be, SwapsEveryWidth) {
    static_assert(swap_bytes(std::uint8_t{0x12}) == 0x12);
    static_assert(swap_bytes(std::uint16_t{0x1234}) == 0x3412);
    static_assert(swap_bytes(std::uint32_t{0x12345678}) == 0x78563412);
    static_assert(swap_bytes(std::uint64_t{0x0102030405060708}) == 0x0807060504030201);
    EXPECT_EQ(Be16{0x8100}.host(), 0x8100);
}

// dst, src, S-tag 10 (priority 5), C-tag 100, an IPv4 header with DF and 64 hops to live, UDP.
constexpr std::array<std::uint8_t, 50> kFrame{
    0x02, 0xca, 0x00, 0x00, 0x00, 0x01, 0x02, 0x00, 0x00, 0x00, 0x00, 0x11, 0x88,
    0xa8, 0xa0, 0x0a, 0x81, 0x00, 0x00, 0x64, 0x08, 0x00, 0x45, 0x00, 0x00, 0x1c,
    0x00, 0x00, 0x40, 0x00, 0x40, 0x11, 0xa6, 0xcf, 0x0a, 0x00, 0x00, 0x02, 0xc0,
    0x00, 0x02, 0x01, 0x0f, 0xa0, 0x00, 0x35, 0x00, 0x08, 0x00, 0x00};

TEST(Headers, ReadAQinqFrame) {
    const auto ethernet = lay<EthernetHeader>(kFrame, 0);
    EXPECT_EQ(ethernet.destination, (MacAddress{{0x02, 0xca, 0, 0, 0, 1}}));
    EXPECT_EQ(ethernet.type.host(), static_cast<std::uint16_t>(Tpid::kDot1ad));

    const auto outer = lay<VlanTag>(kFrame, 14);
    EXPECT_EQ(outer.vlan_id(), 10) << "without the priority bits";
    EXPECT_EQ(outer.type.host(), static_cast<std::uint16_t>(Tpid::kDot1q));
    const auto inner = lay<VlanTag>(kFrame, 18);
    EXPECT_EQ(inner.vlan_id(), 100);
    EXPECT_EQ(inner.type.host(), static_cast<std::uint16_t>(EtherType::kIpv4));
}

TEST(Headers, ReadIpv4AndUdp) {
    const auto ipv4 = lay<Ipv4Header>(kFrame, 22);
    EXPECT_EQ(ipv4.header_bytes(), 20U);
    EXPECT_EQ(ipv4.total_length.host(), 28);
    EXPECT_EQ(ipv4.ttl, 64);
    EXPECT_EQ(ipv4.protocol, static_cast<std::uint8_t>(IpProtocol::kUdp));
    EXPECT_FALSE(ipv4.may_fragment());
    EXPECT_EQ(ipv4.source.host(), 0x0a000002U);
    EXPECT_EQ(ipv4.destination.host(), 0xc0000201U);

    const auto udp = lay<UdpHeader>(kFrame, 42);
    EXPECT_EQ(udp.source_port.host(), 4'000);
    EXPECT_EQ(udp.destination_port.host(), 53);
}

// Class 0, label 0x12345, 32 bytes of ICMPv6, hop limit 255, fe80::1 to ff02::1:ff00:2; then a
// neighbour solicitation for 2001:db8::2 from 02:00:00:00:00:11.
constexpr std::array<std::uint8_t, 72> kSolicitation{
    0x60, 0x01, 0x23, 0x45, 0x00, 0x20, 0x3a, 0xff, 0xfe, 0x80, 0,    0,   0,    0,    0,
    0,    0,    0,    0,    0,    0,    0,    0,    1,    0xff, 0x02, 0,   0,    0,    0,
    0,    0,    0,    0,    0,    1,    0xff, 0,    0,    2,    0x87, 0,   0xab, 0xcd, 0,
    0,    0,    0,    0x20, 0x01, 0x0d, 0xb8, 0,    0,    0,    0,    0,   0,    0,    0,
    0,    0,    0,    2,    1,    1,    2,    0,    0,    0,    0,    0x11};

TEST(Headers, ReadANeighbourSolicitation) {
    const auto ipv6 = lay<Ipv6Header>(kSolicitation, 0);
    EXPECT_EQ(ipv6.version(), 6U);
    EXPECT_EQ(ipv6.payload_length.host(), 32);
    EXPECT_EQ(ipv6.next_header, static_cast<std::uint8_t>(IpProtocol::kIcmpv6));
    EXPECT_EQ(ipv6.hop_limit, 255);
    EXPECT_EQ(ipv6.source.host(), Ipv6Address(0xfe80'0000'0000'0000U, 1));
    EXPECT_TRUE(is_solicited_node_group(ipv6.destination.host()));

    const auto solicitation = lay<NeighbourMessage>(kSolicitation, 40);
    EXPECT_EQ(solicitation.icmp.type,
              static_cast<std::uint8_t>(Icmpv6Type::kNeighbourSolicitation));
    EXPECT_EQ(solicitation.icmp.checksum.host(), 0xabcd);
    const Ipv6Address target = solicitation.target.host();
    EXPECT_EQ(target, Ipv6Address(0x2001'0db8'0000'0000U, 2));
    EXPECT_EQ(WireIpv6Address(target), solicitation.target);
    EXPECT_EQ(ipv6.destination.host(), solicited_node_group(target));

    const auto option = lay<LinkLayerOption>(kSolicitation, 64);
    EXPECT_EQ(option.type, LinkLayerOption::kSource);
    EXPECT_EQ(option.length * 8U, sizeof option);
    EXPECT_EQ(option.address, (MacAddress{{0x02, 0, 0, 0, 0, 0x11}}));
}

TEST(Ipv6Scope, EndsWhereItsPrefixEnds) {
    constexpr std::uint64_t kAllOnes = ~std::uint64_t{0};
    const auto is_only_within = [](auto is, Ipv6Address first, Ipv6Address last) {
        return is(first) && is(last) && !is(Ipv6Address(first.value() - 1)) &&
               !is(Ipv6Address(last.value() + 1));
    };
    EXPECT_TRUE(is_only_within(is_unspecified, {}, {}));
    EXPECT_TRUE(is_only_within(is_loopback, {0, 1}, {0, 1}));
    EXPECT_TRUE(is_only_within(is_ipv4_mapped, {0, 0xffff'0000'0000U}, {0, 0xffff'ffff'ffffU}));
    EXPECT_TRUE(is_only_within(is_link_local, {0xfe80'0000'0000'0000U, 0},
                               {0xfebf'ffff'ffff'ffffU, kAllOnes}));
    EXPECT_TRUE(is_only_within(is_multicast, {0xff00'0000'0000'0000U, 0}, {kAllOnes, kAllOnes}));
    EXPECT_TRUE(is_only_within(is_solicited_node_group, {kAllNodes.high(), 0x1'ff00'0000U},
                               {kAllNodes.high(), 0x1'ffff'ffffU}));
}

TEST(Ipv6Groups, HaveAMacAddressEach) {
    EXPECT_EQ(multicast_mac(kAllNodes), (MacAddress{{0x33, 0x33, 0, 0, 0, 1}}));
    EXPECT_EQ(multicast_mac(solicited_node_group({0, 0x12'3456})),
              (MacAddress{{0x33, 0x33, 0xff, 0x12, 0x34, 0x56}}));
}

TEST(Headers, LongestIpv4HeaderIsSixtyBytes) {
    Ipv4Header header{};
    header.version_ihl = 0x4f;
    EXPECT_EQ(header.header_bytes(), 60U);
    EXPECT_TRUE(header.may_fragment());
}

}  // namespace
}  // namespace causeway
