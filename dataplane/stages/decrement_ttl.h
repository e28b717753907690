// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstring>
#include <string_view>

#include "base/checksum.h"
#include "base/headers.h"
#include "dataplane/burst.h"
#include "dataplane/tables.h"

namespace causeway {

// Takes one from the TTL and keeps the checksum right. What leaves here is unchanged, because an
// ICMP error quotes the packet as it came.
//
//   Reads    meta.adjacency, meta.packet_bytes
//   Writes   TTL and checksum of the IPv4 header
//   Exits    kTtlExpired kTooBig
//   Source   RFC 1812 5.3.1 (TTL), 5.2.6 (MTU), RFC 1624 (checksum)
struct DecrementTtl {
    static constexpr std::string_view kName = "decrement_ttl";

    DecrementTtl(Burst&, const Tables&) noexcept {}

    Exit operator()(PacketMeta& meta, rte_mbuf&) const noexcept {
        // TTL, protocol and checksum lie in one aligned word: one load, one store.
        std::uint8_t* const at = meta.frame + offsetof(Ipv4Header, ttl);
        std::uint32_t word;
        std::memcpy(&word, at, sizeof word);
        if ((word & 0xffU) <= 1) [[unlikely]]
            return Exit::kTtlExpired;
        if (meta.packet_bytes > meta.adjacency->mtu) [[unlikely]]
            return Exit::kTooBig;

        const auto before = static_cast<std::uint16_t>(word);
        const auto after = static_cast<std::uint16_t>(before - 1);  // the TTL is the low byte
        const std::uint16_t checksum =
            checksum_replace(static_cast<std::uint16_t>(word >> 16), before, after);
        word = std::uint32_t{checksum} << 16 | after;
        std::memcpy(at, &word, sizeof word);
        return Exit::kNone;
    }
};

}  // namespace causeway
