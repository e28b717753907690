// SPDX-License-Identifier: Apache-2.0
//
// Route tables to measure and test with: read from a file, or generated from a seed in the shape of
// a full Internet table. perf/make_routes writes a generated one as text.
//
// The shape is that of RouteViews' tables of June 2026 (CC BY 4.0, University of Oregon RouteViews
// Project) as packaged by ip-location-db, which splits ranges of addresses into the fewest
// prefixes, with more-specifics added to IPv4 up to 940,000 routes:
//   - how many routes of each length, to the route;
//   - 40 % of the IPv4 routes lie within another's prefix, half of them with its next hop. IPv6 has
//     none in the source, whose ranges are apart; the same is assumed of it;
//   - runs: 61 % (IPv4) and 56 % (IPv6) begin where another ends, 29 % and 69 % of them with its
//     next hop;
//   - a tenth of the address space's parts have 21 % of the IPv4 routes (31 % in the source) and
//     36 % of the IPv6 routes (38 %).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/types.h"

namespace causeway::perf {

template <class PrefixT>
struct RouteOf {
    PrefixT prefix;
    unsigned next_hop = 0;
    friend auto operator<=>(const RouteOf&, const RouteOf&) = default;
};
using TableRoute = RouteOf<Ipv4Prefix>;
using TableRoute6 = RouteOf<Ipv6Prefix>;

// Lines of `prefix next-hop-number`, the number below 256. Empty where the file is not of that
// form.
template <class PrefixT = Ipv4Prefix>
[[nodiscard]] std::vector<RouteOf<PrefixT>> read_table(const std::string& path);

struct TableChoice {
    std::size_t routes = 0;  // up to about twice those of the table whose shape it is
    std::uint64_t seed = 1;
    unsigned next_hops = 256;
};

// In order of prefix. The same choice gives the same table everywhere.
template <class PrefixT>
[[nodiscard]] std::vector<RouteOf<PrefixT>> generate_table(const TableChoice& choice);

[[nodiscard]] inline std::vector<TableRoute> generate_table(std::size_t routes,
                                                            std::uint64_t seed) {
    return generate_table<Ipv4Prefix>({.routes = routes, .seed = seed});
}

// How many routes of each length, from 0 on, the table has whose shape is generated.
template <class PrefixT>
[[nodiscard]] std::span<const std::uint32_t> measured_lengths();

}  // namespace causeway::perf
