// SPDX-License-Identifier: Apache-2.0
#include "acl/names/name_matcher.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <map>
#include <unordered_map>
#include <utility>

#include "base/check.h"

namespace causeway {

namespace {

// As an expression that means just this.
std::string quoted(std::string_view text) {
    std::string expression;
    for (const char c : text) {
        if (c == '.' || c == '-') expression += '\\';
        expression += c;
    }
    return expression;
}

using Names = std::map<NamePattern, WildcardNames::Name>;

// Hyperscan finds texts by their last bytes, so many; those alike in them it must compare one by
// one (Wang et al., "Hyperscan: A Fast Multi-pattern Regex Matcher", NSDI 2019, 4.1).
constexpr std::size_t kTailBytes = 8;

std::string_view tail_of(std::string_view text) {
    return text.substr(text.size() - std::min(text.size(), kTailBytes));
}

// What a name could be looked for by: its parts, and those cut short behind each possible tail.
std::vector<std::string> texts_of(const NamePattern& pattern) {
    std::vector<std::string> texts;
    for (const std::string& part : pattern.parts()) {
        for (std::size_t end = std::min(part.size(), kTailBytes); end <= part.size(); ++end) {
            texts.push_back(part.substr(0, end));
        }
    }
    return texts;
}

// The text by which each name is looked for: one with a tail that few others have.
std::map<std::string, std::vector<WildcardNames::Name>> by_text(const Names& names) {
    std::unordered_map<std::string, std::ptrdiff_t> sharers;  // of a tail
    for (const auto& [pattern, name] : names) {
        for (const std::string& text : texts_of(pattern)) ++sharers[std::string(tail_of(text))];
    }
    std::map<std::string, std::vector<WildcardNames::Name>> texts;
    for (const auto& [pattern, name] : names) {
        const auto some = texts_of(pattern);
        const auto best = std::ranges::min_element(some, {}, [&](const std::string& text) {
            const std::string_view tail = tail_of(text);
            const std::ptrdiff_t shortness = -static_cast<std::ptrdiff_t>(tail.size());
            // A short tail is met by accident, too.
            const std::ptrdiff_t accidents = tail.size() < kTailBytes / 2 ? 1'000 : 0;
            return std::pair(sharers[std::string(tail)] + accidents, shortness);
        });
        texts[*best].push_back(name);
    }
    return texts;
}

}  // namespace

PatternPlan plan_patterns(std::span<const NameSet> sets) {
    Names names;
    std::map<std::string, NameSetBits> payloads;
    for (std::size_t k = 0; k < sets.size(); ++k) {
        const NameSetBits set = NameSetBits{1} << k;
        const auto add = [&](const NamePattern& pattern, NameSetBits WildcardNames::Name::*bits) {
            if (pattern.kind() != NamePattern::Kind::kWildcard) return;
            names.try_emplace(pattern, WildcardNames::Name{pattern}).first->second.*bits |= set;
        };
        for (const NamePattern& member : sets[k].members) add(member, &WildcardNames::Name::in);
        for (const NamePattern& other : sets[k].exceptions) add(other, &WildcardNames::Name::out);
        for (const std::string& payload : sets[k].payloads) payloads[payload] |= set;
    }
    PatternPlan plan;
    for (auto& [text, some] : by_text(names)) {
        plan.patterns.push_back({quoted(text), ScanPattern::Reports::kEvery});
        plan.names.push_back(some);
    }
    for (const auto& [payload, bits] : payloads) {
        plan.patterns.push_back({payload, ScanPattern::Reports::kFirst});
        plan.payloads.push_back(bits);
    }
    return plan;
}

class NameMatcher::Contest {
  public:
    void enter(std::size_t literals, NameSetBits in, NameSetBits out) noexcept {
        for (NameSetBits sets = in | out; sets != 0; sets &= sets - 1) {
            const auto set = static_cast<unsigned>(std::countr_zero(sets));
            const NameSetBits bit = NameSetBits{1} << set;
            const bool is_out = (out & bit) != 0;
            if (literals < best_[set] || (literals == best_[set] && !is_out)) continue;
            best_[set] = static_cast<std::uint8_t>(literals);
            verdict_.in = is_out ? verdict_.in & ~bit : verdict_.in | bit;
        }
        verdict_.decided |= in | out;
    }
    [[nodiscard]] NameVerdict verdict() const noexcept { return verdict_; }

  private:
    static_assert(Hostname::kBytesMax <= 255);
    std::array<std::uint8_t, kNameSetsMax> best_{};
    NameVerdict verdict_;
};

NameMatcher::NameMatcher(std::span<const NameSet> sets, const PatternPlan& plan,
                         std::unique_ptr<const PatternDatabase> patterns)
    : suffixes_(sets),
      wildcards_(plan.names),
      payloads_(plan.payloads),
      patterns_(std::move(patterns)) {
    CHECK(sets.size() <= kNameSetsMax);
    CHECK(plan.patterns.empty() == (patterns_ == nullptr));
}

Result<PatternScratch> NameMatcher::make_scratch() const {
    return patterns_ == nullptr ? PatternScratch() : patterns_->make_scratch();
}

NameVerdict NameMatcher::match(const Hostname& name, PatternScratch& scratch) const noexcept {
    if (wildcards_.texts() == 0) {
        // The most specific pattern comes last, and what comes last decides.
        NameVerdict verdict;
        suffixes_.match(name, [&](std::size_t, NameSetBits in, NameSetBits out) noexcept {
            verdict.in = (verdict.in | in) & ~out;
            verdict.decided |= in | out;
        });
        return verdict;
    }
    Contest contest;
    suffixes_.match(name, [&](std::size_t literals, NameSetBits in, NameSetBits out) noexcept {
        contest.enter(literals, in, out);
    });
    patterns_->scan(name.text(), scratch, [&](unsigned place) noexcept {
        if (place >= wildcards_.texts()) return;
        wildcards_.match(place, name,
                         [&](std::size_t literals, NameSetBits in, NameSetBits out) noexcept {
                             contest.enter(literals, in, out);
                         });
    });
    return contest.verdict();
}

NameSetBits NameMatcher::match(std::span<const Hostname> chain,
                               PatternScratch& scratch) const noexcept {
    NameVerdict all;
    for (const Hostname& name : chain) {
        const NameVerdict verdict = match(name, scratch);
        all.in |= verdict.in & ~all.decided;
        all.decided |= verdict.decided;
    }
    return all.in;
}

NameSetBits NameMatcher::match_payload(std::string_view payload,
                                       PatternScratch& scratch) const noexcept {
    NameSetBits sets = 0;
    if (!has_payloads()) return sets;
    patterns_->scan(payload, scratch, [&](unsigned place) noexcept {
        if (place >= wildcards_.texts()) sets |= payloads_[place - wildcards_.texts()];
    });
    return sets;
}

}  // namespace causeway
