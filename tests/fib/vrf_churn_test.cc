// SPDX-License-Identifier: Apache-2.0
//
// VRFs come, some of them grow large, and go, while a reader asks all of them. Nothing may leak,
// nothing may hold the reader up, and no answer may be another VRF's.
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <ctime>
#include <fstream>
#include <thread>

#include "tests/fib/fib6_fixture.h"
#include "tests/fib/fib_fixture.h"
#include "tests/support/seed.h"

// AddressSanitizer holds back what is freed, by default more than would be taken for a leak here.
extern "C" const char* __asan_default_options() {
    return "quarantine_size_mb=4";
}

namespace causeway {
namespace {

constexpr std::uint16_t kVrfs = 64;      // at a time
constexpr std::uint16_t kStays = kVrfs;  // the VRF that nobody touches

// What differs between the families: the routes that all VRFs have, how many make a VRF large, and
// what is left when all are gone. There are fewer blocks and IPv6 nodes than 4,000 VRFs take, so
// that one leaked by each would be refused to a later one.
struct Family4 {
    using Fib = Fib4;
    static constexpr auto kScalar = fib4_lookup_scalar;
    static constexpr std::uint32_t kRoutes = 8;
    static constexpr std::uint32_t kRoutesOfLarge = 9;
    static constexpr Fib4::Options kOptions{
        .vrfs_max = kVrfs + 1, .blocks_max = 500, .large_vrf_chunks = kRoutes};

    // One in each /13 of 32/3.
    static Ipv4Prefix route(std::uint32_t index) {
        return Ipv4Prefix::of(Ipv4Address(0x20000000U + (index << 19)), 24);
    }
    static bool is_empty(const Fib4::Usage& usage) {
        return usage.vrfs == 0 && usage.vrfs_large == 0 && usage.blocks == 0 &&
               usage.level1_bytes == 0;
    }
};

struct Family6 {
    using Fib = Fib6;
    static constexpr auto kScalar = fib6_lookup_scalar;
    static constexpr std::uint32_t kRoutes = 8;
    static constexpr std::uint32_t kRoutesOfLarge = 100;
    static constexpr Fib6::Options kOptions{.vrfs_max = kVrfs + 1,
                                            .bytes_max = std::size_t{4} << 20,
                                            .large_vrf_bytes = std::size_t{4} << 10};

    // Apart from each other from bit 32 on.
    static Ipv6Prefix route(std::uint32_t index) {
        return Ipv6Prefix::of(
            Ipv6Address(std::uint64_t{0x2001'0db8} << 32 | (index * 0x1357 % 0x1'0000) << 16, 0),
            48);
    }
    static bool is_empty(const Fib6::Usage& usage) {
        return usage.vrfs == 0 && usage.vrfs_large == 0 && usage.node_bytes == 0;
    }
};

std::size_t resident_bytes() {
    std::size_t pages = 0;
    std::size_t resident_pages = 0;
    std::ifstream("/proc/self/statm") >> pages >> resident_pages;
    return resident_pages * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

// How long this thread has been running, in ns: time in which others had the core is not in it.
std::uint64_t thread_ns() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
           static_cast<std::uint64_t>(now.tv_nsec);
}

// How often this thread has waited for something, be it for a lock in the kernel.
std::size_t times_waited() {
    rusage usage{};
    getrusage(RUSAGE_THREAD, &usage);
    return static_cast<std::size_t>(usage.ru_nvcsw);
}

struct Findings {
    std::size_t wrong = 0;
    std::size_t bursts = 0;
    std::size_t waited = 0;
    std::uint64_t longest_ns = 0;  // burst, of the thread's own time
};

// A VRF's routes all lead to one group that no other VRF has, so any other answer comes from memory
// that was reused too early.
template <class Family>
class VrfChurn {
  public:
    using Fib = typename Family::Fib;

    VrfChurn() {
        create(kStays, Family::kRoutes);
        reader_ = std::thread([this] { read(); });
    }
    ~VrfChurn() {
        if (reader_.joinable()) (void)finish();
    }
    // Makes this many VRFs, each after the one it replaces is gone.
    void make(std::size_t count) {
        for (std::size_t i = 0; i < count; ++i, ++made_) {
            if (made_ % 64 == 0) wait_for_reader();
            const auto vrf = static_cast<std::uint16_t>(made_ % kVrfs);
            if (tables_.rib.has_vrf(VrfId(vrf))) {
                ASSERT_TRUE(tables_.rib.destroy_vrf(VrfId(vrf)));
            }
            create(vrf, made_ % 61 == 0 ? Family::kRoutesOfLarge : Family::kRoutes);
            large_ = std::max(large_, tables_.fib->usage().vrfs_large);
        }
    }
    [[nodiscard]] Findings finish() {
        is_done_ = true;
        reader_.join();
        return findings_;
    }
    void destroy_all() {
        for (std::uint16_t vrf = 0; vrf <= kVrfs; ++vrf) {
            ASSERT_TRUE(tables_.rib.destroy_vrf(VrfId(vrf)));
        }
    }
    [[nodiscard]] typename Fib::Usage usage() const { return tables_.fib->usage(); }
    [[nodiscard]] std::size_t large() const { return large_; }  // at once, at most

