// SPDX-License-Identifier: Apache-2.0
//
// From a document to a Config, in three steps: the tree (yaml_tree.h), each value by itself (here),
// then what values say about each other (rules.h).
#include "control/config/config.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "base/limits.h"
#include "base/text.h"
#include "control/config/bgp_section.h"
#include "control/config/errors.h"
#include "control/config/fpm_section.h"
#include "control/config/nat_reader.h"
#include "control/config/policy_reader.h"
#include "control/config/policy_values.h"
#include "control/config/reader.h"
#include "control/config/rules.h"
#include "control/config/values.h"
#include "control/config/yaml_tree.h"

namespace causeway {
namespace {

// Entries of a list that no limit of its own bounds.
constexpr std::size_t kEntriesMax = kConfigNodesMax;

constexpr NumberBetween kMtu{576, 9'000};
constexpr NumberBetween kBfdInterval{10, 60'000};
constexpr NumberBetween kCore{0, kCoresMax - 1};

// A name that others may refer to is kept as it was written even where it is not valid, so that
// the references to it are not reported as well.
void read_name(MapReader& fields, std::string_view key, std::string& into) {
    fields.required(key, into, parse_name);
    const YamlNode* node = fields.find(key);
    if (node != nullptr) into = node->text;
}

void read_daemon(const YamlNode& node, std::string path, ConfigErrors& errors,
                 DaemonConfig& daemon) {
    MapReader fields(node, std::move(path), errors);
    fields.optional("socket", daemon.socket, parse_socket);
    fields.optional("bfdd-socket", daemon.bfdd_socket, parse_socket);
    fields.optional("state-directory", daemon.state_directory, parse_directory);
    fields.optional("admin-group", daemon.admin_group, parse_group);
    fields.optional("control-core", daemon.control_core, kCore);
    if (fields.find("worker-cores") != nullptr) daemon.worker_cores.clear();
    fields.values("worker-cores", kWorkersMax, daemon.worker_cores, kCore);
    fields.optional("hugepages", daemon.hugepages, kFlags);
    fields.optional("memory-mib", daemon.memory_mib, NumberBetween{64, 1U << 20});
    fields.optional("packet-buffers", daemon.packet_buffers, NumberBetween{1'024, 1U << 24});
    fields.values("eal-args", 64, daemon.eal_args, parse_argument);
    fields.optional("routes-max", daemon.routes_max, NumberBetween{1, kRoutesMax});
    fields.optional("routes-per-vrf-max", daemon.routes_per_vrf_max,
                    NumberBetween{1, kRoutesPerVrfMax});
    if (fields.find("routes-per-vrf-max") == nullptr) {
        daemon.routes_per_vrf_max = std::min(daemon.routes_per_vrf_max, daemon.routes_max);
    }
    fields.refuse_other_keys();
}

void read_punt_class(const YamlNode& node, std::string path, ConfigErrors& errors,
                     PuntRates& rates) {
    constexpr NumberBetween kRate{1, 10'000'000};
    constexpr NumberBetween kBurst{1, 1'000'000};
    MapReader fields(node, std::move(path), errors);
    fields.optional("rate", rates.attachment.per_second, kRate);
    fields.optional("burst", rates.attachment.burst, kBurst);
    fields.optional("total-rate", rates.total.per_second, kRate);
    fields.optional("total-burst", rates.total.burst, kBurst);
    fields.refuse_other_keys();
}

void read_punts(const YamlNode& node, std::string path, ConfigErrors& errors, PuntLimits& limits) {
    MapReader classes(node, std::move(path), errors);
    for (const PuntClassInfo& info : kPuntClasses) {
        const YamlNode* const rates = classes.find(info.name);
        if (rates == nullptr) continue;
        read_punt_class(*rates, classes.path_of(info.name), errors,
                        limits[static_cast<std::size_t>(info.punt_class)]);
    }
    classes.refuse_other_keys();
}

void read_control_plane(const YamlNode& node, ConfigErrors& errors, ControlPlaneConfig& config) {
    MapReader fields(node, "control-plane", errors);
    fields.optional("taps", config.taps, kFlags);
    fields.optional("namespace-prefix", config.namespace_prefix, parse_namespace);
    if (const YamlNode* const punts = fields.find("punts")) {
        read_punts(*punts, fields.path_of("punts"), errors, config.punts);
    }
    fields.refuse_other_keys();
}

PortConfig read_port(const YamlNode& node, const std::string& path, ConfigErrors& errors) {
    PortConfig port;
    MapReader fields(node, path, errors);
    read_name(fields, "name", port.name);
    fields.required("device", port.device, parse_device);
    fields.required("role", port.role, kPortRoles);
    fields.optional("outer-tpid", port.outer_tpid, kTpids);
    fields.optional("inner-tpid", port.inner_tpid, kTpids);
    fields.optional("mtu", port.mtu, kMtu);
    fields.optional("rx-descriptors", port.rx_descriptors, parse_descriptors);
    fields.optional("tx-descriptors", port.tx_descriptors, parse_descriptors);
    if (fields.find("speed") != nullptr) {
        fields.optional("speed", port.speed_bps.emplace(), parse_rate);
    }
    fields.optional("enabled", port.enabled, kFlags);
    fields.refuse_other_keys();
    return port;
}

void read_link(MapReader& circuit, std::string_view key, std::optional<CircuitLink>& into) {
    const YamlNode* node = circuit.find(key);
    if (node == nullptr) return;
    CircuitLink& link = into.emplace();
    MapReader fields(*node, circuit.path_of(key), circuit.errors());
    fields.required("port", link.port, parse_name);
    fields.optional("s-tag", link.s_tag, parse_vlan_id);
    fields.optional("enabled", link.enabled, kFlags);
    fields.refuse_other_keys();
}

template <class Address>
Result<PeeringLeg<Address>> parse_leg(std::string_view text) {
    const auto subnet = parse_prefix_of<Address>(text);
    if (!subnet) return Unexpected(subnet.error());
    if (subnet->length() != kLinkSubnetLength<Address>) {
        return Unexpected(
            ErrorCode::kInvalid,
            fmt::format("{} is not a /{}: a link's subnet has four addresses, as in "
                        "{}",
                        text, kLinkSubnetLength<Address>, FamilyWords<Address>::kLinkSubnet));
    }
    return PeeringLeg<Address>{*subnet};
}

template <class Address>
struct Legs {
    PeeringLeg<Address> primary;
    PeeringLeg<Address> secondary;
};

// Of a /29 or a /125 the first half is the primary link's, the second half the secondary's.
template <class Address>
Result<Legs<Address>> parse_both_legs(std::string_view text) {
    constexpr int kHalf = kLinkSubnetLength<Address>;
    const auto subnet = parse_prefix_of<Address>(text);
    if (!subnet) return Unexpected(subnet.error());
    if (subnet->length() != kBothSubnetLength<Address>) {
        return Unexpected(ErrorCode::kInvalid,
                          fmt::format("{} is not a /{}: a peering's subnet is split into one /{} "
                                      "for each link, as in {}",
                                      text, kBothSubnetLength<Address>, kHalf,
                                      FamilyWords<Address>::kBothSubnet));
    }
    return Legs<Address>{{Prefix<Address>::of(subnet->first(), kHalf)},
                         {Prefix<Address>::of(subnet->last(), kHalf)}};
}

// A subnet that is given but wrong still makes a leg, so that the leg is not reported as missing.
template <class Address>
void read_legs(MapReader& fields, std::optional<PeeringLeg<Address>>& primary,
               std::optional<PeeringLeg<Address>>& secondary) {
    using Words = FamilyWords<Address>;
    const auto read_leg = [&](std::string_view key, std::optional<PeeringLeg<Address>>& leg) {
        if (fields.find(key) == nullptr) return;
        leg.emplace();
        fields.optional(key, *leg, parse_leg<Address>);
    };
    read_leg(Words::kPrimaryKey, primary);
    read_leg(Words::kSecondaryKey, secondary);
    const YamlNode* both = fields.find(Words::kBothKey);
    if (both == nullptr) return;
    if (primary || secondary) {
        fields.errors().add(both->mark, fields.path_of(Words::kBothKey),
                            fmt::format("stands beside {} or {}: give either the /{} or the /{}s",
                                        Words::kPrimaryKey, Words::kSecondaryKey,
                                        kBothSubnetLength<Address>, kLinkSubnetLength<Address>));
        return;
    }
    Legs<Address> legs;
    fields.optional(Words::kBothKey, legs, parse_both_legs<Address>);
    primary = legs.primary;
    secondary = legs.secondary;
}

void read_bfd(MapReader& peering, BfdConfig& bfd) {
    const YamlNode* node = peering.find("bfd");
    if (node == nullptr) return;
    MapReader fields(*node, peering.path_of("bfd"), peering.errors());
    fields.optional("enabled", bfd.enabled, kFlags);
    fields.optional("min-tx-ms", bfd.min_tx_ms, kBfdInterval);
    fields.optional("min-rx-ms", bfd.min_rx_ms, kBfdInterval);
    fields.optional("multiplier", bfd.multiplier, NumberBetween{2, 50});
    fields.refuse_other_keys();
}

PeeringConfig read_peering(const YamlNode& node, const std::string& path, ConfigErrors& errors) {
    PeeringConfig peering;
    MapReader fields(node, path, errors);
    fields.required("type", peering.type, kPeeringTypes);
    fields.optional("enabled", peering.enabled, kFlags);
    fields.required("c-tag", peering.c_tag, parse_vlan_id);
    read_legs(fields, peering.primary, peering.secondary);
    read_legs(fields, peering.ipv6_primary, peering.ipv6_secondary);
    fields.required("peer-asn", peering.peer_asn, parse_peer_asn);
    fields.optional("mtu", peering.mtu, kMtu);
    read_bfd(fields, peering.bfd);
    fields.values("prefixes", kEntriesMax, peering.prefixes, parse_prefix);
    read_peering_policy(fields, peering.type, peering.policy);
    if (const YamlNode* nat = fields.find("nat")) {
        peering.nat = read_nat(*nat, fields.path_of("nat"), errors);
    }
    fields.optional("tap-namespace", peering.tap_namespace, parse_namespace);
    fields.optional("primary-tap", peering.primary_tap, parse_interface);
    fields.optional("secondary-tap", peering.secondary_tap, parse_interface);
    peering.bgp = read_peering_bgp(fields, peering.type);
    fields.refuse_other_keys();
    return peering;
}

CircuitConfig read_circuit(const YamlNode& node, const std::string& path, ConfigErrors& errors) {
    CircuitConfig circuit;
    MapReader fields(node, path, errors);
    fields.required("service-key", circuit.service_key, parse_service_key);
    read_name(fields, "name", circuit.name);
    fields.required("bandwidth", circuit.bandwidth_bps, parse_bandwidth);
    fields.optional("status", circuit.status, kCircuitStatuses);
    fields.optional("provider-state", circuit.provider_state, kProviderStates);
    read_link(fields, "primary", circuit.primary);
    read_link(fields, "secondary", circuit.secondary);
    read_policing(fields, circuit.policing);
    fields.each("peerings", kEntriesMax, [&](const YamlNode& item, const std::string& item_path) {
        PeeringConfig& peering =
            circuit.peerings.emplace_back(read_peering(item, item_path, errors));
        peering.vrf = peering.type == PeeringType::kMicrosoft ? kMicrosoftVrf : circuit.name;
    });
    fields.refuse_other_keys();
    return circuit;
}

CoreAttachmentConfig read_core_attachment(const YamlNode& node, const std::string& path,
                                          ConfigErrors& errors) {
    CoreAttachmentConfig core;
    MapReader fields(node, path, errors);
    read_name(fields, "name", core.name);
    fields.required("port", core.port, parse_name);
    fields.required("vrf", core.vrf, parse_name);
    fields.optional("outer", core.outer, parse_vlan_id);
    fields.required("vlan", core.vlan, parse_vlan_id);
    fields.required("address", core.ipv4, parse_ipv4_interface);
    if (fields.find("ipv6-address") != nullptr) {
        fields.optional("ipv6-address", core.ipv6.emplace(), parse_ipv6_interface);
    }
    fields.optional("mtu", core.mtu, kMtu);
    fields.optional("enabled", core.enabled, kFlags);
    fields.optional("tap-namespace", core.tap_namespace, parse_namespace);
    fields.optional("tap", core.tap, parse_interface);
    fields.refuse_other_keys();
    return core;
}

RouteConfig read_route(const YamlNode& node, const std::string& path, ConfigErrors& errors) {
    RouteConfig route;
    MapReader fields(node, path, errors);
    fields.required("vrf", route.vrf, parse_name);
    fields.required("prefix", route.prefix, parse_prefix);
    fields.optional("action", route.action, kRouteActions);
    read_next_hops(fields, "via", route.via);
    const bool has_action = fields.find("action") != nullptr;
    const bool has_via = fields.find("via") != nullptr;
    fields.refuse_other_keys();
    if (has_action && has_via) {
        errors.add(member(path, "action"), "stands beside via: give either next hops or an action");
    } else if (node.kind == YamlNode::Kind::kMap && !has_action && !has_via) {
        errors.add(path, "leads nowhere: add \"via\" or \"action\"");
    } else if (has_via && route.via.empty() && !errors.is_bad(member(path, "via"))) {
        errors.add(member(path, "via"), "is empty: give at least one next hop, or an action");
    }
    return route;
}

Config read_config(const YamlNode& root, ConfigErrors& errors, std::vector<ConfigError>& warnings) {
    Config config;
    MapReader sections(root, {}, errors);
    const YamlNode* daemon = sections.find("daemon");
    if (daemon != nullptr && daemon->kind != YamlNode::Kind::kNull) {
        read_daemon(*daemon, "daemon", errors, config.daemon);
    }
    const YamlNode* control_plane = sections.find("control-plane");
    if (control_plane != nullptr && control_plane->kind != YamlNode::Kind::kNull) {
        read_control_plane(*control_plane, errors, config.control_plane);
    }
    const YamlNode* bgp = sections.find("bgp");
    if (bgp != nullptr) config.bgp = read_bgp(*bgp, errors);
    sections.each("ports", kPortsMax, [&](const YamlNode& node, const std::string& path) {
        config.ports.push_back(read_port(node, path, errors));
    });
    sections.each("circuits", kCircuitsMax, [&](const YamlNode& node, const std::string& path) {
        config.circuits.push_back(read_circuit(node, path, errors));
    });
    sections.each("core-attachments", kAttachmentsMax,
                  [&](const YamlNode& node, const std::string& path) {
                      config.core_attachments.push_back(read_core_attachment(node, path, errors));
                  });
    sections.each("routes", kEntriesMax, [&](const YamlNode& node, const std::string& path) {
        config.routes.push_back(read_route(node, path, errors));
    });
    config.policy = read_policy(sections, warnings);
    if (const YamlNode* nat = sections.find("nat")) {
        config.nat = read_nat_limits(*nat, "nat", errors);
    }
    sections.each("fpm", kFpmListenersMax, [&](const YamlNode& node, const std::string& path) {
        config.fpm.push_back(read_fpm(node, path, errors));
    });
    sections.refuse_other_keys();
    return config;
}

// REQUIRES: the configuration has passed the rules, so every VRF named exists.
std::vector<std::string> vrfs_of(const Config& config) {
    std::set<std::string> vrfs;
    for (const CircuitConfig& circuit : config.circuits) {
        for (const PeeringConfig& peering : circuit.peerings) vrfs.insert(peering.vrf);
    }
    for (const CoreAttachmentConfig& core : config.core_attachments) vrfs.insert(core.vrf);
    for (const RouteConfig& route : config.routes) vrfs.insert(route.vrf);
    for (const SteerTargetConfig& target : config.policy.steer_targets) vrfs.insert(target.vrf);
    for (const FpmConfig& fpm : config.fpm) {
        for (const FpmTable& table : fpm.tables) vrfs.insert(table.vrf);
    }
    return {vrfs.begin(), vrfs.end()};
}

}  // namespace

LoadedConfig load_config(std::string_view yaml) {
    LoadedConfig loaded;
    const YamlDocument document = parse_yaml(yaml);
    if (document.fault) {
        const YamlFault& fault = *document.fault;
        loaded.errors.push_back({fault.mark.line, fault.mark.column, {}, fault.message});
        return loaded;
    }
    if (document.root.kind == YamlNode::Kind::kNull) {
        loaded.errors.push_back(
            {0, 0, {}, "the document is empty: write {} for a configuration without anything"});
        return loaded;
    }
    ConfigErrors errors(document.root);
    Config config = read_config(document.root, errors, loaded.warnings);
    check_config_rules(config, errors);
    check_fpm_rules(config, errors);
    check_bgp_rules(config, errors);
    loaded.errors = errors.take();
    if (!loaded.errors.empty()) {
        loaded.warnings.clear();  // of rules that will change
        return loaded;
    }
    config.vrfs = vrfs_of(config);
    loaded.config = std::move(config);
    return loaded;
}

std::string format_error(std::string_view file, const ConfigError& error) {
    std::string text(file);
    if (error.line != 0) text += fmt::format(":{}:{}", error.line, error.column);
    text += ": ";
    if (!error.path.empty()) text += error.path + ": ";
    return text + error.message;
}

}  // namespace causeway
