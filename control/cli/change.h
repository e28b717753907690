// SPDX-License-Identifier: Apache-2.0
//
// The commands of `causeway` that change the router. Words of the daemon's language (actions,
// states, names) are passed on as they are: the daemon says what it does not know.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "control/api/router_api.h"
#include "control/cli/session.h"

namespace causeway::cli {

struct RouteChoice {
    std::string prefix;
    std::string vrf;
    std::vector<std::string> via;  // "ADDRESS" or "ADDRESS@WEIGHT"
    std::string action;            // empty: forward
};

enum class Existing : std::uint8_t { kRefuse, kReplace };

[[nodiscard]] ExitCode add_route(Session& session, const RouteChoice& route, Existing existing);
[[nodiscard]] ExitCode delete_route(Session& session, const RouteChoice& route);

// At most one of the three; none means the link of every circuit.
struct LinkChoice {
    std::string state;  // "up", "down"
    std::string link;   // "primary", "secondary"; empty with attachment or port
    std::string circuit;
    std::string attachment;
    std::string port;
};
[[nodiscard]] ExitCode set_link(Session& session, const LinkChoice& choice);

struct DrainChoice {
    std::string link;     // "primary", "secondary"
    std::string circuit;  // empty: of every circuit
    std::uint64_t seconds = kDrainSeconds;
};
[[nodiscard]] ExitCode drain_link(Session& session, const DrainChoice& choice);
[[nodiscard]] ExitCode undrain_link(Session& session, const DrainChoice& choice);

[[nodiscard]] ExitCode reset_peaks(Session& session);

enum class Commit : std::uint8_t { kNo, kYes };
[[nodiscard]] ExitCode apply_config(Session& session, const std::string& file, Commit commit);

// The escape hatch: any method, with parameters as JSON text.
[[nodiscard]] ExitCode call_method(Session& session, const std::string& method,
                                   const std::string& params);

}  // namespace causeway::cli
