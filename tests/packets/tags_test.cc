// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include "base/headers.h"
#include "tests/packets/packet_table.h"

namespace causeway::test {
namespace {

// A packet of contoso's that would go its way if its tags were right.
FrameBuilder packet() {
    return frame().ipv4("10.1.0.10", "10.2.0.10").udp(4'000, 53);
}
FrameBuilder answer() {
    return frame().ipv4("10.2.0.10", "10.1.0.10").udp(53, 4'000);
}

// What leaves on contoso's VLAN of the core port.
FrameBuilder in_the_cloud() {
    return packet().to(mac_behind(kContosoCore)).from(kRouterMac).tag(0x8100, 300).ttl(63);
}

const PacketTable kTags(
    "Tags",
    {
        {"two tags of 0x8100", on(kPrimaryPort, packet().tags(10, 100)),
         leaves({kContosoPrimary, kContosoCore}, in_the_cloud())},
        {"0x88a8 and 0x8100 where the port is set to them",
         on(kSecondaryPort, packet().tag(0x88a8, 10).tag(0x8100, 100)),
         leaves({kContosoSecondary, kContosoCore}, in_the_cloud())},
        {"priority bits and the drop-eligible bit name no customer",
         on(kPrimaryPort, packet().tag(0x8100, 0x1000 | 10, 7).tag(0x8100, 100, 5)),
         leaves({kContosoPrimary, kContosoCore}, in_the_cloud())},
        {"one tag where the attachment has one", on(kPrimaryPort, answer().tag(0x8100, 30)),
         leaves({kFabrikam, kFabrikam},
                answer().to(mac_behind(kFabrikam)).from(kRouterMac).tag(0x8100, 30).ttl(63))},
        {"one tag of the core port",
         on(kCorePort, frame().tag(0x8100, 300).ipv4("10.2.0.10", "10.2.200.7").udp(53, 4'000)),
         leaves({kContosoCore, kContosoSecondary}, frame()
                                                       .to(mac_behind(kContosoSecondary))
                                                       .from(kRouterMac)
                                                       .tag(0x88a8, 10)
                                                       .tag(0x8100, 100)
                                                       .ipv4("10.2.0.10", "10.2.200.7")
                                                       .udp(53, 4'000)
                                                       .ttl(63))},
        {"the same C-tag under another S-tag is another customer",
         on(kPrimaryPort, packet().tags(20, 100)),
         leaves({kAdatumPrimary, kAdatumCore},
                packet().to(mac_behind(kAdatumCore)).from(kRouterMac).tag(0x8100, 301).ttl(63))},
        {"both legs on one port under two S-tags", on(kPrimaryPort, packet().tags(21, 100)),
         leaves({kAdatumSecondary, kAdatumCore},
                packet().to(mac_behind(kAdatumCore)).from(kRouterMac).tag(0x8100, 301).ttl(63))},

        {"no tag", on(kPrimaryPort, packet()), ends(Exit::kUntagged, row_of(kPrimaryPort))},
        {"no tag on the core port", on(kCorePort, packet()),
         ends(Exit::kUntagged, row_of(kCorePort))},
        {"a tag type nobody knows", on(kPrimaryPort, packet().tag(0x9100, 10).tag(0x8100, 100)),
         ends(Exit::kUntagged, row_of(kPrimaryPort))},
        {"outer VID 0", on(kPrimaryPort, packet().tags(0, 100)),
         ends(Exit::kPriorityTagged, row_of(kPrimaryPort))},
        {"inner VID 0", on(kPrimaryPort, packet().tags(10, 0)),
         ends(Exit::kPriorityTagged, row_of(kPrimaryPort))},
        {"VID 0 alone", on(kPrimaryPort, packet().tag(0x8100, 0, 7)),
         ends(Exit::kPriorityTagged, row_of(kPrimaryPort))},
        {"outer VID 4095", on(kPrimaryPort, packet().tags(4095, 100)),
         ends(Exit::kReservedVid, row_of(kPrimaryPort))},
        {"inner VID 4095", on(kPrimaryPort, packet().tags(10, 4095)),
         ends(Exit::kReservedVid, row_of(kPrimaryPort))},
        {"VID 4095 alone", on(kPrimaryPort, packet().tag(0x8100, 4095)),
         ends(Exit::kReservedVid, row_of(kPrimaryPort))},
        {"three tags", on(kPrimaryPort, packet().tags(10, 100).tag(0x8100, 100)),
         ends(Exit::kTripleTagged, row_of(kPrimaryPort))},
        {"three tags, the third of the other type",
         on(kPrimaryPort, packet().tags(10, 100).tag(0x88a8, 100)),
         ends(Exit::kTripleTagged, row_of(kPrimaryPort))},
        {"0x88a8 outside on a port of 0x8100",
         on(kPrimaryPort, packet().tag(0x88a8, 10).tag(0x8100, 100)),
         ends(Exit::kWrongTpid, row_of(kPrimaryPort))},
        {"0x88a8 inside on a port of 0x8100",
         on(kPrimaryPort, packet().tag(0x8100, 10).tag(0x88a8, 100)),
         ends(Exit::kWrongTpid, row_of(kPrimaryPort))},
        {"0x8100 outside on a port of 0x88a8", on(kSecondaryPort, packet().tags(10, 100)),
         ends(Exit::kWrongTpid, row_of(kSecondaryPort))},
        {"an S-tag nobody has", on(kPrimaryPort, packet().tags(11, 100)),
         ends(Exit::kUnknownTags, row_of(kPrimaryPort))},
        {"a C-tag nobody has under this S-tag", on(kPrimaryPort, packet().tags(10, 101)),
         ends(Exit::kUnknownTags, row_of(kPrimaryPort))},
        {"the S-tag without its C-tag", on(kPrimaryPort, packet().tag(0x8100, 10)),
         ends(Exit::kUnknownTags, row_of(kPrimaryPort))},
        {"a single-tagged customer's tag with another inside",
         on(kPrimaryPort, packet().tags(30, 100)), ends(Exit::kUnknownTags, row_of(kPrimaryPort))},
        {"tags that are known on another port only", on(kCorePort, packet().tags(10, 100)),
         ends(Exit::kUnknownTags, row_of(kCorePort))},
        {"a frame that ends in its outer tag", on(kPrimaryPort, packet().tags(10, 100).cut_to(15)),
         ends(Exit::kTruncatedFrame, row_of(kPrimaryPort))},
        {"a frame that ends in its inner tag", on(kPrimaryPort, packet().tags(10, 100).cut_to(21)),
         ends(Exit::kTruncatedFrame, row_of(kPrimaryPort))},
        {"a frame of thirteen bytes", on(kPrimaryPort, packet().tags(10, 100).cut_to(13)),
         ends(Exit::kTruncatedFrame, row_of(kPrimaryPort))},
        {"a frame of no bytes", on(kPrimaryPort, packet().tags(10, 100).cut_to(0)),
         ends(Exit::kTruncatedFrame, row_of(kPrimaryPort))},
        {"tags and nothing behind", on(kPrimaryPort, packet().tags(10, 100).cut_to(22)),
         ends(Exit::kTruncatedFrame, kContosoPrimary)},

        {"another station's MAC address", on(kPrimaryPort, packet().to(kCustomerMac).tags(10, 100)),
         ends(Exit::kNotOurMac, row_of(kPrimaryPort))},
        {"an IPv4 packet that came as a broadcast",
         on(kPrimaryPort, packet().to(kBroadcastMac).tags(10, 100)),
         ends(Exit::kNotOurMac, row_of(kPrimaryPort))},
        {"a multicast group's MAC address",
         on(kPrimaryPort, packet().to({{0x01, 0x00, 0x5e, 0, 0, 5}}).tags(10, 100)),
         ends(Exit::kNotOurMac, row_of(kPrimaryPort))},
        {"our MAC address but for its last bit",
         on(kPrimaryPort, packet().to({{0x02, 0xca, 0, 0, 0, 0}}).tags(10, 100)),
         ends(Exit::kNotOurMac, row_of(kPrimaryPort))},
    });

// What an earlier frame left in the buffer would be a customer's good packet.
TEST(Tags, nothing_is_read_behind_the_end_of_a_frame) {
    World world;
    TestBed& bed = world.bed();
    const auto expect_truncated = [&](const Frame& frame, std::uint16_t bytes, AttachmentId row) {
        const std::uint64_t before = bed.counters().exits(row, Exit::kTruncatedFrame);
        bed.receive(kPrimaryPort, frame);
        void* object = nullptr;
        ASSERT_EQ(rte_ring_dequeue(bed.rx_ring(kPrimaryPort), &object), 0);
        auto* const mbuf = static_cast<rte_mbuf*>(object);
        mbuf->data_len = bytes;
        mbuf->pkt_len = bytes;
        ASSERT_EQ(rte_ring_enqueue(bed.rx_ring(kPrimaryPort), mbuf), 0);
        bed.turn();
        EXPECT_EQ(bed.counters().exits(row, Exit::kTruncatedFrame), before + 1) << bytes;
        EXPECT_EQ(bed.unaccounted(), "");
    };
    for (std::uint16_t bytes = 0; bytes < 22 + sizeof(Ipv4Header); ++bytes) {
        const AttachmentId row = bytes < 22 ? row_of(kPrimaryPort) : kContosoPrimary;
        expect_truncated(packet().tags(10, 100).bytes(), bytes, row);
    }
    for (std::uint16_t bytes = 0; bytes < 18 + sizeof(Ipv4Header); ++bytes) {
        const AttachmentId row = bytes < 18 ? row_of(kPrimaryPort) : kFabrikam;
        expect_truncated(answer().tag(0x8100, 30).bytes(), bytes, row);
    }
}

}  // namespace
}  // namespace causeway::test
