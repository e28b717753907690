// SPDX-License-Identifier: Apache-2.0
#include "dataplane/forwarder.h"

#include <rte_cycles.h>
#include <rte_launch.h>

#include <string>
#include <utility>

#include "base/check.h"

namespace causeway {
namespace {

struct Launch {
    Worker* worker;
    const std::atomic<bool>* stop;
};

int run_worker(void* argument) {
    const std::unique_ptr<Launch> launch(static_cast<Launch*>(argument));
    launch->worker->run(*launch->stop);
    return 0;
}

}  // namespace

Result<std::unique_ptr<Forwarder>> Forwarder::open(const ForwarderOptions& options) {
    auto eal = Eal::start(options.eal);
    if (!eal) return Unexpected(eal.error());
    auto pool = make_packet_pool(options.pool);
    if (!pool) return Unexpected(pool.error());
    std::unique_ptr<Forwarder> forwarder(
        new Forwarder(std::move(eal).value(), std::move(pool).value()));
    forwarder->worker_cores_ = options.eal.worker_cores;
    if (const Status status = forwarder->open_ports(options); !status) {
        return Unexpected(status.error());
    }
    if (const Status status = forwarder->make_punts(); !status) return Unexpected(status.error());
    if (const Status status = forwarder->make_nat_lanes(); !status) {
        return Unexpected(status.error());
    }
    if (const Status status = forwarder->make_handovers(); !status) {
        return Unexpected(status.error());
    }
    return forwarder;
}

Status Forwarder::open_ports(const ForwarderOptions& options) {
    const auto workers = static_cast<unsigned>(worker_cores_.size());
    ports_.reserve(options.ports.size());
    for (PortOptions port : options.ports) {
        port.rx_queues = workers;
        port.tx_queues = workers;
        auto opened = Port::open(port, pool_.get());
        if (!opened) return Unexpected(opened.error());
        if (opened->tx_queues() < workers) {
            return Unexpected(ErrorCode::kUnavailable,
                              "port " + port.name + ": the device has " +
                                  std::to_string(opened->tx_queues()) +
                                  " transmit queues, but each of " + std::to_string(workers) +
                                  " workers needs its own: give it more (ethtool -L), or use fewer "
                                  "worker-cores");
        }
        ports_.push_back(std::move(opened).value());
    }
    return ok();
}

Status Forwarder::make_punts() {
    for (std::size_t worker = 0; worker < worker_cores_.size(); ++worker) {
        auto up = make_ring({.name = "punt_up_" + std::to_string(worker), .size = kPuntRingSize});
        if (!up) return Unexpected(up.error());
        auto down =
            make_ring({.name = "punt_down_" + std::to_string(worker), .size = kInjectRingSize});
        if (!down) return Unexpected(down.error());
        punts_.push_back(std::make_unique<Punt>(std::move(up).value(), std::move(down).value()));
    }
    return ok();
}

Status Forwarder::make_nat_lanes() {
    for (std::size_t worker = 0; worker < worker_cores_.size(); ++worker) {
        auto lane = NatLane::create("nat_lane_" + std::to_string(worker));
        if (!lane) return Unexpected(lane.error());
        nat_lanes_.push_back(std::move(lane).value());
    }
    return ok();
}

// With a queue for each worker, worker k polls queue k. A device with fewer has its queues spread
// over the workers, other ports beginning with other workers, and their frames are shared.
WorkerId Forwarder::owner_of(const Port& port, unsigned queue) const noexcept {
    const std::size_t workers = worker_cores_.size();
    const std::size_t owner =
        port.rx_queues() == workers ? queue : (queue + port.id().value()) % workers;
    return WorkerId(static_cast<std::uint8_t>(owner));
}

Status Forwarder::make_handovers() {
    const auto workers = static_cast<unsigned>(worker_cores_.size());
    for (const Port& port : ports_) {
        if (port.rx_queues() == workers) continue;
        for (unsigned queue = 0; queue < port.rx_queues(); ++queue) {
            auto handover =
                Handover::create({.name = "handover_" + std::to_string(port.id().value()) + "_" +
                                          std::to_string(queue),
                                  .port = port.id(),
                                  .owner = owner_of(port, queue),
                                  .workers = workers});
            if (!handover) return Unexpected(handover.error());
            handovers_.push_back(std::move(handover).value());
        }
    }
    return ok();
}

WorkerOptions Forwarder::options_of(WorkerId worker) const {
    WorkerOptions options{.id = worker,
                          .rx = {},
                          .shared_rx = {},
                          .handovers = {},
                          .tx = {},
                          .nat_lanes = {},
                          .pool = pool_.get(),
                          .peaks = peaks_.get()};
    for (const auto& lane : nat_lanes_) options.nat_lanes.push_back(lane.get());
    auto handover = handovers_.begin();
    for (const Port& port : ports_) {
        const bool is_shared = port.rx_queues() != worker_cores_.size();
        const DeviceQueue first{.port = port.id(), .device = port.dpdk_id(), .queue = 0};
        options.tx.push_back(first);
        options.tx.back().queue = worker.value();
        for (unsigned k = 0; k < port.rx_queues(); ++k) {
            DeviceQueue queue = first;
            queue.queue = static_cast<std::uint16_t>(k);
            const bool is_own = owner_of(port, k) == worker;
            if (!is_shared) {
                if (is_own) options.rx.push_back(queue);
                continue;
            }
            if (is_own) {
                options.shared_rx.push_back({.queue = queue, .handover = handover->get()});
            } else {
                options.handovers.push_back(handover->get());
            }
            ++handover;
        }
    }
    return options;
}

void Forwarder::police_punts(PuntPolice& police) noexcept {
    CHECK(workers_.empty());
    for (const auto& punt : punts_) punt->set_police(&police);
}

void Forwarder::launch(const Published<Tables>& tables, Quiescence& quiescence) {
    CHECK(workers_.empty());
    for (std::size_t k = 0; k < worker_cores_.size(); ++k) {
        const WorkerId id(static_cast<std::uint8_t>(k));
        workers_.push_back(
            std::make_unique<Worker>(options_of(id), tables, quiescence, *punts_[k]));
    }
    for (const auto& worker : workers_) {
        auto launch = std::make_unique<Launch>(Launch{worker.get(), &stop_});
        CHECK(rte_eal_remote_launch(run_worker, launch.release(),
                                    Eal::worker_lcore(worker->id())) == 0);
    }
}

std::uint64_t Forwarder::tsc_hz() const noexcept {
    return rte_get_tsc_hz();
}

std::vector<Packet> Forwarder::take_raised() {
    std::vector<Packet> packets;
    std::array<rte_mbuf*, kBurstSizeMax> mbufs;
    for (const auto& punt : punts_) {
        const unsigned count = punt->take_raised(mbufs);
        for (unsigned k = 0; k < count; ++k) packets.emplace_back(mbufs[k]);
    }
    return packets;
}

std::vector<BfdPost*> Forwarder::bfd_posts() const {
    std::vector<BfdPost*> posts;
    for (const auto& punt : punts_) posts.push_back(&punt->bfd());
    return posts;
}

bool Forwarder::inject(Packet frame) {
    rte_mbuf* mbuf = frame.release();
    // The first worker has a transmit queue on every port, as they all have.
    if (punts_.front()->inject({&mbuf, 1}) == 1) return true;
    rte_pktmbuf_free(mbuf);
    return false;
}

void Forwarder::stop() {
    if (stop_.exchange(true)) return;
    for (const auto& worker : workers_) rte_eal_wait_lcore(Eal::worker_lcore(worker->id()));
}

Forwarder::~Forwarder() {
    stop();
    // What still lies in the rings goes back to the pool before the pool goes.
    while (!take_raised().empty()) {
    }
    std::array<rte_mbuf*, kBurstSizeMax> mbufs;
    for (const auto& punt : punts_) {
        while (const unsigned count = punt->take_injected(mbufs)) {
            rte_pktmbuf_free_bulk(mbufs.data(), count);
        }
    }
}

}  // namespace causeway
