// SPDX-License-Identifier: Apache-2.0
#include "base/types.h"

#include <gtest/gtest.h>

#include <concepts>
#include <type_traits>
#include <unordered_set>

namespace causeway {
namespace {

constexpr Ipv4Address kTen{0x0a000000};

// Ids cost nothing and convert to nothing; tests/compile_fail holds the other half.
static_assert(sizeof(PortId) == 1 && sizeof(VrfId) == 2 && sizeof(NextHopId) == 4);
static_assert(std::is_trivially_copyable_v<VrfId>);
static_assert(!std::convertible_to<std::uint16_t, VrfId>);
static_assert(!std::constructible_from<VrfId, GroupId>);
static_assert(!std::equality_comparable_with<PortId, WorkerId>);
static_assert(!std::constructible_from<VlanId, int>);
static_assert(!std::default_initializable<VlanId>, "there is no VLAN that means none");

TEST(VlanId, HoldsOneTo4094) {
    EXPECT_FALSE(VlanId::from(-1));
    EXPECT_FALSE(VlanId::from(0));
    EXPECT_EQ(VlanId::from(1)->value(), 1);
    EXPECT_EQ(VlanId::from(4094)->value(), 4094);
    EXPECT_FALSE(VlanId::from(4095));
    EXPECT_FALSE(VlanId::from(65'536 + 10)) << "no wrapping around";
}

TEST(Ipv4Prefix, RefusesHostBitsAndWrongLengths) {
    EXPECT_TRUE(Ipv4Prefix::from(kTen, 8));
    EXPECT_FALSE(Ipv4Prefix::from(kTen, 4)) << "10.0.0.0 has a bit behind /4";
    EXPECT_FALSE(Ipv4Prefix::from(Ipv4Address(0x0a000001), 31));
    EXPECT_FALSE(Ipv4Prefix::from(kTen, -1));
    EXPECT_FALSE(Ipv4Prefix::from(kTen, 33));
    EXPECT_TRUE(Ipv4Prefix::from(Ipv4Address(0), 0));
    EXPECT_FALSE(Ipv4Prefix::from(Ipv4Address(1), 0));
    EXPECT_TRUE(Ipv4Prefix::from(Ipv4Address(0xffffffff), 32));
}

TEST(Ipv4Prefix, OfCutsTheHostBits) {
    const Ipv4Prefix prefix = Ipv4Prefix::of(Ipv4Address(0x0a0102ff), 24);
    EXPECT_EQ(prefix.address(), Ipv4Address(0x0a010200));
    EXPECT_EQ(prefix.first(), Ipv4Address(0x0a010200));
    EXPECT_EQ(prefix.last(), Ipv4Address(0x0a0102ff));
}

TEST(Ipv4Prefix, TheDefaultCoversAll) {
    const Ipv4Prefix all;
    EXPECT_EQ(all.mask(), 0U);
    EXPECT_EQ(all.last(), Ipv4Address(0xffffffff));
    EXPECT_TRUE(all.contains(kTen));
    EXPECT_TRUE(all.contains(Ipv4Prefix::of(kTen, 8)));
    EXPECT_FALSE(Ipv4Prefix::of(kTen, 8).contains(all));
    EXPECT_TRUE(Ipv4Prefix::of(kTen, 8).overlaps(all));
}

TEST(Ipv4Prefix, NeighboursDoNotOverlap) {
    const Ipv4Prefix low = Ipv4Prefix::of(Ipv4Address(0xc0000200), 30);
    const Ipv4Prefix high = Ipv4Prefix::of(Ipv4Address(0xc0000204), 30);
    EXPECT_FALSE(low.overlaps(high));
    EXPECT_FALSE(low.contains(high.first()));
    EXPECT_TRUE(low.contains(low.last()));
}

TEST(Ipv4Prefix, StandsBeforeAllItCovers) {
    const Ipv4Prefix wide = Ipv4Prefix::of(kTen, 8);
    EXPECT_LT(wide, Ipv4Prefix::of(kTen, 9));
    EXPECT_LT(wide, Ipv4Prefix::of(Ipv4Address(0x0a010000), 16));
    EXPECT_LT(Ipv4Prefix::of(Ipv4Address(0x09ffff00), 24), wide);
}

TEST(Hash, TellsIdsAndAddressesApart) {
    EXPECT_EQ((std::unordered_set<VrfId>{VrfId(1), VrfId(2), VrfId(1)}).size(), 2U);
    EXPECT_EQ((std::unordered_set<Ipv4Address>{kTen, Ipv4Address(1)}).size(), 2U);
}

}  // namespace
}  // namespace causeway
