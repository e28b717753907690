// SPDX-License-Identifier: Apache-2.0
//
// Writes a table in the shape of a full Internet table, a line a route: `PREFIX NUMBER`, where the
// number stands for a next hop. The benchmarks read it (CAUSEWAY_TABLE), and so does
//   make_routes --routes 940000 | causeway route load - --vrf NAME --via NEXTHOP --via NEXTHOP...
#include <CLI/CLI.hpp>
#include <cstdint>
#include <cstdio>
#include <string>

#include "base/text.h"
#include "perf/route_table.h"

namespace causeway::perf {
namespace {

template <class PrefixT>
bool write(const TableChoice& choice) {
    for (const RouteOf<PrefixT>& route : generate_table<PrefixT>(choice)) {
        const std::string line =
            to_string(route.prefix) + ' ' + std::to_string(route.next_hop) + '\n';
        if (std::fputs(line.c_str(), stdout) < 0) return false;
    }
    return std::fflush(stdout) == 0;
}

int run(int argc, char** argv) {
    CLI::App app("Writes a route table in the shape of a full Internet table.", "make_routes");
    TableChoice choice{.routes = 940'000};
    int family = 4;
    app.option_defaults()->always_capture_default();
    app.add_option("--family", family, "of IP")->check(CLI::IsMember({4, 6}));
    app.add_option("--routes", choice.routes, "how many")
        ->check(CLI::Range(std::size_t{0}, std::size_t{2'000'000}));
    app.add_option("--seed", choice.seed, "the same seed gives the same table");
    app.add_option("--next-hops", choice.next_hops, "how many numbers stand behind the prefixes")
        ->check(CLI::Range(1U, 65'536U));
    CLI11_PARSE(app, argc, argv);
    const bool is_written = family == 4 ? write<Ipv4Prefix>(choice) : write<Ipv6Prefix>(choice);
    return is_written ? 0 : 1;
}

}  // namespace
}  // namespace causeway::perf

int main(int argc, char** argv) {
    return causeway::perf::run(argc, argv);
}
