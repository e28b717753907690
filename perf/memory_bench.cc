// SPDX-License-Identifier: Apache-2.0
//
// What the machine's memory costs a lookup: a chain of loads of which each names the next, and
// bursts of 32 independent ones, prefetched first, anywhere in a working set. TSC cycles a load,
// minimum and median of many pieces. No table that misses the cache can be faster.
#include <benchmark/benchmark.h>
#include <x86intrin.h>

#include <array>
#include <cstdint>
#include <numeric>
#include <random>
#include <span>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/limits.h"
#include "base/mapping.h"
#include "perf/samples.h"

namespace causeway::perf {
namespace {

constexpr std::size_t kBurst = 32;
constexpr std::size_t kPieces = 512;
constexpr std::size_t kLoadsPerPiece = 4'096;

struct alignas(kCacheLine) Line {
    std::uint32_t next;
};

// Lines of memory that name each other in one random circle.
class Circle {
  public:
    explicit Circle(std::size_t bytes, PageSize pages)
        : memory_(std::move(Mapping::allocate(bytes, pages).value())),
          lines_(reinterpret_cast<Line*>(memory_.data()), bytes / sizeof(Line)) {
        std::vector<std::uint32_t> order(lines_.size());
        std::iota(order.begin(), order.end(), 0U);
        std::shuffle(order.begin(), order.end(), std::mt19937_64(1));
        for (std::size_t i = 0; i < order.size(); ++i) {
            lines_[order[i]].next = order[(i + 1) % order.size()];
        }
    }
    [[nodiscard]] std::span<const Line> lines() const { return lines_; }

  private:
    Mapping memory_;
    std::span<Line> lines_;
};

template <class Piece>
void report(benchmark::State& state, Piece&& piece) {
    std::vector<double> cycles;
    piece();
    for (auto _ : state) {
        const std::uint64_t start = __rdtsc();
        piece();
        cycles.push_back(static_cast<double>(__rdtsc() - start) / kLoadsPerPiece);
    }
    const Spread spread = spread_of(std::move(cycles));
    state.counters["min"] = spread.min;
    state.counters["median"] = spread.median;
}

PageSize pages_of(const benchmark::State& state) {
    return state.range(1) == 2'048 ? PageSize::kHuge : PageSize::kSmall;
}

void chain(benchmark::State& state) {
    const Circle circle(static_cast<std::size_t>(state.range(0)) << 10, pages_of(state));
    std::uint32_t at = 0;
    report(state, [&] {
        for (std::size_t i = 0; i < kLoadsPerPiece; ++i) at = circle.lines()[at].next;
        benchmark::DoNotOptimize(at);
    });
}

void gather(benchmark::State& state) {
    const Circle circle(static_cast<std::size_t>(state.range(0)) << 10, pages_of(state));
    const std::span<const Line> lines = circle.lines();
    std::mt19937_64 random(2);
    std::vector<std::uint32_t> keys(std::size_t{1} << 20);
    for (std::uint32_t& key : keys) key = static_cast<std::uint32_t>(random() % lines.size());
    std::size_t next = 0;
    report(state, [&] {
        std::uint32_t sum = 0;
        for (const std::size_t end = next + kLoadsPerPiece; next < end; next += kBurst) {
            const std::span burst = std::span(keys).subspan(next, kBurst);
            for (const std::uint32_t key : burst) _mm_prefetch(&lines[key], _MM_HINT_T0);
            for (const std::uint32_t key : burst) sum += lines[key].next;
        }
        benchmark::DoNotOptimize(sum);
        next %= keys.size();
    });
}

void sizes(benchmark::internal::Benchmark* row) {
    row->ArgNames({"kib", "page_kib"})->Iterations(kPieces);
    for (const std::int64_t kib : {32, 1'024, 4'096, 32'768, 262'144}) {
        for (const std::int64_t page_kib : {2'048, 4}) row->Args({kib, page_kib});
    }
}
BENCHMARK(chain)->Apply(sizes);
BENCHMARK(gather)->Apply(sizes);

}  // namespace
}  // namespace causeway::perf

BENCHMARK_MAIN();
