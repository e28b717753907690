// SPDX-License-Identifier: Apache-2.0
#include "control/router/ribs.h"

#include "tests/control/ipv6_packets.h"

namespace causeway::test {
namespace {

class RibsTest : public testing::Test {
  protected:
    RibsTest() { CHECK(bed_.ribs.create_vrf(kVrf).has_value()); }

    static constexpr GroupId kBlackhole = special_group(AdjacencyKind::kBlackhole);
    static constexpr GroupId kProhibit = special_group(AdjacencyKind::kProhibit);
    static IpPrefix net(std::string_view text) { return *parse_ip_prefix(text); }
    static IpRouteChange add(std::string_view prefix, GroupId group = kBlackhole) {
        return {.vrf = kVrf, .prefix = net(prefix), .group = group};
    }
    static IpRouteChange remove(std::string_view prefix) {
        return {.action = RouteChangeAction::kRemove, .vrf = kVrf, .prefix = net(prefix)};
    }
    std::optional<BatchError> apply(const std::vector<IpRouteChange>& changes) {
        auto error = bed_.ribs.start(changes);
        if (!error) bed_.ribs.keep();
        return error;
    }
    // All prefixes, read in pages of this many.
    std::vector<std::string> dump(std::size_t at_once) {
        std::vector<std::string> all;
        std::optional<IpPrefix> after;
        do {
            const auto page = bed_.ribs.dump(kVrf, after, at_once);
            CHECK(page.has_value());
            EXPECT_LE(page.value().routes.size(), at_once);
            for (const IpRoute& route : page.value().routes) all.push_back(to_string(route.prefix));
            after = page.value().next;
        } while (after);
        return all;
    }

