// SPDX-License-Identifier: Apache-2.0
//
// BFD: which packets go to the thread that runs the sessions, and how its own get out.
#include <gtest/gtest.h>

#include "tests/packets/packet_table.h"

namespace causeway::test {
namespace {

constexpr std::uint16_t kFrom = 49'152;
constexpr std::uint16_t kBfd = 3'784;
constexpr std::size_t kBytes = 24;

FrameBuilder to_us(std::uint16_t port = kBfd) {
    return frame()
        .tags(10, 100)
        .ipv4("192.168.0.1", "192.168.0.2")
        .udp(kFrom, port)
        .payload(kBytes)
        .ttl(255);
}
FrameBuilder to_us6(std::uint16_t port = kBfd) {
    return frame()
        .tags(10, 100)
        .ipv6("2001:db8::1", "2001:db8::2")
        .udp(kFrom, port)
        .payload(kBytes)
        .ttl(255);
}
FrameBuilder through_us(const char* source, const char* destination) {
    return frame().ipv4(source, destination).udp(kFrom, kBfd).payload(kBytes);
}

const Outcome kTaken = ends(Exit::kBfd, kContosoPrimary);
const Outcome kRouted = ends(Exit::kBfdWrongTtl, kContosoPrimary);
const Outcome kForUs = ends(Exit::kLocal, kContosoPrimary);

const PacketTable kBfdTable(
    "Bfd",
    {
        {"to us", on(kPrimaryPort, to_us()), kTaken},
        {"to us, of IPv6", on(kPrimaryPort, to_us6()), kTaken},
        {"to us, with authentication", on(kPrimaryPort, to_us().payload(kBytes + 28)), kTaken},
        {"to us, with options of IPv4", on(kPrimaryPort, to_us().options(4)), kTaken},
        {"to us, from beyond the link", on(kPrimaryPort, to_us().ttl(254)), kRouted},
        {"to us, from beyond the link, of IPv6", on(kPrimaryPort, to_us6().ttl(254)), kRouted},
        {"to us, at the end of its life", on(kPrimaryPort, to_us().ttl(1)), kRouted},
        {"to us, echoes", on(kPrimaryPort, to_us(3'785)), kForUs},
        {"to us, echoes of IPv6", on(kPrimaryPort, to_us6(3'785)), kForUs},
        {"to us, over several hops", on(kPrimaryPort, to_us(4'784)), kForUs},
        {"to us, the first fragment",
         on(kPrimaryPort, to_us().fragment(0, Ipv4Header::kMoreFragments)), kForUs},
        {"to us, behind an extension header",
         on(kPrimaryPort, to_us6().extension(IpProtocol::kDestinationOptions)), kForUs},
        {"TCP to the port of BFD",
         on(kPrimaryPort,
            frame().tags(10, 100).ipv4("192.168.0.1", "192.168.0.2").tcp(kFrom, kBfd).ttl(255)),
         kForUs},
        {"through us",
         on(kPrimaryPort, through_us("10.1.0.10", "10.2.0.10").tags(10, 100).ttl(255)),
         leaves({kContosoPrimary, kContosoCore}, through_us("10.1.0.10", "10.2.0.10")
                                                     .to(mac_behind(kContosoCore))
                                                     .from(kRouterMac)
                                                     .tag(0x8100, 300)
                                                     .ttl(254))},
        {"to nobody",
         on(kPrimaryPort, through_us("10.1.0.10", "203.0.113.9").tags(10, 100).ttl(255)),
         ends(Exit::kNoRoute, kContosoPrimary)},
        {"of a closed attachment",
         on(kPrimaryPort, through_us("192.168.0.1", "192.168.0.2").tags(42, 100).ttl(255)),
         ends(Exit::kAdminDown, kTakenDown)},
        {"of IPv6 where there is none",
         on(kPrimaryPort, frame()
                              .tags(24, 100)
                              .ipv6("2001:db8::1", "2001:db8::2")
                              .udp(kFrom, kBfd)
                              .payload(kBytes)
                              .ttl(255)),
         ends(Exit::kNoIpv6, kIpv4Only)},
    });

class BfdFrames : public testing::Test {
  protected:
    World world_{{.ports = 3, .packets = 2'047, .ring_size = 2'048, .burst_size = 32}};
    TestBed& bed_ = world_.bed();
};

TEST_F(BfdFrames, leave_before_what_is_forwarded) {
    BfdFrame own{.attachment = kContosoCore, .port = kCorePort, .size = 60};
    own.bytes.fill(0x5a);
    bed_.post(own);
    bed_.receive(kPrimaryPort,
                 frame().tags(10, 100).ipv4("10.1.0.10", "10.2.0.10").udp(1, 2).bytes());
    bed_.turn();
    const auto sent = bed_.sent(kCorePort);
    ASSERT_EQ(sent.size(), 2U);
    EXPECT_EQ(sent[0], Frame(60, 0x5a));
    EXPECT_EQ(bed_.counters().traffic(kContosoCore).injected_packets.read(), 1U);
    EXPECT_EQ(bed_.unaccounted(), "");
}

TEST_F(BfdFrames, that_find_no_room_are_counted) {
    constexpr std::size_t kTooMany = 5;
    for (std::size_t i = 0; i < kBfdPostSize + kTooMany; ++i)
        bed_.receive(kPrimaryPort, to_us().bytes());
    while (rte_ring_empty(bed_.rx_ring(kPrimaryPort)) == 0) bed_.turn();
    EXPECT_EQ(bed_.counters().exits(kContosoPrimary, Exit::kBfd), kBfdPostSize);
    EXPECT_EQ(bed_.counters().exits(kContosoPrimary, Exit::kPuntFull), kTooMany);
    EXPECT_EQ(bed_.posted().size(), kBfdPostSize);
    EXPECT_EQ(bed_.unaccounted(), "");
    EXPECT_EQ(rte_mempool_in_use_count(bed_.pool()), 0U);
}

}  // namespace
}  // namespace causeway::test
