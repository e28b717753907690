// SPDX-License-Identifier: Apache-2.0
#include "control/cli/frr.h"

#include <fmt/format.h>

#include <cstdint>
#include <optional>
#include <utility>
#include <variant>

#include "base/text.h"
#include "control/api/router_api.h"
#include "control/config/config.h"
#include "control/config/values.h"
#include "control/frr/frr_config.h"
#include "control/frr/programs.h"

namespace causeway::cli {
namespace {

// The document of the file, or the one that the daemon runs; or why there is none, which it is
// where it lacks secrets that are needed.
std::variant<Config, ExitCode> configuration(Session& session, const std::string& file,
                                             Secrets needed) {
    std::string text;
    if (file.empty()) {
        const Called called = session.client.call("config.get", Json::object());
        if (const CallError* error = std::get_if<CallError>(&called)) return report(*error);
        const Json& told = std::get<Json>(called);
        if (needed == Secrets::kShown && !told.at("has-secrets").get<bool>()) {
            return refuse(
                "the passwords of BGP sessions are for admins of the daemon only: root, its own "
                "user, and members of its admin-group");
        }
        text = told.at("yaml").get<std::string>();
    } else if (!read_input(file, text)) {
        return ExitCode::kRefused;
    }
    LoadedConfig loaded = load_config(text);
    if (loaded.config) return *std::move(loaded.config);
    for (const ConfigError& error : loaded.errors) {
        fmt::print(stderr, "{}\n", format_error(file.empty() ? "running" : file, error));
    }
    return ExitCode::kRefused;
}

// How attractive the links are: as they are now, or, of a document, as the words say.
std::variant<LinkAppeals, ExitCode> appeals_of(Session& session, const FrrChoice& choice) {
    LinkAppeals appeals;
    for (const std::string& name : choice.drained) appeals.emplace(name, Appeal::kPrepended);
    if (!choice.file.empty()) return appeals;
    Json params = Json::object();
    while (true) {
        const Called called = session.client.call("attachment.list", params);
        if (const CallError* error = std::get_if<CallError>(&called)) return report(*error);
        const Json& part = std::get<Json>(called);
        for (const Json& row : part.at("items")) {
            const std::string name = row.at("name");
            if (row.at("appeal") == "prepended") appeals.emplace(name, Appeal::kPrepended);
            if (row.at("appeal") == "withdrawn") appeals.emplace(name, Appeal::kWithdrawn);
        }
        if (part.at("next").is_null()) return appeals;
        params["after"] = part.at("next");
    }
}

ExitCode install(Session& session, const FrrChoice& choice, const FrrDocument& document) {
    FrrPlaces places;
    if (!choice.directory.empty()) places.configuration = choice.directory;
    if (const Status written = write_frr(places, document); !written) {
        return refuse(written.error().message);
    }
    const std::string& name = document.network_namespace;
    std::string done = fmt::format("{}/{}/frr.conf: written", places.configuration, name);
    if (choice.reload && !is_frr_up(places, name)) {
        done += fmt::format(
            "; FRR does not run there: start it with "
            "`/usr/lib/frr/frrinit.sh start {}`",
            name);
    } else if (choice.reload) {
        if (const Status loaded = reload_frr(places, name); !loaded) {
            return refuse(loaded.error().message);
        }
        done += ", and FRR follows it";
    }
    session.output.write(done + '\n');
    for (const std::string& line : lines_for_bfdd(places, document)) {
        session.output.write(fmt::format("{}/{}/daemons: kept as it is; BFD takes {}\n",
                                         places.configuration, name, line));
    }
    return ExitCode::kOk;
}

// A leg that the words name, in a configuration that has it.
std::variant<FrrLeg, ExitCode> leg_of(Session& session, const PathChoice& path) {
    auto config = configuration(session, {}, Secrets::kLeftOut);
    if (const ExitCode* failed = std::get_if<ExitCode>(&config)) return *failed;
    const auto peering = kPeeringTypes(path.peering);
    if (!peering) return refuse(peering.error().message);
    auto leg = frr_leg(std::get<Config>(config), path.circuit, *peering,
                       path.link == "primary" ? Link::kPrimary : Link::kSecondary);
    if (!leg) return refuse(leg.error().message);
    return std::move(leg).value();
}

// The addresses of the customer's router there.
std::vector<std::string> neighbours(const FrrLeg& leg) {
    std::vector<std::string> addresses{to_string(leg.neighbour)};
    if (leg.ipv6_neighbour) addresses.push_back(to_string(*leg.ipv6_neighbour));
    return addresses;
}

std::string_view family_of(const std::string& address) {
    return address.find(':') == std::string::npos ? "ipv4" : "ipv6";
}

std::optional<Json> ask(const FrrLeg& leg, const std::string& command) {
    const auto answer = ask_frr({}, leg.network_namespace, command);
    if (!answer) {
        (void)refuse(answer.error().message);
        return std::nullopt;
    }
    Json json = Json::parse(*answer, nullptr, false);
    if (!json.is_discarded()) return json;
    (void)refuse(fmt::format("FRR in namespace {} answers what is no JSON", leg.network_namespace));
    return std::nullopt;
}

std::string text_of(const Json& object, const char* member) {
    const auto found = object.find(member);
    if (found == object.end()) return "-";
    return found->is_string() ? found->get<std::string>() : found->dump();
}

ExitCode print(Session& session, const Json& rows, Table table,
               const std::vector<const char*>& members) {
    if (session.format == Format::kJson) {
        session.output.write(rows.dump(2) + '\n');
        return ExitCode::kOk;
    }
    for (const Json& row : rows) {
        std::vector<std::string> cells;
        for (const char* member : members) cells.push_back(text_of(row, member));
        table.add(std::move(cells));
    }
    session.output.page();
    session.output.write(table.take());
    return ExitCode::kOk;
}

enum class Direction : std::uint8_t { kReceived, kAdvertised };

void add_routes(const Json& routes, Direction direction, Json& rows) {
    for (const auto& [network, paths] : routes.items()) {
        const Json list = paths.is_array() ? paths : Json::array({paths});
        for (const Json& path : list) {
            std::string next_hop = text_of(path, "nextHop");
            if (direction == Direction::kReceived && path.contains("nexthops") &&
                !path["nexthops"].empty()) {
                next_hop = text_of(path["nexthops"][0], "ip");
            }
            rows.push_back({{"network", network},
                            {"next-hop", next_hop},
                            {"loc-prf", path.value("locPrf", Json(nullptr))},
                            {"weight", path.value("weight", Json(nullptr))},
                            {"path", path.value("path", std::string())}});
        }
    }
}

}  // namespace

ExitCode frr_config(Session& session, const FrrChoice& choice) {
    const auto config = configuration(session, choice.file, Secrets::kShown);
    if (const ExitCode* failed = std::get_if<ExitCode>(&config)) return *failed;
    const auto appeals = appeals_of(session, choice);
    if (const ExitCode* failed = std::get_if<ExitCode>(&appeals)) return *failed;
    const auto documents = frr_documents(std::get<Config>(config), std::get<LinkAppeals>(appeals));
    if (!documents) return refuse(documents.error().message);
    bool is_any = false;
    for (const FrrDocument& document : *documents) {
        if (!choice.vrf.empty() && document.vrf != choice.vrf) continue;
        is_any = true;
        if (choice.directory.empty() && !choice.reload) {
            session.output.write(fmt::format("! Network namespace {}\n{}",
                                             document.network_namespace, document.text));
            continue;
        }
        const ExitCode installed = install(session, choice, document);
        if (installed != ExitCode::kOk) return installed;
    }
    if (is_any) return ExitCode::kOk;
    return refuse(choice.vrf.empty() ? "there are no peerings, so FRR has nothing to do"
                                     : "no VRF " + choice.vrf + " has peerings");
}

ExitCode show_arp_table(Session& session, const PathChoice& path) {
    const auto leg = leg_of(session, path);
    if (const ExitCode* failed = std::get_if<ExitCode>(&leg)) return *failed;
    return show_list(
        session, {"neighbour.list", {{"attachment", std::get<FrrLeg>(leg).attachment}}},
        Table({{"AGE"}, {"INTERFACE PROPERTY"}, {"IP ADDRESS"}, {"MAC ADDRESS"}}),
        [](const Json& row, Table& table) {
            const bool is_known = !row.at("mac").is_null();
            table.add({duration(row.at("age-seconds")), cell(row, "interface-property"),
                       cell(row, "address"), is_known ? cell(row, "mac") : "Incomplete"});
        });
}

ExitCode show_bgp_summary(Session& session, const PathChoice& path) {
    const auto found = leg_of(session, path);
    if (const ExitCode* failed = std::get_if<ExitCode>(&found)) return *failed;
    const FrrLeg& leg = std::get<FrrLeg>(found);
    const auto summary = ask(leg, "show bgp summary json");
    if (!summary) return ExitCode::kRefused;
    Json rows = Json::array();
    for (const std::string& address : neighbours(leg)) {
        for (const auto& [family, part] : summary->items()) {
            const auto peers = part.find("peers");
            if (peers == part.end() || !peers->contains(address)) continue;
            const Json& peer = (*peers)[address];
            const bool is_up = peer.value("state", std::string()) == "Established";
            rows.push_back({{"neighbor", address},
                            {"v", peer.value("version", 4)},
                            {"as", peer.value("remoteAs", Json(nullptr))},
                            {"up-down", peer.value("peerUptime", std::string("never"))},
                            {"state-pfx-rcd", is_up ? peer.value("pfxRcd", Json(nullptr))
                                                    : peer.value("state", Json(nullptr))}});
        }
    }
    return print(
        session, rows,
        Table({{"NEIGHBOR"}, {"V", kRight}, {"AS", kRight}, {"UP/DOWN"}, {"STATE/PFXRCD"}}),
        {"neighbor", "v", "as", "up-down", "state-pfx-rcd"});
}

ExitCode show_route_table(Session& session, const PathChoice& path) {
    const auto found = leg_of(session, path);
    if (const ExitCode* failed = std::get_if<ExitCode>(&found)) return *failed;
    const FrrLeg& leg = std::get<FrrLeg>(found);
    const Direction direction = path.advertised ? Direction::kAdvertised : Direction::kReceived;
    Json rows = Json::array();
    for (const std::string& address : neighbours(leg)) {
        const auto routes =
            ask(leg, fmt::format("show bgp {} unicast neighbors {} {} json", family_of(address),
                                 address, path.advertised ? "advertised-routes" : "routes"));
        if (!routes) return ExitCode::kRefused;
        const auto list = routes->find(path.advertised ? "advertisedRoutes" : "routes");
        if (list != routes->end()) add_routes(*list, direction, rows);
    }
    return print(
        session, rows,
        Table({{"NETWORK"}, {"NEXT HOP"}, {"LOCPRF", kRight}, {"WEIGHT", kRight}, {"PATH"}}),
        {"network", "next-hop", "loc-prf", "weight", "path"});
}

}  // namespace causeway::cli
