// SPDX-License-Identifier: Apache-2.0
//
// FedRoutes over real tables: what a feed tells becomes routes, and ways change under them.
#include "control/router/fed_routes.h"

#include <gtest/gtest.h>

#include "base/text.h"
#include "tests/control/ipv6_packets.h"
#include "tests/control/slow_path_fixture.h"

namespace causeway::test {
namespace {

constexpr FeedWayId kWay{7};
constexpr FeedWayId kOther{8};

std::uint64_t fixed_now() {
    return 1'000 * kSecond;
}

class FedRoutesTest : public SlowPathFixture {
  protected:
    static FpmWay over(std::initializer_list<std::string_view> gateways) {
        FpmWay way;
        for (const std::string_view gateway : gateways) {
            way.hops.push_back({.gateway = *parse_ip_address(gateway), .interface = 3});
        }
        return way;
    }
    void apply(std::initializer_list<FeedChange> changes) { routes_.apply(std::span(changes)); }
    static FeedSetRoute set(std::string_view prefix, FeedWayId way) {
        return {kVrf, *parse_ip_prefix(prefix), way};
    }
    static FeedRemoveRoute remove(std::string_view prefix) {
        return {kVrf, *parse_ip_prefix(prefix)};
    }
    [[nodiscard]] GroupId group(std::string_view prefix) {
        return bed_.ribs.group_of(kVrf, *parse_ip_prefix(prefix), RouteSource::kBgp)
            .value_or(kNoRouteGroup);
    }
    // The neighbours that packets of the prefix go to.
    [[nodiscard]] std::string neighbours(std::string_view prefix) {
        std::string text;
        for (const auto& member : bed_.next_hops->group_info(group(prefix)).members) {
            text += (text.empty() ? "" : " ") + to_string(member.address) + '@' +
                    std::to_string(member.weight);
        }
        return text;
    }
    [[nodiscard]] GroupId leads(std::string_view prefix) {
        return bed_.next_hops->direct(group(prefix));
    }
    [[nodiscard]] std::size_t fed() {
        return bed_.ribs.counts(kVrf).value()[static_cast<std::size_t>(RouteSource::kBgp)];
    }

