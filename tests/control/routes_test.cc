// SPDX-License-Identifier: Apache-2.0
//
// Routes over real tables: batches, the two sources, a feeder's replay, and recursion.
#include "control/router/routes.h"

#include <gtest/gtest.h>

#include "base/text.h"
#include "control/api/route_edits.h"
#include "tests/control/ipv6_packets.h"
#include "tests/control/slow_path_fixture.h"

namespace causeway::test {
namespace {

class RoutesTest : public SlowPathFixture {
  protected:
    static IpPrefix net(std::string_view text) { return *parse_ip_prefix(text); }

    // A batch as a caller of the socket writes it.
    RouteOutcome change(const std::string& json) {
        simdjson::dom::parser parser;
        const simdjson::dom::array edits = parser.parse(json).get_array().value_unsafe();
        RouteBatch batch;
        batch.vrf = "contoso";
        EXPECT_TRUE(read_route_edits(edits, batch).empty()) << json;
        return routes_.change(kVrf, batch, bed_.now_ns);
    }
    void add(std::string_view prefix, std::string_view via) {
        const RouteOutcome outcome =
            change("[{\"op\":\"replace\",\"prefix\":\"" + std::string(prefix) + "\",\"via\":[\"" +
                   std::string(via) + "\"]}]");
        EXPECT_TRUE(outcome.failures.empty()) << outcome.failures.front().error.message;
    }
    void remove(std::string_view prefix) {
        const RouteOutcome outcome =
            change("[{\"op\":\"delete\",\"prefix\":\"" + std::string(prefix) + "\"}]");
        EXPECT_TRUE(outcome.failures.empty()) << outcome.failures.front().error.message;
    }
    [[nodiscard]] static std::string why(const RouteOutcome& outcome) {
        if (outcome.failures.empty()) return "taken";
        const RouteFailure& first = outcome.failures.front();
        return std::to_string(first.index) + ' ' + first.error.field + ": " + first.error.message;
    }
    void configure(std::string_view prefix, RouteAction action) {
        const PlannedRoute route{.action = action, .hops = {}};
        ASSERT_TRUE(routes_.put(kVrf, net(prefix), route, bed_.now_ns).has_value());
    }
    // The address of the first neighbour that a packet would go to; empty: none.
    [[nodiscard]] std::string neighbour_of(std::string_view address) {
        const auto found = bed_.ribs.explain(kVrf, *parse_ip_address(address));
        if (!found.has_value() || found->empty()) return "";
        const GroupInfo info = bed_.next_hops->group_info(found->front().group);
        return info.members.empty() ? "" : to_string(info.members.front().address);
    }
    [[nodiscard]] std::size_t routes_of(RouteSource source) {
        return bed_.ribs.counts(kVrf).value()[static_cast<std::size_t>(source)];
    }
    std::size_t end_sync(std::uint64_t sync) {
        std::size_t removed = 0;
        std::optional<IpPrefix> after;
        do {
            const auto part = routes_.end_sync(kVrf, sync, after);
            EXPECT_TRUE(part.has_value());
            if (!part) break;
            removed += part->removed;
            after = part->next;
        } while (after);
        return removed;
    }

