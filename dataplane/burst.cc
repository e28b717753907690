// SPDX-License-Identifier: Apache-2.0
#include "dataplane/burst.h"

#include "dataplane/punt.h"
#include "dataplane/tables.h"

namespace causeway {

void Burst::resume(std::size_t count, const Tables& tables) noexcept {
    DCHECK(count > 0 && count <= kBurstSizeMax);
    port_ = PuntNote::of(*mbufs_[0]).port;
    walking_ = static_cast<unsigned>(count);
    left_count_ = 0;
    policy_ = kSteers;  // each of them says whether it is
    ports_out_ = 0;
    for (unsigned k = 0; k < walking_; ++k) {
        rte_mbuf& mbuf = *mbufs_[k];
        const PuntNote& note = PuntNote::of(mbuf);
        // As the attachment is now: it may have changed meanwhile.
        const AttachmentState& state = tables.attachments[note.attachment.value()];
        PacketMeta& meta = meta_[k];
        meta.frame = rte_pktmbuf_mtod(&mbuf, std::uint8_t*) + note.header_bytes;
        meta.steered = note.steered;
        meta.attachment = note.attachment;
        meta.vrf = state.vrf;
        meta.frame_bytes = mbuf.data_len;
        meta.packet_bytes = meta.ipv4().total_length.host();
        meta.header_bytes = note.header_bytes;
        policy_ |= state.policy;
    }
}

void Burst::part(const std::array<Exit, kBurstSizeMax>& exits) noexcept {
    const unsigned count = walking_;
    unsigned kept = 0;
    unsigned left = left_count_;
    for (unsigned k = 0; k < count; ++k) {
        // Both stores are unconditional; only the counts depend on the verdict. Invariant: kept <=
        // k and left + kept <= received, so both are in bounds.
        const bool stays = exits[k] == Exit::kNone;
        rte_mbuf* const mbuf = mbufs_[k];
        const PacketMeta meta = meta_[k];
        left_[left].mbuf = mbuf;
        left_[left].meta = meta;
        left_[left].meta.exit = exits[k];
        mbufs_[kept] = mbuf;
        meta_[kept] = meta;
        kept += stays;
        left += !stays;
        if (left == kBurstSizeMax) break;  // everyone left: there is no next slot to write
    }
    walking_ = kept;
    left_count_ = left;
}

void Burst::take(Burst& other, Exit exit) noexcept {
    port_ = other.port_;
    left_count_ = 0;
    // Whoever was steered there, these were not asked: where it would stand, they have their tag.
    policy_ = other.policy_.without(kSteers);
    ports_out_ = 0;
    unsigned taken = 0;
    unsigned kept = 0;
    for (const LeftPacket& packet : other.left()) {
        if (packet.meta.exit == exit) {
            mbufs_[taken] = packet.mbuf;
            meta_[taken++] = packet.meta;
        } else {
            other.left_[kept++] = packet;
        }
    }
    walking_ = taken;
    other.left_count_ = kept;
}

}  // namespace causeway
