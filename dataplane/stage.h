// SPDX-License-Identifier: Apache-2.0
//
// Walk: a list of stages, and the only loop that runs, times and counts them.
//
// A stage is a type with a name and one static function over a burst. It gathers keys, looks them
// up in bulk, and filters: what it cannot let pass leaves by an Exit.
#pragma once

#include <rte_cycles.h>

#include <array>
#include <concepts>
#include <cstdint>
#include <span>
#include <string_view>

#include "dataplane/burst.h"
#include "dataplane/counters.h"
#include "dataplane/tables.h"

namespace causeway {

template <class S>
concept Stage = requires(Burst& burst, const Tables& tables) {
    { S::kName } -> std::convertible_to<std::string_view>;
    { S::run(burst, tables) }
    noexcept->std::same_as<void>;
};

// What one worker spent on one stage, over the bursts that were timed.
struct StageCounters {
    Counter bursts;
    Counter packets;
    Counter cycles;  // of the TSC
};

template <Stage... Stages>
class Walk {
  public:
    static constexpr std::array<std::string_view, sizeof...(Stages)> kStageNames{Stages::kName...};

    // One burst in so many is timed: reading the clock around every stage of every burst would cost
    // more than some stages do.
    static constexpr unsigned kTimedEvery = 32;

    void operator()(Burst& burst, const Tables& tables) noexcept {
        if (++bursts_ % kTimedEvery == 0) [[unlikely]] {
            StageCounters* counters = counters_.data();
            (timed<Stages>(burst, tables, *counters++), ...);
        } else {
            (step<Stages>(burst, tables), ...);
        }
    }

    [[nodiscard]] std::span<const StageCounters> counters() const noexcept { return counters_; }

  private:
    template <Stage S>
    static void step(Burst& burst, const Tables& tables) noexcept {
        if (burst.size() != 0) S::run(burst, tables);
    }

    template <Stage S>
    static void timed(Burst& burst, const Tables& tables, StageCounters& counters) noexcept {
        const unsigned entered = burst.size();
        if (entered == 0) return;
        const std::uint64_t start = rte_rdtsc();
        S::run(burst, tables);
        counters.bursts.add(1);
        counters.packets.add(entered);
        counters.cycles.add(rte_rdtsc() - start);
    }

    unsigned bursts_ = 0;
    std::array<StageCounters, sizeof...(Stages)> counters_{};
};

}  // namespace causeway
