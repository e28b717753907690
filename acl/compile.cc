// SPDX-License-Identifier: Apache-2.0
#include "acl/compile.h"

#include <algorithm>
#include <string>
#include <utility>
#include <variant>

#include "base/limits.h"

namespace causeway {
namespace {

// All prefixes of one family; anything is the prefix of length 0.
template <class PrefixT>
std::vector<PrefixT> prefixes_of(const AddressMatch& match, const AclSets& sets) {
    if (match.is_any()) return {PrefixT()};
    std::vector<PrefixT> some;
    const auto add = [&some](const std::vector<IpPrefix>& prefixes) {
        for (const IpPrefix& prefix : prefixes) {
            if (const auto* const own = std::get_if<PrefixT>(&prefix)) some.push_back(*own);
        }
    };
    add(match.prefixes);
    for (const std::string& name : match.sets) add(sets.prefixes.find(name)->second);
    // What lies within another says nothing new. In order, whoever covers stands before.
    std::ranges::sort(some);
    std::vector<PrefixT> apart;
    for (const PrefixT& prefix : some) {
        if (apart.empty() || !apart.back().contains(prefix)) apart.push_back(prefix);
    }
    return apart;
}

std::vector<PortRange> ranges_of(const PortMatch& match, const AclSets& sets) {
    if (match.is_any()) return {{0, 0xffff}};
    std::vector<PortRange> some = match.ranges;
    for (const std::string& name : match.sets) {
        const auto& ranges = sets.ports.find(name)->second;
        some.insert(some.end(), ranges.begin(), ranges.end());
    }
    std::ranges::sort(some);
    std::vector<PortRange> apart;
    for (const PortRange& range : some) {
        if (!apart.empty() && range.first <= apart.back().last + 1) {  // meets or overlaps
            apart.back().last = std::max(apart.back().last, range.last);
        } else {
            apart.push_back(range);
        }
    }
    return apart;
}

// The ranges of both ports; ICMP has its type and code in their place, one above, because 0 stands
// for layer 4 that is not shown.
std::pair<std::vector<PortRange>, std::vector<PortRange>> layer4_of(const AclRule& rule,
                                                                    const AclSets& sets) {
    if (!rule.icmp) {
        return {ranges_of(rule.source_ports, sets), ranges_of(rule.destination_ports, sets)};
    }
    const auto only = [](unsigned number) {
        const auto next = static_cast<std::uint16_t>(number + 1);
        return std::vector{PortRange{next, next}};
    };
    const std::vector<PortRange> any_code{{1, 256}};
    return {only(rule.icmp->type), rule.icmp->code ? only(*rule.icmp->code) : any_code};
}

// One bit for each set; nothing asked is one alternative, too.
std::vector<NameSetBits> bits_of(const std::vector<std::string>& names, const AclSets& sets) {
    if (names.empty()) return {0};
    std::vector<NameSetBits> bits;
    for (const std::string& name : names) bits.push_back(sets.names.find(name)->second);
    std::ranges::sort(bits);
    bits.erase(std::unique(bits.begin(), bits.end()), bits.end());
    return bits;
}

BitMatch shape_of(const AclRule& rule) {
    BitMatch shape;
    switch (rule.fragments) {
        case Fragments::kAny:
            break;
        case Fragments::kWhole:
            shape = {0, AclShape::kFragment};
            break;
        case Fragments::kAll:
            shape = {AclShape::kFragment, AclShape::kFragment};
            break;
        case Fragments::kFirst:
            shape = {AclShape::kFragment | AclShape::kNotLater,
                     AclShape::kFragment | AclShape::kNotLater};
            break;
        case Fragments::kLater:
            shape = {0, AclShape::kNotLater};
            break;
    }
    if (rule.tcp_flags) shape.mask |= AclShape::kHidden;  // to be clear
    return shape;
}

// The entry with each combination of addresses and ports.
template <class AddressT>
void add_boxes(AclEntry<AddressT> entry, const std::vector<Prefix<AddressT>>& sources,
               const std::vector<Prefix<AddressT>>& destinations,
               const std::vector<PortRange>& source_ports,
               const std::vector<PortRange>& destination_ports,
               std::vector<AclEntry<AddressT>>& entries) {
    for (const auto& source : sources) {
        entry.source = source;
        for (const auto& destination : destinations) {
            entry.destination = destination;
            for (const PortRange& from : source_ports) {
                entry.source_ports = from;
                for (const PortRange& to : destination_ports) {
                    entry.destination_ports = to;
                    entries.push_back(entry);
                }
            }
        }
    }
}

template <class AddressT>
Status expand(const AclRule& rule, const AclSets& sets, std::uint32_t index,
              std::vector<AclEntry<AddressT>>& entries) {
    const auto sources = prefixes_of<Prefix<AddressT>>(rule.source, sets);
    const auto destinations = prefixes_of<Prefix<AddressT>>(rule.destination, sets);
    const auto [source_ports, destination_ports] = layer4_of(rule, sets);
    const auto source_names = bits_of(rule.source_names, sets);
    const auto destination_names = bits_of(rule.destination_names, sets);
    const double count = static_cast<double>(sources.size()) *
                         static_cast<double>(destinations.size()) *
                         static_cast<double>(source_ports.size() * destination_ports.size()) *
                         static_cast<double>(source_names.size() * destination_names.size());
    if (count > static_cast<double>(kAclEntriesMax - entries.size())) {
        return Unexpected(ErrorCode::kFull,
                          "with the alternatives of rule \"" + rule.name +
                              "\" the list has more than " + std::to_string(kAclEntriesMax) +
                              " entries of a family",
                          "rules[" + std::to_string(index) + "]");
    }
    AclEntry<AddressT> entry{.rule = index};
    if (rule.protocol) entry.protocol = BitMatch::exactly(*rule.protocol);
    if (rule.dscp) entry.dscp = {*rule.dscp, 0x3f};
    if (rule.tcp_flags) entry.flags = {rule.tcp_flags->value, rule.tcp_flags->mask};
    entry.shape = shape_of(rule);
    for (const NameSetBits from_name : source_names) {
        entry.source_names = from_name;
        for (const NameSetBits to_name : destination_names) {
            entry.destination_names = to_name;
            add_boxes(entry, sources, destinations, source_ports, destination_ports, entries);
        }
    }
    return ok();
}

}  // namespace

Result<AclEntries> compile(const Acl& acl, const AclSets& sets) {
    AclEntries entries;
    for (std::uint32_t i = 0; i < acl.rules.size(); ++i) {
        if (auto s = expand(acl.rules[i], sets, i, entries.ipv4); !s) return Unexpected(s.error());
        if (auto s = expand(acl.rules[i], sets, i, entries.ipv6); !s) return Unexpected(s.error());
    }
    return entries;
}

}  // namespace causeway
