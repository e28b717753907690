// SPDX-License-Identifier: Apache-2.0
//
// What an access list permits is not translated (RFC 6888 REQ-6), and whoever is not translated is
// looked at as everybody else is.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "dataplane/acl_list.h"
#include "tests/packets/nat_world.h"
#include "tests/support/frame_builder.h"

namespace causeway::test {
namespace {

constexpr std::uint32_t kFirst = 10;  // rule 0's counter
constexpr std::uint8_t kUdpProtocol = 17;
const Endpoint kClient{Ipv4Address(0x0a000005), 4'000};
const Endpoint kResolver{Ipv4Address(0xc6120035), 53};  // 198.18.0.53

AclRule rule_to(std::string name, const char* destination, AclVerdict verdict) {
    AclRule rule;
    rule.name = std::move(name);
    rule.destination.prefixes = {prefix(destination)};
    rule.action.verdict = verdict;
    return rule;
}

AclRule dns_to(std::string name, const char* destination, AclVerdict verdict) {
    AclRule rule = rule_to(std::move(name), destination, verdict);
    rule.protocol = kUdpProtocol;
    rule.destination_ports.ranges = {{53, 53}};
    return rule;
}

// Queries of DNS to 198.18.0.0/24 pass as they are, but those to 198.18.0.54; to 198.18.1.0/24 all
// but queries.
std::unique_ptr<const AclList> dns_as_it_is() {
    const Acl acl{.name = "as-it-is",
                  .rules = {rule_to("but", "198.18.0.54/32", AclVerdict::kDeny),
                            dns_to("dns", "198.18.0.0/24", AclVerdict::kPermit),
                            dns_to("no-dns", "198.18.1.0/24", AclVerdict::kDeny),
                            rule_to("all", "198.18.1.0/24", AclVerdict::kPermit)}};
    std::vector<RuleCounterId> counters;
    for (std::uint32_t k = 0; k <= acl.rules.size(); ++k) counters.emplace_back(kFirst + k);
    auto built = AclList::build(acl, {}, counters);
    EXPECT_TRUE(built);
    return std::move(built).value();
}

class NatExceptions : public testing::Test {
  protected:
    ~NatExceptions() override { EXPECT_EQ(world_.bed().unaccounted(), ""); }
    void set(AttachmentPolicy policy) {
        policy.untranslated = list_.get();
        for (const PortId link : {kNatPrimary, kNatSecondary}) {
            world_.bed().set_policy(world_.leg(Customer::kContoso, link), policy);
        }
        world_.republish();
    }
    [[nodiscard]] std::uint64_t hits(std::uint32_t rule) {
        return world_.bed().counters().rule(RuleCounterId(kFirst + rule)).packets.read();
    }
    // The pieces of a datagram, in this order and by both links in turn; what left, sorted.
    std::vector<Bytes> in_pieces(const Bytes& datagram, std::span<const std::size_t> order) {
        const auto pieces = fragments_of(datagram, 128);
        EXPECT_EQ(pieces.size(), order.size());
        std::vector<Bytes> left;
        PortId link = kNatPrimary;
        for (const std::size_t piece : order) {
            for (auto& sent : world_.out(Customer::kContoso, pieces.at(piece), link)) {
                left.push_back(std::move(sent.packet));
            }
            link = link == kNatPrimary ? kNatSecondary : kNatPrimary;
        }
        std::ranges::sort(left);
        return left;
    }
    Bytes only(const Bytes& packet, PortId link = kNatPrimary) {
        const auto sent = world_.out(Customer::kContoso, packet, link);
        EXPECT_EQ(sent.size(), 1U);
        return sent.empty() ? Bytes(64) : sent.front().packet;
    }

    std::unique_ptr<const AclList> list_ = (test_eal(), dns_as_it_is());
    NatWorld world_;
};

TEST_F(NatExceptions, what_a_rule_permits_passes_as_it_is_by_either_link) {
    set({});
    for (const PortId link : {kNatPrimary, kNatSecondary}) {
        EXPECT_EQ(only(udp(kClient, kResolver), link), hop(udp(kClient, kResolver)));
    }
    EXPECT_EQ(hits(1), 2U);
    EXPECT_EQ(world_.sessions(), 0U);
}

TEST_F(NatExceptions, everything_else_is_translated) {
    set({});
    const Endpoint denied{Ipv4Address(0xc6120036), 53};
    const Endpoint other_port{kResolver.address, 54};
    for (const Endpoint& to : {denied, other_port, kServer}) {
        EXPECT_EQ(source_of(only(udp(kClient, to))).address.value() >> 24, 198U);
    }
    EXPECT_EQ(world_.sessions(), 3U);
    EXPECT_EQ(hits(0) + hits(1) + hits(2), 0U) << "they count what they leave as it is";
    const auto others = world_.out(Customer::kAdatum, udp(kClient, kResolver));
    ASSERT_EQ(others.size(), 1U);
    EXPECT_NE(others[0].packet, hop(udp(kClient, kResolver))) << "it has no list";
}

TEST_F(NatExceptions, a_flow_that_is_there_becomes_an_exception_with_the_list) {
    EXPECT_NE(only(udp(kClient, kResolver)), hop(udp(kClient, kResolver)));
    set({});
    EXPECT_EQ(only(udp(kClient, kResolver)), hop(udp(kClient, kResolver)));
}

// Those of a datagram that arrive, one hop later, sorted.
std::vector<Bytes> pieces_behind(const Bytes& datagram) {
    auto pieces = fragments_of(datagram, 128);
    for (Bytes& piece : pieces) piece = hop(std::move(piece));
    std::ranges::sort(pieces);
    return pieces;
}
Bytes long_one(Endpoint to, std::uint16_t identification, Endpoint from = kClient) {
    return build({.protocol = NatProtocol::kUdp,
                  .source = from,
                  .destination = to,
                  .identification = identification,
                  .payload_bytes = 300});
}
constexpr std::size_t kOrders[][3] = {{0, 1, 2}, {2, 1, 0}, {1, 0, 2}};

TEST_F(NatExceptions, fragments_go_the_way_of_their_first) {
    set({});
    std::uint16_t id = 0;
    for (const auto& order : kOrders) {
        const Bytes query = long_one(kResolver, ++id);
        EXPECT_EQ(in_pieces(query, order), pieces_behind(query));
    }
    EXPECT_EQ(hits(1), 3U) << "the first of each datagram has the ports";
    EXPECT_EQ(world_.sessions(), 0U);
    // What a rule without ports permits is another's datagram, if a port has decided before.
    const Endpoint network{Ipv4Address(0xc6120101), 53};
    const Bytes whole = only(long_one(network, ++id));
    for (const auto& order : kOrders) {
        const auto left = in_pieces(long_one(network, ++id), order);
        EXPECT_EQ(left, pieces_behind(long_one(network, id, source_of(whole))));
    }
    EXPECT_EQ(hits(3), 0U);
    const Bytes other = long_one({network.address, 54}, ++id);
    EXPECT_EQ(in_pieces(other, kOrders[1]), pieces_behind(other));
    EXPECT_EQ(hits(3), 1U);
}

TEST_F(NatExceptions, fragments_whose_first_was_refused_wait_in_vain) {
    set({.source_check = SourceCheck::kAdvertised});
    EXPECT_TRUE(in_pieces(long_one(kResolver, 1), kOrders[0]).empty());
    EXPECT_EQ(in_pieces(long_one(kServer, 2), kOrders[0]).size(), 3U) << "these are translated";
    world_.pass(NatTimers().fragment + 1);
    std::uint64_t lost = 0;
    for (const PortId link : {kNatPrimary, kNatSecondary}) {
        lost += world_.exits(world_.leg(Customer::kContoso, link), Exit::kNatFragmentLost);
    }
    EXPECT_EQ(lost, 2U);
}

TEST_F(NatExceptions, a_private_source_that_nobody_translates_is_refused) {
    set({.source_check = SourceCheck::kAdvertised});
    EXPECT_TRUE(world_.out(Customer::kContoso, udp(kClient, kResolver)).empty());
    EXPECT_EQ(world_.exits(world_.leg(Customer::kContoso, kNatPrimary), Exit::kPrivateSource), 1U);
    EXPECT_NE(only(udp(kClient, kServer)), hop(udp(kClient, kServer)));
}

}  // namespace
}  // namespace causeway::test
