// SPDX-License-Identifier: Apache-2.0
//
// Which addresses an IPv6 packet may have, and which packets are for ourselves: Neighbour Discovery
// (RFC 4861) and the rest.
#include "base/ipv6.h"
#include "tests/packets/packet_table.h"

namespace causeway::test {
namespace {

Row from_source(const char* says, const char* source, Outcome outcome) {
    return {.says = says,
            .in = on(kPrimaryPort, frame().tags(10, 100).ipv6(source, "2001:db8:2::10").udp(1, 2)),
            .out = std::move(outcome)};
}
Row to_destination(const char* says, const char* destination, Outcome outcome) {
    return {
        .says = says,
        .in = on(kPrimaryPort, frame().tags(10, 100).ipv6("2001:db8:1::10", destination).udp(1, 2)),
        .out = std::move(outcome)};
}
Outcome passes_from(const char* source) {
    return leaves({kContosoPrimary, kContosoCore}, frame()
                                                       .to(mac_behind(kContosoCore))
                                                       .from(kRouterMac)
                                                       .tag(0x8100, 300)
                                                       .ipv6(source, "2001:db8:2::10")
                                                       .udp(1, 2)
                                                       .ttl(63));
}

const Outcome kBadSource = ends(Exit::kMartianSource, kContosoPrimary);
const Outcome kBadDestination = ends(Exit::kMartianDestination, kContosoPrimary);
const Outcome kNoRouteThere = ends(Exit::kNoRoute, kContosoPrimary);
const Outcome kDiscovery = ends(Exit::kNeighbourDiscovery, kContosoPrimary);
const Outcome kForUs = ends(Exit::kLocal, kContosoPrimary);
const Outcome kForOthers = ends(Exit::kNotOurMac, row_of(kPrimaryPort));

const PacketTable kMartians(
    "Ipv6Martians",
    {
        from_source("from ::", "::", kBadSource),
        from_source("from ::1", "::1", kBadSource),
        from_source("from behind ::1", "::2", passes_from("::2")),
        from_source("from before the mapped ones", "::fffe:ffff:ffff",
                    passes_from("::fffe:ffff:ffff")),
        from_source("from a mapped one, first", "::ffff:0:0", kBadSource),
        from_source("from a mapped one, last", "::ffff:255.255.255.255", kBadSource),
        from_source("from behind the mapped ones", "::1:0:0:0", passes_from("::1:0:0:0")),
        from_source("from translated IPv4", "64:ff9b::a01:1", passes_from("64:ff9b::a01:1")),
        from_source("from a unique local address", "fdff:ffff::1", passes_from("fdff:ffff::1")),
        from_source("from before link-local of IPv6", "fe7f:ffff::1", passes_from("fe7f:ffff::1")),
        from_source("from link-local of IPv6, first", "fe80::", kBadSource),
        from_source("from link-local of IPv6, last", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                    kBadSource),
        from_source("from behind link-local of IPv6", "fec0::", passes_from("fec0::")),
        from_source("from before multicast of IPv6", "feff::1", passes_from("feff::1")),
        from_source("from multicast of IPv6, first", "ff00::", kBadSource),
        from_source("from multicast of IPv6, last", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                    kBadSource),
        from_source("from its own destination of IPv6", "2001:db8:2::10", kBadSource),

        to_destination("to ::", "::", kBadDestination),
        to_destination("to ::1", "::1", kBadDestination),
        to_destination("to behind ::1", "::2", kNoRouteThere),
        to_destination("to a mapped one", "::ffff:10.2.0.10", kBadDestination),
        to_destination("to beside the mapped ones", "::1:0:0:1", kNoRouteThere),
        to_destination("to before link-local of IPv6", "fe7f:ffff::1", kNoRouteThere),
        to_destination("to behind link-local of IPv6", "fec0::1", kNoRouteThere),
        to_destination("to all routers", "ff02::2", kBadDestination),
        to_destination("to a group beyond the link", "ff0e::1", kBadDestination),
        to_destination("to all nodes, but no Neighbour Discovery", "ff02::1", kBadDestination),
        {"a link-local source has no route to ask for",
         on(kPrimaryPort, frame().tags(10, 100).ipv6("fe80::1", "2600::1").udp(1, 2)), kBadSource},
    });

// A message as a neighbour sends it; and each thing that makes it none.
FrameBuilder solicitation(const char* source, const char* destination) {
    return frame()
        .tags(10, 100)
        .ipv6(source, destination)
        .neighbour_discovery(Icmpv6Type::kNeighbourSolicitation, "2001:db8::2");
}
FrameBuilder to_group(const char* source, const char* group = "ff02::1:ff00:2") {
    return solicitation(source, group).to(multicast_mac(ip6(group)));
}
FrameBuilder of_type(int type) {
    return solicitation("fe80::1", "2001:db8::2").icmpv6(static_cast<Icmpv6Type>(type)).payload(16);
}

const PacketTable kNeighbourDiscovery(
    "NeighbourDiscovery",
    {
        {"a solicitation of our address by its group", on(kPrimaryPort, to_group("fe80::1")),
         kDiscovery},
        {"a solicitation from a global address", on(kPrimaryPort, to_group("2001:db8::1")),
         kDiscovery},
        {"a solicitation from nobody, who asks whether an address is free",
         on(kPrimaryPort, to_group("::")), kDiscovery},
        {"a solicitation to the group, but to our MAC address",
         on(kPrimaryPort, solicitation("fe80::1", "ff02::1:ff00:2")), kDiscovery},
        {"an advertisement to all nodes",
         on(kPrimaryPort,
            to_group("fe80::1", "ff02::1")
                .neighbour_discovery(Icmpv6Type::kNeighbourAdvertisement, "2001:db8::1")),
         kDiscovery},
        {"a solicitation to our address",
         on(kPrimaryPort, solicitation("2001:db8::1", "2001:db8::2")), kDiscovery},
        {"a solicitation from a link-local address to our address",
         on(kPrimaryPort, solicitation("fe80::1", "2001:db8::2")), kDiscovery},
        {"a solicitation between link-local addresses",
         on(kPrimaryPort, solicitation("fe80::1", "fe80::2")), kDiscovery},
        {"a solicitation of a single-tagged customer",
         on(kPrimaryPort, frame()
                              .to(multicast_mac(ip6("ff02::1:ff00:2")))
                              .tag(0x8100, 30)
                              .ipv6("fe80::1", "ff02::1:ff00:2")
                              .neighbour_discovery(Icmpv6Type::kNeighbourSolicitation, "::2")),
         ends(Exit::kNeighbourDiscovery, kFabrikam)},
        {"router solicitation, first of the five", on(kPrimaryPort, of_type(133)), kDiscovery},
        {"redirect, last of the five", on(kPrimaryPort, of_type(137)), kDiscovery},
        {"the type before the five", on(kPrimaryPort, of_type(132)), kForUs},
        {"the type behind the five", on(kPrimaryPort, of_type(138)), kForUs},
        {"as short as an ICMPv6 header",
         on(kPrimaryPort,
            solicitation("fe80::1", "2001:db8::2").icmpv6(Icmpv6Type::kNeighbourSolicitation)),
         kDiscovery},
        {"a byte too short for an ICMPv6 header",
         on(kPrimaryPort, solicitation("fe80::1", "2001:db8::2").payload_length(7)), kForUs},
        {"a solicitation that a router has forwarded",
         on(kPrimaryPort, solicitation("2001:db8::1", "2001:db8::2").ttl(254)), kForUs},
        {"a solicitation to the group that a router has forwarded",
         on(kPrimaryPort, to_group("2001:db8::1").ttl(254)), kBadDestination},
        {"a solicitation in UDP", on(kPrimaryPort, to_group("fe80::1").udp(135, 0)),
         kBadDestination},
        {"a solicitation from nobody to our address",
         on(kPrimaryPort, solicitation("::", "2001:db8::2")), kBadSource},
        {"a solicitation from nobody to a link-local address",
         on(kPrimaryPort, solicitation("::", "fe80::2")), kBadSource},
        {"a solicitation to somebody else's address is forwarded like any packet",
         on(kPrimaryPort, solicitation("2001:db8:1::10", "2001:db8:2::10")),
         leaves({kContosoPrimary, kContosoCore},
                frame()
                    .to(mac_behind(kContosoCore))
                    .from(kRouterMac)
                    .tag(0x8100, 300)
                    .ipv6("2001:db8:1::10", "2001:db8:2::10")
                    .neighbour_discovery(Icmpv6Type::kNeighbourSolicitation, "2001:db8::2")
                    .ttl(254))},
        {"a solicitation on a closed attachment",
         on(kPrimaryPort, frame()
                              .to(multicast_mac(ip6("ff02::1:ff00:2")))
                              .tags(42, 100)
                              .ipv6("fe80::1", "ff02::1:ff00:2")
                              .neighbour_discovery(Icmpv6Type::kNeighbourSolicitation, "::2")),
         ends(Exit::kAdminDown, kTakenDown)},

        {"another group's MAC address",
         on(kPrimaryPort,
            solicitation("fe80::1", "ff02::1:ff00:2").to(multicast_mac(ip6("ff02::1:ff00:3")))),
         kForOthers},
        {"all routers' MAC address", on(kPrimaryPort, to_group("fe80::1", "ff02::2")), kForOthers},
        {"a group's MAC address, but our own address in the packet",
         on(kPrimaryPort,
            solicitation("fe80::1", "2001:db8::2").to(multicast_mac(ip6("ff02::1:ff00:2")))),
         kForOthers},
        {"a group's MAC address and a packet to be forwarded",
         on(kPrimaryPort,
            solicitation("2001:db8:1::10", "2001:db8:2::1").to(multicast_mac(ip6("ff02::1")))),
         kForOthers},
        {"IPv6 that came as a broadcast", on(kPrimaryPort, to_group("fe80::1").to(kBroadcastMac)),
         kForOthers},
        {"a group's MAC address and a frame that ends within the header",
         on(kPrimaryPort, to_group("fe80::1").cut_to(22 + 39)), kForOthers},
        {"IPv4 to the MAC address of all nodes",
         on(kPrimaryPort, frame()
                              .to(multicast_mac(ip6("ff02::1")))
                              .tags(10, 100)
                              .ipv4("10.1.0.10", "10.2.0.10")
                              .payload(40)),
         kForOthers},
    });

const PacketTable kLocal(
    "Ipv6Local",
    {
        to_destination("to our IPv6 address", "2001:db8::2", kForUs),
        to_destination("to our IPv6 address on the other leg", "2001:db8::6", kForUs),
        to_destination("to a link-local address, first", "fe80::", kForUs),
        to_destination("to a link-local address, last", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                       kForUs),
        {"from a link-local address to ours",
         on(kPrimaryPort,
            frame().tags(10, 100).ipv6("fe80::1", "2001:db8::2").icmpv6(Icmpv6Type::kEchoRequest)),
         kForUs},
        {"between link-local addresses",
         on(kPrimaryPort,
            frame().tags(10, 100).ipv6("fe80::1", "fe80::2").icmpv6(Icmpv6Type::kEchoRequest)),
         kForUs},
    });

}  // namespace
}  // namespace causeway::test
