// SPDX-License-Identifier: Apache-2.0
//
// NextHops: from a route's group to the adjacency a packet leaves by.
//
// Thread safety
//   group(), bucket(), adjacency()  any thread: a route's group, then the flow's bucket of it, then
//                                   the adjacency that the bucket names.
//   everything else                 one thread, the control thread.
//
// Invariants
//   (1) An adjacency is written before the first bucket names it, and its slot is reused only when
//       a grace period has passed since the last bucket was flipped away.
//   (2) The same holds for a group, its id and its buckets, from the moment it is released.
//   (3) Buckets are a pure function of the members in order, their weights, and which of them
//       forward (fib/bucket_plan.h). So every box has the same, a lost member moves its own flows
//       only, and its return brings back exactly those.
//   (4) An indirect group reads as its first living candidate, from before the call returns that
//       changed who lives. No group is its own candidate, by however many steps.
//
// Theory of operation
//   A next hop is forwarding, on standby (it could, but should not), unresolved (alive, but its MAC
//   is not known) or down. Buckets name forwarding members only, or where there are none, those on
//   standby. A group without any of these names kUnresolved where a member is merely unresolved, so
//   that the packet asks for resolution, and kDown otherwise.
//
//   An indirect group has no buckets of its own. It stands for others: for the routes of one prefix
//   by preference (a fallback group), or for what a recursive next hop resolves to. It reads as one
//   of them, so that a death or a new resolution is one store a group, whatever the number of
//   prefixes that name it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "base/grace.h"
#include "base/limits.h"
#include "base/mapping.h"
#include "base/result.h"
#include "base/types.h"
#include "fib/adjacency.h"
#include "fib/bucket_plan.h"
#include "fib/bucket_space.h"

namespace causeway {

// Where the buckets of a group lie. bucket_mask is their number, a power of two, less one.
struct alignas(8) Group {
    std::uint32_t first_bucket = 0;
    std::uint32_t bucket_mask = 0;
};
static_assert(sizeof(Group) == 8 && alignof(Group) == 8, "read and written as one word");

struct GroupMember {
    NextHopId next_hop;
    std::uint32_t weight = 1;  // 1 to kGroupWeightMax
    friend auto operator<=>(const GroupMember&, const GroupMember&) = default;
};

enum class NextHopState : std::uint8_t { kUnresolved, kForwarding, kStandby, kDown };
[[nodiscard]] std::string_view to_string(NextHopState state) noexcept;

struct NextHopInfo {
    AttachmentId attachment;
    IpAddress address;
    NextHopState state = NextHopState::kUnresolved;
    std::size_t groups = 0;  // that have it as a member
};

struct GroupInfo {
    struct Member {
        NextHopId next_hop;
        AttachmentId attachment;
        IpAddress address;
        std::uint32_t weight = 1;
        NextHopState state = NextHopState::kUnresolved;
        std::size_t buckets = 0;  // that name it now
    };
    std::vector<Member> members;  // of an indirect group: those of the group it stands for now
    std::size_t buckets = 0;
    std::size_t references = 0;
    std::vector<GroupId> candidates;  // of an indirect group, best first
};

class NextHops {
  public:
    struct Usage {
        std::size_t next_hops = 0;
        std::size_t groups = 0;
        std::size_t adjacencies = 0;
        std::size_t retired = 0;  // groups and adjacencies that wait for their grace period
    };

    // The grace periods must outlive the table.
    [[nodiscard]] static Result<std::unique_ptr<NextHops>> create(GracePeriods& grace);
    NextHops(const NextHops&) = delete;
    NextHops& operator=(const NextHops&) = delete;
    ~NextHops();

    // Readers. adjacency(bucket(group, hash)) is the whole walk.
    [[nodiscard]] Group group(GroupId id) const noexcept {
        Group value;
        __atomic_load(&groups_[id.value()], &value, __ATOMIC_ACQUIRE);
        return value;
    }
    [[nodiscard]] AdjacencyId bucket(std::uint32_t index) const noexcept {
        return AdjacencyId(__atomic_load_n(&buckets_[index], __ATOMIC_ACQUIRE));
    }
    [[nodiscard]] AdjacencyId bucket(Group group, std::uint32_t flow_hash) const noexcept {
        return bucket(group.first_bucket + (flow_hash & group.bucket_mask));
    }
    [[nodiscard]] const Adjacency& adjacency(AdjacencyId id) const noexcept {
        return adjacencies_[id.value()];
    }
    // For prefetching.
    [[nodiscard]] const Group* groups() const noexcept { return groups_; }
    [[nodiscard]] const std::uint16_t* buckets() const noexcept { return buckets_; }
    [[nodiscard]] const Adjacency* adjacencies() const noexcept { return adjacencies_; }

    // The next hop (attachment, address), made at the first call and unresolved then. Each call is
    // one reference, to be given back with release(). Groups hold their own.
    [[nodiscard]] Result<NextHopId> acquire(AttachmentId attachment, IpAddress address);
    void release(NextHopId id);
    [[nodiscard]] bool has(NextHopId id) const noexcept;
    [[nodiscard]] NextHopInfo info(NextHopId id) const;

