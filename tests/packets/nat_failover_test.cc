// SPDX-License-Identifier: Apache-2.0
//
// A link dies under a hundred thousand TCP connections: every one goes on over the other, with the
// public address and port that it has had, and none changes its worker.
#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "tests/packets/nat_world.h"

namespace causeway::test {
namespace {

constexpr std::uint32_t kFlows = 100'000;
constexpr std::uint32_t kHosts = 250;
constexpr std::uint32_t kBatch = 256;

// 25,000 endpoints inside talk to four remotes each; no two flows have the same remote, so that a
// packet on the wire says which flow's it is.
struct Flow {
    Endpoint inside;
    Endpoint remote;
};
Flow flow(std::uint32_t k) {
    const std::uint32_t endpoint = k % (kFlows / 4);
    return {.inside = {Ipv4Address(0x0a010001U + endpoint % kHosts),
                       static_cast<std::uint16_t>(1'024 + endpoint / kHosts)},
            .remote = {Ipv4Address(0xc6120000U + (k & 0xffff)),
                       static_cast<std::uint16_t>(80 + (k >> 16))}};
}
std::uint32_t flow_of(const Endpoint& remote) {
    return (remote.address.value() & 0xffff) | static_cast<std::uint32_t>(remote.port - 80) << 16;
}

class NatFailover : public testing::TestWithParam<unsigned> {
  protected:
    // Each flow sends a segment, over the link that `link_of` says; what it looks like outside.
    template <class LinkOf>
    std::vector<Endpoint> all_send(std::uint8_t flags, LinkOf&& link_of) {
        std::vector<Endpoint> outside(kFlows);
        for (std::uint32_t first = 0; first < kFlows; first += kBatch) {
            const std::uint32_t last = std::min(first + kBatch, kFlows);
            for (std::uint32_t k = first; k < last; ++k) {
                const Flow one = flow(k);
                world_.from_inside(Customer::kContoso, link_of(k),
                                   tcp(one.inside, one.remote, flags));
            }
            for (const auto& sent : world_.run()) {
                outside[flow_of(destination_of(sent.packet))] = source_of(sent.packet);
            }
        }
        return outside;
    }
    // Each flow is answered; how many answers arrived where they belong, by links.
    std::map<PortId, std::uint32_t> all_are_answered(const std::vector<Endpoint>& outside,
                                                     std::uint8_t flags) {
        std::map<PortId, std::uint32_t> arrived;
        for (std::uint32_t first = 0; first < kFlows; first += kBatch) {
            const std::uint32_t last = std::min(first + kBatch, kFlows);
            for (std::uint32_t k = first; k < last; ++k) {
                world_.from_outside(tcp(flow(k).remote, outside[k], flags));
            }
            for (const auto& sent : world_.run()) {
                const Flow one = flow(flow_of(source_of(sent.packet)));
                if (destination_of(sent.packet) == one.inside) ++arrived[sent.port];
            }
        }
        return arrived;
    }

    NatWorld world_{{.workers = GetParam(),
                     .settings = {.block_ports = 64, .host_blocks_max = 8},
                     .sessions_max = 4 * kFlows}};
};
INSTANTIATE_TEST_SUITE_P(Workers, NatFailover, testing::Values(1U, 3U),
                         [](const auto& workers) { return std::to_string(workers.param); });

TEST_P(NatFailover, a_hundred_thousand_connections_keep_their_public_endpoint) {
    const auto before =
        all_send(kSyn, [](std::uint32_t k) { return k % 2 == 0 ? kNatPrimary : kNatSecondary; });
    auto arrived = all_are_answered(before, kSyn | kAck);
    EXPECT_EQ(arrived[kNatPrimary] + arrived[kNatSecondary], kFlows);
    EXPECT_GT(arrived[kNatPrimary], kFlows / 3) << "both links carry";
    EXPECT_GT(arrived[kNatSecondary], kFlows / 3);
    ASSERT_EQ(world_.sessions(), kFlows);

    world_.cut(kNatPrimary);
    const auto after = all_send(kAck, [](std::uint32_t) { return kNatSecondary; });
    EXPECT_TRUE(before == after) << "a public address or port has changed";
    arrived = all_are_answered(after, kAck);
    EXPECT_EQ(arrived[kNatPrimary], 0U);
    EXPECT_EQ(arrived[kNatSecondary], kFlows);
    EXPECT_EQ(world_.sessions(), kFlows);
    EXPECT_EQ(world_.taken_over(), 0U);
    EXPECT_EQ(world_.bed().unaccounted(), "");
}

}  // namespace
}  // namespace causeway::test
