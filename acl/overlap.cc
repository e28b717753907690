// SPDX-License-Identifier: Apache-2.0
#include "acl/overlap.h"

#include <algorithm>
#include <span>

namespace causeway {
namespace {

constexpr bool contains(const PortRange& outer, const PortRange& inner) {
    return outer.first <= inner.first && inner.last <= outer.last;
}
constexpr bool overlaps(const PortRange& a, const PortRange& b) {
    return a.first <= b.last && b.first <= a.last;
}

// An address may be of any sets at once, so whoever asks for two different ones may meet both.
constexpr bool contains(NameSetBits outer, NameSetBits inner) {
    return (outer & ~inner) == 0;
}

template <class Entry>
bool contains(const Entry& outer, const Entry& inner) {
    return outer.protocol.contains(inner.protocol) && outer.source.contains(inner.source) &&
           outer.destination.contains(inner.destination) &&
           contains(outer.source_ports, inner.source_ports) &&
           contains(outer.destination_ports, inner.destination_ports) &&
           outer.shape.contains(inner.shape) && outer.flags.contains(inner.flags) &&
           outer.dscp.contains(inner.dscp) && contains(outer.source_names, inner.source_names) &&
           contains(outer.destination_names, inner.destination_names);
}

template <class Entry>
bool overlaps(const Entry& a, const Entry& b) {
    return a.protocol.overlaps(b.protocol) && a.source.overlaps(b.source) &&
           a.destination.overlaps(b.destination) && overlaps(a.source_ports, b.source_ports) &&
           overlaps(a.destination_ports, b.destination_ports) && a.shape.overlaps(b.shape) &&
           a.flags.overlaps(b.flags) && a.dscp.overlaps(b.dscp);
}

// What becomes of one rule's entries of one family.
struct Fate {
    bool is_certain = true;     // of each entry, that is
    std::size_t by = SIZE_MAX;  // the first rule it is due to
    void add(std::optional<std::size_t> rule) {
        is_certain = is_certain && rule.has_value();
        if (rule) by = std::min(by, *rule);
    }
};

// The entries of a family by rule: those of rule i are [begins[i], begins[i + 1]).
template <class Entry>
class Family {
  public:
    Family(const Acl& acl, std::span<const Entry> entries) : acl_(acl), entries_(entries) {
        begins_.reserve(acl.rules.size() + 1);
        std::size_t at = 0;
        for (std::size_t rule = 0; rule <= acl.rules.size(); ++rule) {
            while (at < entries.size() && entries[at].rule < rule) ++at;
            begins_.push_back(at);
        }
    }
    void add_shadows(std::size_t rule, Fate& fate) const {
        for (const Entry& entry : of(rule)) fate.add(shadow_of(entry));
    }
    void add_twins(std::size_t rule, const std::vector<bool>& is_shadowed, Fate& fate) const {
        for (const Entry& entry : of(rule)) fate.add(twin_of(entry, is_shadowed));
    }

  private:
    [[nodiscard]] std::span<const Entry> of(std::size_t rule) const {
        return entries_.subspan(begins_[rule], begins_[rule + 1] - begins_[rule]);
    }
    [[nodiscard]] std::optional<std::size_t> shadow_of(const Entry& entry) const {
        for (const Entry& before : entries_.first(begins_[entry.rule])) {
            if (contains(before, entry)) return before.rule;
        }
        return std::nullopt;
    }
    // The later rule that would do the same to all of this entry's packets; the number of rules
    // stands for `otherwise`. A shadowed rule does nothing, so two equal ones are not each other's
    // excuse.
    [[nodiscard]] std::optional<std::size_t> twin_of(const Entry& entry,
                                                     const std::vector<bool>& is_shadowed) const {
        const AclAction& action = acl_.rules[entry.rule].action;
        for (const Entry& after : entries_.subspan(begins_[entry.rule + 1])) {
            if (is_shadowed[after.rule]) continue;
            const bool acts_alike = acl_.rules[after.rule].action == action;
            if (acts_alike && contains(after, entry)) return after.rule;
            if (!acts_alike && overlaps(after, entry)) return std::nullopt;
        }
        if (acl_.otherwise == action) return acl_.rules.size();
        return std::nullopt;
    }

    const Acl& acl_;
    std::span<const Entry> entries_;
    std::vector<std::size_t> begins_;
};

}  // namespace

std::vector<AclFinding> find_idle_rules(const Acl& acl, const AclEntries& entries) {
    const Family<AclEntry<Ipv4Address>> ipv4(acl, entries.ipv4);
    const Family<AclEntry<Ipv6Address>> ipv6(acl, entries.ipv6);
    std::vector<AclFinding> findings;
    std::vector<bool> is_shadowed(acl.rules.size());
    for (std::size_t rule = 0; rule < acl.rules.size(); ++rule) {
        Fate fate;
        ipv4.add_shadows(rule, fate);
        ipv6.add_shadows(rule, fate);
        if (!fate.is_certain) continue;
        is_shadowed[rule] = true;
        findings.push_back({AclFault::kShadowed, rule, fate.by});
    }
    for (std::size_t rule = 0; rule < acl.rules.size(); ++rule) {
        if (is_shadowed[rule]) continue;
        Fate fate;
        ipv4.add_twins(rule, is_shadowed, fate);
        ipv6.add_twins(rule, is_shadowed, fate);
        if (!fate.is_certain) continue;
        const bool is_default = fate.by == acl.rules.size();
        findings.push_back(
            {AclFault::kRedundant, rule, is_default ? std::nullopt : std::optional(fate.by)});
    }
    std::ranges::sort(findings, {}, &AclFinding::rule);
    return findings;
}

}  // namespace causeway
