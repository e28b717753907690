// SPDX-License-Identifier: Apache-2.0
#include "fib/next_hops.h"

#include <map>
#include <set>

#include "tests/fib/fib_fixture.h"
#include "tests/support/seed.h"

namespace causeway {
namespace {

class NextHopsTest : public ::testing::Test {
  protected:
    NextHopId hop(std::uint16_t attachment) {
        return table->acquire(AttachmentId(attachment), Ipv4Address(attachment)).value();
    }
    GroupId group_of(const std::vector<NextHopId>& hops) {
        std::vector<GroupMember> members;
        for (const NextHopId id : hops) members.push_back({.next_hop = id, .weight = 1});
        return table->acquire_group(members).value();
    }
    void forward(NextHopId id, std::uint8_t port = 1) {
        const auto attachment = table->info(id).attachment.value();
        ASSERT_TRUE(table->set_forwarding(id, forward_to(port, attachment)));
    }
    // The adjacency of each bucket.
    std::vector<AdjacencyId> buckets(GroupId id) const {
        const Group group = table->group(id);
        std::vector<AdjacencyId> all;
        for (std::uint32_t hash = 0; hash <= group.bucket_mask; ++hash) {
            all.push_back(table->bucket(group, hash));
        }
        return all;
    }
    const Adjacency& way_of(GroupId id, std::uint32_t hash) const {
        return table->adjacency(table->bucket(table->group(id), hash));
    }

