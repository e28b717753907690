// SPDX-License-Identifier: Apache-2.0
#include "control/ways.h"

#include <algorithm>

namespace causeway {

Result<GroupId> Ways::acquire(std::span<const Hop> hops, std::uint64_t now_ns) {
    std::vector<Hop> key(hops.begin(), hops.end());
    if (const auto found = groups_.find(key); found != groups_.end()) {
        ++ways_.at(found->second).routes;
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
    ways_[*group] = {.hops = key, .routes = 1};
    groups_.emplace(std::move(key), *group);
    return *group;
}

void Ways::release(GroupId group) {
    const auto found = ways_.find(group);
    if (found == ways_.end() || --found->second.routes > 0) return;
    for (const Hop& hop : found->second.hops) neighbours_.release(hop.neighbour);
    groups_.erase(found->second.hops);
    ways_.erase(found);
    next_hops_.release_group(group);
}

std::size_t Ways::routes(GroupId group) const noexcept {
    const auto found = ways_.find(group);
    return found == ways_.end() ? 0 : found->second.routes;
}

std::vector<GroupId> Ways::over(AttachmentId attachment) const {
    std::vector<GroupId> groups;
    for (const auto& [group, way] : ways_) {
        const bool leads = std::ranges::any_of(way.hops, [attachment](const Hop& hop) {
            return hop.neighbour.attachment == attachment;
        });
        if (leads) groups.push_back(group);
    }
    return groups;
}

}  // namespace causeway
