// SPDX-License-Identifier: Apache-2.0
//
// Who may send from where, which DSCPs pass, and what no sound sender sends.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <utility>

#include "dataplane/stages/map_dscp.h"
#include "tests/packets/packet_table.h"

namespace causeway::test {
namespace {

FrameBuilder microsoft(const char* source) {
    return frame().tags(23, 100).ipv4(source, "10.2.0.10").udp(1, 2);
}
FrameBuilder microsoft6(const char* source) {
    return frame().tags(23, 100).ipv6(source, "2001:db8:2::10").udp(1, 2);
}
FrameBuilder guarded(const char* source) {
    return frame().tags(22, 100).ipv4(source, "10.2.0.10").udp(1, 2);
}
FrameBuilder guarded6(const char* source) {
    return frame().tags(22, 100).ipv6(source, "2001:db8:2::10").udp(1, 2);
}
FrameBuilder at_core() {
    return frame().to(mac_behind(kAdatumCore)).from(kRouterMac).tag(0x8100, 301);
}
Outcome passes(AttachmentId in, const char* source) {
    return leaves({in, kAdatumCore}, at_core().ipv4(source, "10.2.0.10").udp(1, 2).ttl(63));
}
Outcome passes6(AttachmentId in, const char* source) {
    return leaves({in, kAdatumCore}, at_core().ipv6(source, "2001:db8:2::10").udp(1, 2).ttl(63));
}

const Outcome kPrivate = ends(Exit::kPrivateSource, kMicrosoft);
const Outcome kNotAdvertised = ends(Exit::kSourceNotAdvertised, kMicrosoft);
const Outcome kWrongPath = ends(Exit::kReversePath, kGuarded);

const PacketTable kSources(
    "Sources",
    {
        {"advertised, first", on(kPrimaryPort, microsoft("203.0.113.0")),
         passes(kMicrosoft, "203.0.113.0")},
        {"advertised, last", on(kPrimaryPort, microsoft("203.0.113.255")),
         passes(kMicrosoft, "203.0.113.255")},
        {"before what is advertised", on(kPrimaryPort, microsoft("203.0.112.255")), kNotAdvertised},
        {"behind what is advertised", on(kPrimaryPort, microsoft("203.0.114.0")), kNotAdvertised},
        {"of 10/8", on(kPrimaryPort, microsoft("10.12.0.10")), kPrivate},
        {"of 172.16/12, last", on(kPrimaryPort, microsoft("172.31.255.255")), kPrivate},
        {"behind 172.16/12", on(kPrimaryPort, microsoft("172.32.0.0")), kNotAdvertised},
        {"of 192.168/16", on(kPrimaryPort, microsoft("192.168.0.13")), kPrivate},
        {"of 100.64/10, last", on(kPrimaryPort, microsoft("100.127.255.255")), kPrivate},
        {"behind 100.64/10", on(kPrimaryPort, microsoft("100.128.0.0")), kNotAdvertised},
        {"advertised, of IPv6", on(kPrimaryPort, microsoft6("2001:db8:113::1")),
         passes6(kMicrosoft, "2001:db8:113::1")},
        {"not advertised, of IPv6", on(kPrimaryPort, microsoft6("2001:db8:114::1")),
         kNotAdvertised},
        {"of fc00::/7", on(kPrimaryPort, microsoft6("fdff::1")), kPrivate},

        {"strict: back by the same leg", on(kPrimaryPort, guarded("10.11.0.10")),
         passes(kGuarded, "10.11.0.10")},
        {"strict: back by another leg of the peering", on(kPrimaryPort, guarded("10.1.0.10")),
         passes(kGuarded, "10.1.0.10")},
        {"strict: back to the core", on(kPrimaryPort, guarded("10.2.0.99")), kWrongPath},
        {"strict: back by another peering", on(kPrimaryPort, guarded("10.12.0.10")), kWrongPath},
        {"strict, of IPv6: back by another leg", on(kPrimaryPort, guarded6("2001:db8:1::10")),
         passes6(kGuarded, "2001:db8:1::10")},
        {"strict, of IPv6: back to the core", on(kPrimaryPort, guarded6("2001:db8:2::99")),
         kWrongPath},
    });

FrameBuilder contoso() {
    return frame().tags(10, 100).ipv4("10.1.0.10", "10.2.0.10");
}
FrameBuilder contoso6() {
    return frame().tags(10, 100).ipv6("2001:db8:1::10", "2001:db8:2::10");
}
const Outcome kBad = ends(Exit::kBadFragment, kContosoPrimary);

const PacketTable kFragments(
    "Unsound",
    {
        {"a TCP header in two pieces",
         on(kPrimaryPort, contoso()
                              .tcp(1, 2)
                              .fragment(0, Ipv4Header::kMoreFragments)
                              .cut_to(58)
                              .total_length(36)),
         kBad},
        {"a fragment that begins within a TCP header",
         on(kPrimaryPort, contoso().tcp(1, 2).payload(20).fragment(8, 0)), kBad},
        {"a fragment that ends beyond 65535",
         on(kPrimaryPort, contoso().udp(1, 2).payload(20).fragment(65'528, 0)), kBad},
        {"a TCP header in two pieces, of IPv6",
         on(kPrimaryPort,
            contoso6().fragment(0, Ipv4Header::kMoreFragments).tcp(1, 2).payload_length(24)),
         kBad},
        {"a fragment that begins within a TCP header, of IPv6",
         on(kPrimaryPort, contoso6().fragment(8, 0).tcp(1, 2)), kBad},
        {"a routing header of type 0", on(kPrimaryPort, contoso6().source_route().udp(1, 2)),
         ends(Exit::kSourceRoute, kContosoPrimary)},
        {"a source route behind no-operations",
         on(kPrimaryPort, contoso().option_at(3, 131).option_at(4, 3).udp(1, 2)),
         ends(Exit::kSourceRoute, kContosoPrimary)},
        {"a strict source route",
         on(kPrimaryPort, contoso().option_at(0, 137).option_at(1, 3).udp(1, 2)),
         ends(Exit::kSourceRoute, kContosoPrimary)},
        {"a router alert, refused",
         on(kPrimaryPort, microsoft("203.0.113.1").option_at(0, 148).option_at(1, 4)),
         ends(Exit::kIpOptions, kMicrosoft)},
        {"a lone byte of an option behind no-operations, refused",
         on(kPrimaryPort, microsoft("203.0.113.1")
                              .option_at(0, 1)
                              .option_at(1, 1)
                              .option_at(2, 1)
                              .option_at(3, 7)),
         ends(Exit::kIpOptions, kMicrosoft)},
        {"a source route behind a timestamp, where options are refused",
         on(kPrimaryPort, microsoft("203.0.113.1")
                              .option_at(0, 68)
                              .option_at(1, 4)
                              .option_at(4, 131)
                              .option_at(5, 3)),
         ends(Exit::kSourceRoute, kMicrosoft)},
        {"no-operations alone, where options are refused",
         on(kPrimaryPort, microsoft("203.0.113.1").options(4)),
         leaves({kMicrosoft, kAdatumCore},
                at_core().ipv4("203.0.113.1", "10.2.0.10").options(4).udp(1, 2).ttl(63))},
        {"hop-by-hop options, refused",
         on(kPrimaryPort, frame()
                              .tags(23, 100)
                              .ipv6("2001:db8:113::1", "2001:db8:2::10")
                              .extension(IpProtocol::kHopByHopOptions)
                              .udp(1, 2)),
         ends(Exit::kIpOptions, kMicrosoft)},
    });

// All 256 values of both fields together, of either family, on a leg with the contract and one
// without.
TEST(DscpContract, keeps_six_and_leaves_ecn_alone) {
    World world;
    TestBed& bed = world.bed();
    for (unsigned value = 0; value < 256; ++value) {
        const auto before = static_cast<std::uint8_t>(value);
        const bool is_kept = std::ranges::count(kMicrosoftDscps, before >> 2) != 0;
        const auto after = static_cast<std::uint8_t>(is_kept ? before : before & 3);
        bed.receive(kPrimaryPort, microsoft("203.0.113.1").dscp_ecn(before).bytes());
        bed.receive(kPrimaryPort, microsoft6("2001:db8:113::1").dscp_ecn(before).bytes());
        bed.receive(
            kPrimaryPort,
            frame().tags(20, 100).ipv4("10.1.0.1", "10.2.0.10").udp(1, 2).dscp_ecn(before).bytes());
        bed.receive(kCorePort, frame()
                                   .tag(0x8100, 301)
                                   .ipv4("10.2.0.10", "10.12.0.1")
                                   .udp(1, 2)
                                   .dscp_ecn(before)
                                   .bytes());
        bed.turn();
        const auto to_core = bed.sent(kCorePort);  // IPv6 first: its walk ends first
        ASSERT_EQ(to_core.size(), 3U);
        EXPECT_EQ(
            to_core[1],
            at_core().ipv4("203.0.113.1", "10.2.0.10").udp(1, 2).ttl(63).dscp_ecn(after).bytes());
        EXPECT_EQ(
            to_core[2],
            at_core().ipv4("10.1.0.1", "10.2.0.10").udp(1, 2).ttl(63).dscp_ecn(before).bytes());
        EXPECT_EQ(to_core[0], at_core()
                                  .ipv6("2001:db8:113::1", "2001:db8:2::10")
                                  .udp(1, 2)
                                  .ttl(63)
                                  .dscp_ecn(after)
                                  .bytes());
        const auto to_leg = bed.sent(kPrimaryPort);
        ASSERT_EQ(to_leg.size(), 1U);
        EXPECT_EQ(to_leg[0], frame()
                                 .to(mac_behind(kMicrosoft))
                                 .from(kRouterMac)
                                 .tags(23, 100)
                                 .ipv4("10.2.0.10", "10.12.0.1")
                                 .udp(1, 2)
                                 .ttl(63)
                                 .dscp_ecn(after)
                                 .bytes());
    }
}

// A bed of one leg, whose policy a test chooses.
class SourceTest : public testing::Test {
  protected:
    SourceTest() {
        const NextHopId core = bed_.neighbour(core_, ip("10.2.0.1"), kCustomerMac);
        hop_ = bed_.neighbour(leg_, ip("192.0.2.1"), kCustomerMac);
        bed_.route(vrf_, prefix("10.2.0.0/16"), core);
        bed_.route(vrf_, prefix("10.1.0.0/16"), hop_);
        bed_.route(vrf_, prefix("10.4.0.0/16"), AdjacencyKind::kBlackhole);
        bed_.route(vrf_, prefix("192.0.2.2/32"), AdjacencyKind::kLocal);
        bed_.publish();
    }
    Exit exit_of(const char* source, const char* destination = "10.2.0.10") {
        bed_.receive(PortId(0), frame().tags(10, 100).ipv4(source, destination).udp(1, 2).bytes());
        bed_.turn();
        (void)bed_.punted();
        if (!bed_.sent(PortId(1)).empty()) return Exit::kNone;
        for (std::size_t exit = 0; exit < kExitCount; ++exit) {
            const std::uint64_t now = bed_.counters().exits(leg_, static_cast<Exit>(exit));
            if (now != std::exchange(seen_[exit], now)) return static_cast<Exit>(exit);
        }
        return Exit::kCount;
    }
    TestBed bed_;
    VrfId vrf_ = bed_.vrf();
    AttachmentId leg_ = bed_.attach(PortId(0), 10, 100, vrf_);
    AttachmentId core_ = bed_.attach(PortId(1), 20, 100, vrf_);
    NextHopId hop_;
    std::array<std::uint64_t, kExitCount> seen_{};
};

TEST_F(SourceTest, nothing_validated_nothing_passes_but_to_us) {
    bed_.set_policy(leg_, {.source_check = SourceCheck::kAdvertised,
                           .link_prefixes = {.ipv4 = prefix("192.0.2.0/30")}});
    bed_.publish();
    EXPECT_EQ(exit_of("203.0.113.1"), Exit::kSourceNotAdvertised);
    EXPECT_EQ(exit_of("192.0.2.1"), Exit::kSourceNotAdvertised);
    EXPECT_EQ(exit_of("192.0.2.1", "192.0.2.2"), Exit::kLocal);  // BGP
}

TEST_F(SourceTest, loose_asks_for_any_route) {
    bed_.set_policy(leg_, {.source_check = SourceCheck::kLoose});
    bed_.publish();
    EXPECT_EQ(exit_of("10.1.0.1"), Exit::kNone);
    EXPECT_EQ(exit_of("10.2.0.1"), Exit::kNone);
    EXPECT_EQ(exit_of("10.9.0.1"), Exit::kReversePath);
    EXPECT_EQ(exit_of("10.4.0.1"), Exit::kReversePath);
    EXPECT_EQ(exit_of("192.0.2.2"), Exit::kReversePath);  // our own
}

TEST_F(SourceTest, strict_believes_a_source_whose_link_is_down) {
    bed_.set_policy(leg_, {.peering = PeeringId(1), .source_check = SourceCheck::kStrict});
    bed_.publish();
    EXPECT_EQ(exit_of("10.1.0.1"), Exit::kNone);
    EXPECT_EQ(exit_of("10.2.0.1"), Exit::kReversePath);
    bed_.neighbour_down(hop_);
    EXPECT_EQ(exit_of("10.1.0.1"), Exit::kNone);
}

}  // namespace
}  // namespace causeway::test