    ManualGrace grace;
    std::unique_ptr<NextHops> table = std::move(NextHops::create(grace).value());
};

TEST_F(NextHopsTest, TheFixedGroupsEndAtTheirOwnKind) {
    using enum AdjacencyKind;
    for (const AdjacencyKind kind :
         {kNoRoute, kLocal, kUnresolved, kBlackhole, kUnreachable, kProhibit, kDown}) {
        const GroupId id = special_group(kind);
        EXPECT_TRUE(table->has_group(id));
        EXPECT_EQ(way_of(id, 0x12345678).kind, kind);
        EXPECT_EQ(table->bucket(table->group(id), 7), special_adjacency(kind));
        table->release_group(id);
        EXPECT_TRUE(table->has_group(id));
    }
    EXPECT_EQ(table->adjacency(AdjacencyId(0)).kind, kNoRoute);
}

TEST_F(NextHopsTest, ANextHopIsOnePerAttachmentAndAddressAndGoesWithItsLastReference) {
    const NextHopId a = hop(1);
    EXPECT_EQ(hop(1), a);
    EXPECT_NE(hop(2), a);
    table->release(a);
    EXPECT_TRUE(table->has(a));
    const GroupId group = group_of({a});
    table->release(a);
    EXPECT_TRUE(table->has(a)) << "the group holds it";
    table->release_group(group);
    EXPECT_FALSE(table->has(a));
    EXPECT_FALSE(table->has_group(group));
}

TEST_F(NextHopsTest, TheSameMembersInOrderAreTheSameGroup) {
    const NextHopId a = hop(1);
    const NextHopId b = hop(2);
    const GroupId group = group_of({a, b});
    EXPECT_EQ(group_of({a, b}), group);
    EXPECT_NE(group_of({b, a}), group);
    EXPECT_EQ(table->group_info(group).references, 2U);
    EXPECT_EQ(table->group_ids().size(), 2U);
    table->release_group(group);
    EXPECT_TRUE(table->has_group(group));
    table->release_group(group);
    EXPECT_FALSE(table->has_group(group));
}

TEST_F(NextHopsTest, RefusesGroupsThatMakeNoSense) {
    const NextHopId a = hop(1);
    using Members = std::vector<GroupMember>;
    const auto code = [&](const Members& members) {
        return table->acquire_group(members).error().code;
    };
    EXPECT_EQ(code({}), ErrorCode::kInvalid);
    EXPECT_EQ(code(Members(65, {.next_hop = a, .weight = 1})), ErrorCode::kInvalid);
    EXPECT_EQ(code({{.next_hop = a, .weight = 0}}), ErrorCode::kInvalid);
    EXPECT_EQ(code({{.next_hop = a, .weight = kGroupWeightMax + 1}}), ErrorCode::kInvalid);
    EXPECT_EQ(code(Members(2, {.next_hop = a, .weight = 1})), ErrorCode::kInvalid);
    EXPECT_EQ(code({{.next_hop = NextHopId(99), .weight = 1}}), ErrorCode::kNotFound);
    EXPECT_EQ(table->usage().groups, 0U);
    EXPECT_EQ(table->info(a).groups, 0U);
}

TEST_F(NextHopsTest, BucketsNameForwardingMembersOnly) {
    const NextHopId a = hop(1);
    const NextHopId b = hop(2);
    const GroupId group = group_of({a, b});
    EXPECT_EQ(way_of(group, 5).kind, AdjacencyKind::kUnresolved);
    forward(a);
    const auto counts = [&] {
        std::array<std::size_t, 2> of{};
        for (const AdjacencyId id : buckets(group)) {
            const Adjacency& way = table->adjacency(id);
            EXPECT_EQ(way.kind, AdjacencyKind::kForward);
            ++of.at(way.attachment.value() - 1U);
        }
        return of;
    };
    EXPECT_EQ(counts(), (std::array<std::size_t, 2>{64, 0}));
    forward(b);
    EXPECT_EQ(counts(), (std::array<std::size_t, 2>{32, 32}));
    table->set_unresolved(a);
    EXPECT_EQ(counts(), (std::array<std::size_t, 2>{0, 64}));
    table->set_down(b);
    EXPECT_EQ(way_of(group, 5).kind, AdjacencyKind::kUnresolved);
    table->set_down(a);
    for (const AdjacencyId id : buckets(group)) {
        EXPECT_EQ(id, special_adjacency(AdjacencyKind::kDown));
    }
}

TEST_F(NextHopsTest, ADeadMemberMovesItsOwnFlowsAndItsReturnBringsThemBack) {
    std::vector<NextHopId> hops;
    for (std::uint16_t i = 1; i <= 5; ++i) forward(hops.emplace_back(hop(i)));
    const GroupId group = group_of(hops);
    const auto attachments = [&] {
        std::vector<std::uint16_t> of;
        for (const AdjacencyId id : buckets(group)) {
            of.push_back(table->adjacency(id).attachment.value());
        }
        return of;
    };
    const std::vector<std::uint16_t> before = attachments();
    table->set_down(hops[2]);
    const std::vector<std::uint16_t> during = attachments();
    for (std::size_t i = 0; i < before.size(); ++i) {
        if (before[i] == 3) {
            EXPECT_NE(during[i], 3) << "bucket " << i;
        } else {
            EXPECT_EQ(during[i], before[i]) << "bucket " << i;
        }
    }
    forward(hops[2]);
    EXPECT_EQ(attachments(), before);
}

TEST_F(NextHopsTest, AnAdjacencyInUseIsNeverWrittenAndItsSlotWaitsForAGracePeriod) {
    const NextHopId a = hop(1);
    const GroupId group = group_of({a});
    forward(a, 1);
    const AdjacencyId first = table->bucket(table->group(group), 0);
    EXPECT_EQ(table->usage().adjacencies, 1U);
    forward(a, 1);  // nothing new
    EXPECT_EQ(table->bucket(table->group(group), 0), first);
    forward(a, 2);
    const AdjacencyId second = table->bucket(table->group(group), 0);
    EXPECT_NE(second, first);
    forward(a, 3);
    EXPECT_EQ(table->adjacency(first).port, PortId(1)) << "a reader may still hold it";
    EXPECT_EQ(table->adjacency(second).port, PortId(2));
    EXPECT_EQ(table->usage().retired, 2U);
    grace.pass();
    forward(a, 4);
    EXPECT_EQ(table->usage().retired, 1U);
    EXPECT_EQ(way_of(group, 0).port, PortId(4));
}

TEST_F(NextHopsTest, AReleasedGroupIsReadableUntilItsGracePeriodIsOver) {
    const NextHopId a = hop(1);
    const NextHopId b = hop(2);
    forward(a);
    const GroupId group = group_of({a});
    table->release_group(group);
    EXPECT_NE(group_of({b}), group);
    EXPECT_EQ(way_of(group, 0).attachment, AttachmentId(1));
    grace.pass();
    const GroupId next = group_of({a, b});
    EXPECT_EQ(next, group) << "ids are reused then";
    EXPECT_EQ(way_of(next, 3).attachment, AttachmentId(1));
}

TEST_F(NextHopsTest, AFallbackGroupReadsAsItsFirstLivingCandidate) {
    const NextHopId a = hop(1);
    const NextHopId b = hop(2);
    const GroupId first = group_of({a});
    const GroupId second = group_of({b});
    const GroupId unreachable = special_group(AdjacencyKind::kUnreachable);
    const std::vector<GroupId> candidates{first, second, unreachable};
    const GroupId fallback = table->acquire_fallback(candidates).value();
    EXPECT_EQ(way_of(fallback, 1).kind, AdjacencyKind::kUnreachable) << "that is an answer, too";
    forward(b, 2);
    EXPECT_EQ(way_of(fallback, 1).attachment, AttachmentId(2));
    forward(a, 1);
    EXPECT_EQ(way_of(fallback, 1).attachment, AttachmentId(1));
    table->set_down(a);
    EXPECT_EQ(way_of(fallback, 1).attachment, AttachmentId(2));
    table->set_down(b);
    EXPECT_EQ(way_of(fallback, 1).kind, AdjacencyKind::kUnreachable);

    EXPECT_EQ(table->acquire_fallback(candidates).value(), fallback) << "interned";
    EXPECT_EQ(table->group_info(fallback).candidates, candidates);
    table->release_group(fallback);
    table->release_group(fallback);
    EXPECT_FALSE(table->has_group(fallback));
    EXPECT_EQ(table->group_info(first).references, 1U) << "given back";
}

TEST_F(NextHopsTest, OfDeadCandidatesTheOneThatMayBeResolvedIsAsked) {
    const NextHopId a = hop(1);
    const NextHopId b = hop(2);
    table->set_down(a);
    const std::vector<GroupId> candidates{group_of({a}), group_of({b})};
    const GroupId fallback = table->acquire_fallback(candidates).value();
    EXPECT_EQ(way_of(fallback, 0).kind, AdjacencyKind::kUnresolved);
    table->set_down(b);
    EXPECT_EQ(way_of(fallback, 0).kind, AdjacencyKind::kDown);
}

TEST_F(NextHopsTest, AFallbackOfOneIsThatOne) {
    const GroupId group = group_of({hop(1)});
    EXPECT_EQ(table->acquire_fallback(std::array{group, group}).value(), group);
    EXPECT_EQ(table->group_info(group).references, 2U);
}

TEST_F(NextHopsTest, AnIndirectGroupFollowsWhatItStandsFor) {
    const NextHopId a = hop(1);
    const NextHopId b = hop(2);
    forward(a, 1);
    forward(b, 2);
    const GroupId first = group_of({a});
    const GroupId second = group_of({b});
    const GroupId indirect = table->create_indirect(first).value();
    // A route with a recursive next hop, and another of the same prefix behind it.
    const GroupId fallback = table->acquire_fallback(std::array{indirect, second}).value();
    EXPECT_EQ(way_of(fallback, 0).attachment, AttachmentId(1));
    table->set_down(a);
    EXPECT_EQ(way_of(indirect, 0).kind, AdjacencyKind::kDown);
    EXPECT_EQ(way_of(fallback, 0).attachment, AttachmentId(2)) << "death goes through";
    ASSERT_TRUE(table->redirect(indirect, special_group(AdjacencyKind::kBlackhole)));
    EXPECT_EQ(way_of(fallback, 0).kind, AdjacencyKind::kBlackhole);
    ASSERT_TRUE(table->redirect(indirect, second));
    EXPECT_EQ(way_of(indirect, 0).attachment, AttachmentId(2));
    EXPECT_EQ(table->group_info(indirect).members.at(0).next_hop, b);
    EXPECT_EQ(table->group_info(first).references, 1U);
}

TEST_F(NextHopsTest, NoGroupStandsForItself) {
    const GroupId real = group_of({hop(1)});
    const GroupId one = table->create_indirect(real).value();
    const GroupId two = table->create_indirect(one).value();
    const GroupId three = table->acquire_fallback(std::array{real, two}).value();
    EXPECT_EQ(table->redirect(one, one).error().code, ErrorCode::kInvalid);
    EXPECT_EQ(table->redirect(one, three).error().code, ErrorCode::kInvalid);
    EXPECT_EQ(table->group_info(one).candidates, std::vector{real}) << "as it was";
    EXPECT_TRUE(table->depends_on(three, one));
    EXPECT_FALSE(table->depends_on(one, three));
}

TEST_F(NextHopsTest, AReleasedIndirectGroupIsReadableUntilItsGracePeriodIsOver) {
    const NextHopId a = hop(1);
    forward(a);
    const GroupId real = group_of({a});
    const GroupId indirect = table->create_indirect(real).value();
    table->release_group(real);
    table->release_group(indirect);
    EXPECT_EQ(table->usage().groups, 0U);
    const GroupId other = group_of({hop(2)});
    EXPECT_NE(other, real);
    EXPECT_NE(other, indirect);
    EXPECT_EQ(way_of(indirect, 9).attachment, AttachmentId(1));
    grace.pass();
    // All groups can be had again, and the buckets were freed once.
    std::set<GroupId> ids{group_of({hop(3)}), group_of({hop(4)}), group_of({hop(3), hop(4)})};
    EXPECT_TRUE(ids.contains(real) && ids.contains(indirect));
}

// Random groups, deaths, resolutions and releases against the rule itself: the first of those that
// live best.
class IndirectGroups : public NextHopsTest {
  protected:
    IndirectGroups() {
        for (std::uint16_t i = 1; i <= 6; ++i) {
            hops.push_back(hop(i));
            groups.push_back(group_of({hops.back()}));
        }
    }
    GroupId any_group() {
        const std::size_t at = random.below(groups.size() + indirects.size());
        if (at < groups.size()) return groups[at];
        return std::next(indirects.begin(), static_cast<std::ptrdiff_t>(at - groups.size()))->first;
    }
    [[nodiscard]] int worth(AdjacencyId way) const {
        const AdjacencyKind kind = table->adjacency(way).kind;
        return kind == AdjacencyKind::kForward ? 2 : kind == AdjacencyKind::kUnresolved ? 1 : 0;
    }
    [[nodiscard]] AdjacencyId by_the_rule(GroupId id) const {
        const auto found = indirects.find(id);
        if (found == indirects.end()) return table->bucket(table->group(id), 0);
        AdjacencyId best = by_the_rule(found->second.front());
        for (const GroupId candidate : found->second) {
            const AdjacencyId way = by_the_rule(candidate);
            if (worth(way) > worth(best)) best = way;
        }
        return best;
    }
    void change_a_hop() {
        const NextHopId changed = hops[random.below(hops.size())];
        switch (random.below(3)) {
            case 0:
                return forward(changed, static_cast<std::uint8_t>(random.below(4)));
            case 1:
                return table->set_down(changed);
            default:
                return table->set_unresolved(changed);
        }
    }
    void add() {
        const std::vector<GroupId> candidates{any_group(), any_group()};
        const GroupId id = random.below(2) == 0 ? table->acquire_fallback(candidates).value()
                                                : table->create_indirect(candidates[0]).value();
        // A fallback that is known, or of one group, is not kept here.
        const std::vector<GroupId> of = table->group_info(id).candidates;
        const bool is_new = !of.empty() && indirects.emplace(id, of).second;
        if (!is_new) table->release_group(id);
    }
    void redirect_one() {
        for (auto& [id, candidates] : indirects) {
            if (candidates.size() != 1) continue;
            const GroupId target = any_group();
            const bool is_cycle = table->depends_on(target, id);
            EXPECT_EQ(table->redirect(id, target).has_value(), !is_cycle);
            if (!is_cycle) candidates.front() = target;
            return;
        }
    }
    // Each goes when nobody stands on it any more.
    void release_all() {
        for (const auto& [id, candidates] : indirects) table->release_group(id);
        indirects.clear();
    }

