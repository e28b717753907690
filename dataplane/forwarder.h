// SPDX-License-Identifier: Apache-2.0
//
// Forwarder: the EAL, the packet pool, the ports and the workers, put together and started.
//
// Thread safety: control thread only; the workers run on lcores of their own from launch() to the
// destructor.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "base/types.h"
#include "dataplane/dpdk.h"
#include "dataplane/handover.h"
#include "dataplane/packet.h"
#include "dataplane/port.h"
#include "dataplane/published.h"
#include "dataplane/punt.h"
#include "dataplane/worker.h"

namespace causeway {

struct ForwarderOptions {
    EalOptions eal;
    PacketPoolOptions pool;
    std::vector<PortOptions> ports;  // in the order of their ids; queues are filled in here
};

class Forwarder {
  public:
    // Starts the EAL and opens all ports. The error names the port that failed.
    [[nodiscard]] static Result<std::unique_ptr<Forwarder>> open(const ForwarderOptions& options);
    ~Forwarder();
    Forwarder(const Forwarder&) = delete;
    Forwarder& operator=(const Forwarder&) = delete;

    // Who says what the workers may hand up, which outlives the forwarder; before launch().
    void police_punts(PuntPolice& police) noexcept;

    // Starts the workers. Tables and quiescence must outlive the forwarder; something is published.
    void launch(const Published<Tables>& tables, Quiescence& quiescence);

    // Ends the workers and waits for them. After this nobody reads the tables.
    void stop();

    // Packets that the workers handed up: at most a burst of each, in turns. True where more may
    // wait.
    [[nodiscard]] std::vector<Packet> take_raised();
    // Sends a frame, by a worker's hand. False where its ring is full; the frame is gone all the
    // same.
    bool inject(Packet frame);

    // The roads between the workers and BFD; they live as long as this.
    [[nodiscard]] std::vector<BfdPost*> bfd_posts() const;

    [[nodiscard]] std::vector<Port>& ports() noexcept { return ports_; }
    [[nodiscard]] rte_mempool* pool() noexcept { return pool_.get(); }
    [[nodiscard]] std::span<const std::unique_ptr<Worker>> workers() const noexcept {
        return workers_;
    }
    [[nodiscard]] std::uint64_t tsc_hz() const noexcept;
    [[nodiscard]] Peaks& peaks() noexcept { return *peaks_; }
    // Where a device's flows are spread in software.
    [[nodiscard]] std::span<const std::unique_ptr<Handover>> handovers() const noexcept {
        return handovers_;
    }
    // By which sessions of one worker are ended from outside.
    [[nodiscard]] NatLane& nat_lane(std::size_t worker) noexcept { return *nat_lanes_[worker]; }
    [[nodiscard]] std::span<const unsigned> worker_cores() const noexcept { return worker_cores_; }

  private:
    Forwarder(Eal eal, Mempool pool) : eal_(std::move(eal)), pool_(std::move(pool)) {}
    Status open_ports(const ForwarderOptions& options);
    Status make_punts();
    Status make_nat_lanes();
    Status make_handovers();
    [[nodiscard]] WorkerOptions options_of(WorkerId worker) const;
    [[nodiscard]] WorkerId owner_of(const Port& port, unsigned queue) const noexcept;

    Eal eal_;
    Mempool pool_;
    std::unique_ptr<Peaks> peaks_ = std::make_unique<Peaks>();
    std::vector<Port> ports_;
    std::vector<unsigned> worker_cores_;
    std::vector<std::unique_ptr<Punt>> punts_;
    std::vector<std::unique_ptr<NatLane>> nat_lanes_;   // by worker
    std::vector<std::unique_ptr<Handover>> handovers_;  // by port, then queue, of those that share
    std::vector<std::unique_ptr<Worker>> workers_;
    std::atomic<bool> stop_{false};
};

}  // namespace causeway
