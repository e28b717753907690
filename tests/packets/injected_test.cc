// SPDX-License-Identifier: Apache-2.0
//
// The control thread's own frames, on their way out through a worker.
#include <gtest/gtest.h>

#include "tests/packets/world.h"
#include "tests/support/frame_builder.h"

namespace causeway::test {
namespace {

class Injected : public testing::Test {
  protected:
    // A finished frame for an attachment, with the note that says so.
    void inject(AttachmentId out, const Frame& frame) {
        auto packet = Packet::make(world_.bed().pool());
        ASSERT_TRUE(packet.has_value());
        ASSERT_TRUE(packet->resize(frame.size()));
        std::copy(frame.begin(), frame.end(), packet->bytes().begin());
        const SlowAttachment& leg = world_.attachment(out);
        packet->note() = {.attachment = out, .vrf = leg.vrf, .port = leg.port};
        world_.bed().inject(std::move(*packet));
    }

    World world_{{.ports = 3, .packets = 1'023, .ring_size = 64, .burst_size = 32}};
    TestBed& bed_ = world_.bed();
    Frame frame_ = frame().to(kCustomerMac).from(kRouterMac).tags(10, 100).type(0x88b5).bytes();
};

TEST_F(Injected, leaves_as_it_is_on_the_port_that_its_note_names) {
    for (const AttachmentId out : {kContosoPrimary, kContosoSecondary, kContosoCore}) {
        inject(out, frame_);
        bed_.turn();
        for (const PortId port : {kPrimaryPort, kSecondaryPort, kCorePort}) {
            const auto sent = bed_.sent(port);
            const bool is_its_port = port == world_.attachment(out).port;
            ASSERT_EQ(sent.size(), is_its_port ? 1U : 0U);
            if (!is_its_port) continue;
            EXPECT_EQ(sent[0], frame_);
        }
        EXPECT_EQ(bed_.counters().traffic(out).injected_packets.read(), 1U);
        EXPECT_EQ(bed_.counters().traffic(out).tx_packets.read(), 1U);
        EXPECT_EQ(bed_.counters().traffic(out).tx_bytes.read(), frame_.size());
        EXPECT_EQ(bed_.unaccounted(), "");
    }
}

TEST_F(Injected, keeps_its_order_and_follows_what_is_forwarded) {
    for (std::uint8_t i = 0; i < 5; ++i) {
        frame_.back() = i;
        inject(kContosoCore, frame_);
    }
    bed_.receive(kPrimaryPort,
                 frame().tags(10, 100).ipv4("10.1.0.10", "10.2.0.10").udp(1, 2).bytes());
    bed_.turn();
    const auto sent = bed_.sent(kCorePort);
    ASSERT_EQ(sent.size(), 6U);
    for (std::uint8_t i = 0; i < 5; ++i) EXPECT_EQ(sent[1U + i].back(), i);
    EXPECT_EQ(bed_.unaccounted(), "");
}

TEST_F(Injected, what_the_device_does_not_take_is_counted_as_lost) {
    constexpr std::uint64_t kRoom = 63;
    constexpr std::uint64_t kFrames = 100;
    for (std::uint64_t i = 0; i < kFrames; ++i) inject(kContosoCore, frame_);
    bed_.turn();
    bed_.turn();
    EXPECT_EQ(bed_.sent(kCorePort).size(), kRoom);
    EXPECT_EQ(bed_.counters().traffic(kContosoCore).injected_packets.read(), kRoom);
    EXPECT_EQ(bed_.worker().injected_lost(), kFrames - kRoom);
    EXPECT_EQ(bed_.unaccounted(), "");
    EXPECT_EQ(rte_mempool_in_use_count(bed_.pool()), 0U);
}

}  // namespace
}  // namespace causeway::test
