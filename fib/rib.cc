// SPDX-License-Identifier: Apache-2.0
#include "fib/rib.h"

#include <algorithm>
#include <bitset>
#include <string>
#include <unordered_map>
#include <utility>

#include "base/check.h"
#include "base/text.h"

namespace causeway {
namespace {

constexpr std::size_t index_of(RouteSource source) noexcept {
    return static_cast<std::size_t>(source);
}

Unexpected no_such_vrf(VrfId vrf) {
    return Unexpected(ErrorCode::kNotFound,
                      "there is no VRF number " + std::to_string(vrf.value()));
}

template <class PrefixT>
Unexpected no_such_route(PrefixT prefix, RouteSource source) {
    return Unexpected(ErrorCode::kNotFound, "there is no " + std::string(to_string(source)) +
                                                " route to " + to_string(prefix));
}

// The routes of a prefix that has several. Few prefixes do.
struct Rivals {
    std::array<GroupId, kRouteSources> groups{};  // by source; kNoRouteGroup: has none
    std::bitset<kRouteSources> stale;

    [[nodiscard]] std::size_t count() const noexcept {
        return groups.size() -
               static_cast<std::size_t>(std::count(groups.begin(), groups.end(), kNoRouteGroup));
    }
    [[nodiscard]] RouteSource best() const noexcept {
        const auto found = std::find_if(groups.begin(), groups.end(),
                                        [](GroupId group) { return group != kNoRouteGroup; });
        CHECK(found != groups.end());
        return static_cast<RouteSource>(found - groups.begin());
    }
};

}  // namespace

// A prefix with one route: its entry has the route's group, and the route's reference. With
// several: the rivals have those, and the entry a reference of its own on the fallback group of
// them all.
template <class FibT>
struct Rib<FibT>::Vrf {
    Table table;
    std::unordered_map<Prefix, Rivals> rivals;
    RouteCounts counts{};
    std::size_t route_count = 0;

