// SPDX-License-Identifier: Apache-2.0
#include "tests/packets/packet_table.h"

namespace causeway::test {
namespace {

// RFC 1812 5.3.7: addresses that no packet on the wire may have.
Row from_source(const char* says, const char* source, Outcome outcome) {
    return {.says = says,
            .in = on(kPrimaryPort, frame().tags(10, 100).ipv4(source, "10.2.0.10").udp(1, 2)),
            .out = std::move(outcome)};
}

Row to_destination(const char* says, const char* destination, Outcome outcome) {
    return {.says = says,
            .in = on(kPrimaryPort, frame().tags(10, 100).ipv4("10.1.0.10", destination).udp(1, 2)),
            .out = std::move(outcome)};
}

Outcome passes_from(const char* source) {
    return leaves({kContosoPrimary, kContosoCore}, frame()
                                                       .to(mac_behind(kContosoCore))
                                                       .from(kRouterMac)
                                                       .tag(0x8100, 300)
                                                       .ipv4(source, "10.2.0.10")
                                                       .udp(1, 2)
                                                       .ttl(63));
}

const Outcome kBadSource = ends(Exit::kMartianSource, kContosoPrimary);
const Outcome kBadDestination = ends(Exit::kMartianDestination, kContosoPrimary);
const Outcome kNoRouteThere = ends(Exit::kNoRoute, kContosoPrimary);

const PacketTable kMartians(
    "Martians",
    {
        from_source("from 0/8, first", "0.0.0.0", kBadSource),
        from_source("from 0/8, last", "0.255.255.255", kBadSource),
        from_source("from 1/8, first", "1.0.0.0", passes_from("1.0.0.0")),
        from_source("from 126/8, last", "126.255.255.255", passes_from("126.255.255.255")),
        from_source("from loopback, first", "127.0.0.0", kBadSource),
        from_source("from loopback, last", "127.255.255.255", kBadSource),
        from_source("from 128/8, first", "128.0.0.0", passes_from("128.0.0.0")),
        from_source("from before link-local", "169.253.255.255", passes_from("169.253.255.255")),
        from_source("from link-local, first", "169.254.0.0", kBadSource),
        from_source("from link-local, last", "169.254.255.255", kBadSource),
        from_source("from behind link-local", "169.255.0.0", passes_from("169.255.0.0")),
        from_source("from 223/8, last", "223.255.255.255", passes_from("223.255.255.255")),
        from_source("from multicast", "224.0.0.0", kBadSource),
        from_source("from multicast, last", "239.255.255.255", kBadSource),
        from_source("from class E", "240.0.0.0", kBadSource),
        from_source("from everybody", "255.255.255.255", kBadSource),
        from_source("from its own destination", "10.2.0.10", kBadSource),

        to_destination("to 0/8", "0.0.0.1", kBadDestination),
        to_destination("to loopback", "127.0.0.1", kBadDestination),
        to_destination("to link-local", "169.254.169.254", kBadDestination),
        to_destination("to beside link-local", "169.255.169.254", kNoRouteThere),
        to_destination("to multicast", "224.0.0.5", kBadDestination),
        to_destination("to class E", "240.0.0.1", kBadDestination),
        to_destination("to everybody", "255.255.255.255", kBadDestination),
        to_destination("to 223/8, last", "223.255.255.255", kNoRouteThere),
    });

}  // namespace
}  // namespace causeway::test
