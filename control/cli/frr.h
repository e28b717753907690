// SPDX-License-Identifier: Apache-2.0
//
// The commands of `causeway` that speak to FRR: its configuration from ours, and the tables of a
// path as support people know them.
#pragma once

#include <string>
#include <vector>

#include "control/cli/session.h"

namespace causeway::cli {

struct FrrChoice {
    std::string file;  // a document; empty: the running configuration
    std::string vrf;   // empty: all
    std::vector<std::string> drained;
    std::string directory;  // empty: printed
    bool reload = false;
};
[[nodiscard]] ExitCode frr_config(Session& session, const FrrChoice& choice);

// One link of one peering.
struct PathChoice {
    std::string circuit;
    std::string peering;
    std::string link;
    bool advertised = false;  // of route-table: what we tell the customer
};
[[nodiscard]] ExitCode show_arp_table(Session& session, const PathChoice& path);
[[nodiscard]] ExitCode show_bgp_summary(Session& session, const PathChoice& path);
[[nodiscard]] ExitCode show_route_table(Session& session, const PathChoice& path);

}  // namespace causeway::cli
