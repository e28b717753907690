// SPDX-License-Identifier: Apache-2.0
//
// Recursions: the recursion of both families behind one face (fib/recursion.h), as Ribs is for the
// routes. Hops of one group are of one family, which decides.
//
// Thread safety: control thread only.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/result.h"
#include "base/types.h"
#include "fib/recursion.h"

namespace causeway {

// A next hop that routes lead to.
struct RecursiveHop {
    IpAddress address;
    std::uint32_t weight = 1;
    friend auto operator<=>(const RecursiveHop&, const RecursiveHop&) = default;
};

class Recursions {
  public:
    struct HopView {
        RecursiveHop hop;
        bool is_resolved = false;
    };

    // They must outlive this.
    Recursions(Rib4& ipv4, Rib6& ipv6, NextHops& next_hops)
        : ipv4_(ipv4, next_hops), ipv6_(ipv6, next_hops) {}

    // As of Recursion. REQUIRES: the hops are of one family.
    [[nodiscard]] Result<GroupId> acquire(VrfId vrf, std::span<const RecursiveHop> hops);
    // REQUIRES: has(group).
    [[nodiscard]] std::optional<std::size_t> own_ancestor(GroupId group) const;
    void settle();
    // settle(), if anything has changed that it would look at.
    void follow() {
        if (ipv4_.has_news() || ipv6_.has_news()) settle();
    }

    [[nodiscard]] bool has(GroupId group) const noexcept {
        return ipv4_.has(group) || ipv6_.has(group);
    }
    // REQUIRES: has(group).
    [[nodiscard]] std::vector<HopView> view(GroupId group) const;

  private:
    Recursion4 ipv4_;
    Recursion6 ipv6_;
};

}  // namespace causeway
