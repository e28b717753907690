// SPDX-License-Identifier: Apache-2.0
//
// Batches of edits. What an edit leads to is looked at once for all of a batch that lead there, and
// the RIB tells what there was before: a batch may have a million.
#include <algorithm>
#include <functional>
#include <unordered_map>
#include <utility>
#include <variant>

#include "base/text.h"
#include "control/router/routes.h"
#include "control/slow_path/ip_family.h"
#include "control/slow_path/subnet_hosts.h"

namespace causeway {
namespace {

struct HopsHash {
    using is_transparent = void;
    std::size_t operator()(std::span<const RouteNextHop> hops) const noexcept {
        std::size_t hash = 0;
        for (const RouteNextHop& hop : hops) {
            hash = hash * 31 + std::hash<IpAddress>()(hop.address) + hop.weight;
        }
        return hash;
    }
};

struct HopsEqual {
    using is_transparent = void;
    bool operator()(std::span<const RouteNextHop> a,
                    std::span<const RouteNextHop> b) const noexcept {
        return std::ranges::equal(a, b);
    }
};

std::string field_of(std::size_t hop) {
    return "via[" + std::to_string(hop) + "]";
}

}  // namespace

// A batch on its way into the RIB.
struct Routes::Batch {
    struct Way {
        GroupId group;
        std::size_t first = 0;   // edit that leads there
        std::size_t routes = 0;  // edits that do
    };

