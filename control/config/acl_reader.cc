// SPDX-License-Identifier: Apache-2.0
#include "control/config/acl_reader.h"

#include <fmt/format.h>

#include <utility>
#include <variant>

#include "acl/overlap.h"
#include "acl/validate.h"
#include "base/limits.h"
#include "control/config/legs.h"
#include "control/config/policy_values.h"

namespace causeway {
namespace {

// A list of literals and names of sets. An empty one says "none of all", which no rule means.
template <class Parse, class Literals>
void read_match(MapReader& fields, std::string_view key, const Parse& parse, Literals& literals,
                std::vector<std::string>& sets) {
    fields.each(key, kConfigNodesMax, [&](const YamlNode& node, const std::string& path) {
        decltype(parse(std::string_view()).value()) member{};
        const std::size_t before = fields.errors().count();
        read_value(node, path, fields.errors(), member, parse);
        if (fields.errors().count() != before) return;
        if (auto* const name = std::get_if<std::string>(&member)) {
            sets.push_back(std::move(*name));
        } else {
            literals.push_back(std::get<0>(member));
        }
    });
    const bool is_given = fields.find(key) != nullptr;
    if (!is_given || !literals.empty() || !sets.empty()) return;
    if (fields.errors().is_bad(fields.path_of(key))) return;
    fields.errors().add(fields.path_of(key), "is empty: leave it out where anything matches");
}

void read_icmp(MapReader& fields, AclRule& rule) {
    constexpr NumberBetween kByte{0, 255};
    std::optional<unsigned> type;
    std::optional<unsigned> code;
    const auto read = [&](std::string_view key, std::optional<unsigned>& into) {
        if (fields.find(key) != nullptr) fields.optional(key, into.emplace(), kByte);
    };
    read("icmp-type", type);
    read("icmp-code", code);
    if (type) rule.icmp = IcmpMatch{static_cast<std::uint8_t>(*type), std::nullopt};
    if (!code) return;
    if (type) {
        rule.icmp->code = static_cast<std::uint8_t>(*code);
    } else {
        fields.errors().add(fields.path_of("icmp-code"),
                            "stands alone: say which icmp-type has the code");
    }
}

void read_tcp_flags(MapReader& fields, AclRule& rule) {
    if (fields.find("tcp-flags") == nullptr) return;
    TcpFlagsMatch& all = rule.tcp_flags.emplace();
    fields.each("tcp-flags", 16, [&](const YamlNode& node, const std::string& path) {
        TcpFlagsMatch one;
        read_value(node, path, fields.errors(), one, parse_tcp_flag);
        const bool is_known = (all.mask & one.mask) != 0;
        if (is_known) fields.errors().add(path, "the flag is named twice: keep one of them");
        all.value = static_cast<std::uint8_t>(all.value | one.value);
        all.mask = static_cast<std::uint8_t>(all.mask | one.mask);
    });
}

template <class Value, class Parse>
void read_optional(MapReader& fields, std::string_view key, std::optional<Value>& into,
                   const Parse& parse) {
    if (fields.find(key) != nullptr) fields.optional(key, into.emplace(), parse);
}

std::string describe(const Acl& acl, const AclFinding& finding) {
    const std::string& name = acl.rules[finding.rule].name;
    if (finding.fault == AclFault::kShadowed) {
        return fmt::format("no packet reaches rule {}: rule {} and others before it take them all",
                           name, acl.rules[*finding.by].name);
    }
    return finding.by ? fmt::format("rule {} changes nothing: rule {} does the same to its packets",
                                    name, acl.rules[*finding.by].name)
                      : fmt::format(
                            "rule {} changes nothing: \"otherwise\" does the same to its "
                            "packets",
                            name);
}

void read_name_sets(MapReader& fields, std::string_view key, std::vector<std::string>& names) {
    fields.each(key, kNameSetsMax, [&](const YamlNode& node, const std::string& path) {
        read_value(node, path, fields.errors(), names.emplace_back(), parse_word);
    });
    const std::string path = fields.path_of(key);
    if (fields.find(key) == nullptr || !names.empty() || fields.errors().is_bad(path)) return;
    fields.errors().add(path, "is empty: leave it out where the name does not matter");
}

}  // namespace

AclRule AclReader::read_rule(const YamlNode& node, const std::string& path,
                             ConfigErrors& errors) const {
    AclRule rule;
    const std::size_t before = errors.count();
    MapReader fields(node, path, errors);
    fields.required("name", rule.name, parse_name);
    fields.required("action", rule.action.verdict, kAclVerdicts);
    read_match(fields, "source", parse_prefix_or_set, rule.source.prefixes, rule.source.sets);
    read_match(fields, "destination", parse_prefix_or_set, rule.destination.prefixes,
               rule.destination.sets);
    read_name_sets(fields, "source-names", rule.source_names);
    read_name_sets(fields, "destination-names", rule.destination_names);
    read_optional(fields, "protocol", rule.protocol, parse_protocol);
    read_match(fields, "source-ports", parse_ports_or_set, rule.source_ports.ranges,
               rule.source_ports.sets);
    read_match(fields, "destination-ports", parse_ports_or_set, rule.destination_ports.ranges,
               rule.destination_ports.sets);
    read_icmp(fields, rule);
    read_tcp_flags(fields, rule);
    read_optional(fields, "dscp", rule.dscp, parse_dscp);
    fields.optional("fragments", rule.fragments, kFragmentWords);
    fields.optional("log-one-in", rule.action.log_one_in, NumberBetween{1, 1'000'000'000});
    read_optional(fields, "mark-dscp", rule.action.mark_dscp, parse_dscp);
    fields.optional("steer", rule.action.steer, parse_word);
    fields.refuse_other_keys();
    if (errors.count() != before || sets_state_ == SetsState::kFaulty) return rule;
    if (const Status status = validate(rule, sets_); !status) {
        errors.add(member(path, status.error().field), status.error().message);
    }
    return rule;
}

Acl AclReader::read(const YamlNode& node, const std::string& path, ConfigErrors& errors) {
    Acl acl;
    const std::size_t before = errors.count();
    MapReader fields(node, path, errors);
    fields.required("name", acl.name, parse_word);
    fields.optional("otherwise", acl.otherwise.verdict, kAclVerdicts);
    fields.optional("otherwise-log-one-in", acl.otherwise.log_one_in,
                    NumberBetween{1, 1'000'000'000});
    Claims<std::string> names;
    fields.each("rules", kAclRulesMax, [&](const YamlNode& item, const std::string& item_path) {
        const AclRule& rule = acl.rules.emplace_back(read_rule(item, item_path, errors));
        const std::string name_path = member(item_path, "name");
        if (errors.is_bad(name_path) || errors.is_bad(item_path)) return;
        if (const auto* const taken = names.take(rule.name, name_path)) {
            errors.add(name_path,
                       fmt::format("rule {} exists already in the list (line {}): choose another "
                                   "name",
                                   rule.name, errors.line_of(taken->path)));
        }
    });
    fields.refuse_other_keys();
    if (errors.count() == before && sets_state_ == SetsState::kSound) check(acl, path, errors);
    return acl;
}

// What a rule comes to can be too much; what it comes to behind others can be nothing.
void AclReader::check(const Acl& acl, const std::string& path, ConfigErrors& errors) {
    const auto entries = compile(acl, sets_);
    if (!entries) {
        errors.add(member(path, entries.error().field), entries.error().message);
    } else {
        warn(acl, *entries, path, errors);
    }
}

// Long lists are looked at when they are compiled, off this thread.
void AclReader::warn(const Acl& acl, const AclEntries& entries, const std::string& path,
                     const ConfigErrors& errors) {
    const std::size_t pairs =
        entries.ipv4.size() * entries.ipv4.size() + entries.ipv6.size() * entries.ipv6.size();
    if (pairs > pairs_left_) return;
    pairs_left_ -= pairs;
    for (const AclFinding& finding : find_idle_rules(acl, entries)) {
        const std::string rule_path = element(member(path, "rules"), finding.rule);
        warnings_.push_back(errors.remark(rule_path, describe(acl, finding)));
    }
}

}  // namespace causeway
