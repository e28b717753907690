// SPDX-License-Identifier: Apache-2.0
#include "dataplane/worker.h"

#include <rte_ethdev.h>
#include <rte_pause.h>

#include <bit>

#include "base/check.h"

namespace causeway {

Worker::Worker(const WorkerOptions& options, const Published<Tables>& tables,
               Quiescence& quiescence, Punt& punt)
    : id_(options.id),
      rx_(options.rx),
      burst_size_(static_cast<std::uint16_t>(options.burst_size)),
      tables_(tables),
      quiescence_(quiescence),
      punt_(punt) {
    CHECK(options.burst_size > 0 && options.burst_size <= kBurstSizeMax);
    for (const DeviceQueue& queue : options.tx) tx_[queue.port.value()] = queue;
}

void Worker::run(const std::atomic<bool>& stop) noexcept {
    quiescence_.online(id_);
    while (!stop.load(std::memory_order_relaxed)) {
        turns_.add(1);
        if (turn() == 0) {
            idle_turns_.add(1);
            rte_pause();
        }
        quiescence_.report(id_);  // no reference to the tables survives this line
    }
    quiescence_.offline(id_);
}

unsigned Worker::turn() noexcept {
    const Tables& tables = tables_.read();  // one acquire load; fixed for this turn
    unsigned received = 0;
    for (const DeviceQueue& queue : rx_) {
        const unsigned count =
            rte_eth_rx_burst(queue.device, queue.queue, burst_.room().data(), burst_size_);
        if (count == 0) continue;
        received += count;
        burst_.start(queue.port, count);
        walk_(burst_, tables);
        transmit(burst_.walking(), burst_.mbufs());
        dispose(burst_.left());
    }
    send_injected();
    return received;
}

void Worker::transmit(std::span<PacketMeta> packets, std::span<rte_mbuf* const> mbufs) noexcept {
    for (std::size_t k = 0; k < packets.size(); ++k) {
        const PacketMeta& meta = packets[k];
        const Adjacency& way = *meta.adjacency;
        TxBatch& batch = tx_batches_[way.port.value()];
        const unsigned slot = batch.count++;
        batch.mbufs[slot] = mbufs[k];
        batch.from[slot] = meta.attachment;
        batch.to[slot] = way.attachment;
        batch.bytes[slot] = meta.frame_bytes;
        ports_with_packets_ |= 1U << way.port.value();
    }
    for (; ports_with_packets_ != 0; ports_with_packets_ &= ports_with_packets_ - 1) {
        send<Origin::kForwarded>(
            PortId(static_cast<std::uint8_t>(std::countr_zero(ports_with_packets_))));
    }
}

// Gives a port's batch to its device. What does not fit is dropped at once: a queue of our own
// behind a full one would only add delay.
template <Worker::Origin kOrigin>
void Worker::send(PortId port) noexcept {
    TxBatch& batch = tx_batches_[port.value()];
    const DeviceQueue& queue = tx_[port.value()];
    const unsigned sent = rte_eth_tx_burst(queue.device, queue.queue, batch.mbufs.data(),
                                           static_cast<std::uint16_t>(batch.count));
    for (unsigned k = 0; k < sent; ++k) {
        TrafficCounters& out = counters_.traffic(batch.to[k]);
        out.tx_packets.add(1);
        out.tx_bytes.add(batch.bytes[k]);
        if constexpr (kOrigin == Origin::kForwarded) {
            counters_.traffic(batch.from[k]).forwarded_packets.add(1);
        } else {
            out.injected_packets.add(1);
        }
    }
    if (sent < batch.count) [[unlikely]] {
        for (unsigned k = sent; k < batch.count; ++k) {
            if constexpr (kOrigin == Origin::kForwarded) {
                counters_.count_exit(batch.from[k], Exit::kTxFull);
            } else {
                injected_lost_.add(1);
            }
        }
        rte_pktmbuf_free_bulk(&batch.mbufs[sent], batch.count - sent);
    }
    batch.count = 0;
}

void Worker::dispose(std::span<LeftPacket> left) noexcept {
    if (left.empty()) return;
    std::array<rte_mbuf*, kBurstSizeMax> drops;
    std::array<rte_mbuf*, kBurstSizeMax> punts;
    std::array<const PacketMeta*, kBurstSizeMax> punted;
    unsigned drop_count = 0;
    unsigned punt_count = 0;
    for (const LeftPacket& packet : left) {
        if (info_of(packet.meta.exit).fate == Fate::kDrop) {
            drops[drop_count++] = packet.mbuf;
            counters_.count_exit(packet.meta.attachment, packet.meta.exit);
            continue;
        }
        PuntNote::of(*packet.mbuf) = {.attachment = packet.meta.attachment,
                                      .vrf = packet.meta.vrf,
                                      .port = burst_.port(),
                                      .exit = packet.meta.exit,
                                      .header_bytes = packet.meta.header_bytes};
        punts[punt_count] = packet.mbuf;
        punted[punt_count++] = &packet.meta;
    }
    const unsigned raised = punt_.raise(std::span(punts).first(punt_count));
    for (unsigned k = 0; k < punt_count; ++k) {
        const bool fits = k < raised;
        counters_.count_exit(punted[k]->attachment, fits ? punted[k]->exit : Exit::kPuntFull);
        if (!fits) drops[drop_count++] = punts[k];
    }
    rte_pktmbuf_free_bulk(drops.data(), drop_count);
}

void Worker::send_injected() noexcept {
    std::array<rte_mbuf*, kBurstSizeMax> mbufs;
    const unsigned count = punt_.take_injected(mbufs);
    if (count == 0) [[likely]]
        return;
    for (unsigned k = 0; k < count; ++k) {
        const PuntNote& note = PuntNote::of(*mbufs[k]);
        TxBatch& batch = tx_batches_[note.port.value()];
        const unsigned slot = batch.count++;
        batch.mbufs[slot] = mbufs[k];
        batch.to[slot] = note.attachment;
        batch.bytes[slot] = mbufs[k]->data_len;
        ports_with_packets_ |= 1U << note.port.value();
    }
    for (; ports_with_packets_ != 0; ports_with_packets_ &= ports_with_packets_ - 1) {
        send<Origin::kInjected>(
            PortId(static_cast<std::uint8_t>(std::countr_zero(ports_with_packets_))));
    }
}

}  // namespace causeway
