// SPDX-License-Identifier: Apache-2.0
#include "control/slow_path/neighbours.h"

#include <gtest/gtest.h>

#include "tests/control/slow_path_fixture.h"

namespace causeway::test {
namespace {

constexpr MacAddress kOtherMac{{0x02, 0xbe, 0, 0, 0, 0x77}};

class NeighboursTest : public SlowPathFixture {
  protected:
    NeighboursTest() { next_hop_ = bed_.route_via("10.1.0.0/16", kEdge, "192.168.0.1"); }

    [[nodiscard]] const Neighbour& customer() const { return bed_.neighbours.all().at(key_); }
    [[nodiscard]] NextHopState next_hop() const { return bed_.next_hops->info(next_hop_).state; }
    // What a packet for a host behind the customer would meet.
    [[nodiscard]] const Adjacency& way() const {
        const RouteKey key{kVrf, ip("10.1.0.10")};
        GroupId group;
        bed_.fib->lookup({&key, 1}, {&group, 1});
        return bed_.next_hops->adjacency(bed_.next_hops->bucket(bed_.next_hops->group(group), 0));
    }
    void learn(MacAddress mac = kNeighbourMac) { bed_.neighbours.learn(key_, mac, bed_.now_ns); }
    void set_port(AttachmentId id, bool is_up) {
        bed_.attachments.find(id)->is_port_up = is_up;
        bed_.neighbours.attachment_changed(id, bed_.now_ns);
    }