    // State of a next hop. Each flips the buckets that must change, at once. kFull: no slot for a
    // new adjacency, and nothing changed.
    [[nodiscard]] Status set_forwarding(NextHopId id, const Adjacency& adjacency) {
        return set_usable(id, NextHopState::kForwarding, adjacency);
    }
    [[nodiscard]] Status set_standby(NextHopId id, const Adjacency& adjacency) {
        return set_usable(id, NextHopState::kStandby, adjacency);
    }
    void set_unresolved(NextHopId id);
    void set_down(NextHopId id);

    // The group of these members, in this order; the same members give the same group. Each call is
    // one reference. A fixed group (special_group()) needs none; retaining or releasing one does
    // nothing.
    [[nodiscard]] Result<GroupId> acquire_group(std::span<const GroupMember> members);
    // The first that lives of these groups, best first, whichever that is at the time; a group of
    // its own only if they differ. One reference; it holds its own on the candidates. kFull.
    [[nodiscard]] Result<GroupId> acquire_fallback(std::span<const GroupId> candidates);
    // A new group that stands for another until redirect(). One reference. kFull.
    [[nodiscard]] Result<GroupId> create_indirect(GroupId target);
    // kInvalid, and nothing changed, where the target depends on the group itself.
    [[nodiscard]] Status redirect(GroupId id, GroupId target);
    [[nodiscard]] bool depends_on(GroupId id, GroupId other) const;  // or is it
    // The group of members, or the fixed one, that an indirect group reads as; itself, of another.
    [[nodiscard]] GroupId direct(GroupId id) const noexcept;
    void retain_group(GroupId id) noexcept;
    void release_group(GroupId id);
    [[nodiscard]] bool has_group(GroupId id) const noexcept;  // the fixed ones included
    [[nodiscard]] GroupInfo group_info(GroupId id) const;
    [[nodiscard]] std::vector<GroupId> group_ids() const;  // ascending, without the fixed ones

    [[nodiscard]] Usage usage() const noexcept;

  private:
    struct NextHop {
        AttachmentId attachment;
        IpAddress address;
        std::uint32_t references = 0;  // 0: a free slot
        NextHopState state = NextHopState::kUnresolved;
        AdjacencyId adjacency{};  // meaningful while usable
        std::vector<GroupId> groups{};
    };
    enum class Life : std::uint8_t { kDead, kUnresolved, kAlive };  // worst first
    struct GroupRecord {
        std::uint32_t references = 0;  // 0: free, fixed or retired
        Life life = Life::kDead;
        std::vector<GroupMember> members{};
        std::optional<BucketPlan> plan{};
        std::vector<GroupId> candidates{};  // of an indirect group
        std::vector<GroupId> dependents{};  // indirect groups that have it as a candidate
    };
    struct Retired {
        enum class What : std::uint8_t { kGroup, kIndirectGroup, kAdjacency };
        std::uint64_t token;
        What what;
        std::uint16_t id;
    };

    NextHops(GracePeriods& grace, Mapping memory);

    [[nodiscard]] static bool is_usable(NextHopState state) noexcept {
        return state == NextHopState::kForwarding || state == NextHopState::kStandby;
    }
    [[nodiscard]] Status set_usable(NextHopId id, NextHopState state, const Adjacency& adjacency);
    void set_state(NextHopId id, NextHopState state, AdjacencyId adjacency);
    void assign_buckets(GroupId id) noexcept;
    [[nodiscard]] static Life life_of(AdjacencyKind kind) noexcept;
    [[nodiscard]] Result<GroupId> add_indirect(std::vector<GroupId> candidates);
    void release_candidates(GroupId id, std::span<const GroupId> candidates);
    void refresh(GroupId id) noexcept;
    void refresh_dependents(const GroupRecord& record) noexcept;
    void publish(GroupId id, Group group) noexcept;
    void retire(Retired::What what, std::uint16_t id);
    void reclaim();
    [[nodiscard]] NextHop& at(NextHopId id) noexcept;
    [[nodiscard]] const NextHop& at(NextHopId id) const noexcept;

    Group* groups_;
    std::uint16_t* buckets_;
    Adjacency* adjacencies_;

    GracePeriods& grace_;
    Mapping memory_;
    BucketSpace bucket_space_;
    std::vector<NextHop> next_hops_;
    std::vector<std::uint32_t> free_next_hops_;
    std::map<std::pair<AttachmentId, IpAddress>, NextHopId> next_hop_ids_;
    std::vector<GroupRecord> group_records_;
    std::map<std::vector<GroupMember>, GroupId> group_ids_;
    std::map<std::vector<GroupId>, GroupId> fallback_ids_;  // by candidates
    std::vector<std::uint16_t> free_groups_;
    std::vector<std::uint16_t> free_adjacencies_;
    std::deque<Retired> retired_;  // in the order of their tokens
};

}  // namespace causeway