    ControlBed bed_;
};

TEST_F(RibsTest, a_prefix_is_kept_by_its_family) {
    EXPECT_FALSE(apply(std::vector{add("10.0.0.0/8"), add("2001:db8::/32", kProhibit)}));
    EXPECT_EQ(bed_.rib.route_count(), 1U);
    EXPECT_EQ(bed_.rib6.route_count(), 1U);
    EXPECT_EQ(bed_.ribs.route_count(), 2U);
    EXPECT_EQ(bed_.ribs.group_of(kVrf, net("2001:db8::/32"), RouteSource::kStatic), kProhibit);
    EXPECT_EQ(bed_.ribs.group_of(kVrf, net("2001:db8::/33"), RouteSource::kStatic), std::nullopt);
    const auto routes = bed_.ribs.explain(kVrf, IpAddress(v6("2001:db8::1")));
    ASSERT_TRUE(routes.has_value());
    ASSERT_EQ(routes.value().size(), 1U);
    EXPECT_EQ(routes.value()[0].group, kProhibit);
    EXPECT_EQ(bed_.ribs.counts(kVrf).value()[static_cast<std::size_t>(RouteSource::kStatic)], 2U);
    ASSERT_TRUE(bed_.ribs.remove(kVrf, net("2001:db8::/32"), RouteSource::kStatic).has_value());
    EXPECT_EQ(bed_.ribs.route_count(), 1U);
}

TEST_F(RibsTest, a_batch_of_both_families_is_whole_or_nothing) {
    ASSERT_FALSE(apply(std::vector{add("10.1.0.0/16"), add("10.2.0.0/16")}));
    const std::vector batch{add("10.1.0.0/16", kProhibit), add("10.3.0.0/16"),
                            add("2001:db8::/32"),          remove("10.2.0.0/16"),
                            add("10.3.0.0/16", kProhibit), remove("2001:db8:9::/48")};
    const auto error = apply(batch);
    ASSERT_TRUE(error.has_value());
    EXPECT_EQ(error->index, 5U);
    EXPECT_EQ(error->error.code, ErrorCode::kNotFound);
    EXPECT_EQ(bed_.ribs.group_of(kVrf, net("10.1.0.0/16"), RouteSource::kStatic), kBlackhole);
    EXPECT_EQ(bed_.ribs.group_of(kVrf, net("10.2.0.0/16"), RouteSource::kStatic), kBlackhole);
    EXPECT_EQ(bed_.ribs.route_count(), 2U);
}

TEST_F(RibsTest, what_was_replaced_is_told_in_the_order_of_the_batch_and_can_be_undone) {
    ASSERT_FALSE(apply(std::vector{add("10.1.0.0/16"), add("2001:db8::/32", kProhibit)}));
    const std::vector batch{add("2001:db8::/32"), add("10.2.0.0/16"), remove("10.1.0.0/16")};
    ASSERT_FALSE(bed_.ribs.start(batch));
    const std::vector<GroupId> replaced(bed_.ribs.replaced().begin(), bed_.ribs.replaced().end());
    EXPECT_EQ(replaced, (std::vector{kProhibit, kNoRouteGroup, kBlackhole}));
    bed_.ribs.undo();
    EXPECT_EQ(bed_.ribs.group_of(kVrf, net("2001:db8::/32"), RouteSource::kStatic), kProhibit);
    EXPECT_EQ(bed_.ribs.route_count(), 2U);
}

TEST_F(RibsTest, a_sweep_goes_through_both_families) {
    ASSERT_FALSE(apply(std::vector{add("10.1.0.0/16"), add("10.2.0.0/16"), add("10.3.0.0/16"),
                                   add("::/0"), add("2001:db8::/32")}));
    ASSERT_TRUE(bed_.ribs.mark_stale(kVrf, RouteSource::kStatic).has_value());
    ASSERT_FALSE(apply(std::vector{add("10.2.0.0/16")}));
    std::size_t removed = 0;
    std::optional<IpPrefix> after;
    do {
        const auto part = bed_.ribs.sweep_stale(kVrf, RouteSource::kStatic, after, 1);
        ASSERT_TRUE(part.has_value());
        removed += part->removed.size();
        after = part->next;
    } while (after);
    EXPECT_EQ(removed, 4U);
    EXPECT_EQ(dump(10), std::vector<std::string>{"10.2.0.0/16"});
}

TEST_F(RibsTest, an_error_of_the_first_family_leaves_the_second_alone) {
    const auto error = apply(std::vector{add("2001:db8::/32"), remove("10.1.0.0/16")});
    ASSERT_TRUE(error.has_value());
    EXPECT_EQ(error->index, 1U);
    EXPECT_EQ(bed_.ribs.route_count(), 0U);
}

TEST_F(RibsTest, a_dump_has_ipv4_first_however_it_is_cut) {
    const std::vector<std::string> all{"10.1.0.0/16", "10.2.0.0/16", "10.3.0.0/16", "2001:db8::/32",
                                       "2001:db8:1::/48"};
    for (const std::string& prefix : all) ASSERT_FALSE(apply(std::vector{add(prefix)}));
    for (const std::size_t at_once : {1U, 2U, 3U, 4U, 5U, 6U}) {
        EXPECT_EQ(dump(at_once), all) << at_once;
    }
}

TEST_F(RibsTest, a_vrf_is_made_and_destroyed_in_both) {
    ASSERT_FALSE(apply(std::vector{add("10.1.0.0/16"), add("2001:db8::/32")}));
    EXPECT_TRUE(bed_.rib6.has_vrf(kVrf));
    ASSERT_TRUE(bed_.ribs.destroy_vrf(kVrf).has_value());
    EXPECT_FALSE(bed_.rib.has_vrf(kVrf));
    EXPECT_FALSE(bed_.rib6.has_vrf(kVrf));
    EXPECT_EQ(bed_.ribs.route_count(), 0U);
    ASSERT_TRUE(bed_.rib6.create_vrf(kVrf).has_value());
    EXPECT_FALSE(bed_.ribs.create_vrf(kVrf).has_value());
    EXPECT_FALSE(bed_.rib.has_vrf(kVrf)) << "in both or in none";
}

}  // namespace
}  // namespace causeway::test
