// SPDX-License-Identifier: Apache-2.0
//
// What no list may say: fields that no packet can have together, sets that do not exist, and more
// than a table holds.
#pragma once

#include "acl/rule.h"
#include "base/result.h"

namespace causeway {

// Prefixes or ports in a set's own right.
[[nodiscard]] Status validate(const AclSets& sets);

// The first fault of one rule. Its field is the path within the rule. REQUIRES: the sets are valid.
[[nodiscard]] Status validate(const AclRule& rule, const AclSets& sets);

// The first fault. Its field is the path within the list, as in "rules[3].tcp-flags". REQUIRES: the
// sets are valid.
[[nodiscard]] Status validate(const Acl& acl, const AclSets& sets);

}  // namespace causeway
