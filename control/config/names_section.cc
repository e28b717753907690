// SPDX-License-Identifier: Apache-2.0
#include "control/config/names_section.h"

#include <fmt/format.h>
#include <yaml-cpp/emittermanip.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "acl/names/pattern_database.h"
#include "acl/validate.h"
#include "base/limits.h"
#include "base/text.h"
#include "control/config/named_list.h"
#include "control/config/names_file.h"
#include "control/config/policy_values.h"
#include "control/config/yaml_fields.h"

namespace causeway {
namespace {

constexpr std::size_t kNamePoliciesMax = 1'024;
constexpr std::size_t kNameRulesMax = 256;  // of one policy
constexpr std::size_t kResolversMax = 32;   // each packet of port 53 is compared with all of them
constexpr std::size_t kSteerTargetsMax = 1'024;
constexpr std::size_t kPolicerClassesMax = 1'024;

SteerTargetConfig read_target(const YamlNode& node, const std::string& path, ConfigErrors& errors) {
    SteerTargetConfig target;
    MapReader fields(node, path, errors);
    fields.required("name", target.name, parse_word);
    fields.required("vrf", target.vrf, parse_name);
    read_next_hops(fields, "via", target.via);
    read_next_hops(fields, "ipv6-via", target.ipv6_via);
    fields.refuse_other_keys();
    const bool leads = fields.find("via") != nullptr || fields.find("ipv6-via") != nullptr;
    if (node.kind == YamlNode::Kind::kMap && !leads) {
        errors.add(path, "leads nowhere: add \"via\" or \"ipv6-via\"");
    }
    for (const auto& [key, hops] :
         {std::pair("via", &target.via), std::pair("ipv6-via", &target.ipv6_via)}) {
        const std::string list = member(path, key);
        if (fields.find(key) == nullptr || !hops->empty() || errors.is_bad(list)) continue;
        errors.add(list, "is empty: give at least one next hop");
    }
    return target;
}

Result<std::string> parse_expression(std::string_view text) {
    if (text.empty()) return Unexpected(ErrorCode::kInvalid, "is empty: it would match anything");
    if (text.size() > kPayloadPatternBytesMax) {
        return Unexpected(ErrorCode::kInvalid,
                          fmt::format("has {} characters: at most {} are possible", text.size(),
                                      kPayloadPatternBytesMax));
    }
    std::string expression(text);
    if (const Status status = PatternDatabase::check(expression); !status) {
        return Unexpected(ErrorCode::kInvalid,
                          fmt::format("\"{}\" is no expression that Hyperscan takes: {}",
                                      quotable(text), status.error().message));
    }
    return expression;
}

Result<NamePattern> parse_pattern(std::string_view text) {
    auto pattern = NamePattern::from(text);
    if (pattern) return pattern;
    return Unexpected(ErrorCode::kInvalid,
                      fmt::format("\"{}\" {}", quotable(text), pattern.error().message));
}

Result<std::string> parse_file(std::string_view text) {
    if (text.starts_with('/') && text.size() < 4'096) return std::string(text);
    return Unexpected(ErrorCode::kInvalid, "is no absolute path of a file: begin it with /");
}

void read_file(MapReader& fields, std::string_view key, std::string& path,
               std::vector<NamePattern>& names) {
    fields.optional(key, path, parse_file);
    if (path.empty() || fields.errors().is_bad(fields.path_of(key))) return;
    auto read = read_names_file(path);
    if (read) {
        names = std::move(read).value();
    } else {
        fields.errors().add(fields.path_of(key), read.error().message);
    }
}

NameSetConfig read_set(const YamlNode& node, const std::string& path, ConfigErrors& errors) {
    NameSetConfig set;
    const std::size_t before = errors.count();
    MapReader fields(node, path, errors);
    fields.required("name", set.name, parse_word);
    fields.values("names", kNamesMax, set.names, parse_pattern);
    fields.values("except", kNamesMax, set.except, parse_pattern);
    read_file(fields, "names-file", set.names_file, set.names_of_file);
    read_file(fields, "except-file", set.except_file, set.except_of_file);
    fields.values("payloads", kPayloadPatternsMax, set.payloads, parse_expression);
    fields.refuse_other_keys();
    const bool is_empty = set.names.empty() && set.names_of_file.empty() && set.payloads.empty();
    if (is_empty && errors.count() == before) {
        errors.add(path, "holds nothing: add \"names\", \"names-file\" or \"payloads\"");
    }
    return set;
}

PolicerClassConfig read_class(const YamlNode& node, const std::string& path, ConfigErrors& errors) {
    PolicerClassConfig made;
    MapReader fields(node, path, errors);
    fields.required("name", made.name, parse_word);
    fields.required("bandwidth", made.bandwidth_bps, parse_rate);
    fields.optional("burst", made.burst, parse_burst);
    fields.refuse_other_keys();
    return made;
}

class PolicyReader {
  public:
    PolicyReader(const PolicyConfig& policy, ConfigErrors& errors)
        : targets_(policy.sets()), errors_(errors), are_sets_sound_(!errors.is_bad("name-sets")) {
        for (const NameSetConfig& set : policy.name_sets) sets_.push_back(set.name);
        for (const PolicerClassConfig& some : policy.policer_classes) {
            classes_.push_back(some.name);
        }
    }

    [[nodiscard]] NamePolicyConfig read(const YamlNode& node, const std::string& path) const {
        NamePolicyConfig policy;
        MapReader fields(node, path, errors_);
        fields.required("name", policy.name, parse_word);
        fields.optional("inspect", policy.inspect, kFlags);
        read_named(fields, "rules", kNameRulesMax, policy.rules,
                   [&](const YamlNode& item, const std::string& item_path) {
                       return read_rule(item, item_path);
                   });
        fields.refuse_other_keys();
        const std::string rules = member(path, "rules");
        if (policy.rules.empty() && node.kind == YamlNode::Kind::kMap && !errors_.is_bad(rules)) {
            errors_.add(rules, "is empty: a policy has at least one rule");
        }
        return policy;
    }

  private:
    [[nodiscard]] NameRuleConfig read_rule(const YamlNode& node, const std::string& path) const {
        NameRuleConfig rule;
        const std::size_t before = errors_.count();
        MapReader fields(node, path, errors_);
        fields.required("name", rule.name, parse_name);
        fields.required("action", rule.action.verdict, kAclVerdicts);
        fields.each("sets", kNameSetsMax, [&](const YamlNode& item, const std::string& item_path) {
            read_value(item, item_path, errors_, rule.sets.emplace_back(), parse_word);
            if (!errors_.is_bad(item_path)) check_set(rule.sets.back(), item_path);
        });
        if (fields.find("mark-dscp") != nullptr) {
            fields.optional("mark-dscp", rule.action.mark_dscp.emplace(), parse_dscp);
        }
        fields.optional("log-one-in", rule.action.log_one_in, NumberBetween{1, 1'000'000'000});
        fields.optional("steer", rule.action.steer, parse_word);
        fields.optional("police", rule.police, parse_word);
        fields.refuse_other_keys();
        if (!rule.police.empty()) check_class(rule, member(path, "police"));
        const std::string sets = member(path, "sets");
        if (rule.sets.empty() && node.kind == YamlNode::Kind::kMap && !errors_.is_bad(sets)) {
            errors_.add(sets, "is empty: say of which names the rule speaks");
        }
        if (errors_.count() != before || errors_.is_bad("steer-targets")) return rule;
        AclRule alike;  // what it may do is what a rule of an access list may
        alike.action = rule.action;
        if (const Status status = validate(alike, targets_); !status) {
            errors_.add(member(path, status.error().field), status.error().message);
        }
        return rule;
    }

    void check_set(const std::string& name, const std::string& path) const {
        if (!are_sets_sound_ || std::ranges::find(sets_, name) != sets_.end()) return;
        errors_.add(path, fmt::format("there is no name set \"{}\"{}", quotable(name),
                                      suggestion(name, sets_)));
    }

    void check_class(const NameRuleConfig& rule, const std::string& path) const {
        if (errors_.is_bad(path) || errors_.is_bad("policer-classes")) return;
        if (std::ranges::find(classes_, rule.police) == classes_.end()) {
            errors_.add(path,
                        fmt::format("there is no policer class \"{}\"{}", quotable(rule.police),
                                    suggestion(rule.police, classes_)));
        } else if (rule.action.verdict != AclVerdict::kPermit) {
            errors_.add(path, "a denied packet needs no rate");
        }
    }

    AclSets targets_;
    ConfigErrors& errors_;
    bool are_sets_sound_;
    std::vector<std::string_view> sets_;
    std::vector<std::string_view> classes_;
};

// All sets share one table and one database.
void check_totals(const std::vector<NameSetConfig>& sets, ConfigErrors& errors) {
    std::size_t names = 0;
    std::size_t wildcards = 0;
    std::size_t payloads = 0;
    for (std::size_t i = 0; i < sets.size(); ++i) {
        const NameSet set = sets[i].set();
        names += set.members.size() + set.exceptions.size();
        const auto count = [&wildcards](const std::vector<NamePattern>& patterns) {
            wildcards += static_cast<std::size_t>(
                std::ranges::count(patterns, NamePattern::Kind::kWildcard, &NamePattern::kind));
        };
        count(set.members);
        count(set.exceptions);
        payloads += set.payloads.size();
        const auto refuse = [&](std::string_view what, std::size_t count_max) {
            errors.add(element("name-sets", i),
                       fmt::format("with this set there are too many {}: at most {} are possible",
                                   what, count_max));
        };
        if (names > kNamesMax) return refuse("names", kNamesMax);
        if (wildcards > kNamePatternsMax) {
            return refuse("names with a \"*\" inside", kNamePatternsMax);
        }
        if (payloads > kPayloadPatternsMax) return refuse("payloads", kPayloadPatternsMax);
    }
}

template <class T, class Text>
void write_list(YAML::Emitter& out, const char* key, const std::vector<T>& items,
                const Text& text) {
    if (items.empty()) return;
    out << YAML::Key << key << YAML::Value << YAML::Flow << YAML::BeginSeq;
    for (const T& item : items) out << YAML::DoubleQuoted << text(item);
    out << YAML::EndSeq;
}

void write_any(YAML::Emitter& out, const char* key, const std::string& value) {
    if (!value.empty()) write_field(out, key, value);
}

void write_set(YAML::Emitter& out, const NameSetConfig& set) {
    const auto text = [](const NamePattern& pattern) { return pattern.text(); };
    write_field(out, "name", set.name);
    write_list(out, "names", set.names, text);
    write_list(out, "except", set.except, text);
    write_any(out, "names-file", set.names_file);
    write_any(out, "except-file", set.except_file);
    write_list(out, "payloads", set.payloads, [](const std::string& payload) { return payload; });
}

void write_rule(YAML::Emitter& out, const NameRuleConfig& rule) {
    write_field(out, "name", rule.name);
    write_list(out, "sets", rule.sets, [](const std::string& set) { return set; });
    write_field(out, "action", kAclVerdicts.name(rule.action.verdict));
    write_any(out, "steer", rule.action.steer);
    if (rule.action.mark_dscp) write_field(out, "mark-dscp", dscp_text(*rule.action.mark_dscp));
    write_any(out, "police", rule.police);
    if (rule.action.log_one_in != 0) {
        write_field(out, "log-one-in", rule.action.log_one_in);
    }
}

}  // namespace

void read_steer_targets(MapReader& sections, std::vector<SteerTargetConfig>& targets) {
    read_named(sections, "steer-targets", kSteerTargetsMax, targets,
               [&](const YamlNode& node, const std::string& path) {
                   return read_target(node, path, sections.errors());
               });
}

void write_steer_targets(YAML::Emitter& out, const std::vector<SteerTargetConfig>& targets) {
    write_maps(out, "steer-targets", targets, [&](const SteerTargetConfig& target) {
        write_field(out, "name", target.name);
        write_any(out, "vrf", target.vrf);
        write_next_hops(out, "via", target.via);
        write_next_hops(out, "ipv6-via", target.ipv6_via);
    });
}

void read_name_sets(MapReader& sections, PolicyConfig& policy) {
    ConfigErrors& errors = sections.errors();
    sections.values("resolvers", kResolversMax, policy.resolvers, parse_address);
    const std::size_t before = errors.count();
    read_named(sections, "name-sets", kNameSetsMax, policy.name_sets,
               [&](const YamlNode& node, const std::string& path) {
                   return read_set(node, path, errors);
               });
    if (errors.count() == before) check_totals(policy.name_sets, errors);
}

void read_name_policies(MapReader& sections, PolicyConfig& policy) {
    read_named(sections, "policer-classes", kPolicerClassesMax, policy.policer_classes,
               [&](const YamlNode& node, const std::string& path) {
                   return read_class(node, path, sections.errors());
               });
    const PolicyReader policies(policy, sections.errors());
    read_named(
        sections, "name-policies", kNamePoliciesMax, policy.name_policies,
        [&](const YamlNode& node, const std::string& path) { return policies.read(node, path); });
}

void write_names(YAML::Emitter& out, const PolicyConfig& policy) {
    write_list(out, "resolvers", policy.resolvers,
               [](const IpAddress& address) { return to_string(address); });
    write_maps(out, "name-sets", policy.name_sets,
               [&](const NameSetConfig& set) { write_set(out, set); });
    write_maps(out, "policer-classes", policy.policer_classes, [&](const PolicerClassConfig& some) {
        write_field(out, "name", some.name);
        write_field(out, "bandwidth", bandwidth_text(some.bandwidth_bps));
        write_field(out, "burst", to_string(some.burst));
    });
    write_maps(out, "name-policies", policy.name_policies, [&](const NamePolicyConfig& names) {
        write_field(out, "name", names.name);
        write_field(out, "inspect", kFlags.name(names.inspect));
        write_maps(out, "rules", names.rules,
                   [&](const NameRuleConfig& rule) { write_rule(out, rule); });
    });
}

}  // namespace causeway
