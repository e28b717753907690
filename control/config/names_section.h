// SPDX-License-Identifier: Apache-2.0
//
// What a document says of names and of targets to which rules steer: sections steer-targets,
// resolvers, name-sets, policer-classes and name-policies.
#pragma once

#include <yaml-cpp/emitter.h>

#include <vector>

#include "control/config/policy_config.h"
#include "control/config/reader.h"

namespace causeway {

void read_steer_targets(MapReader& sections, std::vector<SteerTargetConfig>& targets);
void write_steer_targets(YAML::Emitter& out, const std::vector<SteerTargetConfig>& targets);

// Resolvers and sets.
void read_name_sets(MapReader& sections, PolicyConfig& policy);
// And the classes of policers that they name. The targets and sets have been read.
void read_name_policies(MapReader& sections, PolicyConfig& policy);
void write_names(YAML::Emitter& out, const PolicyConfig& policy);

}  // namespace causeway
