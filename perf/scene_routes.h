// SPDX-License-Identifier: Apache-2.0
//
// The routes of a scene: a table in the shape of the Internet's where there is one VRF, private
// networks where there are many. The same seed gives the same routes everywhere, so that whoever
// stands beside us in a comparison gets ours.
//
//   CAUSEWAY_TABLE=FILE    lines of `prefix next-hop-number`, instead of a generated IPv4 table
//   CAUSEWAY_TABLE6=FILE   the same of IPv6. Both are for scenes of more than 1,000 routes
//   CAUSEWAY_SEED=N        of what is generated; 1 by default
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "perf/route_table.h"
#include "perf/scene.h"

namespace causeway::perf {

// How many IPv6 routes stand beside 940,000 of IPv4: the Internet has about one for five or six.
[[nodiscard]] constexpr std::size_t ipv6_routes(std::size_t ipv4_routes) noexcept {
    return ipv4_routes > 1'000 ? ipv4_routes * 168 / 940 : ipv4_routes;
}

struct SceneRoutes {
    SceneRoutes(const Scene& scene, std::uint64_t seed);

    std::vector<std::vector<TableRoute>> ipv4;   // by VRF
    std::vector<std::vector<TableRoute6>> ipv6;  // by VRF; none where no packet is IPv6
};

}  // namespace causeway::perf
