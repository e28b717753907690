// SPDX-License-Identifier: Apache-2.0
//
// `causeway show names …`.
#pragma once

#include <string>

#include "control/cli/session.h"

namespace causeway::cli {

// "rules", "addresses" or "counters"; else sets.
[[nodiscard]] ExitCode show_names(Session& session, const std::string& table);

}  // namespace causeway::cli
