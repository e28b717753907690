// SPDX-License-Identifier: Apache-2.0
#include "acl/validate.h"

#include <algorithm>
#include <set>
#include <string>

#include "acl/packet_view.h"
#include "base/headers.h"
#include "base/limits.h"

namespace causeway {
namespace {

constexpr auto kTcp = static_cast<std::uint8_t>(IpProtocol::kTcp);
constexpr auto kUdp = static_cast<std::uint8_t>(IpProtocol::kUdp);
constexpr auto kIcmp = static_cast<std::uint8_t>(IpProtocol::kIcmp);
constexpr auto kIcmpv6 = static_cast<std::uint8_t>(IpProtocol::kIcmpv6);

Unexpected wrong(std::string message, std::string field) {
    return Unexpected(ErrorCode::kInvalid, std::move(message), std::move(field));
}

Status validate_ranges(const std::vector<PortRange>& ranges, const std::string& field) {
    for (const PortRange& range : ranges) {
        if (range.first > range.last) {
            return wrong("a range of ports ends at " + std::to_string(range.last) +
                             ", before it begins at " + std::to_string(range.first),
                         field);
        }
        if (range.first == 0) return wrong("port 0 names no application (RFC 6335 6)", field);
    }
    return ok();
}

// Which families a part of a rule allows.
struct Families {
    bool ipv4 = true;
    bool ipv6 = true;
    [[nodiscard]] bool is_none() const { return !ipv4 && !ipv6; }
    [[nodiscard]] Families and_also(Families other) const {
        return {ipv4 && other.ipv4, ipv6 && other.ipv6};
    }
};

// One rule's examination; each part says what is wrong, or nothing.
class RuleCheck {
  public:
    RuleCheck(const AclRule& rule, const AclSets& sets) : rule_(rule), sets_(sets) {}

    [[nodiscard]] Status operator()() const {
        for (const auto part :
             {&RuleCheck::sets_exist, &RuleCheck::ports, &RuleCheck::icmp, &RuleCheck::tcp_flags,
              &RuleCheck::fragments, &RuleCheck::dscp, &RuleCheck::families, &RuleCheck::action}) {
            if (Status status = (this->*part)(); !status) return status;
        }
        return ok();
    }

  private:
    template <class Set>
    [[nodiscard]] static Status all_in(const Set& sets, const std::vector<std::string>& names,
                                       const std::string& field) {
        for (const std::string& name : names) {
            if (!sets.contains(name)) return wrong("there is no set \"" + name + "\"", field);
        }
        return ok();
    }
    [[nodiscard]] Status sets_exist() const {
        if (auto s = all_in(sets_.prefixes, rule_.source.sets, "source"); !s) return s;
        if (auto s = all_in(sets_.prefixes, rule_.destination.sets, "destination"); !s) return s;
        if (auto s = all_in(sets_.ports, rule_.source_ports.sets, "source-ports"); !s) return s;
        if (auto s = all_in(sets_.ports, rule_.destination_ports.sets, "destination-ports"); !s) {
            return s;
        }
        if (auto s = all_in(sets_.names, rule_.source_names, "source-names"); !s) return s;
        return all_in(sets_.names, rule_.destination_names, "destination-names");
    }
    [[nodiscard]] Status ports() const {
        if (auto s = validate_ranges(rule_.source_ports.ranges, "source-ports"); !s) return s;
        if (auto s = validate_ranges(rule_.destination_ports.ranges, "destination-ports"); !s) {
            return s;
        }
        const bool has_ports =
            rule_.protocol == kTcp || rule_.protocol == kUdp || rule_.protocol == kProtocolSctp;
        if (has_ports || !names_ports()) return ok();
        return wrong("only TCP, UDP and SCTP have ports: say which protocol",
                     rule_.source_ports.is_any() ? "destination-ports" : "source-ports");
    }
    [[nodiscard]] Status icmp() const {
        if (!rule_.icmp || rule_.protocol == kIcmp || rule_.protocol == kIcmpv6) return ok();
        return wrong("only ICMP and ICMPv6 have a type: say which protocol", "icmp-type");
    }
    [[nodiscard]] Status tcp_flags() const {
        if (!rule_.tcp_flags) return ok();
        const auto [value, mask] = *rule_.tcp_flags;
        if (rule_.protocol != kTcp) return wrong("only TCP has these flags", "tcp-flags");
        if (mask == 0) return wrong("no flag is asked for", "tcp-flags");
        if ((value & ~mask) != 0) {
            return wrong("a flag is to be set that the mask leaves out", "tcp-flags");
        }
        return ok();
    }
    [[nodiscard]] Status fragments() const {
        const bool shows_layer4 = names_ports() || rule_.icmp || rule_.tcp_flags;
        if (rule_.fragments != Fragments::kLater || !shows_layer4) return ok();
        return wrong("a later fragment shows neither ports nor ICMP type nor TCP flags",
                     "fragments");
    }
    [[nodiscard]] Status dscp() const {
        if (rule_.dscp.value_or(0) > 63) return wrong("a DSCP is at most 63", "dscp");
        return ok();
    }
    [[nodiscard]] Status families() const {
        const Families source = families_of(rule_.source);
        const Families both = source.and_also(families_of(rule_.destination));
        if (both.is_none()) {
            return wrong("source and destination are of different families", "destination");
        }
        const Families icmp{rule_.protocol != kIcmpv6, rule_.protocol != kIcmp};
        if (both.and_also(icmp).is_none()) {
            return wrong(rule_.protocol == kIcmp ? "ICMP is of IPv4, and the prefixes are of IPv6"
                                                 : "ICMPv6 is of IPv6, and the prefixes are of "
                                                   "IPv4",
                         "protocol");
        }
        return ok();
    }
    [[nodiscard]] Status action() const {
        const AclAction& action = rule_.action;
        if (action.mark_dscp.value_or(0) > 63) return wrong("a DSCP is at most 63", "mark-dscp");
        if (!action.steer.empty() && !sets_.targets.contains(action.steer)) {
            return wrong("there is no steer target \"" + action.steer + '"', "steer");
        }
        if (action.verdict == AclVerdict::kPermit) return ok();
        if (action.mark_dscp) return wrong("a denied packet cannot be marked", "mark-dscp");
        if (!action.steer.empty()) return wrong("a denied packet goes nowhere", "steer");
        return ok();
    }

