// SPDX-License-Identifier: Apache-2.0
#include "tests/packets/packet_table.h"

namespace causeway::test {
namespace {

// RFC 1812 5.2.2, check by check; and what is no IPv4 at all.
FrameBuilder packet() {
    return frame().tags(10, 100).ipv4("10.1.0.10", "10.2.0.10").udp(4'000, 53).payload(16);
}
FrameBuilder in_the_cloud() {
    return frame()
        .to(mac_behind(kContosoCore))
        .from(kRouterMac)
        .tag(0x8100, 300)
        .ipv4("10.1.0.10", "10.2.0.10")
        .udp(4'000, 53)
        .payload(16)
        .ttl(63);
}
constexpr std::size_t kTagged = 22;  // bytes of layer 2

const PacketTable kSanity(
    "Sanity",
    {
        {"a header without options", on(kPrimaryPort, packet()),
         leaves({kContosoPrimary, kContosoCore}, in_the_cloud())},
        {"a header with forty bytes of options", on(kPrimaryPort, packet().options(40)),
         leaves({kContosoPrimary, kContosoCore}, in_the_cloud().options(40))},
        {"a header and nothing else",
         on(kPrimaryPort, frame().tags(10, 100).ipv4("10.1.0.10", "10.2.0.10")),
         leaves({kContosoPrimary, kContosoCore}, frame()
                                                     .to(mac_behind(kContosoCore))
                                                     .from(kRouterMac)
                                                     .tag(0x8100, 300)
                                                     .ipv4("10.1.0.10", "10.2.0.10")
                                                     .ttl(63))},

        {"a frame that ends within the header", on(kPrimaryPort, packet().cut_to(kTagged + 19)),
         ends(Exit::kTruncatedFrame, kContosoPrimary)},
        {"a frame that ends within the options",
         on(kPrimaryPort, packet().options(40).cut_to(kTagged + 59)),
         ends(Exit::kBadIpv4Length, kContosoPrimary)},
        {"a frame that ends before the packet does",
         on(kPrimaryPort, packet().cut_to(kTagged + 43)),
         ends(Exit::kBadIpv4Length, kContosoPrimary)},
        {"version 6 under IPv4's EtherType", on(kPrimaryPort, packet().first_byte(0x65)),
         ends(Exit::kBadIpv4Header, kContosoPrimary)},
        {"version 0", on(kPrimaryPort, packet().first_byte(0x05)),
         ends(Exit::kBadIpv4Header, kContosoPrimary)},
        {"a header of sixteen bytes", on(kPrimaryPort, packet().first_byte(0x44)),
         ends(Exit::kBadIpv4Header, kContosoPrimary)},
        {"a header of no bytes", on(kPrimaryPort, packet().first_byte(0x40)),
         ends(Exit::kBadIpv4Header, kContosoPrimary)},
        {"a header longer than the frame", on(kPrimaryPort, packet().first_byte(0x4f)),
         ends(Exit::kBadIpv4Length, kContosoPrimary)},
        {"a total length of less than the header", on(kPrimaryPort, packet().total_length(19)),
         ends(Exit::kBadIpv4Length, kContosoPrimary)},
        {"a total length of less than header and options",
         on(kPrimaryPort, packet().options(8).total_length(27)),
         ends(Exit::kBadIpv4Length, kContosoPrimary)},
        {"a total length of 0", on(kPrimaryPort, packet().total_length(0)),
         ends(Exit::kBadIpv4Length, kContosoPrimary)},
        {"a total length of one byte more than there is",
         on(kPrimaryPort, packet().total_length(45)), ends(Exit::kBadIpv4Length, kContosoPrimary)},
        {"a total length of 65535", on(kPrimaryPort, packet().total_length(65'535)),
         ends(Exit::kBadIpv4Length, kContosoPrimary)},
        {"a wrong checksum", on(kPrimaryPort, packet().bad_checksum()),
         ends(Exit::kBadIpv4Checksum, kContosoPrimary)},
        {"a wrong checksum over options", on(kPrimaryPort, packet().options(4).bad_checksum()),
         ends(Exit::kBadIpv4Checksum, kContosoPrimary)},

        {"a length in place of the EtherType", on(kPrimaryPort, packet().type(0x0026)),
         ends(Exit::kUnknownEtherType, kContosoPrimary)},
        {"PPPoE", on(kPrimaryPort, packet().type(0x8864)),
         ends(Exit::kUnknownEtherType, kContosoPrimary)},
    });

}  // namespace
}  // namespace causeway::test
