// SPDX-License-Identifier: Apache-2.0
#include "control/cli/change.h"

#include <fmt/format.h>

#include <cstdio>

#include "control/config/config.h"

namespace causeway::cli {
namespace {

// Calls; prints the result with --json, and else the sentence that `say` makes of it.
ExitCode change(Session& session, const Query& query,
                const std::function<std::string(const Json&)>& say) {
    const Called called = session.client.call(query.method, query.params);
    if (const CallError* error = std::get_if<CallError>(&called)) return report(*error);
    const Json& result = std::get<Json>(called);
    session.output.write(session.format == Format::kJson ? result.dump(2) + '\n' : say(result));
    return ExitCode::kOk;
}

// Errors or warnings of a document in the form that editors jump to.
void print_places(const std::string& file, const Json& items, std::string_view kind) {
    for (const Json& item : items) {
        const ConfigError one{item.at("line"), item.at("column"), item.at("field"),
                              item.at("message")};
        fmt::print(stderr, "{}{}\n", format_error(file, one), kind);
    }
}

ExitCode report_document(const std::string& file, const CallError& error) {
    if (!error.data.is_object() || !error.data.contains("errors")) return report(error);
    print_places(file, error.data.at("errors"), "");
    const std::size_t count = error.data.at("errors").size();
    fmt::print(stderr, "{} error{}; nothing was changed\n", count, count == 1 ? "" : "s");
    return error.exit;
}

std::string changes_text(const Json& result, Commit commit) {
    std::string text;
    for (const Json& item : result.at("changes")) {
        const std::string kind = item.at("kind");
        const std::string detail = item.at("detail");
        text +=
            fmt::format("{} {}{}{}\n",
                        kind == "added"     ? '+'
                        : kind == "removed" ? '-'
                                            : '~',
                        item.at("subject").get<std::string>(), detail.empty() ? "" : ": ", detail);
    }
    const std::size_t count = result.at("changes").size();
    if (count == 0) return "nothing differs from the running configuration\n";
    return text + fmt::format("{} change{}{}\n", count, count == 1 ? "" : "s",
                              commit == Commit::kYes ? " applied" : "; valid, not applied");
}

}  // namespace

ExitCode add_route(Session& session, const RouteChoice& route, Existing existing) {
    Query query{existing == Existing::kReplace ? "route.replace" : "route.add",
                {{"vrf", route.vrf}, {"prefix", route.prefix}}};
    if (!route.via.empty()) query.params["via"] = route.via;
    if (!route.action.empty()) query.params["action"] = route.action;
    return change(session, query, [&](const Json& result) {
        return fmt::format("{} {} in VRF {}\n", result.at("replaced") == 0 ? "added" : "replaced",
                           route.prefix, route.vrf);
    });
}

ExitCode delete_route(Session& session, const RouteChoice& route) {
    return change(session, {"route.delete", {{"vrf", route.vrf}, {"prefix", route.prefix}}},
                  [&](const Json&) {
                      return fmt::format("deleted {} in VRF {}\n", route.prefix, route.vrf);
                  });
}

namespace {

Query query_of(const char* method, const DrainChoice& choice) {
    Query query{method, {{"link", choice.link}}};
    if (!choice.circuit.empty()) query.params["circuit"] = choice.circuit;
    return query;
}

std::string each_changed(const Json& result, std::string_view what, std::string_view nobody) {
    std::string text;
    for (const Json& name : result.at("changed"))
        text += fmt::format("{} {}\n", name.get<std::string>(), what);
    return text.empty() ? fmt::format("{}\n", nobody) : text;
}

}  // namespace

ExitCode drain_link(Session& session, const DrainChoice& choice) {
    Query query = query_of("link.drain", choice);
    query.params["timeout-seconds"] = choice.seconds;
    return change(session, query, [&](const Json& result) {
        return each_changed(
            result,
            fmt::format("drains; it goes down when nothing uses it, or in {} s", choice.seconds),
            "drains already");
    });
}

ExitCode undrain_link(Session& session, const DrainChoice& choice) {
    return change(session, query_of("link.undrain", choice), [](const Json& result) {
        return each_changed(result, "is used again", "was not drained");
    });
}

ExitCode reset_peaks(Session& session) {
    return change(session, {"peak.reset"},
                  [](const Json&) { return std::string("peaks begin anew\n"); });
}

ExitCode set_link(Session& session, const LinkChoice& choice) {
    Query query{"link.set", {{"state", choice.state}}};
    if (!choice.attachment.empty()) {
        query.method = "attachment.set";
        query.params["name"] = choice.attachment;
    } else if (!choice.port.empty()) {
        query.method = "port.set";
        query.params["name"] = choice.port;
    } else {
        query.params["link"] = choice.link;
        if (!choice.circuit.empty()) query.params["circuit"] = choice.circuit;
    }
    return change(session, query, [&](const Json& result) {
        std::string text;
        for (const Json& name : result.at("changed")) {
            text += fmt::format("{} is {} now\n", name.get<std::string>(), choice.state);
        }
        return text.empty() ? fmt::format("was {} already\n", choice.state) : text;
    });
}

ExitCode apply_config(Session& session, const std::string& file, Commit commit) {
    std::string yaml;
    if (!read_input(file, yaml)) return ExitCode::kRefused;
    const Called called = session.client.call(
        commit == Commit::kYes ? "config.apply" : "config.check", Json{{"yaml", yaml}});
    if (const CallError* error = std::get_if<CallError>(&called))
        return report_document(file, *error);
    const Json& result = std::get<Json>(called);
    print_places(file, result.at("warnings"), " (warning)");
    session.output.write(session.format == Format::kJson ? result.dump(2) + '\n'
                                                         : changes_text(result, commit));
    return ExitCode::kOk;
}

ExitCode call_method(Session& session, const std::string& method, const std::string& params) {
    const Json json = Json::parse(params.empty() ? "{}" : params, nullptr, false);
    if (json.is_discarded())
        return refuse("the parameters are not JSON; try '{\"vrf\": \"NAME\"}'");
    return change(session, {method, json},
                  [](const Json& result) { return result.dump(2) + '\n'; });
}

}  // namespace causeway::cli
