// SPDX-License-Identifier: Apache-2.0
//
// The commands of `causeway` that read and write files of routes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "control/cli/session.h"

namespace causeway::cli {

// What becomes of routes, put there by callers of the socket, that the file does not have.
enum class Others : std::uint8_t { kStay, kGo };

struct LoadChoice {
    std::string file;  // "-": standard input
    std::string vrf;
    // Ways of our own, as "ADDRESS[@WEIGHT][,...]" or an action, that the file's next hops take
    // turns in; empty: the file's next hops are ours.
    std::vector<std::string> via;
    std::string peer;                   // of a dump: an index or an address; empty: any
    std::size_t batch_routes = 10'000;  // each batch is all or nothing
    Others others = Others::kStay;
};
[[nodiscard]] ExitCode load_routes(Session& session, const LoadChoice& choice);

struct SaveChoice {
    std::string file = "-";  // "-": standard output
    std::string vrf;         // empty: the only one there is
};
[[nodiscard]] ExitCode save_routes(Session& session, const SaveChoice& choice);

}  // namespace causeway::cli
