// SPDX-License-Identifier: Apache-2.0
//
// What operators change while we run: configurations, routes, and whether a link may be used.
#include <algorithm>
#include <map>
#include <utility>
#include <variant>

#include "base/check.h"
#include "base/text.h"
#include "control/ip_family.h"
#include "control/log.h"
#include "control/router.h"
#include "control/subnet_hosts.h"

namespace causeway {
namespace {

std::string_view word(AdminStatus status) {
    return status == AdminStatus::kUp ? "up" : "down";
}

// Where a document names another set of ports or daemon settings than the process was started with.
template <class T>
bool same_device(const T& a, const T& b) {
    return a.name == b.name && a.device == b.device && a.role == b.role &&
           a.outer_tpid == b.outer_tpid && a.inner_tpid == b.inner_tpid && a.mtu == b.mtu &&
           a.rx_descriptors == b.rx_descriptors && a.tx_descriptors == b.tx_descriptors;
}

}  // namespace

std::vector<ConfigError> Router::errors_against_ports(const Config& config) const {
    const bool same = std::ranges::equal(config.ports, config_.ports, same_device<PortConfig>);
    if (same) return {};
    return {{.line = 0,
             .column = 0,
             .path = "ports",
             .message = "ports differ from those that causewayd was started with; restart it to "
                        "change ports"}};
}

std::vector<ConfigChange> Router::difference(const Config& from, const Config& to) {
    const Plan before = plan_of(from);
    const Plan after = plan_of(to);
    std::vector<ConfigChange> changes;
    const auto compare = [&changes](const auto& old_rows, const auto& new_rows, auto&& name) {
        for (const auto& [key, row] : old_rows) {
            const auto next = new_rows.find(key);
            if (next == new_rows.end()) {
                changes.push_back({ConfigChange::Kind::kRemoved, name(key), {}});
            } else if (!(next->second == row)) {
                changes.push_back({ConfigChange::Kind::kChanged, name(key), {}});
            }
        }
        for (const auto& [key, row] : new_rows) {
            if (!old_rows.contains(key)) {
                changes.push_back({ConfigChange::Kind::kAdded, name(key), {}});
            }
        }
    };
    const auto by_name = [](const Config& config) {
        std::map<std::string, CircuitConfig> circuits;
        for (const CircuitConfig& circuit : config.circuits)
            circuits.emplace(circuit.name, circuit);
        return circuits;
    };
    compare(by_name(from), by_name(to), [](const auto& key) { return "circuit " + key; });
    compare(before.attachments, after.attachments,
            [](const auto& key) { return "attachment " + key; });
    compare(before.routes, after.routes, [](const RoutePlace& place) {
        return "route " + place.vrf + ' ' + to_string(place.prefix);
    });
    return changes;
}

ConfigOutcome Router::apply_config(std::string_view yaml, ApplyMode mode) {
    LoadedConfig loaded = load_config(yaml);
    if (!loaded.config) return {.errors = std::move(loaded.errors), .changes = {}};
    Config& next = *loaded.config;
    if (auto errors = errors_against_ports(next); !errors.empty()) {
        return {.errors = std::move(errors), .changes = {}};
    }
    ConfigOutcome outcome{.errors = {}, .changes = difference(config_, next)};
    if (mode == ApplyMode::kValidate) return outcome;
    if (const Status status = commit(next); !status) {
        return {.errors = {{.line = 0,
                            .column = 0,
                            .path = status.error().field,
                            .message = status.error().message}},
                .changes = {}};
    }
    log_info("configuration applied: {} change(s)", outcome.changes.size());
    return outcome;
}

std::string Router::config_yaml() {
    return write_config(config_);
}

std::optional<Error> Router::check_hops(const RouteBatch& batch, const RouteEdit& edit, VrfId vrf) {
    if (edit.kind == RouteEditKind::kDelete || edit.action != RouteAction::kForward) return {};
    const auto hops = batch.via_of(edit);
    for (std::size_t k = 0; k < hops.size(); ++k) {
        auto error = check_hop(batch, edit, hops[k].address, vrf);
        if (!error) continue;
        error->field = "via[" + std::to_string(k) + "]";
        return error;
    }
    return {};
}

std::optional<Error> Router::check_hop(const RouteBatch& batch, const RouteEdit& edit,
                                       const IpAddress& hop, VrfId vrf) {
    const auto invalid = [&hop](const std::string& what) {
        return Error{ErrorCode::kInvalid, to_string(hop) + what, {}};
    };
    if (!is_same_family(hop, edit.prefix)) {
        return invalid(" is not of the family of " + to_string(edit.prefix));
    }
    const Attachment* out = attachments_.connected(vrf, hop);
    if (out == nullptr) return invalid(" is in no connected subnet of VRF " + batch.vrf);
    const auto judge = [&](auto address, const auto& ours, const auto& subnet) {
        if (address == ours) return std::optional(invalid(" is our own address on " + out->name));
        if (is_host_of(subnet, address)) return std::optional<Error>();
        return std::optional(invalid(" is no host of " + to_string(subnet)));
    };
    if (const auto* ipv4 = std::get_if<Ipv4Address>(&hop)) {
        return judge(*ipv4, out->address, out->subnet);
    }
    return judge(std::get<Ipv6Address>(hop), out->ipv6->address, out->ipv6->subnet);
}

Result<GroupId> Router::group_of_edit(const RouteBatch& batch, const RouteEdit& edit, VrfId vrf) {
    PlannedRoute route{.action = edit.action, .hops = {}};
    for (const RouteNextHop& hop : batch.via_of(edit)) {
        const Attachment* out = attachments_.connected(vrf, hop.address);
        CHECK(out != nullptr);  // check_hop() has seen it
        route.hops.push_back(
            {.attachment = out->name, .address = hop.address, .weight = hop.weight});
    }
    return group_of(route);
}

// What the prefix's static route is by now: after the edits before this one.
std::optional<GroupId> Router::static_group(const RouteBatchWork& work,
                                            const IpPrefix& prefix) const {
    if (const auto edited = work.edited.find(prefix); edited != work.edited.end()) {
        return edited->second;
    }
    return ribs_->static_group(work.vrf, prefix);
}

std::optional<Error> Router::prepare_edit(const RouteBatch& batch, const RouteEdit& edit,
                                          RouteBatchWork& work) {
    const std::optional<GroupId> now = static_group(work, edit.prefix);
    const std::string what = to_string(edit.prefix) + " in VRF " + batch.vrf;
    if (edit.kind == RouteEditKind::kDelete) {
        if (!now)
            return Error{ErrorCode::kNotFound, "there is no static route to " + what, "prefix"};
        work.changes.push_back({.action = IpRouteChange::Action::kRemove,
                                .vrf = work.vrf,
                                .prefix = edit.prefix,
                                .group = {}});
        work.replaced.push_back(*now);
        work.edited[edit.prefix] = std::nullopt;
        ++work.outcome.deleted;
        return std::nullopt;
    }
    if (edit.kind == RouteEditKind::kAdd && now) {
        return Error{ErrorCode::kExists, "there is a static route to " + what + " already",
                     "prefix"};
    }
    if (auto error = check_hops(batch, edit, work.vrf)) return error;
    const auto group = group_of_edit(batch, edit, work.vrf);
    if (!group) return group.error();
    work.acquired.push_back(*group);
    work.changes.push_back({.action = IpRouteChange::Action::kAdd,
                            .vrf = work.vrf,
                            .prefix = edit.prefix,
                            .group = *group});
    work.edited[edit.prefix] = *group;
    if (now) work.replaced.push_back(*now);
    ++(now ? work.outcome.replaced : work.outcome.added);
    return std::nullopt;
}

// All edits are checked against the routes as they would be by then; only if none fails is anything
// touched, and then in one step of the RIB.
Result<RouteOutcome> Router::change_routes(const RouteBatch& batch) {
    const auto vrf = find_vrf(batch.vrf);
    if (!vrf) return Unexpected(ErrorCode::kNotFound, "there is no VRF " + batch.vrf, "vrf");
    RouteBatchWork work{.vrf = *vrf};
    std::vector<RouteFailure> failures;
    for (std::size_t k = 0; k < batch.edits.size(); ++k) {
        auto error = prepare_edit(batch, batch.edits[k], work);
        if (!error) continue;
        failures.push_back({.index = k, .error = std::move(*error)});
        if (failures.size() == kRouteFailuresMax) break;
    }
    if (failures.empty()) {
        if (auto error = ribs_->apply(work.changes)) {
            failures.push_back({.index = error->index, .error = std::move(error->error)});
        }
    }
    const bool done = failures.empty();
    for (const GroupId group : done ? work.replaced : work.acquired) ways_->release(group);
    if (done) return work.outcome;
    RouteOutcome refused;
    refused.failures = std::move(failures);
    return refused;
}

Result<AdminOutcome> Router::set_port_admin(const PortTarget& target, AdminStatus status) {
    Port* port = find_port(target.name);
    if (port == nullptr) {
        return Unexpected(ErrorCode::kNotFound, "there is no port " + target.name, "port");
    }
    PortRuntime& state = port_states_[port->id().value()];
    if (state.admin == status) return AdminOutcome{};
    const Status done =
        port->set_admin(status == AdminStatus::kUp ? AdminState::kUp : AdminState::kDown);
    if (!done) return Unexpected(done.error());
    state.admin = status;
    log_info("port {}: administratively {}", target.name, word(status));
    return AdminOutcome{.changed = {target.name}};
}

Result<AdminOutcome> Router::set_admin(const AdminTarget& target, AdminStatus status) {
    if (const auto* port = std::get_if<PortTarget>(&target)) return set_port_admin(*port, status);
    AdminOutcome outcome;
    bool found = false;
    const auto* link = std::get_if<LinkTarget>(&target);
    std::string circuit;
    if (link != nullptr && link->circuit) {
        const auto wanted = this->circuit(*link->circuit);
        if (!wanted) return Unexpected(wanted.error());
        circuit = wanted.value().name;
    }
    for (const auto& [name, planned] : installed_.attachments) {
        const bool is_meant = link != nullptr ? planned.link == link->link &&
                                                    (circuit.empty() || planned.circuit == circuit)
                                              : name == std::get<AttachmentTarget>(target).name;
        if (!is_meant) continue;
        found = true;
        const Exit before = closed_now(planned);
        overrides_[name] = status;
        if (closed_now(planned) == before) continue;
        update_attachment_state(planned);
        outcome.changed.push_back(name);
    }
    if (!found) {
        return Unexpected(ErrorCode::kNotFound,
                          link != nullptr
                              ? "no circuit has such a link"
                              : "there is no attachment " + std::get<AttachmentTarget>(target).name,
                          link != nullptr ? "link" : "attachment");
    }
    publish();
    log_info("{} attachment(s) administratively {}", outcome.changed.size(), word(status));
    return outcome;
}

}  // namespace causeway
