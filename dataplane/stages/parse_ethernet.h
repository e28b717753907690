// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "dataplane/burst.h"
#include "dataplane/tables.h"
#include "vlan/tag_stack.h"

namespace causeway {

// Reads a frame's MAC address, tags and EtherType.
//
//   Reads    the frame, the port's tag types and MAC address; of a multicast, its IPv6 destination
//   Writes   meta.outer_tag, meta.inner_tag, meta.ether_type, meta.header_bytes
//   Exits    kTruncatedFrame kNotOurMac kUntagged kPriorityTagged kReservedVid kTripleTagged
//            kWrongTpid
//   Source   IEEE 802.1Q 9.6; of broadcasts only ARP is let through (RFC 1812 5.3.4 forbids to
//            forward what came as one), of multicasts what Neighbour Discovery uses (RFC 2464 7)
struct ParseEthernet {
    static constexpr std::string_view kName = "parse_ethernet";

    ParseEthernet(Burst& burst, const Tables& tables) noexcept
        : port_(tables.ports[burst.port().value()]) {}

    Exit operator()(PacketMeta& meta, rte_mbuf&) const noexcept {
        const DoubleTags tags(meta.frame);
        meta.outer_tag = tags.outer();
        meta.inner_tag = tags.inner();
        meta.ether_type = tags.ether_type();
        meta.header_bytes = DoubleTags::kBytes;
        const bool plain =
            tags.are_plain(meta.frame_bytes, port_.tags) & (mac_word(meta.frame) == port_.mac);
        if (plain) [[likely]]
            return Exit::kNone;
        return examine(meta, port_.tags.tpids(), port_.mac);
    }

  private:
    // The whole examination, for whatever is not a plain frame to us.
    [[nodiscard]] static Exit examine(PacketMeta& meta, PortTpids tpids,
                                      std::uint64_t mac) noexcept;
    const PortState port_;
};

}  // namespace causeway
