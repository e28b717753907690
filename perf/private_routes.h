// SPDX-License-Identifier: Apache-2.0
//
// Routes of a private peering: a customer's own networks, all different.
#pragma once

#include <cstddef>
#include <random>
#include <vector>

#include "perf/route_table.h"

namespace causeway::perf {

// IPv4: /16 to /24, half of them in 10/8, a quarter each in 172.16/12 and 192.168/16 (RFC 1918).
// IPv6: links of /126, networks of /64 and sites of /48 in unique local space (RFC 4193).
template <class PrefixT>
[[nodiscard]] std::vector<RouteOf<PrefixT>> private_routes(std::size_t count,
                                                           std::mt19937_64& random);

}  // namespace causeway::perf
