// SPDX-License-Identifier: Apache-2.0
//
// Several workers behind devices of one queue.
#include "dataplane/handover.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <vector>

#include "dataplane/rss.h"
#include "tests/support/frame_builder.h"
#include "tests/support/seed.h"
#include "tests/support/test_bed.h"

namespace causeway::test {
namespace {

constexpr PortId kCustomerPort{0};
constexpr PortId kCloudPort{1};
constexpr std::uint16_t kFirstPort = 5'000;
constexpr std::uint16_t kService = 443;
constexpr std::size_t kSequenceAt = 22 + 20 + 8;  // in the payload of UDP

class HandoverTest : public testing::TestWithParam<unsigned> {
  protected:
    HandoverTest() {
        const VrfId vrf = bed_.vrf();
        customer_ = bed_.attach(kCustomerPort, 10, 100, vrf);
        cloud_ = bed_.attach(kCloudPort, 20, 200, vrf);
        bed_.route(vrf, prefix("10.1.0.0/16"),
                   bed_.neighbour(customer_, ip("192.168.0.1"), kCustomerMac));
        bed_.route(vrf, prefix("10.2.0.0/16"),
                   bed_.neighbour(cloud_, ip("192.168.1.1"), kCustomerMac));
        bed_.publish();
    }

    // The packet with this number of a flow from the customer, or of its answers.
    static Frame request(std::uint32_t flow, std::uint8_t number) {
        return numbered(
            frame().tags(10, 100).ipv4("10.1.0.1", "10.2.0.1").udp(port_of(flow), kService),
            number);
    }
    static Frame answer(std::uint32_t flow, std::uint8_t number) {
        return numbered(
            frame().tags(20, 200).ipv4("10.2.0.1", "10.1.0.1").udp(kService, port_of(flow)),
            number);
    }
    static std::uint16_t port_of(std::uint32_t flow) {
        return static_cast<std::uint16_t>(kFirstPort + flow);
    }
    static Frame numbered(FrameBuilder frame, std::uint8_t number) {
        Frame bytes = frame.payload(4).bytes();
        bytes[kSequenceAt] = number;
        return bytes;
    }
    [[nodiscard]] std::uint64_t received_by(unsigned worker, AttachmentId attachment) {
        return bed_.worker(worker).counters().traffic(attachment).rx_packets.read();
    }

