// SPDX-License-Identifier: Apache-2.0
//
// Punt: the road between a worker and the control thread. A worker never waits for it: what does
// not fit is dropped and counted (Exit::kPuntFull going up, a counter of the control thread going
// down).
//
// Thread safety: a Punt belongs to one worker and the control thread; each of its two rings has one
// producer and one consumer.
#pragma once

#include <rte_mbuf.h>
#include <rte_ring.h>

#include <cstdint>
#include <span>

#include "base/limits.h"
#include "base/types.h"
#include "dataplane/bfd/post.h"
#include "dataplane/dpdk.h"
#include "dataplane/exit.h"

namespace causeway {

// What a packet brings along on this road, in the private room of its mbuf; also on that to another
// worker (dataplane/nat_worker.h).
struct PuntNote {
    AttachmentId attachment;  // up: where it came in; down: where it goes out
    VrfId vrf;
    PortId port;                    // up: where it came in; down: where it goes out
    Exit exit = Exit::kNone;        // why it went up
    std::uint8_t header_bytes = 0;  // of layer 2
    std::uint16_t steered = 0;      // between workers: where a rule has steered it, or 0
    MacAddress sender{};            // up, once the control thread has cut layer 2 off

    [[nodiscard]] static PuntNote& of(rte_mbuf& mbuf) noexcept {
        return *static_cast<PuntNote*>(rte_mbuf_to_priv(&mbuf));
    }
};
static_assert(sizeof(PuntNote) <= kMbufPrivateBytes, "see make_packet_pool()");
static_assert(kMbufPrivateBytes % RTE_MBUF_PRIV_ALIGN == 0);

class PuntPolice;

class Punt {
  public:
    Punt(Ring up, Ring down) noexcept : up_(std::move(up)), down_(std::move(down)) {}

    // Who says what may be handed up; null: everything. To be set while no worker runs.
    void set_police(PuntPolice* police) noexcept { police_ = police; }
    [[nodiscard]] PuntPolice* police() const noexcept { return police_; }

    // Worker: hands packets up; returns how many fitted, from the front.
    [[nodiscard]] unsigned raise(std::span<rte_mbuf*> mbufs) noexcept { return put(*up_, mbufs); }
    // Control: takes what was handed up.
    [[nodiscard]] unsigned take_raised(std::span<rte_mbuf*> room) noexcept {
        return take(*up_, room);
    }
    // Control: hands down finished frames to be sent; returns how many fitted, from the front.
    [[nodiscard]] unsigned inject(std::span<rte_mbuf*> mbufs) noexcept {
        return put(*down_, mbufs);
    }
    // Worker: takes what was handed down.
    [[nodiscard]] unsigned take_injected(std::span<rte_mbuf*> room) noexcept {
        return take(*down_, room);
    }

    // To and from the thread of BFD.
    [[nodiscard]] BfdPost& bfd() noexcept { return bfd_; }

  private:
    static unsigned put(rte_ring& ring, std::span<rte_mbuf*> mbufs) noexcept {
        return rte_ring_sp_enqueue_burst(&ring, reinterpret_cast<void**>(mbufs.data()),
                                         static_cast<unsigned>(mbufs.size()), nullptr);
    }
    static unsigned take(rte_ring& ring, std::span<rte_mbuf*> room) noexcept {
        return rte_ring_sc_dequeue_burst(&ring, reinterpret_cast<void**>(room.data()),
                                         static_cast<unsigned>(room.size()), nullptr);
    }

    Ring up_;
    Ring down_;
    PuntPolice* police_ = nullptr;
    BfdPost bfd_;
};

}  // namespace causeway
