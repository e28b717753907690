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

// "permit, steer internet, mark ef, log 1 in 100"
std::string action_text(const Json& rule) {
    std::string text = rule.at("action");
    if (!rule.at("steer").is_null()) text += ", steer " + cell(rule, "steer");
    if (!rule.at("mark-dscp").is_null()) text += ", mark " + cell(rule, "mark-dscp");
    if (rule.value("log-one-in", 0U) != 0) text += ", log 1 in " + cell(rule, "log-one-in");
    return text;
}

// As much of it as a line has room for; --json has all.
std::string match_text(const Json& match) {
    constexpr std::size_t kColumns = 80;
    if (match.is_null()) return "all";
    const std::string text = match;
    return text.size() <= kColumns ? text : text.substr(0, kColumns - 3) + "...";
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
                        action_text(explanation));
    if (explanation.at("state") != "active") {
        text += "The list is not in force yet: what was there before is.\n";
    }
    return text;
}

}  // namespace

ExitCode show_acl(Session& session, const std::string& name) {
    if (name.empty()) return show_acls(session);
    Table table({{"", kRight},
                 {"RULE"},
                 {"ACTION"},
                 {"PACKETS", kRight},
                 {"BYTES", kRight},
                 {"MATCH"},
                 {"REMARK"}});
    return show_list(
        session, {"acl.rules", {{"acl", name}}}, std::move(table),
        [](const Json& rule, Table& rows) {
            const bool is_rule = !rule.at("name").is_null();
            rows.add({is_rule ? cell(rule, "index") : "",
                      is_rule ? cell(rule, "name") : "(otherwise)", action_text(rule),
                      cell(rule, "packets"), cell(rule, "bytes"),
                      is_rule ? match_text(rule.at("match")) : "-", cell(rule, "remark")});
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
    add("vrf", packet.vrf);
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