    VrfId vrf;
    const RouteBatch& told;
    std::uint64_t now_ns;
    std::vector<IpRouteChange> changes{};  // one an edit
    std::unordered_map<std::vector<RouteNextHop>, Way, HopsHash, HopsEqual> ways{};
    RouteOutcome outcome{};
};

std::string own_ancestor_message(const IpAddress& hop, const IpPrefix& prefix) {
    return "next hop " + to_string(hop) + " of " + to_string(prefix) +
           " resolves through that route itself: a member may not be its own ancestor";
}

std::optional<Error> Routes::check_hop(const Batch& batch, const RouteEdit& edit,
                                       const RouteNextHop& hop) const {
    const auto invalid = [&hop](const std::string& what) {
        return Error{ErrorCode::kInvalid, to_string(hop.address) + what, {}};
    };
    if (!is_same_family(hop.address, edit.prefix)) {
        return invalid(" is not of the family of " + to_string(edit.prefix));
    }
    const Attachment* out = attachments_.connected(batch.vrf, hop.address);
    if (hop.is_recursive) {
        if (out == nullptr) return std::nullopt;
        return invalid(" is in the connected subnet of " + out->name +
                       ": a neighbour is not recursive");
    }
    if (out == nullptr) {
        return invalid(" is in no connected subnet of VRF " + batch.told.vrf +
                       ": give a neighbour, or say that it is recursive");
    }
    const auto judge = [&](auto address, const auto& ours, const auto& subnet) {
        if (address == ours) return std::optional(invalid(" is our own address on " + out->name));
        if (is_host_of(subnet, address)) return std::optional<Error>();
        return std::optional(invalid(" is no host of " + to_string(subnet)));
    };
    if (const auto* ipv4 = std::get_if<Ipv4Address>(&hop.address)) {
        return judge(*ipv4, out->address, out->subnet);
    }
    return judge(std::get<Ipv6Address>(hop.address), out->ipv6->address, out->ipv6->subnet);
}

std::optional<Error> Routes::check_hops(const Batch& batch, const RouteEdit& edit) const {
    const auto hops = batch.told.via_of(edit);
    for (std::size_t k = 0; k < hops.size(); ++k) {
        auto error = check_hop(batch, edit, hops[k]);
        if (!error && hops[k].is_recursive != hops.front().is_recursive) {
            error = Error{ErrorCode::kInvalid,
                          "the next hops of a route are all recursive, or none of them is",
                          {}};
        }
        if (!error) continue;
        error->field = field_of(k);
        return error;
    }
    return std::nullopt;
}

// Of an edit that forwards.
Result<GroupId> Routes::group_of(Batch& batch, const RouteEdit& edit) {
    const auto hops = batch.told.via_of(edit);
    auto way = batch.ways.find(hops);
    const bool is_known = way != batch.ways.end();
    if (!is_known || !is_same_family(hops.front().address, edit.prefix)) {
        if (auto error = check_hops(batch, edit)) return Unexpected(std::move(*error));
    }
    if (!is_known) {
        const auto group = acquire(batch.vrf, edit.action, hops, batch.now_ns);
        if (!group) return group;
        way = batch.ways
                  .emplace(std::vector(hops.begin(), hops.end()),
                           Batch::Way{.group = *group, .first = batch.changes.size()})
                  .first;
    }
    ++way->second.routes;
    return way->second.group;
}

std::optional<Error> Routes::prepare(Batch& batch, const RouteEdit& edit) {
    IpRouteChange change{
        .source = RouteSource::kApi, .vrf = batch.vrf, .prefix = edit.prefix, .group = {}};
    if (edit.kind == RouteEditKind::kDelete) {
        change.action = RouteChangeAction::kRemove;
    } else {
        const auto group = edit.action == RouteAction::kForward
                               ? group_of(batch, edit)
                               : acquire(batch.vrf, edit.action, {}, batch.now_ns);
        if (!group) return group.error();
        change.group = *group;
    }
    batch.changes.push_back(change);
    return std::nullopt;
}

// What is wrong with edits that the RIB has taken, and that nobody has kept yet.
std::vector<RouteFailure> Routes::judge(const Batch& batch) const {
    std::vector<RouteFailure> failures;
    const std::span<const GroupId> replaced = ribs_.replaced();
    for (std::size_t i = 0; i < replaced.size() && failures.size() < kRouteFailuresMax; ++i) {
        const RouteEdit& edit = batch.told.edits[i];
        if (edit.kind != RouteEditKind::kAdd || replaced[i] == kNoRouteGroup) continue;
        failures.push_back({i,
                            {ErrorCode::kExists,
                             "VRF " + batch.told.vrf + " has a route to " + to_string(edit.prefix) +
                                 " by this socket already",
                             "prefix"}});
    }
    for (const auto& [hops, way] : batch.ways) {
        if (failures.size() == kRouteFailuresMax) break;
        if (!hops.front().is_recursive) continue;
        const auto hop = recursions_.own_ancestor(way.group);
        if (!hop) continue;
        const IpPrefix& prefix = batch.told.edits[way.first].prefix;
        failures.push_back({way.first,
                            {ErrorCode::kInvalid, own_ancestor_message(hops[*hop].address, prefix),
                             field_of(*hop)}});
    }
    std::ranges::sort(failures, {}, &RouteFailure::index);
    return failures;
}

// The RIB takes all, and then they are judged: most batches are right, and the RIB knows best what
// a prefix has by the edits before.
void Routes::apply(Batch& batch) {
    std::vector<RouteFailure>& failures = batch.outcome.failures;
    if (auto error = ribs_.start(batch.changes)) {
        const RouteEdit& edit = batch.told.edits[error->index];
        if (error->error.code == ErrorCode::kNotFound) {
            error->error.message = "VRF " + batch.told.vrf + " has no route to " +
                                   to_string(edit.prefix) + " by this socket";
        }
        error->error.field = "prefix";
        failures.push_back({error->index, std::move(error->error)});
        return;
    }
    failures = judge(batch);
    if (!failures.empty()) return ribs_.undo();
    const std::vector<GroupId> replaced(ribs_.replaced().begin(), ribs_.replaced().end());
    ribs_.keep();
    for (std::size_t i = 0; i < replaced.size(); ++i) {
        const bool is_new = replaced[i] == kNoRouteGroup;
        const bool deletes = batch.told.edits[i].kind == RouteEditKind::kDelete;
        ++(deletes ? batch.outcome.deleted : is_new ? batch.outcome.added : batch.outcome.replaced);
    }
    for (const auto& [hops, way] : batch.ways) ways_.add_routes(way.group, way.routes);
    for (const GroupId group : replaced) ways_.release(group);
}

RouteOutcome Routes::change(VrfId vrf, const RouteBatch& told, std::uint64_t now_ns) {
    Batch batch{.vrf = vrf, .told = told, .now_ns = now_ns};
    std::vector<RouteFailure>& failures = batch.outcome.failures;
    batch.changes.reserve(told.edits.size());
    for (std::size_t k = 0; k < told.edits.size(); ++k) {
        auto error = prepare(batch, told.edits[k]);
        if (!error) continue;
        failures.push_back({.index = k, .error = std::move(*error)});
        if (failures.size() == kRouteFailuresMax) break;
    }
    if (failures.empty()) apply(batch);
    for (const auto& [hops, way] : batch.ways) ways_.release(way.group);  // the batch's own
    recursions_.settle();
    return batch.outcome;
}

}  // namespace causeway
