// SPDX-License-Identifier: Apache-2.0
//
// Recursion: next hops that are not neighbours but addresses which another route leads to, as BGP
// gives them (RFC 4271 5.1.3). Control thread only.
//
// A route through such addresses names an indirect group (fib/next_hops.h), which stands for what
// the addresses resolve to. When that changes, the group is redirected and no prefix touched.
//
// An address resolves through the longest prefix that holds it, but not through a default route: a
// next hop that only the default reaches is lost, and its routes with it. What resolves to nothing,
// to ourselves, or through itself is down, and the next best routes take over. An address on a
// connected subnet is a neighbour and no matter for recursion.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/types.h"
#include "fib/next_hops.h"
#include "fib/rib.h"

namespace causeway {

template <class FibT>
class Recursion {
  public:
    using Prefix = typename FibT::Prefix;
    using Address = typename FibT::Address;

    struct Hop {
        Address address;
        std::uint32_t weight = 1;  // 1 to kGroupWeightMax
        friend auto operator<=>(const Hop&, const Hop&) = default;
    };
    // How the hops of a group resolve; for showing.
    struct View {
        VrfId vrf;
        std::vector<Hop> hops;
        std::vector<bool> is_resolved;  // by hop
    };

    // Observes the Rib from here on. Both must outlive it.
    Recursion(Rib<FibT>& rib, NextHops& next_hops);
    Recursion(const Recursion&) = delete;
    Recursion& operator=(const Recursion&) = delete;
    ~Recursion();

    // The group of routes through these addresses; the same hops give the same group. One
    // reference, given back with NextHops::release_group(). kInvalid, kFull.
    [[nodiscard]] Result<GroupId> acquire(VrfId vrf, std::span<const Hop> hops);
    // Whether the routes, as they are now, lead one of the group's addresses back to the group: the
    // index of the first such hop. settle() would find it lost.
    [[nodiscard]] std::optional<std::size_t> own_ancestor(GroupId group) const;
    // Resolves anew what the changes of routes since the last call may have moved, and forgets
    // groups that no route names any more, a thousand at a time at most. To be called after each
    // change or batch of them.
    void settle();
    // Whether routes have changed that settle() would look at.
    [[nodiscard]] bool has_news() const noexcept { return !dirty_.empty(); }

    [[nodiscard]] bool has(GroupId group) const noexcept { return records_.contains(group); }
    [[nodiscard]] View view(GroupId group) const;
    [[nodiscard]] std::size_t group_count() const noexcept { return records_.size(); }

  private:
    using Key = std::pair<VrfId, std::vector<Hop>>;
    struct Record {
        Key key;
        std::vector<GroupId> resolved;  // by hop; of one that is down, its fixed group
    };
    using Records = std::map<GroupId, Record>;
    using Watched = std::pair<VrfId, Address>;
    static constexpr std::size_t kJudgedAtOnce = 1'024;

    void route_changed(VrfId vrf, Prefix prefix);
    [[nodiscard]] GroupId resolve(GroupId self, VrfId vrf, Address address) const;
    [[nodiscard]] bool reaches(GroupId group, GroupId target) const;
    [[nodiscard]] bool update(GroupId id, Record& record);
    [[nodiscard]] Result<GroupId> merge(const Record& record);
    void forget_unused();
    [[nodiscard]] typename Records::iterator forget(typename Records::iterator entry);

    Rib<FibT>& rib_;
    NextHops& next_hops_;
    Records records_;
    GroupId next_judged_;  // by forget_unused()
    std::map<Key, GroupId> ids_;
    std::map<Watched, std::set<GroupId>> watched_;
    std::set<GroupId> dirty_;
};

using Recursion4 = Recursion<Fib4>;
using Recursion6 = Recursion<Fib6>;
extern template class Recursion<Fib4>;
extern template class Recursion<Fib6>;

}  // namespace causeway
