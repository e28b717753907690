// SPDX-License-Identifier: Apache-2.0
//
// A reader looks up all along while the writer changes: each answer is the one from before or from
// after the change that it overlaps.
//
// scripts/test runs this program under ThreadSanitizer, too. That sees the scalar kernels' loads,
// each with its order; those of the vector kernels it does not, and only their answers count.
#include <array>
#include <atomic>
#include <thread>

#include "tests/fib/fib_fixture.h"
#include "tests/fib/slow_twin.h"
#include "tests/support/seed.h"

namespace causeway {
namespace {

constexpr VrfId kVrf{0};
constexpr std::size_t kProbes = 64;
constexpr std::size_t kChanges = 30'000;
constexpr std::size_t kChangesAtOnce = 50;  // that the reader may miss

using Answers = std::array<GroupId, kProbes>;

// What is changed, and what each probe must answer before the first and after each change.
struct Schedule {
    std::array<RouteKey, kProbes> probes;
    std::vector<Rib4::Change> changes;
    std::vector<Answers> states;
};

Schedule make_schedule(std::span<const GroupId> groups, test::SeededRandom& random) {
    using enum RouteChangeAction;
    const auto below = [&](std::uint32_t bound) {
        return static_cast<std::uint32_t>(random.below(bound));
    };
    Schedule schedule;
    for (RouteKey& probe : schedule.probes) {
        probe = {kVrf, Ipv4Address(0x0a000000 | below(2) << 16 | below(4) << 8 | below(4) << 6)};
    }
    SlowTwin<Rib4> twin;
    const auto note = [&] {
        Answers& answers = schedule.states.emplace_back();
        for (std::size_t i = 0; i < kProbes; ++i) {
            answers[i] = twin.lookup(schedule.probes[i].destination);
        }
    };
    note();
    while (schedule.changes.size() < kChanges) {
        constexpr std::array kLengths{0, 10, 14, 16, 20, 22, 23, 24, 24, 25, 26, 27, 30, 32};
        const Ipv4Prefix prefix =
            Ipv4Prefix::of(schedule.probes[below(kProbes)].destination,
                           kLengths[below(static_cast<std::uint32_t>(kLengths.size()))]);
        const Rib4::Change change{
            .action = below(2) == 0 ? kAdd : kRemove,
            .source = static_cast<RouteSource>(below(2)),
            .vrf = kVrf,
            .prefix = prefix,
            .group = groups[below(static_cast<std::uint32_t>(groups.size()))]};
        if (change.action == kAdd) {
            twin.add(prefix, change.source, change.group);
        } else if (!twin.remove(prefix, change.source)) {
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

Verdict read_until_done(const Fib4& fib, FibKernel kernel, TurnGrace& grace,
                        const Schedule& schedule, const std::vector<GroupId>& best_of,
                        const Progress& progress) {
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
            const GroupId best = best_of[found[i].value()];
            verdict.wrong += best != schedule.states[first][i] && best != schedule.states[last][i];
        }
    }
    return verdict;
}

// Until it has looked everything up once more, however little of the machine it gets.
void wait_for_reader(TurnGrace& grace) {
    const std::uint64_t token = grace.begin();
    while (!grace.is_over(token)) std::this_thread::yield();
}

// A prefix with two routes has a fallback group of both; this is its first, by group.
std::vector<GroupId> best_of_all(NextHops& next_hops, std::span<const GroupId> groups) {
    std::vector<GroupId> best_of(kGroupsMax);
    for (const GroupId first : groups) {
        best_of[first.value()] = first;
        for (const GroupId second : groups) {
            const GroupId both = next_hops.acquire_fallback(std::array{first, second}).value();
            best_of[both.value()] = first;
        }
    }
    return best_of;
}

// Returns how many answers were had during a change.
std::size_t change_under_a_reader(FibKernel kernel) {
    TurnGrace grace;
    Tables tables(grace, {.vrfs_max = 1, .blocks_max = 1'000});
    const std::vector<GroupId> groups = tables.make_groups(40);
    const std::vector<GroupId> best_of = best_of_all(*tables.next_hops, groups);
    test::SeededRandom random;
    const Schedule schedule = make_schedule(groups, random);
    EXPECT_TRUE(tables.rib.create_vrf(kVrf));
    Progress progress{0};
    Verdict verdict;
    std::thread reader([&] {
        verdict = read_until_done(*tables.fib, kernel, grace, schedule, best_of, progress);
    });
    std::size_t refused = 0;
    std::size_t made = 0;
    for (const Rib4::Change& change : schedule.changes) {
        progress.fetch_add(1);
        refused += tables.rib.apply({&change, 1}).has_value();
        progress.fetch_add(1);
        // After the last one the reader may have left.
        if (++made % kChangesAtOnce == 0 && made < kChanges) wait_for_reader(grace);
    }
    reader.join();
    EXPECT_EQ(verdict.wrong, 0U);
    EXPECT_EQ(refused, 0U);
    EXPECT_GT(verdict.checked, 100U);
    return verdict.during_change;
}

// On a busy machine reader and writer may hardly ever run at once, and nothing was shown then.
void change_until_seen(FibKernel kernel) {
    std::size_t during_change = 0;
    for (std::size_t tries = 0; tries < 20 && during_change == 0; ++tries) {
        during_change = change_under_a_reader(kernel);
    }
    EXPECT_GT(during_change, 0U);
}

TEST(FibReader, EachAnswerIsFromBeforeOrAfterTheChange) {
    change_until_seen(fib4_lookup_scalar);
}

TEST(FibReader, SoIsTheVectorKernels) {
    if (!__builtin_cpu_supports("avx512f")) GTEST_SKIP() << "the processor has no AVX-512";
    change_until_seen(fib4_lookup_avx512);
}

}  // namespace
}  // namespace causeway
