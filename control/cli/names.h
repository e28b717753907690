// SPDX-License-Identifier: Apache-2.0
//
// `causeway show names …`.
#pragma once

#include <string>

#include "control/cli/session.h"

namespace causeway::cli {

// "rules", "addresses" or "counters"; else sets. Addresses are those of a VRF, or of all.
[[nodiscard]] ExitCode show_names(Session& session, const std::string& table,
                                  const std::string& vrf);

}  // namespace causeway::cli