    TestBed bed_{{.workers = GetParam()}};
    AttachmentId customer_;
    AttachmentId cloud_;
};
INSTANTIATE_TEST_SUITE_P(Workers, HandoverTest, testing::Values(2U, 3U, 8U),
                         [](const auto& workers) { return std::to_string(workers.param); });

TEST_P(HandoverTest, a_flow_and_its_answers_have_one_worker) {
    for (std::uint32_t flow = 0; flow < 200; ++flow) {
        std::set<unsigned> seen;
        for (std::uint8_t number = 0; number < 3; ++number) {
            std::vector<std::uint64_t> before;
            for (unsigned worker = 0; worker < GetParam(); ++worker) {
                before.push_back(received_by(worker, customer_) + received_by(worker, cloud_));
            }
            bed_.receive(kCustomerPort, request(flow, number));
            bed_.receive(kCloudPort, answer(flow, number));
            bed_.turn();
            bed_.turn();  // what was handed to an earlier worker
            for (unsigned worker = 0; worker < GetParam(); ++worker) {
                const std::uint64_t now =
                    received_by(worker, customer_) + received_by(worker, cloud_);
                if (now == before[worker]) continue;
                EXPECT_EQ(now, before[worker] + 2);
                seen.insert(worker);
            }
        }
        ASSERT_EQ(seen.size(), 1U) << "flow " << flow;
    }
    EXPECT_EQ(bed_.sent(kCloudPort).size(), 600U);
    EXPECT_EQ(bed_.sent(kCustomerPort).size(), 600U);
    EXPECT_EQ(bed_.unaccounted(), "");
    for (unsigned worker = 0; worker < GetParam(); ++worker) {
        EXPECT_GT(received_by(worker, customer_), 0U) << "worker " << worker;
        EXPECT_GT(bed_.worker(worker).handed_over(), 0U) << "worker " << worker;
    }
}

TEST_P(HandoverTest, packets_of_a_flow_keep_their_order) {
    SeededRandom random;
    std::map<std::uint64_t, std::uint8_t> next;
    std::map<std::uint32_t, std::uint8_t> seen;
    for (int round = 0; round < 50; ++round) {
        for (std::size_t i = 0; i < 1 + random.below(100); ++i) {
            const auto flow = static_cast<std::uint32_t>(random.below(20));
            bed_.receive(kCustomerPort, request(flow, next[flow]++));
        }
        for (std::size_t turns = random.below(4); turns > 0; --turns) bed_.turn();
    }
    for (int turns = 0; turns < 200; ++turns) bed_.turn();
    std::size_t count = 0;
    for (const Frame& frame : bed_.sent(kCloudPort)) {
        const std::uint32_t port = frame[22 + 20] * 256U + frame[22 + 21];
        ASSERT_EQ(frame[kSequenceAt], seen[port]++) << "flow " << port - kFirstPort;
        ++count;
    }
    std::size_t expected = 0;
    for (const auto& [flow, packets] : next) expected += packets;
    EXPECT_EQ(count, expected);
    EXPECT_EQ(bed_.unaccounted(), "");
}

// The customers' port is polled by the first worker; nobody lets the others work.
TEST_P(HandoverTest, what_a_busy_worker_has_no_room_for_is_dropped_and_counted) {
    std::uint32_t flow = 0;
    while (worker_of(rss_hash(flow_word(request(flow, 0))), GetParam()) != 1) ++flow;
    constexpr std::size_t kTooMany = 100;
    const std::size_t room = kHandoverRingSize - 1;
    for (std::size_t i = 0; i < room + kTooMany; ++i) {
        bed_.receive(kCustomerPort, request(flow, 0));
        (void)bed_.worker(0).turn();
    }
    const AttachmentId row(kCustomerPort.value());
    EXPECT_EQ(bed_.counters().exits(row, Exit::kHandoverFull), kTooMany);
    for (std::size_t i = 0; i < room; ++i) bed_.turn();
    EXPECT_EQ(received_by(1, customer_), room);
    EXPECT_EQ(bed_.unaccounted(), "");
    (void)bed_.sent(kCloudPort);
    EXPECT_EQ(rte_mempool_in_use_count(bed_.pool()), 0U);
}

TEST(HandoverLife, frames_that_nobody_took_go_back_to_the_pool) {
    TestBed bed({.workers = 2});
    auto handover = Handover::create(
        {.name = "leftover", .port = PortId(0), .owner = WorkerId(0), .workers = 2});
    ASSERT_TRUE(handover.has_value());
    Counters counters;
    std::array<rte_mbuf*, kBurstSizeMax> frames;
    for (rte_mbuf*& mbuf : frames) mbuf = rte_pktmbuf_alloc(bed.pool());
    unsigned handed = 0;
    for (std::uint16_t port = 0; port < frames.size(); ++port) {
        const Frame bytes =
            frame().tag(0x8100, 5).ipv4("10.0.0.1", "10.0.0.2").udp(port, 1).bytes();
        std::ranges::copy(bytes, reinterpret_cast<std::uint8_t*>(rte_pktmbuf_append(
                                     frames[port], static_cast<std::uint16_t>(bytes.size()))));
        handed += worker_of(rss_hash(flow_word(bytes)), 2);
    }
    ASSERT_GT(handed, 0U);
    const unsigned kept = (*handover)->keep_own(frames, counters);
    EXPECT_EQ(kept + handed, frames.size());
    rte_pktmbuf_free_bulk(frames.data(), kept);
    EXPECT_EQ(rte_mempool_in_use_count(bed.pool()), handed);
    handover->reset();
    EXPECT_EQ(rte_mempool_in_use_count(bed.pool()), 0U);
}

}  // namespace
}  // namespace causeway::test
