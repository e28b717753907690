// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>
#include <type_traits>

#include "acl/names/dns_answer.h"
#include "base/headers.h"
#include "dataplane/burst.h"
#include "dataplane/family.h"
#include "dataplane/name_policy.h"
#include "dataplane/tables.h"

namespace causeway {

// Lets the control thread hear what resolvers answer to those whose policy asks for names: an
// answer waits for it, so that its addresses are known before its asker can use them. It is ready
// to be sent by then.
//
//   Reads    meta.adjacency, addresses and ports
//   Writes   nothing
//   Exits    kNameAnswer
//   Cost     nothing where nobody in the burst has names; else a look at the ports of a packet
//   Source   RFC 1035 4.2, RFC 7766 (port 53 of UDP and TCP)
template <class Family>
struct HearAnswers {
    static constexpr std::string_view kName = "hear_answers";

    static void run(Burst& burst, const Tables& tables) noexcept {
        if (!burst.policy().has_any(kHearsAnswers) || tables.policies == nullptr) return;
        burst.filter([&tables](PacketMeta& meta, rte_mbuf&) noexcept {
            const NameResolvers* const resolvers =
                tables.policies->of(meta.adjacency->attachment).resolvers;
            const bool is_heard = resolvers != nullptr && is_from_dns(meta) &&
                                  resolvers->contains(Family::source_of(meta));
            return is_heard ? Exit::kNameAnswer : Exit::kNone;
        });
    }

  private:
    // Of a later fragment nobody knows; nor of what lies behind extension headers.
    [[nodiscard]] static bool is_from_dns(const PacketMeta& meta) noexcept {
        std::size_t header_bytes = sizeof(Ipv6Header);
        std::uint8_t protocol = 0;
        if constexpr (std::is_same_v<Family, Ipv4>) {
            const Ipv4Header& header = meta.ipv4();
            if ((header.flags_fragment.host() & Ipv4Header::kOffsetMask) != 0) return false;
            header_bytes = header.header_bytes();
            protocol = header.protocol;
        } else {
            protocol = meta.ipv6().next_header;
        }
        const bool has_ports = protocol == static_cast<std::uint8_t>(IpProtocol::kUdp) ||
                               protocol == static_cast<std::uint8_t>(IpProtocol::kTcp);
        if (!has_ports || meta.packet_bytes < header_bytes + sizeof(UdpHeader)) return false;
        const std::uint8_t* const port = meta.frame + header_bytes;
        return (port[0] << 8 | port[1]) == kDnsPort;
    }
};

}  // namespace causeway
