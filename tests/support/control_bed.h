// SPDX-License-Identifier: Apache-2.0
//
// ControlBed: the control thread's tables and slow path without a daemon: real neighbours, next
// hops and routes, a clock that the test owns, and a transmitter that keeps what it gets.
//
// attach_edge_and_core() makes two attachments of VRF 1, as the router installs them:
//
//   edge   port 0, tags 10.100, MTU 1500   192.168.0.0/30, we are .2, the customer is .1
//   core   port 1, tag 300, MTU 1400       10.2.0.0/24, we are .254
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/grace.h"
#include "base/types.h"
#include "control/router/attachments.h"
#include "control/router/ribs.h"
#include "control/slow_path/neighbours.h"
#include "control/slow_path/slow_counters.h"
#include "control/slow_path/slow_path.h"
#include "control/slow_path/transmitter.h"
#include "dataplane/dpdk.h"
#include "dataplane/packet.h"
#include "fib/fib4.h"
#include "fib/next_hops.h"
#include "fib/rib.h"

namespace causeway::test {

using Frame = std::vector<std::uint8_t>;

class FakeTransmitter final : public Transmitter {
  public:
    struct Sent {
        AttachmentId out;
        Frame frame;
    };

    explicit FakeTransmitter(rte_mempool* pool) : pool_(pool) {}
    [[nodiscard]] std::optional<Packet> make_packet() override { return Packet::make(pool_); }
    [[nodiscard]] rte_mempool* pool() noexcept override { return pool_; }
    bool send(Packet frame, const Attachment& out) override;

    // What was sent since the last call.
    [[nodiscard]] std::vector<Sent> take();
    // As if the ring to the worker were full.
    void refuse() { refuses_ = true; }
    void accept() { refuses_ = false; }

  private:
    rte_mempool* pool_;
    std::vector<Sent> sent_;
    bool refuses_ = false;
};

inline constexpr VrfId kVrf{1};
inline constexpr AttachmentId kEdge{16};
inline constexpr AttachmentId kCore{17};
inline constexpr MacAddress kNeighbourMac{{0x02, 0xbe, 0, 0, 0, 0x01}};
inline constexpr std::uint64_t kMillisecond = 1'000'000;
inline constexpr std::uint64_t kSecond = 1'000 * kMillisecond;

class ControlBed {
  public:
    // Packets come of `pool`, or of one of its own.
    explicit ControlBed(const SlowRates& rates = {}, rte_mempool* pool = nullptr);
    ControlBed(const ControlBed&) = delete;
    ControlBed& operator=(const ControlBed&) = delete;

    void attach_edge_and_core();
    // As the router does: the attachment, its subnet's route and our own address's.
    void attach(Attachment attachment);
    // A route to a neighbour of an attachment, which is asked for from now on.
    NextHopId route_via(std::string_view prefix, AttachmentId out, std::string_view address,
                        VrfId vrf = kVrf);
    void route(std::string_view prefix, GroupId group, VrfId vrf = kVrf);

    // A frame as a worker hands it up, layer 2 first.
    [[nodiscard]] Packet punted(AttachmentId in, Exit exit, const Frame& frame);
    void handle(AttachmentId in, Exit exit, const Frame& frame) {
        slow_path.handle(punted(in, exit, frame), now_ns);
    }
    // Lets time pass in steps of 100 ms, with a tick of the neighbours each.
    void pass(std::uint64_t duration_ns);
    [[nodiscard]] std::uint64_t count(SlowEvent event) const { return counters.read(event); }

  private:
    Mempool own_pool_;
    ImmediateGrace grace_;

  public:
    // In the order of their making.
    FakeTransmitter transmitter;
    std::unique_ptr<NextHops> next_hops;
    std::unique_ptr<Fib4> fib;
    std::unique_ptr<Fib6> fib6;
    Rib4 rib;
    Rib6 rib6;
    Ribs ribs;
    SlowCounters counters;
    Attachments attachments;
    Neighbours neighbours;
    SlowPath slow_path;
    std::uint64_t now_ns = 1'000 * kSecond;
};

}  // namespace causeway::test
