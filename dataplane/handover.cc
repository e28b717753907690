// SPDX-License-Identifier: Apache-2.0
#include "dataplane/handover.h"

#include <rte_prefetch.h>
#include <rte_ring.h>

#include <bit>
#include <utility>

#include "base/check.h"
#include "dataplane/rss.h"

namespace causeway {

Result<std::unique_ptr<Handover>> Handover::create(const HandoverOptions& options) {
    CHECK(options.workers <= kWorkersMax && options.owner.value() < options.workers);
    std::unique_ptr<Handover> handover(new Handover(options));
    for (unsigned worker = 0; worker < options.workers; ++worker) {
        auto ring = make_ring(
            {.name = options.name + "_" + std::to_string(worker), .size = kHandoverRingSize});
        if (!ring) return Unexpected(ring.error());
        handover->rings_.push_back(std::move(ring).value());
    }
    return handover;
}

Handover::~Handover() {
    std::array<rte_mbuf*, kBurstSizeMax> frames;
    for (unsigned worker = 0; worker < rings_.size(); ++worker) {
        while (const unsigned count = take(WorkerId(static_cast<std::uint8_t>(worker)), frames)) {
            rte_pktmbuf_free_bulk(frames.data(), count);
        }
    }
}

unsigned Handover::keep_own(std::span<rte_mbuf*> frames, Counters& counters) noexcept {
    for (const rte_mbuf* frame : frames) rte_prefetch0(rte_pktmbuf_mtod(frame, const void*));
    unsigned kept = 0;
    std::uint64_t others = 0;  // bit w: parcels_[w] is not empty
    for (rte_mbuf* frame : frames) {
        const std::span bytes(rte_pktmbuf_mtod(frame, const std::uint8_t*), frame->data_len);
        const unsigned worker = worker_of(rss_hash(flow_word(bytes)), options_.workers);
        if (worker == options_.owner.value()) {
            frames[kept++] = frame;
            continue;
        }
        Parcel& parcel = parcels_[worker];
        parcel.frames[parcel.count++] = frame;
        others |= std::uint64_t{1} << worker;
    }
    for (; others != 0; others &= others - 1) {
        deliver(static_cast<unsigned>(std::countr_zero(others)), counters);
    }
    return kept;
}

void Handover::deliver(unsigned worker, Counters& counters) noexcept {
    Parcel& parcel = parcels_[worker];
    const unsigned count = std::exchange(parcel.count, 0U);
    const unsigned taken = rte_ring_sp_enqueue_burst(
        rings_[worker].get(), reinterpret_cast<void**>(parcel.frames.data()), count, nullptr);
    if (taken == count) [[likely]]
        return;
    const AttachmentId row(options_.port.value());
    TrafficCounters& traffic = counters.traffic(row);
    for (unsigned k = taken; k < count; ++k) {
        traffic.rx_packets.add(1);
        traffic.rx_bytes.add(parcel.frames[k]->data_len);
        counters.count_exit(row, Exit::kHandoverFull);
    }
    rte_pktmbuf_free_bulk(parcel.frames.data() + taken, count - taken);
}

unsigned Handover::take(WorkerId worker, std::span<rte_mbuf*> room) noexcept {
    return rte_ring_sc_dequeue_burst(rings_[worker.value()].get(),
                                     reinterpret_cast<void**>(room.data()),
                                     static_cast<unsigned>(room.size()), nullptr);
}

}  // namespace causeway
