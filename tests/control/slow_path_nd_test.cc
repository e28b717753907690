// SPDX-License-Identifier: Apache-2.0
#include "base/ipv6.h"
#include "control/slow_path/neighbour_discovery.h"
#include "tests/control/ipv6_packets.h"

namespace causeway::test {
namespace {

constexpr MacAddress kOtherMac{{0x02, 0xbe, 0, 0, 0, 0x77}};

class SlowPathNd : public DualStackFixture {
  protected:
    static NdPacket solicitation(const char* source = "2001:db8:15::1",
                                 const char* target = "2001:db8:15::2") {
        return {source, "ff02::1:ff00:2", target};
    }
    static NdPacket advertisement(std::uint32_t flags, std::optional<MacAddress> mac = kOtherMac) {
        return {"2001:db8:15::1", "2001:db8:15::2", "2001:db8:15::1", 136, flags, mac};
    }
    void hear_nd(const NdPacket& packet, AttachmentId in = kEdge) {
        handle(in, Exit::kNeighbourDiscovery, packet.bytes());
    }
    [[nodiscard]] const Neighbour* known(const NeighbourKey& key) const {
        const auto found = bed_.neighbours.all().find(key);
        return found == bed_.neighbours.all().end() ? nullptr : &found->second;
    }
    [[nodiscard]] const Neighbour& customer() const { return bed_.neighbours.all().at(customer_); }
};

constexpr std::uint32_t kSolicited = NeighbourMessage::kSolicited;
constexpr std::uint32_t kOverride = NeighbourMessage::kOverride;

TEST_F(SlowPathNd, a_solicitation_for_our_address_is_answered) {
    hear_nd(solicitation());
    const Heard reply = hear_one();
    EXPECT_EQ(reply.out, kEdge);
    EXPECT_EQ(reply.to, kNeighbourMac);
    EXPECT_EQ((std::vector<std::uint8_t>{reply.header.end() - 2, reply.header.end()}),
              (std::vector<std::uint8_t>{0x86, 0xdd}));
    const auto notice = parse_neighbour_notice(reply.packet);
    ASSERT_TRUE(notice.has_value());
    EXPECT_EQ(notice->source, v6("2001:db8:15::2"));
    EXPECT_EQ(notice->destination, v6("2001:db8:15::1"));
    EXPECT_TRUE(notice->is_solicited);
    EXPECT_EQ(bed_.count(SlowEvent::kNdAnswered), 1U);
}

TEST_F(SlowPathNd, padding_behind_it_does_no_harm) {
    Frame packet = solicitation().bytes();
    packet.resize(packet.size() + 10, 0xaa);
    handle(kEdge, Exit::kNeighbourDiscovery, packet);
    EXPECT_EQ(hear_one().packet.size(), kLinkMessageBytesMax);
}

TEST_F(SlowPathNd, who_asks_is_used_at_once_and_asked_itself_a_little_later) {
    hear_nd(solicitation());
    EXPECT_EQ(hear().size(), 1U);
    EXPECT_EQ(customer().mac, kNeighbourMac);
    EXPECT_EQ(customer().state, ResolutionState::kStale) << "RFC 4861 7.2.3: it may not hear us";
    EXPECT_EQ(bed_.next_hops->info(customer().next_hop).state, NextHopState::kForwarding);
    bed_.pass(Neighbours::kFirstProbeDelay);
    const Heard probe = hear_one();
    EXPECT_EQ(probe.to, kNeighbourMac);
    EXPECT_EQ(parse_neighbour_notice(probe.packet)->type, Icmpv6Type::kNeighbourSolicitation);
    hear_nd(advertisement(kSolicited | kOverride, kNeighbourMac));
    EXPECT_EQ(customer().state, ResolutionState::kReachable);
}

TEST_F(SlowPathNd, our_link_local_address_is_ours_too) {
    hear_nd({"fe80::1", "ff02::1:ff00:1", kLinkLocal});
    const auto notice = parse_neighbour_notice(hear_one().packet);
    ASSERT_TRUE(notice.has_value());
    EXPECT_EQ(notice->source, v6(kLinkLocal));
    EXPECT_EQ(notice->destination, v6("fe80::1"));
    EXPECT_TRUE(bed_.neighbours.all().empty()) << "there is no end of such neighbours";
    hear_nd({"fe80::1", "ff02::1:ff00:2", "2001:db8:15::2"});
    EXPECT_EQ(hear().size(), 1U) << "it may ask for any address of ours";
}

TEST_F(SlowPathNd, who_tests_our_address_is_told_before_everybody_and_not_learned) {
    NdPacket probe = solicitation("::");
    probe.mac = std::nullopt;
    hear_nd(probe);
    const Heard answer = hear_one();
    EXPECT_EQ(answer.to, multicast_mac(kAllNodes));
    const auto notice = parse_neighbour_notice(answer.packet);
    ASSERT_TRUE(notice.has_value());
    EXPECT_EQ(notice->destination, kAllNodes);
    EXPECT_EQ(notice->target, v6("2001:db8:15::2"));
    EXPECT_FALSE(notice->is_solicited);
    EXPECT_TRUE(bed_.neighbours.all().empty());
    EXPECT_EQ(bed_.count(SlowEvent::kNdConflict), 1U);
}

TEST_F(SlowPathNd, who_claims_our_address_is_a_conflict_and_not_believed) {
    hear_nd(solicitation("2001:db8:15::2"));
    hear_nd({"2001:db8:15::1", "ff02::1", "2001:db8:15::2", 136, kOverride});
    hear_nd({"fe80::9", "ff02::1", kLinkLocal, 136, kOverride});
    expect_silence(SlowEvent::kNdConflict, 3);
    EXPECT_TRUE(bed_.neighbours.all().empty());
}

TEST_F(SlowPathNd, a_question_without_a_mac_is_answered_to_whom_we_know) {
    NdPacket poll = solicitation();
    poll.destination = "2001:db8:15::2";
    poll.mac = std::nullopt;
    hear_nd(poll);
    expect_silence(SlowEvent::kNdIgnored);
    (void)route_to_customer();
    bed_.neighbours.learn(customer_, kOtherMac, bed_.now_ns);
    hear_nd(poll);
    EXPECT_EQ(hear_one().to, kOtherMac);
}

TEST_F(SlowPathNd, what_does_not_concern_us_is_ignored) {
    NdPacket bad = solicitation();
    bad.mac = MacAddress{};
    const struct {
        const char* says;
        Frame packet;
    } cases[] = {
        {"for another address", solicitation("2001:db8:15::1", "2001:db8:15::3").bytes()},
        {"from outside the subnet", solicitation("2001:db8:16::1").bytes()},
        {"from the subnet, but not the customer", solicitation("2001:db8:15::3").bytes()},
        {"from the routers' anycast address", solicitation("2001:db8:15::").bytes()},
        {"an advertisement of who is not known", advertisement(kSolicited | kOverride).bytes()},
        {"malformed", bad.bytes()},
        {"a router advertisement", icmpv6_packet("fe80::1", "ff02::1", 134, 12, 255)},
        {"a redirect", icmpv6_packet("fe80::1", "2001:db8:15::2", 137, 36, 255)},
    };
    std::uint64_t ignored = 0;
    for (const auto& each : cases) {
        SCOPED_TRACE(each.says);
        handle(kEdge, Exit::kNeighbourDiscovery, each.packet);
        expect_silence(SlowEvent::kNdIgnored, ++ignored);
        EXPECT_TRUE(bed_.neighbours.all().empty());
    }
    handle(kEdge, Exit::kNeighbourDiscovery, icmpv6_packet("fe80::1", "ff02::2", 133, 4, 255));
    expect_silence(SlowEvent::kRouterSolicitation);
}

TEST_F(SlowPathNd, an_attachment_without_ipv6_does_not_speak_it) {
    Attachment plain = *bed_.attachments.find(kEdge);
    plain.ipv6.reset();
    bed_.attachments.put(plain);
    hear_nd(solicitation());
    expect_silence(SlowEvent::kNdIgnored);
}

TEST_F(SlowPathNd, on_the_core_any_host_of_the_subnet_is_believed) {
    hear_nd({"2001:db8:2::77", "ff02::1:ff00:fe", "2001:db8:2::fe"}, kCore);
    EXPECT_EQ(hear_one().to, kNeighbourMac);
    ASSERT_NE(known({kCore, v6("2001:db8:2::77")}), nullptr);
}

// RFC 4861 7.2.5, its cases in order. The customer is known with kNeighbourMac and reachable, or
// stale; each advertisement says what the row says.
TEST_F(SlowPathNd, an_advertisement_is_believed_as_its_flags_say) {
    const struct {
        const char* says;
        ResolutionState before;
        std::uint32_t flags;
        std::optional<MacAddress> mac;
        ResolutionState state;
        MacAddress believed;
    } cases[] = {
        {"another MAC without override", ResolutionState::kReachable, kSolicited, kOtherMac,
         ResolutionState::kStale, kNeighbourMac},
        {"the same on a stale one", ResolutionState::kStale, kSolicited, kOtherMac,
         ResolutionState::kStale, kNeighbourMac},
        {"another MAC, solicited", ResolutionState::kReachable, kSolicited | kOverride, kOtherMac,
         ResolutionState::kReachable, kOtherMac},
        {"another MAC, of its own accord", ResolutionState::kReachable, kOverride, kOtherMac,
         ResolutionState::kStale, kOtherMac},
        {"the same MAC, of its own accord", ResolutionState::kReachable, kOverride, kNeighbourMac,
         ResolutionState::kReachable, kNeighbourMac},
        {"the same MAC of a stale one", ResolutionState::kStale, kOverride, kNeighbourMac,
         ResolutionState::kStale, kNeighbourMac},
        {"the same MAC, solicited", ResolutionState::kStale, kSolicited, kNeighbourMac,
         ResolutionState::kReachable, kNeighbourMac},
        {"no MAC, solicited", ResolutionState::kStale, kSolicited, std::nullopt,
         ResolutionState::kReachable, kNeighbourMac},
        {"no MAC, of its own accord", ResolutionState::kStale, 0, std::nullopt,
         ResolutionState::kStale, kNeighbourMac},
    };
    (void)route_to_customer();
    for (const auto& each : cases) {
        SCOPED_TRACE(each.says);
        bed_.neighbours.learn(customer_, kNeighbourMac, bed_.now_ns);
        if (each.before == ResolutionState::kStale) bed_.pass(Neighbours::kReachableTime);
        ASSERT_EQ(customer().state, each.before);
        hear_nd(advertisement(each.flags, each.mac));
        EXPECT_EQ(customer().state, each.state);
        EXPECT_EQ(customer().mac, each.believed);
    }
}

TEST_F(SlowPathNd, an_advertisement_resolves_whom_we_asked) {
    (void)route_to_customer();
    EXPECT_EQ(customer().state, ResolutionState::kIncomplete);
    hear_nd(advertisement(kSolicited, std::nullopt));
    EXPECT_EQ(customer().state, ResolutionState::kIncomplete) << "it does not say where it is";
    hear_nd(advertisement(0));
    EXPECT_EQ(customer().state, ResolutionState::kStale) << "RFC 4861 7.2.5: S is not set";
    EXPECT_EQ(customer().mac, kOtherMac);
}

TEST_F(SlowPathNd, one_that_a_route_names_is_asked_in_its_group_and_then_alone) {
    const NextHopId next_hop = route_to_customer();
    bed_.pass(100 * kMillisecond);
    EXPECT_EQ(hear_one().to, multicast_mac(solicited_node_group(v6("2001:db8:15::1"))));
    hear_nd(advertisement(kSolicited | kOverride));
    EXPECT_EQ(bed_.next_hops->info(next_hop).state, NextHopState::kForwarding);
    bed_.pass(Neighbours::kReachableTime + 2 * kSecond);
    for (const Heard& probe : hear()) EXPECT_EQ(probe.to, kOtherMac);
    bed_.pass(kSecond);
    EXPECT_EQ(bed_.next_hops->info(next_hop).state, NextHopState::kUnresolved);
    EXPECT_EQ(hear_one().to, multicast_mac(solicited_node_group(v6("2001:db8:15::1"))));
}

TEST_F(SlowPathNd, its_frames_are_of_ipv6) {
    resolve_ipv6();
    const RouteKey6 key{kVrf, v6("2001:db8:1::10")};
    GroupId group;
    bed_.fib6->lookup({&key, 1}, {&group, 1});
    const Adjacency& way =
        bed_.next_hops->adjacency(bed_.next_hops->bucket(bed_.next_hops->group(group), 0));
    EXPECT_EQ(way.kind, AdjacencyKind::kForward);
    EXPECT_EQ(way.attachment, kEdge);
    EXPECT_EQ(way.header_view()[20], 0x86);
    EXPECT_EQ(way.header_view()[21], 0xdd);
}

TEST_F(SlowPathNd, a_link_that_comes_back_is_told_all_our_addresses) {
    Attachment& edge = *bed_.attachments.find(kEdge);
    edge.is_port_up = false;
    bed_.neighbours.attachment_changed(kEdge, bed_.now_ns);
    EXPECT_TRUE(hear().empty());
    edge.is_port_up = true;
    bed_.neighbours.attachment_changed(kEdge, bed_.now_ns);
    const std::vector<Heard> all = hear();
    ASSERT_EQ(all.size(), 3U) << "ARP, and two unsolicited advertisements";
    EXPECT_EQ(all[0].to, kBroadcastMac);
    EXPECT_EQ(parse_neighbour_notice(all[1].packet)->target, v6("2001:db8:15::2"));
    EXPECT_EQ(parse_neighbour_notice(all[2].packet)->target, v6(kLinkLocal));
    EXPECT_EQ(all[2].to, multicast_mac(kAllNodes));
}

TEST_F(SlowPathNd, each_has_a_host_route_but_for_link_local_ones) {
    (void)route_to_customer();
    EXPECT_EQ(bed_.ribs.find(kVrf, net6("2001:db8:15::1/128")).size(), 1U);
    ASSERT_TRUE(bed_.neighbours.acquire({kEdge, v6("fe80::1")}, bed_.now_ns).has_value());
    EXPECT_TRUE(bed_.ribs.find(kVrf, net6("fe80::1/128")).empty());
    bed_.neighbours.release({kEdge, v6("fe80::1")});
    bed_.neighbours.release(customer_);
    EXPECT_TRUE(bed_.neighbours.all().empty());
    EXPECT_TRUE(bed_.ribs.find(kVrf, net6("2001:db8:15::1/128")).empty());
}

TEST_F(SlowPathNd, of_a_removed_attachment_neighbours_of_both_families_go) {
    (void)route_to_customer();
    resolve_customer();
    bed_.neighbours.attachment_removed(kEdge);
    EXPECT_TRUE(bed_.neighbours.all().empty());
}

}  // namespace
}  // namespace causeway::test
