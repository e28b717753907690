// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "dataplane/burst.h"
#include "dataplane/tables.h"

namespace causeway {

// Finds whose frame this is, and counts it as received.
//
//   Reads    meta.outer_tag, meta.inner_tag, meta.header_bytes
//   Writes   meta.attachment, meta.vrf, meta.frame (now the network header)
//   Exits    kUnknownTags kCircuitNotProvisioned kPeeringDisabled kAdminDown
//   Cost     two direct tables and the attachment's own four bytes
struct FindAttachment {
    static constexpr std::string_view kName = "find_attachment";

    static void run(Burst& burst, const Tables& tables) noexcept {
        const PortId port = burst.port();
        Counters& counters = burst.counters();
        burst.filter([&](PacketMeta& meta) noexcept {
            const AttachmentId id =
                tables.attachments_by_tag.find({port, meta.outer_tag, meta.inner_tag});
            meta.frame += meta.header_bytes;
            if (id == AttachmentTable::kNone) [[unlikely]]
                return Exit::kUnknownTags;
            const AttachmentState state = tables.attachments[id.value()];
            meta.attachment = id;
            meta.vrf = state.vrf;
            TrafficCounters& traffic = counters.traffic(id);
            traffic.rx_packets.add(1);
            traffic.rx_bytes.add(meta.frame_bytes);
            return state.closed;
        });
    }
};

}  // namespace causeway
