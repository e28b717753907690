// SPDX-License-Identifier: Apache-2.0
#include "perf/scene_routes.h"

#include <cstdlib>
#include <random>
#include <string>

#include "base/check.h"
#include "perf/private_routes.h"

namespace causeway::perf {
namespace {

template <class PrefixT>
std::vector<RouteOf<PrefixT>> internet_table(std::size_t routes, std::uint64_t seed,
                                             const char* variable) {
    const char* const path = std::getenv(variable);
    if (path == nullptr || routes <= 1'000) {
        return generate_table<PrefixT>({.routes = routes, .seed = seed});
    }
    std::vector<RouteOf<PrefixT>> table = read_table<PrefixT>(path);
    CHECK(!table.empty());  // the file has no lines of `prefix next-hop-number`
    return table;
}

}  // namespace

SceneRoutes::SceneRoutes(const Scene& scene, std::uint64_t seed) {
    if (scene.vrfs == 1) {
        ipv4.push_back(internet_table<Ipv4Prefix>(scene.routes, seed, "CAUSEWAY_TABLE"));
        if (scene.ipv6_percent == 0) return;
        const std::size_t routes6 = ipv6_routes(scene.routes);
        ipv6.push_back(internet_table<Ipv6Prefix>(routes6, seed, "CAUSEWAY_TABLE6"));
        return;
    }
    std::mt19937_64 random(seed);
    for (std::size_t vrf = 0; vrf < scene.vrfs; ++vrf) {
        ipv4.push_back(private_routes<Ipv4Prefix>(scene.routes, random));
        if (scene.ipv6_percent > 0) {
            ipv6.push_back(private_routes<Ipv6Prefix>(scene.routes, random));
        }
    }
}

}  // namespace causeway::perf