  private:
    using Key = typename Fib::Key;

    void create(std::uint16_t vrf, std::uint32_t routes) {
        ASSERT_TRUE(tables_.rib.create_vrf(VrfId(vrf)));
        const auto add = [&](auto prefix) {
            ASSERT_TRUE(tables_.rib.add(VrfId(vrf), prefix, RouteSource::kBgp, groups_[vrf]));
        };
        for (std::uint32_t index = 0; index < routes; ++index) add(Family::route(index));
        const auto last = Family::route(routes - 1).address();
        add(Fib::Prefix::of(last, Fib::Prefix::kLengthMax));
    }
    // Until it has passed a quiescent point, however little of the machine it gets.
    void wait_for_reader() {
        const std::uint64_t token = grace_.begin() + 1;
        while (!grace_.is_over(token)) std::this_thread::yield();
    }
    void read() {
        std::mt19937_64 random(test::seed_of_this_run());
        std::array<Key, kBurstSizeMax> keys;
        std::array<GroupId, kBurstSizeMax> found;
        const std::size_t waited_before = times_waited();
        while (!is_done_) {
            // Of one VRF and of many: both kernels' ways.
            const bool is_mixed = random() % 2 == 0;
            const std::size_t first = random();
            for (Key& key : keys) {
                const std::size_t vrf = (is_mixed ? random() : first) % (kVrfs + 1);
                key = {VrfId(static_cast<std::uint16_t>(vrf)),
                       Family::route(static_cast<std::uint32_t>(random() % Family::kRoutes))
                           .address()};
            }
            const bool is_scalar = random() % 2 == 0;
            const std::uint64_t begun = thread_ns();
            if (is_scalar) {
                Family::kScalar(tables_.fib->tables(), keys, found);
            } else {
                tables_.fib->lookup(keys, found);
            }
            findings_.longest_ns = std::max(findings_.longest_ns, thread_ns() - begun);
            grace_.quiescent();
            for (std::size_t i = 0; i < keys.size(); ++i) {
                const std::uint16_t vrf = keys[i].vrf.value();
                const bool may_be_absent = vrf != kStays;
                findings_.wrong +=
                    found[i] != groups_[vrf] && !(may_be_absent && found[i] == kNoRouteGroup);
            }
            ++findings_.bursts;
        }
        findings_.waited = times_waited() - waited_before;
    }

    TurnGrace grace_;
    TablesOf<Fib> tables_{grace_, Family::kOptions};
    std::vector<GroupId> groups_ = tables_.make_groups(kVrfs + 1);
    std::size_t made_ = 0;
    std::size_t large_ = 0;
    Findings findings_;  // the reader's, until it is joined
    std::atomic<bool> is_done_{false};
    std::thread reader_;
};

template <class Family>
class VrfChurnTest : public ::testing::Test {};
using Families = ::testing::Types<Family4, Family6>;
TYPED_TEST_SUITE(VrfChurnTest, Families);

TYPED_TEST(VrfChurnTest, FourThousandVrfsComeAndGoWithoutLeakOrStall) {
    constexpr std::size_t kLeakMax = std::size_t{16} << 20;  // 3,000 small VRFs take 96 MiB of IPv4
    constexpr std::uint64_t kStallMaxNs = 50'000'000;
    test::SeededRandom says_the_seed;
    VrfChurn<TypeParam> churn;
    churn.make(1'000);
    const std::size_t resident = resident_bytes();
    churn.make(3'000);
    EXPECT_LT(resident_bytes(), resident + kLeakMax) << "as many VRFs as before";
    const Findings found = churn.finish();
    EXPECT_EQ(found.wrong, 0U);
    EXPECT_GT(found.bursts, 2 * 4'000U / 64);
    // None of its own; but a sanitizer that watches it has locks.
    EXPECT_LE(found.waited * 100, found.bursts);
    EXPECT_LT(found.longest_ns, kStallMaxNs);
    ::testing::Test::RecordProperty("bursts", std::to_string(found.bursts));
    ::testing::Test::RecordProperty("waited", std::to_string(found.waited));
    ::testing::Test::RecordProperty("longest_ns", std::to_string(found.longest_ns));
    EXPECT_GT(churn.large(), 0U);
    churn.destroy_all();
    EXPECT_TRUE(TypeParam::is_empty(churn.usage()));
}

}  // namespace
}  // namespace causeway
