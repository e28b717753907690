// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "base/text.h"
#include "control/fpm/frame_reader.h"
#include "control/fpm/netlink_decoder.h"
#include "control/fpm/route_feed.h"
#include "tests/support/route_feed_bed.h"

namespace causeway::test {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint8_t kBgp = 186;
constexpr std::uint32_t kTable = 1'001;
constexpr VrfId kVrf(7);

FpmRouteKey key(const char* text, std::uint32_t table = kTable) {
    return {.table = table, .prefix = parse_ip_prefix(text).value()};
}
FpmWay via(const char* gateway, std::uint32_t weight = 1) {
    return {.action = FpmAction::kForward,
            .hops = {{.gateway = parse_ip_address(gateway).value(), .weight = weight}}};
}

class RouteFeedTest : public testing::Test {
  protected:
    RouteFeedTest() {
        feed_.map_table(kTable, kVrf);
        feed_.begin_replay(now_);
    }
    void hear(const FpmMessage& message) { feed_.hear(message, now_); }
    void set(const char* prefix, std::variant<FpmWay, NextHopObjectId> way) {
        hear(FpmSetRoute{.key = key(prefix), .protocol = kBgp, .via = std::move(way)});
    }
    void remove(const char* prefix) { hear(FpmDeleteRoute{.key = key(prefix), .protocol = kBgp}); }
    void drain() {
        while (feed_.has_work()) feed_.work();
    }
    void pass(std::uint64_t seconds) {
        for (std::uint64_t i = 0; i < seconds; ++i) feed_.tick(now_ += kSecond);
        drain();
    }
    InstalledRoutes installed() {
        drain();
        return applier_.routes();
    }
    static InstalledRoutes just(const char* prefix, const FpmWay& way) {
        return {{{kVrf, parse_ip_prefix(prefix).value()}, way}};
    }

    RecordingApplier applier_;
    FpmCounters counters_;
    RouteFeed feed_{applier_, counters_, {}};
    std::uint64_t now_ = 1'000 * kSecond;
};

TEST_F(RouteFeedTest, nothing_is_applied_before_work) {
    set("10.0.0.0/8", via("192.0.2.1"));
    EXPECT_EQ(applier_.batches, 0U);
    EXPECT_EQ(installed(), just("10.0.0.0/8", via("192.0.2.1")));
    EXPECT_EQ(applier_.batches, 1U);
}

// bgpd has crashed, and zebra clears its routes away; then it tells everything anew.
TEST_F(RouteFeedTest, held_deletions_count_when_they_are_not_repeated) {
    const NextHopObjectId object(7);
    hear(FpmSetNextHop{.id = object, .object = via("192.0.2.1")});
    set("10.0.0.0/8", object);
    set("10.1.0.0/16", via("192.0.2.1"));
    drain();
    const InstalledRoutes before = applier_.routes();
    ASSERT_EQ(before.size(), 2U);
    feed_.hold_deletions();
    remove("10.0.0.0/8");
    remove("10.1.0.0/16");
    hear(FpmDeleteNextHop{object});
    EXPECT_EQ(installed(), before);
    EXPECT_EQ(counters_.read(FpmEvent::kDeletionHeld), 3U);
    EXPECT_EQ(counters_.read(FpmEvent::kRouteDeleted), 0U);
    set("10.1.0.0/16", via("192.0.2.2"));  // what is told anew is heeded
    EXPECT_EQ(installed().at({kVrf, parse_ip_prefix("10.1.0.0/16").value()}), via("192.0.2.2"));

    // Also when zebra has gone and come meanwhile; nor is anything swept.
    feed_.end_session();
    feed_.begin_replay(now_);
    set("10.1.0.0/16", via("192.0.2.2"));
    remove("10.1.0.0/16");
    pass(200);
    EXPECT_EQ(installed().size(), 2U);

    EXPECT_TRUE(feed_.heed_deletions());
    EXPECT_FALSE(feed_.heed_deletions());  // once is enough
    feed_.end_session();
    feed_.begin_replay(now_);
    set("10.1.0.0/16", via("192.0.2.2"));
    pass(200);
    EXPECT_EQ(installed(), just("10.1.0.0/16", via("192.0.2.2")));
    remove("10.1.0.0/16");
    EXPECT_TRUE(installed().empty());
}

// Deletions wait for word that bgpd lives.
class DoubtingFeedTest : public RouteFeedTest {
  protected:
    DoubtingFeedTest() {
        feed_.set_options({.doubts_deletions = true});
        for (const char* prefix : {"10.0.0.0/8", "10.1.0.0/16"}) set(prefix, kWay);
        drain();
    }
    [[nodiscard]] std::size_t count() { return installed().size(); }

