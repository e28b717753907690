// SPDX-License-Identifier: Apache-2.0
#include "tests/packets/packet_table.h"

namespace causeway::test {
namespace {

const PacketTable kTxFull(
    "TxFull",
    {
        {"the way out has no room",
         on(kPrimaryPort, frame().tags(10, 100).ipv4("10.1.0.10", "10.2.0.10").udp(4'000, 53)),
         ends(Exit::kTxFull, kContosoPrimary), Given::kTransmitRingsFull},
        {"the way out has no room, from the core",
         on(kCorePort, frame().tags(500, 501).ipv4("10.9.0.9", "10.1.0.10").udp(53, 4'000)),
         ends(Exit::kTxFull, kFabrikamCore), Given::kTransmitRingsFull},
        {"a full transmit ring does not disturb what goes up",
         on(kPrimaryPort, frame().tags(10, 100).ipv4("10.1.0.10", "192.168.0.2").udp(4'000, 53)),
         ends(Exit::kLocal, kContosoPrimary), Given::kTransmitRingsFull},
    });

}  // namespace
}  // namespace causeway::test
