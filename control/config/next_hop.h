// SPDX-License-Identifier: Apache-2.0
//
// Next hops as a document gives them: those of a route, and those of a target to which rules steer.
#pragma once

#include <yaml-cpp/emitter.h>

#include <string>
#include <vector>

#include "base/types.h"

namespace causeway {

struct RouteNextHop {
    IpAddress address;
    unsigned weight = 1;
    // False: a neighbour, inside a connected subnet of the VRF. True: outside of them all, and
    // where other routes of the VRF lead to.
    bool is_recursive = false;
    friend bool operator==(const RouteNextHop&, const RouteNextHop&) = default;
};

class MapReader;

// The list under `key`.
void read_next_hops(MapReader& fields, std::string_view key, std::vector<RouteNextHop>& into);
// Key and value, where there are any.
void write_next_hops(YAML::Emitter& out, const char* key, const std::vector<RouteNextHop>& hops);

}  // namespace causeway
