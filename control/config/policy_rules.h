// SPDX-License-Identifier: Apache-2.0
//
// What peerings and policies say about each other; rules.h has the rest.
#pragma once

#include <vector>

#include "control/config/config.h"
#include "control/config/errors.h"
#include "control/config/legs.h"

namespace causeway {

void check_policy_rules(const Config& config, const std::vector<LegView>& legs,
                        ConfigErrors& errors);

}  // namespace causeway
