// SPDX-License-Identifier: Apache-2.0
#include "control/fpm/route_feed.h"

#include <linux/rtnetlink.h>

#include <type_traits>
#include <utility>

#include "base/check.h"

namespace causeway {

RouteFeed::RouteFeed(FeedApplier& applier, FpmCounters& counters, const Options& options)
    : applier_(applier), counters_(counters), options_(options) {}

void RouteFeed::map_table(std::uint32_t table, VrfId vrf) {
    Table& entry = tables_[table];
    if (entry.vrf == vrf) return;
    entry.vrf = vrf;
    entry.epoch = ++last_epoch_;
    if (entry.routes != 0) start_scan();
}

void RouteFeed::unmap_table(std::uint32_t table) {
    const auto found = tables_.find(table);
    if (found == tables_.end()) return;
    found->second.vrf.reset();
    if (found->second.routes != 0) {
        start_scan();
    } else {
        tables_.erase(found);
    }
}

void RouteFeed::begin_replay(std::uint64_t now_ns) {
    ++generation_;
    replay_ = Replay::kListening;
    is_sweep_ = false;
    has_spoken_ = false;
    is_silence_noted_ = false;
    connected_ns_ = heard_ns_ = now_ns;
}

void RouteFeed::end_session() {
    replay_ = Replay::kAway;
    is_sweep_ = false;
}

void RouteFeed::hear(const FpmMessage& message, std::uint64_t now_ns) {
    has_spoken_ = true;
    heard_ns_ = now_ns;
    if (const auto* set = std::get_if<FpmSetRoute>(&message)) {
        set_route(*set);
    } else if (const auto* deleted = std::get_if<FpmDeleteRoute>(&message)) {
        if (deleted->protocol == RTPROT_KERNEL) return counters_.count(FpmEvent::kKernelRoute);
        delete_route(deleted->key);
    } else if (const auto* next_hop = std::get_if<FpmSetNextHop>(&message)) {
        set_next_hop(*next_hop);
    } else if (is_holding_) {
        hold_deletion();
    } else {
        delete_next_hop(std::get<FpmDeleteNextHop>(message).id);
    }
}

void RouteFeed::tick(std::uint64_t now_ns) {
    if (replay_ != Replay::kListening || is_holding_) return;
    const bool is_quiet = now_ns - heard_ns_ >= options_.quiet_ns;
    if (!has_spoken_) {
        if (is_quiet && !is_silence_noted_) counters_.count(FpmEvent::kSilentPeer);
        is_silence_noted_ |= is_quiet;
        return;
    }
    const std::uint64_t connected = now_ns - connected_ns_;
    if (connected < options_.sweep_after_ns) return;
    if (!is_quiet && connected < options_.sweep_latest_ns) return;
    replay_ = Replay::kSweeping;
    start_scan();
}

// Routes.

void RouteFeed::set_route(const FpmSetRoute& route) {
    if (route.protocol == RTPROT_KERNEL) {  // it takes the place of the route there was
        counters_.count(FpmEvent::kKernelRoute);
        if (slots_by_key_.contains(route.key)) delete_route(route.key);
        return;
    }
    if (!has_room_for(route)) return;
    counters_.count(FpmEvent::kRouteSet);
    std::uint32_t way = kNone;
    if (const auto* hops = std::get_if<FpmWay>(&route.via)) {
        way = way_of(*hops);
    } else {
        way = object_of(std::get<NextHopObjectId>(route.via)).way;
    }
    const std::uint32_t slot = slot_of(route.key);
    slots_[slot].generation = generation_;
    slots_[slot].doubt = kNoDoubt;
    take_way(slot, way);
    note_waiting(route, ways_[way]);
    if (needs_telling(slots_[slot])) queue_slot(slot);
}

bool RouteFeed::has_room_for(const FpmSetRoute& route) {
    if (slots_by_key_.size() >= options_.routes_max && !slots_by_key_.contains(route.key)) {
        counters_.count(FpmEvent::kRoutesFull, route.key.table);
        return false;
    }
    const auto* id = std::get_if<NextHopObjectId>(&route.via);
    if (id != nullptr && objects_.size() >= options_.next_hops_max && !objects_.contains(*id)) {
        counters_.count(FpmEvent::kNextHopsFull, id->value());
        return false;
    }
    return true;
}

void RouteFeed::note_waiting(const FpmSetRoute& route, const Way& way) {
    if (!way.now) counters_.count(FpmEvent::kUnknownNextHop, way.object.value());
    if (!tables_.at(route.key.table).vrf) counters_.count(FpmEvent::kUnknownTable, route.key.table);
}

void RouteFeed::delete_route(const FpmRouteKey& key) {
    const auto found = slots_by_key_.find(key);
    if (found == slots_by_key_.end() || slots_[found->second].way == kNone)
        return counters_.count(FpmEvent::kUnknownRoute, key.table);
    if (is_holding_) return hold_deletion();
    if (options_.doubts_deletions) {
        if (std::exchange(slots_[found->second].doubt, question_ + 1) != question_ + 1)
            doubted_.push_back(found->second);
        return;
    }
    counters_.count(FpmEvent::kRouteDeleted);
    withdraw(found->second);
}

void RouteFeed::hold_deletion() {
    has_held_ = true;
    counters_.count(FpmEvent::kDeletionHeld);
}

void RouteFeed::hold_deletions() {
    is_holding_ = true;
    for (const std::uint32_t slot : doubted_) {
        if (std::exchange(slots_[slot].doubt, kNoDoubt) != kNoDoubt) hold_deletion();
    }
    doubted_.clear();
    asked_ = 0;
    is_vouched_ = false;
}

void RouteFeed::note_asked() noexcept {
    asked_ = doubted_.size();
    ++question_;
}

// One that was set and deleted again since the question was asked waits for the next.
void RouteFeed::delete_vouched() {
    for (std::size_t i = 0; i < kChangesPerWork && is_vouched_; ++i) {
        const std::uint32_t slot = doubted_.front();
        doubted_.pop_front();
        is_vouched_ = --asked_ != 0;
        if (slots_[slot].doubt != question_) continue;
        slots_[slot].doubt = kNoDoubt;
        if (slots_[slot].way == kNone) continue;  // it was swept meanwhile
        counters_.count(FpmEvent::kRouteDeleted);
        withdraw(slot);
    }
}

void RouteFeed::withdraw(std::uint32_t slot) {
    take_way(slot, kNone);
    queue_slot(slot);
}

std::uint32_t RouteFeed::slot_of(const FpmRouteKey& key) {
    const auto [entry, is_new] = slots_by_key_.try_emplace(key, kNone);
    if (!is_new) return entry->second;
    if (free_slots_.empty()) {
        free_slots_.push_back(static_cast<std::uint32_t>(slots_.size()));
        slots_.emplace_back();
    }
    entry->second = free_slots_.back();
    free_slots_.pop_back();
    slots_[entry->second].key = &entry->first;
    ++tables_[key.table].routes;
    return entry->second;
}

void RouteFeed::free_slot(std::uint32_t slot) {
    const FpmRouteKey key = *slots_[slot].key;
    DCHECK(slots_[slot].way == kNone && slots_[slot].told_way == kNone);
    slots_by_key_.erase(key);
    slots_[slot] = Slot{};
    free_slots_.push_back(slot);
    const auto table = tables_.find(key.table);
    if (--table->second.routes == 0 && !table->second.vrf) tables_.erase(table);
}

void RouteFeed::take_way(std::uint32_t slot, std::uint32_t way) {
    const std::uint32_t before = std::exchange(slots_[slot].way, way);
    if (before == way) return;
    if (way != kNone) ++ways_[way].routes;
    if (before == kNone || --ways_[before].routes != 0) return;
    if (ways_[before].is_held) drop_object_if_unused(ways_[before].object);
    free_way_if_unused(before);
}

void RouteFeed::queue_slot(std::uint32_t slot) {
    if (std::exchange(slots_[slot].is_queued, true)) return;
    queued_slots_.push_back(slot);
}

// Ways.

std::uint32_t RouteFeed::new_way() {
    if (free_ways_.empty()) {
        free_ways_.push_back(static_cast<std::uint32_t>(ways_.size()));
        ways_.emplace_back();
    }
    const std::uint32_t way = free_ways_.back();
    free_ways_.pop_back();
    ways_[way].is_free = false;
    return way;
}

std::uint32_t RouteFeed::way_of(const FpmWay& hops) {
    const auto [entry, is_new] = ways_by_hops_.try_emplace(hops, kNone);
    if (is_new) {
        entry->second = new_way();
        ways_[entry->second].now = hops;
    }
    return entry->second;
}

void RouteFeed::queue_way(std::uint32_t way) {
    if (std::exchange(ways_[way].is_queued, true)) return;
    queued_ways_.push_back(way);
}

// The applier forgets a way that no route takes; we do, too, unless an object holds it.
void RouteFeed::free_way_if_unused(std::uint32_t way) {
    Way& entry = ways_[way];
    if (entry.is_free || entry.routes != 0 || entry.told_routes != 0) return;
    if (entry.told) return queue_way(way);
    if (entry.is_held) return;
    if (entry.object == NextHopObjectId()) ways_by_hops_.erase(*entry.now);
    entry = Way{.is_queued = entry.is_queued};  // the queue may still hold its number
    free_ways_.push_back(way);
}

// What the applier is told.

bool RouteFeed::is_told(const Slot& slot, const Table& table) noexcept {
    return slot.told_way != kNone && table.vrf.has_value() && slot.told_epoch == table.epoch;
}

bool RouteFeed::should_be_told(const Slot& slot, const Table& table) const noexcept {
    return slot.way != kNone && table.vrf.has_value() && ways_[slot.way].now.has_value();
}

bool RouteFeed::needs_telling(const Slot& slot) const {
    const Table& table = tables_.at(slot.key->table);
    if (should_be_told(slot, table)) return !is_told(slot, table) || slot.told_way != slot.way;
    return slot.told_way != kNone || slot.way == kNone;
}

bool RouteFeed::has_work() const noexcept {
    return !queued_ways_.empty() || !queued_slots_.empty() || scan_left_ != 0 || is_vouched_;
}

void RouteFeed::work() {
    changes_.clear();
    delete_vouched();
    while (!queued_ways_.empty() && changes_.size() < kChangesPerWork) {
        const std::uint32_t way = queued_ways_.front();
        queued_ways_.pop_front();
        tell_way(way);
    }
    scan();
    // One slot may need two changes: its way and itself.
    while (!queued_slots_.empty() && changes_.size() + 1 < kChangesPerWork) {
        const std::uint32_t slot = queued_slots_.front();
        queued_slots_.pop_front();
        tell_slot(slot);
    }
    if (!changes_.empty()) applier_.apply(changes_);
}

void RouteFeed::start_scan() noexcept {
    if (scan_left_ != 0) {
        scan_again_ = true;
        return;
    }
    scan_left_ = slots_.size();
    is_sweep_ = replay_ == Replay::kSweeping;
    if (scan_left_ == 0) end_scan();
}

// Slots that are made while it is under way queue themselves.
void RouteFeed::scan() {
    if (scan_left_ == 0) return;
    // What is found waits in the queue; a full one is emptied first.
    if (queued_slots_.size() >= kScannedPerWork) return;
    for (std::size_t i = 0; i < kScannedPerWork && scan_left_ != 0; ++i) {
        const auto slot = static_cast<std::uint32_t>(--scan_left_);
        const Slot& entry = slots_[slot];
        if (entry.key == nullptr) continue;
        if (is_sweep_ && entry.way != kNone && entry.generation != generation_) {
            counters_.count(FpmEvent::kSweptRoute);
            withdraw(slot);
        } else if (needs_telling(entry)) {
            queue_slot(slot);
        }
    }
    if (scan_left_ == 0) end_scan();
}

void RouteFeed::end_scan() {
    if (std::exchange(is_sweep_, false)) {
        replay_ = Replay::kDone;
        sweep_next_hops();
        settled_next_hops_ = objects_.size();
    }
    if (std::exchange(scan_again_, false)) start_scan();
}

void RouteFeed::tell_way(std::uint32_t way) {
    Way& entry = ways_[way];
    entry.is_queued = false;
    if (entry.is_free || !entry.told) return;
    if (entry.routes == 0 && entry.told_routes == 0) {
        changes_.emplace_back(FeedForgetWay{FeedWayId(way)});
        entry.told.reset();
        free_way_if_unused(way);
    } else if (entry.now != entry.told) {
        entry.told = entry.now;
        changes_.emplace_back(FeedSetWay{FeedWayId(way), *entry.now});
    }
}

void RouteFeed::tell_slot(std::uint32_t slot) {
    Slot& entry = slots_[slot];
    entry.is_queued = false;
    const Table& table = tables_.at(entry.key->table);
    if (should_be_told(entry, table)) {
        if (is_told(entry, table) && entry.told_way == entry.way) return;
        if (Way& way = ways_[entry.way]; !way.told) {
            way.told = way.now;
            changes_.emplace_back(FeedSetWay{FeedWayId(entry.way), *way.now});
        }
        changes_.emplace_back(FeedSetRoute{*table.vrf, entry.key->prefix, FeedWayId(entry.way)});
        entry.told_epoch = table.epoch;
        return set_told_way(entry, entry.way);
    }
    if (is_told(entry, table))
        changes_.emplace_back(FeedRemoveRoute{*table.vrf, entry.key->prefix});
    set_told_way(entry, kNone);
    if (entry.way == kNone) free_slot(slot);
}

void RouteFeed::set_told_way(Slot& slot, std::uint32_t way) {
    const std::uint32_t before = std::exchange(slot.told_way, way);
    if (before == way) return;
    if (way != kNone) ++ways_[way].told_routes;
    if (before == kNone) return;
    --ways_[before].told_routes;
    free_way_if_unused(before);
}

}  // namespace causeway
