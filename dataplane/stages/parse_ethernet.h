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
        Parsed parsed{.outer_tag = tags.outer(),
                      .inner_tag = tags.inner(),
                      .ether_type = tags.ether_type(),
                      .header_bytes = DoubleTags::kBytes};
        const bool plain =
            tags.are_plain(meta.frame_bytes, port_.tags) & (mac_word(meta.frame) == port_.mac);
        if (!plain) [[unlikely]]
            parsed = examine(meta, port_.tags.tpids(), port_.mac);
        meta.outer_tag = parsed.outer_tag;
        meta.inner_tag = parsed.inner_tag;
        meta.ether_type = parsed.ether_type;
        meta.header_bytes = parsed.header_bytes;
        return parsed.exit;
    }

  private:
    struct Parsed {
        std::uint16_t outer_tag;
        std::uint16_t inner_tag;
        Be16 ether_type;
        std::uint8_t header_bytes;
        Exit exit = Exit::kNone;
    };
    // The whole examination, for whatever is not a plain frame to us. It writes nothing, so that
    // the compiler need not read again what it knows of the plain ones.
    [[nodiscard, gnu::pure]] static Parsed examine(const PacketMeta& meta, PortTpids tpids,
                                                   std::uint64_t mac) noexcept;
    const PortState port_;
};

}  // namespace causeway
