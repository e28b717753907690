// SPDX-License-Identifier: Apache-2.0
//
// `causeway show nat …` and `causeway nat clear`.
#pragma once

#include <string>

#include "control/cli/session.h"

namespace causeway::cli {

// What is empty was not given.
struct NatArguments {
    std::string pool;
    std::string protocol;
    std::string inside;
    std::string outside;
    std::string remote;
    bool all = false;
};

[[nodiscard]] ExitCode show_nat_status(Session& session);
[[nodiscard]] ExitCode show_nat_pools(Session& session);
[[nodiscard]] ExitCode show_nat_sessions(Session& session, const NatArguments& filter);
[[nodiscard]] ExitCode show_nat_mappings(Session& session, const NatArguments& filter);
[[nodiscard]] ExitCode show_nat_hosts(Session& session, const NatArguments& filter);
[[nodiscard]] ExitCode clear_nat(Session& session, const NatArguments& filter);

}  // namespace causeway::cli
