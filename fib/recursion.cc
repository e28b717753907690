// SPDX-License-Identifier: Apache-2.0
#include "fib/recursion.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <string>

#include "base/check.h"

namespace causeway {
namespace {

constexpr GroupId kLost = special_group(AdjacencyKind::kDown);

std::uint64_t weight_of(const GroupInfo& info) {
    std::uint64_t sum = 0;
    for (const GroupInfo::Member& member : info.members) sum += member.weight;
    return sum;
}

// Weights of a group from shares of any size: scaled down where they are too large, to 1 at least.
std::vector<GroupMember> members_of(const std::map<NextHopId, std::uint64_t>& shares) {
    std::uint64_t divisor = 0;
    std::uint64_t largest = 0;
    for (const auto& [hop, share] : shares) {
        divisor = std::gcd(divisor, share);
        largest = std::max(largest, share);
    }
    const bool is_exact = largest / divisor <= kGroupWeightMax;
    std::vector<GroupMember> members;
    for (const auto& [hop, share] : shares) {
        const std::uint64_t weight =
            is_exact ? share / divisor
                     : std::max<std::uint64_t>(1, share * kGroupWeightMax / largest);
        members.push_back({.next_hop = hop, .weight = static_cast<std::uint32_t>(weight)});
    }
    return members;
}

}  // namespace

template <class FibT>
Recursion<FibT>::Recursion(Rib<FibT>& rib, NextHops& next_hops) : rib_(rib), next_hops_(next_hops) {
    rib_.set_observer({.route_changed =
                           [](void* self, VrfId vrf, Prefix prefix) {
                               static_cast<Recursion*>(self)->route_changed(vrf, prefix);
                           },
                       .context = this});
}

template <class FibT>
Recursion<FibT>::~Recursion() {
    rib_.set_observer({});
}

template <class FibT>
Result<GroupId> Recursion<FibT>::acquire(VrfId vrf, std::span<const Hop> hops) {
    if (hops.empty() || hops.size() > kGroupMembersMax) {
        return Unexpected(ErrorCode::kInvalid,
                          "a group has 1 to " + std::to_string(kGroupMembersMax) + " members");
    }
    Key key{vrf, {hops.begin(), hops.end()}};
    if (const auto known = ids_.find(key); known != ids_.end()) {
        next_hops_.retain_group(known->second);
        return known->second;
    }
    const Result<GroupId> id = next_hops_.create_indirect(kLost);
    if (!id) return id;
    next_hops_.retain_group(*id);  // our own, given back when no route has one
    for (const Hop& hop : hops) watched_[{vrf, hop.address}].insert(*id);
    Record& record = records_[*id];
    record = {.key = key, .resolved = std::vector<GroupId>(hops.size(), kLost)};
    ids_.emplace(std::move(key), *id);
    (void)update(*id, record);
    return id;
}

template <class FibT>
std::optional<std::size_t> Recursion<FibT>::own_ancestor(GroupId group) const {
    const auto& [vrf, hops] = records_.at(group).key;
    for (std::size_t i = 0; i < hops.size(); ++i) {
        std::set<GroupId> seen;
        std::vector<GroupId> open{rib_.resolve(vrf, hops[i].address)};
        while (!open.empty()) {
            const GroupId next = open.back();
            open.pop_back();
            if (next == group) return i;
            if (next == kNoRouteGroup || !seen.insert(next).second) continue;
            if (const auto record = records_.find(next); record != records_.end()) {
                for (const Hop& hop : record->second.key.second) {
                    open.push_back(rib_.resolve(record->second.key.first, hop.address));
                }
            } else {
                const std::vector<GroupId> candidates = next_hops_.group_info(next).candidates;
                open.insert(open.end(), candidates.begin(), candidates.end());
            }
        }
    }
    return std::nullopt;
}

template <class FibT>
void Recursion<FibT>::route_changed(VrfId vrf, Prefix prefix) {
    if (watched_.empty()) return;
    const Watched last{vrf, prefix.last()};
    for (auto watched = watched_.lower_bound({vrf, prefix.first()});
         watched != watched_.end() && watched->first <= last; ++watched) {
        dirty_.insert(watched->second.begin(), watched->second.end());
    }
}

template <class FibT>
void Recursion<FibT>::settle() {
    if (records_.empty()) return;
    forget_unused();
    // A group of several hops copies the members of what they resolve to, which may be another such
    // group; and one that was lost for coming back to itself may be found when another one moves.
    // Each round settles one more of a chain.
    for (std::size_t round = 0; !dirty_.empty() && round <= records_.size(); ++round) {
        bool is_changed = false;
        for (const GroupId id : std::exchange(dirty_, {})) {
            const auto found = records_.find(id);
            if (found != records_.end()) is_changed |= update(id, found->second);
        }
        if (!is_changed) return;
        for (const auto& [id, record] : records_) {
            const auto& resolved = record.resolved;
            const bool is_lost =
                std::find(resolved.begin(), resolved.end(), kLost) != resolved.end();
            if (is_lost || resolved.size() > 1) dirty_.insert(id);
        }
    }
}

// A bounded number of groups a call, in turns: there may be tens of thousands.
template <class FibT>
void Recursion<FibT>::forget_unused() {
    auto entry = records_.lower_bound(next_judged_);
    for (std::size_t left = std::min(records_.size(), kJudgedAtOnce); left > 0; --left) {
        if (entry == records_.end()) entry = records_.begin();
        const bool is_used = next_hops_.group_info(entry->first).references > 1;
        entry = is_used ? std::next(entry) : forget(entry);
    }
    next_judged_ = entry == records_.end() ? GroupId() : entry->first;
}

template <class FibT>
auto Recursion<FibT>::forget(typename Records::iterator entry) -> typename Records::iterator {
    const auto& [id, record] = *entry;
    for (const Hop& hop : record.key.second) {
        const auto watched = watched_.find({record.key.first, hop.address});
        if (watched == watched_.end()) continue;  // named twice
        watched->second.erase(id);
        if (watched->second.empty()) watched_.erase(watched);
    }
    ids_.erase(record.key);
    next_hops_.release_group(id);
    return records_.erase(entry);
}

// The group that the address's route forwards to.
template <class FibT>
GroupId Recursion<FibT>::resolve(GroupId self, VrfId vrf, Address address) const {
    const GroupId group = rib_.resolve(vrf, address);
    // Fixed groups that drop are an answer; ourselves, and a subnet to ask in, are not.
    const GroupId direct = next_hops_.direct(group);
    const bool is_lost =
        direct == kNoRouteGroup || direct == special_group(AdjacencyKind::kLocal) ||
        direct == special_group(AdjacencyKind::kUnresolved) || reaches(group, self);
    return is_lost ? kLost : group;
}

// Whether what the group forwards to depends on the target, by the routes and not only by what the
// groups stand for at the moment.
template <class FibT>
bool Recursion<FibT>::reaches(GroupId group, GroupId target) const {
    std::set<GroupId> seen;
    std::vector<GroupId> open{group};
    while (!open.empty()) {
        const GroupId next = open.back();
        open.pop_back();
        if (next == target) return true;
        if (!seen.insert(next).second) continue;
        if (const auto record = records_.find(next); record != records_.end()) {
            open.insert(open.end(), record->second.resolved.begin(), record->second.resolved.end());
        } else {
            const std::vector<GroupId> candidates = next_hops_.group_info(next).candidates;
            open.insert(open.end(), candidates.begin(), candidates.end());
        }
    }
    return false;
}

// Brings a group in line with the routes; whether it has changed.
template <class FibT>
bool Recursion<FibT>::update(GroupId id, Record& record) {
    const auto& [vrf, hops] = record.key;
    for (std::size_t i = 0; i < hops.size(); ++i) {
        record.resolved[i] = kLost;  // or the route through ourselves would hold itself
        record.resolved[i] = resolve(id, vrf, hops[i].address);
    }
    const GroupId before = next_hops_.group_info(id).candidates.front();
    GroupId target = record.resolved.front();
    std::optional<GroupId> merged;
    if (hops.size() > 1) {
        const Result<GroupId> group = merge(record);
        target = group ? *group : kLost;
        if (group) merged = *group;
    }
    CHECK(next_hops_.redirect(id, target).has_value());  // cycles were cut by reaches()
    if (merged) next_hops_.release_group(*merged);
    return before != target;
}

// One group of the members of all that the hops resolve to, each with its hop's share. One
// reference.
template <class FibT>
Result<GroupId> Recursion<FibT>::merge(const Record& record) {
    std::uint64_t common = 1;
    std::vector<GroupInfo> infos;
    for (const GroupId group : record.resolved) {
        infos.push_back(next_hops_.group_info(group));
        if (const std::uint64_t sum = weight_of(infos.back()); sum != 0) {
            common = std::lcm(common, sum);
        }
    }
    std::map<NextHopId, std::uint64_t> shares;
    for (std::size_t i = 0; i < infos.size(); ++i) {
        for (const GroupInfo::Member& member : infos[i].members) {
            shares[member.next_hop] +=
                record.key.second[i].weight * member.weight * (common / weight_of(infos[i]));
        }
    }
    if (shares.empty()) return kLost;
    return next_hops_.acquire_group(members_of(shares));
}

template <class FibT>
auto Recursion<FibT>::view(GroupId group) const -> View {
    const Record& record = records_.at(group);
    View view{.vrf = record.key.first, .hops = record.key.second, .is_resolved = {}};
    for (const GroupId resolved : record.resolved) view.is_resolved.push_back(resolved != kLost);
    return view;
}

template class Recursion<Fib4>;
template class Recursion<Fib6>;

}  // namespace causeway
