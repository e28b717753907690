// SPDX-License-Identifier: Apache-2.0
//
// Where a VRF's entries lie: small VRFs in chunks, large ones flat. Nobody may notice.
#include "tests/fib/fib_fixture.h"

namespace causeway {
namespace {

constexpr std::size_t kChunkBytes = kFibChunkEntries * sizeof(FibEntry);
constexpr std::size_t kFlatBytes = kFibLevel1Entries * sizeof(FibEntry);

// One route in each of the first /13s of 32/3.
Ipv4Prefix in_chunk(std::uint32_t chunk) {
    return Ipv4Prefix::of(Ipv4Address(0x20000000U + (chunk << 19)), 24);
}

TEST(FibLayout, AVrfMovesToAFlatTableWhenItOutgrowsItsChunksAndAnswersAlike) {
    ManualGrace grace;
    Tables tables(grace, {.vrfs_max = 2, .blocks_max = 4, .large_vrf_chunks = 3});
    const std::vector<GroupId> groups = tables.make_groups(5);
    ASSERT_TRUE(tables.rib.create_vrf(VrfId(1)));
    const auto add = [&](std::uint32_t chunk) {
        ASSERT_TRUE(tables.rib.add(VrfId(1), in_chunk(chunk), RouteSource::kStatic, groups[chunk]));
    };
    for (std::uint32_t chunk = 0; chunk < 3; ++chunk) add(chunk);
    EXPECT_EQ(tables.fib->usage().level1_bytes, 3 * kChunkBytes);
    EXPECT_EQ(tables.fib->usage().vrfs_large, 0U);
    add(3);
    EXPECT_EQ(tables.fib->usage().level1_bytes, kFlatBytes);
    EXPECT_EQ(tables.fib->usage().vrfs_large, 1U);
    for (std::uint32_t chunk = 0; chunk < 4; ++chunk) {
        EXPECT_EQ(tables.lookup(VrfId(1), in_chunk(chunk).address()), groups[chunk]);
        EXPECT_EQ(tables.lookup(VrfId(1), in_chunk(chunk + 1).address()),
                  chunk == 3 ? kNoRouteGroup : groups[chunk + 1]);
        EXPECT_EQ(tables.lookup(VrfId(0), in_chunk(chunk).address()), kNoRouteGroup);
    }
    ASSERT_TRUE(tables.rib.destroy_vrf(VrfId(1)));
    EXPECT_EQ(tables.fib->usage().level1_bytes, 0U);
    EXPECT_EQ(tables.lookup(VrfId(1), in_chunk(0).address()), kNoRouteGroup);
}

TEST(FibLayout, AVrfThatMayNotHaveAFlatTableGoesOnInChunks) {
    ImmediateGrace grace;
    Tables tables(grace, {.vrfs_max = 1,
                          .blocks_max = 4,
                          .level1_bytes_max = 5 * kChunkBytes,
                          .large_vrf_chunks = 2});
    const GroupId group = tables.make_groups(1)[0];
    ASSERT_TRUE(tables.rib.create_vrf(VrfId(0)));
    for (std::uint32_t chunk = 0; chunk < 5; ++chunk) {
        ASSERT_TRUE(tables.rib.add(VrfId(0), in_chunk(chunk), RouteSource::kStatic, group));
    }
    EXPECT_EQ(tables.fib->usage().vrfs_large, 0U);
    EXPECT_EQ(tables.rib.add(VrfId(0), in_chunk(5), RouteSource::kStatic, group).error().code,
              ErrorCode::kFull);
    EXPECT_EQ(tables.lookup(VrfId(0), in_chunk(4).address()), group);
    EXPECT_EQ(tables.lookup(VrfId(0), in_chunk(5).address()), kNoRouteGroup);
}

}  // namespace
}  // namespace causeway