    const NeighbourKey key_{kEdge, ip("192.168.0.1")};
    NextHopId next_hop_;
};

TEST_F(NeighboursTest, one_that_a_route_names_is_asked_for_until_it_answers) {
    EXPECT_EQ(customer().state, ResolutionState::kIncomplete);
    EXPECT_EQ(next_hop(), NextHopState::kUnresolved);
    EXPECT_EQ(way().kind, AdjacencyKind::kUnresolved);
    bed_.pass(10 * kSecond);
    EXPECT_EQ(hear().size(), 10U) << "once a second";
    EXPECT_EQ(customer().state, ResolutionState::kIncomplete) << "never given up";
}

TEST_F(NeighboursTest, its_answer_turns_the_route_on_at_once) {
    learn();
    EXPECT_EQ(customer().state, ResolutionState::kReachable);
    EXPECT_EQ(next_hop(), NextHopState::kForwarding);
    EXPECT_EQ(way().kind, AdjacencyKind::kForward);
    EXPECT_EQ(way().attachment, kEdge);
    EXPECT_EQ(way().port, PortId(0));
    EXPECT_EQ(way().mtu, 1'500);
    const Frame header = from_customer().to(kNeighbourMac).from(kRouterMac).bytes();
    EXPECT_TRUE(std::ranges::equal(way().header_view(), std::span(header).first(22)));
}

TEST_F(NeighboursTest, it_is_asked_again_before_it_is_believed_dead) {
    learn();
    bed_.pass(Neighbours::kReachableTime - 100 * kMillisecond);
    EXPECT_TRUE(hear().empty());
    bed_.pass(100 * kMillisecond);
    EXPECT_EQ(customer().state, ResolutionState::kStale);
    const Heard poll = hear_one();
    EXPECT_EQ(poll.to, kNeighbourMac) << "RFC 1122 2.3.2.1: to it alone";
    EXPECT_EQ(next_hop(), NextHopState::kForwarding) << "and used meanwhile";

    learn();
    EXPECT_EQ(customer().state, ResolutionState::kReachable);
    EXPECT_EQ(customer().probes, 0U);
}

TEST_F(NeighboursTest, three_unanswered_questions_and_it_is_gone) {
    learn();
    bed_.pass(Neighbours::kReachableTime + 2 * kSecond);
    EXPECT_EQ(hear().size(), 3U);
    EXPECT_EQ(next_hop(), NextHopState::kForwarding);
    bed_.pass(kSecond);
    EXPECT_EQ(next_hop(), NextHopState::kUnresolved);
    EXPECT_EQ(way().kind, AdjacencyKind::kUnresolved);
    EXPECT_EQ(customer().state, ResolutionState::kIncomplete);
    EXPECT_FALSE(customer().mac.has_value());
    EXPECT_EQ(hear_one().to, kBroadcastMac) << "asked of everybody now";
    learn(kOtherMac);
    EXPECT_EQ(next_hop(), NextHopState::kForwarding);
}

TEST_F(NeighboursTest, a_new_mac_is_used_at_once) {
    learn();
    learn(kOtherMac);
    EXPECT_TRUE(
        std::equal(kOtherMac.bytes.begin(), kOtherMac.bytes.end(), way().header_view().begin()));
}

TEST_F(NeighboursTest, a_dead_link_turns_the_route_off_at_once_and_back_on) {
    learn();
    set_port(kEdge, false);
    EXPECT_EQ(next_hop(), NextHopState::kDown);
    EXPECT_EQ(way().kind, AdjacencyKind::kDown);
    bed_.pass(5 * kSecond);
    EXPECT_TRUE(hear().empty()) << "nobody is asked over a dead link";

    set_port(kEdge, true);
    EXPECT_EQ(next_hop(), NextHopState::kForwarding) << "the old MAC is believed";
    const Heard announcement = hear_one();
    EXPECT_EQ(announcement.to, kBroadcastMac) << "the far end learns of us at once";
    const ArpHeader arp = announcement.arp();
    EXPECT_EQ(arp.sender_address.host(), arp.target_address.host());
    EXPECT_EQ(arp.sender_mac, kRouterMac);
    bed_.pass(100 * kMillisecond);
    EXPECT_EQ(hear().size(), 1U) << "but asked for";
}

TEST_F(NeighboursTest, a_closed_attachment_is_as_dead_as_its_port) {
    learn();
    bed_.attachments.find(kEdge)->closed = Exit::kAdminDown;
    bed_.neighbours.attachment_changed(kEdge, bed_.now_ns);
    EXPECT_EQ(next_hop(), NextHopState::kDown);
}

TEST_F(NeighboursTest, a_dead_link_does_not_touch_the_neighbours_of_another) {
    learn();
    resolve_core();
    set_port(kCore, false);
    EXPECT_EQ(next_hop(), NextHopState::kForwarding);
}

TEST_F(NeighboursTest, of_two_links_the_living_one_takes_all_buckets) {
    const auto core = bed_.neighbours.acquire({kCore, ip("10.2.0.1")}, bed_.now_ns);
    ASSERT_TRUE(core.has_value());
    const GroupMember members[] = {{.next_hop = next_hop_, .weight = 1},
                                   {.next_hop = *core, .weight = 1}};
    const auto group = bed_.next_hops->acquire_group(members);
    ASSERT_TRUE(group.has_value());
    const auto buckets = [&](std::size_t member) {
        return bed_.next_hops->group_info(*group).members[member].buckets;
    };
    const std::size_t all = bed_.next_hops->group_info(*group).buckets;
    EXPECT_EQ(buckets(0) + buckets(1), 0U) << "none has answered";
    learn();
    EXPECT_EQ(buckets(0), all);
    bed_.neighbours.learn({kCore, ip("10.2.0.1")}, kNeighbourMac, bed_.now_ns);
    EXPECT_EQ(buckets(0), all / 2);
    EXPECT_EQ(buckets(1), all / 2);
    set_port(kEdge, false);
    EXPECT_EQ(buckets(1), all);
    set_port(kEdge, true);
    EXPECT_EQ(buckets(0), all / 2);
}

TEST_F(NeighboursTest, without_a_slot_for_its_adjacency_the_next_answer_tries_again) {
    std::vector<NextHopId> others;
    Adjacency adjacency;
    adjacency.kind = AdjacencyKind::kForward;
    for (std::uint32_t i = 0; i < kAdjacenciesMax; ++i) {
        const auto other = bed_.next_hops->acquire(AttachmentId(99), Ipv4Address(i));
        if (!other) break;
        others.push_back(*other);
        if (!bed_.next_hops->set_forwarding(*other, adjacency)) break;
    }
    learn();
    ASSERT_EQ(next_hop(), NextHopState::kUnresolved) << "not full";
    for (const NextHopId other : others) bed_.next_hops->release(other);
    learn();
    EXPECT_EQ(next_hop(), NextHopState::kForwarding);
    EXPECT_EQ(way().kind, AdjacencyKind::kForward);
}

TEST_F(NeighboursTest, each_has_a_host_route_while_it_is_known) {
    const Ipv4Prefix host = prefix("192.168.0.1/32");
    ASSERT_EQ(bed_.rib.find(kVrf, host).size(), 1U);
    EXPECT_EQ(bed_.rib.find(kVrf, host)[0].source, RouteSource::kConnected);
    ASSERT_TRUE(bed_.rib.remove(kVrf, prefix("10.1.0.0/16"), RouteSource::kStatic).has_value());
    bed_.neighbours.release(key_);
    EXPECT_TRUE(bed_.neighbours.all().empty()) << "nobody names it, and it has not answered";
    EXPECT_TRUE(bed_.rib.find(kVrf, host).empty());
}

TEST_F(NeighboursTest, one_that_answers_stays_after_its_last_route_until_it_does_not) {
    learn();
    bed_.neighbours.release(key_);
    EXPECT_TRUE(bed_.neighbours.all().contains(key_));
    bed_.pass(Neighbours::kReachableTime + 4 * kSecond);
    EXPECT_FALSE(bed_.neighbours.all().contains(key_));
}

TEST_F(NeighboursTest, a_removed_attachment_takes_its_neighbours_with_it) {
    resolve_core();
    bed_.neighbours.attachment_removed(kEdge);
    EXPECT_FALSE(bed_.neighbours.all().contains(key_));
    EXPECT_EQ(bed_.neighbours.all().size(), 1U);
    EXPECT_TRUE(bed_.rib.find(kVrf, prefix("192.168.0.1/32")).empty());
}

}  // namespace
}  // namespace causeway::test
