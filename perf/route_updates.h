// SPDX-License-Identifier: Apache-2.0
//
// The loops of the update rows, for both families. `cycles` is the median piece's TSC cycles a
// change, items_per_second the changes a second of the whole.
#pragma once

#include <benchmark/benchmark.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <vector>

#include "perf/cycles.h"
#include "perf/route_table.h"
#include "perf/router.h"

namespace causeway::perf {

// Each route in random order gets another next hop, or is removed and added again.
enum class Update { kReplace, kRemoveAndAdd };

// `Add` and `Remove` are given a prefix and, the first, a next hop from 0 to 255.
template <class PrefixT, class Add, class Remove>
void update(benchmark::State& state, const std::vector<RouteOf<PrefixT>>& routes, Update what,
            const Add& add, const Remove& remove) {
    constexpr std::size_t kPiece = 256;  // routes
    const std::size_t updates = what == Update::kReplace ? kPiece : 2 * kPiece;
    std::mt19937_64 random(seed() + 2);
    Cycles cycles;
    for (auto _ : state) {
        cycles.start();
        for (std::size_t i = 0; i < kPiece; ++i) {
            const PrefixT prefix = routes[random() % routes.size()].prefix;
            if (what == Update::kRemoveAndAdd) remove(prefix);
            add(prefix, random() % 256);
        }
        cycles.stop();
    }
    state.counters["cycles"] = cycles.median() / static_cast<double>(updates);
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(updates));
}

template <class FibT>
void update_ours(benchmark::State& state, RouterOf<FibT>& router, VrfId vrf,
                 const std::vector<RouteOf<typename FibT::Prefix>>& routes, Update what) {
    using Prefix = typename FibT::Prefix;
    update(
        state, routes, what,
        [&](Prefix prefix, std::size_t next_hop) {
            CHECK(router.rib.add(vrf, prefix, RouteSource::kBgp, router.groups[next_hop])
                      .has_value());
        },
        [&](Prefix prefix) {
            CHECK(router.rib.remove(vrf, prefix, RouteSource::kBgp).has_value());
        });
}

// The same, as the control socket has them: a batch at a time.
template <class FibT>
void update_in_batches(benchmark::State& state, RouterOf<FibT>& router, VrfId vrf,
                       const std::vector<RouteOf<typename FibT::Prefix>>& routes, Update what) {
    using Change = typename Rib<FibT>::Change;
    constexpr std::size_t kBatch = 1'024;  // routes
    std::mt19937_64 random(seed() + 2);
    std::vector<Change> changes;
    Cycles cycles;
    for (auto _ : state) {
        state.PauseTiming();
        changes.clear();
        for (std::size_t i = 0; i < kBatch; ++i) {
            Change change{.source = RouteSource::kBgp,
                          .vrf = vrf,
                          .prefix = routes[random() % routes.size()].prefix,
                          .group = router.groups[random() % 256]};
            if (what == Update::kRemoveAndAdd) {
                changes.push_back(change);
                changes.back().action = RouteChangeAction::kRemove;
            }
            changes.push_back(change);
        }
        state.ResumeTiming();
        cycles.start();
        CHECK(!router.rib.apply(changes).has_value());
        cycles.stop();
    }
    const std::size_t updates = what == Update::kReplace ? kBatch : 2 * kBatch;
    state.counters["cycles"] = cycles.median() / static_cast<double>(updates);
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(updates));
}

template <class DpdkTable, class PrefixT>
void update_dpdk(benchmark::State& state, DpdkTable& table,
                 const std::vector<RouteOf<PrefixT>>& routes, Update what) {
    update(
        state, routes, what,
        [&](PrefixT prefix, std::size_t next_hop) { table.add(prefix, next_hop + 1); },
        [&](PrefixT prefix) { table.remove(prefix); });
}

// The link behind some prefixes goes and comes back: `cycles` until the last of their packets takes
// the other way, which no prefix is touched for.
template <class FibT>
void lose_link(benchmark::State& state, std::span<const RouteOf<typename FibT::Prefix>> routes) {
    constexpr VrfId kVrf{0};
    RouterOf<FibT> router;
    std::array<NextHopId, 2> links;
    std::vector<GroupMember> members;
    for (std::uint16_t i = 0; i < links.size(); ++i) {
        links[i] = router.next_hops->acquire(AttachmentId(i), Ipv4Address(2)).value();
        members.push_back({.next_hop = links[i]});
    }
    Adjacency way;
    way.kind = AdjacencyKind::kForward;
    for (const NextHopId link : links) CHECK(router.next_hops->set_forwarding(link, way));
    const GroupId group = router.next_hops->acquire_group(members).value();
    CHECK(router.rib.create_vrf(kVrf).has_value());
    for (const auto& route : routes) {
        CHECK(router.rib.add(kVrf, route.prefix, RouteSource::kBgp, group).has_value());
    }
    Cycles lost;
    for (auto _ : state) {
        lost.start();
        router.next_hops->set_down(links[0]);
        lost.stop();
        CHECK(router.next_hops->set_forwarding(links[0], way));
    }
    state.counters["cycles"] = lost.median();
    state.counters["prefixes"] = static_cast<double>(routes.size());
}

}  // namespace causeway::perf
