// SPDX-License-Identifier: Apache-2.0
//
// The sections of a document that are about policy, and what is wrong with them in themselves.
#pragma once

#include <vector>

#include "control/config/config.h"
#include "control/config/reader.h"

namespace causeway {

// Reads and checks all of them, from steer-targets to name-policies. Rules that change nothing
// become warnings.
[[nodiscard]] PolicyConfig read_policy(MapReader& sections, std::vector<ConfigError>& warnings);

// What a peering says of policy. Its type has been read.
void read_peering_policy(MapReader& peering, PeeringType type, PeeringPolicyConfig& policy);

// What a circuit says under `policing`.
void read_policing(MapReader& circuit, PolicingConfig& policing);

}  // namespace causeway
