// SPDX-License-Identifier: Apache-2.0
//
// Both links forward at once; a dead one moves its own flows and nobody else's, without a change of
// any route.
#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <string>

#include "tests/packets/world.h"
#include "tests/support/frame_builder.h"

namespace causeway::test {
namespace {

constexpr unsigned kFlows = 4'000;
const PortId kEdges[] = {kPrimaryPort, kSecondaryPort};

// A prefix behind a primary and a secondary link, and a core to send from.
class ActiveActive : public testing::Test {
  protected:
    ActiveActive() {
        const VrfId vrf = bed_.vrf();
        const AttachmentId primary = bed_.attach(kPrimaryPort, 10, 100, vrf);
        const AttachmentId secondary = bed_.attach(kSecondaryPort, 10, 100, vrf);
        const AttachmentId core = bed_.attach(kCorePort, 300, 0, vrf);
        links_[0] = bed_.neighbour(primary, ip("192.168.0.1"), mac_behind(primary));
        links_[1] = bed_.neighbour(secondary, ip("192.168.0.5"), mac_behind(secondary));
        bed_.route(vrf, prefix("10.1.0.0/16"), bed_.group(links_));
        bed_.route(vrf, prefix("10.2.0.0/16"),
                   bed_.neighbour(core, ip("10.2.0.1"), mac_behind(core)));
        bed_.publish();
    }

    static FrameBuilder packet_of_flow(unsigned flow) {
        return frame()
            .tag(0x8100, 300)
            .ipv4("10.2.0." + std::to_string(flow % 250), "10.1.7." + std::to_string(flow % 200))
            .tcp(443, static_cast<std::uint16_t>(1'024 + flow));
    }

    // The port by which a packet leaves; nothing is lost or doubled on the way.
    PortId port_of(PortId in, const Frame& frame) {
        bed_.receive(in, frame);
        bed_.turn();
        std::map<PortId, std::size_t> sent;
        for (const PortId port : {kPrimaryPort, kSecondaryPort, kCorePort}) {
            if (const std::size_t count = bed_.sent(port).size(); count > 0) sent[port] = count;
        }
        EXPECT_EQ(sent.size(), 1U);
        if (sent.empty()) return PortId(15);
        EXPECT_EQ(sent.begin()->second, 1U);
        return sent.begin()->first;
    }

    std::vector<PortId> ports_of_all_flows() {
        std::vector<PortId> ports;
        for (unsigned flow = 0; flow < kFlows; ++flow) {
            ports.push_back(port_of(kCorePort, packet_of_flow(flow).bytes()));
        }
        return ports;
    }

    TestBed bed_{{.ports = 3, .packets = 1'023, .ring_size = 64, .burst_size = 32}};
    NextHopId links_[2];
};

TEST_F(ActiveActive, both_links_carry_about_half_of_the_flows) {
    std::map<PortId, unsigned> flows;
    for (const PortId port : ports_of_all_flows()) ++flows[port];
    ASSERT_EQ(flows.size(), 2U);
    for (const PortId edge : kEdges) {
        EXPECT_GT(flows[edge], kFlows * 45 / 100);
        EXPECT_LT(flows[edge], kFlows * 55 / 100);
    }
    EXPECT_EQ(bed_.unaccounted(), "");
}

TEST_F(ActiveActive, a_flow_stays_on_its_link) {
    const std::vector<PortId> before = ports_of_all_flows();
    EXPECT_EQ(ports_of_all_flows(), before);
}

TEST_F(ActiveActive, both_links_may_send_at_once) {
    const FrameBuilder packet = frame().ipv4("10.1.0.10", "10.2.0.10").udp(1, 2);
    EXPECT_EQ(port_of(kPrimaryPort, FrameBuilder(packet).tags(10, 100).bytes()), kCorePort);
    EXPECT_EQ(port_of(kSecondaryPort, FrameBuilder(packet).tags(10, 100).bytes()), kCorePort);
    EXPECT_EQ(bed_.unaccounted(), "");
}

TEST_F(ActiveActive, one_down_moves_only_its_own_flows) {
    for (const std::size_t dead : {0U, 1U}) {
        const std::vector<PortId> before = ports_of_all_flows();
        const NextHopInfo info = bed_.next_hops().info(links_[dead]);
        bed_.neighbour_down(links_[dead]);
        const std::vector<PortId> after = ports_of_all_flows();
        for (unsigned flow = 0; flow < kFlows; ++flow) {
            ASSERT_EQ(after[flow], kEdges[1 - dead]) << "flow " << flow;
        }
        // When it comes back, it gets back just what it had.
        const AttachmentId out = info.attachment;
        EXPECT_EQ(bed_.neighbour(out, info.address, mac_behind(out)), links_[dead]);
        EXPECT_EQ(ports_of_all_flows(), before);
    }
    EXPECT_EQ(bed_.unaccounted(), "");
}

TEST_F(ActiveActive, both_down_and_packets_go_up_to_be_answered) {
    bed_.neighbour_down(links_[0]);
    bed_.neighbour_down(links_[1]);
    bed_.receive(kCorePort, packet_of_flow(1).bytes());
    bed_.turn();
    std::vector<Packet> punted = bed_.punted();
    ASSERT_EQ(punted.size(), 1U);
    EXPECT_EQ(punted[0].note().exit, Exit::kNextHopDown);
    EXPECT_EQ(bed_.unaccounted(), "");
}

TEST_F(ActiveActive, all_fragments_of_a_packet_go_the_same_way) {
    for (unsigned flow = 0; flow < 200; ++flow) {
        const auto fragment = [flow](std::uint16_t offset, std::uint16_t more) {
            return packet_of_flow(flow).fragment(offset, more).payload(64).bytes();
        };
        const PortId first = port_of(kCorePort, fragment(0, Ipv4Header::kMoreFragments));
        EXPECT_EQ(port_of(kCorePort, fragment(80, Ipv4Header::kMoreFragments)), first);
        EXPECT_EQ(port_of(kCorePort, fragment(160, 0)), first);
    }
}

}  // namespace
}  // namespace causeway::test
