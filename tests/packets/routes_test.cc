// SPDX-License-Identifier: Apache-2.0
#include "tests/packets/packet_table.h"

namespace causeway::test {
namespace {

FrameBuilder packet(const char* destination) {
    return frame().tags(10, 100).ipv4("10.1.0.10", destination).udp(4'000, 53);
}

FrameBuilder sent(AttachmentId out, const char* source, const char* destination) {
    return frame()
        .to(mac_behind(out))
        .from(kRouterMac)
        .ipv4(source, destination)
        .udp(4'000, 53)
        .ttl(63);
}

const PacketTable kRoutes(
    "Routes",
    {
        {"a /16", on(kPrimaryPort, packet("10.2.0.10")),
         leaves({kContosoPrimary, kContosoCore},
                sent(kContosoCore, "10.1.0.10", "10.2.0.10").tag(0x8100, 300))},
        {"the last address of a /16", on(kPrimaryPort, packet("10.2.255.255")),
         leaves({kContosoPrimary, kContosoCore},
                sent(kContosoCore, "10.1.0.10", "10.2.255.255").tag(0x8100, 300))},
        {"the longer prefix wins", on(kPrimaryPort, packet("10.2.200.1")),
         leaves(
             {kContosoPrimary, kContosoSecondary},
             sent(kContosoSecondary, "10.1.0.10", "10.2.200.1").tag(0x88a8, 10).tag(0x8100, 100))},
        {"beside the longer prefix the shorter one holds", on(kPrimaryPort, packet("10.2.201.1")),
         leaves({kContosoPrimary, kContosoCore},
                sent(kContosoCore, "10.1.0.10", "10.2.201.1").tag(0x8100, 300))},
        {"the same destination in another VRF is elsewhere",
         on(kPrimaryPort, frame().tags(20, 100).ipv4("10.1.0.10", "10.2.200.1").udp(4'000, 53)),
         leaves({kAdatumPrimary, kAdatumCore},
                sent(kAdatumCore, "10.1.0.10", "10.2.200.1").tag(0x8100, 301))},
        {"the default route",
         on(kPrimaryPort, frame().tags(20, 100).ipv4("10.1.0.10", "203.0.113.9").udp(4'000, 53)),
         leaves({kAdatumPrimary, kAdatumCore},
                sent(kAdatumCore, "10.1.0.10", "203.0.113.9").tag(0x8100, 301))},
        {"no route", on(kPrimaryPort, packet("203.0.113.9")),
         ends(Exit::kNoRoute, kContosoPrimary)},
        {"no route, although another VRF has one",
         on(kPrimaryPort, frame().tag(0x8100, 30).ipv4("10.1.0.10", "10.2.0.10").udp(1, 2)),
         ends(Exit::kNoRoute, kFabrikam)},
        {"back to where it came from",
         on(kPrimaryPort, frame().tag(0x8100, 30).ipv4("10.1.0.10", "10.1.0.11").udp(4'000, 53)),
         leaves({kFabrikam, kFabrikam}, sent(kFabrikam, "10.1.0.10", "10.1.0.11").tag(0x8100, 30))},
        {"our own address", on(kPrimaryPort, packet("192.168.0.2")),
         ends(Exit::kLocal, kContosoPrimary)},
        {"our own address on the other leg", on(kPrimaryPort, packet("192.168.0.6")),
         ends(Exit::kLocal, kContosoPrimary)},
        {"a neighbour that has not answered", on(kPrimaryPort, packet("10.3.0.1")),
         ends(Exit::kUnresolved, kContosoPrimary)},
        {"a blackhole route", on(kPrimaryPort, packet("10.4.0.1")),
         ends(Exit::kBlackhole, kContosoPrimary)},
        {"an unreachable route", on(kPrimaryPort, packet("10.5.0.1")),
         ends(Exit::kUnreachable, kContosoPrimary)},
        {"a prohibit route", on(kPrimaryPort, packet("10.6.0.1")),
         ends(Exit::kProhibit, kContosoPrimary)},
        {"a route whose only next hop is down", on(kPrimaryPort, packet("10.7.0.1")),
         ends(Exit::kNextHopDown, kContosoPrimary)},
        {"a route with one of two next hops down", on(kPrimaryPort, packet("10.8.0.1")),
         leaves({kContosoPrimary, kContosoSecondary},
                sent(kContosoSecondary, "10.1.0.10", "10.8.0.1").tag(0x88a8, 10).tag(0x8100, 100))},
    });

}  // namespace
}  // namespace causeway::test
