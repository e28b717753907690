// SPDX-License-Identifier: Apache-2.0
//
// Addresses come, stay for their time, and go.
#include "acl/names/learned_addresses.h"

#include <gtest/gtest.h>

namespace causeway {
namespace {

Hostname hostname(std::string_view text) {
    const auto name = Hostname::from(text);
    EXPECT_TRUE(name.has_value());
    return *name;
}

class LearnedAddressesTest : public ::testing::Test {
  protected:
    LearnedAddressesTest() {
        auto made = LearnedAddresses::create(grace_, 3);
        EXPECT_TRUE(made.has_value());
        learned_ = std::move(made).value();
    }
    LearnedSets of(Ipv4Address address) {
        LearnedSets sets;
        learned_->table<Ipv4Address>().lookup({&address, 1}, {&sets, 1});
        return sets;
    }
    bool learn(std::uint32_t address, NameSetBits sets, std::uint32_t ttl, std::uint64_t now_s,
               std::string_view name = "a.example.com") {
        return learned_->learn(Ipv4Address(address), sets, ttl, hostname(name), now_s);
    }
    ImmediateGrace grace_;
    std::unique_ptr<LearnedAddresses> learned_;
};

TEST_F(LearnedAddressesTest, TimeToLiveIsHonoured) {
    EXPECT_TRUE(learn(1, 0b10, 60, 1'000));
    learned_->expire(1'059);
    EXPECT_EQ(of(Ipv4Address(1)).now(), 0b10U);
    learned_->expire(1'060);
    EXPECT_EQ(of(Ipv4Address(1)), LearnedSets::past(0b10));
    EXPECT_EQ(of(Ipv4Address(1)).now(), 0U);
    learned_->expire(1'060 + LearnedAddresses::kPastSeconds - 1);
    EXPECT_TRUE(of(Ipv4Address(1)).is_known());
    learned_->expire(1'060 + LearnedAddresses::kPastSeconds);
    EXPECT_FALSE(of(Ipv4Address(1)).is_known());
    EXPECT_EQ(learned_->size(), 0U);
}

TEST_F(LearnedAddressesTest, NewAnswerProlongs) {
    EXPECT_TRUE(learn(1, 1, 60, 1'000));
    EXPECT_TRUE(learn(1, 1, 60, 1'050));
    EXPECT_TRUE(learn(1, 1, 5, 1'051));  // and a shorter one does not shorten
    learned_->expire(1'109);
    EXPECT_EQ(of(Ipv4Address(1)).now(), 1U);
    learned_->expire(1'110);
    EXPECT_EQ(of(Ipv4Address(1)).now(), 0U);
    EXPECT_TRUE(learn(1, 1, 60, 1'200));  // from the past
    EXPECT_EQ(of(Ipv4Address(1)).now(), 1U);
    EXPECT_EQ(learned_->past(), 0U);
}

TEST_F(LearnedAddressesTest, NamesOfOneAddressGoOneByOne) {
    EXPECT_TRUE(learn(1, 0b01, 60, 1'000, "a.example.com"));
    EXPECT_TRUE(learn(1, 0b10, 90, 1'000, "b.example.com"));
    EXPECT_EQ(of(Ipv4Address(1)).now(), 0b11U);
    learned_->expire(1'060);
    EXPECT_EQ(of(Ipv4Address(1)).now(), 0b10U);
    learned_->expire(1'090);
    EXPECT_EQ(of(Ipv4Address(1)).now(), 0U);
}

TEST_F(LearnedAddressesTest, ExtremeTimes) {
    EXPECT_TRUE(learn(1, 1, 0, 1'000));
    learned_->expire(1'000 + LearnedAddresses::kSecondsMin - 1);
    EXPECT_EQ(of(Ipv4Address(1)).now(), 1U);
    EXPECT_TRUE(learn(2, 1, 0x7fff'ffff, 1'000));
    learned_->expire(1'000 + LearnedAddresses::kSecondsMax);
    EXPECT_EQ(of(Ipv4Address(2)).now(), 0U);
}

TEST_F(LearnedAddressesTest, FullRefusesButForgetsThePast) {
    for (std::uint32_t address = 1; address <= 3; ++address) {
        EXPECT_TRUE(learn(address, 1, address == 1 ? 10 : 100, 1'000));
    }
    EXPECT_FALSE(learn(4, 1, 100, 1'001));
    EXPECT_TRUE(learn(3, 1, 100, 1'001));
    learned_->expire(1'010);
    EXPECT_TRUE(learn(4, 1, 100, 1'011));
    EXPECT_EQ(of(Ipv4Address(4)).now(), 1U);
    EXPECT_FALSE(of(Ipv4Address(1)).is_known());
    learned_->forget_all();
    EXPECT_FALSE(of(Ipv4Address(4)).is_known());
    EXPECT_EQ(learned_->size(), 0U);
}

// One goes for one that comes, the one that ran out first; and one that comes back is not past.
TEST_F(LearnedAddressesTest, PastMakesRoomInTurn) {
    for (std::uint32_t address = 1; address <= 3; ++address) {
        EXPECT_TRUE(learn(address, 1, 10 * address, 1'000));
    }
    learned_->expire(1'030);
    EXPECT_EQ(learned_->past(), 3U);
    EXPECT_TRUE(learn(1, 1, 100, 1'031));
    EXPECT_TRUE(learn(4, 1, 100, 1'031));
    EXPECT_FALSE(of(Ipv4Address(2)).is_known());
    EXPECT_TRUE(of(Ipv4Address(3)).is_known());
    EXPECT_EQ(learned_->past(), 1U);
    EXPECT_EQ(learned_->size(), 3U);
}

// A resolver that gives one address again and again, for a moment each time.
TEST_F(LearnedAddressesTest, ComingAndGoingLeavesNothingBehind) {
    for (std::uint64_t now_s = 1'000; now_s < 40'000; now_s += 10) {
        EXPECT_TRUE(learn(1, 1, 5, now_s));
        EXPECT_EQ(of(Ipv4Address(1)).now(), 1U);
        learned_->expire(now_s + 5);
        EXPECT_EQ(of(Ipv4Address(1)), LearnedSets::past(1));
    }
    EXPECT_EQ(learned_->size(), 1U);
    EXPECT_EQ(learned_->past(), 1U);
    learned_->expire(40'000 + LearnedAddresses::kPastSeconds);
    EXPECT_EQ(learned_->size(), 0U);
}

}  // namespace
}  // namespace causeway
