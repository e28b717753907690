// SPDX-License-Identifier: Apache-2.0
//
// What BFD, and draining, make of next hops. The far end is a second engine; the runner's thread is
// not started, the test takes its turns, and a session is brought to where a test wants it by hand.
#include "control/router/bfd_watch.h"

#include <gtest/gtest.h>

#include <memory>

#include "control/router/bfdd_host.h"
#include "tests/support/control_bed.h"
#include "tests/support/frame_builder.h"

namespace causeway::test {
namespace {

const IpAddress kCustomer = ip("192.168.0.1");
const IpAddress kOurs = ip("192.168.0.2");
const IpAddress kCustomer6 = ip6("2001:db8::1");
const IpAddress kOurs6 = ip6("2001:db8::2");

class BfdWatchTest : public testing::Test {
  protected:
    BfdWatchTest() {
        bed_.attach_edge_and_core();
        Attachment& edge = *bed_.attachments.find(kEdge);
        edge.bfd = BfdParameters();
        edge.peer = ip("192.168.0.1");
        edge.ipv6 = IpInterface<Ipv6Address>{.address = ip6("2001:db8::2"),
                                             .subnet = prefix6("2001:db8::/126"),
                                             .peer = ip6("2001:db8::1")};
        bed_.attachments.put(edge);
        hop_ = bed_.neighbours.acquire({kEdge, kCustomer}, 0).value();
        hop6_ = bed_.neighbours.acquire({kEdge, kCustomer6}, 0).value();
        watch_.update(*bed_.attachments.find(kEdge));
        bed_.neighbours.learn({kEdge, kCustomer}, kNeighbourMac, 0);
        bed_.neighbours.learn({kEdge, kCustomer6}, kNeighbourMac, 0);
    }

