// SPDX-License-Identifier: Apache-2.0
//
// What operators change while we run: configurations, routes, and whether a link may be used.
#include <algorithm>
#include <map>
#include <utility>
#include <variant>

#include "base/check.h"
#include "base/text.h"
#include "control/log/log.h"
#include "control/router/router.h"

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
    const auto compare_named = [&](const auto& old_rows, const auto& new_rows,
                                   std::string_view kind) {
        using Row = typename std::decay_t<decltype(old_rows)>::value_type;
        const auto rows_by_name = [](const std::vector<Row>& rows) {
            std::map<std::string, Row> named;
            for (const Row& row : rows) named.emplace(row.name, row);
            return named;
        };
        compare(rows_by_name(old_rows), rows_by_name(new_rows),
                [kind](const auto& key) { return std::string(kind) + ' ' + key; });
    };
    compare_named(from.policy.prefix_sets, to.policy.prefix_sets, "prefix set");
    compare_named(from.policy.port_sets, to.policy.port_sets, "port set");
    compare_named(from.policy.acls, to.policy.acls, "access list");
    compare_named(from.policy.dscp_maps, to.policy.dscp_maps, "DSCP map");
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
    ConfigOutcome outcome{
        .errors = {}, .changes = difference(config_, next), .warnings = std::move(loaded.warnings)};
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

std::string Router::config_yaml(Secrets secrets) {
    return write_config(secrets == Secrets::kShown ? config_ : without_secrets(config_));
}

Result<RouteOutcome> Router::change_routes(const RouteBatch& batch) {
    const auto vrf = require_vrf(batch.vrf);
    if (!vrf) return Unexpected(vrf.error());
    return routes_->change(*vrf, batch, now_ns());
}

Result<std::uint64_t> Router::begin_sync(std::string_view name) {
    const auto vrf = require_vrf(name);
    if (!vrf) return Unexpected(vrf.error());
    log_info("VRF {}: routes are said anew", name);
    return routes_->begin_sync(*vrf);
}

Result<RouteSweep> Router::end_sync(std::string_view name, std::uint64_t sync,
                                    const std::optional<IpPrefix>& after) {
    const auto vrf = require_vrf(name);
    if (!vrf) return Unexpected(vrf.error());
    return routes_->end_sync(*vrf, sync, after);
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
        // Who says this has thought better of it.
        drain_edits_ += drains_.erase(name) + drained_.erase(name);
        overrides_[name] = status;
        update_attachment_state(planned);
        if (closed_now(planned) == before) continue;
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
