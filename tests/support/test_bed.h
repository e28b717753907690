// SPDX-License-Identifier: Apache-2.0
//
// TestBed: the daemon's own Worker over DPDK ring devices, with hand-made tables: a router without
// a NIC and without a control thread. Packet tests ask it questions, benchmarks time it.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/types.h"
#include "dataplane/dpdk.h"
#include "dataplane/nat_engine.h"
#include "dataplane/nat_tables.h"
#include "dataplane/packet.h"
#include "dataplane/published.h"
#include "dataplane/punt.h"
#include "dataplane/worker.h"
#include "fib/fib4.h"
#include "fib/fib6.h"
#include "fib/next_hops.h"
#include "fib/rib.h"
#include "vlan/attachment_table.h"

namespace causeway::test {

using Frame = std::vector<std::uint8_t>;

struct TestBedOptions {
    std::size_t ports = 2;
    std::size_t packets = 8'191;  // buffers
    std::size_t ring_size = 8'192;
    unsigned burst_size = 32;
    unsigned workers = 1;  // more share the flows of every port; port p's queue is that of p modulo
};

// The EAL of this process, started at the first call: huge pages where the machine has some free
// and `pages` asks for them, else without.
Eal& test_eal(Pages pages = Pages::kNormal);
// Whether that EAL got huge pages.
[[nodiscard]] bool has_huge_pages();

class TestBed {
  public:
    explicit TestBed(const TestBedOptions& options = {});
    ~TestBed();
    TestBed(const TestBed&) = delete;
    TestBed& operator=(const TestBed&) = delete;

    // Building. Nothing is seen by the worker before publish().
    void set_tpids(PortId port, PortTpids tpids);
    AttachmentId attach(PortId port, std::uint16_t outer, std::uint16_t inner, VrfId vrf);
    void close(AttachmentId attachment, Exit reason);
    void take_ipv6_from(AttachmentId attachment);
    // What it asks of its packets; the lists must outlive the bed.
    void set_policy(AttachmentId attachment, const AttachmentPolicy& policy);
    // From the next publish() on there is NAT. Translators and clock are the engine's, which must
    // outlive the bed.
    void set_nat(NatEngine& engine, NatTables tables);
    VrfId vrf();  // a new one
    // A resolved neighbour on an attachment, as the destination of routes.
    NextHopId neighbour(AttachmentId out, const IpAddress& address, const MacAddress& mac,
                        std::uint16_t mtu = 1'500);
    void neighbour_down(NextHopId id);
    GroupId group(std::span<const NextHopId> members);
    void route(VrfId vrf, const IpPrefix& prefix, GroupId group);
    void route(VrfId vrf, const IpPrefix& prefix, NextHopId next_hop);
    void route(VrfId vrf, const IpPrefix& prefix, AdjacencyKind kind);
    void publish();
    // For who runs workers on threads of their own: they must be online, and report after turns.
    [[nodiscard]] Quiescence& quiescence() noexcept { return quiescence_; }
    // One more worker over the same tables, with devices and a punt of the caller's.
    [[nodiscard]] std::unique_ptr<Worker> make_worker(const WorkerOptions& options, Punt& punt);

    // Running.
    void receive(PortId port, const Frame& frame);       // into the port's receive ring
    void turn();                                         // one of each worker
    [[nodiscard]] std::vector<Frame> sent(PortId port);  // what the worker transmitted since
    [[nodiscard]] std::vector<Packet> punted();          // what it handed up since
    [[nodiscard]] std::vector<BfdFrame> posted();        // what it copied for BFD since
    void post(const BfdFrame& frame);                    // a frame of BFD's, to be sent
    void inject(Packet packet);
    // What may be handed up from now on; null: everything.
    void police_punts(PuntPolice* police) { punt_->set_police(police); }

    [[nodiscard]] const Counters& counters() const { return workers_.front()->counters(); }
    [[nodiscard]] Worker& worker(std::size_t index = 0) { return *workers_[index]; }
    [[nodiscard]] NatLane& nat_lane(std::size_t worker) { return *nat_lanes_[worker]; }
    [[nodiscard]] rte_mempool* pool() { return pool_.get(); }
    [[nodiscard]] rte_ring* rx_ring(PortId port) { return rx_rings_[port.value()].get(); }
    [[nodiscard]] rte_ring* tx_ring(PortId port) { return tx_rings_[port.value()].get(); }
    [[nodiscard]] Fib4& fib() { return *fib_; }
    [[nodiscard]] Rib4& rib() { return *rib_; }
    [[nodiscard]] NextHops& next_hops() { return *next_hops_; }
    [[nodiscard]] const std::vector<AttachmentTable::Row>& rows() const { return rows_; }

    // Empty, or the equation of counters.h that does not hold.
    [[nodiscard]] std::string unaccounted() const;

  private:
    void open_port(PortId port);
    [[nodiscard]] WorkerOptions options_of(unsigned worker) const;
    // Of all workers together.
    [[nodiscard]] std::uint64_t sum(AttachmentId row, Counter TrafficCounters::*what) const;
    [[nodiscard]] std::uint64_t exits_of(AttachmentId row) const;
    TestBedOptions options_;
    Mempool pool_;
    std::vector<Ring> rx_rings_;
    std::vector<Ring> tx_rings_;
    std::vector<std::uint16_t> devices_;
    Quiescence quiescence_;
    Published<Tables> published_{quiescence_};
    std::unique_ptr<NextHops> next_hops_;
    std::unique_ptr<Fib4> fib_;
    std::unique_ptr<Rib4> rib_;
    std::unique_ptr<Fib6> fib6_;
    std::unique_ptr<Rib6> rib6_;
    std::vector<AttachmentTable::Row> rows_;
    std::vector<AttachmentState> states_;
    // Those of each publication: the worker may still read the one before.
    [[nodiscard]] Policies& next_policies();
    std::vector<std::unique_ptr<Policies>> policies_;
    const Policies* published_policies_ = nullptr;
    std::unique_ptr<NatTables> nat_;
    std::vector<PortTpids> tpids_;
    std::uint16_t next_attachment_;
    std::uint16_t next_vrf_ = 1;
    std::unique_ptr<Punt> punt_;
    std::vector<std::unique_ptr<NatLane>> nat_lanes_;   // by worker
    std::vector<std::unique_ptr<Handover>> handovers_;  // by port, if there are several workers
    std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace causeway::test
