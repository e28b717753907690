// SPDX-License-Identifier: Apache-2.0
//
// What a worker under full load feels when an access list is swapped. The real worker over ring
// devices (scene_router.h) on one core; on another, a control thread that builds the whole list
// anew and publishes it, again and again. Then as long without.
//
//   median swap_median            TSC cycles a packet of the passes, each of 4,096 packets
//   longest_us swap_longest_us    the longest turn of the worker, the machine's own pauses included
//   packets swap_packets          that passed
//   swaps build_ms                how many, and what each took the control thread
//
// A packet that is lost ends the program (ring_lane.h), so a row says that none was.
#include <benchmark/benchmark.h>
#include <rte_cycles.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <thread>
#include <utility>
#include <vector>

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
constexpr std::chrono::milliseconds kBetween{50};

struct Felt {
    std::vector<double> passes;
    std::uint64_t longest_turn = 0;
};

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
        while (!is_over_.load()) {
            felt.passes.push_back(router.lane(0).pass([&]() noexcept {
                const std::uint64_t begin = rte_rdtsc();
                (void)worker.turn();
                router.quiescence().report(id);
                felt.longest_turn = std::max(felt.longest_turn, rte_rdtsc() - begin);
            }));
            if (!wanted_.load(std::memory_order_acquire)) continue;
            taken_ = std::exchange(felt, {});
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
    state.counters[when + "packets"] =
        static_cast<double>(felt.passes.size() * RingLane::kInFlight);
}

void swap(benchmark::State& state, std::size_t rules) {
    if (std::thread::hardware_concurrency() < 2) {
        state.SkipWithError("the worker and the control thread want a core each");
        return;
    }
    run_on(0);
    SceneRouter router({.rules = rules}, seed());
    for (auto _ : state) {
        FullLoad load(router);
        std::this_thread::sleep_for(kBetween);
        (void)load.take();  // what was cold
        const auto began = Clock::now();
        Clock::duration build{};
        for (int i = 0; i < kSwaps; ++i) {
            const auto begin = Clock::now();
            router.swap_rules();
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
    for (const std::size_t rules : {1'000U, 10'000U}) {
        benchmark::RegisterBenchmark(("swap/rules:" + std::to_string(rules)).c_str(),
                                     [rules](benchmark::State& state) { perf::swap(state, rules); })
            ->Iterations(1)
            ->Unit(benchmark::kMillisecond);
    }
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}
