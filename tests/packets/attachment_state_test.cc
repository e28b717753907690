// SPDX-License-Identifier: Apache-2.0
#include "tests/packets/packet_table.h"

namespace causeway::test {
namespace {

FrameBuilder packet(std::uint16_t s_tag) {
    return frame().tags(s_tag, 100).ipv4("10.1.0.10", "10.2.0.10").udp(4'000, 53);
}

const PacketTable kStates(
    "AttachmentState",
    {
        {"an open one lets packets in", on(kPrimaryPort, packet(10)),
         leaves({kContosoPrimary, kContosoCore}, frame()
                                                     .to(mac_behind(kContosoCore))
                                                     .from(kRouterMac)
                                                     .tag(0x8100, 300)
                                                     .ipv4("10.1.0.10", "10.2.0.10")
                                                     .udp(4'000, 53)
                                                     .ttl(63))},
        {"of a circuit that is not provisioned", on(kPrimaryPort, packet(40)),
         ends(Exit::kCircuitNotProvisioned, kNotProvisioned)},
        {"of a peering that is disabled", on(kPrimaryPort, packet(41)),
         ends(Exit::kPeeringDisabled, kDisabled)},
        {"taken down by an operator", on(kPrimaryPort, packet(42)),
         ends(Exit::kAdminDown, kTakenDown)},
        {"a closed one does not even let ARP in",
         on(kPrimaryPort,
            frame()
                .to(kBroadcastMac)
                .tags(42, 100)
                .arp(ArpOperation::kRequest, kCustomerMac, "192.168.0.1", "192.168.0.2")),
         ends(Exit::kAdminDown, kTakenDown)},
        {"IPv6 where only IPv4 is spoken",
         on(kPrimaryPort,
            frame().tags(24, 100).ipv6("2001:db8:1::10", "2001:db8:2::10").udp(4'000, 53)),
         ends(Exit::kNoIpv6, kIpv4Only)},
        {"not even Neighbour Discovery",
         on(kPrimaryPort, frame()
                              .tags(24, 100)
                              .ipv6("fe80::1", "fe80::2")
                              .neighbour_discovery(Icmpv6Type::kNeighbourSolicitation, "fe80::2")),
         ends(Exit::kNoIpv6, kIpv4Only)},
        {"its IPv4 is not disturbed", on(kPrimaryPort, packet(24)),
         leaves({kIpv4Only, kAdatumCore}, frame()
                                              .to(mac_behind(kAdatumCore))
                                              .from(kRouterMac)
                                              .tag(0x8100, 301)
                                              .ipv4("10.1.0.10", "10.2.0.10")
                                              .udp(4'000, 53)
                                              .ttl(63))},
        {"a closed one counts what is wrong with the frame itself as such",
         on(kPrimaryPort, packet(42).to(kCustomerMac)),
         ends(Exit::kNotOurMac, row_of(kPrimaryPort))},
    });

}  // namespace
}  // namespace causeway::test
