// SPDX-License-Identifier: Apache-2.0
#include "control/cli/nat.h"

#include <fmt/format.h>

#include <cstdint>

#include "control/cli/table.h"

namespace causeway::cli {
namespace {

Json params_of(const NatArguments& filter) {
    Json params = Json::object();
    const auto add = [&params](const char* name, const std::string& value) {
        if (!value.empty()) params[name] = value;
    };
    add("pool", filter.pool);
    add("protocol", filter.protocol);
    add("inside", filter.inside);
    add("outside", filter.outside);
    add("remote", filter.remote);
    return params;
}

std::string render_status(const Json& status) {
    std::string text = fmt::format(
        "Sessions        {} of {}\n"
        "Created         {} ({} a second)\n"
        "Refused         {} ({} a second)\n"
        "Changed worker  {} packets\n"
        "Cleared         {} sessions\n",
        cell(status, "sessions"), cell(status, "sessions-max"), cell(status, "created"),
        cell(status, "created-per-second"), cell(status, "refused"),
        cell(status, "refused-per-second"), cell(status, "changed-worker"),
        cell(status, "cleared"));
    if (const Json& log = status.at("log"); !log.is_null()) {
        text += fmt::format("Log             {} events, {} lost, {} unwritten, {} unsent\n",
                            cell(log, "events"), cell(log, "lost"), cell(log, "unwritten"),
                            cell(log, "unsent"));
    }
    text += '\n';
    Table tables({{"TABLE OF"}, {"USED", kRight}, {"MAX", kRight}, {"STATE"}});
    for (const Json& table : status.at("tables")) {
        tables.add({cell(table, "name"), cell(table, "used"), cell(table, "max"),
                    table.at("alarmed") ? "alarmed" : "ok"});
    }
    text += tables.take() + '\n';
    Table packets({{"OUTCOME"}, {"PACKETS", kRight}});
    for (const auto& [outcome, count] : status.at("packets").items()) {
        packets.add({outcome, grouped(count.get<std::uint64_t>())});
    }
    return text + packets.take();
}

}  // namespace

ExitCode show_nat_status(Session& session) {
    return show_one(session, {"nat.status"}, render_status);
}

ExitCode show_nat_pools(Session& session) {
    Table table({{"POOL"},
                 {"ADDRESSES", kRight},
                 {"DRAINING", kRight},
                 {"BLOCKS", kRight},
                 {"LENT", kRight},
                 {"USED %", kRight},
                 {"ALARM %", kRight},
                 {"STATE"}});
    return show_list(
        session, {"nat.pools", Json::object(), Paging::kWhole}, std::move(table),
        [](const Json& pool, Table& rows) {
            const auto blocks = pool.at("blocks").get<double>();
            const auto lent = pool.at("blocks-lent").get<double>();
            rows.add({cell(pool, "name"), cell(pool, "addresses"), cell(pool, "draining"),
                      cell(pool, "blocks"), cell(pool, "blocks-lent"),
                      blocks == 0 ? "-" : fmt::format("{:.1f}", 100 * lent / blocks),
                      cell(pool, "alarm-percent"), pool.at("alarmed") ? "alarmed" : "ok"});
        });
}

ExitCode show_nat_sessions(Session& session, const NatArguments& filter) {
    Table table({{"POOL"},
                 {"PROTOCOL"},
                 {"INSIDE"},
                 {"OUTSIDE"},
                 {"REMOTE"},
                 {"STATE"},
                 {"AGE", kRight},
                 {"ENDS IN", kRight},
                 {"WORKER", kRight}});
    return show_list(session, {"nat.sessions", params_of(filter)}, std::move(table),
                     [](const Json& flow, Table& rows) {
                         rows.add({cell(flow, "pool"), cell(flow, "protocol"), cell(flow, "inside"),
                                   cell(flow, "outside"), cell(flow, "remote"), cell(flow, "state"),
                                   duration(flow.at("age-seconds")),
                                   duration(flow.at("ends-in-seconds")), cell(flow, "worker")});
                     });
}

ExitCode show_nat_mappings(Session& session, const NatArguments& filter) {
    Table table({{"POOL"}, {"PROTOCOL"}, {"INSIDE"}, {"OUTSIDE"}, {"KIND"}, {"SESSIONS", kRight}});
    return show_list(
        session, {"nat.mappings", params_of(filter)}, std::move(table),
        [](const Json& mapping, Table& rows) {
            rows.add({cell(mapping, "pool"), cell(mapping, "protocol"), cell(mapping, "inside"),
                      cell(mapping, "outside"), mapping.at("static") ? "static" : "dynamic",
                      cell(mapping, "sessions")});
        });
}

ExitCode show_nat_hosts(Session& session, const NatArguments& filter) {
    Table table({{"POOL"}, {"HOST"}, {"BLOCKS", kRight}, {"SESSIONS", kRight}});
    return show_list(session, {"nat.hosts", params_of(filter)}, std::move(table),
                     [](const Json& host, Table& rows) {
                         rows.add({cell(host, "pool"), cell(host, "address"), cell(host, "blocks"),
                                   cell(host, "sessions")});
                     });
}

ExitCode clear_nat(Session& session, const NatArguments& filter) {
    Query query{"nat.clear", params_of(filter)};
    if (filter.all) query.params["scope"] = "all";
    std::uint64_t sessions = 0;
    while (true) {
        const Called called = session.client.call(query.method, query.params);
        if (const CallError* error = std::get_if<CallError>(&called)) return report(*error);
        const Json& part = std::get<Json>(called);
        sessions += part.at("sessions").get<std::uint64_t>();
        if (part.at("next").is_null()) break;
        query.params["after"] = part.at("next");
    }
    session.output.write(
        session.format == Format::kJson
            ? Json{{"sessions", sessions}}.dump(2) + '\n'
            : fmt::format("{} session{} cleared\n", grouped(sessions), sessions == 1 ? "" : "s"));
    return ExitCode::kOk;
}

}  // namespace causeway::cli
