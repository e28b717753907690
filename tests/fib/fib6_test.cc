// SPDX-License-Identifier: Apache-2.0
#include "fib/fib6.h"

#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "tests/fib/fib6_fixture.h"

namespace causeway {
namespace {

constexpr VrfId kVrf{0};

GroupId group(std::uint64_t number) {
    return GroupId(static_cast<std::uint16_t>(number));
}

// A check of both kernels against the twins, at addresses near some prefix.
class Checker {
  public:
    Checker(const Bed6& bed, test::SeededRandom& random) : bed_(bed), near_(random) {}

    void check(std::size_t vrfs, Ipv6Prefix around, test::SeededRandom& random) {
        const bool is_mixed = random.below(2) == 0;
        const std::uint64_t one = random.below(vrfs);
        for (RouteKey6& key : keys_) {
            const std::uint64_t vrf = is_mixed ? random.below(vrfs) : one;
            key = {VrfId(static_cast<std::uint16_t>(vrf)), near_.near(around)};
        }
        bed_.fib->lookup(keys_, found_);
        fib6_lookup_scalar(bed_.fib->tables(), keys_, scalar_);
        for (std::size_t i = 0; i < keys_.size(); ++i) {
            const GroupId expected = bed_.twins[keys_[i].vrf.value()].lookup(keys_[i].destination);
            ASSERT_EQ(found_[i], expected)
                << to_string(keys_[i].destination) << " in VRF " << keys_[i].vrf.value();
            ASSERT_EQ(scalar_[i], expected) << to_string(keys_[i].destination);
        }
    }

