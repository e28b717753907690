// SPDX-License-Identifier: Apache-2.0
#include "control/cli/show.h"

#include <fmt/format.h>

#include <numeric>

namespace causeway::cli {
namespace {

std::string total(const Json& counts) {
    std::uint64_t sum = 0;
    for (const auto& count : counts) sum += count.get<std::uint64_t>();
    return grouped(sum);
}

// "10.100": outer and inner tag of an attachment.
std::string tags(const Json& attachment) {
    const Json& outer = attachment.at("outer");
    const Json& inner = attachment.at("inner");
    if (outer.is_null() && inner.is_null()) return "untagged";
    if (outer.is_null()) return inner.dump();
    return inner.is_null() ? outer.dump() : outer.dump() + "." + inner.dump();
}

// "192.168.15.18/30"; "-" where there is none.
std::string interface_cell(const Json& address, const Json& subnet) {
    if (address.is_null()) return "-";
    const std::string prefix = subnet;
    return address.get<std::string>() + prefix.substr(prefix.find('/'));
}

// "up", "up (draining)", "down (admin)", "down (port down)".
std::string state(const Json& row) {
    std::string text = row.at("state");
    const std::string drain = row.value("drain", "none");
    if (drain != "none") return text + " (" + drain + ")";
    if (row.at("admin") == "down") return text + " (admin)";
    const Json reason = row.value("reason", Json(nullptr));
    return reason.is_null() ? text : text + " (" + reason.get<std::string>() + ")";
}

std::string render_status(const Json& status) {
    std::string kernels;
    for (const auto& [function, variant] : status.at("kernels").items()) {
        kernels += fmt::format("{}{} {}", kernels.empty() ? "" : ", ", function,
                               variant.get<std::string>());
    }
    std::string text = fmt::format(
        "causewayd {}, up {}\n"
        "Processor    {} ({:.2f} GHz TSC)\n"
        "Kernels      {}\n"
        "Circuits     {}\n"
        "Attachments  {} ({} up)\n"
        "Routes       {}\n"
        "ACL log      {} lines skipped\n\n",
        status.at("version").get<std::string>(), duration(status.at("uptime-seconds")),
        status.at("cpu").get<std::string>(), status.at("tsc-hz").get<double>() / 1e9, kernels,
        cell(status, "circuits"), cell(status, "attachments"), cell(status, "attachments-up"),
        cell(status, "routes"), cell(status, "acl-log-skipped"));
    Table workers({{"WORKER", kRight},
                   {"CORE", kRight},
                   {"PACKETS", kRight},
                   {"HANDED OVER", kRight},
                   {"BUSY %", kRight},
                   {"PUNTS LOST", kRight}});
    for (const Json& worker : status.at("workers")) {
        const auto turns = worker.at("turns").get<double>();
        const auto busy = worker.at("busy-turns").get<double>();
        workers.add({cell(worker, "worker"), cell(worker, "core"), cell(worker, "packets"),
                     cell(worker, "handed-over"),
                     turns == 0 ? "-" : fmt::format("{:.1f}", 100 * busy / turns),
                     cell(worker, "punts-lost")});
    }
    Table limits({{"LIMIT"}, {"USED", kRight}, {"MAX", kRight}, {"REFUSED", kRight}});
    for (const Json& limit : status.at("limits")) {
        limits.add(
            {cell(limit, "name"), cell(limit, "used"), cell(limit, "max"), cell(limit, "refused")});
    }
    return text + workers.take() + '\n' + limits.take();
}

std::string render_counters(const Json& counters) {
    Table table({{"COUNTER"}, {"PACKETS", kRight}, {"BYTES", kRight}});
    table.add({"received", cell(counters.at("rx"), "packets"), cell(counters.at("rx"), "bytes")});
    table.add({"forwarded", cell(counters, "forwarded"), ""});
    for (const auto& [reason, packets] : counters.at("drops").items()) {
        table.add({"dropped: " + reason, grouped(packets), ""});
    }
    for (const auto& [reason, packets] : counters.at("punts").items()) {
        table.add({"punted: " + reason, grouped(packets), ""});
    }
    table.add({"sent", cell(counters.at("tx"), "packets"), cell(counters.at("tx"), "bytes")});
    return counters.at("name").get<std::string>() + "\n\n" + table.take();
}

}  // namespace

ExitCode show_status(Session& session) {
    return show_one(session, {"status"}, render_status);
}

ExitCode show_ports(Session& session) {
    Table table({{"PORT"},
                 {"ROLE"},
                 {"STATE"},
                 {"MAC"},
                 {"DEVICE"},
                 {"RX PACKETS", kRight},
                 {"TX PACKETS", kRight},
                 {"MISSED", kRight},
                 {"UNCLAIMED", kRight},
                 {"TO KERNEL", kRight}});
    return show_list(
        session, {"port.list", Json::object(), Paging::kWhole}, std::move(table),
        [](const Json& port, Table& rows) {
            const Json& filter = port.at("tag-filter");
            rows.add({cell(port, "name"), cell(port, "role"), state(port), cell(port, "mac"),
                      cell(port, "device"), cell(port.at("rx"), "packets"),
                      cell(port.at("tx"), "packets"), cell(port, "rx-missed"),
                      total(port.at("drops")), filter.is_null() ? "-" : cell(filter, "kernel")});
        });
}

ExitCode show_attachments(Session& session) {
    Table table({{"ATTACHMENT"},
                 {"PORT"},
                 {"TAGS", kRight},
                 {"VRF"},
                 {"ADDRESS"},
                 {"IPV6 ADDRESS"},
                 {"MTU", kRight},
                 {"TAP"},
                 {"STATE"}});
    return show_list(
        session, {"attachment.list"}, std::move(table), [](const Json& row, Table& rows) {
            rows.add({cell(row, "name"), cell(row, "port"), tags(row), cell(row, "vrf"),
                      interface_cell(row.at("address"), row.at("subnet")),
                      interface_cell(row.at("ipv6-address"), row.at("ipv6-subnet")),
                      cell(row, "mtu"), cell(row, "tap"), state(row)});
        });
}

// The columns and their order are those of the ARP tables that circuits' owners know.
ExitCode show_neighbours(Session& session, const std::string& attachment) {
    Query query{"neighbour.list"};
    if (!attachment.empty()) query.params["attachment"] = attachment;
    Table table({{"ATTACHMENT"},
                 {"AGE", kRight},
                 {"INTERFACE PROPERTY"},
                 {"IP ADDRESS"},
                 {"MAC ADDRESS"},
                 {"STATE"}});
    return show_list(session, std::move(query), std::move(table), [](const Json& row, Table& rows) {
        const bool is_aged = row.at("state") != "own" && row.at("state") != "incomplete";
        rows.add({cell(row, "attachment"), is_aged ? duration(row.at("age-seconds")) : "-",
                  cell(row, "interface-property"), cell(row, "address"),
                  row.at("mac").is_null() ? "Incomplete" : cell(row, "mac"), cell(row, "state")});
    });
}

ExitCode show_bfd(Session& session, const std::string& attachment) {
    Query query{"bfd.list"};
    if (!attachment.empty()) query.params["attachment"] = attachment;
    Table table({{"ATTACHMENT"},
                 {"NEIGHBOUR"},
                 {"STATE"},
                 {"FOR", kRight},
                 {"REMOTE"},
                 {"TX MS", kRight},
                 {"DETECT MS", kRight},
                 {"DOWNS", kRight},
                 {"WHY"}});
    return show_list(session, std::move(query), std::move(table), [](const Json& row, Table& rows) {
        constexpr double kUsPerMs = 1'000;
        const auto ms = [&](const char* field) {
            return fmt::format("{:g}", row.at(field).get<double>() / kUsPerMs);
        };
        rows.add({cell(row, "attachment"), cell(row, "address"),
                  cell(row, "state") + (row.at("failed").get<bool>() ? " (failed)" : ""),
                  duration(row.at("changed-seconds")), cell(row, "remote-state"), ms("interval-us"),
                  ms("detection-us"), cell(row, "downs"), cell(row, "diagnostic")});
    });
}

ExitCode show_vrfs(Session& session) {
    return show_list(
        session, {"vrf.list"}, Table({{"VRF"}, {"ROUTES", kRight}, {"ATTACHMENTS", kRight}}),
        [](const Json& vrf, Table& rows) {
            rows.add({cell(vrf, "name"), cell(vrf, "routes"), cell(vrf, "attachments")});
        });
}

ExitCode show_counters(Session& session, const std::string& name) {
    if (!name.empty()) return show_one(session, {"counter.get", {{"name", name}}}, render_counters);
    Table table({{"NAME"},
                 {"RX PACKETS", kRight},
                 {"RX BYTES", kRight},
                 {"FORWARDED", kRight},
                 {"DROPPED", kRight},
                 {"PUNTED", kRight},
                 {"TX PACKETS", kRight},
                 {"TX BYTES", kRight}});
    return show_list(session, {"counter.list"}, std::move(table), [](const Json& row, Table& rows) {
        rows.add({cell(row, "name"), cell(row.at("rx"), "packets"), cell(row.at("rx"), "bytes"),
                  cell(row, "forwarded"), total(row.at("drops")), total(row.at("punts")),
                  cell(row.at("tx"), "packets"), cell(row.at("tx"), "bytes")});
    });
}

ExitCode show_drops(Session& session, const std::string& owner) {
    Query query{"drop.list", Json::object(), Paging::kWhole};
    if (!owner.empty()) query.params["of"] = owner;
    return show_list(
        session, std::move(query), Table({{"REASON"}, {"PACKETS", kRight}, {"MEANING"}}),
        [](const Json& row, Table& rows) {
            rows.add({cell(row, "reason"), cell(row, "packets"), cell(row, "meaning")});
        });
}

ExitCode show_punts(Session& session, const std::string& attachment) {
    Query query{"punt.list", Json::object(), Paging::kWhole};
    if (!attachment.empty()) query.params["attachment"] = attachment;
    Table table({{"CLASS"},
                 {"PASSED", kRight},
                 {"OVER ATTACHMENT'S", kRight},
                 {"OVER TOTAL", kRight},
                 {"RATE", kRight},
                 {"BURST", kRight},
                 {"TOTAL RATE", kRight},
                 {"TOTAL BURST", kRight},
                 {"MEANING"}});
    return show_list(session, std::move(query), std::move(table), [](const Json& row, Table& rows) {
        rows.add({cell(row, "class"), cell(row, "passed"), cell(row, "over-attachment"),
                  cell(row, "over-total"), cell(row, "rate"), cell(row, "burst"),
                  cell(row, "total-rate"), cell(row, "total-burst"), cell(row, "meaning")});
    });
}

ExitCode show_stages(Session& session) {
    Table table({{"WORKER", kRight},
                 {"STAGE"},
                 {"PACKETS", kRight},
                 {"CALLS", kRight},
                 {"PACKETS/CALL", kRight},
                 {"CYCLES/PACKET", kRight}});
    return show_list(session, {"stage.list", Json::object(), Paging::kWhole}, std::move(table),
                     [](const Json& row, Table& rows) {
                         rows.add({cell(row, "worker"), cell(row, "stage"), cell(row, "packets"),
                                   cell(row, "calls"), cell(row, "packets-per-call"),
                                   cell(row, "cycles-per-packet")});
                     });
}

ExitCode show_config(Session& session) {
    return show_one(session, {"config.get"},
                    [](const Json& result) { return result.at("yaml").get<std::string>(); });
}

ExitCode show_methods(Session& session) {
    return show_list(session, {"method.list", Json::object(), Paging::kWhole},
                     Table({{"METHOD"}, {"ROLE"}, {"PARAMETERS"}, {"SUMMARY"}}),
                     [](const Json& method, Table& rows) {
                         std::string parameters;
                         for (const Json& parameter : method.at("params")) {
                             const std::string name = parameter.at("name");
                             if (!parameters.empty()) parameters += ' ';
                             parameters += parameter.at("required") ? name : "[" + name + "]";
                         }
                         rows.add({cell(method, "method"), cell(method, "role"), parameters,
                                   cell(method, "summary")});
                     });
}

}  // namespace causeway::cli
