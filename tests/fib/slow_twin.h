// SPDX-License-Identifier: Apache-2.0
//
// SlowTwin: what a Rib and its Fib4 should answer, by the definition of longest match.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "base/types.h"
#include "fib/rib.h"

namespace causeway {

class SlowTwin {
  public:
    struct Told {
        GroupId group;
        bool is_stale = false;
    };
    using Sources = std::map<RouteSource, Told>;

    void add(Ipv4Prefix prefix, RouteSource source, GroupId group) {
        by_length_[static_cast<std::size_t>(prefix.length())][prefix][source] = {.group = group};
    }
    bool remove(Ipv4Prefix prefix, RouteSource source) {
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
        for (const Rib4::Route& route : routes()) {
            if (route.source == source && route.is_stale) removed += remove(route.prefix, source);
        }
        return removed;
    }
    [[nodiscard]] GroupId lookup(Ipv4Address address) const {
        for (int length = 32; length >= 0; --length) {
            const auto& prefixes = by_length_[static_cast<std::size_t>(length)];
            const auto found = prefixes.find(Ipv4Prefix::of(address, length));
            if (found != prefixes.end()) return found->second.begin()->second.group;
        }
        return kNoRouteGroup;
    }
    // All routes in the order of a dump.
    [[nodiscard]] std::vector<Rib4::Route> routes() const {
        std::map<Ipv4Prefix, Sources> ordered;
        for (const auto& prefixes : by_length_) ordered.insert(prefixes.begin(), prefixes.end());
        std::vector<Rib4::Route> all;
        for (const auto& [prefix, sources] : ordered) append(prefix, sources, all);
        return all;
    }
    // The routes of all prefixes that hold the address, longest first.
    [[nodiscard]] std::vector<Rib4::Route> explain(Ipv4Address address) const {
        std::vector<Rib4::Route> all;
        for (int length = 32; length >= 0; --length) {
            const auto& prefixes = by_length_[static_cast<std::size_t>(length)];
            const auto found = prefixes.find(Ipv4Prefix::of(address, length));
            if (found != prefixes.end()) append(found->first, found->second, all);
        }
        return all;
    }

  private:
    static void append(Ipv4Prefix prefix, const Sources& sources,
                       std::vector<Rib4::Route>& routes) {
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

    std::array<std::map<Ipv4Prefix, Sources>, 33> by_length_;
};

}  // namespace causeway
