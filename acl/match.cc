// SPDX-License-Identifier: Apache-2.0
#include "acl/match.h"

#include <algorithm>
#include <array>
#include <variant>

#include "base/check.h"

namespace causeway {
namespace {

bool covers(const IpPrefix& prefix, const IpAddress& address) {
    return std::visit(
        [&address]<class P>(const P& each) {
            const auto* const same_family = std::get_if<typename P::Address>(&address);
            return same_family != nullptr && each.contains(*same_family);
        },
        prefix);
}

template <class Set>
const auto& set_of(const Set& sets, const std::string& name) {
    const auto found = sets.find(name);
    CHECK(found != sets.end());
    return found->second;
}

bool matches(const AddressMatch& match, const AclSets& sets, const IpAddress& address) {
    const auto is_in = [&address](const std::vector<IpPrefix>& prefixes) {
        return std::ranges::any_of(prefixes,
                                   [&](const IpPrefix& prefix) { return covers(prefix, address); });
    };
    return match.is_any() || is_in(match.prefixes) ||
           std::ranges::any_of(match.sets, [&](const std::string& name) {
               return is_in(set_of(sets.prefixes, name));
           });
}

bool matches(const PortMatch& match, const AclSets& sets, std::optional<std::uint16_t> port) {
    if (match.is_any()) return true;
    if (!port || *port == 0) return false;
    const auto is_in = [&port](const std::vector<PortRange>& ranges) {
        return std::ranges::any_of(ranges,
                                   [&](const PortRange& range) { return range.contains(*port); });
    };
    return is_in(match.ranges) || std::ranges::any_of(match.sets, [&](const std::string& name) {
               return is_in(set_of(sets.ports, name));
           });
}

bool matches(const IcmpMatch& match, const std::optional<AclPacket::Icmp>& icmp) {
    return icmp && icmp->type == match.type && (!match.code || icmp->code == *match.code);
}

bool matches(Fragments wanted, FragmentKind kind) {
    switch (wanted) {
        case Fragments::kAny:
            return true;
        case Fragments::kWhole:
            return kind == FragmentKind::kWhole;
        case Fragments::kAll:
            return kind != FragmentKind::kWhole;
        case Fragments::kFirst:
            return kind == FragmentKind::kFirst;
        case Fragments::kLater:
            return kind == FragmentKind::kLater;
    }
    return false;
}

bool matches(const std::vector<std::string>& names, const AclSets& sets, NameSetBits of_packet) {
    return names.empty() || std::ranges::any_of(names, [&](const std::string& name) {
               return (set_of(sets.names, name) & of_packet) != 0;
           });
}

bool matches(AclField field, const AclRule& rule, const AclSets& sets, const AclPacket& packet) {
    const auto port = [&packet](std::uint16_t AclPacket::Ports::*end) {
        return packet.ports ? std::optional((*packet.ports).*end) : std::nullopt;
    };
    switch (field) {
        case AclField::kSource:
            return matches(rule.source, sets, packet.source);
        case AclField::kDestination:
            return matches(rule.destination, sets, packet.destination);
        case AclField::kProtocol:
            return !rule.protocol || *rule.protocol == packet.protocol;
        case AclField::kSourcePorts:
            return matches(rule.source_ports, sets, port(&AclPacket::Ports::source));
        case AclField::kDestinationPorts:
            return matches(rule.destination_ports, sets, port(&AclPacket::Ports::destination));
        case AclField::kIcmp:
            return !rule.icmp || matches(*rule.icmp, packet.icmp);
        case AclField::kTcpFlags:
            return !rule.tcp_flags ||
                   (packet.tcp_flags &&
                    (*packet.tcp_flags & rule.tcp_flags->mask) == rule.tcp_flags->value);
        case AclField::kDscp:
            return !rule.dscp || *rule.dscp == packet.dscp;
        case AclField::kFragments:
            return matches(rule.fragments, packet.fragment);
        case AclField::kSourceNames:
            return matches(rule.source_names, sets, packet.source_names);
        case AclField::kDestinationNames:
            return matches(rule.destination_names, sets, packet.destination_names);
    }
    return false;
}

constexpr std::array kFields{
    AclField::kSource,           AclField::kDestination,
    AclField::kProtocol,         AclField::kSourcePorts,
    AclField::kDestinationPorts, AclField::kIcmp,
    AclField::kTcpFlags,         AclField::kDscp,
    AclField::kFragments,        AclField::kSourceNames,
    AclField::kDestinationNames,
};

}  // namespace

std::string_view to_string(AclField field) noexcept {
    static constexpr std::array<std::string_view, kFields.size()> kNames{
        "source",    "destination", "protocol",  "source-ports", "destination-ports", "icmp-type",
        "tcp-flags", "dscp",        "fragments", "source-names", "destination-names"};
    return kNames[static_cast<std::size_t>(field)];
}

std::optional<AclField> first_mismatch(const AclRule& rule, const AclSets& sets,
                                       const AclPacket& packet) {
    for (const AclField field : kFields) {
        if (!matches(field, rule, sets, packet)) return field;
    }
    return std::nullopt;
}

std::optional<std::size_t> first_match(const Acl& acl, const AclSets& sets,
                                       const AclPacket& packet) {
    for (std::size_t i = 0; i < acl.rules.size(); ++i) {
        if (!first_mismatch(acl.rules[i], sets, packet)) return i;
    }
    return std::nullopt;
}

AclExplanation explain(const Acl& acl, const AclSets& sets, const AclPacket& packet) {
    AclExplanation explanation{.misses = {}, .hit = std::nullopt, .action = acl.otherwise};
    for (std::size_t i = 0; i < acl.rules.size(); ++i) {
        AclExplanation::Miss miss{.rule = i, .fields = {}};
        for (const AclField field : kFields) {
            if (!matches(field, acl.rules[i], sets, packet)) miss.fields.push_back(field);
        }
        if (miss.fields.empty()) {
            explanation.hit = i;
            explanation.action = acl.rules[i].action;
            break;
        }
        explanation.misses.push_back(std::move(miss));
    }
    return explanation;
}

}  // namespace causeway