    Recursions recursions_{bed_.rib, bed_.rib6, *bed_.next_hops};
    Ways ways_{bed_.neighbours, *bed_.next_hops, recursions_};
    Routes routes_{bed_.attachments, bed_.ribs, ways_, recursions_};
};

TEST_F(RoutesTest, a_batch_counts_what_it_does) {
    const RouteOutcome outcome = change(R"([
        {"prefix":"10.8.0.0/16","via":["10.2.0.1"]},
        {"prefix":"10.9.0.0/16","via":["10.2.0.1"]},
        {"op":"replace","prefix":"10.8.0.0/16","action":"blackhole"},
        {"op":"replace","prefix":"10.7.0.0/16","via":["10.2.0.1","10.2.0.2@3"]},
        {"op":"delete","prefix":"10.9.0.0/16"},
        {"prefix":"10.9.0.0/16","action":"prohibit"}])");
    EXPECT_EQ(why(outcome), "taken");
    EXPECT_EQ(outcome.added, 4U);
    EXPECT_EQ(outcome.replaced, 1U);
    EXPECT_EQ(outcome.deleted, 1U);
    EXPECT_EQ(routes_of(RouteSource::kApi), 3U);
    remove("10.7.0.0/16");
    EXPECT_TRUE(bed_.neighbours.all().empty()) << "nobody leads there any more";
}

TEST_F(RoutesTest, what_is_wrong_changes_nothing) {
    add("10.8.0.0/16", "10.2.0.1");
    const std::size_t groups = bed_.next_hops->usage().groups;
    const struct {
        const char* batch;
        const char* why;
    } kCases[] = {
        {R"([{"prefix":"10.9.0.0/16","action":"blackhole"},
             {"prefix":"10.8.0.0/16","via":["10.2.0.7"]}])",
         "1 prefix: VRF contoso has a route to 10.8.0.0/16 by this socket already"},
        {R"([{"prefix":"10.9.0.0/16","via":["10.2.0.7"]},{"op":"delete","prefix":"10.7.0.0/16"}])",
         "1 prefix: VRF contoso has no route to 10.7.0.0/16 by this socket"},
        {R"([{"prefix":"10.9.0.0/16","via":["10.2.0.7","10.3.0.7"]}])",
         "0 via[1]: 10.3.0.7 is in no connected subnet of VRF contoso: give a neighbour, or say "
         "that it is recursive"},
        {R"([{"prefix":"10.9.0.0/16","via":["2001:db8::7"]}])",
         "0 via[0]: 2001:db8::7 is not of the family of 10.9.0.0/16"},
        {R"([{"prefix":"10.9.0.0/16","via":["10.2.0.7"]},
             {"prefix":"2001:db8::/32","via":["10.2.0.7"]}])",
         "1 via[0]: 10.2.0.7 is not of the family of 2001:db8::/32"},
        {R"([{"prefix":"10.9.0.0/16","via":["10.2.0.254"]}])",
         "0 via[0]: 10.2.0.254 is our own address on core"},
        {R"([{"prefix":"10.9.0.0/16","via":["10.2.0.255"]}])",
         "0 via[0]: 10.2.0.255 is no host of 10.2.0.0/24"},
        {R"([{"prefix":"10.9.0.0/16","via":["recursive:10.2.0.7"]}])",
         "0 via[0]: 10.2.0.7 is in the connected subnet of core: a neighbour is not recursive"},
        {R"([{"prefix":"10.9.0.0/16","via":["10.2.0.7","recursive:10.8.0.7"]}])",
         "0 via[1]: the next hops of a route are all recursive, or none of them is"},
    };
    for (const auto& row : kCases) EXPECT_EQ(why(change(row.batch)), row.why);
    EXPECT_EQ(routes_of(RouteSource::kApi), 1U);
    EXPECT_EQ(neighbour_of("10.8.0.1"), "10.2.0.1");
    EXPECT_EQ(bed_.next_hops->usage().groups, groups);
    EXPECT_EQ(bed_.neighbours.all().size(), 1U);
}

TEST_F(RoutesTest, the_socket_comes_before_the_configuration_and_cannot_remove_it) {
    configure("10.8.0.0/16", RouteAction::kBlackhole);
    add("10.8.0.0/16", "10.2.0.1");
    EXPECT_EQ(neighbour_of("10.8.0.1"), "10.2.0.1");
    remove("10.8.0.0/16");
    EXPECT_EQ(bed_.ribs.explain(kVrf, *parse_ip_address("10.8.0.1"))->front().source,
              RouteSource::kStatic);
    EXPECT_EQ(why(change(R"([{"op":"delete","prefix":"10.8.0.0/16"}])")),
              "0 prefix: VRF contoso has no route to 10.8.0.0/16 by this socket");
}