  private:
    const Bed6& bed_;
    Neighbourhood6 near_;
    std::array<RouteKey6, 19> keys_;  // a group of the vector kernel and a rest
    std::array<GroupId, 19> found_;
    std::array<GroupId, 19> scalar_;
};

// Adds, replaces, removes, closes and opens; `large_vrf_bytes` says when VRFs change their layout.
void change_at_random(std::size_t large_vrf_bytes, std::size_t routes_max, std::size_t changes) {
    constexpr std::size_t kVrfs = 3;
    test::SeededRandom random;
    Neighbourhood6 near(random);
    ImmediateGrace grace;
    Bed6 bed(grace, {.vrfs_max = kVrfs,
                     .bytes_max = std::size_t{64} << 20,
                     .large_vrf_bytes = large_vrf_bytes});
    Checker checker(bed, random);
    for (std::uint16_t vrf = 0; vrf < kVrfs; ++vrf) ASSERT_TRUE(bed.fib->open_vrf(VrfId(vrf)));
    std::size_t large_seen = 0;
    for (std::size_t i = 0; i < changes; ++i) {
        const VrfId vrf(static_cast<std::uint16_t>(random.below(kVrfs)));
        SlowTwin6& twin = bed.twins[vrf.value()];
        const Ipv6Prefix prefix = near.any_prefix();
        const bool is_growing = i % (4 * routes_max) < 2 * routes_max;
        if (random.below(20'000) == 0) {
            bed.close(vrf);
            ASSERT_TRUE(bed.fib->open_vrf(vrf));
        } else if (!twin.routes().empty() && (twin.routes().size() > routes_max ||
                                              random.below(8) < (is_growing ? 3U : 5U))) {
            bed.drop(vrf, any_route(twin, prefix));
            if (random.below(4) != 0) bed.collapse();
        } else {
            ASSERT_TRUE(bed.add(vrf, prefix, group(1 + random.below(30'000))));
        }
        large_seen += bed.fib->usage().vrfs_large;
        ASSERT_NO_FATAL_FAILURE(checker.check(kVrfs, prefix, random)) << "after change " << i;
    }
    EXPECT_EQ(large_seen != 0, large_vrf_bytes < std::size_t{1} << 20);
    for (std::uint16_t vrf = 0; vrf < kVrfs; ++vrf) {
        while (!bed.twins[vrf].routes().empty()) {
            const Ipv6Prefix prefix = any_route(bed.twins[vrf], near.any_prefix());
            bed.remove(VrfId(vrf), prefix);
            ASSERT_NO_FATAL_FAILURE(checker.check(kVrfs, prefix, random));
        }
    }
    EXPECT_EQ(bed.fib->usage().node_bytes, 0U);
    EXPECT_EQ(bed.fib->usage().vrfs_large, 0U);
}

TEST(Fib6, SmallVrfsAnswerLikeTheSlowTwin) {
    change_at_random(std::size_t{1} << 30, 200, test::rounds(200'000));
}

// As few as have lists, and a few more.
TEST(Fib6, VrfsOfFewRoutesAnswerLikeTheSlowTwin) {
    change_at_random(std::size_t{1} << 30, 30, test::rounds(100'000));
}

TEST(Fib6, VrfsThatGrowLargeAnswerLikeTheSlowTwin) {
    change_at_random(std::size_t{8} << 10, 300, test::rounds(100'000));
}

TEST(Fib6, AVrfOfFewPrefixesHasAList) {
    ImmediateGrace grace;
    Bed6 bed(grace, {.vrfs_max = 1, .bytes_max = std::size_t{1} << 20});
    ASSERT_TRUE(bed.fib->open_vrf(kVrf));
    const auto has_list = [&] { return bed.fib->tables().lists[kVrf.value()] != nullptr; };
    const auto nth = [](std::size_t n) {
        return Ipv6Prefix::of(Ipv6Address(0x2001'0db8ULL << 32 | n << 17, 0), 48);
    };
    EXPECT_FALSE(has_list());
    for (std::size_t n = 0; n < IntervalLists::kPrefixesMax; ++n) {
        ASSERT_TRUE(bed.add(kVrf, nth(n), group(1 + n)));
        ASSERT_TRUE(has_list()) << n;
    }
    ASSERT_TRUE(bed.add(kVrf, nth(100), group(100)));
    EXPECT_FALSE(has_list());
    bed.remove(kVrf, nth(3));
    EXPECT_TRUE(has_list());
    bed.close(kVrf);
    EXPECT_FALSE(has_list());
}

TEST(Fib6, AnUnknownVrfAndAClosedOneHaveNoRoutes) {
    ImmediateGrace grace;
    Bed6 bed(grace, {.vrfs_max = 2, .bytes_max = std::size_t{1} << 20});
    EXPECT_EQ(bed.fib->open_vrf(VrfId(2)).error().code, ErrorCode::kInvalid);
    ASSERT_TRUE(bed.fib->open_vrf(VrfId(1)));
    EXPECT_EQ(bed.fib->open_vrf(VrfId(1)).error().code, ErrorCode::kExists);
    ASSERT_TRUE(bed.add(VrfId(1), prefix6("2001:db8::/32"), group(7)));
    ASSERT_TRUE(bed.add(VrfId(1), prefix6("::/0"), group(8)));
    EXPECT_EQ(bed.lookup(VrfId(1), address6("2001:db8::1")), group(7));
    EXPECT_EQ(bed.lookup(VrfId(1), address6("2001:db9::1")), group(8));
    EXPECT_EQ(bed.lookup(VrfId(0), address6("2001:db8::1")), kNoRouteGroup);
    EXPECT_EQ(bed.lookup(VrfId(65'535), address6("2001:db8::1")), kNoRouteGroup);
    bed.close(VrfId(1));
    EXPECT_EQ(bed.lookup(VrfId(1), address6("2001:db8::1")), kNoRouteGroup);
    EXPECT_EQ(bed.fib->usage().node_bytes, 0U);
}

TEST(Fib6, AFullPoolRefusesAndEverythingStaysAsItWas) {
    test::SeededRandom random;
    Neighbourhood6 near(random);
    ImmediateGrace grace;
    Bed6 bed(grace, {.vrfs_max = 1, .bytes_max = 16 << 10});
    Checker checker(bed, random);
    ASSERT_TRUE(bed.fib->open_vrf(kVrf));
    std::size_t refused = 0;
    for (std::size_t i = 0; i < test::rounds(20'000); ++i) {
        const Ipv6Prefix prefix = near.any_prefix();
        const std::size_t bytes = bed.fib->usage().node_bytes;
        if (const Status status = bed.add(kVrf, prefix, group(1 + i % 1'000)); !status) {
            ++refused;
            ASSERT_EQ(status.error().code, ErrorCode::kFull);
            ASSERT_EQ(bed.fib->usage().node_bytes, bytes);
            bed.remove(kVrf, any_route(bed.twins[0], near.any_prefix()));
        }
        ASSERT_NO_FATAL_FAILURE(checker.check(1, prefix, random)) << "after change " << i;
    }
    EXPECT_GT(refused, 100U);
    bed.close(kVrf);
    EXPECT_EQ(bed.fib->usage().node_bytes, 0U);
}

TEST(Fib6, NodesAreReusedOnlyAfterTheirGracePeriod) {
    ManualGrace grace;
    Bed6 bed(grace, {.vrfs_max = 1, .bytes_max = 2 << 10});  // 16 nodes, and what line 0 costs
    ASSERT_TRUE(bed.fib->open_vrf(kVrf));
    const Ipv6Prefix route = prefix6("2001:db8::/48");
    std::size_t rounds = 0;
    while (bed.add(kVrf, route, group(1))) {
        bed.remove(kVrf, route);
        ASSERT_LT(++rounds, 16U);
    }
    EXPECT_GT(bed.fib->usage().nodes_retired, 0U);
    EXPECT_EQ(bed.lookup(kVrf, route.address()), kNoRouteGroup);
    grace.pass();
    EXPECT_TRUE(bed.add(kVrf, route, group(1)));
    EXPECT_EQ(bed.fib->usage().nodes_retired, 0U);
    EXPECT_EQ(bed.lookup(kVrf, route.address()), group(1));
}

// Links of /126 in a /64 each, sites of /48 and networks of /64 in unique local space (RFC 4193).
TEST(Fib6, APrivateVrfOfAHundredRoutesTakesLittle) {
    test::SeededRandom random;
    ImmediateGrace grace;
    Bed6 bed(grace, {.vrfs_max = 1});
    ASSERT_TRUE(bed.fib->open_vrf(kVrf));
    constexpr std::array kLengths{48, 64, 64, 126};
    while (bed.twins[0].routes().size() < 100) {
        const std::uint64_t high = std::uint64_t{0xfd12'3456} << 32 | random() >> 32;
        ASSERT_TRUE(bed.add(kVrf,
                            Ipv6Prefix::of(Ipv6Address(high, random.below(4)),
                                           kLengths[random.below(kLengths.size())]),
                            group(1 + random.below(100))));
    }
    EXPECT_LT(bed.fib->usage().node_bytes, std::size_t{32} << 10);
}

TEST(Fib6, AVrfWithoutRoomToGrowLargeGoesOnSmall) {
    ImmediateGrace grace;
    Bed6 bed(grace, {.vrfs_max = 1, .bytes_max = 128 << 10, .large_vrf_bytes = 4 << 10});
    ASSERT_TRUE(bed.fib->open_vrf(kVrf));
    for (std::uint64_t i = 0; i < 200; ++i) {
        const Ipv6Prefix route = Ipv6Prefix::of(Ipv6Address(i << 56 | i << 16, 0), 64);
        ASSERT_TRUE(bed.add(kVrf, route, group(1 + i)));
        EXPECT_EQ(bed.lookup(kVrf, route.last()), group(1 + i));
    }
    EXPECT_GT(bed.fib->usage().node_bytes, std::size_t{4} << 10);
    EXPECT_EQ(bed.fib->usage().vrfs_large, 0U);
}

}  // namespace
}  // namespace causeway
