// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
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
        const TagStack stack = parse_tags(meta.frame, meta.frame_bytes, port_.tags);
        meta.outer_tag = stack.outer;
        meta.inner_tag = stack.inner;
        meta.ether_type = stack.ether_type;
        meta.header_bytes = stack.header_bytes;
        if (stack.fault != TagFault::kNone) [[unlikely]]
            return exit_of(stack.fault);
        const std::uint64_t mac = mac_word(meta.frame);
        if (mac == port_.mac) [[likely]]
            return Exit::kNone;
        return is_for_everyone(meta) ? Exit::kNone : Exit::kNotOurMac;
    }

  private:
    [[nodiscard]] static Exit exit_of(TagFault fault) noexcept {
        static constexpr std::array kExitOfFault{
            Exit::kNone,         Exit::kUntagged,  Exit::kPriorityTagged, Exit::kReservedVid,
            Exit::kTripleTagged, Exit::kWrongTpid, Exit::kTruncatedFrame,
        };
        static_assert(kExitOfFault.size() == static_cast<std::size_t>(TagFault::kTruncated) + 1);
        return kExitOfFault[static_cast<std::size_t>(fault)];
    }

    // Whether a frame that is not sent to us alone is nonetheless for us.
    [[nodiscard]] static bool is_for_everyone(const PacketMeta& meta) noexcept;

    const PortState port_;
};

}  // namespace causeway
