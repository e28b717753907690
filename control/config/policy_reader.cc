// SPDX-License-Identifier: Apache-2.0
#include "control/config/policy_reader.h"

#include <fmt/format.h>

#include "base/limits.h"
#include "control/config/acl_reader.h"
#include "control/config/legs.h"
#include "control/config/named_list.h"
#include "control/config/names_section.h"
#include "control/config/policy_values.h"

namespace causeway {
namespace {

constexpr std::string_view kNoDscpMap = "none";
constexpr std::size_t kDscpMapsMax = 1'024;

// A set: its name, and a list that is not empty.
template <class Set, class Value, class Parse>
Set read_set(const YamlNode& node, const std::string& path, ConfigErrors& errors,
             std::string_view key, std::vector<Value> Set::*values, const Parse& parse) {
    Set set;
    MapReader fields(node, path, errors);
    fields.required("name", set.name, parse_word);
    fields.values(key, kConfigNodesMax, set.*values, parse);
    fields.refuse_other_keys();
    const std::string list_path = member(path, key);
    if ((set.*values).empty() && node.kind == YamlNode::Kind::kMap && !errors.is_bad(list_path)) {
        errors.add(list_path, "is empty: a set holds at least one");
    }
    return set;
}

DscpMapConfig::Rewrite read_rewrite(const YamlNode& node, const std::string& path,
                                    ConfigErrors& errors) {
    DscpMapConfig::Rewrite rewrite;
    MapReader fields(node, path, errors);
    fields.required("from", rewrite.from, parse_dscp);
    fields.required("to", rewrite.to, parse_dscp);
    fields.refuse_other_keys();
    return rewrite;
}

DscpMapConfig read_dscp_map(const YamlNode& node, const std::string& path, ConfigErrors& errors) {
    DscpMapConfig map;
    MapReader fields(node, path, errors);
    fields.required("name", map.name, parse_word);
    fields.values("keep", 64, map.keep, parse_dscp);
    fields.each("rewrite", 64, [&](const YamlNode& item, const std::string& item_path) {
        map.rewrite.push_back(read_rewrite(item, item_path, errors));
    });
    const YamlNode* const others = fields.find("others");
    if (others != nullptr && others->text == "keep") {
        map.others.reset();
    } else {
        fields.optional("others", *map.others, parse_dscp);
    }
    fields.refuse_other_keys();
    if (map.name == kMicrosoftDscpMapName || map.name == kNoDscpMap) {
        errors.add(member(path, "name"),
                   fmt::format("\"{}\" is there already: choose another name", map.name));
    }
    return map;
}

// Each DSCP is kept or becomes another, but once.
void check_dscp_map(const DscpMapConfig& map, const std::string& path, ConfigErrors& errors) {
    Claims<std::uint8_t> seen;
    const auto claim = [&](std::uint8_t dscp, const std::string& dscp_path) {
        if (errors.is_bad(dscp_path) || seen.take(dscp, dscp_path) == nullptr) return;
        errors.add(dscp_path, fmt::format("DSCP {} is named twice: say once what becomes of it",
                                          dscp_text(dscp)));
    };
    for (std::size_t i = 0; i < map.keep.size(); ++i) {
        claim(map.keep[i], element(member(path, "keep"), i));
    }
    for (std::size_t i = 0; i < map.rewrite.size(); ++i) {
        claim(map.rewrite[i].from, element(member(path, "rewrite"), i) + ".from");
    }
}

void check_counters(const std::vector<Acl>& acls, ConfigErrors& errors) {
    std::size_t counters = 0;
    for (std::size_t i = 0; i < acls.size(); ++i) {
        counters += acls[i].rules.size() + 1;
        if (counters < kAclCountersMax) continue;
        errors.add(element("acls", i),
                   fmt::format("with this list there are {} rules and more: at most {} can count",
                               kAclCountersMax, kAclCountersMax - 1));
        return;
    }
}

}  // namespace

PolicyConfig read_policy(MapReader& sections, std::vector<ConfigError>& warnings) {
    PolicyConfig policy;
    ConfigErrors& errors = sections.errors();
    const std::size_t before = errors.count();
    read_named(sections, "prefix-sets", kConfigNodesMax, policy.prefix_sets,
               [&](const YamlNode& node, const std::string& path) {
                   return read_set(node, path, errors, "prefixes", &PrefixSetConfig::prefixes,
                                   parse_prefix);
               });
    read_named(sections, "port-sets", kConfigNodesMax, policy.port_sets,
               [&](const YamlNode& node, const std::string& path) {
                   return read_set(node, path, errors, "ports", &PortSetConfig::ranges,
                                   parse_ports);
               });
    read_steer_targets(sections, policy.steer_targets);
    read_name_sets(sections, policy);
    const AclSets sets = policy.sets();
    AclReader acls(sets, errors.count() == before ? SetsState::kSound : SetsState::kFaulty,
                   warnings);
    read_named(sections, "acls", kAclsMax, policy.acls,
               [&](const YamlNode& node, const std::string& path) {
                   return acls.read(node, path, errors);
               });
    check_counters(policy.acls, errors);
    read_named(sections, "dscp-maps", kDscpMapsMax, policy.dscp_maps,
               [&](const YamlNode& node, const std::string& path) {
                   DscpMapConfig map = read_dscp_map(node, path, errors);
                   check_dscp_map(map, path, errors);
                   return map;
               });
    read_name_policies(sections, policy);
    return policy;
}

void read_peering_policy(MapReader& peering, PeeringType type, PeeringPolicyConfig& policy) {
    if (type == PeeringType::kMicrosoft) {  // what a careful operator would say of it
        policy.source_check = SourceCheck::kAdvertised;
        policy.ip_options = IpOptions::kDrop;
        policy.dscp_map = kMicrosoftDscpMapName;
    }
    peering.optional("acl-in", policy.acl_in, parse_word);
    peering.optional("acl-out", policy.acl_out, parse_word);
    peering.optional("name-policy", policy.name_policy, parse_word);
    peering.optional("source-check", policy.source_check, kSourceChecks);
    peering.optional("ip-options", policy.ip_options, kIpOptionsWords);
    peering.values("advertised-public-prefixes", kConfigNodesMax, policy.advertised_prefixes,
                   parse_prefix);
    peering.optional("advertised-public-prefixes-state", policy.advertised_state, kPrefixesStates);
    peering.optional("dscp-map", policy.dscp_map, parse_word);
    if (policy.dscp_map == kNoDscpMap) policy.dscp_map.clear();
    if (peering.find("bandwidth") != nullptr) {
        peering.optional("bandwidth", policy.bandwidth_bps.emplace(), parse_rate);
    }
}

void read_policing(MapReader& circuit, PolicingConfig& policing) {
    const YamlNode* const node = circuit.find("policing");
    if (node == nullptr) return;
    MapReader fields(*node, circuit.path_of("policing"), circuit.errors());
    fields.optional("enabled", policing.enabled, kFlags);
    fields.optional("burst", policing.burst, parse_burst);
    fields.optional("tolerance", policing.tolerance_percent, NumberBetween{0, 100});
    fields.optional("expedited", policing.expedited_percent, NumberBetween{0, 90});
    fields.refuse_other_keys();
}

}  // namespace causeway
