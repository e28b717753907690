// SPDX-License-Identifier: Apache-2.0
//
// Rules that change nothing: what an author should hear at commit.
//
// What is reported is true. What is not found: a rule that several earlier entries cover only
// together (10.0.0.0/9 and 10.128.0.0/9 before 10.0.0.0/8), and a redundant rule where a rule of
// another action in between overlaps it in fields, though no packet is in both.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "acl/compile.h"
#include "acl/rule.h"

namespace causeway {

enum class AclFault : std::uint8_t {
    kShadowed,   // no packet reaches it: each of its entries lies within an earlier one
    kRedundant,  // without it, its packets meet the same action later
};

struct AclFinding {
    AclFault fault = AclFault::kShadowed;
    std::size_t rule = 0;
    std::optional<std::size_t> by;  // another rule, of several the first; none: `otherwise`
    friend bool operator==(const AclFinding&, const AclFinding&) = default;
};

// In the order of the rules. The time is quadratic in entries: a second for ten thousand. REQUIRES:
// the entries are compile()'s of this list.
[[nodiscard]] std::vector<AclFinding> find_idle_rules(const Acl& acl, const AclEntries& entries);

}  // namespace causeway
