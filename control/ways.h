// SPDX-License-Identifier: Apache-2.0
//
// Ways: what routes point at, in terms of neighbours. A way is an ordered list of next hops with
// weights; routes that name the same list share it, and its neighbours are asked for while any of
// them lives.
//
// Thread safety: control thread only.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "base/result.h"
#include "base/types.h"
#include "control/neighbours.h"
#include "fib/next_hops.h"

namespace causeway {

struct Hop {
    NeighbourKey neighbour;
    std::uint32_t weight = 1;
    friend auto operator<=>(const Hop&, const Hop&) = default;
};

class Ways {
  public:
    Ways(Neighbours& neighbours, NextHops& next_hops)
        : neighbours_(neighbours), next_hops_(next_hops) {}

    // The group of these hops, for one more route. Errors leave everything as it was.
    [[nodiscard]] Result<GroupId> acquire(std::span<const Hop> hops, std::uint64_t now_ns);
    // One route less. Groups that are not ways (the fixed ones) are left alone.
    void release(GroupId group);

    // How many routes point at it; 0 where it is no way.
    [[nodiscard]] std::size_t routes(GroupId group) const noexcept;
    // The ways that lead over an attachment.
    [[nodiscard]] std::vector<GroupId> over(AttachmentId attachment) const;

  private:
    struct Way {
        std::vector<Hop> hops;
        std::size_t routes = 0;
    };
    Neighbours& neighbours_;
    NextHops& next_hops_;
    std::map<GroupId, Way> ways_;
    std::map<std::vector<Hop>, GroupId> groups_;
};

}  // namespace causeway
