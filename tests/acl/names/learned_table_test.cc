// SPDX-License-Identifier: Apache-2.0
//
// The table of learned addresses against a map, and under readers.
#include "acl/names/learned_table.h"

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <thread>
#include <vector>

#include "tests/support/seed.h"

namespace causeway {
namespace {

template <class Address>
Address address_of(std::uint64_t number) {
    if constexpr (std::is_same_v<Address, Ipv4Address>) {
        return Address(static_cast<std::uint32_t>(number));
    } else {
        return number == 0 ? Address() : Address(0x2001'0db8'0000'0000 | number % 3, number);
    }
}

template <class Address>
class LearnedTableTest : public ::testing::Test {};
using Families = ::testing::Types<Ipv4Address, Ipv6Address>;
TYPED_TEST_SUITE(LearnedTableTest, Families);

TYPED_TEST(LearnedTableTest, AnswersAsAMapDoes) {
    test::SeededRandom random;
    ImmediateGrace grace;
    const auto made = LearnedTable<TypeParam>::create(grace);
    ASSERT_TRUE(made.has_value());
    LearnedTable<TypeParam>& table = **made;
    std::map<std::uint64_t, LearnedSets> slow;
    const std::uint64_t numbers = 20'000;
    for (std::size_t i = 0; i < test::rounds(200'000); ++i) {
        const std::uint64_t number = random.below(numbers);
        const LearnedSets sets(random.below(3) == 0 ? 0 : static_cast<NameSetBits>(random()));
        ASSERT_TRUE(table.set(address_of<TypeParam>(number), sets).has_value());
        if (number != 0) slow[number] = sets;  // the unspecified address is nobody's
        if (i % 97 != 0) continue;
        table.reclaim();
        std::vector<TypeParam> asked;
        std::vector<std::uint64_t> of;
        for (std::size_t k = 1 + random.below(kBurstSizeMax); k > 0; --k) {
            of.push_back(random.below(2 * numbers));
            asked.push_back(address_of<TypeParam>(of.back()));
        }
        std::vector<LearnedSets> answers(asked.size());
        table.lookup(asked, answers);
        for (std::size_t k = 0; k < of.size(); ++k) {
            const auto found = slow.find(of[k]);
            ASSERT_EQ(answers[k], found == slow.end() ? LearnedSets() : found->second);
        }
    }
    const auto known =
        std::ranges::count_if(slow, [](const auto& entry) { return entry.second.is_known(); });
    EXPECT_EQ(table.size(), static_cast<std::size_t>(known));
}

// Never frees, as long as a reader may hold it.
class NoGrace final : public GracePeriods {
  public:
    [[nodiscard]] std::uint64_t begin() override { return 0; }
    [[nodiscard]] bool is_over(std::uint64_t) override { return false; }
};

// Address k is always in the sets of k's bits; others come and go around it, and the table is
// rebuilt again and again. There are more combinations of sets than numbers for them.
TYPED_TEST(LearnedTableTest, ReadersSeeBeforeOrAfter) {
    test::SeededRandom random;
    NoGrace grace;
    const auto made = LearnedTable<TypeParam>::create(grace);
    ASSERT_TRUE(made.has_value());
    LearnedTable<TypeParam>& table = **made;
    constexpr std::uint64_t kSteady = 500;
    const auto sets_of = [](std::uint64_t k) { return LearnedSets(static_cast<NameSetBits>(k)); };
    for (std::uint64_t k = 1; k < kSteady; ++k) {
        ASSERT_TRUE(table.set(address_of<TypeParam>(k), sets_of(k)).has_value());
    }
    std::atomic<bool> stop{false};
    std::atomic<std::uint64_t> wrong{0};
    std::thread reader([&] {
        std::array<TypeParam, kBurstSizeMax> asked;
        std::array<LearnedSets, kBurstSizeMax> answers;
        for (std::uint64_t k = 0; !stop.load(); k = (k + 64) % kSteady) {
            for (std::size_t i = 0; i < 64; ++i) {
                asked[i] = address_of<TypeParam>((k + i) % kSteady);
            }
            table.lookup(asked, answers);
            for (std::size_t i = 0; i < 64; ++i) {
                const std::uint64_t number = (k + i) % kSteady;
                if (number != 0 && answers[i] != sets_of(number)) wrong.fetch_add(1);
            }
        }
    });
    for (std::size_t i = 0; i < test::rounds(20'000); ++i) {
        const std::uint64_t k = kSteady + random.below(6'000);
        const LearnedSets sets = random.below(2) == 0 ? LearnedSets() : sets_of(k);
        ASSERT_TRUE(table.set(address_of<TypeParam>(k), sets).has_value());
    }
    stop = true;
    reader.join();
    EXPECT_EQ(wrong.load(), 0U);
}

}  // namespace
}  // namespace causeway
