// SPDX-License-Identifier: Apache-2.0
#include "fib/rib.h"

#include <algorithm>
#include <string>
#include <unordered_map>
#include <utility>

#include "base/check.h"
#include "base/text.h"

namespace causeway {
namespace {

using GroupBySource = std::array<GroupId, kRouteSources>;

constexpr std::size_t index_of(RouteSource source) noexcept {
    return static_cast<std::size_t>(source);
}

Unexpected no_such_vrf(VrfId vrf) {
    return Unexpected(ErrorCode::kNotFound,
                      "there is no VRF number " + std::to_string(vrf.value()));
}

Unexpected no_such_route(Ipv4Prefix prefix, RouteSource source) {
    return Unexpected(ErrorCode::kNotFound, "there is no " + std::string(to_string(source)) +
                                                " route to " + to_string(prefix));
}

}  // namespace

struct Rib::Vrf {
    PrefixTable table;
    // Routes that are not the best of their prefix, kNoRouteGroup where a source has none. Few
    // prefixes have more than one route.
    std::unordered_map<std::uint64_t, GroupBySource> others;
    RouteCounts counts{};
    std::size_t route_count = 0;

    [[nodiscard]] static std::uint64_t key_of(Ipv4Prefix prefix) noexcept {
        return std::uint64_t{prefix.address().value()} << 8 |
               static_cast<std::uint64_t>(prefix.length());
    }
    // All routes of the prefix of this entry, best first.
    void list(const PrefixEntry& entry, std::vector<Route>& routes) const;
};

void Rib::Vrf::list(const PrefixEntry& entry, std::vector<Route>& routes) const {
    routes.push_back(
        {.prefix = entry.prefix(), .source = entry.source, .group = entry.group, .is_best = true});
    const auto found = others.find(key_of(entry.prefix()));
    if (found == others.end()) return;
    for (std::size_t i = 0; i < kRouteSources; ++i) {
        if (found->second[i] == kNoRouteGroup) continue;
        routes.push_back({.prefix = entry.prefix(),
                          .source = static_cast<RouteSource>(i),
                          .group = found->second[i],
                          .is_best = false});
    }
}

Rib::Rib(Fib4& fib, NextHops& next_hops, const Options& options)
    : fib_(fib), next_hops_(next_hops), options_(options), vrfs_(kVrfsMax) {}

Rib::~Rib() = default;

Rib::Vrf* Rib::vrf_at(VrfId id) const noexcept {
    return id.value() < vrfs_.size() ? vrfs_[id.value()].get() : nullptr;
}

bool Rib::has_vrf(VrfId vrf) const noexcept {
    return vrf_at(vrf) != nullptr;
}

Status Rib::create_vrf(VrfId vrf) {
    if (Status status = fib_.open_vrf(vrf); !status) return status;
    vrfs_[vrf.value()] = std::make_unique<Vrf>();
    return ok();
}

Status Rib::destroy_vrf(VrfId id) {
    if (!has_vrf(id)) return no_such_vrf(id);
    // Groups are released only after no entry names them any more.
    fib_.close_vrf(id);
    const std::unique_ptr<Vrf> vrf = std::move(vrfs_[id.value()]);
    route_count_ -= vrf->route_count;
    for (auto place = vrf->table.begin(); vrf->table.at(place) != nullptr;
         place = vrf->table.next(place)) {
        next_hops_.release_group(vrf->table.at(place)->group);
    }
    for (const auto& [prefix, groups] : vrf->others) {
        for (const GroupId group : groups) next_hops_.release_group(group);
    }
    return ok();
}

Status Rib::add(VrfId vrf, Ipv4Prefix prefix, RouteSource source, GroupId group) {
    const Result<GroupId> before = set_retained(vrf, prefix, source, group);
    if (!before) return Unexpected(before.error());
    next_hops_.release_group(*before);
    return ok();
}

Status Rib::remove(VrfId vrf, Ipv4Prefix prefix, RouteSource source) {
    const Result<GroupId> before = unset(vrf, prefix, source);
    if (!before) return Unexpected(before.error());
    settle();
    next_hops_.release_group(*before);
    return ok();
}

std::optional<BatchError> Rib::apply(std::span<const RouteChange> changes) {
    std::vector<GroupId> before;  // of each change; holds the reference until all have succeeded
    before.reserve(changes.size());
    for (const RouteChange& change : changes) {
        const Result<GroupId> replaced =
            change.action == RouteChange::Action::kAdd
                ? set_retained(change.vrf, change.prefix, change.source, change.group)
                : unset(change.vrf, change.prefix, change.source);
        if (!replaced) {
            roll_back(changes, before);
            settle();
            return BatchError{.index = before.size(), .error = replaced.error()};
        }
        before.push_back(*replaced);
    }
    settle();
    for (const GroupId group : before) next_hops_.release_group(group);
    return std::nullopt;
}

// Undoes the changes whose groups before are given, last first. None of it can fail: blocks and
// pages that the routes had are still held, and there were as many routes before.
void Rib::roll_back(std::span<const RouteChange> changes, std::span<const GroupId> before) {
    for (std::size_t i = before.size(); i-- > 0;) {
        const RouteChange& change = changes[i];
        const Result<GroupId> undone =
            before[i] == kNoRouteGroup ? unset(change.vrf, change.prefix, change.source)
                                       : set(change.vrf, change.prefix, change.source, before[i]);
        CHECK(undone.has_value());
        next_hops_.release_group(*undone);
    }
}

Result<GroupId> Rib::set_retained(VrfId id, Ipv4Prefix prefix, RouteSource source, GroupId group) {
    if (group == kNoRouteGroup || !next_hops_.has_group(group)) {
        return Unexpected(ErrorCode::kNotFound,
                          "there is no next-hop group number " + std::to_string(group.value()));
    }
    next_hops_.retain_group(group);
    Result<GroupId> before = set(id, prefix, source, group);
    if (!before) next_hops_.release_group(group);
    return before;
}

// Gives the prefix this route of this source, and with it a reference on the group. Returns the
// group of the route it replaces, with its reference, or kNoRouteGroup.
Result<GroupId> Rib::set(VrfId id, Ipv4Prefix prefix, RouteSource source, GroupId group) {
    Vrf* const vrf = vrf_at(id);
    if (vrf == nullptr) return no_such_vrf(id);
    PrefixEntry* const entry = vrf->table.find(prefix);
    if (entry != nullptr && entry->source == source) {
        const GroupId before = std::exchange(entry->group, group);
        if (before != group) compile(id, *vrf, prefix, group);
        return before;
    }
    const std::uint64_t key = Vrf::key_of(prefix);
    if (entry != nullptr && source > entry->source) {
        const auto others = vrf->others.find(key);
        if (others != vrf->others.end() && others->second[index_of(source)] != kNoRouteGroup) {
            return std::exchange(others->second[index_of(source)], group);
        }
    }
    if (Status status = check_room(*vrf); !status) return Unexpected(status.error());
    if (entry == nullptr) {
        if (Status status = fib_.hold(id, prefix); !status) return Unexpected(status.error());
        vrf->table.insert(prefix, source, group);
        compile(id, *vrf, prefix, group);
    } else if (source > entry->source) {
        vrf->others[key][index_of(source)] = group;
    } else {
        const GroupId second = std::exchange(entry->group, group);
        vrf->others[key][index_of(entry->source)] = second;
        entry->source = source;
        if (second != group) compile(id, *vrf, prefix, group);
    }
    ++vrf->counts[index_of(source)];
    ++vrf->route_count;
    ++route_count_;
    return kNoRouteGroup;
}

// Takes this source's route from the prefix. Returns its group, with its reference.
Result<GroupId> Rib::unset(VrfId id, Ipv4Prefix prefix, RouteSource source) {
    Vrf* const vrf = vrf_at(id);
    if (vrf == nullptr) return no_such_vrf(id);
    PrefixEntry* const entry = vrf->table.find(prefix);
    if (entry == nullptr) return no_such_route(prefix, source);
    const auto others = vrf->others.find(Vrf::key_of(prefix));
    const bool has_others = others != vrf->others.end();
    GroupId before;
    if (entry->source != source) {
        if (has_others) before = std::exchange(others->second[index_of(source)], kNoRouteGroup);
        if (before == kNoRouteGroup) return no_such_route(prefix, source);
    } else if (!has_others) {
        before = entry->group;
        erase_prefix(id, *vrf, prefix);
    } else {
        // The next best takes over, in one step.
        GroupBySource& groups = others->second;
        const auto next = std::find_if(groups.begin(), groups.end(),
                                       [](GroupId group) { return group != kNoRouteGroup; });
        CHECK(next != groups.end());
        before = std::exchange(entry->group, std::exchange(*next, kNoRouteGroup));
        entry->source = static_cast<RouteSource>(next - groups.begin());
        if (before != entry->group) compile(id, *vrf, prefix, entry->group);
    }
    if (has_others && others->second == GroupBySource{}) vrf->others.erase(others);
    --vrf->counts[index_of(source)];
    --vrf->route_count;
    --route_count_;
    return before;
}

Status Rib::check_room(const Vrf& vrf) const {
    if (vrf.route_count >= options_.routes_per_vrf_max) {
        return Unexpected(
            ErrorCode::kFull,
            "the VRF has its limit of " + std::to_string(options_.routes_per_vrf_max) + " routes");
    }
    if (route_count_ >= options_.routes_max) {
        return Unexpected(ErrorCode::kFull, "there are " + std::to_string(options_.routes_max) +
                                                " routes, which is the limit");
    }
    return ok();
}

// The covering route takes the prefix's addresses over; /0 does so by itself, where there is no
// entry.
void Rib::erase_prefix(VrfId id, Vrf& vrf, Ipv4Prefix prefix) {
    const PrefixEntry* const parent = vrf.table.parent(prefix);
    const GroupId group = parent != nullptr ? parent->group : kNoRouteGroup;
    vrf.table.erase(prefix);
    compile(id, vrf, prefix, group);
    fib_.drop(id, prefix);
    if (prefix.length() > 24) emptied_.push_back({id, prefix.address()});
}

// Writes the group to the addresses of the prefix that no longer prefix has for itself.
void Rib::compile(VrfId id, const Vrf& vrf, Ipv4Prefix prefix, GroupId group) {
    if (prefix.length() == 0) {
        fib_.set_default(id, group);
        return;
    }
    std::uint64_t next = prefix.first().value();  // the first address that is not dealt with
    const auto fill_below = [&](std::uint64_t end) {
        if (next >= end) return;
        fib_.fill(id, Ipv4Address(static_cast<std::uint32_t>(next)),
                  Ipv4Address(static_cast<std::uint32_t>(end - 1)), group);
    };
    for (auto place = vrf.table.after(prefix);; place = vrf.table.next(place)) {
        const PrefixEntry* const entry = vrf.table.at(place);
        if (entry == nullptr || entry->address > prefix.last()) break;
        fill_below(entry->address.value());
        next = std::max(next, std::uint64_t{entry->prefix().last().value()} + 1);
    }
    fill_below(std::uint64_t{prefix.last().value()} + 1);
}

// Gives back the blocks that removals have left without a holder. Not before the end of a batch:
// until then they may be needed to undo it.
void Rib::settle() {
    for (const auto& [vrf, address] : emptied_) fib_.collapse_block(vrf, address);
    emptied_.clear();
}

Result<std::vector<Route>> Rib::explain(VrfId id, Ipv4Address address) const {
    const Vrf* const vrf = vrf_at(id);
    if (vrf == nullptr) return no_such_vrf(id);
    std::vector<Route> routes;
    for (const PrefixEntry* const entry : vrf->table.matches(address)) vrf->list(*entry, routes);
    return routes;
}

std::vector<Route> Rib::find(VrfId id, Ipv4Prefix prefix) const {
    std::vector<Route> routes;
    const Vrf* const vrf = vrf_at(id);
    const PrefixEntry* const entry = vrf != nullptr ? vrf->table.find(prefix) : nullptr;
    if (entry != nullptr) vrf->list(*entry, routes);
    return routes;
}

Result<RoutePage> Rib::dump(VrfId id, std::optional<Ipv4Prefix> after,
                            std::size_t prefixes_max) const {
    const Vrf* const vrf = vrf_at(id);
    if (vrf == nullptr) return no_such_vrf(id);
    if (prefixes_max == 0) return Unexpected(ErrorCode::kInvalid, "a page has a prefix at least");
    RoutePage page;
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

Result<RouteCounts> Rib::counts(VrfId id) const {
    const Vrf* const vrf = vrf_at(id);
    if (vrf == nullptr) return no_such_vrf(id);
    return vrf->counts;
}

}  // namespace causeway
