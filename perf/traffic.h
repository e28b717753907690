// SPDX-License-Identifier: Apache-2.0
//
// What is looked up: addresses anywhere, addresses of routes that are all alike in demand, and such
// as are not (Zipf: the n-th most wanted route is asked for 1/n as often as the first).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <random>
#include <vector>

#include "base/types.h"
#include "perf/route_table.h"

namespace causeway::perf {

enum class Traffic { kUniform, kDrawn, kZipf };

inline Ipv4Address any_address(std::mt19937_64& random, Ipv4Address) {
    return Ipv4Address(static_cast<std::uint32_t>(random()));
}
// Of global unicast space: no table has routes elsewhere.
inline Ipv6Address any_address(std::mt19937_64& random, Ipv6Address) {
    const std::uint64_t high = random() >> 3 | std::uint64_t{1} << 61;
    return {high, random()};
}

template <class PrefixT>
std::vector<typename PrefixT::Address> make_addresses(const std::vector<RouteOf<PrefixT>>& routes,
                                                      Traffic traffic, std::size_t count,
                                                      std::uint64_t seed) {
    using Address = typename PrefixT::Address;
    std::mt19937_64 random(seed);
    std::vector<double> ends;  // running sums of 1/rank, ranks in random order of the routes
    std::vector<std::size_t> ranks(routes.size());
    std::iota(ranks.begin(), ranks.end(), std::size_t{0});
    std::shuffle(ranks.begin(), ranks.end(), random);
    double sum = 0;
    for (std::size_t i = 0; i < routes.size(); ++i) {
        ends.push_back(sum += 1.0 / static_cast<double>(i + 1));
    }
    std::uniform_real_distribution<double> point(0, sum);
    std::vector<Address> addresses;
    while (addresses.size() < count) {
        Address address = any_address(random, Address{});
        if (traffic != Traffic::kUniform) {
            std::size_t index = random() % routes.size();
            if (traffic == Traffic::kZipf) {
                const auto end = std::lower_bound(ends.begin(), ends.end(), point(random));
                index = ranks[std::min(routes.size() - 1,
                                       static_cast<std::size_t>(end - ends.begin()))];
            }
            const PrefixT prefix = routes[index].prefix;
            address = Address(prefix.address().value() | (address.value() & ~prefix.mask()));
        }
        addresses.push_back(address);
    }
    return addresses;
}

}  // namespace causeway::perf
