// SPDX-License-Identifier: Apache-2.0
//
// What the values of a configuration say about each other: names, references, tags, subnets,
// routes. A rule passes over a value whose path is bad already.
#pragma once

#include "control/config/config.h"
#include "control/config/errors.h"

namespace causeway {

// Adds an error for each rule that is broken. REQUIRES: the lists of `config` have the indices of
// the document that `errors` knows.
void check_config_rules(const Config& config, ConfigErrors& errors);

}  // namespace causeway
