// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "dataplane/burst.h"
#include "dataplane/family.h"
#include "dataplane/tables.h"

namespace causeway {

// Takes one from the TTL, or from the hop limit of IPv6. What leaves here is unchanged, because an
// ICMP error quotes the packet as it came.
//
//   Reads    meta.adjacency, meta.packet_bytes
//   Writes   TTL and checksum of the IPv4 header, or the hop limit
//   Exits    kTtlExpired kTooBig
//   Source   RFC 1812 5.3.1 (TTL), 5.2.6 (MTU), RFC 8200 3 (hop limit), 5 (no router fragments)
template <class Family>
struct DecrementTtl {
    static constexpr std::string_view kName = "decrement_ttl";

    DecrementTtl(Burst&, const Tables&) noexcept {}

    Exit operator()(PacketMeta& meta, rte_mbuf&) const noexcept {
        typename Family::Ttl ttl(meta);
        if (ttl.value() <= 1) [[unlikely]]
            return Exit::kTtlExpired;
        if (meta.packet_bytes > meta.adjacency->mtu) [[unlikely]]
            return Exit::kTooBig;
        ttl.decrement();
        return Exit::kNone;
    }
};

}  // namespace causeway