TEST_F(RoutesTest, a_sync_removes_what_was_not_said_again_and_nothing_of_the_configuration) {
    configure("10.5.0.0/16", RouteAction::kBlackhole);
    configure("10.6.0.0/16", RouteAction::kBlackhole);
    add("10.6.0.0/16", "10.2.0.1");
    add("10.7.0.0/16", "10.2.0.1");
    add("10.8.0.0/16", "10.2.0.2");
    EXPECT_EQ(why(change(R"([{"prefix":"::/0","action":"blackhole"},
                             {"prefix":"2001:db8::/32","action":"blackhole"}])")),
              "taken");
    const std::uint64_t sync = routes_.begin_sync(kVrf).value();
    EXPECT_TRUE(bed_.ribs.find(kVrf, net("10.7.0.0/16"))[0].is_stale);
    EXPECT_EQ(neighbour_of("10.7.0.1"), "10.2.0.1") << "forwards all along";
    add("10.8.0.0/16", "10.2.0.2");
    EXPECT_FALSE(bed_.ribs.find(kVrf, net("10.8.0.0/16"))[0].is_stale);
    EXPECT_EQ(end_sync(sync), 4U);
    EXPECT_EQ(routes_of(RouteSource::kApi), 1U);
    EXPECT_EQ(routes_of(RouteSource::kStatic), 2U);
    EXPECT_EQ(bed_.ribs.find(kVrf, net("10.6.0.0/16"))[0].source, RouteSource::kStatic);
    EXPECT_EQ(bed_.neighbours.all().size(), 1U) << "of the route that stays";
    EXPECT_EQ(end_sync(sync), 0U) << "once more does no harm";
}

TEST_F(RoutesTest, a_long_sweep_goes_part_by_part) {
    std::string batch = "[";
    constexpr std::size_t kCount = 3 * Routes::kSweepPrefixes;
    for (std::size_t i = 0; i < kCount; ++i) {
        batch += std::string(i == 0 ? "" : ",") + R"({"action":"blackhole","prefix":"20.)" +
                 std::to_string(i / 65'536) + '.' + std::to_string(i / 256 % 256) + '.' +
                 std::to_string(i % 256) + "/32\"}";
    }
    ASSERT_EQ(change(batch + ']').added, kCount);
    const std::uint64_t sync = routes_.begin_sync(kVrf).value();
    const auto first = routes_.end_sync(kVrf, sync, std::nullopt);
    ASSERT_TRUE(first.has_value());
    EXPECT_LE(first->removed, Routes::kSweepPrefixes);
    ASSERT_TRUE(first->next.has_value());
    EXPECT_EQ(first->removed + end_sync(sync), kCount);
    EXPECT_EQ(routes_of(RouteSource::kApi), 0U);
}

TEST_F(RoutesTest, only_the_last_sync_can_end) {
    add("10.7.0.0/16", "10.2.0.1");
    EXPECT_EQ(routes_.end_sync(kVrf, 1, std::nullopt).error().field, "sync");
    const std::uint64_t first = routes_.begin_sync(kVrf).value();
    const std::uint64_t second = routes_.begin_sync(kVrf).value();
    EXPECT_EQ(routes_.end_sync(kVrf, first, std::nullopt).error().code, ErrorCode::kInvalid);
    EXPECT_EQ(routes_of(RouteSource::kApi), 1U);
    EXPECT_EQ(end_sync(second), 1U);
    EXPECT_EQ(routes_.begin_sync(VrfId(7)).error().code, ErrorCode::kNotFound);
}

