// SPDX-License-Identifier: Apache-2.0
//
// Access lists and policers.
#include <fmt/format.h>

#include "control/cli/show.h"

namespace causeway::cli {
namespace {

ExitCode show_acls(Session& session) {
    Table table({{"ACL"},
                 {"STATE"},
                 {"RULES", kRight},
                 {"IDLE", kRight},
                 {"PACKETS", kRight},
                 {"BYTES", kRight},
                 {"BOUND"}});
    return show_list(session, {"acl.list"}, std::move(table), [](const Json& acl, Table& rows) {
        std::string bound;
        for (const Json& place : acl.at("bound")) {
            bound += (bound.empty() ? "" : ", ") + place.get<std::string>();
        }
        std::string state = acl.at("state");
        if (!acl.at("error").is_null()) state += ": " + acl.at("error").get<std::string>();
        rows.add({cell(acl, "name"), state, cell(acl, "rules"), cell(acl, "idle-rules"),
                  cell(acl, "packets"), cell(acl, "bytes"), bound.empty() ? "-" : bound});
    });
}

std::string render_explanation(const Json& explanation) {
    std::string text;
    const std::uint64_t unlisted = explanation.at("misses-unlisted");
    if (unlisted != 0) text += fmt::format("... {} rules before these do not match\n", unlisted);
    for (const Json& miss : explanation.at("misses")) {
        std::string fields;
        for (const Json& field : miss.at("fields")) {
            fields += (fields.empty() ? "" : ", ") + field.get<std::string>();
        }
        text += fmt::format("rule {} does not match: {}\n", cell(miss, "rule"), fields);
    }
    const bool is_hit = !explanation.at("hit").is_null();
    text += fmt::format("{}: {}\n",
                        is_hit ? "rule " + cell(explanation, "hit") + " matches"
                               : std::string("no rule matches, otherwise"),
                        cell(explanation, "action"));
    if (explanation.at("state") != "active") {
        text += "The list is not in force yet: what was there before is.\n";
    }
    return text;
}

}  // namespace

ExitCode show_acl(Session& session, const std::string& name) {
    if (name.empty()) return show_acls(session);
    Table table(
        {{"", kRight}, {"RULE"}, {"ACTION"}, {"PACKETS", kRight}, {"BYTES", kRight}, {"REMARK"}});
    return show_list(
        session, {"acl.rules", {{"acl", name}}}, std::move(table),
        [](const Json& rule, Table& rows) {
            const bool is_rule = !rule.at("name").is_null();
            rows.add({is_rule ? cell(rule, "index") : "",
                      is_rule ? cell(rule, "name") : "(otherwise)", cell(rule, "action"),
                      cell(rule, "packets"), cell(rule, "bytes"), cell(rule, "remark")});
        });
}

ExitCode explain_acl(Session& session, const PacketArguments& packet) {
    Query query{
        "acl.explain",
        {{"acl", packet.acl}, {"source", packet.source}, {"destination", packet.destination}}};
    const auto add = [&](const char* name, const std::string& value) {
        if (!value.empty()) query.params[name] = value;
    };
    add("protocol", packet.protocol);
    add("icmp-type", packet.icmp_type);
    add("tcp-flags", packet.tcp_flags);
    add("dscp", packet.dscp);
    add("fragment", packet.fragment);
    if (packet.source_port != 0) query.params["source-port"] = packet.source_port;
    if (packet.destination_port != 0) query.params["destination-port"] = packet.destination_port;
    return show_one(session, query, render_explanation);
}

ExitCode show_peaks(Session& session) {
    Table table({{"ATTACHMENT"},
                 {"RX 1 MS", kRight},
                 {"RX 10 MS", kRight},
                 {"TX 1 MS", kRight},
                 {"TX 10 MS", kRight}});
    return show_list(session, {"peak.list"}, std::move(table), [](const Json& peak, Table& rows) {
        rows.add({cell(peak, "name"), bit_rate(peak.at("rx-1ms-bps")),
                  bit_rate(peak.at("rx-10ms-bps")), bit_rate(peak.at("tx-1ms-bps")),
                  bit_rate(peak.at("tx-10ms-bps"))});
    });
}

ExitCode show_policer(Session& session) {
    Table table({{"POLICER"},
                 {"RATE", kRight},
                 {"BURST BYTES", kRight},
                 {"TOLERANCE", kRight},
                 {"HELD"},
                 {"DROPPED", kRight},
                 {"DROPPED BYTES", kRight}});
    return show_list(
        session, {"policer.list"}, std::move(table), [](const Json& policer, Table& rows) {
            rows.add({cell(policer, "name"), bit_rate(policer.at("rate-bps")),
                      cell(policer, "burst-bytes"), cell(policer, "tolerance") + " %",
                      policer.at("held").get<bool>() ? "yes" : "no",
                      cell(policer, "dropped-packets"), cell(policer, "dropped-bytes")});
        });
}

}  // namespace causeway::cli
