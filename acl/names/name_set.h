// SPDX-License-Identifier: Apache-2.0
//
// NameSet: names that are treated alike, as an operator means them; and what a packet's name is
// found to be.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "acl/names/name_pattern.h"
#include "base/limits.h"

namespace causeway {

struct NameSet {
    std::string name;
    std::vector<NamePattern> members;
    std::vector<NamePattern> exceptions;
    // Regular expressions over the first bytes that the flow's client sends.
    std::vector<std::string> payloads;
    friend bool operator==(const NameSet&, const NameSet&) = default;
};

// Bit k: the k-th set.
using NameSetBits = std::uint32_t;
static_assert(kNameSetsMax < 32, "the last bit is the learned addresses' own");

// A set may say neither yes nor no to a name: then the next name of a chain of aliases may.
struct NameVerdict {
    NameSetBits in = 0;
    NameSetBits decided = 0;
    friend bool operator==(const NameVerdict&, const NameVerdict&) = default;
};

// What the sets mean, slowly: in each set the most specific pattern that matches decides, and of
// two equally specific ones the exception.
[[nodiscard]] inline NameVerdict verdict_on(const Hostname& name,
                                            const std::vector<NameSet>& sets) {
    NameVerdict verdict;
    for (std::size_t k = 0; k < sets.size(); ++k) {
        const auto best = [&name](const std::vector<NamePattern>& patterns) {
            std::size_t literals = 0;
            for (const NamePattern& pattern : patterns) {
                if (pattern.matches(name)) literals = std::max(literals, pattern.literals());
            }
            return literals;
        };
        const std::size_t member = best(sets[k].members);
        const std::size_t exception = best(sets[k].exceptions);
        if (member > exception) verdict.in |= NameSetBits{1} << k;
        if (member + exception > 0) verdict.decided |= NameSetBits{1} << k;
    }
    return verdict;
}

}  // namespace causeway
