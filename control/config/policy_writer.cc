// SPDX-License-Identifier: Apache-2.0
#include "control/config/policy_writer.h"

#include <yaml-cpp/emittermanip.h>

#include <string>
#include <string_view>

#include "base/text.h"
#include "control/config/names_section.h"
#include "control/config/policy_values.h"
#include "control/config/yaml_fields.h"

namespace causeway {
namespace {

void words(YAML::Emitter& out, const char* key, const std::vector<std::string>& items) {
    if (items.empty()) return;
    out << YAML::Key << key << YAML::Value << YAML::Flow << YAML::BeginSeq;
    for (const std::string& item : items) out << item;
    out << YAML::EndSeq;
}

// Literals first, then the names of sets.
template <class Literal>
void match(YAML::Emitter& out, const char* key, const std::vector<Literal>& literals,
           const std::vector<std::string>& sets = {}) {
    std::vector<std::string> texts;
    for (const Literal& literal : literals) texts.push_back(to_string(literal));
    texts.insert(texts.end(), sets.begin(), sets.end());
    words(out, key, texts);
}

void write_match(YAML::Emitter& out, const AclRule& rule) {
    match(out, "source", rule.source.prefixes, rule.source.sets);
    match(out, "destination", rule.destination.prefixes, rule.destination.sets);
    words(out, "source-names", rule.source_names);
    words(out, "destination-names", rule.destination_names);
    if (rule.protocol) write_field(out, "protocol", protocol_text(*rule.protocol));
    match(out, "source-ports", rule.source_ports.ranges, rule.source_ports.sets);
    match(out, "destination-ports", rule.destination_ports.ranges, rule.destination_ports.sets);
    if (rule.icmp) {
        write_field(out, "icmp-type", unsigned{rule.icmp->type});
        if (rule.icmp->code) write_field(out, "icmp-code", unsigned{*rule.icmp->code});
    }
    if (rule.tcp_flags) words(out, "tcp-flags", tcp_flag_texts(*rule.tcp_flags));
    if (rule.dscp) write_field(out, "dscp", dscp_text(*rule.dscp));
}

void write_rule(YAML::Emitter& out, const AclRule& rule) {
    write_field(out, "name", rule.name);
    write_field(out, "action", kAclVerdicts.name(rule.action.verdict));
    write_match(out, rule);
    write_field(out, "fragments", kFragmentWords.name(rule.fragments));
    if (rule.action.log_one_in != 0) write_field(out, "log-one-in", rule.action.log_one_in);
    if (rule.action.mark_dscp) write_field(out, "mark-dscp", dscp_text(*rule.action.mark_dscp));
    if (!rule.action.steer.empty()) write_field(out, "steer", rule.action.steer);
}

void write_acl(YAML::Emitter& out, const Acl& acl) {
    write_field(out, "name", acl.name);
    write_field(out, "otherwise", kAclVerdicts.name(acl.otherwise.verdict));
    if (acl.otherwise.log_one_in != 0) {
        write_field(out, "otherwise-log-one-in", acl.otherwise.log_one_in);
    }
    write_maps(out, "rules", acl.rules, [&](const AclRule& rule) { write_rule(out, rule); });
}

void write_dscp_map(YAML::Emitter& out, const DscpMapConfig& map) {
    write_field(out, "name", map.name);
    std::vector<std::string> kept;
    for (const std::uint8_t dscp : map.keep) kept.push_back(dscp_text(dscp));
    words(out, "keep", kept);
    write_maps(out, "rewrite", map.rewrite, [&](const DscpMapConfig::Rewrite& rewrite) {
        write_field(out, "from", dscp_text(rewrite.from));
        write_field(out, "to", dscp_text(rewrite.to));
    });
    write_field(out, "others", map.others ? dscp_text(*map.others) : "keep");
}

}  // namespace

void write_policy(YAML::Emitter& out, const PolicyConfig& policy) {
    write_steer_targets(out, policy.steer_targets);
    write_maps(out, "prefix-sets", policy.prefix_sets, [&](const PrefixSetConfig& set) {
        write_field(out, "name", set.name);
        match(out, "prefixes", set.prefixes);
    });
    write_maps(out, "port-sets", policy.port_sets, [&](const PortSetConfig& set) {
        write_field(out, "name", set.name);
        match(out, "ports", set.ranges);
    });
    write_maps(out, "acls", policy.acls, [&](const Acl& acl) { write_acl(out, acl); });
    write_maps(out, "dscp-maps", policy.dscp_maps,
               [&](const DscpMapConfig& map) { write_dscp_map(out, map); });
    write_names(out, policy);
}

std::string match_text(const AclRule& rule) {
    YAML::Emitter out;
    out << YAML::Flow << YAML::BeginMap;
    write_match(out, rule);
    if (rule.fragments != Fragments::kAny) {
        write_field(out, "fragments", kFragmentWords.name(rule.fragments));
    }
    out << YAML::EndMap;
    const std::string_view text = out.c_str();
    return std::string(text.substr(1, text.size() - 2));  // without the braces
}

void write_peering_policy(YAML::Emitter& out, const PeeringPolicyConfig& policy) {
    if (!policy.acl_in.empty()) write_field(out, "acl-in", policy.acl_in);
    if (!policy.acl_out.empty()) write_field(out, "acl-out", policy.acl_out);
    if (!policy.name_policy.empty()) write_field(out, "name-policy", policy.name_policy);
    write_field(out, "source-check", kSourceChecks.name(policy.source_check));
    write_field(out, "ip-options", kIpOptionsWords.name(policy.ip_options));
    match(out, "advertised-public-prefixes", policy.advertised_prefixes);
    if (policy.advertised_state != PrefixesState::kNotConfigured) {
        write_field(out, "advertised-public-prefixes-state",
                    kPrefixesStates.name(policy.advertised_state));
    }
    write_field(out, "dscp-map", policy.dscp_map.empty() ? "none" : policy.dscp_map);
    if (policy.bandwidth_bps) write_field(out, "bandwidth", bandwidth_text(*policy.bandwidth_bps));
}

void write_policing(YAML::Emitter& out, const PolicingConfig& policing) {
    out << YAML::Key << "policing" << YAML::Value << YAML::Flow << YAML::BeginMap;
    write_field(out, "enabled", kFlags.name(policing.enabled));
    write_field(out, "burst", to_string(policing.burst));
    write_field(out, "tolerance", policing.tolerance_percent);
    write_field(out, "expedited", policing.expedited_percent);
    out << YAML::EndMap;
}

}  // namespace causeway
