// SPDX-License-Identifier: Apache-2.0
//
// `causeway nat log FILE`: the NAT's log for people and programs. Needs no daemon.
#pragma once

#include <string>

#include "control/cli/session.h"

namespace causeway::cli {

[[nodiscard]] ExitCode read_log(Session& session, const std::string& path);

}  // namespace causeway::cli
