// SPDX-License-Identifier: Apache-2.0
#include "tests/packets/packet_table.h"

namespace causeway::test {
namespace {

// Every reason for which a packet goes up, with its note (the tables' own check), and ARP.
FrameBuilder arp() {
    return frame().tags(10, 100).arp(ArpOperation::kRequest, kCustomerMac, "192.168.0.1",
                                     "192.168.0.2");
}
FrameBuilder packet(const char* destination) {
    return frame().ipv4("10.2.0.10", destination).udp(53, 4'000);
}

const PacketTable kPunts(
    "Punts",
    {
        {"an ARP request to everybody", on(kPrimaryPort, arp().to(kBroadcastMac)),
         ends(Exit::kArp, kContosoPrimary)},
        {"an ARP request to us alone", on(kPrimaryPort, arp()), ends(Exit::kArp, kContosoPrimary)},
        {"an ARP request with padding", on(kPrimaryPort, arp().to(kBroadcastMac).pad_to(64)),
         ends(Exit::kArp, kContosoPrimary)},
        {"an ARP request that ends early", on(kPrimaryPort, arp().cut_to(22 + 27)),
         ends(Exit::kArp, kContosoPrimary)},
        {"an ARP reply of a single-tagged customer",
         on(kPrimaryPort,
            frame()
                .tag(0x8100, 30)
                .arp(ArpOperation::kReply, kCustomerMac, "192.168.0.1", "192.168.0.2")),
         ends(Exit::kArp, kFabrikam)},
        {"an ARP request to another station", on(kPrimaryPort, arp().to(kCustomerMac)),
         ends(Exit::kNotOurMac, row_of(kPrimaryPort))},
        {"from the core, single-tagged: local",
         on(kCorePort, packet("192.168.0.6").tag(0x8100, 300)), ends(Exit::kLocal, kContosoCore)},
        {"from the core: unresolved", on(kCorePort, packet("10.3.0.1").tag(0x8100, 300)),
         ends(Exit::kUnresolved, kContosoCore)},
        {"from the core: expired", on(kCorePort, packet("10.1.0.1").tag(0x8100, 300).ttl(1)),
         ends(Exit::kTtlExpired, kContosoCore)},
        {"from the core, two tags: no route", on(kCorePort, packet("203.0.113.9").tags(500, 501)),
         ends(Exit::kNoRoute, kFabrikamCore)},
        {"from the secondary port: prohibited",
         on(kSecondaryPort, packet("10.6.0.1").tag(0x88a8, 10).tag(0x8100, 100)),
         ends(Exit::kProhibit, kContosoSecondary)},
        {"from the secondary port: every next hop down",
         on(kSecondaryPort, packet("10.7.0.1").tag(0x88a8, 10).tag(0x8100, 100)),
         ends(Exit::kNextHopDown, kContosoSecondary)},
        {"nobody up there has time", on(kCorePort, packet("192.168.0.6").tag(0x8100, 300)),
         ends(Exit::kPuntFull, kContosoCore), Given::kPuntRingFull},
        {"more than the control thread takes of ARP", on(kPrimaryPort, arp()),
         ends(Exit::kOverPuntRate, kContosoPrimary), Given::kPuntRateExceeded},
        {"more than it takes of what is for us",
         on(kCorePort, packet("192.168.0.6").tag(0x8100, 300)),
         ends(Exit::kOverPuntRate, kContosoCore), Given::kPuntRateExceeded},
        {"more than it takes of what it is to answer with an error",
         on(kCorePort, packet("10.1.0.1").tag(0x8100, 300).ttl(1)),
         ends(Exit::kOverPuntRate, kContosoCore), Given::kPuntRateExceeded},
        {"what is forwarded goes by no bucket of theirs",
         on(kPrimaryPort, frame().tags(10, 100).ipv4("10.1.0.10", "10.2.0.10").udp(3, 4)),
         leaves({kContosoPrimary, kContosoCore}, frame()
                                                     .to(mac_behind(kContosoCore))
                                                     .from(kRouterMac)
                                                     .tag(0x8100, 300)
                                                     .ipv4("10.1.0.10", "10.2.0.10")
                                                     .udp(3, 4)
                                                     .ttl(63)),
         Given::kPuntRateExceeded},
        {"a full punt ring does not disturb who is forwarded",
         on(kPrimaryPort, frame().tags(10, 100).ipv4("10.1.0.10", "10.2.0.10").udp(1, 2)),
         leaves({kContosoPrimary, kContosoCore}, frame()
                                                     .to(mac_behind(kContosoCore))
                                                     .from(kRouterMac)
                                                     .tag(0x8100, 300)
                                                     .ipv4("10.1.0.10", "10.2.0.10")
                                                     .udp(1, 2)
                                                     .ttl(63)),
         Given::kPuntRingFull},
    });

}  // namespace
}  // namespace causeway::test
