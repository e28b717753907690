// SPDX-License-Identifier: Apache-2.0
//
// Whoever attacks reaches bounds of his own: what he may cost is bounded, others go on, and every
// packet of his is counted.
#include <gtest/gtest.h>

#include <vector>

#include "base/checksum.h"
#include "tests/packets/nat_world.h"
#include "tests/support/frame_builder.h"
#include "tests/support/seed.h"

namespace causeway::test {
namespace {

Endpoint host(std::uint32_t number, std::uint16_t port = 1) {
    return {Ipv4Address(0x0a010000U + number), port};
}
Endpoint somewhere(std::uint32_t k) {
    return {Ipv4Address(0xc6120000U + k % 60'000), static_cast<std::uint16_t>(k % 60'000 + 1)};
}
std::vector<Bytes> pieces_of(Endpoint from, std::uint16_t identification) {
    return fragments_of(build({.protocol = NatProtocol::kUdp,
                               .source = from,
                               .destination = kServer,
                               .identification = identification,
                               .payload_bytes = 200}),
                        128);
}

class NatHostile : public testing::Test {
  protected:
    ~NatHostile() override {
        EXPECT_EQ(world_.bed().unaccounted(), "");
        EXPECT_EQ(rte_mempool_in_use_count(world_.bed().pool()), 0U);
    }
    std::vector<NatWorld::Sent> out(const Bytes& packet) {
        return world_.out(Customer::kContoso, packet);
    }
    [[nodiscard]] std::uint64_t exits(Exit exit) {
        return world_.exits(world_.leg(Customer::kContoso, kNatPrimary), exit);
    }

