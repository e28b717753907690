// SPDX-License-Identifier: Apache-2.0
//
// Rib: the routes as told, of all VRFs and all sources. It is the authority; the Fib4 is its
// compiled form and is kept in step, entry by entry, before each call returns.
//
// Thread safety: control thread only.
//
// A prefix may have one route from each source. The source that comes first in RouteSource wins; if
// it withdraws, the next takes over in one step. Routes hold a reference on their group.
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
#include "fib/next_hops.h"
#include "fib/prefix_table.h"

namespace causeway {

struct RouteChange {
    enum class Action : std::uint8_t { kAdd, kRemove };  // kAdd replaces a route of the same source
    Action action = Action::kAdd;
    RouteSource source = RouteSource::kStatic;
    VrfId vrf;
    Ipv4Prefix prefix;
    GroupId group;  // of kAdd
};

struct Route {
    Ipv4Prefix prefix;
    RouteSource source = RouteSource::kStatic;
    GroupId group;
    bool is_best = false;  // of its prefix: the one that forwards
};

// A part of a dump. `next` is the cursor for the part that follows; nothing: this was the last.
struct RoutePage {
    std::vector<Route> routes;
    std::optional<Ipv4Prefix> next;
};

// Where a batch failed, and why.
struct BatchError {
    std::size_t index = 0;
    Error error;
};

using RouteCounts = std::array<std::size_t, kRouteSources>;  // routes by source

class Rib {
  public:
    struct Options {
        std::size_t routes_max = kRoutesMax;  // of all VRFs
        std::size_t routes_per_vrf_max = kRoutesPerVrfMax;
    };

    // Both tables must outlive the Rib, and nobody else writes to the Fib4.
    Rib(Fib4& fib, NextHops& next_hops, const Options& options);
    Rib(const Rib&) = delete;
    Rib& operator=(const Rib&) = delete;
    ~Rib();

    [[nodiscard]] Status create_vrf(VrfId vrf);
    [[nodiscard]] Status destroy_vrf(VrfId vrf);  // with all its routes
    [[nodiscard]] bool has_vrf(VrfId vrf) const noexcept;

    // kNotFound: no such VRF, group or route. kFull: a limit, and everything is as it was.
    [[nodiscard]] Status add(VrfId vrf, Ipv4Prefix prefix, RouteSource source, GroupId group);
    [[nodiscard]] Status remove(VrfId vrf, Ipv4Prefix prefix, RouteSource source);
    // In order; all of them, or none and the first that failed.
    [[nodiscard]] std::optional<BatchError> apply(std::span<const RouteChange> changes);

    // The routes of every prefix that holds the address: longest prefix first, best source first.
    // So the first is the one that forwards, and the rest is what it won over.
    [[nodiscard]] Result<std::vector<Route>> explain(VrfId vrf, Ipv4Address address) const;
    // The routes of one prefix, best first; empty if there are none.
    [[nodiscard]] std::vector<Route> find(VrfId vrf, Ipv4Prefix prefix) const;
    // The routes of up to prefixes_max prefixes after the cursor, in order of prefix; from the
    // start without one. The cursor's own prefix need not be there any more.
    [[nodiscard]] Result<RoutePage> dump(VrfId vrf, std::optional<Ipv4Prefix> after,
                                         std::size_t prefixes_max) const;
    [[nodiscard]] Result<RouteCounts> counts(VrfId vrf) const;
    [[nodiscard]] std::size_t route_count() const noexcept { return route_count_; }

  private:
    struct Vrf;

    [[nodiscard]] Vrf* vrf_at(VrfId id) const noexcept;
    [[nodiscard]] Status check_room(const Vrf& vrf) const;
    [[nodiscard]] Result<GroupId> set_retained(VrfId id, Ipv4Prefix prefix, RouteSource source,
                                               GroupId group);
    [[nodiscard]] Result<GroupId> set(VrfId id, Ipv4Prefix prefix, RouteSource source,
                                      GroupId group);
    [[nodiscard]] Result<GroupId> unset(VrfId id, Ipv4Prefix prefix, RouteSource source);
    void erase_prefix(VrfId id, Vrf& vrf, Ipv4Prefix prefix);
    void compile(VrfId id, const Vrf& vrf, Ipv4Prefix prefix, GroupId group);
    void settle();
    void roll_back(std::span<const RouteChange> changes, std::span<const GroupId> before);

    Fib4& fib_;
    NextHops& next_hops_;
    Options options_;
    std::vector<std::unique_ptr<Vrf>> vrfs_;  // by id
    std::size_t route_count_ = 0;
    std::vector<std::pair<VrfId, Ipv4Address>>
        emptied_;  // /24s whose block may have no holder left
};

}  // namespace causeway
