// SPDX-License-Identifier: Apache-2.0
//
// Router: our tables and groups to point at, filled with routes, without a NIC.
#pragma once

#include <malloc.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/grace.h"
#include "fib/fib4.h"
#include "fib/next_hops.h"
#include "fib/rib.h"
#include "perf/route_table.h"

namespace causeway::perf {

inline std::uint64_t seed() {
    const char* const given = std::getenv("CAUSEWAY_SEED");
    return given != nullptr ? std::strtoull(given, nullptr, 0) : 1;
}

// Memory of this process that is there, in MiB, without what malloc keeps for later.
inline double resident_mib() {
    malloc_trim(0);
    std::size_t pages = 0;
    std::size_t resident_pages = 0;
    std::ifstream("/proc/self/statm") >> pages >> resident_pages;
    return static_cast<double>(resident_pages) * static_cast<double>(sysconf(_SC_PAGESIZE)) /
           (1 << 20);
}

template <class FibT>
struct RouterOf {
    using Prefix = typename FibT::Prefix;

    RouterOf() {
        for (std::uint16_t i = 0; i < 256; ++i) {
            const NextHopId hop = next_hops->acquire(AttachmentId(i), Ipv4Address(1)).value();
            groups.push_back(
                next_hops->acquire_group(std::array{GroupMember{.next_hop = hop}}).value());
        }
    }
    void create(VrfId vrf, std::span<const RouteOf<Prefix>> routes) {
        CHECK(rib.create_vrf(vrf).has_value());
        for (const RouteOf<Prefix>& route : routes) {
            CHECK(
                rib.add(vrf, route.prefix, RouteSource::kBgp, groups[route.next_hop]).has_value());
        }
    }

    ImmediateGrace grace;
    std::vector<GroupId> groups;  // 256 of them
    std::unique_ptr<FibT> fib = std::move(FibT::create(grace, {}).value());
    std::unique_ptr<NextHops> next_hops = std::move(NextHops::create(grace).value());
    Rib<FibT> rib{*fib, *next_hops, {}};
};
using Router = RouterOf<Fib4>;
using Router6 = RouterOf<Fib6>;

}  // namespace causeway::perf
