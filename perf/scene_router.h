// SPDX-License-Identifier: Apache-2.0
//
// SceneRouter: the router of a scene, over ring devices: port 0 is the edge, all others the core's.
// Each worker has a lane of its own, full of packets.
//
// Thread safety: lanes and workers of different indices may run side by side, and beside
// swap_rules().
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "base/types.h"
#include "dataplane/dpdk.h"
#include "dataplane/punt.h"
#include "dataplane/worker.h"
#include "perf/prebuilt_packets.h"
#include "perf/ring_lane.h"
#include "perf/scene.h"
#include "perf/scene_nat.h"
#include "perf/scene_policy.h"
#include "perf/scene_routes.h"
#include "tests/support/test_bed.h"

namespace causeway::perf {

class SceneRouter {
  public:
    // The seed is of the routes and the packets.
    SceneRouter(const Scene& scene, std::uint64_t seed);
    ~SceneRouter();
    SceneRouter(const SceneRouter&) = delete;
    SceneRouter& operator=(const SceneRouter&) = delete;

    [[nodiscard]] RingLane& lane(std::size_t worker) { return *queues_[worker].lane; }
    [[nodiscard]] Worker& worker(std::size_t index) { return *queues_[index].worker; }

    // Before each pass of worker() over its lane.
    void pass_begins();

    // Another list of the same rules in place of the one there, while workers work that are online
    // and report after each turn.
    void swap_rules();
    [[nodiscard]] Quiescence& quiescence() noexcept { return bed_.quiescence(); }

    // The floor of what is measured here: polls what worker() polls, and sends all that came,
    // unseen, by the first port of the core.
    void move_only(std::size_t worker) noexcept;

  private:
    // What is one worker's alone: a device of one queue for each port, as a NIC's queue is.
    struct Queues {
        std::vector<Ring> rx;  // by port, like the next two
        std::vector<Ring> tx;
        std::vector<std::uint16_t> devices;
        std::unique_ptr<Punt> punt;
        std::unique_ptr<Worker> worker;
        std::unique_ptr<RingLane> lane;
    };

    [[nodiscard]] Queues open_queues(WorkerId worker);
    [[nodiscard]] std::vector<Entrance> attach_edge();
    void add_routes(const SceneRoutes& routes);
    template <class Route>
    void add_tables(const std::vector<std::vector<Route>>& tables,
                    const std::vector<GroupId>& groups);
    [[nodiscard]] std::vector<GroupId> groups_of(const std::vector<NextHopId>& ways);

    Scene scene_;
    ScenePolicy policy_;
    std::unique_ptr<SceneNat> nat_;  // null where the scene has none
    test::TestBed bed_;              // of which the tables and the pool are used
    std::vector<VrfId> vrfs_;
    std::vector<std::pair<AttachmentId, AttachmentPolicy>> policies_;  // of those that have one
    std::vector<Queues> queues_;
};

}  // namespace causeway::perf
