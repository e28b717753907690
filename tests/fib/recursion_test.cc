// SPDX-License-Identifier: Apache-2.0
#include "fib/recursion.h"

#include <functional>
#include <map>
#include <optional>
#include <set>

#include "tests/fib/fib_fixture.h"
#include "tests/support/seed.h"

namespace causeway {
namespace {

constexpr VrfId kVrf{2};
using Hop = Recursion4::Hop;

class RecursionTest : public ::testing::Test {
  protected:
    void SetUp() override {
        ASSERT_TRUE(tables.rib.create_vrf(kVrf));
        for (std::uint16_t at = 0; at < groups.size(); ++at) forward(at);
    }
    // Group i is the way by attachment i.
    NextHopId hop(std::uint16_t attachment) {
        return tables.next_hops->acquire(AttachmentId(attachment), Ipv4Address(1)).value();
    }
    void forward(std::uint16_t at) {
        ASSERT_TRUE(tables.next_hops->set_forwarding(hop(at), forward_to(1, at)));
    }
    void add(const char* text, GroupId group, RouteSource source = RouteSource::kStatic) {
        ASSERT_TRUE(tables.rib.add(kVrf, prefix(text), source, group));
        recursion.settle();
    }
    void remove(const char* text, RouteSource source = RouteSource::kStatic) {
        ASSERT_TRUE(tables.rib.remove(kVrf, prefix(text), source));
        recursion.settle();
    }
    // A BGP route through these addresses.
    GroupId add_via(const char* text, const std::vector<Hop>& hops) {
        const GroupId group = recursion.acquire(kVrf, hops).value();
        add(text, group, RouteSource::kBgp);
        tables.next_hops->release_group(group);
        return group;
    }
    [[nodiscard]] const Adjacency& way(const char* text, std::uint32_t hash = 0) const {
        const RouteKey key{kVrf, address(text)};
        GroupId group;
        tables.fib->lookup({&key, 1}, {&group, 1});
        const NextHops& table = *tables.next_hops;
        return table.adjacency(table.bucket(table.group(group), hash));
    }
    // The attachment a packet leaves by, or the kind that ends it.
    [[nodiscard]] int out(const char* text) const {
        const Adjacency& last = way(text);
        return last.kind == AdjacencyKind::kForward ? last.attachment.value()
                                                    : -static_cast<int>(last.kind);
    }

    static constexpr int kIsDown = -static_cast<int>(AdjacencyKind::kDown);
    static constexpr int kHasNoRoute = -static_cast<int>(AdjacencyKind::kNoRoute);