TEST_F(RoutesTest, a_recursive_route_follows_those_it_resolves_through) {
    add("10.8.0.0/16", "recursive:172.16.0.9");
    EXPECT_EQ(neighbour_of("10.8.0.1"), "") << "nothing leads there yet";
    add("172.16.0.0/16", "10.2.0.1");
    EXPECT_EQ(neighbour_of("10.8.0.1"), "10.2.0.1");
    add("172.16.0.0/24", "10.2.0.2");
    EXPECT_EQ(neighbour_of("10.8.0.1"), "10.2.0.2") << "a longer one";
    add("172.16.0.0/24", "192.168.0.1");
    EXPECT_EQ(neighbour_of("10.8.0.1"), "192.168.0.1") << "the same, elsewhere";
    remove("172.16.0.0/24");
    EXPECT_EQ(neighbour_of("10.8.0.1"), "10.2.0.1");
    add("0.0.0.0/0", "10.2.0.3");
    remove("172.16.0.0/16");
    EXPECT_EQ(neighbour_of("10.8.0.1"), "") << "the default alone is no way to a next hop";
    add("172.16.0.8/29", "10.2.0.1");
    EXPECT_EQ(neighbour_of("10.8.0.1"), "10.2.0.1") << "back again";
    remove("10.8.0.0/16");
    EXPECT_EQ(neighbour_of("10.8.0.1"), "10.2.0.3");
}

TEST_F(RoutesTest, recursion_goes_over_several_steps_and_hops) {
    add("172.16.0.0/16", "10.2.0.1");
    add("172.17.0.0/16", "10.2.0.2");
    EXPECT_EQ(why(change(R"([{"prefix":"172.18.0.0/16",
                              "via":[{"address":"172.16.0.9","recursive":true,"weight":2},
                                     "recursive:172.17.0.9"]}])")),
              "taken");
    add("10.8.0.0/16", "recursive:172.18.0.1");
    const auto routes = bed_.ribs.find(kVrf, net("10.8.0.0/16"));
    EXPECT_EQ(bed_.next_hops->group_info(routes[0].group).members.size(), 2U);
    const auto views = recursions_.view(bed_.ribs.find(kVrf, net("172.18.0.0/16"))[0].group);
    ASSERT_EQ(views.size(), 2U);
    EXPECT_EQ(views[0].hop.weight, 2U);
    EXPECT_TRUE(views[0].is_resolved);
    remove("172.16.0.0/16");
    EXPECT_EQ(neighbour_of("10.8.0.1"), "10.2.0.2");
    remove("172.17.0.0/16");
    EXPECT_EQ(neighbour_of("10.8.0.1"), "");
}

TEST_F(RoutesTest, ipv6_recurses_too) {
    EXPECT_EQ(why(change(R"([{"prefix":"2001:db8:1::/48","action":"blackhole"},
                             {"prefix":"2001:db8:2::/48","via":["recursive:2001:db8:1::1"]}])")),
              "taken");
    const GroupId group = bed_.ribs.find(kVrf, net("2001:db8:2::/48"))[0].group;
    EXPECT_EQ(bed_.next_hops->direct(group), special_group(AdjacencyKind::kBlackhole));
    remove("2001:db8:1::/48");
    EXPECT_EQ(bed_.next_hops->direct(group), special_group(AdjacencyKind::kDown));
}

