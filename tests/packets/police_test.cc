// SPDX-License-Identifier: Apache-2.0
//
// Bandwidth in the walk: which bytes count where, and voice apart.
#include <gtest/gtest.h>
#include <rte_cycles.h>

#include "dataplane/policer.h"
#include "tests/packets/packet_table.h"

namespace causeway::test {
namespace {

FrameBuilder fabrikam() {
    return frame().tag(0x8100, 30).ipv4("10.1.0.10", "10.9.0.10").udp(1, 2);
}

const PacketTable kRates("Rates",
                         {
                             {"more than the peering may", on(kPrimaryPort, fabrikam()),
                              ends(Exit::kOverPeeringRate, kFabrikam), Given::kPeeringRateExceeded},
                             {"more than the circuit may", on(kPrimaryPort, fabrikam()),
                              ends(Exit::kOverCircuitRate, kFabrikam), Given::kCircuitRateExceeded},
                         });

// Buckets that refill so slowly that a test sees what they hold.
class PoliceTest : public testing::Test {
  protected:
    static PolicerRate burst(std::uint64_t bytes) {
        return {.bytes_per_second = 1, .burst_bytes = bytes};
    }
    void send(PortId port, const FrameBuilder& frame, int count) {
        for (int k = 0; k < count; ++k) world_.bed().receive(port, frame.bytes());
        world_.bed().turn();
    }
    std::size_t sent(PortId port) { return world_.bed().sent(port).size(); }

    World world_;
    TestBed& bed_ = world_.bed();
    const std::uint64_t hz_ = rte_get_tsc_hz();
    const std::uint64_t now_ = rte_rdtsc();
};

TEST_F(PoliceTest, counts_layer_2_with_tags_on_both_ways) {
    Policer in(hz_, burst(10 * 146), now_);  // 100 bytes of payload, 28 of headers, one tag
    Policer out(hz_, burst(7 * 150), now_);  // the core has two
    const PolicePlan plan_in{.rest = {.peering = &in}};
    const PolicePlan plan_out{.rest = {.circuit = &out}};
    bed_.set_policy(kFabrikam, {.police_in = &plan_in});
    bed_.publish();
    const FrameBuilder packet = fabrikam().payload(100);
    ASSERT_EQ(packet.bytes().size(), 146U);
    send(kPrimaryPort, packet, 12);
    EXPECT_EQ(sent(kCorePort), 10U);
    EXPECT_EQ(in.dropped_packets(), 2U);
    EXPECT_EQ(in.dropped_bytes(), 2U * 146);
    EXPECT_EQ(bed_.counters().exits(kFabrikam, Exit::kOverPeeringRate), 2U);

    bed_.set_policy(kFabrikam, {});
    bed_.set_policy(kFabrikamCore, {.police_out = &plan_out});
    bed_.publish();
    send(kPrimaryPort, packet, 12);
    EXPECT_EQ(sent(kCorePort), 7U);
    EXPECT_EQ(bed_.counters().exits(kFabrikam, Exit::kOverCircuitRate), 5U);
    EXPECT_EQ(bed_.unaccounted(), "");
}

// What had been taken stays taken, and counts go on.
TEST_F(PoliceTest, a_new_burst_is_in_force_with_the_next_packets) {
    Policer in(hz_, burst(10 * 146), now_);
    const PolicePlan plan{.rest = {.peering = &in}};
    bed_.set_policy(kFabrikam, {.police_in = &plan});
    bed_.publish();
    const FrameBuilder packet = fabrikam().payload(100);
    send(kPrimaryPort, packet, 12);
    EXPECT_EQ(sent(kCorePort), 10U);
    in.set_rate(burst(15 * 146), rte_rdtsc());
    send(kPrimaryPort, packet, 12);
    EXPECT_EQ(sent(kCorePort), 5U);
    in.set_rate(burst(4 * 146), rte_rdtsc());
    send(kPrimaryPort, packet, 3);
    EXPECT_EQ(sent(kCorePort), 0U);
    EXPECT_EQ(in.dropped_packets(), 2U + 7 + 3);
    EXPECT_EQ(in.dropped_bytes(), 12U * 146);
    EXPECT_EQ(bed_.counters().exits(kFabrikam, Exit::kOverPeeringRate), 12U);
    EXPECT_EQ(bed_.unaccounted(), "");
}

TEST_F(PoliceTest, voice_has_buckets_of_its_own) {
    Policer rest(hz_, burst(100), now_);
    Policer voice(hz_, burst(10'000), now_);
    const PolicePlan plan{.rest = {.circuit = &rest}, .expedited = {.circuit = &voice}};
    bed_.set_policy(kFabrikam, {.police_in = &plan});
    bed_.publish();
    for (int k = 0; k < 4; ++k) {
        bed_.receive(kPrimaryPort, fabrikam().payload(100).bytes());
        bed_.receive(kPrimaryPort, fabrikam().payload(100).dscp_ecn(46 << 2).bytes());
    }
    bed_.turn();
    EXPECT_EQ(sent(kCorePort), 4U);
    EXPECT_EQ(rest.dropped_packets(), 4U);
    EXPECT_EQ(voice.dropped_packets(), 0U);
}

TEST_F(PoliceTest, the_legs_of_a_circuit_share_nothing_and_its_peerings_share_a_level) {
    Policer circuit(hz_, burst(3 * 150), now_);
    const PolicePlan plan{.rest = {.circuit = &circuit}};
    for (const AttachmentId leg : {kAdatumPrimary, kContosoPrimary}) {
        bed_.set_policy(leg, {.police_in = &plan});
    }
    bed_.publish();
    const FrameBuilder rest = frame().ipv4("10.1.0.10", "10.2.0.10").udp(1, 2).payload(100);
    for (int k = 0; k < 2; ++k) {
        bed_.receive(kPrimaryPort, FrameBuilder(rest).tags(20, 100).bytes());
        bed_.receive(kPrimaryPort, FrameBuilder(rest).tags(10, 100).bytes());
        bed_.receive(kPrimaryPort, FrameBuilder(rest).tags(21, 100).bytes());  // not policed
    }
    bed_.turn();
    EXPECT_EQ(sent(kCorePort), 3U + 2);
    EXPECT_EQ(circuit.dropped_packets(), 1U);
}

}  // namespace
}  // namespace causeway::test
