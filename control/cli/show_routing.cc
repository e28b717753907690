// SPDX-License-Identifier: Apache-2.0
//
// The tables of circuits, routes and next-hop groups, whose rows hold lists of their own.
#include <fmt/format.h>

#include "base/text.h"
#include "control/cli/show.h"

namespace causeway::cli {
namespace {

// "edge-primary S-tag 10 up" of one link; "-" where the circuit does not have it.
std::string link_cell(const Json& circuit, std::string_view name) {
    for (const Json& link : circuit.at("links")) {
        if (link.at("link") != name) continue;
        std::string text = cell(link, "port");
        if (!link.at("s-tag").is_null()) text += " S-tag " + link.at("s-tag").dump();
        return text +
               (link.at("admin") == "down" ? " down (admin)" : " " + cell(link, "port-state"));
    }
    return "-";
}

// "192.168.15.16/30, 2001:db8:15::/126" of one link of a peering.
std::string subnets(const Json& leg) {
    const std::string ipv4 = cell(leg, "subnet");
    return leg.at("ipv6-subnet").is_null() ? ipv4 : ipv4 + ", " + cell(leg, "ipv6-subnet");
}

void add_circuit(const Json& circuit, Table& rows) {
    std::string peerings;
    for (const Json& peering : circuit.at("peerings")) {
        if (!peerings.empty()) peerings += ", ";
        peerings += cell(peering, "type");
    }
    rows.add({cell(circuit, "name"), cell(circuit, "service-key"),
              bit_rate(circuit.at("bandwidth-bps")), cell(circuit, "status"),
              cell(circuit, "provider-state"), link_cell(circuit, "primary"),
              link_cell(circuit, "secondary"), peerings.empty() ? "-" : peerings});
}

std::string render_circuit(const Json& circuit) {
    std::string text = fmt::format(
        "{}\n"
        "Service key     {}\n"
        "Bandwidth       {}\n"
        "Circuit         {}\n"
        "Provider state  {}\n"
        "Primary         {}\n"
        "Secondary       {}\n\n",
        cell(circuit, "name"), cell(circuit, "service-key"), bit_rate(circuit.at("bandwidth-bps")),
        cell(circuit, "status"), cell(circuit, "provider-state"), link_cell(circuit, "primary"),
        link_cell(circuit, "secondary"));
    Table table({{"PEERING"},
                 {"LINK"},
                 {"C-TAG", kRight},
                 {"VRF"},
                 {"SUBNET"},
                 {"PEER ASN", kRight},
                 {"STATE"},
                 {"ATTACHMENT"}});
    for (const Json& peering : circuit.at("peerings")) {
        for (const char* link : {"primary", "secondary"}) {
            const Json& leg = peering.at(link);
            if (leg.is_null()) continue;
            const bool is_enabled = peering.at("enabled");
            table.add({cell(peering, "type"), link, peering.at("c-tag").dump(),
                       cell(peering, "vrf"), subnets(leg), peering.at("peer-asn").dump(),
                       is_enabled ? cell(leg, "state") : "disabled", cell(leg, "attachment")});
        }
    }
    return text + table.take();
}

// "172.16.0.1@2 (down), 172.16.0.5": weights other than 1, and what carries nothing now.
std::string hops(const Json& route) {
    std::string text;
    for (const Json& hop : route.at("via")) {
        text += fmt::format("{}{}", text.empty() ? "" : ", ", cell(hop, "address"));
        if (hop.at("weight") != 1) text += "@" + hop.at("weight").dump();
        if (hop.at("recursive")) text += " (recursive)";
        if (!hop.at("alive")) text += " (down)";
    }
    return text.empty() ? cell(route, "action") : text;
}

// "static (not selected)", "api (stale)".
std::string source(const Json& route) {
    std::string text = cell(route, "source");
    if (!route.at("selected")) text += " (not selected)";
    if (route.at("stale")) text += " (stale)";
    return text;
}

void add_group(const Json& group, Table& rows) {
    std::string id = group.at("group").dump();
    std::string vrf = cell(group, "vrf");
    std::string routes = cell(group, "routes");
    for (const Json& member : group.at("members")) {
        const bool is_alive = member.at("alive");
        const std::string reason = cell(member, "reason");
        rows.add({id, vrf, routes, cell(member, "address"), cell(member, "attachment"),
                  cell(member, "weight"),
                  fmt::format("{}/{}", cell(member, "buckets"), cell(group, "buckets")),
                  is_alive         ? "up"
                  : reason.empty() ? "down"
                                   : "down (" + reason + ")"});
        id = vrf = routes = "";  // once a group
    }
}

Table group_table() {
    return Table({{"GROUP", kRight},
                  {"VRF"},
                  {"ROUTES", kRight},
                  {"NEXT HOP"},
                  {"ATTACHMENT"},
                  {"WEIGHT", kRight},
                  {"BUCKETS", kRight},
                  {"STATE"}});
}

void add_listener(const Json& listener, Table& table) {
    std::string vrfs;
    for (const Json& row : listener.at("tables")) {
        if (!vrfs.empty()) vrfs += ' ';
        vrfs += row.at("vrf").get<std::string>();
    }
    table.add({cell(listener, "name"),
               fmt::format("{} port {}", cell(listener, "address"), listener.at("port").dump()),
               cell(listener, "namespace"), cell(listener, "state"), cell(listener, "routes"),
               cell(listener, "next-hops"), vrfs});
}

std::string render_listener(const Json& listener) {
    std::string text =
        fmt::format("{}: {}; {} routes, {} next-hop objects\n", cell(listener, "name"),
                    cell(listener, "state"), cell(listener, "routes"), cell(listener, "next-hops"));
    for (const Json& row : listener.at("tables")) {
        text += fmt::format("table {}: VRF {}\n", row.at("table").dump(), cell(row, "vrf"));
    }
    Table table({{"EVENT"}, {"COUNT", kRight}, {"MEANING"}});
    for (const Json& event : listener.at("events")) {
        table.add({cell(event, "event"), cell(event, "count"), cell(event, "meaning")});
    }
    return text + '\n' + table.take();
}

std::string render_match(const std::string& vrf, const std::string& address, const Json& match) {
    const Json& route = match.at("route");
    if (route.is_null())
        return fmt::format("{} in VRF {}: no route; packets are dropped as no_route\n", address,
                           vrf);
    std::string text = fmt::format("{} in VRF {} matches {} ({}): {}\n", address, vrf,
                                   cell(route, "prefix"), cell(route, "source"), hops(route));
    if (match.at("group").is_null()) return text;
    Table table = group_table();
    add_group(match.at("group"), table);
    return text + '\n' + table.take();
}

ExitCode show_match(Session& session, const RouteArguments& arguments) {
    const Called vrf =
        vrf_or_only(session, arguments.vrf, "an address means another thing in each VRF");
    if (const CallError* error = std::get_if<CallError>(&vrf)) return report(*error);
    const std::string name = std::get<Json>(vrf);
    return show_one(session, {"route.match", {{"vrf", name}, {"address", arguments.target}}},
                    [&](const Json& match) { return render_match(name, arguments.target, match); });
}

}  // namespace

Called vrf_or_only(Session& session, const std::string& vrf, std::string_view why) {
    if (!vrf.empty()) return Json(vrf);
    Called called = session.client.call("vrf.list", Json{{"limit", 64}});
    if (std::holds_alternative<CallError>(called)) return called;
    const Json& items = std::get<Json>(called).at("items");
    if (items.size() == 1) return Json(items[0].at("name"));
    std::string names;
    for (const Json& item : items) names += ' ' + cell(item, "name");
    return CallError{ExitCode::kUsage, fmt::format("{}; name one with --vrf:{}", why, names),
                     nullptr};
}

ExitCode show_circuits(Session& session, const std::string& name) {
    if (!name.empty()) return show_one(session, {"circuit.get", {{"name", name}}}, render_circuit);
    Table table({{"CIRCUIT"},
                 {"SERVICE KEY"},
                 {"BANDWIDTH", kRight},
                 {"STATUS"},
                 {"PROVIDER STATE"},
                 {"PRIMARY"},
                 {"SECONDARY"},
                 {"PEERINGS"}});
    return show_list(session, {"circuit.list"}, std::move(table), add_circuit);
}

ExitCode show_routes(Session& session, const RouteArguments& arguments) {
    if (parse_ip_address(arguments.target)) return show_match(session, arguments);
    Query query{"route.list"};
    if (!arguments.vrf.empty()) query.params["vrf"] = arguments.vrf;
    if (!arguments.source.empty()) query.params["source"] = arguments.source;
    if (!arguments.target.empty()) query.params["within"] = arguments.target;
    Table table({{"VRF"}, {"PREFIX"}, {"SOURCE"}, {"GROUP", kRight}, {"NEXT HOPS"}});
    return show_list(session, std::move(query), std::move(table),
                     [](const Json& route, Table& rows) {
                         rows.add({cell(route, "vrf"), cell(route, "prefix"), source(route),
                                   route.at("group").dump(), hops(route)});
                     });
}

ExitCode show_fpm(Session& session, const std::string& name) {
    if (!name.empty()) return show_one(session, {"fpm.get", {{"name", name}}}, render_listener);
    Table table({{"LISTENER"},
                 {"ADDRESS"},
                 {"NAMESPACE"},
                 {"STATE"},
                 {"ROUTES", kRight},
                 {"NEXT HOPS", kRight},
                 {"VRFS"}});
    return show_list(session, {"fpm.list", Json::object(), Paging::kWhole}, std::move(table),
                     add_listener);
}

ExitCode show_groups(Session& session) {
    return show_list(session, {"group.list"}, group_table(), add_group);
}

}  // namespace causeway::cli
