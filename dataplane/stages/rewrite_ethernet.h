// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstring>
#include <span>
#include <string_view>

#include "dataplane/burst.h"
#include "dataplane/tables.h"

namespace causeway {

// Lays the way out's layer-2 header, tags and all, before the packet.
//
//   Reads    meta.adjacency
//   Writes   the frame's header, the mbuf's start and length, meta.frame_bytes
//   Exits    none
//   Cost     one 32-byte copy; padding behind the packet is cut off, the device pads anew
struct RewriteEthernet {
    static constexpr std::string_view kName = "rewrite_ethernet";

    RewriteEthernet(Burst&, const Tables&) noexcept {}

    Exit operator()(PacketMeta& meta, rte_mbuf& mbuf) const noexcept {
        const Adjacency& way = *meta.adjacency;
        std::memcpy(meta.frame - Adjacency::kHeaderRoom, way.header.data(), Adjacency::kHeaderRoom);
        const auto layer3 = meta.frame - static_cast<std::uint8_t*>(mbuf.buf_addr);
        meta.frame_bytes = static_cast<std::uint16_t>(way.header_bytes + meta.packet_bytes);
        mbuf.data_off = static_cast<std::uint16_t>(layer3 - way.header_bytes);
        mbuf.data_len = meta.frame_bytes;
        mbuf.pkt_len = meta.frame_bytes;
        return Exit::kNone;
    }

    static_assert(RTE_PKTMBUF_HEADROOM >= Adjacency::kHeaderRoom,
                  "the 32-byte store must stay within the buffer even before an untagged frame");
};

}  // namespace causeway
