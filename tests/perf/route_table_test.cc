// SPDX-License-Identifier: Apache-2.0
//
// Generated tables have the shape that perf/route_table.h claims, counted here from the routes.
#include "perf/route_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <numeric>
#include <string>
#include <vector>

#include "tests/support/seed.h"

namespace causeway::perf {
namespace {

template <class PrefixT>
struct Counted {
    std::vector<std::size_t> lengths = std::vector<std::size_t>(PrefixT::kLengthMax + 1);
    double covered = 0;        // share of the routes that lie within another
    double covered_same = 0;   // of those, with the next hop of the longest that holds them
    double runs = 0;           // share that begins where another ends
    double runs_same = 0;      // of those, with its next hop
    double busiest_tenth = 0;  // share of the routes in the tenth of the blocks that has most
};

template <class PrefixT>
double busiest_tenth(const std::vector<RouteOf<PrefixT>>& routes, int block_length) {
    std::map<PrefixT, double> blocks;
    for (const auto& route : routes) ++blocks[PrefixT::of(route.prefix.address(), block_length)];
    std::vector<double> sizes;
    for (const auto& block : blocks) sizes.push_back(block.second);
    std::ranges::sort(sizes, std::greater());
    const auto tenth = static_cast<std::ptrdiff_t>(sizes.size() / 10);
    return std::accumulate(sizes.begin(), sizes.begin() + tenth, 0.0) /
           static_cast<double>(routes.size());
}

template <class PrefixT>
Counted<PrefixT> count(const std::vector<RouteOf<PrefixT>>& routes, int block_length) {
    Counted<PrefixT> counted;
    counted.busiest_tenth = busiest_tenth(routes, block_length);
    std::map<typename PrefixT::Address, unsigned> ends;  // next hop of a route that ends before
    for (const auto& route : routes) {
        const auto behind = route.prefix.last().value() + 1;
        ends.emplace(typename PrefixT::Address(behind), route.next_hop);
    }
    std::vector<const RouteOf<PrefixT>*> around;  // those that hold the route, the longest last
    for (const auto& route : routes) {
        ++counted.lengths[static_cast<std::size_t>(route.prefix.length())];
        while (!around.empty() && !around.back()->prefix.contains(route.prefix)) around.pop_back();
        counted.covered += around.empty() ? 0 : 1;
        if (!around.empty() && around.back()->next_hop == route.next_hop) ++counted.covered_same;
        around.push_back(&route);
        const auto before = ends.find(route.prefix.address());
        counted.runs += before == ends.end() ? 0 : 1;
        if (before != ends.end() && before->second == route.next_hop) ++counted.runs_same;
    }
    counted.covered_same /= counted.covered;
    counted.runs_same /= counted.runs;
    counted.covered /= static_cast<double>(routes.size());
    counted.runs /= static_cast<double>(routes.size());
    return counted;
}

// To the route, at any size: what is rounded at one length is not lost to the next.
template <class PrefixT>
void expect_measured_lengths(const Counted<PrefixT>& counted, std::size_t routes) {
    const auto measured = measured_lengths<PrefixT>();
    const double all = std::accumulate(measured.begin(), measured.end(), 0.0);
    for (std::size_t length = 0; length < measured.size(); ++length) {
        const double wanted = measured[length] / all * static_cast<double>(routes);
        EXPECT_NEAR(static_cast<double>(counted.lengths[length]), wanted, 1.0) << '/' << length;
    }
}

TEST(RouteTableTest, Ipv4HasTheShapeOfAFullTable) {
    const std::uint64_t seed = test::seed_of_this_run();
    SCOPED_TRACE("CAUSEWAY_SEED=" + std::to_string(seed));
    const auto routes = generate_table<Ipv4Prefix>({.routes = 940'000, .seed = seed});
    ASSERT_EQ(routes.size(), 940'000U);
    const auto counted = count(routes, 8);
    expect_measured_lengths(counted, routes.size());
    EXPECT_NEAR(counted.covered, 0.40, 0.03);
    EXPECT_NEAR(counted.covered_same, 0.49, 0.05);
    EXPECT_NEAR(counted.runs, 0.61, 0.05);
    EXPECT_NEAR(counted.runs_same, 0.29, 0.07);
    EXPECT_NEAR(counted.busiest_tenth, 0.21, 0.05);
}

TEST(RouteTableTest, Ipv6HasTheShapeOfAFullTable) {
    const std::uint64_t seed = test::seed_of_this_run();
    SCOPED_TRACE("CAUSEWAY_SEED=" + std::to_string(seed));
    const auto routes = generate_table<Ipv6Prefix>({.routes = 167'903, .seed = seed});
    ASSERT_EQ(routes.size(), 167'903U);
    const auto counted = count(routes, 16);
    expect_measured_lengths(counted, routes.size());
    EXPECT_NEAR(counted.covered, 0.40, 0.03);
    EXPECT_NEAR(counted.covered_same, 0.50, 0.05);
    EXPECT_NEAR(counted.runs, 0.56, 0.05);
    EXPECT_NEAR(counted.runs_same, 0.69, 0.07);
    EXPECT_NEAR(counted.busiest_tenth, 0.36, 0.13);
}

TEST(RouteTableTest, TheSameSeedGivesTheSameTable) {
    const auto table = generate_table<Ipv4Prefix>({.routes = 5'000, .seed = 7});
    EXPECT_EQ(table, generate_table<Ipv4Prefix>({.routes = 5'000, .seed = 7}));
    EXPECT_NE(table, generate_table<Ipv4Prefix>({.routes = 5'000, .seed = 8}));
}

TEST(RouteTableTest, AnySizeIsExactAndHasNoPrefixTwice) {
    for (const std::size_t size : {0U, 1U, 16U, 999U, 40'000U}) {
        auto routes = generate_table<Ipv6Prefix>({.routes = size, .seed = 1, .next_hops = 3});
        EXPECT_EQ(routes.size(), size);
        EXPECT_TRUE(std::ranges::is_sorted(routes));
        EXPECT_EQ(std::ranges::adjacent_find(routes, {}, &RouteOf<Ipv6Prefix>::prefix),
                  routes.end());
        for (const auto& route : routes) EXPECT_LT(route.next_hop, 3U);
    }
}

TEST(RouteTableTest, TheProgramWritesWhatIsRead) {
    std::string file = "/tmp/causeway-table-XXXXXX";
    const int descriptor = ::mkstemp(file.data());
    ASSERT_GE(descriptor, 0);
    for (const char* family : {"4", "6"}) {
        const std::string command = std::string(MAKE_ROUTES) + " --family " + family +
                                    " --routes 3000 --seed 5 --next-hops 9 > " + file;
        ASSERT_EQ(std::system(command.c_str()), 0);
        if (*family == '4') {
            EXPECT_EQ(read_table(file),
                      generate_table<Ipv4Prefix>({.routes = 3'000, .seed = 5, .next_hops = 9}));
        } else {
            EXPECT_EQ(read_table<Ipv6Prefix>(file),
                      generate_table<Ipv6Prefix>({.routes = 3'000, .seed = 5, .next_hops = 9}));
        }
    }
    std::filesystem::remove(file);
}

}  // namespace
}  // namespace causeway::perf
