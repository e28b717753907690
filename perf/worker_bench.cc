// SPDX-License-Identifier: Apache-2.0
//
// The real worker without a NIC: the daemon's own Worker over ring devices, QinQ in and QinQ out,
// all checks and counters on. TSC cycles a packet of Worker::turn(): polling all ports, the walk,
// transmission.
//
//   min median              of the passes, each of 4,096 packets
//   floor_min floor_median  of passes in between, over the same rings, in which packets are moved
//                           from the one device to the other and not looked at
//   net_min net_median      the former less the latter
//   alone_net_min           of two workers: what one takes while the other rests, in blocks of
//   alone_net_median        passes by turns with both, for neighbours of a machine come and go
//   gain                    how many times one worker's packets they do: middle of those blocks
//   ipv4/STAGE ipv6/STAGE   median of the stages, each in a loop of its own, as the daemon times
//                           them
//
//   worker_bench --passes=2000 --benchmark_filter=routes:940000
//
// Rows are named by their scene (scene.h), tables are chosen as scene_routes.h says. Workers run on
// the last cores of the machine.
#include <benchmark/benchmark.h>

#include <barrier>
#include <charconv>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "perf/cores.h"
#include "perf/ring_lane.h"
#include "perf/router.h"
#include "perf/samples.h"
#include "perf/scene.h"
#include "perf/scene_router.h"
#include "tests/support/test_bed.h"

namespace causeway::perf {
namespace {

constexpr int kWarmPasses = 20;
constexpr int kBlock = 20;  // passes of all workers or of one; the first half warm the caches
constexpr int kBlockWarm = kBlock / 2;

// So many that each session has begun. Until then both passes of a pair are of the walk, or every
// other packet would not have met it.
int warm_passes(const Scene& scene) {
    const std::size_t packets = scene.new_flows ? 2 * scene.sessions : scene.sessions;
    return kWarmPasses + static_cast<int>(packets / RingLane::kInFlight);
}

// What each stage of a walk took in the bursts of a pass that were timed.
class StageSamples {
  public:
    template <class Walk>
    void take(const Walk& walk) {
        samples_.resize(Walk::kStages);
        last_.resize(Walk::kStages);
        for (std::size_t k = 0; k < Walk::kStages; ++k) {
            const std::uint64_t packets = walk.counters()[k].packets.read();
            const std::uint64_t cycles = walk.counters()[k].cycles.read();
            if (packets == last_[k].packets) continue;
            samples_[k].push_back(static_cast<double>(cycles - last_[k].cycles) /
                                  static_cast<double>(packets - last_[k].packets));
            last_[k] = {.packets = packets, .cycles = cycles};
        }
    }
    template <class Walk>
    void report(benchmark::State& state, const Walk&, const std::string& family) const {
        for (std::size_t k = 0; k < Walk::kStages; ++k) {
            if (samples_[k].empty()) continue;
            const std::string name = family + std::string(Walk::kStageNames[k]);
            state.counters[name] = spread_of(samples_[k]).median;
        }
    }

