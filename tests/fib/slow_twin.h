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
    using Sources = std::map<RouteSource, GroupId>;

    void add(Ipv4Prefix prefix, RouteSource source, GroupId group) {
        by_length_[static_cast<std::size_t>(prefix.length())][prefix][source] = group;
    }
    bool remove(Ipv4Prefix prefix, RouteSource source) {
        auto& prefixes = by_length_[static_cast<std::size_t>(prefix.length())];
        const auto found = prefixes.find(prefix);
        if (found == prefixes.end() || found->second.erase(source) == 0) return false;
        if (found->second.empty()) prefixes.erase(found);
        return true;
    }
    [[nodiscard]] GroupId lookup(Ipv4Address address) const {
        for (int length = 32; length >= 0; --length) {
            const auto& prefixes = by_length_[static_cast<std::size_t>(length)];
            const auto found = prefixes.find(Ipv4Prefix::of(address, length));
            if (found != prefixes.end()) return found->second.begin()->second;
        }
        return kNoRouteGroup;
    }
    // All routes in the order of a dump.
    [[nodiscard]] std::vector<Route> routes() const {
        std::map<Ipv4Prefix, Sources> ordered;
        for (const auto& prefixes : by_length_) ordered.insert(prefixes.begin(), prefixes.end());
        std::vector<Route> all;
        for (const auto& [prefix, sources] : ordered) append(prefix, sources, all);
        return all;
    }
    // The routes of all prefixes that hold the address, longest first.
    [[nodiscard]] std::vector<Route> explain(Ipv4Address address) const {
        std::vector<Route> all;
        for (int length = 32; length >= 0; --length) {
            const auto& prefixes = by_length_[static_cast<std::size_t>(length)];
            const auto found = prefixes.find(Ipv4Prefix::of(address, length));
            if (found != prefixes.end()) append(found->first, found->second, all);
        }
        return all;
    }

  private:
    static void append(Ipv4Prefix prefix, const Sources& sources, std::vector<Route>& routes) {
        bool is_best = true;
        for (const auto& [source, group] : sources) {
            routes.push_back(
                {.prefix = prefix, .source = source, .group = group, .is_best = is_best});
            is_best = false;
        }
    }

    std::array<std::map<Ipv4Prefix, Sources>, 33> by_length_;
};

}  // namespace causeway
