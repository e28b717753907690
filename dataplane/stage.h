// SPDX-License-Identifier: Apache-2.0
//
// Walk: a list of stages, and the only loop that runs, times and counts them.
//
// There are two kinds of stage. A BurstStage looks keys up in bulk: it gathers them, asks a table
// once, and filters by the answers. A PacketStage needs nothing but the packet at hand: it is made
// once a burst, from what the burst shares, and called once a packet. Neighbouring packet stages
// stand in one PerPacket<...>, which runs them in a single loop, so that what one learns the next
// finds in a register; that is worth about a quarter of the whole walk (docs/performance.md).
// Whatever cannot pass leaves by an Exit.
#pragma once

#include <rte_cycles.h>

#include <array>
#include <concepts>
#include <cstdint>
#include <span>
#include <string_view>
#include <type_traits>

#include "dataplane/burst.h"
#include "dataplane/counters.h"
#include "dataplane/tables.h"

namespace causeway {

template <class S>
concept BurstStage = requires(Burst& burst, const Tables& tables) {
    { S::kName } -> std::convertible_to<std::string_view>;
    { S::run(burst, tables) }
    noexcept->std::same_as<void>;
};

template <class S>
concept PacketStage = std::is_nothrow_constructible_v<S, Burst&, const Tables&> &&
    requires(S stage, PacketMeta& meta, rte_mbuf& mbuf) {
    { S::kName } -> std::convertible_to<std::string_view>;
    { stage(meta, mbuf) }
    noexcept->std::same_as<Exit>;
};

// What one worker spent on one stage, over the bursts that were timed.
struct StageCounters {
    Counter bursts;
    Counter packets;
    Counter cycles;  // of the TSC
};

namespace detail {

// Runs `stage` over a burst between two readings of the clock.
template <class Run>
void time_stage(Burst& burst, StageCounters& counters, Run&& run) noexcept {
    const unsigned entered = burst.size();
    if (entered == 0) return;
    const std::uint64_t start = rte_rdtsc();
    run();
    counters.bursts.add(1);
    counters.packets.add(entered);
    counters.cycles.add(rte_rdtsc() - start);
}

// The two kinds of element of a walk's list: a burst stage, or several packet stages in one loop.
template <BurstStage S>
struct BurstElement {
    static constexpr std::array<std::string_view, 1> kNames{S::kName};

    static void run(Burst& burst, const Tables& tables) noexcept { S::run(burst, tables); }
    static void run_timed(Burst& burst, const Tables& tables, StageCounters* counters) noexcept {
        time_stage(burst, *counters, [&]() noexcept { S::run(burst, tables); });
    }
};

// Packet stages, each made in its place: what they note then stays in registers.
template <PacketStage... Stages>
struct Chain {
    Chain(Burst&, const Tables&) noexcept {}
    Exit operator()(PacketMeta&, rte_mbuf&) noexcept { return Exit::kNone; }
};
template <PacketStage First, PacketStage... Rest>
struct Chain<First, Rest...> {
    Chain(Burst& burst, const Tables& tables) noexcept
        : first(burst, tables), rest(burst, tables) {}
    // In order, until one gives an Exit.
    [[gnu::always_inline]] Exit operator()(PacketMeta& meta, rte_mbuf& mbuf) noexcept {
        const Exit exit = first(meta, mbuf);
        return exit == Exit::kNone ? rest(meta, mbuf) : exit;
    }
    First first;
    [[no_unique_address]] Chain<Rest...> rest;
};

template <PacketStage... Stages>
struct PacketElement {
    static constexpr std::array<std::string_view, sizeof...(Stages)> kNames{Stages::kName...};

    static void run(Burst& burst, const Tables& tables) noexcept {
        Chain<Stages...> chain(burst, tables);
        burst.filter(chain);
    }
    // One loop a stage, so that each has a time of its own.
    static void run_timed(Burst& burst, const Tables& tables, StageCounters* counters) noexcept {
        (time_stage(burst, *counters++, [&]() noexcept { burst.filter(Stages(burst, tables)); }),
         ...);
    }
};

}  // namespace detail

template <PacketStage... Stages>
struct PerPacket {};

namespace detail {

template <class E>
struct ElementOf;
template <BurstStage S>
struct ElementOf<S> {
    using Type = BurstElement<S>;
};
template <PacketStage... Stages>
struct ElementOf<PerPacket<Stages...>> {
    using Type = PacketElement<Stages...>;
};
template <class E>
using Element = typename ElementOf<E>::Type;

}  // namespace detail

template <class E>
concept WalkElement = requires {
    typename detail::ElementOf<E>::Type;
};

template <WalkElement... Elements>
class Walk {
  public:
    static constexpr std::size_t kStages = (detail::Element<Elements>::kNames.size() + ...);
    static constexpr std::array<std::string_view, kStages> kStageNames = [] {
        std::array<std::string_view, kStages> names;
        std::size_t k = 0;
        const auto append = [&](const auto& some) {
            for (const std::string_view name : some) names[k++] = name;
        };
        (append(detail::Element<Elements>::kNames), ...);
        return names;
    }();

    // One burst in so many is timed: reading the clock around every stage of every burst would cost
    // more than some stages do.
    static constexpr unsigned kTimedEvery = 32;

    void operator()(Burst& burst, const Tables& tables) noexcept {
        if (++bursts_ % kTimedEvery == 0) [[unlikely]] {
            StageCounters* counters = counters_.data();
            ((detail::Element<Elements>::run_timed(burst, tables, counters),
              counters += detail::Element<Elements>::kNames.size()),
             ...);
        } else {
            (run<Elements>(burst, tables), ...);
        }
    }

    [[nodiscard]] std::span<const StageCounters> counters() const noexcept { return counters_; }

  private:
    template <class E>
    static void run(Burst& burst, const Tables& tables) noexcept {
        if (burst.size() != 0) detail::Element<E>::run(burst, tables);
    }

    unsigned bursts_ = 0;
    std::array<StageCounters, kStages> counters_{};
};

}  // namespace causeway
