// SPDX-License-Identifier: Apache-2.0
#include "control/config/fpm_section.h"

#include <fmt/format.h>
#include <linux/rtnetlink.h>

#include <limits>
#include <set>
#include <string_view>
#include <tuple>
#include <vector>

#include "base/limits.h"
#include "base/text.h"
#include "control/config/legs.h"
#include "control/config/reader.h"
#include "control/config/tap_places.h"
#include "control/config/values.h"
#include "control/config/words.h"

namespace causeway {
namespace {

constexpr NumberBetween kPort{1, 65'535};
constexpr NumberBetween kTable{1, std::numeric_limits<unsigned>::max()};
constexpr NumberBetween kRestartSeconds{1, 3'600};

class FpmRules {
  public:
    FpmRules(const Config& config, ConfigErrors& errors) : config_(config), errors_(errors) {
        vrfs_.emplace(kMicrosoftVrf);
        for (const CircuitConfig& circuit : config.circuits) {
            for (const PeeringConfig& peering : circuit.peerings) vrfs_.insert(peering.vrf);
        }
    }
    void check() {
        for (std::size_t i = 0; i < config_.fpm.size(); ++i) {
            const std::string path = element("fpm", i);
            if (errors_.is_bad(path)) continue;
            check_listener(config_.fpm[i], path);
            check_tables(config_.fpm[i], path);
        }
    }

  private:
    using Endpoint = std::tuple<std::string, IpAddress, unsigned>;

    void check_listener(const FpmConfig& fpm, const std::string& path);
    void check_tables(const FpmConfig& fpm, const std::string& path);
    void check_vrf(const FpmTable& table, const std::string& path);

    const Config& config_;
    ConfigErrors& errors_;
    std::set<std::string, std::less<>> vrfs_;
    Claims<std::string> names_;
    Claims<Endpoint> endpoints_;
    Claims<std::string> fed_;
};

void FpmRules::check_listener(const FpmConfig& fpm, const std::string& path) {
    const std::string name_path = member(path, "name");
    if (!errors_.is_bad(name_path)) {
        if (const auto* taken = names_.take(fpm.name, name_path)) {
            errors_.add(name_path, fmt::format("FPM listener {} exists already (line {}): choose "
                                               "another name",
                                               fpm.name, errors_.line_of(taken->path)));
        }
    }
    for (const char* key : {"address", "port", "namespace"}) {
        if (errors_.is_bad(member(path, key))) return;
    }
    const Endpoint endpoint{fpm.network_namespace, fpm.address, fpm.port};
    const std::string port_path = member(path, "port");
    if (const auto* taken = endpoints_.take(endpoint, port_path, fpm.name)) {
        errors_.add(port_path, fmt::format("{} port {} is where FPM listener {} listens: choose "
                                           "another port",
                                           to_string(fpm.address), fpm.port, quotable(taken->who)));
    }
}

void FpmRules::check_tables(const FpmConfig& fpm, const std::string& path) {
    Claims<std::uint32_t> tables;
    for (std::size_t i = 0; i < fpm.tables.size(); ++i) {
        const FpmTable& table = fpm.tables[i];
        const std::string list_path = member(path, "tables");
        const bool is_short = !errors_.is_given(list_path);  // "vrf" instead
        const std::string row_path = is_short ? path : element(list_path, i);
        if (errors_.is_bad(row_path)) continue;
        const std::string table_path = member(row_path, "table");
        if (!is_short && !errors_.is_bad(table_path)) {
            if (const auto* taken = tables.take(table.table, table_path)) {
                errors_.add(table_path, fmt::format("table {} is listed already (line {}): it is "
                                                    "of one VRF",
                                                    table.table, errors_.line_of(taken->path)));
            }
        }
        check_vrf(table, member(row_path, "vrf"));
    }
}

void FpmRules::check_vrf(const FpmTable& table, const std::string& path) {
    if (!errors_.is_given(path) || errors_.is_bad(path) || errors_.is_bad("circuits")) return;
    if (!vrfs_.contains(table.vrf)) {
        const std::vector<std::string_view> names(vrfs_.begin(), vrfs_.end());
        errors_.add(path, fmt::format("there is no VRF \"{}\"{}", quotable(table.vrf),
                                      suggestion(table.vrf, names)));
    } else if (const auto* taken = fed_.take(table.vrf, path)) {
        errors_.add(path, fmt::format("VRF {} has its routes from another table already (line {}): "
                                      "give it one",
                                      table.vrf, errors_.line_of(taken->path)));
    }
}

}  // namespace

FpmConfig read_fpm(const YamlNode& node, const std::string& path, ConfigErrors& errors) {
    FpmConfig fpm;
    MapReader fields(node, path, errors);
    fields.required("name", fpm.name, parse_name);
    fields.optional("address", fpm.address, parse_address);
    fields.optional("port", fpm.port, kPort);
    fields.optional("namespace", fpm.network_namespace, parse_namespace);
    fields.optional("restart-seconds", fpm.restart_seconds, kRestartSeconds);
    fields.each("tables", kVrfsMax, [&](const YamlNode& item, const std::string& item_path) {
        FpmTable& table = fpm.tables.emplace_back();
        MapReader row(item, item_path, errors);
        row.required("table", table.table, kTable);
        row.required("vrf", table.vrf, parse_name);
        row.refuse_other_keys();
    });
    const YamlNode* vrf = fields.find("vrf");
    const YamlNode* tables = fields.find("tables");
    if (vrf != nullptr && tables != nullptr) {
        errors.add(vrf->mark, fields.path_of("vrf"),
                   "stands beside tables: give the VRF of the one table that matters, or a list");
    } else if (vrf != nullptr) {
        FpmTable& main = fpm.tables.emplace_back();
        main.table = RT_TABLE_MAIN;
        fields.optional("vrf", main.vrf, parse_name);
    } else if (node.kind == YamlNode::Kind::kMap && fpm.tables.empty() &&
               !errors.is_bad(fields.path_of("tables"))) {
        errors.add(path, "feeds no VRF: add \"vrf\" or \"tables\"");
    }
    fields.refuse_other_keys();
    return fpm;
}

std::vector<FpmConfig> fpm_listeners_of(const Config& config) {
    std::vector<FpmConfig> listeners = config.fpm;
    if (!config.bgp) return listeners;
    std::set<std::string> fed;
    std::set<std::string> namespaces;  // in which one listens
    for (const FpmConfig& fpm : listeners) {
        namespaces.insert(fpm.network_namespace);
        for (const FpmTable& table : fpm.tables) fed.insert(table.vrf);
    }
    for (const CircuitConfig& circuit : config.circuits) {
        for (const PeeringConfig& peering : circuit.peerings) {
            const Link link = circuit.primary ? Link::kPrimary : Link::kSecondary;
            const auto tap = tap_of(config.control_plane, circuit, peering, link);
            if (!tap || fed.contains(peering.vrf)) continue;
            if (!namespaces.insert(tap->network_namespace).second) continue;
            fed.insert(peering.vrf);
            listeners.push_back({.name = peering.vrf,
                                 .network_namespace = tap->network_namespace,
                                 .restart_seconds = config.bgp->restart_seconds,
                                 .tables = {{RT_TABLE_MAIN, peering.vrf}}});
        }
    }
    return listeners;
}

void check_fpm_rules(const Config& config, ConfigErrors& errors) {
    FpmRules(config, errors).check();
}

}  // namespace causeway
