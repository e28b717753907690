// SPDX-License-Identifier: Apache-2.0
#include "tests/packets/packet_table.h"

namespace causeway::test {
namespace {

constexpr std::uint16_t kCoreMtu = 1'400;

FrameBuilder packet() {
    return frame().tags(10, 100).ipv4("10.1.0.10", "10.2.0.10").udp(4'000, 53);
}
FrameBuilder in_the_cloud() {
    return frame()
        .to(mac_behind(kContosoCore))
        .from(kRouterMac)
        .tag(0x8100, 300)
        .ipv4("10.1.0.10", "10.2.0.10")
        .udp(4'000, 53)
        .ttl(63);
}
// Payload that makes a UDP packet this long.
constexpr std::size_t fill(std::size_t total) {
    return total - 28;
}

const PacketTable kTtl(
    "Ttl",
    {
        {"a TTL of 64 becomes 63", on(kPrimaryPort, packet()),
         leaves({kContosoPrimary, kContosoCore}, in_the_cloud())},
        {"a TTL of 255 becomes 254", on(kPrimaryPort, packet().ttl(255)),
         leaves({kContosoPrimary, kContosoCore}, in_the_cloud().ttl(254))},
        {"a TTL of 2 becomes 1 and still goes", on(kPrimaryPort, packet().ttl(2)),
         leaves({kContosoPrimary, kContosoCore}, in_the_cloud().ttl(1))},
        {"a TTL of 1 expires", on(kPrimaryPort, packet().ttl(1)),
         ends(Exit::kTtlExpired, kContosoPrimary)},
        {"a TTL of 0 expires", on(kPrimaryPort, packet().ttl(0)),
         ends(Exit::kTtlExpired, kContosoPrimary)},
        {"to ourselves the TTL does not matter",
         on(kPrimaryPort,
            frame().tags(10, 100).ipv4("10.1.0.10", "192.168.0.2").echo_request(1, 1).ttl(1)),
         ends(Exit::kLocal, kContosoPrimary)},
        {"the checksum stays right with options", on(kPrimaryPort, packet().options(12).ttl(17)),
         leaves({kContosoPrimary, kContosoCore}, in_the_cloud().options(12).ttl(16))},
    });

const PacketTable kMtu(
    "Mtu",
    {
        {"as long as the MTU of the way out", on(kPrimaryPort, packet().payload(fill(kCoreMtu))),
         leaves({kContosoPrimary, kContosoCore}, in_the_cloud().payload(fill(kCoreMtu)))},
        {"one byte longer", on(kPrimaryPort, packet().payload(fill(kCoreMtu + 1))),
         ends(Exit::kTooBig, kContosoPrimary)},
        {"one byte longer, not to be fragmented",
         on(kPrimaryPort, packet().payload(fill(kCoreMtu + 1)).dont_fragment()),
         ends(Exit::kTooBig, kContosoPrimary)},
        {"one byte longer and expired: it expires",
         on(kPrimaryPort, packet().payload(fill(kCoreMtu + 1)).ttl(1)),
         ends(Exit::kTtlExpired, kContosoPrimary)},
        {"padding behind the packet does not count",
         on(kPrimaryPort, packet().payload(fill(kCoreMtu)).pad_to(22 + kCoreMtu + 50)),
         leaves({kContosoPrimary, kContosoCore}, in_the_cloud().payload(fill(kCoreMtu)))},
        {"the full 1500 where the way out takes them",
         on(kPrimaryPort,
            frame().tags(20, 100).ipv4("10.1.0.10", "10.2.0.10").udp(1, 2).payload(fill(1'500))),
         leaves({kAdatumPrimary, kAdatumCore}, frame()
                                                   .to(mac_behind(kAdatumCore))
                                                   .from(kRouterMac)
                                                   .tag(0x8100, 301)
                                                   .ipv4("10.1.0.10", "10.2.0.10")
                                                   .udp(1, 2)
                                                   .payload(fill(1'500))
                                                   .ttl(63))},
    });

}  // namespace
}  // namespace causeway::test
