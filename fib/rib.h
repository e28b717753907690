// SPDX-License-Identifier: Apache-2.0
//
// Rib: the routes as told, of all VRFs and all sources, of one address family. It is the authority;
// the FIB is its compiled form and is kept in step, entry by entry, before each call returns.
//
// Thread safety: control thread only.
//
// A prefix may have one route from each source. The source that comes first in RouteSource wins; if
// it withdraws, the next takes over in one step, and if its group dies, the next takes over without
// any (fib/next_hops.h, fallback groups). Routes hold a reference on their group.
//
// A feeder that comes back replays its routes: mark_stale(), then its adds, then sweep_stale() of
// what it did not repeat. A stale route forwards like any other.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "base/result.h"
#include "base/types.h"
#include "fib/fib4.h"
#include "fib/fib6.h"
#include "fib/next_hops.h"
#include "fib/prefix_table.h"

namespace causeway {

using RouteCounts = std::array<std::size_t, kRouteSources>;  // routes by source

// kAdd replaces a route of the same source.
enum class RouteChangeAction : std::uint8_t { kAdd, kRemove };

// Where a batch failed, and why.
struct BatchError {
    std::size_t index = 0;
    Error error;
};

// Of one family.
struct RouteLimits {
    std::size_t routes_max = kRoutesMax;  // of all VRFs
    std::size_t routes_per_vrf_max = kRoutesPerVrfMax;
};

// Routes that were not taken, by reason, since the start.
struct RouteRefusals {
    std::uint64_t vrf_full = 0;    // RouteLimits::routes_per_vrf_max
    std::uint64_t table_full = 0;  // RouteLimits::routes_max
    std::uint64_t fib_full = 0;    // the FIB's memory
};

template <class FibT>
class Rib {
  public:
    using Prefix = typename FibT::Prefix;
    using Address = typename Prefix::Address;

    using Options = RouteLimits;
    struct Change {
        using Action = RouteChangeAction;
        Action action = Action::kAdd;
        RouteSource source = RouteSource::kStatic;
        VrfId vrf;
        Prefix prefix;
        GroupId group;  // of kAdd
    };
    struct Route {
        Prefix prefix;
        RouteSource source = RouteSource::kStatic;
        GroupId group;
        bool is_best = false;   // of its prefix: the one that forwards while its group lives
        bool is_stale = false;  // not repeated since mark_stale()
    };
    // A part of a dump. `next` is the cursor for the part that follows; nothing: this was the last.
    struct Page {
        std::vector<Route> routes;
        std::optional<Prefix> next;
    };
    // A part of a sweep.
    struct Sweep {
        std::vector<GroupId> removed;  // the group of each route that was
        std::optional<Prefix> next;
    };
    // Told after each change of what a prefix forwards to. Must not change routes itself.
    struct Observer {
        void (*route_changed)(void* context, VrfId vrf, Prefix prefix) = nullptr;
        void* context = nullptr;
    };
    using Refusals = RouteRefusals;

    // Both tables must outlive the Rib, and nobody else writes to the FIB.
    Rib(FibT& fib, NextHops& next_hops, const Options& options);
    Rib(const Rib&) = delete;
    Rib& operator=(const Rib&) = delete;
    ~Rib();

    void set_observer(Observer observer) noexcept { observer_ = observer; }
    // Lower ones than are in use take no route away, but let none in.
    void set_limits(const RouteLimits& limits) noexcept { options_ = limits; }
    [[nodiscard]] const RouteLimits& limits() const noexcept { return options_; }

    [[nodiscard]] Status create_vrf(VrfId vrf);
    [[nodiscard]] Status destroy_vrf(VrfId vrf);  // with all its routes
    [[nodiscard]] bool has_vrf(VrfId vrf) const noexcept;