TEST_F(RoutesTest, a_route_may_not_be_its_own_ancestor) {
    add("172.16.0.0/12", "10.2.0.1");
    add("10.8.0.0/16", "recursive:172.16.0.9");
    const std::size_t groups = bed_.next_hops->usage().groups;
    const struct {
        const char* batch;
        const char* why;
    } kCases[] = {
        {R"([{"prefix":"20.0.0.0/8","via":["recursive:20.0.0.1"]}])",
         "0 via[0]: next hop 20.0.0.1 of 20.0.0.0/8 resolves through that route itself: a member "
         "may not be its own ancestor"},
        {R"([{"prefix":"20.0.0.0/8","action":"blackhole"},
             {"prefix":"172.16.0.0/16","via":["recursive:20.0.0.1","recursive:10.8.0.1"]}])",
         "1 via[1]: next hop 10.8.0.1 of 172.16.0.0/16 resolves through that route itself: a "
         "member "
         "may not be its own ancestor"},
        {R"([{"prefix":"20.0.0.0/8","via":["recursive:30.0.0.1"]},
             {"prefix":"30.0.0.0/8","via":["recursive:40.0.0.1"]},
             {"prefix":"40.0.0.0/8","via":["recursive:20.0.0.1"]}])",
         "0 via[0]: next hop 30.0.0.1 of 20.0.0.0/8 resolves through that route itself: a member "
         "may not be its own ancestor"},
    };
    for (const auto& row : kCases) EXPECT_EQ(why(change(row.batch)), row.why);
    EXPECT_EQ(routes_of(RouteSource::kApi), 2U);
    EXPECT_EQ(neighbour_of("10.8.0.1"), "10.2.0.1");
    EXPECT_EQ(neighbour_of("172.16.0.9"), "10.2.0.1");
    EXPECT_EQ(bed_.next_hops->usage().groups, groups);
}

TEST_F(RoutesTest, the_configuration_is_checked_for_its_own_ancestors) {
    const PlannedRoute route{
        .action = RouteAction::kForward,
        .hops = {{.attachment = {}, .address = *parse_ip_address("20.0.0.1")}}};
    ASSERT_TRUE(routes_.put(kVrf, net("10.8.0.0/16"), route, bed_.now_ns).has_value());
    EXPECT_TRUE(routes_.check(kVrf, net("10.8.0.0/16")).has_value());
    ASSERT_TRUE(routes_.put(kVrf, net("20.0.0.0/8"), route, bed_.now_ns).has_value());
    routes_.settle();
    const Status status = routes_.check(kVrf, net("20.0.0.0/8"));
    ASSERT_FALSE(status.has_value());
    EXPECT_EQ(status.error().code, ErrorCode::kInvalid);
    EXPECT_EQ(status.error().message,
              own_ancestor_message(*parse_ip_address("20.0.0.1"), net("20.0.0.0/8")));
    routes_.remove(kVrf, net("20.0.0.0/8"));
    routes_.remove(kVrf, net("10.8.0.0/16"));
    EXPECT_EQ(routes_of(RouteSource::kStatic), 0U);
}

TEST_F(RoutesTest, a_limit_refuses_a_batch_and_counts_it) {
    bed_.ribs.set_limits({.routes_max = 100, .routes_per_vrf_max = bed_.rib.route_count() + 1});
    const RouteOutcome outcome = change(R"([{"prefix":"10.8.0.0/16","action":"blackhole"},
                                            {"prefix":"10.9.0.0/16","action":"blackhole"}])");
    ASSERT_EQ(outcome.failures.size(), 1U);
    EXPECT_EQ(outcome.failures[0].index, 1U);
    EXPECT_EQ(outcome.failures[0].error.code, ErrorCode::kFull);
    EXPECT_EQ(routes_of(RouteSource::kApi), 0U);
    EXPECT_EQ(bed_.rib.refusals().vrf_full, 1U);
}

TEST_F(RoutesTest, what_leads_over_an_attachment_goes_with_it) {
    add("10.8.0.0/16", "192.168.0.1");
    add("10.9.0.0/16", "10.2.0.1");
    add("20.0.0.0/8", "recursive:10.8.0.1");
    routes_.remove_over(*bed_.attachments.find(kEdge));
    bed_.neighbours.attachment_removed(kEdge);
    EXPECT_EQ(routes_of(RouteSource::kApi), 2U);
    EXPECT_EQ(neighbour_of("20.0.0.1"), "");
    EXPECT_EQ(neighbour_of("10.9.0.1"), "10.2.0.1");
    routes_.remove_fed(kVrf);
    EXPECT_EQ(routes_of(RouteSource::kApi), 0U);
    EXPECT_TRUE(bed_.neighbours.all().empty());
    EXPECT_EQ(bed_.next_hops->usage().groups, 0U);
}

}  // namespace
}  // namespace causeway::test
