// SPDX-License-Identifier: Apache-2.0
//
// The whole walk with NAT against a dictionary, with one worker and with several: whoever is inside
// has one public endpoint for all remotes, nobody else has it, and what is sent to it arrives
// there, exact to the byte.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <vector>

#include "tests/packets/nat_world.h"
#include "tests/support/frame_builder.h"
#include "tests/support/seed.h"

namespace causeway::test {
namespace {

struct Inside {
    Customer customer = Customer::kContoso;
    NatProtocol protocol = NatProtocol::kUdp;
    Endpoint endpoint;
    friend auto operator<=>(const Inside&, const Inside&) = default;
};
using Outside = std::pair<NatProtocol, Endpoint>;

class NatProperty : public testing::TestWithParam<unsigned> {
  protected:
    // A packet of the flow in either direction; an ICMP query has its identifier on our side.
    Bytes packet(NatProtocol protocol, Endpoint from, Endpoint to, std::uint8_t kind,
                 std::uint16_t identification) {
        return build({.protocol = protocol,
                      .source = from,
                      .destination = to,
                      .kind = kind,
                      .identification = identification,
                      .payload_bytes = payload_});
    }
    static std::uint8_t first_kind(NatProtocol protocol) {
        return protocol == NatProtocol::kIcmp ? kEchoRequest : kSyn;
    }
    static std::uint8_t answer_kind(NatProtocol protocol) {
        return protocol == NatProtocol::kIcmp ? kEchoReply : kSynAck;
    }
    Endpoint remote_for(NatProtocol protocol) {
        const auto port = static_cast<std::uint16_t>(1 + random_.below(100));
        return {Ipv4Address(static_cast<std::uint32_t>(0xc6120000U + random_.below(4'000))),
                protocol == NatProtocol::kIcmp ? std::uint16_t{0} : port};
    }
    Inside any_inside() {
        return {random_.below(2) == 0 ? Customer::kContoso : Customer::kAdatum,
                static_cast<NatProtocol>(random_.below(kNatProtocols)),
                {Ipv4Address(static_cast<std::uint32_t>(0x0a000001U + random_.below(60))),
                 static_cast<std::uint16_t>(1 + random_.below(40))}};
    }

    void send_out() {
        const Inside inside = any_inside();
        const Endpoint remote = remote_for(inside.protocol);
        const auto id = static_cast<std::uint16_t>(1 + random_.below(60'000));
        payload_ = random_.below(40);
        const std::uint8_t kind = first_kind(inside.protocol);
        const PortId link = random_.below(2) == 0 ? kNatPrimary : kNatSecondary;
        std::vector<NatWorld::Sent> sent;
        const Bytes original = packet(inside.protocol, inside.endpoint, remote, kind, id);
        if (random_.below(8) == 0 && payload_ > 17) {
            send_in_pieces(inside.customer, link, original, sent);
        } else {
            sent = world_.out(inside.customer, original, link);
        }
        ASSERT_FALSE(sent.empty());
        const auto first = std::ranges::find_if(sent, [](const auto& one) {
            return one.packet[7] == 0 && (one.packet[6] & 0x1f) == 0;
        });
        ASSERT_NE(first, sent.end());
        const Endpoint outside = source_of(first->packet);
        const auto [known, is_new] = outside_.try_emplace(inside, outside);
        ASSERT_EQ(known->second, outside) << "RFC 4787 REQ-1";
        if (is_new) {
            const Outside key{inside.protocol, outside};
            ASSERT_TRUE(inside_.try_emplace(key, inside).second) << "RFC 4787 REQ-3";
        }
        flows_.emplace(inside, remote);
        const Bytes whole = packet(inside.protocol, outside, remote, kind, id);
        std::vector<Bytes> expected =
            sent.size() == 1 ? std::vector<Bytes>{whole} : fragments_of(whole, 24);
        expect_equal(sent, std::move(expected));
    }

    // Shuffled, and over both links.
    void send_in_pieces(Customer customer, PortId link, const Bytes& whole,
                        std::vector<NatWorld::Sent>& sent) {
        std::vector<Bytes> pieces = fragments_of(whole, 24);
        const auto middle =
            pieces.begin() + static_cast<std::ptrdiff_t>(random_.below(pieces.size()));
        std::rotate(pieces.begin(), middle, pieces.end());
        for (const Bytes& piece : pieces) world_.from_inside(customer, link, piece);
        sent = world_.run();
    }

    static void expect_equal(const std::vector<NatWorld::Sent>& sent, std::vector<Bytes> expected) {
        std::vector<Bytes> got;
        for (const auto& one : sent) got.push_back(one.packet);
        for (Bytes& one : expected) one = hop(one);
        std::ranges::sort(got);
        std::ranges::sort(expected);
        ASSERT_EQ(got, expected);
    }

    void answer() {
        const auto flow =
            std::next(flows_.begin(), static_cast<std::ptrdiff_t>(random_.below(flows_.size())));
        const auto& [inside, remote] = *flow;
        const Endpoint outside = outside_.at(inside);
        const auto id = static_cast<std::uint16_t>(1 + random_.below(60'000));
        payload_ = random_.below(40);
        const std::uint8_t kind = answer_kind(inside.protocol);
        const auto sent = world_.in(packet(inside.protocol, remote, outside, kind, id));
        ASSERT_EQ(sent.size(), 1U);
        ASSERT_EQ(sent[0].outer_tag, inside.customer == Customer::kContoso ? 10 : 20);
        ASSERT_EQ(sent[0].packet, hop(packet(inside.protocol, remote, inside.endpoint, kind, id)));
    }

    NatWorld world_{{.workers = GetParam(),
                     .settings = {.block_ports = 64, .host_blocks_max = 64},
                     .fragments = {.datagrams_max = 256, .held_max = 64, .secret = {}}}};
    SeededRandom random_;
    std::size_t payload_ = 11;
    std::map<Inside, Endpoint> outside_;
    std::map<Outside, Inside> inside_;
    std::set<std::pair<Inside, Endpoint>> flows_;
};
INSTANTIATE_TEST_SUITE_P(Workers, NatProperty, testing::Values(1U, 2U, 3U, 8U),
                         [](const auto& workers) { return std::to_string(workers.param); });

TEST_P(NatProperty, each_endpoint_inside_has_one_outside_and_both_ways_agree) {
    const std::size_t count = rounds(3'000);
    for (std::size_t k = 0; k < count; ++k) {
        ASSERT_NO_FATAL_FAILURE(send_out());
        if (random_.below(2) == 0) {
            ASSERT_NO_FATAL_FAILURE(answer());
        }
    }
    EXPECT_EQ(world_.sessions(), flows_.size());
    EXPECT_EQ(world_.bed().unaccounted(), "");
    EXPECT_EQ(rte_mempool_in_use_count(world_.bed().pool()), 0U);
    world_.pass(8'000);
    EXPECT_EQ(world_.sessions(), 0U);
}

// The public port is chosen for it: whoever the remote, the receive hash of the answers names the
// worker that has the session.
TEST_P(NatProperty, no_tcp_or_udp_packet_changes_workers_because_of_nat) {
    const std::size_t count = rounds(2'000);
    for (std::size_t k = 0; k < count; ++k) {
        Inside inside = any_inside();
        if (inside.protocol == NatProtocol::kIcmp) continue;
        const Endpoint remote = remote_for(inside.protocol);
        const std::uint8_t kind = first_kind(inside.protocol);
        const auto sent =
            world_.out(inside.customer, packet(inside.protocol, inside.endpoint, remote, kind, 1),
                       kNatPrimary);
        ASSERT_EQ(sent.size(), 1U);
        outside_[inside] = source_of(sent[0].packet);
        flows_.emplace(inside, remote);
        ASSERT_NO_FATAL_FAILURE(answer());
    }
    EXPECT_EQ(world_.taken_over(), 0U);
    EXPECT_GT(flows_.size(), count / 4);
}

}  // namespace
}  // namespace causeway::test
