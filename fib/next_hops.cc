// SPDX-License-Identifier: Apache-2.0
#include "fib/next_hops.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <type_traits>
#include <utility>

#include "base/check.h"

namespace causeway {
namespace {

constexpr std::size_t kAdjacencyBytes = kAdjacenciesMax * sizeof(Adjacency);
constexpr std::size_t kBucketBytes = kBucketsMax * sizeof(std::uint16_t);
constexpr std::size_t kGroupBytes = kGroupsMax * sizeof(Group);

constexpr auto kKinds = static_cast<std::uint16_t>(AdjacencyKind::kCount);

static_assert(std::has_unique_object_representations_v<Adjacency>, "compared as bytes");
static_assert(kAdjacenciesMax <= 65'536 && kGroupsMax <= 65'536, "ids are 16 bits");

Status check_members(std::span<const GroupMember> members) {
    if (members.empty()) return Unexpected(ErrorCode::kInvalid, "a group needs a member");
    if (members.size() > kGroupMembersMax) {
        return Unexpected(ErrorCode::kInvalid,
                          "a group has at most " + std::to_string(kGroupMembersMax) +
                              " members, not " + std::to_string(members.size()));
    }
    for (std::size_t i = 0; i < members.size(); ++i) {
        if (members[i].weight < 1 || members[i].weight > kGroupWeightMax) {
            return Unexpected(ErrorCode::kInvalid, "a weight lies between 1 and " +
                                                       std::to_string(kGroupWeightMax) + ", not " +
                                                       std::to_string(members[i].weight));
        }
        for (std::size_t j = 0; j < i; ++j) {
            if (members[i].next_hop == members[j].next_hop) {
                return Unexpected(ErrorCode::kInvalid, "a next hop is named twice in one group");
            }
        }
    }
    return ok();
}

BucketPlan plan_of(std::span<const GroupMember> members) {
    std::vector<std::uint32_t> weights;
    weights.reserve(members.size());
    for (const GroupMember& member : members) weights.push_back(member.weight);
    return BucketPlan(weights);
}

}  // namespace

// Of a fixed group. What a route says is to be dropped, or to be asked for, is not dead.
NextHops::Life NextHops::life_of(AdjacencyKind kind) noexcept {
    const bool is_dead = kind == AdjacencyKind::kDown || kind == AdjacencyKind::kNoRoute;
    return is_dead ? Life::kDead : Life::kAlive;
}

std::string_view to_string(NextHopState state) noexcept {
    switch (state) {
        case NextHopState::kUnresolved:
            return "unresolved";
        case NextHopState::kForwarding:
            return "forwarding";
        case NextHopState::kStandby:
            return "standby";
        case NextHopState::kDown:
            return "down";
    }
    return "unknown";
}

Result<std::unique_ptr<NextHops>> NextHops::create(GracePeriods& grace) {
    Result<Mapping> memory =
        Mapping::allocate(kAdjacencyBytes + kBucketBytes + kGroupBytes, PageSize::kHuge);
    if (!memory) return Unexpected(memory.error());
    return std::unique_ptr<NextHops>(new NextHops(grace, std::move(*memory)));
}

NextHops::NextHops(GracePeriods& grace, Mapping memory)
    : groups_(reinterpret_cast<Group*>(memory.data() + kAdjacencyBytes + kBucketBytes)),
      buckets_(reinterpret_cast<std::uint16_t*>(memory.data() + kAdjacencyBytes)),
      adjacencies_(reinterpret_cast<Adjacency*>(memory.data())),
      grace_(grace),
      memory_(std::move(memory)),
      bucket_space_(kBucketsMax),
      group_records_(kGroupsMax) {
    for (std::size_t id = kGroupsMax; id-- > kKinds;) {
        free_groups_.push_back(static_cast<std::uint16_t>(id));
    }
    for (std::size_t id = kAdjacenciesMax; id-- > kKinds;) {
        free_adjacencies_.push_back(static_cast<std::uint16_t>(id));
    }
    // The fixed groups: group k has one bucket, which names adjacency k, which has kind k.
    for (std::uint16_t kind = 0; kind < kKinds; ++kind) {
        Adjacency& fixed = adjacencies_[kind];
        fixed = Adjacency{};
        fixed.kind = kind == 0 ? AdjacencyKind::kNoRoute : static_cast<AdjacencyKind>(kind);
        const std::uint32_t first = bucket_space_.allocate(1).value();
        buckets_[first] = kind;
        publish(GroupId(kind), {.first_bucket = first, .bucket_mask = 0});
        group_records_[kind].life = life_of(fixed.kind);
    }
}

NextHops::~NextHops() = default;

NextHops::NextHop& NextHops::at(NextHopId id) noexcept {
    CHECK(has(id));
    return next_hops_[id.value()];
}

const NextHops::NextHop& NextHops::at(NextHopId id) const noexcept {
    CHECK(has(id));
    return next_hops_[id.value()];
}

Result<NextHopId> NextHops::acquire(AttachmentId attachment, IpAddress address) {
    const std::pair key(attachment, address);
    if (const auto known = next_hop_ids_.find(key); known != next_hop_ids_.end()) {
        ++at(known->second).references;
        return known->second;
    }
    if (free_next_hops_.empty()) {
        if (next_hops_.size() == kNextHopsMax) {
            return Unexpected(ErrorCode::kFull,
                              "all " + std::to_string(kNextHopsMax) + " next hops are in use");
        }
        free_next_hops_.push_back(static_cast<std::uint32_t>(next_hops_.size()));
        next_hops_.emplace_back();
    }
    const NextHopId id(free_next_hops_.back());
    free_next_hops_.pop_back();
    next_hops_[id.value()] = {.attachment = attachment, .address = address, .references = 1};
    next_hop_ids_.emplace(key, id);
    return id;
}

void NextHops::release(NextHopId id) {
    NextHop& hop = at(id);
    if (--hop.references != 0) return;
    CHECK(hop.groups.empty());  // each group holds a reference
    if (is_usable(hop.state)) {
        retire(Retired::What::kAdjacency, hop.adjacency.value());
    }
    next_hop_ids_.erase({hop.attachment, hop.address});
    hop = NextHop{};
    free_next_hops_.push_back(id.value());
}

bool NextHops::has(NextHopId id) const noexcept {
    return id.value() < next_hops_.size() && next_hops_[id.value()].references != 0;
}

NextHopInfo NextHops::info(NextHopId id) const {
    const NextHop& hop = at(id);
    return {.attachment = hop.attachment,
            .address = hop.address,
            .state = hop.state,
            .groups = hop.groups.size()};
}

Status NextHops::set_usable(NextHopId id, NextHopState state, const Adjacency& adjacency) {
    CHECK(adjacency.kind == AdjacencyKind::kForward);
    const NextHop& hop = at(id);
    if (is_usable(hop.state) &&
        std::memcmp(&adjacencies_[hop.adjacency.value()], &adjacency, sizeof adjacency) == 0) {
        set_state(id, state, hop.adjacency);
        return ok();
    }
    reclaim();
    if (free_adjacencies_.empty()) {
        return Unexpected(ErrorCode::kFull,
                          "all " + std::to_string(kAdjacenciesMax) + " adjacencies are in use");
    }
    const AdjacencyId fresh(free_adjacencies_.back());
    free_adjacencies_.pop_back();
    adjacencies_[fresh.value()] = adjacency;
    set_state(id, state, fresh);
    return ok();
}

void NextHops::set_unresolved(NextHopId id) {
    set_state(id, NextHopState::kUnresolved, AdjacencyId{});
}

void NextHops::set_down(NextHopId id) {
    set_state(id, NextHopState::kDown, AdjacencyId{});
}

void NextHops::set_state(NextHopId id, NextHopState state, AdjacencyId adjacency) {
    NextHop& hop = at(id);
    const NextHopState state_before = std::exchange(hop.state, state);
    const AdjacencyId adjacency_before = std::exchange(hop.adjacency, adjacency);
    if (state_before == state && adjacency_before == adjacency) return;
    for (const GroupId group : hop.groups) assign_buckets(group);
    if (is_usable(state_before) && adjacency_before != adjacency) {
        retire(Retired::What::kAdjacency, adjacency_before.value());
    }
}

// Brings a group's buckets in line with the states of its members; stores only what changes.
void NextHops::assign_buckets(GroupId id) noexcept {
    GroupRecord& record = group_records_[id.value()];
    MemberSet forwarding;
    MemberSet standby;
    AdjacencyKind otherwise = AdjacencyKind::kDown;
    std::array<std::uint16_t, kGroupMembersMax> adjacencies;
    for (std::size_t i = 0; i < record.members.size(); ++i) {
        const NextHop& hop = at(record.members[i].next_hop);
        forwarding[i] = hop.state == NextHopState::kForwarding;
        standby[i] = hop.state == NextHopState::kStandby;
        adjacencies[i] = hop.adjacency.value();
        if (hop.state == NextHopState::kUnresolved) otherwise = AdjacencyKind::kUnresolved;
    }
    if (forwarding.none()) forwarding = standby;
    const Life life = forwarding.any()                          ? Life::kAlive
                      : otherwise == AdjacencyKind::kUnresolved ? Life::kUnresolved
                                                                : Life::kDead;
    const Life life_before = std::exchange(record.life, life);
    // Who can take over does so before the last bucket lets go of its member.
    if (life < life_before) refresh_dependents(record);
    std::uint16_t* const buckets = buckets_ + group(id).first_bucket;
    for (std::uint32_t i = 0; i < record.plan->bucket_count(); ++i) {
        const std::optional<std::uint32_t> member = record.plan->member_of(i, forwarding);
        const std::uint16_t adjacency =
            member ? adjacencies[*member] : special_adjacency(otherwise).value();
        if (buckets[i] != adjacency) __atomic_store_n(&buckets[i], adjacency, __ATOMIC_RELEASE);
    }
    if (life > life_before) refresh_dependents(record);
}

void NextHops::refresh_dependents(const GroupRecord& record) noexcept {
    for (const GroupId dependent : record.dependents) refresh(dependent);
}

// Brings an indirect group in line with its candidates: the first of those that live best.
void NextHops::refresh(GroupId id) noexcept {
    GroupRecord& record = group_records_[id.value()];
    const auto best = std::max_element(
        record.candidates.begin(), record.candidates.end(), [&](GroupId a, GroupId b) {
            return group_records_[a.value()].life < group_records_[b.value()].life;
        });
    const Group before = group(id);
    const Group after = group(*best);
    const Life life_before = std::exchange(record.life, group_records_[best->value()].life);
    const bool is_same = before.first_bucket == after.first_bucket;
    if (!is_same) publish(id, after);
    if (!is_same || life_before != record.life) refresh_dependents(record);
}

void NextHops::publish(GroupId id, Group group) noexcept {
    __atomic_store(&groups_[id.value()], &group, __ATOMIC_RELEASE);
}

Result<GroupId> NextHops::acquire_group(std::span<const GroupMember> members) {
    if (Status status = check_members(members); !status) return Unexpected(status.error());
    for (const GroupMember& member : members) {
        if (!has(member.next_hop)) {
            return Unexpected(ErrorCode::kNotFound, "there is no next hop number " +
                                                        std::to_string(member.next_hop.value()));
        }
    }
    std::vector<GroupMember> key(members.begin(), members.end());
    if (const auto known = group_ids_.find(key); known != group_ids_.end()) {
        ++group_records_[known->second.value()].references;
        return known->second;
    }
    reclaim();
    BucketPlan plan = plan_of(members);
    if (free_groups_.empty()) {
        return Unexpected(ErrorCode::kFull,
                          "all " + std::to_string(kGroupsMax) + " next-hop groups are in use");
    }
    const std::optional<std::uint32_t> first = bucket_space_.allocate(plan.bucket_count());
    if (!first) {
        return Unexpected(ErrorCode::kFull, "no room for another group's " +
                                                std::to_string(plan.bucket_count()) + " buckets");
    }
    const GroupId id(free_groups_.back());
    free_groups_.pop_back();
    publish(id, {.first_bucket = *first, .bucket_mask = plan.bucket_count() - 1});
    group_records_[id.value()] = {.references = 1, .members = key, .plan = std::move(plan)};
    for (const GroupMember& member : members) {
        NextHop& hop = at(member.next_hop);
        ++hop.references;
        hop.groups.push_back(id);
    }
    assign_buckets(id);
    group_ids_.emplace(std::move(key), id);
    return id;
}

Result<GroupId> NextHops::add_indirect(std::vector<GroupId> candidates) {
    reclaim();
    if (free_groups_.empty()) {
        return Unexpected(ErrorCode::kFull,
                          "all " + std::to_string(kGroupsMax) + " next-hop groups are in use");
    }
    const GroupId id(free_groups_.back());
    free_groups_.pop_back();
    for (const GroupId candidate : candidates) {
        retain_group(candidate);
        group_records_[candidate.value()].dependents.push_back(id);
    }
    group_records_[id.value()] = {.references = 1, .candidates = std::move(candidates)};
    refresh(id);
    return id;
}

Result<GroupId> NextHops::acquire_fallback(std::span<const GroupId> candidates) {
    std::vector<GroupId> distinct;
    for (const GroupId candidate : candidates) {
        CHECK(has_group(candidate));
        if (std::find(distinct.begin(), distinct.end(), candidate) == distinct.end()) {
            distinct.push_back(candidate);
        }
    }
    CHECK(!distinct.empty());
    if (distinct.size() == 1) {
        retain_group(distinct.front());
        return distinct.front();
    }
    if (const auto known = fallback_ids_.find(distinct); known != fallback_ids_.end()) {
        retain_group(known->second);
        return known->second;
    }
    const Result<GroupId> id = add_indirect(distinct);
    if (id) fallback_ids_.emplace(std::move(distinct), *id);
    return id;
}

Result<GroupId> NextHops::create_indirect(GroupId target) {
    CHECK(has_group(target));
    return add_indirect({target});
}

bool NextHops::depends_on(GroupId id, GroupId other) const {
    if (id == other) return true;
    const std::vector<GroupId>& candidates = group_records_[id.value()].candidates;
    return std::any_of(candidates.begin(), candidates.end(),
                       [&](GroupId candidate) { return depends_on(candidate, other); });
}

Status NextHops::redirect(GroupId id, GroupId target) {
    CHECK(has_group(id) && has_group(target));
    GroupRecord& record = group_records_[id.value()];
    CHECK(record.candidates.size() == 1);
    const GroupId before = record.candidates.front();
    if (target == before) return ok();
    if (depends_on(target, id)) {
        return Unexpected(ErrorCode::kInvalid, "a next hop would resolve through itself");
    }
    retain_group(target);
    group_records_[target.value()].dependents.push_back(id);
    record.candidates.front() = target;
    refresh(id);
    release_candidates(id, {&before, 1});
    return ok();
}

void NextHops::release_candidates(GroupId id, std::span<const GroupId> candidates) {
    for (const GroupId candidate : candidates) {
        std::erase(group_records_[candidate.value()].dependents, id);
        release_group(candidate);
    }
}

void NextHops::retain_group(GroupId id) noexcept {
    CHECK(has_group(id));
    if (id.value() >= kKinds) ++group_records_[id.value()].references;
}

void NextHops::release_group(GroupId id) {
    CHECK(has_group(id));
    if (id.value() < kKinds) return;
    GroupRecord& record = group_records_[id.value()];
    if (--record.references != 0) return;
    const GroupRecord gone = std::exchange(record, GroupRecord{});
    CHECK(gone.dependents.empty());  // each holds a reference
    // What it reads as stays as it is, for those who still hold its id: retired before any group or
    // adjacency that it names can be.
    if (!gone.candidates.empty()) {
        const auto fallback = fallback_ids_.find(gone.candidates);
        if (fallback != fallback_ids_.end() && fallback->second == id)
            fallback_ids_.erase(fallback);
        retire(Retired::What::kIndirectGroup, id.value());
        release_candidates(id, gone.candidates);
        return;
    }
    group_ids_.erase(gone.members);
    retire(Retired::What::kGroup, id.value());
    for (const GroupMember& member : gone.members) {
        std::erase(at(member.next_hop).groups, id);
        release(member.next_hop);
    }
}

bool NextHops::has_group(GroupId id) const noexcept {
    return id.value() < kKinds ||
           (id.value() < kGroupsMax && group_records_[id.value()].references != 0);
}

GroupId NextHops::direct(GroupId id) const noexcept {
    for (;;) {
        const std::vector<GroupId>& candidates = group_records_[id.value()].candidates;
        if (candidates.empty()) return id;
        const auto chosen = std::find_if(candidates.begin(), candidates.end(), [&](GroupId one) {
            return group(one).first_bucket == group(id).first_bucket;
        });
        CHECK(chosen != candidates.end());
        id = *chosen;
    }
}

GroupInfo NextHops::group_info(GroupId id) const {
    CHECK(has_group(id));
    const GroupRecord& own = group_records_[id.value()];
    const GroupRecord& record = group_records_[direct(id).value()];
    const Group where = group(id);
    GroupInfo info{.members = {},
                   .buckets = where.bucket_mask + std::size_t{1},
                   .references = own.references,
                   .candidates = own.candidates};
    const std::span<const std::uint16_t> buckets(buckets_ + where.first_bucket, info.buckets);
    for (const GroupMember& member : record.members) {
        const NextHop& hop = at(member.next_hop);
        const bool is_named = is_usable(hop.state);
        const auto count = std::count(buckets.begin(), buckets.end(), hop.adjacency.value());
        info.members.push_back({.next_hop = member.next_hop,
                                .attachment = hop.attachment,
                                .address = hop.address,
                                .weight = member.weight,
                                .state = hop.state,
                                .buckets = is_named ? static_cast<std::size_t>(count) : 0});
    }
    return info;
}

std::vector<GroupId> NextHops::group_ids() const {
    std::vector<GroupId> ids;
    ids.reserve(group_ids_.size());
    for (const auto& [members, id] : group_ids_) ids.push_back(id);
    std::sort(ids.begin(), ids.end());
    return ids;
}

void NextHops::retire(Retired::What what, std::uint16_t id) {
    retired_.push_back({.token = grace_.begin(), .what = what, .id = id});
}

void NextHops::reclaim() {
    for (; !retired_.empty() && grace_.is_over(retired_.front().token); retired_.pop_front()) {
        const Retired& retired = retired_.front();
        if (retired.what == Retired::What::kAdjacency) {
            free_adjacencies_.push_back(retired.id);
            continue;
        }
        const Group gone = group(GroupId(retired.id));
        publish(GroupId(retired.id), group(special_group(AdjacencyKind::kNoRoute)));
        if (retired.what == Retired::What::kGroup) {
            bucket_space_.free(gone.first_bucket, gone.bucket_mask + 1);
        }
        free_groups_.push_back(retired.id);
    }
}

NextHops::Usage NextHops::usage() const noexcept {
    return {.next_hops = next_hop_ids_.size(),
            .groups = group_ids_.size(),
            .adjacencies = kAdjacenciesMax - kKinds - free_adjacencies_.size(),
            .retired = retired_.size()};
}

}  // namespace causeway
