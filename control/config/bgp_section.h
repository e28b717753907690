// SPDX-License-Identifier: Apache-2.0
//
// What a configuration says of BGP: the section "bgp", and "bgp" of each peering.
#pragma once

#include <string>

#include "control/config/config.h"
#include "control/config/errors.h"
#include "control/config/reader.h"
#include "control/config/yaml_tree.h"

namespace causeway {

[[nodiscard]] BgpConfig read_bgp(const YamlNode& node, ConfigErrors& errors);

// "bgp" of a peering, whose type says what the defaults are.
[[nodiscard]] PeeringBgpConfig read_peering_bgp(MapReader& peering, PeeringType type);

void check_bgp_rules(const Config& config, ConfigErrors& errors);

}  // namespace causeway
