// SPDX-License-Identifier: Apache-2.0
//
// AclPacket: what a rule can see of a packet.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "acl/names/name_set.h"
#include "base/types.h"

namespace causeway {

// SCTP (RFC 9260) has its ports where TCP and UDP have theirs.
inline constexpr std::uint8_t kProtocolSctp = 132;

// Extension headers behind which layer 4 is still looked for: as many as RFC 8200 4.1 has in its
// order, without ESP, behind which nothing can be read. Beyond them a packet shows no layer 4, so
// the walk lets none with more of them pass (dataplane/stages/check_ipv6.cc).
inline constexpr int kAclExtensionHeadersMax = 6;

// Which part of a packet this is.
enum class FragmentKind : std::uint8_t { kWhole, kFirst, kLater };

struct AclPacket {
    IpAddress source;
    IpAddress destination;      // of the same family
    std::uint8_t protocol = 0;  // of layer 4, or the last header that could be read
    std::uint8_t dscp = 0;
    FragmentKind fragment = FragmentKind::kWhole;
    // Layer 4, where the packet shows it: a later fragment does not, nor does one that ends before.
    struct Ports {
        std::uint16_t source = 0;
        std::uint16_t destination = 0;
    };
    struct Icmp {
        std::uint8_t type = 0;
        std::uint8_t code = 0;
    };
    std::optional<Ports> ports;  // TCP, UDP, SCTP
    std::optional<Icmp> icmp;
    std::optional<std::uint8_t> tcp_flags;
    // What the packet does not show, and others have learned: the name sets of its addresses.
    NameSetBits source_names = 0;
    NameSetBits destination_names = 0;
};

// Reads a packet of either family, from its first byte to the end that its header names. Nothing
// where that is no whole IPv4 or IPv6 header.
[[nodiscard]] std::optional<AclPacket> read_acl_packet(std::span<const std::uint8_t> packet);

}  // namespace causeway
