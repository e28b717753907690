// SPDX-License-Identifier: Apache-2.0
//
// A whole table against the definition of longest match: first, last and neighbouring addresses of
// every prefix.
//
//   CAUSEWAY_TABLE=FILE   lines of `prefix next-hop-number`; else a table of real shape is made
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <unordered_map>
#include <vector>

#include "perf/route_table.h"
#include "tests/fib/fib_fixture.h"
#include "tests/support/seed.h"

namespace causeway {
namespace {

constexpr VrfId kVrf{0};
constexpr std::size_t kBurst = 64;

// One map a length, searched from the longest.
class TableTwin {
  public:
    void add(Ipv4Prefix prefix, GroupId group) {
        by_length_[static_cast<std::size_t>(prefix.length())][prefix.address()] = group;
    }
    [[nodiscard]] GroupId lookup(Ipv4Address address) const {
        for (int length = 32; length >= 0; --length) {
            const auto& prefixes = by_length_[static_cast<std::size_t>(length)];
            if (prefixes.empty()) continue;
            const auto found = prefixes.find(Ipv4Prefix::of(address, length).address());
            if (found != prefixes.end()) return found->second;
        }
        return kNoRouteGroup;
    }

  private:
    std::array<std::unordered_map<Ipv4Address, GroupId>, 33> by_length_;
};

std::vector<perf::TableRoute> table() {
    const char* const file = std::getenv("CAUSEWAY_TABLE");
    if (file != nullptr) return perf::read_table(file);
    test::SeededRandom random;
    return perf::generate_table(100'000, random());
}

TEST(FullTable, EveryPrefixAndItsNeighboursAnswerAsDefined) {
    const std::vector<perf::TableRoute> routes = table();
    ASSERT_FALSE(routes.empty());
    ImmediateGrace grace;
    Tables tables(grace, {.vrfs_max = 1});
    const std::vector<GroupId> groups = tables.make_groups(256);
    ASSERT_TRUE(tables.rib.create_vrf(kVrf));
    TableTwin twin;
    std::vector<RouteKey> keys;
    for (const perf::TableRoute& route : routes) {
        const GroupId group = groups[route.next_hop];
        const Status added = tables.rib.add(kVrf, route.prefix, RouteSource::kBgp, group);
        ASSERT_TRUE(added) << added.error().message;
        twin.add(route.prefix, group);
        const std::uint32_t first = route.prefix.first().value();
        const std::uint32_t last = route.prefix.last().value();
        for (const std::uint32_t value : {first - 1, first, last, last + 1}) {
            keys.push_back({kVrf, Ipv4Address(value)});
        }
    }
    for (std::size_t at = 0; at < keys.size(); at += kBurst) {
        const auto burst =
            std::span(keys).subspan(at, std::min<std::size_t>(kBurst, keys.size() - at));
        std::array<GroupId, kBurst> found;
        tables.fib->lookup(burst, std::span(found).first(burst.size()));
        for (std::size_t i = 0; i < burst.size(); ++i) {
            ASSERT_EQ(found[i], twin.lookup(burst[i].destination))
                << to_string(burst[i].destination);
        }
    }
    // And none is left when all have gone, in another order.
    for (std::size_t i = routes.size(); i-- > 0;) {  // a file may name a prefix twice
        const bool is_there = !tables.rib.find(kVrf, routes[i].prefix).empty();
        ASSERT_EQ(tables.rib.remove(kVrf, routes[i].prefix, RouteSource::kBgp).has_value(),
                  is_there);
    }
    EXPECT_EQ(tables.rib.route_count(), 0U);
    EXPECT_EQ(tables.fib->usage().blocks, 0U);
    for (const RouteKey& key : std::span(keys).first(1'000)) {
        ASSERT_EQ(tables.lookup(kVrf, key.destination), kNoRouteGroup);
    }
}

}  // namespace
}  // namespace causeway
