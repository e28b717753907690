// SPDX-License-Identifier: Apache-2.0
#include "control/router/ways.h"

#include <gtest/gtest.h>

#include "tests/control/slow_path_fixture.h"

namespace causeway::test {
namespace {

class WaysTest : public SlowPathFixture {
  protected:
    const Hop edge_{.neighbour = {kEdge, ip("192.168.0.1")}, .weight = 1};
    const Hop core_{.neighbour = {kCore, ip("10.2.0.1")}, .weight = 1};

    GroupId acquire(std::vector<Hop> hops) {
        const auto group = ways_.acquire(hops, bed_.now_ns);
        EXPECT_TRUE(group.has_value());
        return group ? *group : GroupId();
    }
    [[nodiscard]] unsigned users(const Hop& hop) const {
        const auto found = bed_.neighbours.all().find(hop.neighbour);
        return found == bed_.neighbours.all().end() ? 0 : found->second.users;
    }

    Recursions recursions_{bed_.rib, bed_.rib6, *bed_.next_hops};
    Ways ways_{bed_.neighbours, *bed_.next_hops, recursions_};
};

TEST_F(WaysTest, routes_with_the_same_hops_share_a_way) {
    const GroupId group = acquire({edge_, core_});
    EXPECT_EQ(acquire({edge_, core_}), group);
    EXPECT_EQ(ways_.routes(group), 2U);
    EXPECT_EQ(users(edge_), 1U) << "the way names it once, however many routes";
}

TEST_F(WaysTest, other_order_weight_or_hops_make_another_way) {
    const GroupId group = acquire({edge_, core_});
    Hop heavy = core_;
    heavy.weight = 2;
    EXPECT_NE(acquire({core_, edge_}), group);
    EXPECT_NE(acquire({edge_, heavy}), group);
    EXPECT_NE(acquire({edge_}), group);
    EXPECT_EQ(users(edge_), 4U);
}

TEST_F(WaysTest, the_last_release_lets_group_and_neighbours_go) {
    const std::size_t groups = bed_.next_hops->usage().groups;
    const GroupId group = acquire({edge_, core_});
    (void)acquire({edge_, core_});
    ways_.release(group);
    EXPECT_EQ(ways_.routes(group), 1U);
    EXPECT_EQ(users(core_), 1U);
    ways_.release(group);
    EXPECT_EQ(ways_.routes(group), 0U);
    EXPECT_TRUE(bed_.neighbours.all().empty());
    EXPECT_EQ(bed_.next_hops->usage().groups, groups);
}

TEST_F(WaysTest, fixed_groups_are_no_ways) {
    const GroupId blackhole = special_group(AdjacencyKind::kBlackhole);
    ways_.release(blackhole);
    EXPECT_EQ(ways_.routes(blackhole), 0U);
    EXPECT_TRUE(bed_.next_hops->has_group(blackhole));
}

TEST_F(WaysTest, knows_what_leads_over_an_attachment) {
    const GroupId both = acquire({edge_, core_});
    const GroupId one = acquire({core_});
    EXPECT_EQ(ways_.over(kEdge), std::vector{both});
    std::vector<GroupId> over_core = ways_.over(kCore);
    std::ranges::sort(over_core);
    std::vector<GroupId> wanted{both, one};
    std::ranges::sort(wanted);
    EXPECT_EQ(over_core, wanted);
    EXPECT_TRUE(ways_.over(AttachmentId(99)).empty());
}

TEST_F(WaysTest, a_refused_one_leaves_nothing_behind) {
    const std::size_t next_hops = bed_.next_hops->usage().next_hops;
    const std::vector<Hop> too_many(kGroupMembersMax + 1, edge_);
    const auto group = ways_.acquire(too_many, bed_.now_ns);
    ASSERT_FALSE(group.has_value());
    EXPECT_TRUE(bed_.neighbours.all().empty());
    EXPECT_EQ(bed_.next_hops->usage().next_hops, next_hops);
}

}  // namespace
}  // namespace causeway::test