    const FpmWay kWay = via("192.0.2.1");
};

TEST_F(DoubtingFeedTest, a_deletion_waits_for_an_answer_to_a_later_question) {
    EXPECT_FALSE(feed_.has_question());
    remove("10.0.0.0/8");
    remove("10.0.0.0/8");
    feed_.vouch();  // nobody had been asked
    EXPECT_EQ(count(), 2U);
    ASSERT_TRUE(feed_.has_question());
    feed_.note_asked();
    EXPECT_FALSE(feed_.has_question());
    remove("10.1.0.0/16");  // after the question
    feed_.vouch();
    EXPECT_EQ(installed(), just("10.1.0.0/16", kWay));
    ASSERT_TRUE(feed_.has_question());
    feed_.note_asked();
    feed_.vouch();
    EXPECT_EQ(count(), 0U);
    EXPECT_EQ(feed_.route_count(), 0U);
    EXPECT_EQ(counters_.read(FpmEvent::kRouteDeleted), 2U);
}

TEST_F(DoubtingFeedTest, what_is_set_again_stays) {
    remove("10.0.0.0/8");
    remove("10.1.0.0/16");
    feed_.note_asked();
    set("10.0.0.0/8", via("192.0.2.2"));
    set("10.1.0.0/16", kWay);
    remove("10.1.0.0/16");  // anew, and so not what the question was about
    feed_.vouch();
    EXPECT_EQ(count(), 2U);
    EXPECT_EQ(installed().at({kVrf, parse_ip_prefix("10.0.0.0/8").value()}), via("192.0.2.2"));
    feed_.note_asked();
    feed_.vouch();
    EXPECT_EQ(installed(), just("10.0.0.0/8", via("192.0.2.2")));
}

TEST_F(DoubtingFeedTest, who_goes_instead_of_an_answer_has_withdrawn_nothing) {
    remove("10.0.0.0/8");
    feed_.note_asked();
    remove("10.1.0.0/16");
    feed_.hold_deletions();
    feed_.vouch();
    EXPECT_EQ(count(), 2U);
    EXPECT_FALSE(feed_.has_question());
    EXPECT_EQ(counters_.read(FpmEvent::kDeletionHeld), 2U);
    EXPECT_TRUE(feed_.heed_deletions());
}

TEST_F(DoubtingFeedTest, a_deletion_that_waits_is_swept_like_any_other) {
    feed_.begin_replay(now_);
    set("10.1.0.0/16", kWay);
    remove("10.0.0.0/8");
    feed_.note_asked();
    pass(200);
    EXPECT_EQ(installed(), just("10.1.0.0/16", kWay));
    set("10.2.0.0/16", kWay);  // in the place that has become free
    feed_.vouch();
    EXPECT_EQ(count(), 2U);
}

TEST_F(DoubtingFeedTest, many_deletions_are_done_in_slices) {
    constexpr std::size_t kMany = 10 * RouteFeed::kChangesPerWork;
    const auto prefix = [](std::size_t i) {
        return "172." + std::to_string(16 + i / 256) + '.' + std::to_string(i % 256) + ".0/24";
    };
    for (std::size_t i = 0; i < kMany; ++i) set(prefix(i).c_str(), kWay);
    drain();
    for (std::size_t i = 0; i < kMany; ++i) remove(prefix(i).c_str());
    feed_.note_asked();
    feed_.vouch();
    feed_.work();
    EXPECT_GE(applier_.routes().size(), kMany - RouteFeed::kChangesPerWork);
    EXPECT_EQ(count(), 2U);
}

TEST_F(RouteFeedTest, several_changes_of_a_route_are_one) {
    set("10.0.0.0/8", via("192.0.2.1"));
    remove("10.0.0.0/8");
    set("10.0.0.0/8", via("192.0.2.2"));
    EXPECT_EQ(installed(), just("10.0.0.0/8", via("192.0.2.2")));
    EXPECT_EQ(applier_.changes_seen, 2U);  // the way, and the route
    set("10.0.0.0/8", via("192.0.2.2"));
    drain();
    EXPECT_EQ(applier_.changes_seen, 2U);  // nothing new
}

TEST_F(RouteFeedTest, a_slice_is_bounded) {
    for (std::uint32_t i = 0; i < 10'000; ++i) {
        hear(FpmSetRoute{.key = {.table = kTable,
                                 .prefix = Ipv4Prefix::of(Ipv4Address(0x0a00'0000U + i * 256), 24)},
                         .protocol = kBgp,
                         .via = via("192.0.2.1")});
    }
    EXPECT_EQ(installed().size(), 10'000U);
    EXPECT_GE(applier_.batches, 10'000 / RouteFeed::kChangesPerWork);
}

TEST_F(RouteFeedTest, routes_wait_for_their_object_and_groups_for_their_members) {
    set("10.0.0.0/8", NextHopObjectId(30));
    EXPECT_TRUE(installed().empty());
    EXPECT_EQ(counters_.read(FpmEvent::kUnknownNextHop), 1U);
    hear(FpmSetNextHop{NextHopObjectId(30),
                       FpmGroupMembers{{NextHopObjectId(1), 1}, {NextHopObjectId(2), 3}}});
    EXPECT_TRUE(installed().empty());
    hear(FpmSetNextHop{NextHopObjectId(2), via("192.0.2.2")});
    EXPECT_EQ(installed(), just("10.0.0.0/8", via("192.0.2.2", 3)));
    hear(FpmSetNextHop{NextHopObjectId(1), via("192.0.2.1")});
    FpmWay both = via("192.0.2.1");
    both.hops.push_back(via("192.0.2.2", 3).hops[0]);
    EXPECT_EQ(installed(), just("10.0.0.0/8", both));
}

TEST_F(RouteFeedTest, a_changed_object_is_one_change_for_all_its_routes) {
    hear(FpmSetNextHop{NextHopObjectId(1), via("192.0.2.1")});
    for (std::uint32_t i = 0; i < 1'000; ++i)
        hear(
            FpmSetRoute{.key = {.table = kTable, .prefix = Ipv4Prefix::of(Ipv4Address(i << 8), 24)},
                        .protocol = kBgp,
                        .via = NextHopObjectId(1)});
    drain();
    const std::size_t before = applier_.changes_seen;
    hear(FpmSetNextHop{NextHopObjectId(1), via("192.0.2.9")});
    drain();
    EXPECT_EQ(applier_.changes_seen, before + 1);
}

TEST_F(RouteFeedTest, an_object_deleted_in_use_goes_on_until_its_routes_let_go) {
    hear(FpmSetNextHop{NextHopObjectId(1), via("192.0.2.1")});
    set("10.0.0.0/8", NextHopObjectId(1));
    hear(FpmDeleteNextHop{NextHopObjectId(1)});
    EXPECT_EQ(installed(), just("10.0.0.0/8", via("192.0.2.1")));
    remove("10.0.0.0/8");
    EXPECT_TRUE(installed().empty());
    EXPECT_EQ(feed_.next_hop_count(), 0U);
    EXPECT_EQ(applier_.way_count(), 0U);
}

TEST_F(RouteFeedTest, a_connected_route_takes_the_place_of_ours) {
    set("10.0.0.0/8", via("192.0.2.1"));
    drain();
    hear(FpmSetRoute{.key = key("10.0.0.0/8"),
                     .protocol = RTPROT_KERNEL,
                     .via = FpmWay{.hops = {{.interface = 3}}}});
    EXPECT_TRUE(installed().empty());
    set("10.0.0.0/8", via("192.0.2.1"));
    hear(FpmDeleteRoute{.key = key("10.0.0.0/8"), .protocol = RTPROT_KERNEL});
    EXPECT_EQ(installed(), just("10.0.0.0/8", via("192.0.2.1")));
}

TEST_F(RouteFeedTest, routes_of_an_unknown_table_wait_until_it_is_mapped) {
    hear(FpmSetRoute{.key = key("10.0.0.0/8", 5), .protocol = kBgp, .via = via("192.0.2.1")});
    EXPECT_TRUE(installed().empty());
    EXPECT_EQ(counters_.read(FpmEvent::kUnknownTable), 1U);
    feed_.map_table(5, VrfId(9));
    EXPECT_EQ(installed().size(), 1U);
    EXPECT_TRUE(applier_.routes().contains({VrfId(9), parse_ip_prefix("10.0.0.0/8").value()}));
    feed_.unmap_table(5);
    applier_.destroy_vrf(VrfId(9));
    EXPECT_TRUE(installed().empty());
    feed_.map_table(5, VrfId(10));
    EXPECT_TRUE(installed().contains({VrfId(10), parse_ip_prefix("10.0.0.0/8").value()}));
}

TEST_F(RouteFeedTest, what_a_zebra_that_is_back_does_not_repeat_is_swept_after_silence) {
    hear(FpmSetNextHop{NextHopObjectId(1), via("192.0.2.1")});
    set("10.0.0.0/8", NextHopObjectId(1));
    set("10.1.0.0/16", via("192.0.2.2"));
    feed_.end_session();
    pass(10'000);
    EXPECT_EQ(installed().size(), 2U);  // zebra is away: stale, but there
    feed_.begin_replay(now_);
    set("10.1.0.0/16", via("192.0.2.2"));
    pass(119);
    EXPECT_EQ(installed().size(), 2U);
    pass(1);
    EXPECT_EQ(installed(), just("10.1.0.0/16", via("192.0.2.2")));
    EXPECT_EQ(feed_.next_hop_count(), 0U);
    EXPECT_EQ(counters_.read(FpmEvent::kSweptRoute), 1U);
    EXPECT_EQ(counters_.read(FpmEvent::kSweptNextHop), 1U);
    EXPECT_TRUE(feed_.is_settled());
    set("10.2.0.0/16", via("192.0.2.2"));
    pass(10'000);
    EXPECT_EQ(installed().size(), 2U);  // once only
}

TEST_F(RouteFeedTest, sweeping_waits_for_silence_but_not_for_ever) {
    set("10.0.0.0/8", via("192.0.2.1"));
    feed_.end_session();
    feed_.begin_replay(now_);
    for (int i = 0; i < 599; ++i) {
        set("10.1.0.0/16", via("192.0.2.2"));
        pass(1);
    }
    EXPECT_EQ(installed().size(), 2U);
    pass(1);
    EXPECT_EQ(installed().size(), 1U);
}

TEST(RouteFeedReplay, is_wanted_when_dead_objects_fill_the_table) {
    RecordingApplier applier;
    FpmCounters counters;
    RouteFeed feed(applier, counters, {.quiet_ns = 1, .sweep_after_ns = 1, .next_hops_max = 20});
    std::uint64_t now = 0;
    const auto set = [&](std::uint32_t first, std::uint32_t last) {
        for (std::uint32_t id = first; id <= last; ++id)
            feed.hear(FpmSetNextHop{NextHopObjectId(id), via("192.0.2.1")}, now);
    };
    const auto settle = [&] {
        feed.tick(++now);
        while (feed.has_work()) feed.work();
        ASSERT_TRUE(feed.is_settled());
    };
    feed.begin_replay(now);
    set(1, 10);
    EXPECT_FALSE(feed.wants_replay());  // it is under way
    settle();
    set(11, 15);
    EXPECT_FALSE(feed.wants_replay());
    set(16, 16);
    EXPECT_TRUE(feed.wants_replay());
    feed.begin_replay(now);
    set(10, 16);
    EXPECT_FALSE(feed.wants_replay());
    settle();
    EXPECT_EQ(feed.next_hop_count(), 7U);
    EXPECT_FALSE(feed.wants_replay());
}

TEST_F(RouteFeedTest, a_peer_that_says_nothing_changes_nothing) {
    set("10.0.0.0/8", via("192.0.2.1"));
    feed_.end_session();
    feed_.begin_replay(now_);
    pass(100'000);
    EXPECT_EQ(installed().size(), 1U);
    EXPECT_EQ(counters_.read(FpmEvent::kSilentPeer), 1U);
}

TEST(RouteFeedLimits, refuse_by_name_and_keep_what_is_there) {
    RecordingApplier applier;
    FpmCounters counters;
    RouteFeed feed(applier, counters, {.routes_max = 2, .next_hops_max = 1});
    feed.map_table(kTable, kVrf);
    const auto set = [&](const char* prefix, NextHopObjectId id) {
        feed.hear(FpmSetRoute{.key = key(prefix), .protocol = kBgp, .via = id}, 0);
    };
    feed.hear(FpmSetNextHop{NextHopObjectId(1), via("192.0.2.1")}, 0);
    feed.hear(FpmSetNextHop{NextHopObjectId(2), via("192.0.2.1")}, 0);
    set("10.0.0.0/8", NextHopObjectId(2));
    EXPECT_EQ(counters.read(FpmEvent::kNextHopsFull), 2U);
    for (const char* prefix : {"10.0.0.0/8", "11.0.0.0/8", "12.0.0.0/8", "10.0.0.0/8"})
        set(prefix, NextHopObjectId(1));
    EXPECT_EQ(counters.read(FpmEvent::kRoutesFull), 1U);
    while (feed.has_work()) feed.work();
    EXPECT_EQ(applier.routes().size(), 2U);
}

// What zebra 8.4.4 sent while staticd told it of routes, their interface went down and came back,
// and staticd ended: all of it is understood, each group is complete, and nothing is left.
TEST(RouteFeedOfZebra, understands_a_recorded_connection) {
    std::ifstream file(ZEBRA_STREAM, std::ios::binary);
    const std::vector<std::uint8_t> stream{std::istreambuf_iterator<char>(file), {}};
    ASSERT_FALSE(stream.empty());
    RecordingApplier applier;
    FpmCounters counters;
    RouteFeed feed(applier, counters, {});
    feed.map_table(RT_TABLE_MAIN, kVrf);
    feed.begin_replay(0);
    FpmFrameReader reader;
    reader.append(stream);
    std::size_t routes_max = 0;
    std::vector<FpmMessage> messages;
    while (const auto frame = reader.next()) {
        messages.clear();
        decode_netlink(*frame, messages, counters);
        for (const FpmMessage& message : messages) feed.hear(message, 0);
        while (feed.has_work()) feed.work();
        const InstalledRoutes routes = applier.routes();
        routes_max = std::max(routes_max, routes.size());
        for (const auto& [place, way] : routes) {
            const bool is_split = place.second == key("10.2.0.0/16").prefix ||
                                  place.second == key("2001:db8:2::/48").prefix;
            const bool is_blackhole = place.second == key("10.3.0.0/16").prefix;
            EXPECT_EQ(way.action, is_blackhole ? FpmAction::kBlackhole : FpmAction::kForward);
            EXPECT_EQ(way.hops.size(), is_split ? 2U : is_blackhole ? 0U : 1U);
        }
    }
    EXPECT_FALSE(reader.error().has_value());
    EXPECT_EQ(reader.waiting_bytes(), 0U);
    EXPECT_EQ(routes_max, 6U);
    EXPECT_TRUE(applier.routes().empty());
    EXPECT_GT(counters.read(FpmEvent::kKernelRoute), 0U);
    counters.tell_new([](const FpmEventInfo& info, std::uint32_t subject) {
        ADD_FAILURE() << info.name << " " << subject;
    });
}

TEST(FpmCounters, tell_each_problem_once_until_asked_anew) {
    FpmCounters counters;
    std::vector<std::pair<FpmEvent, std::uint32_t>> told;
    const auto tell = [&] {
        told.clear();
        counters.tell_new([&](const FpmEventInfo& info, std::uint32_t subject) {
            told.emplace_back(info.event, subject);
        });
        return told;
    };
    using Told = std::vector<std::pair<FpmEvent, std::uint32_t>>;
    counters.count(FpmEvent::kFrame);
    counters.count(FpmEvent::kUnknownTable, 5);
    counters.count(FpmEvent::kUnknownTable, 6);
    EXPECT_EQ(tell(), (Told{{FpmEvent::kUnknownTable, 5}}));
    counters.count(FpmEvent::kUnknownTable, 7);
    counters.count(FpmEvent::kBadVersion);
    EXPECT_EQ(tell(), (Told{{FpmEvent::kBadVersion, 0}}));
    counters.expect_anew();
    counters.count(FpmEvent::kUnknownTable, 8);
    EXPECT_EQ(tell(), (Told{{FpmEvent::kUnknownTable, 8}}));
    EXPECT_EQ(counters.read(FpmEvent::kUnknownTable), 4U);
}

}  // namespace
}  // namespace causeway::test
