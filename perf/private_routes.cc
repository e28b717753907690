// SPDX-License-Identifier: Apache-2.0
#include "perf/private_routes.h"

#include <array>
#include <cstdint>
#include <unordered_set>

namespace causeway::perf {

template <>
std::vector<TableRoute> private_routes<Ipv4Prefix>(std::size_t count, std::mt19937_64& random) {
    std::vector<TableRoute> routes;
    std::unordered_set<Ipv4Prefix> seen;
    while (routes.size() < count) {
        constexpr std::array kRanges{0x0a000000U, 0x0a000000U, 0xac100000U, 0xc0a80000U};
        constexpr std::array kLengths{8, 8, 12, 16};
        const std::size_t range = random() % kRanges.size();
        const std::uint32_t inside = ~Ipv4Prefix::mask_of(kLengths[range]);
        const Ipv4Address address(kRanges[range] | (static_cast<std::uint32_t>(random()) & inside));
        const Ipv4Prefix prefix = Ipv4Prefix::of(address, 16 + static_cast<int>(random() % 9));
        const auto next_hop = static_cast<unsigned>(random() % 256);
        if (seen.insert(prefix).second) routes.push_back({.prefix = prefix, .next_hop = next_hop});
    }
    return routes;
}

template <>
std::vector<TableRoute6> private_routes<Ipv6Prefix>(std::size_t count, std::mt19937_64& random) {
    constexpr std::array kLengths{48, 64, 64, 126};
    const std::uint64_t site = std::uint64_t{0xfd} << 56 | (random() >> 24) << 16;
    std::vector<TableRoute6> routes;
    std::unordered_set<Ipv6Prefix> seen;
    while (routes.size() < count) {
        const std::uint64_t high = site ^ (random() % 64 << 16 | random() % 65'536);
        const Ipv6Prefix prefix =
            Ipv6Prefix::of(Ipv6Address(high, random() % 16), kLengths[random() % kLengths.size()]);
        const auto next_hop = static_cast<unsigned>(random() % 256);
        if (seen.insert(prefix).second) routes.push_back({.prefix = prefix, .next_hop = next_hop});
    }
    return routes;
}

}  // namespace causeway::perf