    [[nodiscard]] NextHopState state(NextHopId hop) const {
        return bed_.next_hops->info(hop).state;
    }
    // A packet of the neighbour's in this state, heard now.
    void hear(const IpAddress& from, const IpAddress& to, BfdState state) {
        const auto mine = watch_.find({kEdge, from});
        ASSERT_TRUE(mine.has_value());
        BfdFrame frame{.attachment = kEdge};
        append_bfd_datagram(frame, {.source = from, .destination = to, .source_port = 50'000},
                            write_bfd({.state = state,
                                       .multiplier = 3,
                                       .mine = BfdDiscriminator(77),
                                       .yours = *mine,
                                       .desired_min_tx_us = 300'000,
                                       .required_min_rx_us = 300'000}));
        runner_.ask([&](BfdEngine& engine, std::uint64_t now) { engine.receive(frame, now); });
        watch_.follow([this](const BfdSessionStatus&) { ++told_; });
    }
    void bring_up(const IpAddress& from, const IpAddress& to) {
        hear(from, to, BfdState::kDown);
        hear(from, to, BfdState::kInit);
        hear(from, to, BfdState::kUp);
    }

    ControlBed bed_;
    std::unique_ptr<BfdPost> post_ = std::make_unique<BfdPost>();
    BfdRunner runner_{{.sessions_max = 8, .seed = 1, .workers = {post_.get()}}};
    BfdWatch watch_{runner_, bed_.attachments, bed_.neighbours};
    NextHopId hop_;
    NextHopId hop6_;
    int told_ = 0;
};

TEST_F(BfdWatchTest, a_neighbour_need_not_speak_bfd) {
    EXPECT_EQ(state(hop_), NextHopState::kForwarding);
    hear(kCustomer, kOurs, BfdState::kDown);
    EXPECT_EQ(state(hop_), NextHopState::kForwarding);
}

TEST_F(BfdWatchTest, a_session_that_fails_takes_both_families_down) {
    bring_up(kCustomer, kOurs);
    EXPECT_EQ(watch_.verdict({kEdge, kCustomer}), BfdVerdict::kAlive);
    EXPECT_EQ(state(hop_), NextHopState::kForwarding);
    hear(kCustomer, kOurs, BfdState::kDown);
    EXPECT_EQ(watch_.verdict({kEdge, kCustomer}), BfdVerdict::kFailed);
    EXPECT_EQ(state(hop_), NextHopState::kDown);
    EXPECT_EQ(state(hop6_), NextHopState::kDown) << "nothing says that IPv6 gets through";
    hear(kCustomer, kOurs, BfdState::kInit);
    EXPECT_EQ(state(hop_), NextHopState::kForwarding);
    EXPECT_EQ(state(hop6_), NextHopState::kForwarding);
    EXPECT_GE(told_, 4);
}

TEST_F(BfdWatchTest, a_family_whose_own_session_is_up_stays) {
    bring_up(kCustomer, kOurs);
    bring_up(kCustomer6, kOurs6);
    hear(kCustomer, kOurs, BfdState::kDown);
    EXPECT_EQ(state(hop_), NextHopState::kDown);
    EXPECT_EQ(state(hop6_), NextHopState::kForwarding);
}

TEST_F(BfdWatchTest, who_shuts_bfd_down_is_still_there) {
    bring_up(kCustomer, kOurs);
    hear(kCustomer, kOurs, BfdState::kAdminDown);
    EXPECT_EQ(state(hop_), NextHopState::kForwarding);
}

TEST_F(BfdWatchTest, bfd_that_is_switched_off_no_longer_counts) {
    bring_up(kCustomer, kOurs);
    hear(kCustomer, kOurs, BfdState::kDown);
    ASSERT_EQ(state(hop_), NextHopState::kDown);
    Attachment& edge = *bed_.attachments.find(kEdge);
    edge.bfd.reset();
    watch_.update(edge);
    EXPECT_EQ(state(hop_), NextHopState::kForwarding);
    EXPECT_EQ(state(hop6_), NextHopState::kForwarding);
    EXPECT_FALSE(watch_.find({kEdge, kCustomer}).has_value());
}

TEST_F(BfdWatchTest, a_closed_attachment_tells_its_neighbour) {
    bring_up(kCustomer, kOurs);
    Attachment& edge = *bed_.attachments.find(kEdge);
    edge.closed = Exit::kAdminDown;
    watch_.update(edge);
    const BfdDiscriminator id = *watch_.find({kEdge, kCustomer});
    const auto of = [&] {
        return runner_.ask([&](BfdEngine& engine, auto) { return *engine.status(id); });
    };
    EXPECT_EQ(of().state, BfdState::kAdminDown);
    edge.closed = Exit::kNone;
    watch_.update(edge);
    EXPECT_EQ(of().state, BfdState::kDown);
    EXPECT_EQ(of().verdict, BfdVerdict::kNone);
}

TEST_F(BfdWatchTest, parameters_change_without_a_flap) {
    bring_up(kCustomer, kOurs);
    Attachment& edge = *bed_.attachments.find(kEdge);
    edge.bfd->multiplier = 5;
    watch_.update(edge);
    const auto status = runner_.ask([&](BfdEngine& engine, auto) {
        return *engine.status(*watch_.find({kEdge, kCustomer}));
    });
    EXPECT_EQ(status.state, BfdState::kUp);
    EXPECT_EQ(status.options.parameters.multiplier, 5);
}

// The sessions speak to the neighbour's MAC address, with the attachment's tags.
TEST_F(BfdWatchTest, frames_bear_the_header_of_the_way_to_the_neighbour) {
    bring_up(kCustomer, kOurs);
    const BfdFrame* const frame = post_->down.front();
    ASSERT_NE(frame, nullptr);
    const FrameHeader header =
        bed_.attachments.find(kEdge)->header(kNeighbourMac, EtherType::kIpv4);
    EXPECT_TRUE(std::equal(header.view().begin(), header.view().end(), frame->bytes.begin()));
    EXPECT_EQ(frame->port, bed_.attachments.find(kEdge)->port);
}

// A drained next hop leaves groups that have another, and only those.
TEST_F(BfdWatchTest, a_draining_attachment_is_used_as_a_last_resort) {
    const NextHopId other = bed_.neighbours.acquire({kCore, ip("10.2.0.9")}, 0).value();
    bed_.neighbours.learn({kCore, ip("10.2.0.9")}, kNeighbourMac, 0);
    const GroupMember members[]{{.next_hop = hop_, .weight = 1}, {.next_hop = other, .weight = 1}};
    const GroupId both = bed_.next_hops->acquire_group(members).value();
    const GroupId alone = bed_.next_hops->acquire_group({members, 1}).value();
    bed_.attachments.find(kEdge)->is_draining = true;
    bed_.neighbours.attachment_changed(kEdge, 0);
    EXPECT_EQ(state(hop_), NextHopState::kStandby);
    const auto buckets_of = [&](GroupId group, NextHopId hop) {
        for (const GroupInfo::Member& member : bed_.next_hops->group_info(group).members)
            if (member.next_hop == hop) return member.buckets;
        return std::size_t{0};
    };
    EXPECT_EQ(buckets_of(both, hop_), 0U);
    EXPECT_GT(buckets_of(both, other), 0U);
    EXPECT_EQ(buckets_of(alone, hop_), 1U);
    bed_.next_hops->set_down(other);
    EXPECT_GT(buckets_of(both, hop_), 0U) << "nobody else is left";
    bed_.attachments.find(kEdge)->is_draining = false;
    bed_.neighbours.attachment_changed(kEdge, 0);
    EXPECT_EQ(state(hop_), NextHopState::kForwarding);
}

// FRR's bfdd asks by addresses, and gets the session that is there.
TEST_F(BfdWatchTest, bfdd_is_told_of_the_session_between_two_addresses) {
    BfddHost host(bed_.attachments, watch_,
                  [](AttachmentId id) { return std::string_view(id == kEdge ? "edge-p1" : ""); });
    BfddpSession wanted{.id = BfddpSessionId(5), .local = kOurs, .remote = kCustomer};
    const auto ours = host.open(wanted);
    ASSERT_TRUE(ours.has_value());
    EXPECT_EQ(*ours, *watch_.find({kEdge, kCustomer}));
    EXPECT_EQ(host.state(*ours).state, BfdState::kDown);
    bring_up(kCustomer, kOurs);
    EXPECT_EQ(host.state(*ours).state, BfdState::kUp);
    EXPECT_EQ(host.state(*ours).remote, BfdDiscriminator(77));
    EXPECT_EQ(host.traffic(*ours).rx_packets, 3U);
    host.close(*ours);
    EXPECT_EQ(host.state(*ours).state, BfdState::kUp) << "the configuration's, not bfdd's";

    wanted.remote = ip("192.168.0.3");
    EXPECT_EQ(host.open(wanted).error().code, ErrorCode::kNotFound);
    wanted = {.local = kOurs6, .remote = kCustomer6};
    EXPECT_EQ(host.open(wanted).value(), *watch_.find({kEdge, kCustomer6}));
    Attachment twin = *bed_.attachments.find(kEdge);
    twin.id = bed_.attachments.id_of("twin").value();
    twin.name = "twin";
    twin.vrf = VrfId(9);
    bed_.attachments.put(twin);
    EXPECT_EQ(host.open(wanted).error().code, ErrorCode::kInvalid);
    for (const char* name : {"edge", "edge-p1"}) {
        wanted.interface = name;
        EXPECT_EQ(host.open(wanted).value(), *watch_.find({kEdge, kCustomer6})) << name;
    }
    wanted.interface = "twin";
    EXPECT_EQ(host.open(wanted).error().code, ErrorCode::kNotFound) << "without a session";
}

}  // namespace
}  // namespace causeway::test
