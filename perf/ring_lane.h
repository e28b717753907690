// SPDX-License-Identifier: Apache-2.0
//
// RingLane: what one core does in a measurement of a whole forwarder. A ring full of prebuilt
// packets stands for the device they come from, other rings for the devices they leave by. Between
// the turns of the forwarder, which alone are timed, what came out is written anew and put back in.
// So a packet is touched again when all the others have been: its lines lie where a NIC's
// direct cache access would have put them, in the outer caches.
//
// Thread safety: one thread.
#pragma once

#include <rte_cycles.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/limits.h"
#include "perf/prebuilt_packets.h"

namespace causeway::perf {

class RingLane {
  public:
    static constexpr std::size_t kInFlight = 4'096;

    RingLane(PrebuiltPackets packets, rte_ring* in, std::vector<rte_ring*> out)
        : packets_(std::move(packets)), in_(in), out_(std::move(out)) {}

    void fill(rte_mempool* pool) {
        for (std::size_t i = 0; i < kInFlight; ++i) {
            rte_mbuf* const mbuf = rte_pktmbuf_alloc(pool);
            CHECK(mbuf != nullptr);
            put_back(mbuf);
        }
    }

    // Puts back in what came out, and says how many those were.
    unsigned recycle() noexcept {
        std::array<void*, kBurstSizeMax> sent;
        unsigned count = 0;
        for (rte_ring* const ring : out_) {
            const unsigned some =
                rte_ring_sc_dequeue_burst(ring, sent.data(), kBurstSizeMax, nullptr);
            for (unsigned k = 0; k < some; ++k) put_back(static_cast<rte_mbuf*>(sent[k]));
            count += some;
        }
        return count;
    }

    // Packets that wait to be received.
    [[nodiscard]] std::size_t waiting() const noexcept { return rte_ring_count(in_); }

    // TSC cycles a packet of `turn`, called until as many packets came out as are in flight.
    template <class Turn>
    double pass(Turn&& turn) noexcept {
        std::uint64_t cycles = 0;
        std::size_t passed = 0;
        while (passed < kInFlight) {
            const std::uint64_t start = rte_rdtsc();
            turn();
            cycles += rte_rdtsc() - start;
            passed += recycle();
            CHECK(waiting() == kInFlight);  // else packets get lost, and the figure means nothing
        }
        return static_cast<double>(cycles) / static_cast<double>(passed);
    }

  private:
    void put_back(rte_mbuf* mbuf) noexcept {
        packets_.write(*mbuf);
        CHECK(rte_ring_sp_enqueue(in_, mbuf) == 0);
    }

    PrebuiltPackets packets_;
    rte_ring* in_;
    std::vector<rte_ring*> out_;
};

}  // namespace causeway::perf