    // kNotFound: no such VRF, group or route. kFull: a limit, and everything is as it was.
    [[nodiscard]] Status add(VrfId vrf, Prefix prefix, RouteSource source, GroupId group);
    [[nodiscard]] Status remove(VrfId vrf, Prefix prefix, RouteSource source);
    // In order; all of them, or none and the first that failed.
    [[nodiscard]] std::optional<BatchError> apply(std::span<const Change> changes);
    // apply() in two steps, where something else decides whether the changes stay: all are made,
    // or none. One of keep() and undo() must follow, before the next change; the changes must live
    // until then.
    [[nodiscard]] std::optional<BatchError> start(std::span<const Change> changes);
    void keep();
    void undo();
    // Between start() and its end: by change, the group of the route that it replaced or removed;
    // kNoRouteGroup where there was none.
    [[nodiscard]] std::span<const GroupId> replaced() const noexcept { return before_; }

    // All routes of the source are stale from now on, until they are added again.
    [[nodiscard]] Status mark_stale(VrfId vrf, RouteSource source);
    // Removes the stale ones among the first prefixes_max prefixes after the cursor.
    [[nodiscard]] Result<Sweep> sweep_stale(VrfId vrf, RouteSource source,
                                            std::optional<Prefix> after, std::size_t prefixes_max);

    // The routes of every prefix that holds the address: longest prefix first, best source first.
    // So the first is the one that forwards, and the rest is what it won over.
    [[nodiscard]] Result<std::vector<Route>> explain(VrfId vrf, Address address) const;
    // What the FIB answers for the address, but that a default route is none: kNoRouteGroup.
    [[nodiscard]] GroupId resolve(VrfId vrf, Address address) const;
    // The routes of one prefix, best first; empty if there are none.
    [[nodiscard]] std::vector<Route> find(VrfId vrf, Prefix prefix) const;
    // The routes of up to prefixes_max prefixes after the cursor, in order of prefix; from the
    // start without one. The cursor's own prefix need not be there any more.
    [[nodiscard]] Result<Page> dump(VrfId vrf, std::optional<Prefix> after,
                                    std::size_t prefixes_max) const;
    [[nodiscard]] Result<RouteCounts> counts(VrfId vrf) const;
    [[nodiscard]] std::size_t route_count() const noexcept { return route_count_; }
    [[nodiscard]] const Refusals& refusals() const noexcept { return refusals_; }

  private:
    struct Vrf;
    using Table = PrefixTable<Prefix>;
    using Entry = PrefixEntry<Prefix>;
    using Position = typename Table::Position;

    [[nodiscard]] Vrf* vrf_at(VrfId id) const noexcept;
    [[nodiscard]] Status check_room(const Vrf& vrf);
    void warm_up(std::span<const Change> changes) const;
    [[nodiscard]] Result<GroupId> set_retained(const Change& change);
    [[nodiscard]] Result<GroupId> set(VrfId id, Prefix prefix, RouteSource source, GroupId group);
    [[nodiscard]] Result<GroupId> unset(VrfId id, Prefix prefix, RouteSource source);
    [[nodiscard]] GroupId set_rival(VrfId id, Vrf& vrf, Position place, RouteSource source,
                                    GroupId group);
    [[nodiscard]] GroupId unset_rival(VrfId id, Vrf& vrf, Position place, RouteSource source);
    void elect(VrfId id, Vrf& vrf, Position place);
    [[nodiscard]] GroupId erase(VrfId id, Vrf& vrf, Position place);
    void compile(VrfId id, const Vrf& vrf, Position after, Prefix prefix, GroupId group);
    void settle();

    FibT& fib_;
    NextHops& next_hops_;
    Options options_;
    Observer observer_;                       // or none
    std::vector<std::unique_ptr<Vrf>> vrfs_;  // by id
    std::size_t route_count_ = 0;
    Refusals refusals_;
    std::vector<std::pair<VrfId, Prefix>> dropped_;  // whose memory may have no holder left
    // Between start() and its end: what was started, and by change the group of the route before,
    // with its reference.
    std::span<const Change> started_;
    std::vector<GroupId> before_;
};

using Rib4 = Rib<Fib4>;
using Rib6 = Rib<Fib6>;
extern template class Rib<Fib4>;
extern template class Rib<Fib6>;

}  // namespace causeway
