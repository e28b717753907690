// SPDX-License-Identifier: Apache-2.0
//
// Worker: the poll loop of one core. It runs each burst to completion and waits for nobody.
//
// Thread safety: run() or turn() on one thread; counters() and stages() may be read by any.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <vector>

#include "base/limits.h"
#include "base/types.h"
#include "dataplane/burst.h"
#include "dataplane/counters.h"
#include "dataplane/handover.h"
#include "dataplane/name_policy.h"
#include "dataplane/nat_worker.h"
#include "dataplane/published.h"
#include "dataplane/punt.h"
#include "dataplane/tables.h"
#include "dataplane/walk.h"

namespace causeway {

// One queue of one device.
struct DeviceQueue {
    PortId port;
    std::uint16_t device = 0;  // DPDK's number of the port
    std::uint16_t queue = 0;
};

// A receive queue whose frames belong to all workers. One of them polls it.
struct SharedQueue {
    DeviceQueue queue;
    Handover* handover = nullptr;
};

struct WorkerOptions {
    WorkerId id;
    std::vector<DeviceQueue> rx;         // what it polls
    std::vector<SharedQueue> shared_rx;  // what it polls for the others, too
    std::vector<Handover*> handovers;    // by which others hand over to it
    std::vector<DeviceQueue> tx;         // its own transmit queue on every port
    std::vector<NatLane*> nat_lanes;     // of all workers, by their ids
    rte_mempool* pool = nullptr;         // for BFD's frames
    Peaks* peaks = nullptr;              // of all workers; null: its own
    unsigned burst_size = 64;  // packets taken from a queue at once, at most kBurstSizeMax
};

class Worker {
  public:
    Worker(const WorkerOptions& options, const Published<Tables>& tables, Quiescence& quiescence,
           Punt& punt);

    // Until `stop` is set. Online for `quiescence` meanwhile.
    void run(const std::atomic<bool>& stop) noexcept;

    // One pass over all queues; how many packets it received.
    unsigned turn() noexcept;

    [[nodiscard]] WorkerId id() const noexcept { return id_; }
    [[nodiscard]] const Counters& counters() const noexcept { return counters_; }
    [[nodiscard]] AclLog& acl_log() noexcept { return acl_log_; }
    [[nodiscard]] const NameWorker& names() const noexcept { return names_; }
    [[nodiscard]] const Ipv4Walk& ipv4_walk() const noexcept { return ipv4_walk_; }
    [[nodiscard]] const Ipv6Walk& ipv6_walk() const noexcept { return ipv6_walk_; }
    // Of the control thread's and of BFD's own packets.
    [[nodiscard]] std::uint64_t injected_lost() const noexcept { return injected_lost_.read(); }
    // Packets that another worker received.
    [[nodiscard]] std::uint64_t handed_over() const noexcept { return handed_over_.read(); }
    [[nodiscard]] const NatWorker& nat() const noexcept { return nat_; }
    [[nodiscard]] std::uint64_t turns() const noexcept { return turns_.read(); }
    [[nodiscard]] std::uint64_t idle_turns() const noexcept { return idle_turns_.read(); }

  private:
    class Admission;  // to the control thread

    // What one burst sends to one port of several: the packets, and their places in the burst.
    struct TxBatch {
        unsigned count = 0;
        std::array<rte_mbuf*, kBurstSizeMax> mbufs;
        std::array<std::uint8_t, kBurstSizeMax> places;
    };

    // Takes the first packets of burst_'s room through the walks and out.
    void process(PortId port, unsigned count, const Tables& tables) noexcept;
    unsigned poll_shared(const Tables& tables) noexcept;
    // Those whose walk NAT has interrupted.
    unsigned resume(const Tables& tables) noexcept;
    // Walks with those who left the walk of IPv4 because they are IPv6.
    void walk_ipv6(const Tables& tables) noexcept;
    // Sends out what still walks and disposes of what has left.
    void finish(Burst& burst, const Tables& tables) noexcept;
    void transmit(Burst& burst) noexcept;
    void transmit_by_port(Burst& burst) noexcept;
    template <class MetaOf>
    void send(PortId port, rte_mbuf** mbufs, unsigned count, MetaOf&& meta_of) noexcept;
    void dispose(Burst& burst, const Tables& tables) noexcept;
    void hear(LeftPacket& packet, Admission& admission) noexcept;
    // False: no room.
    [[nodiscard]] bool post(PortId port, const LeftPacket& packet) noexcept;
    void send_injected() noexcept;
    void send_posted() noexcept;
    void send_own(rte_mbuf* frame, PortId port, AttachmentId attachment) noexcept;

    WorkerId id_;
    std::vector<DeviceQueue> rx_;
    std::vector<SharedQueue> shared_rx_;
    std::vector<Handover*> handovers_;
    std::array<DeviceQueue, kPortsMax> tx_{};
    std::uint16_t burst_size_;
    const Published<Tables>& tables_;
    Quiescence& quiescence_;
    Punt& punt_;
    rte_mempool* pool_;
    const WindowClock window_clock_;
    Counters counters_;
    AclLog acl_log_;
    NatWorker nat_;
    NameWorker names_;
    Burst burst_{counters_, acl_log_, &nat_};
    Burst ipv6_burst_{counters_, acl_log_};
    Ipv4Walk ipv4_walk_;
    Ipv6Walk ipv6_walk_;
    ResumedWalk resumed_walk_;
    std::array<TxBatch, kPortsMax> tx_batches_;
    Counter injected_lost_;  // the control thread's own packets that the device did not take
    Counter handed_over_;
    Counter turns_;
    Counter idle_turns_;
};

}  // namespace causeway
