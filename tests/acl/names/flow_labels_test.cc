// SPDX-License-Identifier: Apache-2.0
#include "acl/names/flow_labels.h"

#include <gtest/gtest.h>

#include <map>

#include "tests/support/seed.h"

namespace causeway {
namespace {

FlowName flow(std::uint32_t ports) {
    return {.source_low = 1, .destination_low = 2, .ports = ports, .vrf = VrfId(3), .protocol = 6};
}

TEST(FlowLabels, EveryFieldTellsFlowsApart) {
    const FlowLabels labels(64, 7);
    const FlowName one = flow(1);
    FlowName others[7] = {one, one, one, one, one, one, one};
    others[0].source_high = 9;
    others[1].source_low = 9;
    others[2].destination_high = 9;
    others[3].destination_low = 9;
    others[4].ports = 9;
    others[5].vrf = VrfId(9);
    others[6].protocol = 17;
    for (const FlowName& other : others) EXPECT_NE(labels.key_of(one), labels.key_of(other));
    EXPECT_EQ(labels.key_of(one), labels.key_of(flow(1)));
}

TEST(FlowLabels, TheSilentMakeRoom) {
    FlowLabels labels(4, 7);  // one line
    for (std::uint32_t i = 1; i <= 4; ++i) {
        EXPECT_FALSE(labels.put(labels.key_of(flow(i)), i, 10 + i));
    }
    EXPECT_EQ(labels.find(labels.key_of(flow(1)), 20), 1U);  // heard of again
    EXPECT_TRUE(labels.put(labels.key_of(flow(5)), 5, 21));  // so 2 goes
    EXPECT_EQ(labels.find(labels.key_of(flow(2)), 22), 0U);
    EXPECT_EQ(labels.find(labels.key_of(flow(1)), 22), 1U);
    EXPECT_EQ(labels.find(labels.key_of(flow(5)), 22), 5U);
    EXPECT_FALSE(labels.put(labels.key_of(flow(6)), 6, 22 + FlowLabels::kIdle));
}

TEST(FlowLabels, KnowsNoFlowByAnothersName) {
    test::SeededRandom random;
    FlowLabels labels(1'024, random());
    std::map<std::uint32_t, NameSetBits> slow;
    std::size_t known = 0;
    for (std::size_t i = 0; i < test::rounds(100'000); ++i) {
        const auto number = static_cast<std::uint32_t>(random.below(4'000));
        const std::uint64_t key = labels.key_of(flow(number));
        const auto now = static_cast<std::uint32_t>(i / 10 + 1);
        const NameSetBits found = labels.find(key, now);
        if (found != 0) {
            ASSERT_EQ(found, slow[number]);
        }
        known += found != 0 ? 1 : 0;
        if (random.below(2) == 0) continue;
        slow[number] = static_cast<NameSetBits>(random.below(1'000) + 1);
        (void)labels.put(key, slow[number], now);
        ASSERT_EQ(labels.find(key, now), slow[number]);
    }
    EXPECT_GT(known, 0U);
}

}  // namespace
}  // namespace causeway
