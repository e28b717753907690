// SPDX-License-Identifier: Apache-2.0
//
// NamePolicy: what becomes of packets to the addresses of names. Rules in order, of which the first
// that speaks of one of the destination's sets decides; where none does, the routes do.
//
// Thread safety: immutable once a Tables points to it, as all policies are; the learned addresses
// change in place. NameWorker is its worker's, but for its counters, which any thread may read.
#pragma once

#include <rte_cycles.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <variant>
#include <vector>

#include "acl/names/flow_inspector.h"
#include "acl/names/flow_labels.h"
#include "acl/names/name_matcher.h"
#include "base/types.h"
#include "dataplane/acl_list.h"
#include "dataplane/counters.h"
#include "dataplane/exit.h"
#include "dataplane/policer.h"

namespace causeway {

// The policers of a class: of all that its rules let come in together, and of what comes back.
struct ClassPolicers {
    Policer* in = nullptr;  // null: none
    Policer* out = nullptr;
};

struct NameRule {
    NameSetBits sets = 0;
    AclOutcome outcome;
    ClassPolicers police;
};

// Of what a rule permits.
[[nodiscard]] inline Exit police_class(Policer& policer, std::uint64_t bytes) noexcept {
    if (policer.take(bytes, rte_rdtsc())) return Exit::kNone;
    policer.count_drop(bytes);
    return Exit::kOverClassRate;
}

// Whose answers are believed. A few, so that each is compared.
class NameResolvers {
  public:
    void add(const IpAddress& address) {
        if (const auto* const ipv4 = std::get_if<Ipv4Address>(&address)) {
            ipv4_.push_back(*ipv4);
        } else {
            ipv6_.push_back(std::get<Ipv6Address>(address));
        }
    }
    [[nodiscard]] bool is_empty() const noexcept { return ipv4_.empty() && ipv6_.empty(); }
    [[nodiscard]] bool contains(Ipv4Address address) const noexcept {
        return std::ranges::find(ipv4_, address) != ipv4_.end();
    }
    [[nodiscard]] bool contains(Ipv6Address address) const noexcept {
        return std::ranges::find(ipv6_, address) != ipv6_.end();
    }

  private:
    std::vector<Ipv4Address> ipv4_;
    std::vector<Ipv6Address> ipv6_;
};

// The sets of names, ready to be asked by workers, each with a scratch of its own.
struct NameReaders {
    const NameMatcher* matcher = nullptr;
    std::vector<PatternScratch> scratches;  // by worker
};

struct NamePolicy {
    NameReaders* readers = nullptr;  // null: nobody looks into flows
    // Of the sets that the readers know, those that still are what they were when that began.
    NameSetBits read_sets = ~NameSetBits{0};
    // Counts how often bits have gone over from sets that are gone to others.
    std::uint8_t era = 0;
    std::vector<NameRule> rules;

    [[nodiscard]] const NameRule* rule_for(NameSetBits sets) const noexcept {
        for (const NameRule& rule : rules) {
            if ((rule.sets & sets) != 0) return &rule;
        }
        return nullptr;
    }
    [[nodiscard]] bool has_classes() const noexcept {
        return std::ranges::any_of(rules,
                                   [](const NameRule& rule) { return rule.police.out != nullptr; });
    }
};

// What a worker remembers of flows: of those that it steers, and of those that said a name.
struct NameWorker {
    static constexpr std::size_t kFlowsMax = 1U << 16;

    static constexpr std::size_t kLabelsMax = 1U << 14;
    // Of a label: the flow has been looked into. Else 0 would say so, and that it has not.
    static constexpr NameSetBits kIsLabelled = NameSetBits{1} << 31;

    NameWorker(WorkerId id, std::uint64_t seed);

    WorkerId id;
    FlowLabels flows;   // that are steered
    FlowLabels labels;  // what flows have said of themselves
    std::unique_ptr<FlowInspector> inspector;
    Counter flows_labelled;
    Counter flows_begun;
    Counter flows_displaced;  // by others, though not idle: they go by the routes from then on
    Counter answers_unheard;  // went on at once, as the control thread had no time for them
};

}  // namespace causeway
