// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string_view>

#include "dataplane/burst.h"
#include "dataplane/tables.h"

namespace causeway {

// Lays the way out's layer-2 header, tags and all, before the packet.
//
//   Reads    meta.adjacency
//   Writes   the frame's header, the mbuf's start and length, meta.frame_bytes, burst.ports_out()
//   Exits    none
//   Cost     24 bytes copied; padding behind the packet is cut off, the device pads anew
struct RewriteEthernet {
    static constexpr std::string_view kName = "rewrite_ethernet";

    RewriteEthernet(Burst& burst, const Tables&) noexcept : burst_(burst) {}
    RewriteEthernet(const RewriteEthernet&) = delete;
    RewriteEthernet& operator=(const RewriteEthernet&) = delete;
    // Once a burst: what is noted packet by packet stays in a register meanwhile.
    ~RewriteEthernet() { burst_.note_ports_out(ports_out_); }

    Exit operator()(PacketMeta& meta, rte_mbuf& mbuf) noexcept {
        const Adjacency& way = *meta.adjacency;
        // Read before anything is written: a packet's bytes might be anywhere, to the compiler.
        const auto bytes = static_cast<std::uint16_t>(way.header_bytes + meta.packet_bytes);
        auto* const buffer = static_cast<std::uint8_t*>(mbuf.buf_addr);
        ports_out_ |= 1U << way.port.value();
        std::uint8_t* const frame = way.write_header(meta.frame);
        meta.frame_bytes = bytes;
        mbuf.data_off = static_cast<std::uint16_t>(frame - buffer);
        mbuf.data_len = bytes;
        mbuf.pkt_len = bytes;
        return Exit::kNone;
    }

  private:
    Burst& burst_;
    std::uint32_t ports_out_ = 0;

    static_assert(RTE_PKTMBUF_HEADROOM >= Adjacency::kHeaderRoom,
                  "a header must stay within the buffer even before an untagged frame");
};

}  // namespace causeway
