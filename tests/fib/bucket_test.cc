// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "fib/bucket_plan.h"
#include "fib/bucket_space.h"
#include "tests/support/seed.h"

namespace causeway {
namespace {

using Weights = std::vector<std::uint32_t>;

std::vector<std::uint32_t> owners(const BucketPlan& plan, const MemberSet& forwarding) {
    std::vector<std::uint32_t> members;
    for (std::uint32_t bucket = 0; bucket < plan.bucket_count(); ++bucket) {
        members.push_back(plan.member_of(bucket, forwarding).value());
    }
    return members;
}

MemberSet all_of(std::size_t count) {
    MemberSet set;
    for (std::size_t member = 0; member < count; ++member) set.set(member);
    return set;
}

TEST(BucketPlan, SharesFollowTheWeightsWithinTwoPercent) {
    for (const Weights& weights :
         {Weights{1, 1}, Weights{1, 1, 1}, Weights{1, 2, 3, 4, 5}, Weights(64, 1), Weights(63, 7),
          Weights{10, 1}, Weights{3, 7, 11, 13}}) {
        const BucketPlan plan(weights);
        const std::vector<std::uint32_t> members = owners(plan, all_of(weights.size()));
        const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
        for (std::uint32_t member = 0; member < weights.size(); ++member) {
            const auto count = std::count(members.begin(), members.end(), member);
            const double due = weights[member] / sum * static_cast<double>(members.size());
            EXPECT_NEAR(static_cast<double>(count), due, due / 50) << "member " << member;
        }
    }
}

TEST(BucketPlan, TwoEqualMembersTakeHalfEachAndOneTakesASingleBucket) {
    EXPECT_EQ(BucketPlan(Weights{5}).bucket_count(), 1U);
    const BucketPlan plan(Weights{1, 1});
    EXPECT_EQ(plan.bucket_count(), 64U);
    const std::vector<std::uint32_t> members = owners(plan, all_of(2));
    EXPECT_EQ(std::count(members.begin(), members.end(), 0U), 32);
}

TEST(BucketPlan, EveryMemberHasABucketWhateverTheWeights) {
    Weights weights(64, kGroupWeightMax);
    for (std::size_t member = 1; member < 64; member += 2) weights[member] = 1;
    const BucketPlan plan(weights);
    EXPECT_EQ(plan.bucket_count(), kGroupBucketsMax);
    const std::vector<std::uint32_t> members = owners(plan, all_of(64));
    for (std::uint32_t member = 0; member < 64; ++member) {
        EXPECT_GE(std::count(members.begin(), members.end(), member), 1) << "member " << member;
    }
}

// Boxes of different builds must agree. A change of these numbers moves flows in a running network.
TEST(BucketPlan, TheAssignmentIsPinned) {
    const BucketPlan plan(Weights{1, 1, 1, 1});
    MemberSet forwarding = all_of(4);
    forwarding.reset(0);
    std::vector<std::uint32_t> members = owners(plan, forwarding);
    members.resize(16);
    EXPECT_EQ(members,
              (std::vector<std::uint32_t>{3, 1, 2, 3, 2, 2, 1, 2, 1, 1, 1, 1, 3, 3, 1, 3}));
}

TEST(BucketPlan, ALossMovesItsOwnBucketsOnlyAndAReturnTakesBackExactlyThose) {
    test::SeededRandom random;
    for (std::size_t round = 0; round < test::rounds(200); ++round) {
        Weights weights(2 + random() % 15);
        for (std::uint32_t& weight : weights) {
            weight = 1 + static_cast<std::uint32_t>(random() % 4);
        }
        const BucketPlan plan(weights);
        MemberSet forwarding = all_of(weights.size());
        std::vector<std::uint32_t> before = owners(plan, forwarding);
        for (int step = 0; step < 20; ++step) {
            const auto member = static_cast<std::uint32_t>(random() % weights.size());
            MemberSet next = forwarding;
            next.flip(member);
            if (next.none()) continue;
            const std::vector<std::uint32_t> after = owners(plan, next);
            for (std::size_t bucket = 0; bucket < after.size(); ++bucket) {
                if (!next[member] && before[bucket] != member) {
                    ASSERT_EQ(after[bucket], before[bucket]);
                }
                ASSERT_FALSE(!next[member] && after[bucket] == member);
                if (next[member] && after[bucket] != member) {
                    ASSERT_EQ(after[bucket], before[bucket]);
                }
            }
            forwarding = next;
            before = after;
        }
        ASSERT_EQ(before, owners(plan, forwarding));
    }
}

TEST(BucketPlan, ALostMembersBucketsSpreadOverTheOthers) {
    const BucketPlan plan(Weights(8, 1));
    MemberSet forwarding = all_of(8);
    forwarding.reset(3);
    const std::vector<std::uint32_t> members = owners(plan, forwarding);
    std::size_t heirs = 0;
    for (std::uint32_t member = 0; member < 8; ++member) {
        heirs += std::count(members.begin(), members.end(), member) > 8;
    }
    EXPECT_GE(heirs, 4U);
}

TEST(BucketSpace, RunsDoNotOverlapAndJoinAgainWhenFreed) {
    constexpr std::uint32_t kCount = 4'096;
    test::SeededRandom random;
    BucketSpace space(kCount);
    std::vector<std::pair<std::uint32_t, std::uint32_t>> runs;
    std::vector<bool> taken(kCount);
    for (std::size_t step = 0; step < test::rounds(20'000); ++step) {
        const std::uint32_t size = 1U << (random() % 8);
        const std::optional<std::uint32_t> first =
            random() % 2 == 0 ? space.allocate(size) : std::nullopt;
        if (first) {
            ASSERT_EQ(*first % size, 0U);
            for (std::uint32_t i = *first; i < *first + size; ++i) {
                ASSERT_FALSE(taken.at(i));
                taken[i] = true;
            }
            runs.push_back({*first, size});
        } else if (!runs.empty()) {
            std::swap(runs[random() % runs.size()], runs.back());
            const auto [start, count] = runs.back();
            runs.pop_back();
            for (std::uint32_t i = start; i < start + count; ++i) taken[i] = false;
            space.free(start, count);
        }
        const auto used = static_cast<std::uint32_t>(std::count(taken.begin(), taken.end(), true));
        ASSERT_EQ(space.available(), kCount - used);
    }
    for (const auto& [start, count] : runs) space.free(start, count);
    EXPECT_EQ(space.allocate(kCount), 0U);
    EXPECT_EQ(space.allocate(1), std::nullopt);
}

}  // namespace
}  // namespace causeway
