// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <string_view>

#include "base/headers.h"
#include "dataplane/bfd/control_packet.h"
#include "dataplane/burst.h"
#include "dataplane/tables.h"

namespace causeway {

// Lets pass what a router may forward, and what may be for ourselves; sends Neighbour Discovery to
// the control thread.
//
//   Reads    the IPv6 header; of ICMPv6 to a group or a link-local address, the type
//   Writes   meta.packet_bytes
//   Exits    kNoIpv6 kTruncatedFrame kBadIpv6Header kBadIpv6Length kMartianSource
//            kMartianDestination kNeighbourDiscovery kLocal kSourceRoute kIpOptions
//            kBadFragment kBadHeaderChain kBfd
//   Source   RFC 8200 3 (header), RFC 4291 2.5 to 2.7 and RFC 6890 table 20 (addresses),
//            RFC 4861 (Neighbour Discovery), RFC 5095 (routing header of type 0), RFC 8200 4.3
//            (hop-by-hop options), RFC 7112 and RFC 3128 (fragments)
struct CheckIpv6 {
    static constexpr std::string_view kName = "check_ipv6";

    // Headers behind which others stand, those of source routes and fragments among them.
    static constexpr auto kIsExtension = [] {
        std::array<bool, 256> is_extension{};
        for (const IpProtocol header :
             {IpProtocol::kHopByHopOptions, IpProtocol::kRouting, IpProtocol::kFragment,
              IpProtocol::kAuthentication, IpProtocol::kDestinationOptions}) {
            is_extension[static_cast<std::size_t>(header)] = true;
        }
        return is_extension;
    }();

    CheckIpv6(const Burst& burst, const Tables& tables) noexcept
        : without_ipv6_(burst.policy().has_any(kLacksIpv6) ? tables.attachments.data() : nullptr),
          tables_(tables) {}

    Exit operator()(PacketMeta& meta, rte_mbuf&) const noexcept {
        if (without_ipv6_ != nullptr &&
            without_ipv6_[meta.attachment.value()].policy.has_any(kLacksIpv6)) [[unlikely]] {
            return Exit::kNoIpv6;
        }
        const Ipv6Header& header = meta.ipv6();
        const int total = static_cast<int>(sizeof header) + header.payload_length.host();
        meta.packet_bytes = static_cast<std::uint16_t>(total);  // beyond 16 bits is bad anyhow
        // As in CheckIpv4: one branch, and it is never taken.
        const bool plain = (*meta.frame >> 4 == 6) &
                           (total <= meta.frame_bytes - meta.header_bytes) &
                           !is_suspect(header.source) & !is_suspect(header.destination) &
                           !kIsExtension[header.next_header] &
                           (header.source != header.destination) & !may_be_bfd(header);
        if (plain) [[likely]]
            return Exit::kNone;
        return examine(meta, tables_);
    }

  private:
    const AttachmentState* without_ipv6_;  // or null: all of the burst have it
    const Tables& tables_;

    // Whether the first octet is 0, 0xfe or 0xff. All addresses of which anything must be said
    // begin so: the unspecified, loopback and mapped ones, the link-local ones and the groups.
    [[nodiscard]] static bool is_suspect(const WireIpv6Address& address) noexcept {
        const auto octet = static_cast<std::uint8_t>(address.wire_high());
        return static_cast<std::uint8_t>(octet + 2) <= 2;
    }

    // UDP, and from no farther than the other end of the link.
    [[nodiscard]] static bool may_be_bfd(const Ipv6Header& header) noexcept {
        return (header.next_header == static_cast<std::uint8_t>(IpProtocol::kUdp)) &
               (header.hop_limit == kBfdTtl);
    }

    // The whole examination, for whatever is not a plain good packet.
    [[nodiscard]] static Exit examine(const PacketMeta& meta, const Tables& tables) noexcept;
};

}  // namespace causeway
