// SPDX-License-Identifier: Apache-2.0
//
// The walk of IPv6: the header, routes and the way out. Addresses, and what goes up, have tables of
// their own (ipv6_scopes_test.cc).
#include "tests/packets/packet_table.h"

namespace causeway::test {
namespace {

constexpr std::uint16_t kCoreMtu = 1'400;
constexpr std::size_t kTagged = 22;  // bytes of layer 2

FrameBuilder packet(const char* destination = "2001:db8:2::10") {
    return frame().tags(10, 100).ipv6("2001:db8:1::10", destination).udp(4'000, 53);
}
FrameBuilder sent(AttachmentId out, const char* destination = "2001:db8:2::10") {
    return frame()
        .to(mac_behind(out))
        .from(kRouterMac)
        .ipv6("2001:db8:1::10", destination)
        .udp(4'000, 53)
        .ttl(63);
}
FrameBuilder in_the_cloud() {
    return sent(kContosoCore).tag(0x8100, 300);
}
FrameBuilder behind_the_secondary(const char* destination) {
    return sent(kContosoSecondary, destination).tag(0x88a8, 10).tag(0x8100, 100);
}
// Payload that makes a UDP packet this long.
constexpr std::size_t fill(std::size_t total) {
    return total - 48;
}
const Passage kToTheCloud{kContosoPrimary, kContosoCore};

// One packet byte by byte, so that not even the frame builder is believed.
const Frame kHandMadeIn{
    0x02, 0xca, 0x00, 0x00, 0x00, 0x01, 0x02, 0x00, 0x00, 0x00, 0x00, 0x11,  // to us, from them
    0x81, 0x00, 0x00, 0x0a, 0x81, 0x00, 0x00, 0x64, 0x86, 0xdd,              // 10, 100, IPv6
    0x6b, 0x81, 0x23, 0x45, 0x00, 0x0a, 0x11, 0x40,                          // ten bytes of UDP
    0x20, 0x01, 0x0d, 0xb8, 0x00, 0x01, 0x00, 0x00, 0, 0, 0, 0, 0, 0, 0, 0x10, 0x20, 0x01, 0x0d,
    0xb8, 0x00, 0x02, 0x00, 0x00, 0, 0, 0, 0, 0, 0, 0, 0x10, 0x0f, 0xa0, 0x00, 0x35, 0x00, 0x0a,
    0x5a, 0xa5, 0xc0, 0xde,  // 4000 to 53, two
                             // bytes
    0xaa, 0xbb, 0xcc, 0xdd,  // padding
};
const Frame kHandMadeOut{
    0x02, 0xbe, 0x00, 0x00, 0x00, 0x18, 0x02, 0xca, 0x00, 0x00, 0x00, 0x01,  // to them, from us
    0x81, 0x00, 0x01, 0x2c, 0x86, 0xdd,                                      // 300, IPv6
    0x6b, 0x81, 0x23, 0x45, 0x00, 0x0a, 0x11, 0x3f,                          // hop limit 63
    0x20, 0x01, 0x0d, 0xb8, 0x00, 0x01, 0x00, 0x00, 0,    0,    0,    0,    0, 0, 0,
    0x10, 0x20, 0x01, 0x0d, 0xb8, 0x00, 0x02, 0x00, 0x00, 0,    0,    0,    0, 0, 0,
    0,    0x10, 0x0f, 0xa0, 0x00, 0x35, 0x00, 0x0a, 0x5a, 0xa5, 0xc0, 0xde,  // no padding
};

const PacketTable kHeader(
    "Ipv6Header",
    {
        {"IPv6 byte by byte", Arrival{kPrimaryPort, kHandMadeIn},
         Outcome{Exit::kNone, kContosoPrimary, kContosoCore, kHandMadeOut}},
        {"IPv6: a header and nothing else",
         on(kPrimaryPort, frame().tags(10, 100).ipv6("2001:db8:1::10", "2001:db8:2::10")),
         leaves(kToTheCloud, frame()
                                 .to(mac_behind(kContosoCore))
                                 .from(kRouterMac)
                                 .tag(0x8100, 300)
                                 .ipv6("2001:db8:1::10", "2001:db8:2::10")
                                 .ttl(63))},
        {"IPv6: extension headers are carried on",
         on(kPrimaryPort, packet()
                              .extension(IpProtocol::kHopByHopOptions)
                              .extension(IpProtocol::kRouting, 24)
                              .extension(IpProtocol::kDestinationOptions, 16)),
         leaves(kToTheCloud, in_the_cloud()
                                 .extension(IpProtocol::kHopByHopOptions)
                                 .extension(IpProtocol::kRouting, 24)
                                 .extension(IpProtocol::kDestinationOptions, 16))},
        {"IPv6: a fragment", on(kPrimaryPort, packet().fragment(64, 0).payload(64)),
         leaves(kToTheCloud, in_the_cloud().fragment(64, 0).payload(64))},
        {"IPv6: padding of a short frame is cut off", on(kPrimaryPort, packet().pad_to(100)),
         leaves(kToTheCloud, in_the_cloud())},
        {"IPv6: to a single-tagged customer",
         on(kCorePort,
            frame().tags(500, 501).ipv6("2001:db8:1::10", "2001:db8:1::7").udp(4'000, 53)),
         leaves({kFabrikamCore, kFabrikam}, sent(kFabrikam, "2001:db8:1::7").tag(0x8100, 30))},

        {"IPv6: tags and nothing behind", on(kPrimaryPort, packet().cut_to(kTagged)),
         ends(Exit::kTruncatedFrame, kContosoPrimary)},
        {"IPv6: a frame that ends within the header",
         on(kPrimaryPort, packet().cut_to(kTagged + 39)),
         ends(Exit::kTruncatedFrame, kContosoPrimary)},
        {"IPv6: a frame that ends with the header but promises more",
         on(kPrimaryPort, packet().cut_to(kTagged + 40)),
         ends(Exit::kBadIpv6Length, kContosoPrimary)},
        {"IPv6: a payload length of one byte more than there is",
         on(kPrimaryPort, packet().payload_length(9)), ends(Exit::kBadIpv6Length, kContosoPrimary)},
        {"IPv6: a payload length of 65535", on(kPrimaryPort, packet().payload_length(65'535)),
         ends(Exit::kBadIpv6Length, kContosoPrimary)},
        {"IPv6: a payload length that is small modulo 2^16",
         on(kPrimaryPort, packet().payload_length(65'536 - 40 + 8)),
         ends(Exit::kBadIpv6Length, kContosoPrimary)},
        {"version 4 under the EtherType of IPv6", on(kPrimaryPort, packet().first_byte(0x45)),
         ends(Exit::kBadIpv6Header, kContosoPrimary)},
        {"version 7 under the EtherType of IPv6", on(kPrimaryPort, packet().first_byte(0x70)),
         ends(Exit::kBadIpv6Header, kContosoPrimary)},
        {"IPv6: every traffic class is a good one", on(kPrimaryPort, packet().first_byte(0x6f)),
         leaves(kToTheCloud, in_the_cloud().first_byte(0x6f))},
        {"IPv4 under the EtherType of IPv6",
         on(kPrimaryPort, frame()
                              .tags(10, 100)
                              .type(0x86dd)
                              .ipv4("10.1.0.10", "10.2.0.10")
                              .udp(1, 2)
                              .payload(40)),
         ends(Exit::kBadIpv6Header, kContosoPrimary)},
    });

const PacketTable kHopLimitAndMtu(
    "Ipv6HopLimitAndMtu",
    {
        {"a hop limit of 255 becomes 254", on(kPrimaryPort, packet().ttl(255)),
         leaves(kToTheCloud, in_the_cloud().ttl(254))},
        {"a hop limit of 2 becomes 1 and still goes", on(kPrimaryPort, packet().ttl(2)),
         leaves(kToTheCloud, in_the_cloud().ttl(1))},
        {"a hop limit of 1 expires", on(kPrimaryPort, packet().ttl(1)),
         ends(Exit::kTtlExpired, kContosoPrimary)},
        {"a hop limit of 0 expires", on(kPrimaryPort, packet().ttl(0)),
         ends(Exit::kTtlExpired, kContosoPrimary)},
        {"to ourselves the hop limit does not matter",
         on(kPrimaryPort, packet("2001:db8::2").icmpv6(Icmpv6Type::kEchoRequest).ttl(1)),
         ends(Exit::kLocal, kContosoPrimary)},
        {"IPv6: as long as the MTU of the way out",
         on(kPrimaryPort, packet().payload(fill(kCoreMtu))),
         leaves(kToTheCloud, in_the_cloud().payload(fill(kCoreMtu)))},
        {"IPv6: one byte longer", on(kPrimaryPort, packet().payload(fill(kCoreMtu + 1))),
         ends(Exit::kTooBig, kContosoPrimary)},
        {"IPv6: a fragment that is too long is not cut up further",
         on(kPrimaryPort, packet().fragment(0, Ipv4Header::kMoreFragments).payload(fill(kCoreMtu))),
         ends(Exit::kTooBig, kContosoPrimary)},
        {"IPv6: too long and expired: it expires",
         on(kPrimaryPort, packet().payload(fill(kCoreMtu + 1)).ttl(1)),
         ends(Exit::kTtlExpired, kContosoPrimary)},
        {"IPv6: padding behind the packet does not count",
         on(kPrimaryPort, packet().payload(fill(kCoreMtu)).pad_to(kTagged + kCoreMtu + 50)),
         leaves(kToTheCloud, in_the_cloud().payload(fill(kCoreMtu)))},
        {"IPv6: the way out has no room", on(kPrimaryPort, packet()),
         ends(Exit::kTxFull, kContosoPrimary), Given::kTransmitRingsFull},
        {"IPv6: nobody up there has time", on(kPrimaryPort, packet("2001:db8::2")),
         ends(Exit::kPuntFull, kContosoPrimary), Given::kPuntRingFull},
    });

const PacketTable kRoutes(
    "Ipv6Routes",
    {
        {"a /48", on(kPrimaryPort, packet()), leaves(kToTheCloud, in_the_cloud())},
        {"the last address of a /48",
         on(kPrimaryPort, packet("2001:db8:2:ffff:ffff:ffff:ffff:ffff")),
         leaves(kToTheCloud,
                sent(kContosoCore, "2001:db8:2:ffff:ffff:ffff:ffff:ffff").tag(0x8100, 300))},
        {"the longer prefix of IPv6 wins", on(kPrimaryPort, packet("2001:db8:2:200::1")),
         leaves({kContosoPrimary, kContosoSecondary}, behind_the_secondary("2001:db8:2:200::1"))},
        {"beside the longer prefix of IPv6 the shorter one holds",
         on(kPrimaryPort, packet("2001:db8:2:201::1")),
         leaves(kToTheCloud, sent(kContosoCore, "2001:db8:2:201::1").tag(0x8100, 300))},
        {"the same IPv6 destination in another VRF is elsewhere",
         on(kPrimaryPort,
            frame().tags(20, 100).ipv6("2001:db8:1::10", "2001:db8:2:200::1").udp(4'000, 53)),
         leaves({kAdatumPrimary, kAdatumCore},
                sent(kAdatumCore, "2001:db8:2:200::1").tag(0x8100, 301))},
        {"the default route of IPv6",
         on(kPrimaryPort, frame().tags(20, 100).ipv6("2001:db8:1::10", "2600::1").udp(4'000, 53)),
         leaves({kAdatumPrimary, kAdatumCore}, sent(kAdatumCore, "2600::1").tag(0x8100, 301))},
        {"no route of IPv6", on(kPrimaryPort, packet("2600::1")),
         ends(Exit::kNoRoute, kContosoPrimary)},
        {"no route of IPv6, although another VRF has one",
         on(kPrimaryPort, frame().tag(0x8100, 30).ipv6("2001:db8:1::10", "2001:db8:2::1")),
         ends(Exit::kNoRoute, kFabrikam)},
        {"an IPv6 neighbour that has not answered", on(kPrimaryPort, packet("2001:db8:3::1")),
         ends(Exit::kUnresolved, kContosoPrimary)},
        {"a blackhole route of IPv6", on(kPrimaryPort, packet("2001:db8:4::1")),
         ends(Exit::kBlackhole, kContosoPrimary)},
        {"an unreachable route of IPv6", on(kPrimaryPort, packet("2001:db8:5::1")),
         ends(Exit::kUnreachable, kContosoPrimary)},
        {"a prohibit route of IPv6", on(kPrimaryPort, packet("2001:db8:6::1")),
         ends(Exit::kProhibit, kContosoPrimary)},
        {"an IPv6 route whose only next hop is down", on(kPrimaryPort, packet("2001:db8:7::1")),
         ends(Exit::kNextHopDown, kContosoPrimary)},
        {"an IPv6 route with one of two next hops down", on(kPrimaryPort, packet("2001:db8:8::1")),
         leaves({kContosoPrimary, kContosoSecondary}, behind_the_secondary("2001:db8:8::1"))},
        {"IPv6 on an attachment that is closed",
         on(kPrimaryPort, frame().tags(42, 100).ipv6("2001:db8:1::10", "2001:db8:2::10")),
         ends(Exit::kAdminDown, kTakenDown)},
        {"IPv6 with tags that nobody owns",
         on(kPrimaryPort, frame().tags(11, 100).ipv6("2001:db8:1::10", "2001:db8:2::10")),
         ends(Exit::kUnknownTags, row_of(kPrimaryPort))},
    });

}  // namespace
}  // namespace causeway::test
