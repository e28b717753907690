// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "dataplane/burst.h"
#include "dataplane/tables.h"
#include "vlan/tag_stack.h"

namespace causeway {

// Reads a frame's MAC address and tags, and whether what follows is a usual IPv4 header.
//
//   Reads    the frame, the port's tag types and MAC address; of a multicast, its IPv6 destination
//   Writes   meta.outer_tag, meta.inner_tag, meta.header_bytes, meta.is_usual
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
                      .header_bytes = DoubleTags::kBytes,
                      .is_usual = true};
        const FramePattern::Difference difference = port_.compare(meta.frame);
        if (!difference.is_usual() || !tags.are_whole(meta.frame_bytes)) [[unlikely]] {
            parsed.is_usual = false;
            if (!difference.has_tags() || !tags.are_all(meta.frame_bytes))
                parsed = read_others(meta, difference);
        }
        meta.outer_tag = parsed.outer_tag;
        meta.inner_tag = parsed.inner_tag;
        meta.header_bytes = parsed.header_bytes;
        meta.is_usual = parsed.is_usual;
        return parsed.exit;
    }

  private:
    struct Parsed {
        std::uint16_t outer_tag;
        std::uint16_t inner_tag;
        std::uint8_t header_bytes;
        bool is_usual = false;
        Exit exit = Exit::kNone;
    };
    // Of what has no two tags: a single one, as a core's frames have it, or else anything.
    [[nodiscard]] Parsed read_others(const PacketMeta& meta,
                                     FramePattern::Difference difference) const noexcept {
        const SingleTag tag(meta.frame);
        if (!difference.has_outer_tag() || !tag.is_all(meta.frame_bytes)) [[unlikely]]
            return examine(meta, port_);
        return {.outer_tag = tag.vid(), .inner_tag = 0, .header_bytes = SingleTag::kBytes};
    }
    // The whole examination, for whatever is not a plain frame to us. It writes nothing, so that
    // the compiler need not read again what it knows of the plain ones.
    [[nodiscard, gnu::pure]] static Parsed examine(const PacketMeta& meta,
                                                   const FramePattern& port) noexcept;
    const FramePattern& port_;
};

}  // namespace causeway
