// SPDX-License-Identifier: Apache-2.0
//
// The sections and fields of policy_reader.h, written.
#pragma once

#include <yaml-cpp/emitter.h>

#include <string>

#include "control/config/policy_config.h"

namespace causeway {

void write_policy(YAML::Emitter& out, const PolicyConfig& policy);
void write_peering_policy(YAML::Emitter& out, const PeeringPolicyConfig& policy);
// What a rule matches, in the words of the document and on one line; nothing: every packet.
[[nodiscard]] std::string match_text(const AclRule& rule);
void write_policing(YAML::Emitter& out, const PolicingConfig& policing);  // key and value

}  // namespace causeway