    ImmediateGrace grace;
    Tables tables{grace, {.vrfs_max = 16, .blocks_max = 64}};
    Recursion4 recursion{tables.rib, *tables.next_hops};
    std::vector<GroupId> groups = tables.make_groups(8);
};

TEST_F(RecursionTest, ARouteFollowsTheRouteToItsNextHop) {
    add("192.0.2.0/24", groups[1]);
    add_via("10.0.0.0/8", {{address("192.0.2.1")}});
    EXPECT_EQ(out("10.1.1.1"), 1);
    add("192.0.2.0/24", groups[2]);
    EXPECT_EQ(out("10.1.1.1"), 2) << "replaced";
    add("192.0.2.0/31", groups[3]);
    EXPECT_EQ(out("10.1.1.1"), 3) << "a longer prefix";
    remove("192.0.2.0/31");
    EXPECT_EQ(out("10.1.1.1"), 2);
    remove("192.0.2.0/24");
    EXPECT_EQ(out("10.1.1.1"), kIsDown);
    add("0.0.0.0/0", groups[4]);
    EXPECT_EQ(out("10.1.1.1"), kIsDown) << "a default route does not resolve";
}

TEST_F(RecursionTest, TheDeathOfWhatItResolvesToIsItsOwn) {
    add("192.0.2.0/24", groups[1]);
    add_via("10.0.0.0/8", {{address("192.0.2.1")}});
    const GroupId second = add_via("10.0.0.0/8", {{address("192.0.2.1")}});
    EXPECT_TRUE(recursion.has(second));
    EXPECT_EQ(recursion.group_count(), 1U) << "the same hops, the same group";
    tables.next_hops->set_down(hop(1));
    EXPECT_EQ(out("10.1.1.1"), kIsDown);
    forward(1);
    EXPECT_EQ(out("10.1.1.1"), 1);
}

TEST_F(RecursionTest, RoutesResolveThroughEachOther) {
    add_via("10.0.0.0/8", {{address("172.16.0.1")}});
    EXPECT_EQ(out("10.1.1.1"), kIsDown);
    add_via("172.16.0.0/12", {{address("192.0.2.1")}});
    add("192.0.2.1/32", groups[5]);
    EXPECT_EQ(out("10.1.1.1"), 5);
    remove("172.16.0.0/12", RouteSource::kBgp);
    EXPECT_EQ(out("10.1.1.1"), kIsDown);
}

TEST_F(RecursionTest, WhatResolvesThroughItselfIsDownUntilSomethingElseDoes) {
    add_via("10.0.0.0/8", {{address("10.0.0.1")}});
    EXPECT_EQ(out("10.1.1.1"), kIsDown);
    add("10.0.0.0/30", groups[1]);
    EXPECT_EQ(out("10.1.1.1"), 1);
    remove("10.0.0.0/30");
    EXPECT_EQ(out("10.1.1.1"), kIsDown);

    // Around a corner, and of several hops each.
    add_via("172.16.0.0/12", {{address("198.51.100.1")}, {address("198.51.100.2")}});
    add_via("198.51.100.0/24", {{address("172.16.0.1")}, {address("172.16.0.2")}});
    EXPECT_EQ(out("172.16.0.9"), kIsDown);
    EXPECT_EQ(out("198.51.100.9"), kIsDown);
    add("172.16.0.2/32", groups[3]);
    EXPECT_EQ(out("198.51.100.9"), 3);
    remove("172.16.0.2/32");
    EXPECT_EQ(out("198.51.100.9"), kIsDown) << "the two do not hold each other up";
    EXPECT_EQ(out("172.16.0.9"), kIsDown);
}

TEST_F(RecursionTest, SeveralNextHopsShareByWeight) {
    add("192.0.2.0/25", groups[1]);
    add("192.0.2.128/25", groups[2]);
    const GroupId group =
        add_via("10.0.0.0/8", {{address("192.0.2.1"), 1}, {address("192.0.2.129"), 3}});
    const GroupInfo info = tables.next_hops->group_info(group);
    ASSERT_EQ(info.members.size(), 2U);
    EXPECT_EQ(info.members[0].attachment, AttachmentId(1));
    EXPECT_EQ(info.members[0].buckets * 3, info.members[1].buckets);
    EXPECT_EQ(recursion.view(group).is_resolved, (std::vector<bool>{true, true}));
    remove("192.0.2.0/25");
    EXPECT_EQ(recursion.view(group).is_resolved, (std::vector<bool>{false, true}));
    for (std::uint32_t hash = 0; hash < 64; ++hash) {
        EXPECT_EQ(way("10.1.1.1", hash).attachment, AttachmentId(2));
    }
}

TEST_F(RecursionTest, ALostNextHopLeavesThePrefixToTheNextSource) {
    add("192.0.2.0/24", groups[1]);
    const GroupId recursive =
        recursion.acquire(kVrf, std::vector<Hop>{{address("192.0.2.1")}}).value();
    add("10.0.0.0/8", recursive, RouteSource::kStatic);
    add("10.0.0.0/8", groups[6], RouteSource::kBgp);
    EXPECT_EQ(out("10.1.1.1"), 1);
    remove("192.0.2.0/24");
    EXPECT_EQ(out("10.1.1.1"), 6);
    add("192.0.2.0/24", groups[2]);
    EXPECT_EQ(out("10.1.1.1"), 2);
    tables.next_hops->release_group(recursive);
}

TEST_F(RecursionTest, ABlackholeIsAnAnswerAndASubnetToAskInIsNot) {
    add("192.0.2.0/24", special_group(AdjacencyKind::kBlackhole));
    add_via("10.0.0.0/8", {{address("192.0.2.1")}});
    EXPECT_EQ(out("10.1.1.1"), -static_cast<int>(AdjacencyKind::kBlackhole));
    add("192.0.2.0/24", special_group(AdjacencyKind::kUnresolved), RouteSource::kConnected);
    EXPECT_EQ(out("10.1.1.1"), kIsDown);
}

TEST_F(RecursionTest, AGroupGoesWithItsLastRoute) {
    add_via("10.0.0.0/8", {{address("192.0.2.1")}, {address("192.0.2.1")}});
    add("192.0.2.0/24", groups[1]);
    EXPECT_EQ(out("10.1.1.1"), 1) << "named twice";
    remove("10.0.0.0/8", RouteSource::kBgp);
    EXPECT_EQ(recursion.group_count(), 0U);
    remove("192.0.2.0/24");
    EXPECT_EQ(tables.next_hops->usage().groups, groups.size());
    EXPECT_EQ(recursion.acquire(kVrf, {}).error().code, ErrorCode::kInvalid);
}

// Random routes, some of them recursive, against resolution by definition from the routes alone.
TEST_F(RecursionTest, AgreesWithResolutionFromScratchWhateverHappens) {
    test::SeededRandom random;
    struct Told {
        std::optional<GroupId> direct;
        Ipv4Address via;
    };
    std::map<Ipv4Prefix, Told> told;  // all of one source
    const auto below = [&](std::uint32_t n) { return static_cast<std::uint32_t>(random.below(n)); };
    const auto random_address = [&] { return Ipv4Address(0x0a000000 | below(64)); };
    const auto random_prefix = [&] {
        return Ipv4Prefix::of(random_address(), 26 + static_cast<int>(random.below(7)));
    };
    // By definition; lost where it comes back to a prefix it came through.
    const std::function<int(Ipv4Address, std::set<Ipv4Prefix>)> outcome =
        [&](Ipv4Address destination, std::set<Ipv4Prefix> through) {
            for (int length = 32; length >= 26; --length) {
                const auto found = told.find(Ipv4Prefix::of(destination, length));
                if (found == told.end()) continue;
                if (!through.insert(found->first).second) return kIsDown;
                if (!found->second.direct) return outcome(found->second.via, through);
                const Group group = tables.next_hops->group(*found->second.direct);
                return static_cast<int>(
                    tables.next_hops->adjacency(tables.next_hops->bucket(group, 0))
                        .attachment.value());
            }
            return through.empty() ? kHasNoRoute : kIsDown;
        };
    for (std::size_t step = 0; step < test::rounds(20'000); ++step) {
        const Ipv4Prefix where = random_prefix();
        if (random.below(3) == 0) {
            const bool is_removed = tables.rib.remove(kVrf, where, RouteSource::kBgp).has_value();
            ASSERT_EQ(is_removed, told.erase(where) == 1);
        } else if (random.below(2) == 0) {
            const GroupId group = groups[1 + random.below(groups.size() - 1)];
            ASSERT_TRUE(tables.rib.add(kVrf, where, RouteSource::kBgp, group));
            told[where] = {.direct = group, .via = {}};
        } else {
            const Ipv4Address via = random_address();
            const GroupId group = recursion.acquire(kVrf, std::vector<Hop>{{via}}).value();
            ASSERT_TRUE(tables.rib.add(kVrf, where, RouteSource::kBgp, group));
            tables.next_hops->release_group(group);
            told[where] = {.direct = std::nullopt, .via = via};
        }
        recursion.settle();
        for (std::uint32_t low = 0; low < 64; low += 1 + below(8)) {
            const Ipv4Address destination(0x0a000000 | low);
            const int expected = outcome(destination, {});
            const int found = out(to_string(destination).c_str());
            ASSERT_EQ(found, expected) << "step " << step << ' ' << to_string(destination);
        }
    }
}

}  // namespace
}  // namespace causeway
