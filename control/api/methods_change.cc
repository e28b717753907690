// SPDX-License-Identifier: Apache-2.0
//
// Methods that change the router, and those that read and write its configuration.
#include <fmt/format.h>

#include <string>

#include "base/text.h"
#include "control/api/method_handlers.h"
#include "control/api/route_edits.h"
#include "control/api/view_json.h"

namespace causeway::detail {
namespace {

std::string route_path(std::size_t index, std::string_view field) {
    return fmt::format("routes[{}]{}{}", index, field.empty() ? "" : ".", field);
}

// All failures of a batch in one error, which is about the first of them.
RpcError batch_error(const std::vector<RouteFailure>& failures) {
    Json errors = Json::array();
    for (const RouteFailure& failure : failures) {
        errors.push_back({{"index", failure.index},
                          {"field", route_path(failure.index, failure.error.field)},
                          {"message", failure.error.message}});
    }
    const RouteFailure& first = failures.front();
    RpcError error = rpc_error(first.error);
    error.message = fmt::format("nothing was changed: {}: {}",
                                route_path(first.index, first.error.field), first.error.message);
    error.data = {{"field", route_path(first.index, first.error.field)}, {"errors", errors}};
    return error;
}

Json outcome_json(const RouteOutcome& outcome) {
    return {{"added", outcome.added}, {"replaced", outcome.replaced}, {"deleted", outcome.deleted}};
}

// A batch of one, whose errors speak of the parameters themselves.
Answer edit_route(RouterApi& router, std::string_view vrf, const RouteEdit& edit,
                  RouteBatch batch) {
    if (const Status checked = check_route_edit(edit); !checked) return rpc_error(checked.error());
    batch.vrf = vrf;
    batch.edits.push_back(edit);
    const Result<RouteOutcome> outcome = router.change_routes(batch);
    if (!outcome) return rpc_error(outcome.error());
    if (!outcome->failures.empty()) return rpc_error(outcome->failures.front().error);
    return outcome_json(*outcome);
}

Answer put_route(RouterApi& router, const Params& params, RouteEditKind kind) {
    RouteBatch batch;
    RouteEdit edit{.kind = kind, .prefix = *params.prefix("prefix")};
    if (const auto word = params.text("action")) edit.action = *read_action(*word);
    if (const auto via = params.list("via")) {
        const Status read = read_via(*via, batch, edit);
        if (!read) return rpc_error(read.error());
    }
    return edit_route(router, *params.text("vrf"), edit, std::move(batch));
}

Answer changed(const Result<AdminOutcome>& outcome) {
    if (!outcome) return rpc_error(outcome.error());
    return Json{{"changed", outcome->changed}};
}

Answer set_admin(RouterApi& router, const AdminTarget& target, const Params& params) {
    const AdminStatus status =
        *params.text("state") == "up" ? AdminStatus::kUp : AdminStatus::kDown;
    return changed(router.set_admin(target, status));
}

LinkTarget link_target(const Params& params) {
    LinkTarget target;
    target.link = *params.text("link") == "primary" ? Link::kPrimary : Link::kSecondary;
    if (const auto circuit = params.text("circuit")) target.circuit = *circuit;
    return target;
}

// All that is wrong in one error, which is about the first.
RpcError config_error(const std::vector<ConfigError>& errors) {
    const ConfigError& first = errors.front();
    std::string message = first.message;
    if (errors.size() > 1) message += fmt::format(" (and {} more errors)", errors.size() - 1);
    RpcError error = rpc_error(RpcCode::kInvalidParams, std::move(message), first.path);
    error.data = {{"field", first.path},
                  {"line", first.line},
                  {"column", first.column},
                  {"errors", json_list(errors)}};
    return error;
}

Answer apply(RouterApi& router, const Params& params, ApplyMode mode) {
    const ConfigOutcome outcome = router.apply_config(*params.text("yaml"), mode);
    if (!outcome.errors.empty()) return config_error(outcome.errors);
    return Json{{"changes", json_list(outcome.changes)}, {"warnings", json_list(outcome.warnings)}};
}

}  // namespace

Answer add_route(RouterApi& router, const Params& params) {
    return put_route(router, params, RouteEditKind::kAdd);
}

Answer replace_route(RouterApi& router, const Params& params) {
    return put_route(router, params, RouteEditKind::kReplace);
}

Answer delete_route(RouterApi& router, const Params& params) {
    const RouteEdit edit{.kind = RouteEditKind::kDelete, .prefix = *params.prefix("prefix")};
    return edit_route(router, *params.text("vrf"), edit, {});
}

Answer edit_routes(RouterApi& router, const Params& params) {
    RouteBatch batch;
    batch.vrf = *params.text("vrf");
    const std::vector<RouteFailure> misread = read_route_edits(*params.list("routes"), batch);
    if (!misread.empty()) return batch_error(misread);
    const Result<RouteOutcome> outcome = router.change_routes(batch);
    if (!outcome) return rpc_error(outcome.error());
    if (!outcome->failures.empty()) return batch_error(outcome->failures);
    return outcome_json(*outcome);
}

Answer begin_sync(RouterApi& router, const Params& params) {
    const auto sync = router.begin_sync(*params.text("vrf"));
    if (!sync) return rpc_error(sync.error());
    return Json{{"sync", *sync}};
}

Answer end_sync(RouterApi& router, const Params& params) {
    const auto sweep =
        router.end_sync(*params.text("vrf"), *params.count("sync"), params.prefix("after"));
    if (!sweep) return rpc_error(sweep.error());
    return Json{{"removed", sweep->removed},
                {"next", sweep->next ? Json(to_string(*sweep->next)) : Json(nullptr)}};
}

Answer set_link(RouterApi& router, const Params& params) {
    return set_admin(router, link_target(params), params);
}

Answer drain_link(RouterApi& router, const Params& params) {
    const std::uint64_t seconds = params.count("timeout-seconds").value_or(kDrainSeconds);
    if (seconds > kDrainSecondsMax) {
        return rpc_error(RpcCode::kInvalidParams,
                         fmt::format("is above {}, a day", kDrainSecondsMax), "timeout-seconds");
    }
    return changed(router.drain(link_target(params), seconds));
}

Answer undrain_link(RouterApi& router, const Params& params) {
    return changed(router.undrain(link_target(params)));
}

Answer set_attachment(RouterApi& router, const Params& params) {
    return set_admin(router, AttachmentTarget{std::string(*params.text("name"))}, params);
}

Answer set_port(RouterApi& router, const Params& params) {
    return set_admin(router, PortTarget{std::string(*params.text("name"))}, params);
}

Answer get_config(RouterApi& router, const Params& params) {
    const bool may_know = params.caller() == Role::kAdmin;
    return Json{{"yaml", router.config_yaml(may_know ? Secrets::kShown : Secrets::kLeftOut)},
                {"has-secrets", may_know}};
}

Answer check_config(RouterApi& router, const Params& params) {
    return apply(router, params, ApplyMode::kValidate);
}

Answer apply_config(RouterApi& router, const Params& params) {
    return apply(router, params, ApplyMode::kCommit);
}

}  // namespace causeway::detail
