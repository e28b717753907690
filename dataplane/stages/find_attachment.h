// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "dataplane/burst.h"
#include "dataplane/tables.h"

namespace causeway {

// Finds whose frame this is, and counts it as received.
//
//   Reads    meta.outer_tag, meta.inner_tag, meta.header_bytes
//   Writes   meta.attachment, meta.vrf, meta.frame (now the network header), burst.policy()
//   Exits    kUnknownTags kCircuitNotProvisioned kPeeringDisabled kAdminDown
//   Cost     two direct tables and the attachment's own four bytes
struct FindAttachment {
    static constexpr std::string_view kName = "find_attachment";

    FindAttachment(Burst& burst, const Tables& tables) noexcept
        : by_tag_(tables.attachments_by_tag.view(burst.port())),
          states_(tables.attachments.data()),
          burst_(burst),
          counters_(burst.counters()),
          traffic_(counters_.traffic()),
          window_(counters_.window()) {}

    FindAttachment(const FindAttachment&) noexcept = default;
    FindAttachment& operator=(const FindAttachment&) = delete;
    // Once a burst: what is noted packet by packet stays in a register meanwhile.
    ~FindAttachment() { burst_.note(policy_); }

    Exit operator()(PacketMeta& meta, rte_mbuf&) noexcept {
        const AttachmentId id = by_tag_.find(meta.outer_tag, meta.inner_tag);
        if (id == AttachmentTable::kNone) [[unlikely]]
            return Exit::kUnknownTags;
        const AttachmentState state = states_[id.value()];
        meta.frame += meta.header_bytes;
        meta.attachment = id;
        meta.vrf = state.vrf;
        policy_ |= state.policy;
        TrafficCounters& traffic = traffic_[id.value()];
        if (!traffic.rx_window.is(window_)) [[unlikely]]
            counters_.turn_rx(id);
        traffic.rx_packets.add(1);
        traffic.rx_bytes.add(meta.frame_bytes);
        return state.closed;
    }

  private:
    const AttachmentTable::PortView by_tag_;
    const AttachmentState* const states_;
    Burst& burst_;
    PolicyBits policy_;
    Counters& counters_;
    TrafficCounters* const traffic_;
    const std::uint32_t window_;
};

}  // namespace causeway
