// SPDX-License-Identifier: Apache-2.0
//
// RouteFeed: what zebra has told over FPM, kept, and passed on to whoever has the RIB, step by
// step.
//
// Thread safety: control thread only.
//
// Invariants
//   (1) A route is passed on if and only if its table is mapped to a VRF and its way is known. The
//       others wait: for their next-hop object, or for their table.
//   (2) The applier learns of a way before the first route that takes it, and loses it only after
//       the last one has gone. A change of a way is one change, however many routes take it.
//   (3) hear() only notes; the applier is called from work() alone, at most kChangesPerWork changes
//       a call, and several changes of one route before it become one.
//   (4) What zebra told stays when zebra goes. When it is back, what it does not repeat is swept,
//       but only after it said something, was silent for `quiet_ns`, and `sweep_after_ns` have
//       passed since it connected: FPM has no end-of-replay mark, zebra pauses for a second at a
//       time while it replays, and BGP sessions that went with it need time to return. One that is
//       never silent has repeated all it has by `sweep_latest_ns`.
//   (5) Between hold_deletions() and heed_deletions() nothing is deleted and nothing swept. Where
//       something would have been, only a replay after that tells what is gone for good.
//   (6) With `doubts_deletions`, a route that zebra deletes stays until vouch() answers a question
//       that was asked after it; or, where hold_deletions() comes first, for as long as (5) says.
//
// Next-hop objects
//   Routes may name an object before it is told of, and groups their members. A group has the known
//   ones of its members. An object that is deleted while routes still take it, or replaced by a
//   group of which no member is known, keeps its last way until they let go or the members come:
//   traffic goes on, and zebra deletes nothing that its routes need.
//
// Theory of operation
//   Routes lie in slots. A change queues the slot; work() compares what a slot should be with what
//   the applier was told, and tells the difference. Events that concern many routes at once (a way
//   becomes known, a table is mapped, a sweep) start a scan over all slots instead, which work()
//   does piece by piece.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "base/limits.h"
#include "base/types.h"
#include "control/fpm/fpm_counters.h"
#include "control/fpm/fpm_messages.h"

namespace causeway {

using FeedWayId = Id<struct FeedWayTag, std::uint32_t>;  // reused after kForgetWay

struct FeedSetWay {  // new, or changed for all routes that take it
    FeedWayId id;
    FpmWay way;
};
struct FeedForgetWay {
    FeedWayId id;
};
struct FeedSetRoute {  // new, or from another way to this one
    VrfId vrf;
    IpPrefix prefix;
    FeedWayId way;
};
struct FeedRemoveRoute {
    VrfId vrf;
    IpPrefix prefix;
};
using FeedChange = std::variant<FeedSetWay, FeedForgetWay, FeedSetRoute, FeedRemoveRoute>;

class FeedApplier {
  public:
    virtual ~FeedApplier() = default;
    // In their order. What the RIB refuses, the applier counts; the feed does not say it again.
    // Must not call the feed.
    virtual void apply(std::span<const FeedChange> changes) = 0;
};

class RouteFeed {
  public:
    static constexpr std::size_t kChangesPerWork = 256;
    static constexpr std::size_t kScannedPerWork = 4'096;

    struct Options {
        std::uint64_t quiet_ns = 10'000'000'000;          // well above zebra's pauses of 1 s
        std::uint64_t sweep_after_ns = 120'000'000'000;   // the restart time of RFC 4724 in FRR
        std::uint64_t sweep_latest_ns = 600'000'000'000;  // a full table takes a minute
        std::size_t routes_max = kRoutesMax;
        std::size_t next_hops_max = kNextHopsMax;
        bool doubts_deletions = false;
    };

    // The applier must outlive the feed.
    RouteFeed(FeedApplier& applier, FpmCounters& counters, const Options& options);

    void set_options(const Options& options) { options_ = options; }

    // Routes of the table belong to the VRF from now on. Of a table that was mapped to another VRF,
    // or is mapped no more, the routes are forgotten without a change: they went with their VRF,
    // which the owner has destroyed.
    void map_table(std::uint32_t table, VrfId vrf);
    void unmap_table(std::uint32_t table);

    // zebra is there, and is about to tell everything again.
    void begin_replay(std::uint64_t now_ns);
    void end_session();  // it is gone: no sweep until it is back
    void hear(const FpmMessage& message, std::uint64_t now_ns);
    // The protocol whose routes zebra has is away: what zebra deletes now nobody has withdrawn, nor
    // what it has deleted and nobody has vouched for.
    void hold_deletions();
    // True: some were held, so a replay is needed.
    [[nodiscard]] bool heed_deletions() noexcept {
        is_holding_ = false;
        return std::exchange(has_held_, false);
    }
    // A protocol that ends withdraws its routes before, and this looks like any withdrawal; but it
    // answers nobody any more. So who was asked after a deletion, and answers, meant it.
    [[nodiscard]] bool has_question() const noexcept { return asked_ == 0 && !doubted_.empty(); }
    void note_asked() noexcept;
    void vouch() noexcept { is_vouched_ = asked_ != 0; }

    // Begins the sweep when it is time. To be called now and then.
    void tick(std::uint64_t now_ns);

    // Passes on one slice of what waits.
    void work();
    [[nodiscard]] bool has_work() const noexcept;

