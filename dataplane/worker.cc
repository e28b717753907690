// SPDX-License-Identifier: Apache-2.0
#include "dataplane/worker.h"

#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_pause.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <random>

#include "base/check.h"
#include "base/unroll.h"
#include "dataplane/punt_police.h"

namespace causeway {

// Asks in turn whether packets that are to go up may: one reading of the clock for all of them.
class Worker::Admission {
  public:
    explicit Admission(PuntPolice* police) noexcept : police_(police) {}

    [[nodiscard]] bool admit(const PacketMeta& meta) noexcept {
        if (police_ == nullptr) return true;
        if (now_ == 0) now_ = rte_rdtsc();
        return police_->admit(meta, now_);
    }

  private:
    PuntPolice* police_;
    std::uint64_t now_ = 0;
};

namespace {

std::uint64_t random_seed() {
    std::random_device device;
    return std::uint64_t{device()} << 32 | device();
}

}  // namespace

Worker::Worker(const WorkerOptions& options, const Published<Tables>& tables,
               Quiescence& quiescence, Punt& punt)
    : id_(options.id),
      rx_(options.rx),
      shared_rx_(options.shared_rx),
      handovers_(options.handovers),
      burst_size_(static_cast<std::uint16_t>(options.burst_size)),
      tables_(tables),
      quiescence_(quiescence),
      punt_(punt),
      pool_(options.pool),
      window_clock_(rte_get_tsc_hz()),
      counters_(options.peaks),
      nat_(options.id, options.nat_lanes, counters_),
      names_(options.id, random_seed()) {
    burst_.set_names(&names_);
    ipv6_burst_.set_names(&names_);
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
    counters_.set_window(window_clock_.window_of(rte_rdtsc()));
    unsigned received = 0;
    if (tables.nat != nullptr) nat_.begin_turn(*tables.nat);
    send_posted();
    for (const DeviceQueue& queue : rx_) {
        const unsigned count =
            rte_eth_rx_burst(queue.device, queue.queue, burst_.room().data(), burst_size_);
        if (count == 0) continue;
        received += count;
        process(queue.port, count, tables);
    }
    if (!shared_rx_.empty() || !handovers_.empty()) received += poll_shared(tables);
    if (tables.nat != nullptr) received += resume(tables);
    send_injected();
    return received;
}

// The queues of devices that cannot spread flows, and what other workers found in theirs for us.
unsigned Worker::poll_shared(const Tables& tables) noexcept {
    const std::span<rte_mbuf*> room = burst_.room().first(burst_size_);
    unsigned received = 0;
    for (const SharedQueue& shared : shared_rx_) {
        const DeviceQueue& queue = shared.queue;
        const unsigned count =
            rte_eth_rx_burst(queue.device, queue.queue, room.data(), burst_size_);
        if (count == 0) continue;
        received += count;
        const unsigned own = shared.handover->keep_own(room.first(count), counters_);
        if (own != 0) process(queue.port, own, tables);
    }
    for (Handover* const handover : handovers_) {
        const unsigned count = handover->take(id_, room);
        received += count;
        handed_over_.add(count);
        if (count != 0) process(handover->port(), count, tables);
    }
    return received;
}

void Worker::process(PortId port, unsigned count, const Tables& tables) noexcept {
    burst_.start(port, count);
    ipv4_walk_(burst_, tables);
    if (!burst_.left().empty()) walk_ipv6(tables);
    finish(burst_, tables);
}

unsigned Worker::resume(const Tables& tables) noexcept {
    unsigned resumed = 0;
    while (const unsigned count = nat_.take(burst_.room().first(burst_size_))) {
        resumed += count;
        burst_.resume(count, tables);
        resumed_walk_(burst_, tables);
        finish(burst_, tables);
        if (resumed >= kNatResumedMax) break;  // the devices wait
    }
    return resumed;
}

void Worker::walk_ipv6(const Tables& tables) noexcept {
    ipv6_burst_.take(burst_, Exit::kIpv6);
    if (ipv6_burst_.size() == 0) return;
    ipv6_walk_(ipv6_burst_, tables);
    finish(ipv6_burst_, tables);
}

void Worker::finish(Burst& burst, const Tables& tables) noexcept {
    transmit(burst);
    dispose(burst, tables);
    burst.count_received();
    counters_.settle_peaks();
}

void Worker::transmit(Burst& burst) noexcept {
    if (burst.size() == 0) return;
    const std::uint32_t ports = burst.ports_out();
    if (!std::has_single_bit(ports)) return transmit_by_port(burst);
    const auto port = static_cast<std::uint8_t>(std::countr_zero(ports));
    send(PortId(port), burst.mbufs().data(), burst.size(),
         [packets = burst.walking()](unsigned k) noexcept -> const PacketMeta& {
             return packets[k];
         });
}

void Worker::transmit_by_port(Burst& burst) noexcept {
    const std::span<PacketMeta> packets = burst.walking();
    const std::span<rte_mbuf*> mbufs = burst.mbufs();
    for (unsigned k = 0; k < burst.size(); ++k) {
        const std::uint8_t port = packets[k].adjacency->port.value();
        TxBatch& batch = tx_batches_[port];
        batch.mbufs[batch.count] = mbufs[k];
        batch.places[batch.count++] = static_cast<std::uint8_t>(k);
    }
    for (std::uint32_t ports = burst.ports_out(); ports != 0; ports &= ports - 1) {
        const auto port = static_cast<std::uint8_t>(std::countr_zero(ports));
        TxBatch& batch = tx_batches_[port];
        if (batch.count == 0) continue;  // they have left since
        send(PortId(port), batch.mbufs.data(), batch.count,
             [&](unsigned k) noexcept -> const PacketMeta& { return packets[batch.places[k]]; });
        batch.count = 0;
    }
}

// Gives packets to a device. What does not fit is dropped at once: a queue of our own behind a full
// one would only add delay.
template <class MetaOf>
void Worker::send(PortId port, rte_mbuf** mbufs, unsigned count, MetaOf&& meta_of) noexcept {
    const DeviceQueue& queue = tx_[port.value()];
    const unsigned sent =
        rte_eth_tx_burst(queue.device, queue.queue, mbufs, static_cast<std::uint16_t>(count));
    TrafficCounters* const traffic = counters_.traffic();
    CAUSEWAY_UNROLL(2)
    for (unsigned k = 0; k < sent; ++k) {
        const PacketMeta& meta = meta_of(k);
        counters_.count_tx(meta.adjacency->attachment, 1, meta.frame_bytes);
        traffic[meta.attachment.value()].forwarded_packets.add(1);
    }
    if (sent == count) [[likely]]
        return;
    for (unsigned k = sent; k < count; ++k) {
        counters_.count_exit(meta_of(k).attachment, Exit::kTxFull);
    }
    rte_pktmbuf_free_bulk(mbufs + sent, count - sent);
}

void Worker::dispose(Burst& burst, const Tables& tables) noexcept {
    const std::span<LeftPacket> left = burst.left();
    if (left.empty()) return;
    std::array<rte_mbuf*, kBurstSizeMax> drops;
    std::array<rte_mbuf*, kBurstSizeMax> punts;
    std::array<const PacketMeta*, kBurstSizeMax> punted;
    unsigned drop_count = 0;
    unsigned punt_count = 0;
    Admission admission(punt_.police());
    for (LeftPacket& packet : left) {
        const Fate fate = info_of(packet.meta.exit).fate;
        if (fate == Fate::kWalk) continue;  // it waits, and is somebody else's
        if (fate == Fate::kHear) {
            hear(packet, admission);
            continue;
        }
        // The control thread would send it by the routes, which is not what the rule said.
        const bool is_steered = burst.policy().has_any(kSteers) && packet.meta.steered != 0;
        if (packet.meta.exit == Exit::kUnresolved && is_steered) {
            packet.meta.exit = Exit::kNextHopDown;
        }
        Exit exit = packet.meta.exit;
        if (fate != Fate::kDrop && !admission.admit(packet.meta)) {
            exit = Exit::kOverPuntRate;
        } else if (fate == Fate::kPost && !post(burst.port(), packet)) {
            exit = Exit::kPuntFull;
        }
        if (fate != Fate::kPunt || exit != packet.meta.exit) {
            drops[drop_count++] = packet.mbuf;
            counters_.count_exit(packet.meta.attachment, exit);
            continue;
        }
        if (burst.nat() != nullptr && burst.policy().has_any(kTranslates)) {
            nat_.restore(packet.meta, tables);
        }
        PuntNote::of(*packet.mbuf) = {.attachment = packet.meta.attachment,
                                      .vrf = packet.meta.vrf,
                                      .port = burst.port(),
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

// The frame is ready to be sent: it is, where the control thread has no time for it.
void Worker::hear(LeftPacket& packet, Admission& admission) noexcept {
    const PacketMeta& meta = packet.meta;
    const Adjacency& way = *meta.adjacency;
    PuntNote::of(*packet.mbuf) = {.attachment = way.attachment,
                                  .vrf = meta.vrf,
                                  .port = way.port,
                                  .exit = meta.exit,
                                  .header_bytes = way.header_bytes};
    if (admission.admit(meta) && punt_.raise({&packet.mbuf, 1}) == 1) {
        return counters_.count_exit(meta.attachment, meta.exit);
    }
    names_.answers_unheard.add(1);
    send(way.port, &packet.mbuf, 1,
         [&meta](unsigned) noexcept -> const PacketMeta& { return meta; });
}

bool Worker::post(PortId port, const LeftPacket& packet) noexcept {
    BfdFrame* const room = punt_.bfd().up.room();
    if (room == nullptr) return false;
    room->attachment = packet.meta.attachment;
    room->port = port;
    // What is longer than any packet of BFD arrives cut short, and is refused for that.
    room->size = static_cast<std::uint8_t>(
        std::min<std::size_t>(packet.meta.packet_bytes, BfdFrame::kBytesMax));
    std::memcpy(room->bytes.data(), packet.meta.frame, room->size);
    punt_.bfd().up.push();
    return true;
}

// BFD's own frames, before anything is forwarded.
void Worker::send_posted() noexcept {
    auto& down = punt_.bfd().down;
    for (const BfdFrame* frame = down.front(); frame != nullptr; frame = down.front()) {
        rte_mbuf* mbuf = rte_pktmbuf_alloc(pool_);
        if (mbuf == nullptr) {
            injected_lost_.add(1);
        } else {
            std::memcpy(rte_pktmbuf_append(mbuf, frame->size), frame->bytes.data(), frame->size);
            send_own(mbuf, frame->port, frame->attachment);
        }
        down.pop();
    }
}

void Worker::send_injected() noexcept {
    std::array<rte_mbuf*, kBurstSizeMax> mbufs;
    const unsigned count = punt_.take_injected(mbufs);
    for (unsigned k = 0; k < count; ++k) {
        const PuntNote note = PuntNote::of(*mbufs[k]);
        send_own(mbufs[k], note.port, note.attachment);
    }
}

// A frame that nobody sent us.
void Worker::send_own(rte_mbuf* frame, PortId port, AttachmentId attachment) noexcept {
    const std::uint16_t bytes = frame->data_len;
    const DeviceQueue& queue = tx_[port.value()];
    if (rte_eth_tx_burst(queue.device, queue.queue, &frame, 1) == 0) {
        injected_lost_.add(1);
        rte_pktmbuf_free(frame);
        return;
    }
    TrafficCounters& out = counters_.traffic(attachment);
    out.tx_packets.add(1);
    out.tx_bytes.add(bytes);
    out.injected_packets.add(1);
}

}  // namespace causeway