  private:
    struct Counts {
        std::uint64_t packets = 0;
        std::uint64_t cycles = 0;
    };
    std::vector<std::vector<double>> samples_;
    std::vector<Counts> last_;
};

struct Measured {
    std::vector<double> walk;
    std::vector<double> alone;  // the walk, while the other workers rest
    std::vector<double> floor;
    StageSamples ipv4_stages;
    StageSamples ipv6_stages;
};

// Passes of the walk and of the floor by turns, so that both see the core's clock as it wanders.
// Workers begin each pass together; what they cost each other is in the figure, and each alone
// beside it.
std::vector<Measured> measure(SceneRouter& router, const Scene& scene, int passes) {
    const std::size_t workers = scene.workers;
    std::vector<Measured> measured(workers);
    std::barrier together(static_cast<std::ptrdiff_t>(workers));
    const auto work = [&](std::size_t index) {
        run_on(std::thread::hardware_concurrency() - 1 - static_cast<unsigned>(index));
        RingLane& lane = router.lane(index);
        Worker& worker = router.worker(index);
        Measured& own = measured[index];
        const auto walk = [&]() noexcept {
            router.pass_begins();
            return lane.pass([&]() noexcept { (void)worker.turn(); });
        };
        const auto floor = [&]() noexcept {
            return lane.pass([&]() noexcept { router.move_only(index); });
        };
        for (int i = 0; i < 2 * warm_passes(scene); ++i) {
            together.arrive_and_wait();
            (void)walk();
        }
        for (int i = 0; i < passes; ++i) {
            together.arrive_and_wait();
            const double cycles = walk();
            together.arrive_and_wait();
            own.floor.push_back(floor());
            own.ipv4_stages.take(worker.ipv4_walk());
            own.ipv6_stages.take(worker.ipv6_walk());
            if (workers == 1 || i % kBlock >= kBlockWarm) own.walk.push_back(cycles);
            if (workers == 1 || i % kBlock != kBlock - 1) continue;
            for (std::size_t turn = 0; turn < workers; ++turn) {
                together.arrive_and_wait();
                for (int k = 0; turn == index && k < kBlock; ++k) {
                    const double alone = walk();
                    (void)floor();
                    if (k >= kBlockWarm) own.alone.push_back(alone);
                }
            }
        }
    };
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < workers; ++i) threads.emplace_back(work, i);
    threads.clear();
    return measured;
}

// What a block of all workers gives beside the blocks of each alone that follow it; of all such.
double gain_of(const std::vector<Measured>& measured, double floor) {
    constexpr std::size_t kCounted = kBlock - kBlockWarm;
    const auto net = [&](const std::vector<double>& values, std::size_t at) {
        const auto begin = values.begin() + static_cast<std::ptrdiff_t>(at);
        return spread_of(std::vector(begin, begin + kCounted)).median - floor;
    };
    std::vector<double> gains;
    for (std::size_t at = 0; at < measured.front().alone.size(); at += kCounted) {
        double gain = 0;
        for (const Measured& one : measured) gain += net(one.alone, at) / net(one.walk, at);
        gains.push_back(gain);
    }
    return spread_of(std::move(gains)).median;
}

void forward(benchmark::State& state, const Scene& scene, int passes) {
    if (scene.workers > std::thread::hardware_concurrency()) {
        state.SkipWithError("there are fewer cores than workers");
        return;
    }
    SceneRouter router(scene, seed());
    std::vector<Measured> measured;
    for (auto _ : state) measured = measure(router, scene, passes);
    const auto of_all = [&](std::vector<double> Measured::*values) {
        std::vector<double> all;
        for (const Measured& one : measured) {
            all.insert(all.end(), (one.*values).begin(), (one.*values).end());
        }
        return spread_of(std::move(all));
    };
    const Spread walk = of_all(&Measured::walk);
    const Spread floor = of_all(&Measured::floor);
    state.counters["min"] = walk.min;
    state.counters["median"] = walk.median;
    state.counters["floor_min"] = floor.min;
    state.counters["floor_median"] = floor.median;
    state.counters["net_min"] = walk.min - floor.min;
    state.counters["net_median"] = walk.median - floor.median;
    if (scene.workers > 1 && passes >= kBlock) {
        const Spread alone = of_all(&Measured::alone);
        state.counters["alone_net_min"] = alone.min - floor.min;
        state.counters["alone_net_median"] = alone.median - floor.median;
        state.counters["gain"] = gain_of(measured, floor.median);
    }
    const Worker& first = router.worker(0);
    measured.front().ipv4_stages.report(state, first.ipv4_walk(), "ipv4/");
    measured.front().ipv6_stages.report(state, first.ipv6_walk(), "ipv6/");
    state.SetLabel(test::has_huge_pages() ? "huge pages" : "4 KiB pages");
}

std::vector<Scene> scenes() {
    constexpr std::size_t kFull = 940'000;
    using enum Destinations;
    std::vector<Scene> scenes{
        {},
        {.burst = 32},
        {.ipv6_percent = 100},
        {.ipv6_percent = 50},
        {.frame_bytes = kImix},
        {.tags = 1},
        {.ipv6_percent = 100, .tags = 1},
        {.ways = 2},
        {.ports = 2},
        {.ports = 4},
        {.attachments = 16'000},
        {.ipv6_percent = 100, .attachments = 16'000},
        {.vrfs = 1'000, .attachments = 1'000},
        {.ipv6_percent = 100, .vrfs = 1'000, .attachments = 1'000},
        {.routes = 1'000, .vrfs = 1'000, .attachments = 1'000},
        {.routes = 1'000},
        {.routes = 30'000},
        {.routes = kFull},
        {.routes = kFull, .burst = 32},
        {.routes = kFull, .destinations = kUniform},
        {.routes = kFull, .destinations = kUniform, .burst = 32},
        {.ipv6_percent = 100, .routes = kFull},
        {.ipv6_percent = 100, .routes = kFull, .destinations = kUniform},
        {.routes = kFull, .attachments = 16'000},
        {.rules = 100},
        {.rules = 1'000},
        {.rules = 10'000},
        {.ipv6_percent = 100, .rules = 1'000},
        {.policers = 2},
        {.attachments = 1'000, .policers = 2},
        {.routes = kFull, .rules = 1'000, .policers = 2},
        {.sessions = 10'000},
        {.sessions = 100'000},
        {.sessions = 1'000'000},
        {.sessions = 1'000'000, .new_flows = true},
        {.routes = kFull, .rules = 1'000, .policers = 2, .sessions = 1'000'000},
        {.workers = 2},
        {.routes = kFull, .workers = 2},
    };
    for (const std::size_t bytes : {128U, 256U, 512U, 1'024U, 1'518U}) {
        scenes.push_back({.frame_bytes = bytes});
        scenes.push_back({.ipv6_percent = 100, .frame_bytes = bytes});
    }
    return scenes;
}

}  // namespace
}  // namespace causeway::perf

int main(int argc, char** argv) {
    using namespace causeway;
    benchmark::Initialize(&argc, argv);
    int passes = 500;
    constexpr std::string_view kPasses = "--passes=";
    for (int i = 1; i < argc; ++i) {
        const std::string_view word(argv[i]);
        const char* const end = word.data() + word.size();
        if (!word.starts_with(kPasses) ||
            std::from_chars(word.data() + kPasses.size(), end, passes).ptr != end || passes < 1) {
            std::fprintf(stderr, "worker_bench: %s: only --passes=N and --benchmark_...\n",
                         argv[i]);
            return 1;
        }
    }
    (void)test::test_eal(Pages::kHuge);
    for (const perf::Scene& scene : perf::scenes()) {
        benchmark::RegisterBenchmark(
            ("worker/" + perf::name_of(scene)).c_str(),
            [scene, passes](benchmark::State& state) { perf::forward(state, scene, passes); })
            ->Iterations(1)
            ->Unit(benchmark::kMillisecond);
    }
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}
