// SPDX-License-Identifier: Apache-2.0
//
// Route tables to measure with: read from a file, or generated from a seed in the shape of a full
// Internet table.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <random>
#include <string>
#include <unordered_set>
#include <vector>

#include "base/text.h"
#include "base/types.h"

namespace causeway::perf {

struct TableRoute {
    Ipv4Prefix prefix;
    unsigned next_hop = 0;  // 0 to 255
};

// Lines of `prefix next-hop-number`. Empty where the file is not of that form.
inline std::vector<TableRoute> read_table(const std::string& path) {
    std::vector<TableRoute> routes;
    std::ifstream file(path);
    std::string text;
    unsigned next_hop = 0;
    while (file >> text >> next_hop) {
        const auto prefix = parse_ipv4_prefix(text);
        if (!prefix || next_hop > 255) return {};
        routes.push_back({.prefix = *prefix, .next_hop = next_hop});
    }
    return routes;
}

// Prefix lengths in the proportion of a full table (per 10,000 routes), and clustered like it: half
// of the longer ones lie inside a shorter one, next to each other, half of those with its next hop.
inline std::vector<TableRoute> generate_table(std::size_t count, std::uint64_t seed) {
    struct Share {
        int length;
        std::uint32_t per_10000;
    };
    constexpr std::array kShares{Share{8, 1},     Share{11, 1},    Share{12, 3},    Share{13, 6},
                                 Share{14, 12},   Share{15, 20},   Share{16, 135},  Share{17, 85},
                                 Share{18, 140},  Share{19, 260},  Share{20, 460},  Share{21, 530},
                                 Share{22, 1150}, Share{23, 1040}, Share{24, 6147}, Share{32, 10}};
    std::mt19937_64 random(seed);
    std::vector<TableRoute> routes;
    std::unordered_set<std::uint64_t> seen;
    while (routes.size() < count) {
        auto pick = static_cast<std::uint32_t>(random() % 10'000);
        const Share* share = kShares.data();
        while (pick >= share->per_10000) pick -= (share++)->per_10000;
        auto value = static_cast<std::uint32_t>(random());
        auto next_hop = static_cast<unsigned>(random() % 256);
        if (!routes.empty() && random() % 2 == 0) {
            const TableRoute& around = routes[random() % routes.size()];
            const int length = around.prefix.length() > 16 ? 16 : around.prefix.length();
            const std::uint32_t mask = Ipv4Prefix::mask_of(length);
            value = (around.prefix.address().value() & mask) | (value & ~mask);
            if (random() % 2 == 0) next_hop = around.next_hop;
        }
        const std::uint32_t first_octet = value >> 24;
        if (first_octet == 0 || first_octet == 10 || first_octet == 127 || first_octet > 223) {
            continue;
        }
        const Ipv4Prefix prefix = Ipv4Prefix::of(Ipv4Address(value), share->length);
        const std::uint64_t key =
            std::uint64_t{prefix.address().value()} << 8 | static_cast<unsigned>(share->length);
        if (seen.insert(key).second) routes.push_back({.prefix = prefix, .next_hop = next_hop});
    }
    return routes;
}

}  // namespace causeway::perf
