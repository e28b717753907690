// SPDX-License-Identifier: Apache-2.0
//
// A reader looks up all along while the writer changes: each answer is the one from before or from
// after the change that it overlaps. The VRF grows large and empties again on the way.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <optional>
#include <thread>
#include <vector>

#include "tests/fib/fib6_fixture.h"

namespace causeway {
namespace {

constexpr VrfId kVrf{0};
constexpr std::size_t kProbes = 64;
constexpr std::size_t kChanges = 20'000;
constexpr std::size_t kChangesAtOnce = 50;  // that the reader may miss

using Answers = std::array<GroupId, kProbes>;

struct Change {
    Ipv6Prefix prefix;
    std::optional<GroupId> group;  // nothing: the prefix is removed
};

// What is changed, and what each probe must answer before the first and after each change.
struct Schedule {
    std::array<RouteKey6, kProbes> probes;
    std::vector<Change> changes;
    std::vector<Answers> states;
};

Schedule make_schedule(test::SeededRandom& random) {
    Neighbourhood6 near(random);
    Schedule schedule;
    for (RouteKey6& probe : schedule.probes) probe = {kVrf, near.any_address()};
    SlowTwin6 twin;
    const auto note = [&] {
        Answers& answers = schedule.states.emplace_back();
        for (std::size_t i = 0; i < kProbes; ++i) {
            answers[i] = twin.lookup(schedule.probes[i].destination);
        }
    };
    note();
    while (schedule.changes.size() < kChanges) {
        // Waves: more and more routes, then fewer and fewer.
        const bool is_growing = schedule.changes.size() % 4'000 < 2'500;
        const Ipv6Prefix any = near.any_prefix();
        Change change{.prefix = any, .group = {}};
        if (random.below(4) < (is_growing ? 3U : 1U)) {
            // On a probe, or beside it.
            const Ipv6Address at = random.below(2) == 0
                                       ? any.address()
                                       : schedule.probes[random.below(kProbes)].destination;
            change.prefix = Ipv6Prefix::of(at, any.length());
            change.group = GroupId(static_cast<std::uint16_t>(1 + random.below(30'000)));
            twin.set(change.prefix, *change.group);
        } else if (!twin.routes().empty()) {
            change.prefix = any_route(twin, any);
            twin.erase(change.prefix);
        } else {
            continue;
        }
        schedule.changes.push_back(change);
        note();
    }
    return schedule;
}

// How far the writer is: an even number 2n between changes n - 1 and n, odd while one is made.
using Progress = std::atomic<std::size_t>;

struct Verdict {
    std::size_t checked = 0;
    std::size_t during_change = 0;
    std::size_t wrong = 0;
};

Verdict read_until_done(const Fib6& fib, Fib6Kernel kernel, TurnGrace& grace,
                        const Schedule& schedule, const Progress& progress) {
    Verdict verdict;
    std::array<GroupId, kProbes> found;
    for (std::size_t before = 0; before < 2 * kChanges;) {
        before = progress.load();
        kernel(fib.tables(), schedule.probes, found);
        const std::size_t after = progress.load();
        grace.quiescent();
        const std::size_t first = before / 2;
        const std::size_t last = (after + 1) / 2;
        if (last - first > 1) continue;  // more than one change: no telling
        ++verdict.checked;
        verdict.during_change += last != first;
        for (std::size_t i = 0; i < kProbes; ++i) {
            verdict.wrong +=
                found[i] != schedule.states[first][i] && found[i] != schedule.states[last][i];
        }
    }
    return verdict;
}

// Until it has looked everything up once more, however little of the machine it gets.
void wait_for_reader(TurnGrace& grace) {
    const std::uint64_t token = grace.begin();
    while (!grace.is_over(token)) std::this_thread::yield();
}

// Returns how many answers were had during a change.
std::size_t change_under_a_reader(Fib6Kernel kernel) {
    TurnGrace grace;
    Bed6 bed(grace, {.vrfs_max = 1,
                     .bytes_max = std::size_t{16} << 20,
                     .large_vrf_bytes = std::size_t{8} << 10});
    test::SeededRandom random;
    const Schedule schedule = make_schedule(random);
    EXPECT_TRUE(bed.fib->open_vrf(kVrf));
    Progress progress{0};
    Verdict verdict;
    std::thread reader(
        [&] { verdict = read_until_done(*bed.fib, kernel, grace, schedule, progress); });
    std::size_t refused = 0;
    std::size_t large = 0;
    std::size_t made = 0;
    for (const Change& change : schedule.changes) {
        progress.fetch_add(1);
        if (change.group) {
            refused += !bed.add(kVrf, change.prefix, *change.group);
        } else {
            bed.remove(kVrf, change.prefix);
        }
        progress.fetch_add(1);
        large += bed.fib->usage().vrfs_large;
        // After the last one the reader may have left.
        if (++made % kChangesAtOnce == 0 && made < kChanges) wait_for_reader(grace);
    }
    reader.join();
    EXPECT_EQ(verdict.wrong, 0U);
    EXPECT_EQ(refused, 0U);
    EXPECT_GT(verdict.checked, 100U);
    EXPECT_GT(large, 0U);
    EXPECT_LT(large, kChanges);
    return verdict.during_change;
}

// On a busy machine reader and writer may hardly ever run at once, and nothing was shown then.
void change_until_seen(Fib6Kernel kernel) {
    std::size_t during_change = 0;
    for (std::size_t tries = 0; tries < 20 && during_change == 0; ++tries) {
        during_change = change_under_a_reader(kernel);
    }
    EXPECT_GT(during_change, 0U);
}

TEST(Fib6Reader, EachAnswerIsFromBeforeOrAfterTheChange) {
    change_until_seen(fib6_lookup_scalar);
}

TEST(Fib6Reader, SoIsTheVectorKernels) {
    if (!__builtin_cpu_supports("avx512f")) GTEST_SKIP() << "the processor has no AVX-512";
    change_until_seen(fib6_lookup_avx512);
}

}  // namespace
}  // namespace causeway
