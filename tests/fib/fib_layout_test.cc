// SPDX-License-Identifier: Apache-2.0
//
// Where a VRF's entries lie: small VRFs in chunks, large ones flat. Nobody may notice.
#include <unistd.h>

#include <array>
#include <atomic>
#include <fstream>
#include <thread>

#include "tests/fib/fib_fixture.h"
#include "tests/support/seed.h"

namespace causeway {
namespace {

constexpr std::size_t kChunkBytes = kFibChunkEntries * sizeof(FibEntry);
constexpr std::size_t kFlatBytes = kFibLevel1Entries * sizeof(FibEntry);

std::size_t resident_bytes() {
    std::size_t pages = 0;
    std::size_t resident_pages = 0;
    std::ifstream("/proc/self/statm") >> pages >> resident_pages;
    return resident_pages * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

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

// VRFs come, some of them grow large, and go, while a reader asks all of them. A VRF's routes all
// lead to one group that none of its neighbours has, so any other answer comes from memory that was
// reused too early.
class VrfChurn {
  public:
    static constexpr std::uint16_t kVrfs = 64;
    static constexpr std::uint16_t kStays = kVrfs;  // the VRF that nobody touches
    static constexpr std::uint32_t kChunks = 8;

    VrfChurn() {
        create(kStays, kChunks);
        reader_ = std::thread([this] { read(); });
    }
    ~VrfChurn() {
        is_done_ = true;
        reader_.join();
    }
    // Makes this many VRFs, each after the one it replaces is gone.
    void make(std::size_t count) {
        for (std::size_t i = 0; i < count; ++i, ++made_) {
            if (made_ % 64 == 0) wait_for_reader();
            const auto vrf = static_cast<std::uint16_t>(made_ % kVrfs);
            if (tables_.rib.has_vrf(VrfId(vrf))) {
                ASSERT_TRUE(tables_.rib.destroy_vrf(VrfId(vrf)));
            }
            create(vrf, made_ % 61 == 0 ? kChunks + 1 : kChunks);  // more than kChunks: flat
        }
    }
    void destroy_all() {
        for (std::uint16_t vrf = 0; vrf <= kVrfs; ++vrf) {
            ASSERT_TRUE(tables_.rib.destroy_vrf(VrfId(vrf)));
        }
    }
    [[nodiscard]] Fib4::Usage usage() const { return tables_.fib->usage(); }
    [[nodiscard]] std::size_t wrong() const { return wrong_; }
    [[nodiscard]] std::size_t checked() const { return checked_; }

  private:
    void create(std::uint16_t vrf, std::uint32_t chunks) {
        ASSERT_TRUE(tables_.rib.create_vrf(VrfId(vrf)));
        for (std::uint32_t chunk = 0; chunk < chunks; ++chunk) {
            ASSERT_TRUE(
                tables_.rib.add(VrfId(vrf), in_chunk(chunk), RouteSource::kBgp, groups_[vrf]));
        }
        const Ipv4Prefix host = Ipv4Prefix::of(in_chunk(chunks - 1).address(), 32);
        ASSERT_TRUE(tables_.rib.add(VrfId(vrf), host, RouteSource::kBgp, groups_[vrf]));
    }
    // Until it has passed a quiescent point, however little of the machine it gets.
    void wait_for_reader() const {
        const std::size_t before = checked_;
        while (checked_ < before + 2 * kBurstSizeMax) std::this_thread::yield();
    }
    void read() {
        std::mt19937_64 random(test::seed_of_this_run());
        std::array<RouteKey, kBurstSizeMax> keys;
        std::array<GroupId, kBurstSizeMax> found;
        while (!is_done_) {
            // Of one VRF and of many: both kernels' ways.
            const bool is_mixed = random() % 2 == 0;
            const std::size_t first = random();
            for (RouteKey& key : keys) {
                const std::size_t vrf = (is_mixed ? random() : first) % (kVrfs + 1);
                key = {VrfId(static_cast<std::uint16_t>(vrf)),
                       in_chunk(static_cast<std::uint32_t>(random() % kChunks)).address()};
            }
            tables_.fib->lookup(keys, found);
            grace_.quiescent();
            for (std::size_t i = 0; i < keys.size(); ++i) {
                const std::uint16_t vrf = keys[i].vrf.value();
                const bool may_be_absent = vrf != kStays;
                wrong_ += found[i] != groups_[vrf] && !(may_be_absent && found[i] == kNoRouteGroup);
            }
            checked_ += keys.size();
        }
    }

    TurnGrace grace_;
    Tables tables_{grace_, {.vrfs_max = kVrfs + 1, .blocks_max = 500, .large_vrf_chunks = kChunks}};
    std::vector<GroupId> groups_ = tables_.make_groups(kVrfs + 1);
    std::size_t made_ = 0;
    std::atomic<bool> is_done_{false};
    std::atomic<std::size_t> wrong_{0};
    std::atomic<std::size_t> checked_{0};
    std::thread reader_;
};

TEST(FibLayout, FourThousandVrfsComeAndGoUnderAReaderWithoutALeak) {
    test::SeededRandom says_the_seed;
    VrfChurn churn;
    churn.make(1'000);
    const std::size_t resident = resident_bytes();
    churn.make(3'000);
    EXPECT_LT(resident_bytes(), resident + 2 * kFlatBytes) << "as many VRFs as before";
    EXPECT_GT(churn.checked(), 10'000U);
    EXPECT_EQ(churn.wrong(), 0U);
    churn.destroy_all();
    EXPECT_EQ(churn.usage().vrfs, 0U);
    EXPECT_EQ(churn.usage().vrfs_large, 0U);
    EXPECT_EQ(churn.usage().blocks, 0U);
    EXPECT_EQ(churn.usage().level1_bytes, 0U);
}

}  // namespace
}  // namespace causeway
