// SPDX-License-Identifier: Apache-2.0
//
// LinkMessage: what ARP and Neighbour Discovery say to a link: a packet already written, and what
// its frame needs.
#pragma once

#include <cstddef>

#include "base/headers.h"
#include "base/types.h"

namespace causeway {

struct LinkMessage {
    MacAddress to;
    EtherType type = EtherType::kArp;
    std::size_t bytes = 0;  // of layer 3
};

// Room that any of them takes: a neighbour advertisement with its option.
inline constexpr std::size_t kLinkMessageBytesMax =
    sizeof(Ipv6Header) + sizeof(NeighbourMessage) + sizeof(LinkLayerOption);
static_assert(sizeof(ArpHeader) <= kLinkMessageBytesMax);

// An address that one station may have: neither a group's nor nobody's.
[[nodiscard]] constexpr bool is_unicast(const MacAddress& mac) noexcept {
    return (mac.bytes[0] & 1U) == 0 && mac != MacAddress{};
}

}  // namespace causeway
