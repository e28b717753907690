// SPDX-License-Identifier: Apache-2.0
//
// A SharedMap against a std::map, with buckets that are full.
#include "nat/shared_map.h"

#include <gtest/gtest.h>

#include <map>
#include <utility>

#include "tests/support/seed.h"

namespace causeway {
namespace {

TEST(SharedMap, is_a_map) {
    constexpr std::size_t kKeysMax = 100;  // for thirty buckets and sixteen more
    constexpr std::uint64_t kKeys = 220;
    test::SeededRandom random;
    SharedMap map = std::move(SharedMap::create(kKeysMax, {})).value();
    std::map<std::uint64_t, std::uint32_t> known;
    std::size_t crowded = 0;
    for (std::size_t round = 0; round < test::rounds(300'000); ++round) {
        const std::uint64_t key = 1 + random.below(kKeys);
        const auto value = static_cast<std::uint32_t>(1 + random.below(1'000'000));
        const auto entry = known.find(key);
        const std::uint32_t* const found = map.find(key);
        ASSERT_EQ(found != nullptr, entry != known.end());
        if (found != nullptr) {
            ASSERT_EQ(*found, entry->second);
        }
        switch (random.below(entry == known.end() ? 2 : 4)) {
            case 0: {
                std::uint32_t* const place = map.find_or_insert(key);
                ASSERT_NE(place, nullptr);
                ASSERT_EQ(*place, entry == known.end() ? 0 : entry->second);
                known[key] = *place = value;
                break;
            }
            case 1:
                if (entry == known.end()) {
                    std::uint32_t* const place = map.insert(key);
                    ASSERT_NE(place, nullptr);
                    ASSERT_EQ(*place, 0U);
                    known[key] = *place = value;
                }
                break;
            default:
                map.erase(key);
                known.erase(entry);
        }
        ASSERT_EQ(map.estimated_size(), known.size());
        crowded += known.size() > kKeysMax ? 1U : 0U;
    }
    EXPECT_GT(crowded, 0U) << "never so full that keys were passed on";
}

}  // namespace
}  // namespace causeway