    NatWorld world_{{.settings = {.block_ports = 64, .host_blocks_max = 2}}};
};

TEST_F(NatHostile, a_host_that_floods_takes_from_no_other) {
    for (std::uint32_t k = 0; k < 5'000; ++k) {
        (void)out(tcp(host(5, static_cast<std::uint16_t>(k + 1)), somewhere(k), kSyn));
    }
    EXPECT_EQ(world_.sessions(), 128U);
    EXPECT_EQ(exits(Exit::kNatHostPorts), 5'000U - 128);
    for (std::uint32_t number = 10; number < 100; ++number) {
        EXPECT_EQ(out(udp(host(number), kServer)).size(), 1U);
    }
}

// More hosts than there are blocks: the pool is gone, and who was there before has lost nothing.
TEST_F(NatHostile, hosts_that_flood_together_leave_old_flows_alone) {
    const auto first = out(tcp(host(1), kServer, kSyn));
    ASSERT_EQ(first.size(), 1U);
    const Endpoint outside = source_of(first[0].packet);
    ASSERT_EQ(world_.in(tcp(kServer, outside, kSyn | kAck)).size(), 1U);
    constexpr std::uint32_t kHosts = 5'000;
    for (std::uint32_t number = 2; number < kHosts; ++number) {
        (void)out(tcp(host(number), somewhere(number), kSyn));
    }
    const std::uint64_t refused = exits(Exit::kNatPortsExhausted);
    EXPECT_GT(refused, kHosts / 2);
    EXPECT_EQ(world_.sessions() + refused, kHosts - 1);
    EXPECT_EQ(out(tcp(host(1), kServer, kAck))[0].packet, hop(tcp(outside, kServer, kAck)));
    EXPECT_EQ(out(tcp(host(1, 2), kServer, kSyn)).size(), 1U) << "a port of its own block";
    EXPECT_EQ(world_.out(Customer::kAdatum, udp(host(1), kServer)).size(), 1U);
    world_.pass(NatTimers().tcp_opening + 1);
    EXPECT_LE(world_.sessions(), 2U) << "nobody has answered the flood";
    EXPECT_EQ(out(tcp(host(1), kServer, kAck)).size(), 1U);
    EXPECT_EQ(out(tcp(host(4'999), kServer, kSyn)).size(), 1U) << "there is room again";
}

TEST_F(NatHostile, spoofed_answers_reach_nobody_and_cost_nothing) {
    const auto sent = out(tcp(host(1), kServer, kSyn));
    ASSERT_EQ(sent.size(), 1U);
    const Endpoint outside = source_of(sent[0].packet);
    const Ipv4Address unused =
        ip(outside.address == ip("198.51.100.1") ? "198.51.100.2" : "198.51.100.1");
    std::uint64_t count = 0;
    for (std::uint32_t port = 1; port < 65'536; port += 13, ++count) {
        const Endpoint to{unused, static_cast<std::uint16_t>(port)};
        world_.from_outside(tcp(somewhere(port), to, kSyn));
        if (count % 100 == 0) {
            EXPECT_TRUE(world_.run().empty());
        }
    }
    // To the port in use, in the middle of connections that are none.
    for (std::uint32_t k = 0; k < 500; ++k) {
        EXPECT_TRUE(world_.in(tcp(somewhere(k + 1'000), outside, kAck)).empty());
    }
    EXPECT_TRUE(world_.run().empty());
    EXPECT_EQ(world_.sessions(), 1U);
    EXPECT_EQ(world_.exits(world_.core(), Exit::kNatNoMapping), count);
    EXPECT_EQ(world_.exits(world_.core(), Exit::kNatMidFlow), 500U);
}

TEST_F(NatHostile, fragments_that_nobody_completes_take_the_share_of_one_host) {
    constexpr std::uint32_t kFlood = 2'000;
    for (std::uint32_t k = 0; k < kFlood; ++k) {
        world_.from_inside(Customer::kContoso, kNatPrimary,
                           pieces_of(host(5), static_cast<std::uint16_t>(k)).back());
        if (k % 100 == 0) {
            EXPECT_TRUE(world_.run().empty());
        }
    }
    EXPECT_TRUE(world_.run().empty());
    const auto held = rte_mempool_in_use_count(world_.bed().pool());
    EXPECT_GT(held, 0U);
    EXPECT_LE(held, Datagram::kHeldMax);
    EXPECT_EQ(exits(Exit::kNatFragmentsFull), kFlood - held);
    for (std::uint32_t number = 10; number < 30; ++number) {
        const auto pieces = pieces_of(host(number), 7);
        EXPECT_TRUE(out(pieces[1]).empty()) << "waits for its first";
        EXPECT_EQ(out(pieces[0]).size(), 2U);
    }
    world_.pass(NatTimers().fragment + 1);
    EXPECT_EQ(exits(Exit::kNatFragmentLost), held);
}

// Whatever stands inside: an error tells only of a flow that is there, and only if it adds up.
TEST_F(NatHostile, icmp_errors_with_nonsense_change_nothing) {
    const Bytes sent = out(udp(host(1), kServer)).at(0).packet;
    const Ipv4Address router = ip("198.18.0.1");
    const Bytes sound = build_error(router, 3, sent, 28);
    SeededRandom random;
    const std::size_t count = rounds(2'000);
    for (std::size_t k = 0; k < count; ++k) {
        Bytes error = sound;
        // From the ICMP header's type on; the outer header stays what lets it in.
        for (std::uint64_t changes = 1 + random.below(6); changes > 0; --changes) {
            error[20 + random.below(error.size() - 20)] = static_cast<std::uint8_t>(random());
        }
        if (error == sound) continue;
        const auto leaving = world_.in(error);
        if (leaving.empty()) continue;
        // An error whose sum the changes have happened to keep; nothing else may come in.
        EXPECT_EQ(checksum_fold(checksum_sum(std::span(error).subspan(20))), 0xffff);
    }
    EXPECT_EQ(world_.sessions(), 1U);
    const std::uint64_t malformed = world_.exits(world_.core(), Exit::kNatMalformed);
    const std::uint64_t unmatched = world_.exits(world_.core(), Exit::kNatIcmpUnmatched);
    EXPECT_GT(malformed, 0U);
    EXPECT_GT(unmatched, 0U);
    EXPECT_GT(malformed + unmatched, count * 3 / 4);
    EXPECT_EQ(world_.in(sound).size(), 1U);
}

}  // namespace
}  // namespace causeway::test