    [[nodiscard]] bool names_ports() const {
        return !rule_.source_ports.is_any() || !rule_.destination_ports.is_any();
    }
    [[nodiscard]] Families families_of(const AddressMatch& match) const {
        if (match.is_any()) return {};
        Families families{false, false};
        const auto add = [&families](const std::vector<IpPrefix>& prefixes) {
            for (const IpPrefix& prefix : prefixes) {
                (std::holds_alternative<Ipv4Prefix>(prefix) ? families.ipv4 : families.ipv6) = true;
            }
        };
        add(match.prefixes);
        for (const std::string& name : match.sets) add(sets_.prefixes.find(name)->second);
        return families;
    }

    const AclRule& rule_;
    const AclSets& sets_;
};

}  // namespace

Status validate(const AclSets& sets) {
    for (const auto& [name, prefixes] : sets.prefixes) {
        if (prefixes.empty()) return wrong("the set has no prefix", "prefix-sets." + name);
    }
    for (const auto& [name, ranges] : sets.ports) {
        const std::string field = "port-sets." + name;
        if (ranges.empty()) return wrong("the set has no port", field);
        if (Status status = validate_ranges(ranges, field); !status) return status;
    }
    return ok();
}

Status validate(const AclRule& rule, const AclSets& sets) {
    return RuleCheck(rule, sets)();
}

Status validate(const Acl& acl, const AclSets& sets) {
    if (acl.rules.size() > kAclRulesMax) {
        return Unexpected(ErrorCode::kFull,
                          "a list has at most " + std::to_string(kAclRulesMax) + " rules", "rules");
    }
    std::set<std::string_view> names;
    for (std::size_t i = 0; i < acl.rules.size(); ++i) {
        const AclRule& rule = acl.rules[i];
        const std::string path = "rules[" + std::to_string(i) + "].";
        if (rule.name.empty()) return wrong("a rule has a name", path + "name");
        if (!names.insert(rule.name).second) {
            return Unexpected(ErrorCode::kExists, "\"" + rule.name + "\" names a rule before",
                              path + "name");
        }
        if (const Status status = validate(rule, sets); !status) {
            Error error = status.error();
            error.field.insert(0, path);
            return Unexpected(std::move(error));
        }
    }
    const AclAction& otherwise = acl.otherwise;
    if (!otherwise.steer.empty() || otherwise.mark_dscp) {
        return wrong("what no rule matches is permitted or denied, and no more", "otherwise");
    }
    return ok();
}

}  // namespace causeway
