// SPDX-License-Identifier: Apache-2.0
#include "perf/scene_router.h"

#include <rte_eth_ring.h>
#include <rte_ethdev.h>

#include <array>
#include <string>
#include <utility>

#include "base/check.h"
#include "base/limits.h"
#include "tests/support/frame_builder.h"

namespace causeway::perf {
namespace {

constexpr std::size_t kNeighbours = 16;  // on the core side
const PortId kEdgePort(0);

PortId nth_port(std::size_t n) {
    return PortId(static_cast<std::uint8_t>(n));
}

Ring new_ring(std::size_t size) {
    static unsigned count = 0;  // names are the process's
    const std::string name = "scene" + std::to_string(count++);
    return make_ring({.name = name, .size = static_cast<unsigned>(size)}).value();
}

std::uint16_t open_device(rte_ring* rx, rte_ring* tx, rte_mempool* pool) {
    static unsigned count = 0;
    const std::string name = "scene" + std::to_string(count++);
    const int device = rte_eth_from_rings(name.c_str(), &rx, 1, &tx, 1, 0);
    CHECK(device >= 0);
    const auto id = static_cast<std::uint16_t>(device);
    const rte_eth_conf configuration{};
    CHECK(rte_eth_dev_configure(id, 1, 1, &configuration) == 0);
    CHECK(rte_eth_rx_queue_setup(id, 0, 0, 0, nullptr, pool) == 0);
    CHECK(rte_eth_tx_queue_setup(id, 0, 0, 0, nullptr) == 0);
    CHECK(rte_eth_dev_start(id) == 0);
    return id;
}

void empty(rte_ring* ring) {
    void* mbuf = nullptr;
    while (rte_ring_dequeue(ring, &mbuf) == 0) rte_pktmbuf_free(static_cast<rte_mbuf*>(mbuf));
}

}  // namespace

SceneRouter::SceneRouter(const Scene& scene, std::uint64_t seed)
    : scene_(scene),
      policy_(scene),
      nat_(scene.sessions == 0 ? nullptr : std::make_unique<SceneNat>(scene)),
      bed_({.ports = 1 + scene.ports,
            .packets = scene.workers * 2 * RingLane::kInFlight - 1,
            .ring_size = 64}) {
    const SceneRoutes routes(scene, seed);
    const std::vector<Entrance> entrances = attach_edge();
    add_routes(routes);
    bed_.publish();
    for (std::size_t worker = 0; worker < scene.workers; ++worker) {
        Queues& queues =
            queues_.emplace_back(open_queues(WorkerId(static_cast<std::uint8_t>(worker))));
        std::vector<rte_ring*> out;
        for (std::size_t port = 1; port <= scene.ports; ++port) {
            out.push_back(queues.tx[port].get());
        }
        queues.lane = std::make_unique<RingLane>(
            PrebuiltPackets(scene, routes, entrances, scene.tags, seed + 1 + worker),
            queues.rx.front().get(), std::move(out));
        queues.lane->fill(bed_.pool());
    }
}

SceneRouter::~SceneRouter() {
    for (const Queues& queues : queues_) {
        for (const Ring& ring : queues.rx) empty(ring.get());
        for (const Ring& ring : queues.tx) empty(ring.get());
        for (const std::uint16_t device : queues.devices) {
            rte_eth_dev_stop(device);
            rte_eth_dev_close(device);
        }
    }
}

SceneRouter::Queues SceneRouter::open_queues(WorkerId worker) {
    Queues queues;
    queues.punt = std::make_unique<Punt>(new_ring(kPuntRingSize), new_ring(kInjectRingSize));
    WorkerOptions options{.id = worker, .burst_size = static_cast<unsigned>(scene_.burst)};
    for (std::size_t port = 0; port <= scene_.ports; ++port) {
        queues.rx.push_back(new_ring(2 * RingLane::kInFlight));
        queues.tx.push_back(new_ring(2 * RingLane::kInFlight));
        queues.devices.push_back(
            open_device(queues.rx.back().get(), queues.tx.back().get(), bed_.pool()));
        const DeviceQueue queue{.port = nth_port(port), .device = queues.devices.back()};
        options.rx.push_back(queue);
        options.tx.push_back(queue);
    }
    queues.worker = bed_.make_worker(options, *queues.punt);
    return queues;
}

void SceneRouter::pass_begins() {
    if (nat_ != nullptr) nat_->passed(RingLane::kInFlight);
}

void SceneRouter::swap_rules() {
    const AclList& list = policy_.new_list();
    for (auto& [attachment, policy] : policies_) {
        policy.filter_in = &list;
        bed_.set_policy(attachment, policy);
    }
    bed_.publish();
}

void SceneRouter::move_only(std::size_t worker) noexcept {
    const std::vector<std::uint16_t>& devices = queues_[worker].devices;
    std::array<rte_mbuf*, kBurstSizeMax> mbufs;
    for (const std::uint16_t device : devices) {
        const std::uint16_t count =
            rte_eth_rx_burst(device, 0, mbufs.data(), static_cast<std::uint16_t>(scene_.burst));
        if (count == 0) continue;
        (void)rte_eth_tx_burst(devices[1], 0, mbufs.data(), count);
    }
}

// S-tags with four C-tags each, as providers lay them out, or single tags; over the VRFs by turns.
std::vector<Entrance> SceneRouter::attach_edge() {
    for (std::size_t i = 0; i < scene_.vrfs; ++i) vrfs_.push_back(bed_.vrf());
    std::vector<Entrance> entrances;
    std::vector<AttachmentId> ids;
    for (std::size_t i = 0; i < scene_.attachments; ++i) {
        const bool is_double = scene_.tags == 2;
        const TagKey tags{.port = kEdgePort,
                          .outer = static_cast<std::uint16_t>(1 + (is_double ? i / 4 : i) % 4'094),
                          .inner = static_cast<std::uint16_t>(is_double ? 100 + i % 4 : 0)};
        const std::size_t vrf = i % scene_.vrfs;
        const AttachmentId id = bed_.attach(kEdgePort, tags.outer, tags.inner, vrfs_[vrf]);
        const AttachmentPolicy policy = policy_.next();
        if (policy.bits() != PolicyBits()) {
            bed_.set_policy(id, policy);
            policies_.emplace_back(id, policy);
        }
        entrances.push_back({.tags = tags, .vrf = vrf});
        ids.push_back(id);
    }
    if (nat_ != nullptr) nat_->enter(bed_, vrfs_.front(), ids);
    return entrances;
}

void SceneRouter::add_routes(const SceneRoutes& routes) {
    std::vector<NextHopId> ways;
    std::vector<NextHopId> ways6;
    for (std::size_t i = 0; i < kNeighbours; ++i) {
        const PortId port = nth_port(1 + i % scene_.ports);
        const auto tag = static_cast<std::uint16_t>(1 + i);
        const AttachmentId out = bed_.attach(port, 1'000, tag, vrfs_.front());
        ways.push_back(bed_.neighbour(out, Ipv4Address(0x0a020000U + tag), test::kCustomerMac));
        ways6.push_back(bed_.neighbour(out, Ipv6Address(0xfe80ULL << 48, tag), test::kCustomerMac));
    }
    add_tables(routes.ipv4, groups_of(ways));
    add_tables(routes.ipv6, groups_of(ways6));
}

// Group i begins with way i, and has as many members as the scene says.
std::vector<GroupId> SceneRouter::groups_of(const std::vector<NextHopId>& ways) {
    std::vector<GroupId> groups;
    for (std::size_t i = 0; i < ways.size(); ++i) {
        std::vector<NextHopId> members;
        for (std::size_t k = 0; k < scene_.ways; ++k) {
            members.push_back(ways[(i + k) % ways.size()]);
        }
        groups.push_back(bed_.group(members));
    }
    return groups;
}

template <class Route>
void SceneRouter::add_tables(const std::vector<std::vector<Route>>& tables,
                             const std::vector<GroupId>& groups) {
    for (std::size_t vrf = 0; vrf < tables.size(); ++vrf) {
        for (const Route& route : tables[vrf]) {
            bed_.route(vrfs_[vrf], route.prefix, groups[route.next_hop % groups.size()]);
        }
        // For addresses that no route covers.
        const decltype(Route::prefix) all;
        if (tables[vrf].front().prefix != all) bed_.route(vrfs_[vrf], all, groups.front());
    }
}

}  // namespace causeway::perf