    Recursions recursions_{bed_.rib, bed_.rib6, *bed_.next_hops};
    Ways ways_{bed_.neighbours, *bed_.next_hops, recursions_};
    FpmCounters counters_;
    FedRoutes routes_{FedTables{bed_.attachments, bed_.ribs, ways_, *bed_.next_hops, fixed_now},
                      counters_};
};

TEST_F(FedRoutesTest, routes_of_a_way_share_a_group_and_follow_it) {
    const std::size_t groups = bed_.next_hops->usage().groups;
    apply({FeedSetWay{kWay, over({"192.168.0.1"})}, set("10.1.0.0/16", kWay),
           set("10.2.0.0/17", kWay)});
    EXPECT_EQ(neighbours("10.1.0.0/16"), "192.168.0.1@1");
    const GroupId before = group("10.1.0.0/16");
    EXPECT_EQ(group("10.2.0.0/17"), before);
    apply({FeedSetWay{kWay, over({"192.168.0.1", "10.2.0.9"})}});
    EXPECT_EQ(neighbours("10.1.0.0/16"), "192.168.0.1@1 10.2.0.9@1");
    EXPECT_EQ(group("10.1.0.0/16"), before) << "no prefix was touched";
    apply({remove("10.1.0.0/16"), remove("10.2.0.0/17"), FeedForgetWay{kWay}});
    EXPECT_EQ(fed(), 0U);
    EXPECT_EQ(bed_.next_hops->usage().groups, groups) << "nothing is left behind";
    EXPECT_TRUE(bed_.neighbours.all().empty()) << "nobody leads there any more";
}

TEST_F(FedRoutesTest, a_route_passes_from_one_way_to_another_in_one_step) {
    apply({FeedSetWay{kWay, over({"192.168.0.1"})}, FeedSetWay{kOther, over({"10.2.0.9"})},
           set("10.1.0.0/16", kWay)});
    apply({set("10.1.0.0/16", kOther), FeedForgetWay{kWay}});
    EXPECT_EQ(neighbours("10.1.0.0/16"), "10.2.0.9@1");
    EXPECT_EQ(fed(), 1U);
}

TEST_F(FedRoutesTest, ways_that_drop) {
    const struct {
        FpmAction action;
        AdjacencyKind kind;
    } kCases[] = {{FpmAction::kBlackhole, AdjacencyKind::kBlackhole},
                  {FpmAction::kUnreachable, AdjacencyKind::kUnreachable},
                  {FpmAction::kProhibit, AdjacencyKind::kProhibit}};
    for (const auto& each : kCases) {
        apply({FeedSetWay{kWay, {.action = each.action, .hops = {}}}, set("10.1.0.0/16", kWay)});
        EXPECT_EQ(leads("10.1.0.0/16"), special_group(each.kind));
    }
}

TEST_F(FedRoutesTest, weights_of_one_neighbour_add_up_to_the_largest) {
    FpmWay way = over({"192.168.0.1", "10.2.0.9", "192.168.0.1"});
    way.hops[0].weight = 200;
    way.hops[2].weight = 100;
    apply({FeedSetWay{kWay, way}, set("10.1.0.0/16", kWay)});
    EXPECT_EQ(neighbours("10.1.0.0/16"), "192.168.0.1@256 10.2.0.9@1");
}

// On no connected subnet, our own address, the subnet's broadcast address, and no address at all.
TEST_F(FedRoutesTest, what_is_no_neighbour_is_left_out_and_counted) {
    FpmWay way = over({"203.0.113.1", "192.168.0.2", "10.2.0.255", "10.2.0.9"});
    way.hops.push_back({.gateway = std::nullopt, .interface = 5});
    apply({FeedSetWay{kWay, way}, set("10.1.0.0/16", kWay)});
    EXPECT_EQ(neighbours("10.1.0.0/16"), "10.2.0.9@1");
    EXPECT_EQ(counters_.read(FpmEvent::kNoNeighbour), 4U);
    way.hops.erase(way.hops.begin() + 3);
    apply({FeedSetWay{kWay, way}});
    EXPECT_EQ(leads("10.1.0.0/16"), special_group(AdjacencyKind::kDown));
    EXPECT_FALSE(routes_.has_refused()) << "the route is in; its way may yet come to life";
}

TEST_F(FedRoutesTest, next_hops_of_the_other_family_are_left_out) {
    apply({FeedSetWay{kWay, over({"192.168.0.1"})}, set("2001:db8:9::/48", kWay)});
    EXPECT_EQ(leads("2001:db8:9::/48"), special_group(AdjacencyKind::kDown));
    EXPECT_EQ(counters_.read(FpmEvent::kOtherFamily), 1U);
    apply({set("10.1.0.0/16", kWay)});
    EXPECT_EQ(neighbours("10.1.0.0/16"), "192.168.0.1@1") << "each family has its own";
}

TEST_F(FedRoutesTest, ways_lead_around_an_attachment_that_goes_and_back_when_it_comes) {
    apply({FeedSetWay{kWay, over({"192.168.0.1", "10.2.0.9"})}, set("10.1.0.0/16", kWay)});
    const Attachment edge = *bed_.attachments.find(kEdge);
    routes_.leave(edge);
    EXPECT_EQ(neighbours("10.1.0.0/16"), "10.2.0.9@1");
    EXPECT_EQ(bed_.neighbours.all().size(), 1U) << "nobody asks for the other any more";
    bed_.attachments.remove(kEdge);
    routes_.resolve_again();
    EXPECT_EQ(neighbours("10.1.0.0/16"), "10.2.0.9@1");
    bed_.attachments.put(edge);
    routes_.resolve_again();
    EXPECT_EQ(neighbours("10.1.0.0/16"), "192.168.0.1@1 10.2.0.9@1");
}

TEST_F(FedRoutesTest, a_full_rib_refuses_and_leaves_no_old_route_behind) {
    bed_.ribs.set_limits({.routes_max = 8, .routes_per_vrf_max = 8});
    apply({FeedSetWay{kWay, over({"192.168.0.1"})}});
    for (unsigned i = 0; i < 12; ++i) {
        const Ipv4Prefix prefix = Ipv4Prefix::of(Ipv4Address(0x14'00'00'00U + (i << 16)), 16);
        apply({FeedSetRoute{kVrf, prefix, kWay}});
    }
    EXPECT_TRUE(routes_.has_refused());
    EXPECT_EQ(fed() + counters_.read(FpmEvent::kRibFull), 12U);
    EXPECT_GT(fed(), 0U);
    for (unsigned i = 0; i < 12; ++i) {
        const Ipv4Prefix prefix = Ipv4Prefix::of(Ipv4Address(0x14'00'00'00U + (i << 16)), 16);
        apply({FeedRemoveRoute{kVrf, prefix}});
    }
    EXPECT_EQ(fed(), 0U);
}

TEST_F(FedRoutesTest, clearing_a_vrf_takes_all_and_keeps_the_ways_for_later) {
    apply({FeedSetWay{kWay, over({"192.168.0.1"})}});
    for (unsigned i = 0; i < 5'000; ++i) {
        const Ipv4Prefix prefix = Ipv4Prefix::of(Ipv4Address(0x14'00'00'00U + (i << 8)), 24);
        apply({FeedSetRoute{kVrf, prefix, kWay}});
    }
    routes_.clear(kVrf);
    EXPECT_EQ(fed(), 0U);
    EXPECT_TRUE(bed_.neighbours.all().empty());
    apply({set("10.1.0.0/16", kWay)});  // the feed does not say the way again
    EXPECT_EQ(neighbours("10.1.0.0/16"), "192.168.0.1@1");
}

}  // namespace
}  // namespace causeway::test