    [[nodiscard]] std::size_t route_count() const noexcept { return slots_by_key_.size(); }
    [[nodiscard]] std::size_t next_hop_count() const noexcept { return objects_.size(); }
    // zebra has said nothing of the end of many next-hop objects: those of an interface that goes
    // down leave its kernel without a word over FPM. Told everything again, we would know which.
    [[nodiscard]] bool wants_replay() const noexcept {
        return is_settled() && objects_.size() > settled_next_hops_ &&
               objects_.size() - settled_next_hops_ >
                   (options_.next_hops_max - settled_next_hops_) / 2;
    }
    // zebra is replaying, or is away: some routes may be stale.
    [[nodiscard]] bool is_settled() const noexcept { return replay_ == Replay::kDone; }

  private:
    enum class Replay : std::uint8_t { kAway, kListening, kSweeping, kDone };
    static constexpr std::uint32_t kNone = UINT32_MAX;
    static constexpr std::uint64_t kNoDoubt = 0;

    // The epoch changes with each mapping, so what was told under another counts for nothing.
    struct Table {
        std::optional<VrfId> vrf;
        std::uint64_t epoch = 0;
        std::size_t routes = 0;
    };
    struct Slot {
        const FpmRouteKey* key = nullptr;  // in slots_by_key_; null: free
        std::uint64_t told_epoch = 0;      // of its table, when the applier was told
        std::uint64_t doubt = kNoDoubt;    // it is deleted when this question is answered
        std::uint32_t way = kNone;         // that it should take; kNone: it is deleted
        std::uint32_t told_way = kNone;    // that the applier knows of
        std::uint32_t generation = 0;      // of the replay in which it was last repeated
        bool is_queued = false;
    };
    struct Way {
        std::optional<FpmWay> now;    // nothing: not known
        std::optional<FpmWay> told;   // what the applier knows
        std::size_t routes = 0;       // slots whose way it is
        std::size_t told_routes = 0;  // slots whose told_way it is
        NextHopObjectId object;       // 0: of routes that name their hops themselves
        bool is_held = false;         // by an object of objects_
        bool is_queued = false;
        bool is_free = true;
    };
    struct Object {
        std::uint32_t way = kNone;
        std::optional<std::variant<FpmWay, FpmGroupMembers>> definition;  // nothing: only named
        std::uint32_t generation = 0;
    };

    void set_route(const FpmSetRoute& route);
    void delete_route(const FpmRouteKey& key);
    void hold_deletion();
    void delete_vouched();
    void set_next_hop(const FpmSetNextHop& next_hop);
    void delete_next_hop(NextHopObjectId id);

    [[nodiscard]] std::uint32_t slot_of(const FpmRouteKey& key);
    [[nodiscard]] bool has_room_for(const FpmSetRoute& route);
    void note_waiting(const FpmSetRoute& route, const Way& way);
    void withdraw(std::uint32_t slot);
    void take_way(std::uint32_t slot, std::uint32_t way);
    void free_slot(std::uint32_t slot);
    void queue_slot(std::uint32_t slot);
    void queue_way(std::uint32_t way);
    void start_scan() noexcept;

    [[nodiscard]] std::uint32_t new_way();
    [[nodiscard]] std::uint32_t way_of(const FpmWay& hops);
    [[nodiscard]] Object& object_of(NextHopObjectId id);
    void drop_object_if_unused(NextHopObjectId id);
    void free_way_if_unused(std::uint32_t way);
    void set_members(NextHopObjectId group, const Object& object);
    void clear_members(NextHopObjectId group, const Object& object);
    [[nodiscard]] std::optional<FpmWay> resolve(const Object& object) const;
    void resolve_again(NextHopObjectId id);
    void resolve_with_groups(NextHopObjectId id);

    [[nodiscard]] static bool is_told(const Slot& slot, const Table& table) noexcept;
    [[nodiscard]] bool should_be_told(const Slot& slot, const Table& table) const noexcept;
    [[nodiscard]] bool needs_telling(const Slot& slot) const;
    void scan();
    void end_scan();
    void sweep_next_hops();
    void tell_way(std::uint32_t way);
    void tell_slot(std::uint32_t slot);
    void set_told_way(Slot& slot, std::uint32_t way);

    FeedApplier& applier_;
    FpmCounters& counters_;
    Options options_;

    std::unordered_map<std::uint32_t, Table> tables_;
    std::uint64_t last_epoch_ = 0;

    std::unordered_map<FpmRouteKey, std::uint32_t> slots_by_key_;
    std::vector<Slot> slots_;
    std::vector<std::uint32_t> free_slots_;
    std::deque<std::uint32_t> queued_slots_;

    std::deque<Way> ways_;
    std::vector<std::uint32_t> free_ways_;
    std::deque<std::uint32_t> queued_ways_;
    std::map<FpmWay, std::uint32_t> ways_by_hops_;
    std::unordered_map<NextHopObjectId, Object> objects_;
    std::unordered_map<NextHopObjectId, std::set<NextHopObjectId>> groups_of_;  // by member

    Replay replay_ = Replay::kAway;
    std::uint32_t generation_ = 0;
    bool is_holding_ = false;
    bool has_held_ = false;
    std::deque<std::uint32_t> doubted_;  // slots, some of which have been set again since
    std::size_t asked_ = 0;              // of these, the first
    std::uint64_t question_ = 0;         // the last that was asked
    bool is_vouched_ = false;            // it is answered, and not all of them are deleted yet
    bool has_spoken_ = false;
    bool is_silence_noted_ = false;
    std::uint64_t connected_ns_ = 0;
    std::uint64_t heard_ns_ = 0;
    std::size_t settled_next_hops_ = 0;  // objects there were after the last sweep

    std::size_t scan_left_ = 0;        // slots of the scan under way, which goes downwards
    bool scan_again_ = false;          // something happened that it may have passed already
    bool is_sweep_ = false;            // the scan under way began when sweeping had
    std::vector<FeedChange> changes_;  // of this slice
};

}  // namespace causeway
