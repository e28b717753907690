// SPDX-License-Identifier: Apache-2.0
#include "dataplane/nat_worker.h"

#include <limits>
#include <utility>

#include "base/check.h"
#include "dataplane/family.h"
#include "dataplane/punt.h"
#include "dataplane/tables.h"

namespace causeway {
namespace {

// What one turn may do of it: 64 sessions that are over are more than a turn's bursts can begin,
// and clearing waits for nobody.
constexpr std::size_t kExpiryPieces = 4;
constexpr int kClearedPerTurn = 16;
// Fragments have a deadline of seconds; looking for them needs no haste.
constexpr unsigned kFragmentsEvery = 8;

// Whether the control thread answers a packet that leaves so. Others it sends on: as they are.
bool is_answered(const PacketMeta& meta) noexcept {
    switch (meta.exit) {
        case Exit::kAclProhibited:
        case Exit::kNoRoute:
        case Exit::kLocal:
        case Exit::kUnreachable:
        case Exit::kProhibit:
        case Exit::kNextHopDown:
        case Exit::kTtlExpired:
            return true;
        case Exit::kTooBig:
            return !meta.ipv4().may_fragment();
        default:
            return false;
    }
}

PuntNote note_of(const PacketMeta& meta, PortId port) noexcept {
    return {.attachment = meta.attachment,
            .vrf = meta.vrf,
            .port = port,
            .header_bytes = meta.header_bytes};
}

}  // namespace

NatWorker::NatWorker(WorkerId id, std::vector<NatLane*> lanes, Counters& counters)
    : id_(id), lanes_(std::move(lanes)), counters_(counters) {
    waiting_.reserve(kNatResumedMax);
}

NatWorker::~NatWorker() {
    for (; next_ < waiting_.size(); ++next_) rte_pktmbuf_free(waiting_[next_]);
    if (translator_ == nullptr) return;
    // At the end of all time no datagram is waited for; a table is looked through in eight calls.
    for (int call = 0; call < 8; ++call) {
        (void)translator_->expire(std::numeric_limits<NatSeconds>::max(), 0);
        for (const std::uint64_t handle : translator_->dropped()) {
            rte_pktmbuf_free(reinterpret_cast<rte_mbuf*>(handle));
        }
        translator_->take_fragments();
    }
}

void NatWorker::begin_turn(const NatTables& tables) noexcept {
    translator_ = tables.translators[id_.value()];
    now_ = tables.now->load(std::memory_order_relaxed);
    if (++turns_ % kFragmentsEvery == 0 || translator_->sessions().is_behind(now_)) {
        (void)translator_->expire(now_, kExpiryPieces);
        collect_fragments();
    }
    if (!lanes_.empty()) clear_some();
}

void NatWorker::clear_some() noexcept {
    for (int count = 0; count < kClearedPerTurn; ++count) {
        if (!to_clear_) to_clear_ = lanes_[id_.value()]->take_to_clear();
        if (!to_clear_ || !translator_->clear(to_clear_->session, to_clear_->version)) return;
        to_clear_.reset();
        cleared_.add(1);
    }
}

unsigned NatWorker::take(std::span<rte_mbuf*> room) noexcept {
    if (next_ == waiting_.size()) {
        waiting_.clear();
        next_ = 0;
        if (lanes_.empty()) return 0;
        waiting_.resize(kBurstSizeMax);
        const unsigned count = lanes_[id_.value()]->take(waiting_);
        waiting_.resize(count);
        taken_over_.add(count);
        if (count == 0) return 0;
    }
    const PortId port = PuntNote::of(*waiting_[next_]).port;
    unsigned count = 0;
    while (count < room.size() && next_ < waiting_.size() &&
           PuntNote::of(*waiting_[next_]).port == port) {
        room[count++] = waiting_[next_++];
    }
    return count;
}

// A rule's steering is not kept: the group that it names may be gone by the time the packet goes
// on.
Exit NatWorker::hold(Burst& burst, const PacketMeta& meta, rte_mbuf& mbuf) noexcept {
    PuntNote::of(mbuf) = note_of(meta, burst.port());
    return Exit::kNatHeld;
}

Exit NatWorker::hand_over(Burst& burst, const PacketMeta& meta, rte_mbuf& mbuf,
                          WorkerId to) noexcept {
    PuntNote& note = PuntNote::of(mbuf);
    note = note_of(meta, burst.port());
    if (burst.policy().has_any(kSteers)) note.steered = meta.steered;
    if (to.value() >= lanes_.size() || !lanes_[to.value()]->hand_over(mbuf)) {
        return Exit::kHandoverFull;
    }
    return Exit::kNatElsewhere;
}

void NatWorker::collect_fragments() noexcept {
    for (const std::uint64_t handle : translator_->released()) {
        wait(reinterpret_cast<rte_mbuf*>(handle));
    }
    for (const std::uint64_t handle : translator_->dropped()) {
        drop(reinterpret_cast<rte_mbuf*>(handle), Exit::kNatFragmentLost);
    }
    translator_->take_fragments();
}

void NatWorker::wait(rte_mbuf* mbuf) noexcept {
    if (waiting_.size() == kNatResumedMax) return drop(mbuf, Exit::kNatFragmentsFull);
    waiting_.push_back(mbuf);
}

void NatWorker::drop(rte_mbuf* mbuf, Exit exit) noexcept {
    counters_.count_exit(PuntNote::of(*mbuf).attachment, exit);
    rte_pktmbuf_free(mbuf);
}

void NatWorker::restore(PacketMeta& meta, const Tables& tables) noexcept {
    if (translator_ == nullptr || tables.nat == nullptr || !is_answered(meta)) return;
    const NatTables& nat = *tables.nat;
    NatPacket packet{.bytes = meta.frame, .size = meta.packet_bytes};
    const VrfId vrf = tables.attachments[meta.attachment.value()].vrf;
    if (meta.vrf != vrf) {  // it was let in, and is among the addresses of a pool's inside
        for (const PublicAddresses::Entry& entry : nat.publics.entries()) {
            if (entry.inside == meta.vrf) packet.pool = entry.pool;
        }
        if (!translator_->restore(NatDirection::kInbound, packet, nat.statics, now_)) return;
        meta.vrf = vrf;
    }
    if (nat.publics.find(Ipv4::source_of(meta)) != nullptr &&
        nat.inside_of(meta.attachment) != nullptr) {
        (void)translator_->restore(NatDirection::kOutbound, packet, nat.statics, now_);
    }
}

}  // namespace causeway
