// SPDX-License-Identifier: Apache-2.0
//
// What a worker under full load feels of a commit. The real worker over ring devices
// (scene_router.h) on one core; on another, a control thread that builds the whole access list anew
// and publishes it, or compiles all name patterns, again and again. Then as long without.
//
//   swap/rules:1000               a list of so many rules
//   swap/patterns:10000           so many patterns with a "*" inside
//
//   median swap_median            TSC cycles a packet of the passes, each of 4,096 packets
//   longest_us swap_longest_us    the longest turn of the worker, the machine's own pauses included
//   own_us swap_own_us            the longest pass by the thread's own clock, which stands still
//                                 while the kernel gives the core to others
//   waits swap_waits              how often the worker itself has let go of the core: to wait for
//                                 a lock, a page or anything else
//   packets swap_packets          that passed
//   swaps build_ms                how many, and what each took the control thread
//
// A packet that is lost ends the program (ring_lane.h), so a row says that none was.
#include <benchmark/benchmark.h>
#include <rte_cycles.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <ctime>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "acl/names/name_matcher.h"
#include "acl/names/pattern_database.h"
#include "base/check.h"
#include "base/heap.h"
#include "perf/cores.h"
#include "perf/ring_lane.h"
#include "perf/router.h"
#include "perf/samples.h"
#include "perf/scene.h"
#include "perf/scene_router.h"
#include "tests/support/test_bed.h"

namespace causeway::perf {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kSwaps = 5;
constexpr std::size_t kPassesMax = 1U << 16;
constexpr std::chrono::milliseconds kBetween{50};

struct Felt {
    std::vector<double> passes;
    std::uint64_t longest_turn = 0;  // TSC cycles
    std::int64_t longest_own_ns = 0;
    long waits = 0;
};

std::int64_t own_ns() {
    timespec now{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

// Of this thread, since it began.
long waits() {
    rusage usage{};
    ::getrusage(RUSAGE_THREAD, &usage);
    return usage.ru_nvcsw;
}

// Works until it is told to end.
class FullLoad {
  public:
    explicit FullLoad(SceneRouter& router) : thread_([this, &router] { run(router); }) {}

    // What was felt since the last time.
    [[nodiscard]] Felt take() {
        wanted_.store(true);
        wanted_.wait(true);
        return std::move(taken_);
    }
    ~FullLoad() { is_over_.store(true); }
    FullLoad(const FullLoad&) = delete;
    FullLoad& operator=(const FullLoad&) = delete;

  private:
    void run(SceneRouter& router) {
        run_on(std::thread::hardware_concurrency() - 1);
        Worker& worker = router.worker(0);
        const WorkerId id(0);
        router.quiescence().online(id);
        Felt felt;
        felt.passes.reserve(kPassesMax);
        long waits_before = waits();
        while (!is_over_.load()) {
            const std::int64_t own_before = own_ns();
            felt.passes.push_back(router.lane(0).pass([&]() noexcept {
                const std::uint64_t begin = rte_rdtsc();
                (void)worker.turn();
                router.quiescence().report(id);
                felt.longest_turn = std::max(felt.longest_turn, rte_rdtsc() - begin);
            }));
            felt.longest_own_ns = std::max(felt.longest_own_ns, own_ns() - own_before);
            if (!wanted_.load(std::memory_order_acquire)) continue;
            felt.waits = waits() - waits_before;
            taken_ = std::exchange(felt, {});
            felt.passes.reserve(kPassesMax);  // not meanwhile: more memory may be waited for
            waits_before = waits();
            wanted_.store(false);
            wanted_.notify_one();
        }
        router.quiescence().offline(id);
    }

    std::atomic<bool> wanted_{false};
    std::atomic<bool> is_over_{false};
    Felt taken_;  // the asker's, while not wanted_
    std::jthread thread_;
};

void report(benchmark::State& state, const std::string& when, const Felt& felt) {
    const double ticks_per_us = static_cast<double>(rte_get_tsc_hz()) / 1e6;
    state.counters[when + "median"] = spread_of(felt.passes).median;
    state.counters[when + "longest_us"] = static_cast<double>(felt.longest_turn) / ticks_per_us;
    state.counters[when + "own_us"] = static_cast<double>(felt.longest_own_ns) / 1e3;
    state.counters[when + "waits"] = static_cast<double>(felt.waits);
    state.counters[when + "packets"] =
        static_cast<double>(felt.passes.size() * RingLane::kInFlight);
}

// A commit, as far as it is the control thread's work.
using Commit = std::function<void(SceneRouter&)>;

void compile_patterns(std::size_t count) {
    NameSet set{.name = "bench", .members = {}, .exceptions = {}, .payloads = {}};
    for (std::size_t i = 0; i < count; ++i) {
        const std::string text = "autodiscover.*.tenant" + std::to_string(i) + ".example";
        set.members.push_back(std::move(NamePattern::from(text)).value());
    }
    const PatternPlan plan = plan_patterns({&set, 1});
    auto patterns = PatternDatabase::compile(plan.patterns);
    CHECK(patterns.has_value());
    const NameMatcher matcher({&set, 1}, plan, std::move(patterns).value());
}

void run(benchmark::State& state, const Scene& scene, const Commit& commit) {
    if (std::thread::hardware_concurrency() < 2) {
        state.SkipWithError("the worker and the control thread want a core each");
        return;
    }
    run_on(0);
    SceneRouter router(scene, seed());
    for (auto _ : state) {
        FullLoad load(router);
        std::this_thread::sleep_for(kBetween);
        (void)load.take();  // what was cold
        const auto began = Clock::now();
        Clock::duration build{};
        for (int i = 0; i < kSwaps; ++i) {
            const auto begin = Clock::now();
            commit(router);
            build += Clock::now() - begin;
            std::this_thread::sleep_for(kBetween);
        }
        report(state, "swap_", load.take());
        std::this_thread::sleep_for(Clock::now() - began);
        report(state, "", load.take());
        state.counters["swaps"] = kSwaps;
        state.counters["build_ms"] =
            std::chrono::duration<double, std::milli>(build).count() / kSwaps;
    }
}

}  // namespace
}  // namespace causeway::perf

int main(int argc, char** argv) {
    using namespace causeway;
    keep_freed_memory();  // as the daemon does
    benchmark::Initialize(&argc, argv);
    (void)test::test_eal(Pages::kHuge);
    const auto add = [](const char* what, std::size_t count, const perf::Scene& scene,
                        const perf::Commit& commit) {
        const std::string name = std::string("swap/") + what + ':' + std::to_string(count);
        benchmark::RegisterBenchmark(
            name.c_str(),
            [scene, commit](benchmark::State& state) { perf::run(state, scene, commit); })
            ->Iterations(1)
            ->Unit(benchmark::kMillisecond);
    };
    for (const std::size_t rules : {1'000U, 10'000U}) {
        add("rules", rules, {.rules = rules},
            [](perf::SceneRouter& router) { router.swap_rules(); });
    }
    constexpr std::size_t kPatterns = 10'000;
    add("patterns", kPatterns, {}, [](perf::SceneRouter&) { perf::compile_patterns(kPatterns); });
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}
