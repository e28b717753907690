// SPDX-License-Identifier: Apache-2.0
//
// The part of RouteFeed that keeps next-hop objects and makes ways of them.
#include <utility>

#include "base/check.h"
#include "control/fpm/route_feed.h"

namespace causeway {

RouteFeed::Object& RouteFeed::object_of(NextHopObjectId id) {
    const auto [entry, is_new] = objects_.try_emplace(id);
    if (is_new) {
        const std::uint32_t way = new_way();
        ways_[way].object = id;
        ways_[way].is_held = true;
        entry->second.way = way;
    }
    return entry->second;
}

void RouteFeed::set_next_hop(const FpmSetNextHop& next_hop) {
    if (objects_.size() >= options_.next_hops_max && !objects_.contains(next_hop.id))
        return counters_.count(FpmEvent::kNextHopsFull, next_hop.id.value());
    counters_.count(FpmEvent::kNextHopSet);
    Object& object = object_of(next_hop.id);
    clear_members(next_hop.id, object);
    object.definition = next_hop.object;
    object.generation = generation_;
    set_members(next_hop.id, object);
    resolve_with_groups(next_hop.id);
}

void RouteFeed::delete_next_hop(NextHopObjectId id) {
    const auto found = objects_.find(id);
    if (found == objects_.end() || !found->second.definition)
        return counters_.count(FpmEvent::kUnknownRoute, id.value());
    counters_.count(FpmEvent::kNextHopDeleted);
    clear_members(id, found->second);
    found->second.definition.reset();
    drop_object_if_unused(id);
    resolve_with_groups(id);
}

// An object that is only named lives as long as routes name it.
void RouteFeed::drop_object_if_unused(NextHopObjectId id) {
    const auto found = objects_.find(id);
    DCHECK(found != objects_.end());
    const std::uint32_t way = found->second.way;
    if (found->second.definition || ways_[way].routes != 0) return;
    objects_.erase(found);
    ways_[way].is_held = false;
    free_way_if_unused(way);
}

void RouteFeed::set_members(NextHopObjectId group, const Object& object) {
    const auto* members = std::get_if<FpmGroupMembers>(&*object.definition);
    if (members == nullptr) return;
    for (const FpmGroupMember& member : *members) groups_of_[member.id].insert(group);
}

void RouteFeed::clear_members(NextHopObjectId group, const Object& object) {
    if (!object.definition) return;
    const auto* members = std::get_if<FpmGroupMembers>(&*object.definition);
    if (members == nullptr) return;
    for (const FpmGroupMember& member : *members) {
        const auto found = groups_of_.find(member.id);
        if (found == groups_of_.end()) continue;  // a member that is named twice
        found->second.erase(group);
        if (found->second.empty()) groups_of_.erase(found);
    }
}

// A group has no groups as members, as in the kernel. One of which no member forwards does what
// its first known member does.
std::optional<FpmWay> RouteFeed::resolve(const Object& object) const {
    if (!object.definition) return std::nullopt;
    if (const auto* way = std::get_if<FpmWay>(&*object.definition)) return *way;
    FpmWay forwarding;
    std::optional<FpmWay> other;
    for (const FpmGroupMember& member : std::get<FpmGroupMembers>(*object.definition)) {
        const auto found = objects_.find(member.id);
        if (found == objects_.end() || !found->second.definition) continue;
        const auto* way = std::get_if<FpmWay>(&*found->second.definition);
        if (way == nullptr) continue;
        if (way->action != FpmAction::kForward && !other) other = *way;
        for (FpmHop hop : way->hops) {
            hop.weight = member.weight;
            forwarding.hops.push_back(hop);
        }
    }
    if (!forwarding.hops.empty()) return forwarding;
    return other;
}

void RouteFeed::resolve_again(NextHopObjectId id) {
    const auto found = objects_.find(id);
    if (found == objects_.end()) return;
    std::optional<FpmWay> resolved = resolve(found->second);
    Way& way = ways_[found->second.way];
    if (!resolved || resolved == way.now) return;
    const bool was_known = way.now.has_value();
    way.now = std::move(resolved);
    if (!was_known && way.routes != 0) start_scan();  // those that waited for it
    if (way.told) queue_way(found->second.way);
}

void RouteFeed::resolve_with_groups(NextHopObjectId id) {
    resolve_again(id);
    const auto groups = groups_of_.find(id);
    if (groups == groups_of_.end()) return;
    for (const NextHopObjectId group : groups->second) resolve_again(group);
}

// All definitions go before the first group is looked at: else what a group keeps would depend on
// which of its members went first.
void RouteFeed::sweep_next_hops() {
    std::vector<NextHopObjectId> stale;
    for (auto& [id, object] : objects_) {
        if (!object.definition || object.generation == generation_) continue;
        clear_members(id, object);
        object.definition.reset();
        stale.push_back(id);
    }
    for (const NextHopObjectId id : stale) {
        counters_.count(FpmEvent::kSweptNextHop);
        drop_object_if_unused(id);
        resolve_with_groups(id);
    }
}

}  // namespace causeway
