// SPDX-License-Identifier: Apache-2.0
#include "fib/rib.h"

#include "tests/fib/fib_fixture.h"

namespace causeway {
namespace {

constexpr VrfId kVrf{3};

class RibTest : public ::testing::Test {
  protected:
    void SetUp() override { ASSERT_TRUE(tables.rib.create_vrf(kVrf)); }

    void add(const char* text, GroupId group, RouteSource source = RouteSource::kStatic) {
        const Status status = tables.rib.add(kVrf, prefix(text), source, group);
        ASSERT_TRUE(status) << status.error().message;
    }
    void remove(const char* text, RouteSource source = RouteSource::kStatic) {
        const Status status = tables.rib.remove(kVrf, prefix(text), source);
        ASSERT_TRUE(status) << status.error().message;
    }
    GroupId lookup(const char* text) { return tables.lookup(kVrf, address(text)); }

    ImmediateGrace grace;
    Tables tables{grace, {.vrfs_max = 16, .blocks_max = 4}};
    std::vector<GroupId> groups = tables.make_groups(8);
};

TEST_F(RibTest, TheLongestPrefixWinsAndItsRemovalUncoversTheNext) {
    add("0.0.0.0/0", groups[0]);
    add("10.0.0.0/8", groups[1]);
    add("10.1.0.0/16", groups[2]);
    add("10.1.2.0/24", groups[3]);
    add("10.1.2.128/25", groups[4]);
    add("10.1.2.129/32", groups[5]);
    EXPECT_EQ(lookup("9.255.255.255"), groups[0]);
    EXPECT_EQ(lookup("10.0.0.0"), groups[1]);
    EXPECT_EQ(lookup("10.1.255.255"), groups[2]);
    EXPECT_EQ(lookup("10.1.2.127"), groups[3]);
    EXPECT_EQ(lookup("10.1.2.128"), groups[4]);
    EXPECT_EQ(lookup("10.1.2.129"), groups[5]);
    EXPECT_EQ(lookup("10.1.2.130"), groups[4]);
    EXPECT_EQ(lookup("11.0.0.0"), groups[0]);
    remove("10.1.2.128/25");
    EXPECT_EQ(lookup("10.1.2.128"), groups[3]);
    EXPECT_EQ(lookup("10.1.2.129"), groups[5]);
    remove("10.1.2.0/24");
    EXPECT_EQ(lookup("10.1.2.128"), groups[2]);
    remove("10.0.0.0/8");
    EXPECT_EQ(lookup("10.0.0.0"), groups[0]);
    EXPECT_EQ(lookup("10.1.2.0"), groups[2]);
    remove("0.0.0.0/0");
    EXPECT_EQ(lookup("10.0.0.0"), kNoRouteGroup);
}

TEST_F(RibTest, TheFirstSourceWinsAndTheNextTakesOverWhenItWithdraws) {
    add("10.0.0.0/24", groups[0], RouteSource::kBgp);
    add("10.0.0.0/24", groups[1], RouteSource::kConnected);
    add("10.0.0.0/24", groups[2], RouteSource::kStatic);
    EXPECT_EQ(lookup("10.0.0.1"), groups[1]);
    const std::vector<Rib4::Route> routes = tables.rib.find(kVrf, prefix("10.0.0.0/24"));
    ASSERT_EQ(routes.size(), 3U);
    EXPECT_EQ(routes[0].source, RouteSource::kConnected);
    EXPECT_TRUE(routes[0].is_best);
    EXPECT_EQ(routes[2].source, RouteSource::kBgp);
    EXPECT_FALSE(routes[2].is_best);
    EXPECT_EQ(tables.rib.counts(kVrf).value(), (RouteCounts{1, 0, 1, 1}));
    remove("10.0.0.0/24", RouteSource::kConnected);
    EXPECT_EQ(lookup("10.0.0.1"), groups[2]);
    remove("10.0.0.0/24", RouteSource::kBgp);
    EXPECT_EQ(lookup("10.0.0.1"), groups[2]);
    remove("10.0.0.0/24", RouteSource::kStatic);
    EXPECT_EQ(lookup("10.0.0.1"), kNoRouteGroup);
    EXPECT_EQ(tables.rib.route_count(), 0U);
}

TEST_F(RibTest, VrfsDoNotSeeEachOther) {
    constexpr VrfId kOther{4};
    ASSERT_TRUE(tables.rib.create_vrf(kOther));
    add("10.0.0.0/8", groups[0]);
    ASSERT_TRUE(tables.rib.add(kOther, prefix("10.0.0.0/8"), RouteSource::kStatic, groups[1]));
    EXPECT_EQ(lookup("10.0.0.1"), groups[0]);
    EXPECT_EQ(tables.lookup(kOther, address("10.0.0.1")), groups[1]);
    ASSERT_TRUE(tables.rib.destroy_vrf(kOther));
    EXPECT_EQ(tables.lookup(kOther, address("10.0.0.1")), kNoRouteGroup);
    EXPECT_EQ(lookup("10.0.0.1"), groups[0]);
}

TEST_F(RibTest, UnknownVrfsHaveNoRoutes) {
    add("0.0.0.0/0", groups[0]);
    for (const int id : {0, 15, 16, 17, 8'191, 8'192, 65'535}) {
        const VrfId vrf(static_cast<std::uint16_t>(id));
        EXPECT_EQ(tables.lookup(vrf, address("10.0.0.1")), kNoRouteGroup) << id;
    }
}

TEST_F(RibTest, ADestroyedVrfComesBackEmptyAndGivesUpItsBlocksAndGroups) {
    const std::size_t groups_before = tables.next_hops->usage().groups;
    add("0.0.0.0/0", groups[0]);
    add("10.0.0.0/8", groups[1]);
    add("10.0.0.1/32", groups[2]);
    add("10.0.0.1/32", groups[3], RouteSource::kBgp);
    EXPECT_EQ(tables.fib->usage().blocks, 1U);
    for (const GroupId group : groups) tables.next_hops->release_group(group);
    EXPECT_EQ(tables.next_hops->usage().groups, 4U) << "of " << groups_before;
    ASSERT_TRUE(tables.rib.destroy_vrf(kVrf));
    EXPECT_EQ(tables.next_hops->usage().groups, 0U);
    EXPECT_EQ(tables.fib->usage().blocks, 0U);
    EXPECT_EQ(tables.fib->usage().level1_bytes, 0U);
    EXPECT_EQ(tables.rib.route_count(), 0U);
    ASSERT_TRUE(tables.rib.create_vrf(kVrf));
    EXPECT_EQ(lookup("10.0.0.1"), kNoRouteGroup);
}

TEST_F(RibTest, RefusesWhatMakesNoSense) {
    const Ipv4Prefix net = prefix("10.0.0.0/8");
    const RouteSource source = RouteSource::kStatic;
    EXPECT_EQ(tables.rib.create_vrf(kVrf).error().code, ErrorCode::kExists);
    EXPECT_EQ(tables.rib.create_vrf(VrfId(16)).error().code, ErrorCode::kInvalid);
    EXPECT_EQ(tables.rib.destroy_vrf(VrfId(5)).error().code, ErrorCode::kNotFound);
    EXPECT_EQ(tables.rib.add(VrfId(5), net, source, groups[0]).error().code, ErrorCode::kNotFound);
    EXPECT_EQ(tables.rib.add(kVrf, net, source, GroupId(30'000)).error().code,
              ErrorCode::kNotFound);
    EXPECT_EQ(tables.rib.add(kVrf, net, source, kNoRouteGroup).error().code, ErrorCode::kNotFound);
    EXPECT_EQ(tables.rib.remove(kVrf, net, source).error().code, ErrorCode::kNotFound);
    add("10.0.0.0/8", groups[0]);
    const Status wrong_source = tables.rib.remove(kVrf, net, RouteSource::kBgp);
    EXPECT_EQ(wrong_source.error().message, "there is no bgp route to 10.0.0.0/8");
    EXPECT_EQ(lookup("10.0.0.1"), groups[0]);
}

TEST_F(RibTest, ADeadGroupLeavesItsPrefixToTheNextSource) {
    const auto hop = [&](std::uint16_t attachment) {
        return tables.next_hops->acquire(AttachmentId(attachment), Ipv4Address(1)).value();
    };
    const auto way = [&] {
        const RouteKey key{kVrf, address("10.0.0.1")};
        GroupId group;
        tables.fib->lookup({&key, 1}, {&group, 1});
        const NextHops& table = *tables.next_hops;
        return table.adjacency(table.bucket(table.group(group), 0)).attachment.value();
    };
    for (std::uint16_t at = 1; at <= 2; ++at) {
        ASSERT_TRUE(tables.next_hops->set_forwarding(hop(at), forward_to(1, at)));
    }
    add("10.0.0.0/24", groups[1], RouteSource::kStatic);
    add("10.0.0.0/24", groups[2], RouteSource::kBgp);
    EXPECT_EQ(way(), 1);
    tables.next_hops->set_down(hop(1));
    EXPECT_EQ(way(), 2);
    ASSERT_TRUE(tables.next_hops->set_forwarding(hop(1), forward_to(1, 1)));
    EXPECT_EQ(way(), 1);
    // The one that is left is not found dead for having had a rival.
    tables.next_hops->set_down(hop(1));
    remove("10.0.0.0/24", RouteSource::kStatic);
    EXPECT_EQ(way(), 2);
    remove("10.0.0.0/24", RouteSource::kBgp);
    EXPECT_EQ(tables.next_hops->usage().groups, groups.size()) << "no fallback is left over";
}

TEST_F(RibTest, WhatAFeederDoesNotRepeatIsSwept) {
    add("10.0.0.0/24", groups[0], RouteSource::kBgp);
    add("10.0.1.0/24", groups[1], RouteSource::kBgp);
    add("10.0.1.0/24", groups[2], RouteSource::kStatic);
    add("10.0.2.0/24", groups[3], RouteSource::kBgp);
    ASSERT_TRUE(tables.rib.mark_stale(kVrf, RouteSource::kBgp));
    EXPECT_EQ(lookup("10.0.0.1"), groups[0]) << "forwards all along";
    EXPECT_TRUE(tables.rib.find(kVrf, prefix("10.0.0.0/24"))[0].is_stale);
    add("10.0.2.0/24", groups[3], RouteSource::kBgp);
    const auto sweep = tables.rib.sweep_stale(kVrf, RouteSource::kBgp, std::nullopt, 2).value();
    EXPECT_EQ(sweep.removed, (std::vector{groups[0], groups[1]}));
    EXPECT_EQ(sweep.next, prefix("10.0.1.0/24"));
    EXPECT_EQ(tables.rib.sweep_stale(kVrf, RouteSource::kBgp, sweep.next, 2).value().removed.size(),
              0U);
    EXPECT_EQ(lookup("10.0.0.1"), kNoRouteGroup);
    EXPECT_EQ(lookup("10.0.1.1"), groups[2]) << "another source's";
    EXPECT_EQ(lookup("10.0.2.1"), groups[3]) << "repeated";
    EXPECT_EQ(tables.rib.mark_stale(VrfId(9), RouteSource::kBgp).error().code,
              ErrorCode::kNotFound);
}

TEST_F(RibTest, AFullPoolOfBlocksLeavesTheTableAsItWas) {
    add("10.0.0.0/16", groups[0]);
    for (const char* text : {"10.0.0.1/32", "10.0.1.1/32", "10.0.2.1/32", "10.0.3.1/32"}) {
        add(text, groups[1]);
    }
    add("10.0.0.2/31", groups[2]);  // its /24 has a block already
    const Status status =
        tables.rib.add(kVrf, prefix("10.0.4.1/32"), RouteSource::kStatic, groups[1]);
    EXPECT_EQ(status.error().code, ErrorCode::kFull);
    EXPECT_EQ(lookup("10.0.4.1"), groups[0]);
    EXPECT_TRUE(tables.rib.find(kVrf, prefix("10.0.4.1/32")).empty());
    EXPECT_EQ(tables.rib.route_count(), 6U);
    EXPECT_EQ(tables.rib.refusals().fib_full, 1U);
    remove("10.0.0.1/32");
    EXPECT_EQ(tables.fib->usage().blocks, 4U) << "10.0.0.2/31 still holds the block";
    remove("10.0.0.2/31");
    EXPECT_EQ(tables.fib->usage().blocks, 3U);
    add("10.0.4.1/32", groups[1]);
    EXPECT_EQ(lookup("10.0.4.1"), groups[1]);
}

// A block that a removal gives back is lost until its grace period ends: undoing must not need one.
TEST_F(RibTest, ABatchThatEmptiesABlockOfAFullPoolCanBeUndone) {
    add("10.0.0.0/16", groups[0]);
    for (const char* text : {"10.0.0.1/32", "10.0.1.1/32", "10.0.2.1/32", "10.0.3.1/32"}) {
        add(text, groups[1]);
    }
    const std::vector<Rib4::Change> changes{
        {.action = RouteChangeAction::kRemove, .vrf = kVrf, .prefix = prefix("10.0.0.1/32")}};
    ASSERT_FALSE(tables.rib.start(changes));
    EXPECT_EQ(lookup("10.0.0.1"), groups[0]);
    tables.rib.undo();
    EXPECT_EQ(lookup("10.0.0.1"), groups[1]);
    EXPECT_EQ(tables.fib->usage().blocks, 4U);
    EXPECT_EQ(tables.rib.route_count(), 5U);
}

TEST_F(RibTest, ExplainListsWhatWonAndWhatItWonOver) {
    add("0.0.0.0/0", groups[0]);
    add("10.0.0.0/8", groups[1], RouteSource::kBgp);
    add("10.0.0.0/8", groups[2], RouteSource::kStatic);
    add("10.0.0.1/32", groups[3]);
    add("11.0.0.0/8", groups[4]);
    const std::vector<Rib4::Route> routes = tables.rib.explain(kVrf, address("10.0.0.1")).value();
    const std::vector<Rib4::Route> expected{
        {prefix("10.0.0.1/32"), RouteSource::kStatic, groups[3], true},
        {prefix("10.0.0.0/8"), RouteSource::kStatic, groups[2], true},
        {prefix("10.0.0.0/8"), RouteSource::kBgp, groups[1], false},
        {prefix("0.0.0.0/0"), RouteSource::kStatic, groups[0], true},
    };
    EXPECT_EQ(routes, expected);
    EXPECT_FALSE(tables.rib.explain(VrfId(5), address("10.0.0.1")));
}

TEST_F(RibTest, ADumpResumesAfterItsCursorEvenIfThatIsGone) {
    for (const char* text : {"0.0.0.0/0", "10.0.0.0/8", "10.0.0.0/9", "10.128.0.0/9"}) {
        add(text, groups[0]);
    }
    Rib4::Page page = tables.rib.dump(kVrf, std::nullopt, 2).value();
    ASSERT_EQ(page.routes.size(), 2U);
    ASSERT_EQ(page.next, prefix("10.0.0.0/8"));
    remove("10.0.0.0/8");
    page = tables.rib.dump(kVrf, page.next, 2).value();
    ASSERT_EQ(page.routes.size(), 2U);
    EXPECT_EQ(page.routes[0].prefix, prefix("10.0.0.0/9"));
    EXPECT_EQ(page.next, std::nullopt);
    EXPECT_EQ(tables.rib.dump(kVrf, std::nullopt, 0).error().code, ErrorCode::kInvalid);
}

TEST(RibLimits, RoutesArePerVrfAndInAllAndMemoryIsBounded) {
    ImmediateGrace grace;
    // Eight pages of first level: each is 2,048 /24s, which is a /13.
    Tables tables(grace, {.vrfs_max = 2, .blocks_max = 4, .level1_bytes_max = 8 * kPageBytes},
                  {.routes_max = 5, .routes_per_vrf_max = 3});
    const GroupId group = tables.make_groups(1)[0];
    const auto add = [&](std::uint16_t vrf, const char* text) {
        const Status status = tables.rib.add(VrfId(vrf), prefix(text), RouteSource::kStatic, group);
        return status ? std::optional<ErrorCode>() : status.error().code;
    };
    ASSERT_TRUE(tables.rib.create_vrf(VrfId(0)));
    ASSERT_TRUE(tables.rib.create_vrf(VrfId(1)));
    EXPECT_EQ(add(0, "10.0.0.0/9"), ErrorCode::kFull);  // sixteen pages
    EXPECT_EQ(tables.fib->usage().level1_bytes, 0U);
    EXPECT_EQ(tables.lookup(VrfId(0), address("10.0.0.1")), kNoRouteGroup);
    EXPECT_EQ(add(0, "10.0.0.0/10"), std::nullopt);  // all eight
    EXPECT_EQ(add(0, "10.1.0.0/16"), std::nullopt);  // inside them
    EXPECT_EQ(add(0, "11.0.0.0/24"), ErrorCode::kFull);
    EXPECT_EQ(add(0, "11.0.0.0/32"), ErrorCode::kFull);
    EXPECT_EQ(tables.fib->usage().blocks, 0U);
    EXPECT_EQ(add(0, "10.2.0.0/16"), std::nullopt);
    EXPECT_EQ(add(0, "10.3.0.0/16"), ErrorCode::kFull);  // a fourth route
    EXPECT_EQ(add(0, "10.2.0.0/16"), std::nullopt);      // a replacement is none
    EXPECT_EQ(add(1, "0.0.0.0/0"), std::nullopt);        // needs no page
    EXPECT_EQ(tables.rib.route_count(), 4U);
    EXPECT_EQ(tables.lookup(VrfId(1), address("1.2.3.4")), group);
}

TEST_F(RibTest, ABatchAppliesWholeOrNotAtAll) {
    using enum RouteChangeAction;
    add("10.0.0.0/8", groups[0]);
    add("10.0.0.1/32", groups[1]);
    for (const char* text : {"10.0.1.1/32", "10.0.2.1/32", "10.0.3.1/32"}) add(text, groups[2]);
    const auto change = [](Rib4::Change::Action action, const char* text, GroupId group = {}) {
        return Rib4::Change{.action = action,
                            .source = RouteSource::kStatic,
                            .vrf = kVrf,
                            .prefix = prefix(text),
                            .group = group};
    };
    std::vector<Rib4::Change> changes{
        change(kRemove, "10.0.0.1/32"),          // leaves its block empty
        change(kAdd, "10.0.0.0/24", groups[3]),  // fills all of that block
        change(kAdd, "10.0.0.0/8", groups[4]),  change(kAdd, "12.0.0.0/8", groups[4]),
        change(kRemove, "12.0.0.0/8"),          change(kAdd, "12.0.0.0/8", groups[5]),
        change(kRemove, "10.0.9.0/24"),  // is not there
    };
    const std::vector<Rib4::Route> before = tables.rib.dump(kVrf, std::nullopt, 100).value().routes;
    const std::optional<BatchError> failed = tables.rib.apply(changes);
    ASSERT_TRUE(failed);
    EXPECT_EQ(failed->index, 6U);
    EXPECT_EQ(failed->error.code, ErrorCode::kNotFound);
    EXPECT_EQ(tables.rib.dump(kVrf, std::nullopt, 100).value().routes, before);
    EXPECT_EQ(lookup("10.0.0.1"), groups[1]);
    EXPECT_EQ(lookup("10.0.0.2"), groups[0]);
    EXPECT_EQ(lookup("12.0.0.1"), kNoRouteGroup);
    EXPECT_EQ(tables.fib->usage().blocks, 4U);

    changes.pop_back();
    EXPECT_FALSE(tables.rib.apply(changes));
    EXPECT_EQ(lookup("10.0.0.1"), groups[3]);
    EXPECT_EQ(lookup("10.255.0.0"), groups[4]);
    EXPECT_EQ(lookup("12.0.0.1"), groups[5]);
    EXPECT_EQ(tables.fib->usage().blocks, 3U);
}

TEST_F(RibTest, RoutesKeepTheirGroupsAlive) {
    add("10.0.0.0/8", groups[0]);
    tables.next_hops->release_group(groups[0]);
    EXPECT_TRUE(tables.next_hops->has_group(groups[0]));
    add("10.0.0.0/8", groups[1]);
    EXPECT_FALSE(tables.next_hops->has_group(groups[0]));
}

TEST_F(RibTest, FixedGroupsServeAsRoutes) {
    const GroupId blackhole = special_group(AdjacencyKind::kBlackhole);
    add("10.0.0.0/8", blackhole);
    EXPECT_EQ(lookup("10.0.0.1"), blackhole);
    remove("10.0.0.0/8");
    EXPECT_TRUE(tables.next_hops->has_group(blackhole));
}

TEST(FibBlocks, ABlockIsReusedOnlyAfterItsGracePeriod) {
    ManualGrace grace;
    Tables tables(grace, {.vrfs_max = 1, .blocks_max = 1});
    const GroupId group = tables.make_groups(1)[0];
    const auto add = [&](const char* text) {
        return tables.rib.add(VrfId(0), prefix(text), RouteSource::kStatic, group).has_value();
    };
    ASSERT_TRUE(tables.rib.create_vrf(VrfId(0)));
    ASSERT_TRUE(add("10.0.0.1/32"));
    ASSERT_TRUE(tables.rib.remove(VrfId(0), prefix("10.0.0.1/32"), RouteSource::kStatic));
    EXPECT_FALSE(add("10.0.1.1/32"));
    EXPECT_EQ(tables.fib->usage().blocks_retired, 1U);
    grace.pass();
    EXPECT_TRUE(add("10.0.1.1/32"));
    EXPECT_EQ(tables.fib->usage().blocks_retired, 0U);
}

}  // namespace
}  // namespace causeway
