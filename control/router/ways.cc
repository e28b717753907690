// SPDX-License-Identifier: Apache-2.0
#include "control/router/ways.h"

#include <algorithm>

namespace causeway {

Result<GroupId> Ways::acquire(std::span<const Hop> hops, std::uint64_t now_ns) {
    std::vector<Hop> key(hops.begin(), hops.end());
    if (const auto found = groups_.find(key); found != groups_.end()) {
        ++routes_[found->second.value()];
        return found->second;
    }
    std::vector<GroupMember> members;
    const auto give_back = [&] {
        for (std::size_t k = 0; k < members.size(); ++k) neighbours_.release(hops[k].neighbour);
    };
    for (const Hop& hop : hops) {
        const auto next_hop = neighbours_.acquire(hop.neighbour, now_ns);
        if (!next_hop) {
            give_back();
            return Unexpected(next_hop.error());
        }
        members.push_back({.next_hop = *next_hop, .weight = hop.weight});
    }
    const auto group = next_hops_.acquire_group(members);
    if (!group) {
        give_back();
        return Unexpected(group.error());
    }
    routes_[group->value()] = 1;
    hops_.emplace(*group, key);
    groups_.emplace(std::move(key), *group);
    return *group;
}

Result<GroupId> Ways::acquire(VrfId vrf, std::span<const RecursiveHop> hops) {
    const auto group = recursions_.acquire(vrf, hops);
    if (!group) return group;
    // All its routes share one reference.
    if (++routes_[group->value()] > 1) next_hops_.release_group(*group);
    return group;
}

void Ways::add_routes(GroupId group, std::size_t count) {
    if (routes_[group.value()] != 0) routes_[group.value()] += count;
}

void Ways::release(GroupId group) {
    std::size_t& routes = routes_[group.value()];
    if (routes == 0 || --routes > 0) return;
    forget(group);
}

void Ways::forget(GroupId group) {
    if (const auto found = hops_.find(group); found != hops_.end()) {
        for (const Hop& hop : found->second) neighbours_.release(hop.neighbour);
        groups_.erase(found->second);
        hops_.erase(found);
    }
    next_hops_.release_group(group);
}

std::vector<GroupId> Ways::over(AttachmentId attachment) const {
    std::vector<GroupId> groups;
    for (const auto& [group, hops] : hops_) {
        const bool leads = std::ranges::any_of(
            hops, [attachment](const Hop& hop) { return hop.neighbour.attachment == attachment; });
        if (leads) groups.push_back(group);
    }
    return groups;
}

}  // namespace causeway