    // All routes of the prefix of this entry, best first.
    void list(const Entry& entry, std::vector<Route>& routes) const;
    [[nodiscard]] bool has(const Entry& entry, RouteSource source) const {
        return entry.has_rivals
                   ? rivals.at(entry.prefix()).groups[index_of(source)] != kNoRouteGroup
                   : entry.source == source;
    }
    [[nodiscard]] bool is_stale(const Entry& entry, RouteSource source) const {
        return entry.has_rivals ? rivals.at(entry.prefix()).stale.test(index_of(source))
                                : entry.source == source && entry.is_stale;
    }
};

template <class FibT>
void Rib<FibT>::Vrf::list(const Entry& entry, std::vector<Route>& routes) const {
    if (!entry.has_rivals) {
        routes.push_back({.prefix = entry.prefix(),
                          .source = entry.source,
                          .group = entry.group,
                          .is_best = true,
                          .is_stale = entry.is_stale});
        return;
    }
    const Rivals& all = rivals.at(entry.prefix());
    for (std::size_t i = 0; i < kRouteSources; ++i) {
        if (all.groups[i] == kNoRouteGroup) continue;
        const auto source = static_cast<RouteSource>(i);
        routes.push_back({.prefix = entry.prefix(),
                          .source = source,
                          .group = all.groups[i],
                          .is_best = source == entry.source,
                          .is_stale = all.stale.test(i)});
    }
}

template <class FibT>
Rib<FibT>::Rib(FibT& fib, NextHops& next_hops, const Options& options)
    : fib_(fib), next_hops_(next_hops), options_(options), vrfs_(kVrfsMax) {}

template <class FibT>
Rib<FibT>::~Rib() = default;

template <class FibT>
auto Rib<FibT>::vrf_at(VrfId id) const noexcept -> Vrf* {
    return id.value() < vrfs_.size() ? vrfs_[id.value()].get() : nullptr;
}

template <class FibT>
bool Rib<FibT>::has_vrf(VrfId vrf) const noexcept {
    return vrf_at(vrf) != nullptr;
}

template <class FibT>
Status Rib<FibT>::create_vrf(VrfId vrf) {
    if (Status status = fib_.open_vrf(vrf); !status) return status;
    vrfs_[vrf.value()] = std::make_unique<Vrf>();
    return ok();
}

template <class FibT>
Status Rib<FibT>::destroy_vrf(VrfId id) {
    if (!has_vrf(id)) return no_such_vrf(id);
    // Groups are released only after no entry names them any more.
    fib_.close_vrf(id);
    const std::unique_ptr<Vrf> vrf = std::move(vrfs_[id.value()]);
    route_count_ -= vrf->route_count;
    for (auto place = vrf->table.begin(); vrf->table.at(place) != nullptr;
         place = vrf->table.next(place)) {
        next_hops_.release_group(vrf->table.at(place)->group);
    }
    for (const auto& [prefix, all] : vrf->rivals) {
        for (const GroupId group : all.groups) next_hops_.release_group(group);
    }
    return ok();
}

template <class FibT>
Status Rib<FibT>::add(VrfId vrf, Prefix prefix, RouteSource source, GroupId group) {
    const Result<GroupId> before =
        set_retained({.source = source, .vrf = vrf, .prefix = prefix, .group = group});
    if (!before) return Unexpected(before.error());
    next_hops_.release_group(*before);
    return ok();
}

template <class FibT>
Status Rib<FibT>::remove(VrfId vrf, Prefix prefix, RouteSource source) {
    const Result<GroupId> before = unset(vrf, prefix, source);
    if (!before) return Unexpected(before.error());
    settle();
    next_hops_.release_group(*before);
    return ok();
}

template <class FibT>
std::optional<BatchError> Rib<FibT>::apply(std::span<const Change> changes) {
    auto error = start(changes);
    if (!error) keep();
    return error;
}

template <class FibT>
std::optional<BatchError> Rib<FibT>::start(std::span<const Change> changes) {
    constexpr std::size_t kAhead = 4;  // changes whose entries are fetched meanwhile
    CHECK(before_.empty());
    started_ = changes;
    before_.reserve(changes.size());
    for (const Change& change : changes) {
        if (before_.size() % kBurstSizeMax == 0) warm_up(changes.subspan(before_.size()));
        if (before_.size() + kAhead < changes.size()) {
            const Change& later = changes[before_.size() + kAhead];
            if (const Vrf* const vrf = vrf_at(later.vrf)) vrf->table.prefetch(later.prefix);
        }
        const Result<GroupId> replaced = change.action == Change::Action::kAdd
                                             ? set_retained(change)
                                             : unset(change.vrf, change.prefix, change.source);
        if (!replaced) {
            const std::size_t failed = before_.size();
            undo();
            return BatchError{.index = failed, .error = replaced.error()};
        }
        before_.push_back(*replaced);
    }
    return std::nullopt;
}

// A bulk lookup of what comes next: the FIB's memory for these prefixes is fetched for all of them
// at a time, where each change by itself would wait for it level by level.
template <class FibT>
void Rib<FibT>::warm_up(std::span<const Change> changes) const {
    std::array<typename FibT::Key, kBurstSizeMax> keys;
    std::array<GroupId, kBurstSizeMax> unused;
    const std::size_t count = std::min(changes.size(), keys.size());
    for (std::size_t i = 0; i < count; ++i) keys[i] = {changes[i].vrf, changes[i].prefix.address()};
    fib_.lookup(std::span(keys).first(count), std::span(unused).first(count));
}

template <class FibT>
void Rib<FibT>::keep() {
    settle();
    for (const GroupId group : before_) next_hops_.release_group(group);
    before_.clear();
}

// Last first. None of it can fail: memory that the routes had is still held, and there were as many
// routes before.
template <class FibT>
void Rib<FibT>::undo() {
    for (; !before_.empty(); before_.pop_back()) {
        const Change& change = started_[before_.size() - 1];
        const GroupId before = before_.back();
        const Result<GroupId> undone = before == kNoRouteGroup
                                           ? unset(change.vrf, change.prefix, change.source)
                                           : set(change.vrf, change.prefix, change.source, before);
        CHECK(undone.has_value());
        next_hops_.release_group(*undone);
    }
    settle();
}

template <class FibT>
Result<GroupId> Rib<FibT>::set_retained(const Change& change) {
    if (change.group == kNoRouteGroup || !next_hops_.has_group(change.group)) {
        return Unexpected(ErrorCode::kNotFound, "there is no next-hop group number " +
                                                    std::to_string(change.group.value()));
    }
    next_hops_.retain_group(change.group);
    Result<GroupId> before = set(change.vrf, change.prefix, change.source, change.group);
    if (!before) next_hops_.release_group(change.group);
    return before;
}

// Gives the prefix this route of this source, and with it a reference on the group. Returns the
// group of the route it replaces, with its reference, or kNoRouteGroup.
template <class FibT>
Result<GroupId> Rib<FibT>::set(VrfId id, Prefix prefix, RouteSource source, GroupId group) {
    Vrf* const vrf = vrf_at(id);
    if (vrf == nullptr) return no_such_vrf(id);
    Position place = vrf->table.seek(prefix);
    Entry* const entry = vrf->table.at(place, prefix);
    if (entry != nullptr && !entry->has_rivals && entry->source == source) {
        entry->is_stale = false;
        const GroupId before = std::exchange(entry->group, group);
        if (before != group) compile(id, *vrf, vrf->table.next(place), prefix, group);
        return before;
    }
    const bool is_new = entry == nullptr || !vrf->has(*entry, source);
    if (is_new) {
        if (Status status = check_room(*vrf); !status) return Unexpected(status.error());
    }
    GroupId before = kNoRouteGroup;
    if (entry != nullptr) {
        before = set_rival(id, *vrf, place, source, group);
    } else {
        if (Status status = fib_.hold(id, prefix); !status) {
            ++refusals_.fib_full;
            return Unexpected(status.error());
        }
        place = vrf->table.insert(place, prefix, source, group);
        compile(id, *vrf, vrf->table.next(place), prefix, group);
    }
    if (is_new) {
        ++vrf->counts[index_of(source)];
        ++vrf->route_count;
        ++route_count_;
    }
    return before;
}

// Takes this source's route from the prefix. Returns its group, with its reference.
template <class FibT>
Result<GroupId> Rib<FibT>::unset(VrfId id, Prefix prefix, RouteSource source) {
    Vrf* const vrf = vrf_at(id);
    if (vrf == nullptr) return no_such_vrf(id);
    const Position place = vrf->table.seek(prefix);
    const Entry* const entry = vrf->table.at(place, prefix);
    if (entry == nullptr || !vrf->has(*entry, source)) return no_such_route(prefix, source);
    const GroupId before =
        entry->has_rivals ? unset_rival(id, *vrf, place, source) : erase(id, *vrf, place);
    --vrf->counts[index_of(source)];
    --vrf->route_count;
    --route_count_;
    return before;
}

// set(), where the prefix has a route of another source.
template <class FibT>
GroupId Rib<FibT>::set_rival(VrfId id, Vrf& vrf, Position place, RouteSource source,
                             GroupId group) {
    Entry& entry = *vrf.table.at(place);
    Rivals& all = vrf.rivals[entry.prefix()];
    if (!entry.has_rivals) {
        all.groups[index_of(entry.source)] = entry.group;  // with its reference
        all.stale.set(index_of(entry.source), entry.is_stale);
        next_hops_.retain_group(entry.group);  // the entry's own from now on
        entry.has_rivals = true;
        entry.is_stale = false;
    }
    all.stale.reset(index_of(source));
    const GroupId before = std::exchange(all.groups[index_of(source)], group);
    if (before != group) elect(id, vrf, place);
    return before;
}

template <class FibT>
GroupId Rib<FibT>::unset_rival(VrfId id, Vrf& vrf, Position place, RouteSource source) {
    Entry& entry = *vrf.table.at(place);
    const auto found = vrf.rivals.find(entry.prefix());
    Rivals& all = found->second;
    const GroupId before = std::exchange(all.groups[index_of(source)], kNoRouteGroup);
    all.stale.reset(index_of(source));
    elect(id, vrf, place);
    if (all.count() == 1) {
        const std::size_t last = index_of(entry.source);
        entry.has_rivals = false;
        entry.is_stale = all.stale.test(last);
        next_hops_.release_group(all.groups[last]);  // the entry has one of its own
        vrf.rivals.erase(found);
    }
    return before;
}

// Lets the prefix forward to the first of its rivals that lives, whichever that is at the time. If
// there is no group left for that, to the first.
template <class FibT>
void Rib<FibT>::elect(VrfId id, Vrf& vrf, Position place) {
    Entry& entry = *vrf.table.at(place);
    const Rivals& all = vrf.rivals.at(entry.prefix());
    entry.source = all.best();
    std::vector<GroupId> candidates;
    std::copy_if(all.groups.begin(), all.groups.end(), std::back_inserter(candidates),
                 [](GroupId group) { return group != kNoRouteGroup; });
    const Result<GroupId> fallback = next_hops_.acquire_fallback(candidates);
    if (!fallback) next_hops_.retain_group(candidates.front());
    const GroupId before = std::exchange(entry.group, fallback ? *fallback : candidates.front());
    if (before != entry.group) {
        compile(id, vrf, vrf.table.next(place), entry.prefix(), entry.group);
    }
    next_hops_.release_group(before);
}

template <class FibT>
Status Rib<FibT>::check_room(const Vrf& vrf) {
    if (vrf.route_count >= options_.routes_per_vrf_max) {
        ++refusals_.vrf_full;
        return Unexpected(
            ErrorCode::kFull,
            "the VRF has its limit of " + std::to_string(options_.routes_per_vrf_max) + " routes");
    }
    if (route_count_ >= options_.routes_max) {
        ++refusals_.table_full;
        return Unexpected(ErrorCode::kFull, "there are " + std::to_string(options_.routes_max) +
                                                " routes, which is the limit");
    }
    return ok();
}

// The covering route takes the prefix's addresses over; /0 does so by itself, where there is no
// entry.
template <class FibT>
GroupId Rib<FibT>::erase(VrfId id, Vrf& vrf, Position place) {
    const Entry entry = *vrf.table.at(place);
    const Entry* const parent = vrf.table.parent(entry);
    const GroupId group = parent != nullptr ? parent->group : kNoRouteGroup;
    const Prefix prefix = entry.prefix();
    compile(id, vrf, vrf.table.erase(place), prefix, group);
    fib_.drop(id, prefix);
    dropped_.push_back({id, prefix});
    return entry.group;
}

// Writes the group to the addresses of the prefix that no longer prefix has for itself.
template <class FibT>
void Rib<FibT>::compile(VrfId id, const Vrf& vrf, Position after, Prefix prefix, GroupId group) {
    if (prefix.length() == 0) {
        fib_.set_default(id, group);
    } else {
        const Address last = prefix.last();
        typename Address::Number next = prefix.first().value();  // the first not dealt with
        bool is_done = false;
        for (Position place = after; !is_done; place = vrf.table.next(place)) {
            const Entry* const entry = vrf.table.at(place);
            if (entry == nullptr || entry->address > last) break;
            if (next < entry->address.value()) {
                fib_.fill(id, Address(next), Address(entry->address.value() - 1), group);
            }
            const Address end = entry->prefix().last();
            next = std::max(next, end.value() + 1);
            is_done = end == last;
        }
        if (!is_done) fib_.fill(id, Address(next), last, group);
    }
    if (observer_.route_changed != nullptr) observer_.route_changed(observer_.context, id, prefix);
}

// Gives back the memory that removals have left without a holder. Not before the end of a batch:
// until then it may be needed to undo it.
template <class FibT>
void Rib<FibT>::settle() {
    for (const auto& [vrf, prefix] : dropped_) fib_.collapse(vrf, prefix);
    dropped_.clear();
}

template <class FibT>
Status Rib<FibT>::mark_stale(VrfId id, RouteSource source) {
    Vrf* const vrf = vrf_at(id);
    if (vrf == nullptr) return no_such_vrf(id);
    for (Position place = vrf->table.begin(); vrf->table.at(place) != nullptr;
         place = vrf->table.next(place)) {
        Entry& entry = *vrf->table.at(place);
        if (!entry.has_rivals && entry.source == source) entry.is_stale = true;
    }
    for (auto& [prefix, all] : vrf->rivals) {
        if (all.groups[index_of(source)] != kNoRouteGroup) all.stale.set(index_of(source));
    }
    return ok();
}

template <class FibT>
auto Rib<FibT>::sweep_stale(VrfId id, RouteSource source, std::optional<Prefix> after,
                            std::size_t prefixes_max) -> Result<Sweep> {
    Vrf* const vrf = vrf_at(id);
    if (vrf == nullptr) return no_such_vrf(id);
    if (prefixes_max == 0) return Unexpected(ErrorCode::kInvalid, "a sweep has a prefix at least");
    std::vector<Prefix> stale;
    Sweep sweep;
    std::optional<Prefix> last;
    Position place = after ? vrf->table.after(*after) : vrf->table.begin();
    for (std::size_t prefixes = 0; vrf->table.at(place) != nullptr; ++prefixes) {
        if (prefixes == prefixes_max) {
            sweep.next = last;
            break;
        }
        const Entry& entry = *vrf->table.at(place);
        last = entry.prefix();
        if (vrf->is_stale(entry, source)) stale.push_back(*last);
        place = vrf->table.next(place);
    }
    for (const Prefix prefix : stale) sweep.removed.push_back(unset(id, prefix, source).value());
    settle();
    for (const GroupId group : sweep.removed) next_hops_.release_group(group);
    return sweep;
}

template <class FibT>
auto Rib<FibT>::explain(VrfId id, Address address) const -> Result<std::vector<Route>> {
    const Vrf* const vrf = vrf_at(id);
    if (vrf == nullptr) return no_such_vrf(id);
    std::vector<Route> routes;
    for (const Entry* const entry : vrf->table.matches(address)) vrf->list(*entry, routes);
    return routes;
}

template <class FibT>
GroupId Rib<FibT>::resolve(VrfId id, Address address) const {
    const Vrf* const vrf = vrf_at(id);
    if (vrf == nullptr) return kNoRouteGroup;
    const std::vector<const Entry*> matches = vrf->table.matches(address);
    const bool has_route = !matches.empty() && matches.front()->length != 0;
    return has_route ? matches.front()->group : kNoRouteGroup;
}

template <class FibT>
auto Rib<FibT>::find(VrfId id, Prefix prefix) const -> std::vector<Route> {
    std::vector<Route> routes;
    const Vrf* const vrf = vrf_at(id);
    const Entry* const entry = vrf != nullptr ? vrf->table.find(prefix) : nullptr;
    if (entry != nullptr) vrf->list(*entry, routes);
    return routes;
}

template <class FibT>
auto Rib<FibT>::dump(VrfId id, std::optional<Prefix> after, std::size_t prefixes_max) const
    -> Result<Page> {
    const Vrf* const vrf = vrf_at(id);
    if (vrf == nullptr) return no_such_vrf(id);
    if (prefixes_max == 0) return Unexpected(ErrorCode::kInvalid, "a page has a prefix at least");
    Page page;
    auto place = after ? vrf->table.after(*after) : vrf->table.begin();
    for (std::size_t prefixes = 0; vrf->table.at(place) != nullptr; ++prefixes) {
        if (prefixes == prefixes_max) {
            page.next = page.routes.back().prefix;
            break;
        }
        vrf->list(*vrf->table.at(place), page.routes);
        place = vrf->table.next(place);
    }
    return page;
}

template <class FibT>
Result<RouteCounts> Rib<FibT>::counts(VrfId id) const {
    const Vrf* const vrf = vrf_at(id);
    if (vrf == nullptr) return no_such_vrf(id);
    return vrf->counts;
}

template class Rib<Fib4>;
template class Rib<Fib6>;

}  // namespace causeway
