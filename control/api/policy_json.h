// SPDX-License-Identifier: Apache-2.0
//
// The views of policy_api.h as JSON; as view_json.h.
#pragma once

#include "control/api/json_rpc.h"
#include "control/api/policy_api.h"

namespace causeway {

[[nodiscard]] Json json_of(const AclView& acl);
[[nodiscard]] Json json_of(const AclRuleView& rule);
[[nodiscard]] Json json_of(const AclExplanationView& explanation);
[[nodiscard]] Json json_of(const PolicerView& policer);
[[nodiscard]] Json json_of(const PeakView& peak);

}  // namespace causeway
