// SPDX-License-Identifier: Apache-2.0
#include "control/cli/names.h"

#include <fmt/format.h>

#include <string>

#include "control/cli/show.h"

namespace causeway::cli {
namespace {

std::string joined(const Json& words) {
    std::string text;
    for (const Json& word : words) text += (text.empty() ? "" : ", ") + word.get<std::string>();
    return text.empty() ? "-" : text;
}

ExitCode show_name_sets(Session& session) {
    Table table({{"SET"}, {"STATE"}, {"NAMES", kRight}, {"PAYLOADS", kRight}, {"RULES"}});
    return show_list(session, {"names.list"}, std::move(table), [](const Json& set, Table& rows) {
        std::string state = set.at("state");
        if (!set.at("error").is_null()) state += ": " + set.at("error").get<std::string>();
        rows.add({cell(set, "name"), state, cell(set, "names"), cell(set, "payloads"),
                  joined(set.at("rules"))});
    });
}

ExitCode show_name_rules(Session& session) {
    Table table({{"POLICY"},
                 {"RULE"},
                 {"SETS"},
                 {"ACTION"},
                 {"STEER"},
                 {"MARK"},
                 {"LOG 1 IN", kRight},
                 {"POLICE"},
                 {"PACKETS", kRight},
                 {"BYTES", kRight},
                 {"BOUND"}});
    return show_list(
        session, {"names.rules", Json::object(), Paging::kWhole}, std::move(table),
        [](const Json& rule, Table& rows) {
            rows.add({cell(rule, "policy"), cell(rule, "name"), joined(rule.at("sets")),
                      cell(rule, "action"), cell(rule, "steer"), cell(rule, "mark-dscp"),
                      rule.at("log-one-in") == 0 ? "-" : cell(rule, "log-one-in"),
                      cell(rule, "police"), cell(rule, "packets"), cell(rule, "bytes"),
                      joined(rule.at("bound"))});
        });
}

ExitCode show_learned_addresses(Session& session, const std::string& vrf) {
    Table table({{"VRF"}, {"ADDRESS"}, {"SETS"}, {"NAMES"}});
    Query query{"names.addresses"};
    if (!vrf.empty()) query.params = {{"vrf", vrf}};
    return show_list(session, query, std::move(table), [](const Json& address, Table& rows) {
        std::string names;
        for (const Json& name : address.at("names")) {
            names += fmt::format("{}{} ({} s)", names.empty() ? "" : ", ", cell(name, "name"),
                                 cell(name, "seconds"));
        }
        rows.add({cell(address, "vrf"), cell(address, "address"), joined(address.at("sets")),
                  address.at("past").get<bool>() ? "past" : names});
    });
}

ExitCode show_name_counts(Session& session) {
    Table table({{"COUNTER"}, {"COUNT", kRight}, {"MEANING"}});
    return show_list(session, {"names.counters", Json::object(), Paging::kWhole}, std::move(table),
                     [](const Json& row, Table& rows) {
                         rows.add({cell(row, "name"), cell(row, "count"), cell(row, "meaning")});
                     });
}

}  // namespace

ExitCode show_names(Session& session, const std::string& table, const std::string& vrf) {
    if (table == "rules") return show_name_rules(session);
    if (table == "addresses") return show_learned_addresses(session, vrf);
    if (table == "counters") return show_name_counts(session);
    return show_name_sets(session);
}

}  // namespace causeway::cli
