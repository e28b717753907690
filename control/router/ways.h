// SPDX-License-Identifier: Apache-2.0
//
// Ways: what routes point at, in terms of next hops. A way is an ordered list of next hops with
// weights: neighbours, which are asked for while any route leads there, or addresses that other
// routes lead to (control/router/recursions.h). Routes that name the same list share it.
//
// Thread safety: control thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "base/result.h"
#include "base/types.h"
#include "control/router/recursions.h"
#include "control/slow_path/neighbours.h"
#include "fib/next_hops.h"

namespace causeway {

struct Hop {
    NeighbourKey neighbour;
    std::uint32_t weight = 1;
    friend auto operator<=>(const Hop&, const Hop&) = default;
};

class Ways {
  public:
    Ways(Neighbours& neighbours, NextHops& next_hops, Recursions& recursions)
        : neighbours_(neighbours), next_hops_(next_hops), recursions_(recursions) {}

    // The group of these hops, for one more route. Errors leave everything as it was.
    [[nodiscard]] Result<GroupId> acquire(std::span<const Hop> hops, std::uint64_t now_ns);
    [[nodiscard]] Result<GroupId> acquire(VrfId vrf, std::span<const RecursiveHop> hops);
    // As many routes more. Groups that are not ways (the fixed ones) are left alone.
    void add_routes(GroupId group, std::size_t count);
    // One route less.
    void release(GroupId group);

    // How many routes point at it; 0 where it is no way.
    [[nodiscard]] std::size_t routes(GroupId group) const noexcept {
        return routes_[group.value()];
    }
    // The ways whose next hops are on an attachment.
    [[nodiscard]] std::vector<GroupId> over(AttachmentId attachment) const;

  private:
    void forget(GroupId group);

    Neighbours& neighbours_;
    NextHops& next_hops_;
    Recursions& recursions_;
    // By group. Apart from the rest, because a batch may have a million routes.
    std::vector<std::size_t> routes_ = std::vector<std::size_t>(kGroupsMax);
    std::map<GroupId, std::vector<Hop>> hops_;  // of those over neighbours
    std::map<std::vector<Hop>, GroupId> groups_;
};

}  // namespace causeway