    test::SeededRandom random;
    std::vector<NextHopId> hops;
    std::vector<GroupId> groups;
    std::map<GroupId, std::vector<GroupId>> indirects;  // with their candidates
};

TEST_F(IndirectGroups, FollowTheRuleWhateverHappens) {
    for (std::size_t round = 0; round < test::rounds(20'000); ++round) {
        const std::uint64_t what = random.below(5);
        if (what < 3) change_a_hop();
        if (what == 3) add();
        if (what == 4) redirect_one();
        for (const auto& [id, candidates] : indirects) {
            ASSERT_EQ(table->bucket(table->group(id), 0), by_the_rule(id)) << "round " << round;
        }
        if (indirects.size() == 12) release_all();
        grace.pass();
    }
    release_all();
    EXPECT_EQ(table->usage().groups, groups.size());
}

TEST_F(NextHopsTest, FullTablesRefuseAndStayAsTheyWere) {
    // Each pair takes 64 of the 2^20 buckets.
    std::vector<NextHopId> hops;
    for (std::uint16_t i = 0; i < 200; ++i) hops.push_back(hop(i));
    std::size_t made = 0;
    std::optional<Error> error;
    for (std::size_t i = 0; i < hops.size() && !error; ++i) {
        for (std::size_t j = 0; j < hops.size() && !error; ++j) {
            if (i == j) continue;
            const std::vector<GroupMember> members{{.next_hop = hops[i], .weight = 1},
                                                   {.next_hop = hops[j], .weight = 1}};
            const Result<GroupId> group = table->acquire_group(members);
            if (group) ++made;
            if (!group) error = group.error();
        }
    }
    ASSERT_TRUE(error);
    EXPECT_EQ(error->code, ErrorCode::kFull);
    EXPECT_EQ(made, kBucketsMax / 64 - 1) << "the fixed groups hold a part";
    EXPECT_EQ(table->usage().groups, made);
    table->release_group(table->group_ids().front());
    grace.pass();
    const std::vector<GroupMember> members{{.next_hop = hops[198], .weight = 1},
                                           {.next_hop = hops[199], .weight = 1}};
    EXPECT_TRUE(table->acquire_group(members));
}

TEST_F(NextHopsTest, AGroupListsItsMembersWithStatesAndBuckets) {
    const NextHopId a = hop(1);
    const NextHopId b = hop(2);
    forward(a);
    const std::vector<GroupMember> members{{.next_hop = a, .weight = 3},
                                           {.next_hop = b, .weight = 1}};
    const GroupId group = table->acquire_group(members).value();
    GroupInfo info = table->group_info(group);
    ASSERT_EQ(info.members.size(), 2U);
    EXPECT_EQ(info.buckets, 64U);
    EXPECT_EQ(info.members[0].buckets, 64U);
    EXPECT_EQ(info.members[1].state, NextHopState::kUnresolved);
    forward(b);
    info = table->group_info(group);
    EXPECT_EQ(info.members[0].buckets, 48U);
    EXPECT_EQ(info.members[1].buckets, 16U);
    EXPECT_EQ(info.members[0].weight, 3U);
    EXPECT_EQ(to_string(info.members[1].state), "forwarding");
}

}  // namespace
}  // namespace causeway
