// SPDX-License-Identifier: Apache-2.0
//
// NameMatcher: all sets in the form in which names and payloads are asked of them. Plain names are
// in a SuffixTable; names with a "*" inside, and expressions over payloads, are in one
// PatternDatabase.
//
// Thread safety: immutable once built; any number of readers, each with a PatternScratch of its
// own from make_scratch().
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "acl/names/name_set.h"
#include "acl/names/pattern_database.h"
#include "acl/names/suffix_table.h"
#include "acl/names/wildcard_names.h"

namespace causeway {

// What is asked of a PatternDatabase: for each name with a "*" inside, a text in it that it shares
// with few others, and the expressions over payloads. A name in which the text is
// found is then compared with the whole: ten thousand plain texts cost Hyperscan what a hundred
// expressions do, and seconds instead of minutes to compile.
struct PatternPlan {
    std::vector<ScanPattern> patterns;                    // texts of names, then payloads
    std::vector<std::vector<WildcardNames::Name>> names;  // by place: those with this text
    std::vector<NameSetBits> payloads;                    // by place, from names.size() on
};
// In an order that depends on the sets alone.
[[nodiscard]] PatternPlan plan_patterns(std::span<const NameSet> sets);

class NameMatcher {
  public:
    // The patterns are those of the plan of these sets, or null where it has none. REQUIRES: at
    // most kNameSetsMax sets.
    NameMatcher(std::span<const NameSet> sets, const PatternPlan& plan,
                std::unique_ptr<const PatternDatabase> patterns);

    // One for each thread that asks.
    [[nodiscard]] Result<PatternScratch> make_scratch() const;

    [[nodiscard]] NameVerdict match(const Hostname& name, PatternScratch& scratch) const noexcept;
    // Those of a name and its aliases, in order: in each set the first decides that the set speaks
    // of.
    [[nodiscard]] NameSetBits match(std::span<const Hostname> chain,
                                    PatternScratch& scratch) const noexcept;
    // The sets of which an expression matches the first bytes of a flow.
    [[nodiscard]] NameSetBits match_payload(std::string_view payload,
                                            PatternScratch& scratch) const noexcept;
    [[nodiscard]] bool has_payloads() const noexcept { return !payloads_.empty(); }
    [[nodiscard]] std::size_t patterns() const noexcept {
        return wildcards_.texts() + payloads_.size();
    }
    [[nodiscard]] std::size_t bytes() const noexcept {
        return suffixes_.bytes() + wildcards_.bytes() +
               (patterns_ != nullptr ? patterns_->bytes() : 0);
    }

  private:
    // Per set, how specific the pattern is that has decided so far.
    class Contest;

    SuffixTable suffixes_;
    WildcardNames wildcards_;
    std::vector<NameSetBits> payloads_;  // by place in patterns_, behind the wildcards'
    std::unique_ptr<const PatternDatabase> patterns_;
};

}  // namespace causeway
