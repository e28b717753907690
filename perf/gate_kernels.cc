// SPDX-License-Identifier: Apache-2.0
//
// The hot kernels, for scripts/gate to count the instructions of under callgrind, which collects
// only between the toggles here. Seeds are fixed, so that a count changes only with the code.
//
// Each kernel's part of callgrind's output is named `kernel/packets`. Valgrind 3.19 knows no
// AVX-512: what is counted of lookups are the scalar kernels.
#include <valgrind/callgrind.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/grace.h"
#include "fib/fib4.h"
#include "fib/fib6.h"
#include "perf/private_routes.h"
#include "perf/scene_router.h"
#include "tests/support/test_bed.h"
#include "vlan/attachment_table.h"

namespace causeway::perf {
namespace {

constexpr std::uint64_t kSeed = 1;
constexpr std::size_t kBurst = 32;
constexpr std::size_t kKeys = 16'384;
constexpr std::size_t kRoutes = 1'000;
constexpr VrfId kVrf{0};

void end_kernel(const std::string& name, std::size_t packets) {
    const std::string part = name + '/' + std::to_string(packets);
    CALLGRIND_DUMP_STATS_AT(part.c_str());
}

// A worker's turns over packets of the scene.
void walk(const std::string& name, const Scene& scene) {
    constexpr std::size_t kPasses = 4;
    SceneRouter router(scene, kSeed);
    const auto turn = [&]() noexcept { (void)router.worker(0).turn(); };
    (void)router.lane(0).pass(turn);
    for (std::size_t i = 0; i < kPasses; ++i) {
        (void)router.lane(0).pass([&]() noexcept {
            CALLGRIND_TOGGLE_COLLECT;
            turn();
            CALLGRIND_TOGGLE_COLLECT;
        });
    }
    end_kernel(name, kPasses * RingLane::kInFlight);
}

// Bursts of all the keys.
template <class Key, class Look>
void look_up(const std::string& name, const std::vector<Key>& keys, const Look& look) {
    for (std::size_t at = 0; at < keys.size(); at += kBurst) {
        const std::span<const Key> burst = std::span(keys).subspan(at, kBurst);
        CALLGRIND_TOGGLE_COLLECT;
        look(burst);
        CALLGRIND_TOGGLE_COLLECT;
    }
    end_kernel(name, keys.size());
}

// The FIB with a private peering's routes, and addresses drawn from them.
template <class Fib>
struct Filled {
    using Prefix = typename Fib::Prefix;
    using Key = typename Fib::Key;

    Filled() {
        std::mt19937_64 random(kSeed);
        std::vector<RouteOf<Prefix>> routes = private_routes<Prefix>(kRoutes, random);
        std::ranges::sort(routes, {}, [](const auto& route) { return route.prefix.length(); });
        CHECK(fib->open_vrf(kVrf).has_value());
        for (const auto& [prefix, next_hop] : routes) {
            CHECK(fib->hold(kVrf, prefix).has_value());
            fib->fill(kVrf, prefix.first(), prefix.last(),
                      GroupId(static_cast<std::uint16_t>(next_hop + 1)));
        }
        while (keys.size() < kKeys) {
            const Prefix prefix = routes[random() % kRoutes].prefix;
            const auto any = static_cast<typename Prefix::Number>(random());
            const typename Prefix::Address to(prefix.address().value() | (any & ~prefix.mask()));
            keys.push_back({.vrf = kVrf, .destination = to});
        }
    }
    ImmediateGrace grace;
    std::unique_ptr<Fib> fib = std::move(Fib::create(grace, {}).value());
    std::vector<Key> keys;
};

void route_lookups() {
    std::array<GroupId, kBurst> groups;
    const Filled<Fib4> ipv4;
    look_up("fib4_lookup_scalar", ipv4.keys, [&](std::span<const RouteKey> burst) noexcept {
        fib4_lookup_scalar(ipv4.fib->tables(), burst, groups);
    });
    const Filled<Fib6> ipv6;
    look_up("fib6_lookup_scalar", ipv6.keys, [&](std::span<const RouteKey6> burst) noexcept {
        fib6_lookup_scalar(ipv6.fib->tables(), burst, groups);
    });
}

void tag_lookup() {
    std::mt19937_64 random(kSeed);
    std::vector<AttachmentTable::Row> rows;
    for (std::uint16_t i = 0; i < 16'000; ++i) {
        const auto outer = static_cast<std::uint16_t>(1 + i / 4);
        const auto inner = static_cast<std::uint16_t>(100 + i % 4);
        rows.push_back({.key = {PortId(0), outer, inner},
                        .attachment = AttachmentId(static_cast<std::uint16_t>(kPortsMax + i))});
    }
    const AttachmentTable table = std::move(AttachmentTable::build(rows).value());
    std::vector<TagKey> keys;
    while (keys.size() < kKeys) keys.push_back(rows[random() % rows.size()].key);
    std::array<AttachmentId, kBurst> found;
    look_up("tag_lookup", keys, [&](std::span<const TagKey> burst) noexcept {
        table.find(burst, found);
        asm volatile("" : : "r"(found.data()) : "memory");
    });
}

}  // namespace
}  // namespace causeway::perf

int main() {
    using namespace causeway::perf;
    (void)causeway::test::test_eal();
    walk("walk_ipv4", {});
    walk("walk_ipv4_single_tag", {.tags = 1});
    walk("walk_ipv4_two_ways", {.ways = 2});
    walk("walk_ipv4_two_ports", {.ports = 2});
    walk("walk_ipv4_nat", {.sessions = 1'024});
    walk("walk_ipv4_nat_begins", {.sessions = 65'536});  // no packet's flow is known yet
    walk("walk_ipv4_rules", {.rules = 1'000});
    walk("walk_ipv6", {.ipv6_percent = 100});
    route_lookups();
    tag_lookup();
    std::printf("compiler g++ %s\n", __VERSION__);
    return 0;
}
