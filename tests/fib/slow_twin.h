// SPDX-License-Identifier: Apache-2.0
//
// SlowTwin: what a Rib and its FIB should answer, by the definition of longest match.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "base/types.h"
#include "fib/rib.h"

namespace causeway {

template <class RibT>
class SlowTwin {
  public:
    using Prefix = typename RibT::Prefix;
    using Address = typename RibT::Address;
    using Route = typename RibT::Route;

    struct Told {
        GroupId group;
        bool is_stale = false;
    };
    using Sources = std::map<RouteSource, Told>;

    void add(Prefix prefix, RouteSource source, GroupId group) {
        by_length_[static_cast<std::size_t>(prefix.length())][prefix][source] = {.group = group};
    }
    bool remove(Prefix prefix, RouteSource source) {
        auto& prefixes = by_length_[static_cast<std::size_t>(prefix.length())];
        const auto found = prefixes.find(prefix);
        if (found == prefixes.end() || found->second.erase(source) == 0) return false;
        if (found->second.empty()) prefixes.erase(found);
        return true;
    }
    void mark_stale(RouteSource source) {
        for (auto& prefixes : by_length_) {
            for (auto& [prefix, sources] : prefixes) {
                if (sources.contains(source)) sources[source].is_stale = true;
            }
        }
    }
    std::size_t sweep_stale(RouteSource source) {
        std::size_t removed = 0;
        for (const Route& route : routes()) {
            if (route.source == source && route.is_stale) removed += remove(route.prefix, source);
        }
        return removed;
    }
    [[nodiscard]] GroupId lookup(Address address) const {
        for (int length = Prefix::kLengthMax; length >= 0; --length) {
            const auto& prefixes = by_length_[static_cast<std::size_t>(length)];
            const auto found = prefixes.find(Prefix::of(address, length));
            if (found != prefixes.end()) return found->second.begin()->second.group;
        }
        return kNoRouteGroup;
    }
    // All routes in the order of a dump.
    [[nodiscard]] std::vector<Route> routes() const {
        std::map<Prefix, Sources> ordered;
        for (const auto& prefixes : by_length_) ordered.insert(prefixes.begin(), prefixes.end());
        std::vector<Route> all;
        for (const auto& [prefix, sources] : ordered) append(prefix, sources, all);
        return all;
    }
    // The routes of all prefixes that hold the address, longest first.
    [[nodiscard]] std::vector<Route> explain(Address address) const {
        std::vector<Route> all;
        for (int length = Prefix::kLengthMax; length >= 0; --length) {
            const auto& prefixes = by_length_[static_cast<std::size_t>(length)];
            const auto found = prefixes.find(Prefix::of(address, length));
            if (found != prefixes.end()) append(found->first, found->second, all);
        }
        return all;
    }

  private:
    static void append(Prefix prefix, const Sources& sources, std::vector<Route>& routes) {
        bool is_best = true;
        for (const auto& [source, told] : sources) {
            routes.push_back({.prefix = prefix,
                              .source = source,
                              .group = told.group,
                              .is_best = is_best,
                              .is_stale = told.is_stale});
            is_best = false;
        }
    }

    std::array<std::map<Prefix, Sources>, Prefix::kLengthMax + 1> by_length_;
};

}  // namespace causeway
