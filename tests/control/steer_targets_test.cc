// SPDX-License-Identifier: Apache-2.0
#include "control/router/steer_targets.h"

#include <gtest/gtest.h>

#include "base/text.h"
#include "tests/control/slow_path_fixture.h"

namespace causeway::test {
namespace {

class SteerTargetsTest : public SlowPathFixture {
  protected:
    static SteerTargetConfig target(std::vector<RouteNextHop> via) {
        return {.name = "internet", .vrf = "contoso", .via = std::move(via), .ipv6_via = {}};
    }
    SteerLease lease(const SteerTargetConfig& config) {
        const auto leases = targets_.lease({config});
        EXPECT_TRUE(leases);
        return leases->begin()->second;
    }
    // As the plan of a configuration would have it, over the core.
    void resolve(std::vector<std::string> neighbours) {
        Plan plan;
        PlannedTarget& planned = plan.targets["internet"];
        planned.vrf = "contoso";
        for (const std::string& neighbour : neighbours) {
            planned.ipv4.hops.push_back({.attachment = "core", .address = ip(neighbour)});
        }
        const auto vrf = [](const std::string&) { return kVrf; };
        ASSERT_TRUE(targets_.resolve(plan, vrf, bed_.now_ns));
    }
    // The neighbours to which a group leads.
    [[nodiscard]] std::vector<std::string> hops(GroupId group) const {
        std::vector<std::string> hops;
        const GroupId direct = bed_.next_hops->direct(group);
        for (const auto& member : bed_.next_hops->group_info(direct).members) {
            hops.push_back(to_string(member.address));
        }
        return hops;
    }

    Recursions recursions_{bed_.rib, bed_.rib6, *bed_.next_hops};
    Ways ways_{bed_.neighbours, *bed_.next_hops, recursions_};
    Routes routes_{bed_.attachments, bed_.ribs, ways_, recursions_};
    SteerTargets targets_{*bed_.next_hops, ways_, routes_};
};

const RouteNextHop kHop{.address = Ipv4Address(0x0a020001), .weight = 1, .is_recursive = false};

TEST_F(SteerTargetsTest, keeps_its_group_while_it_leads_elsewhere) {
    const SteerLease held = lease(target({kHop}));
    EXPECT_NE(held->ipv4, GroupId());
    EXPECT_EQ(held->ipv6, GroupId()) << "goes as the routes say";
    const auto nowhere = special_group(AdjacencyKind::kUnreachable);
    EXPECT_EQ(bed_.next_hops->direct(held->ipv4), nowhere);
    resolve({"10.2.0.1"});
    EXPECT_EQ(hops(held->ipv4), (std::vector<std::string>{"10.2.0.1"}));
    resolve({"10.2.0.1", "10.2.0.2"});
    EXPECT_EQ(hops(held->ipv4), (std::vector<std::string>{"10.2.0.1", "10.2.0.2"}));
    EXPECT_EQ(*lease(target({kHop})), *held);
    targets_.remove_over(kCore);
    EXPECT_EQ(bed_.next_hops->direct(held->ipv4), nowhere);
    EXPECT_TRUE(bed_.neighbours.all().empty());
    resolve({"10.2.0.1"});
    EXPECT_EQ(hops(held->ipv4), (std::vector<std::string>{"10.2.0.1"}));
}

TEST_F(SteerTargetsTest, gives_everything_back_with_its_last_lease) {
    const std::size_t groups = bed_.next_hops->usage().groups;
    SteerLease held = lease(target({kHop}));
    resolve({"10.2.0.1"});
    EXPECT_GT(bed_.next_hops->usage().groups, groups);
    held.reset();
    EXPECT_EQ(bed_.next_hops->usage().groups, groups);
    EXPECT_TRUE(bed_.neighbours.all().empty());
}

}  // namespace
}  // namespace causeway::test
