// SPDX-License-Identifier: Apache-2.0
//
// The loop of every lookup row.
#pragma once

#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "perf/cycles.h"

namespace causeway::perf {

// Looks up pieces of 4,096 keys in bursts of state.range(0), over and over. The keys are a whole
// number of pieces. `cycles` is the median piece's TSC cycles a lookup.
template <class Key, class Look>
void look_up(benchmark::State& state, const std::vector<Key>& keys, const Look& look) {
    constexpr std::size_t kPiece = 4'096;
    const auto burst = static_cast<std::size_t>(state.range(0));
    Cycles cycles;
    std::size_t next = 0;
    for (auto _ : state) {
        cycles.start();
        for (const std::size_t end = next + kPiece; next < end; next += burst) {
            look(std::span(keys).subspan(next, burst));
        }
        cycles.stop();
        next %= keys.size();
    }
    state.counters["cycles"] = cycles.median() / kPiece;
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kPiece));
}

}  // namespace causeway::perf
