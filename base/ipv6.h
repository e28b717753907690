// SPDX-License-Identifier: Apache-2.0
//
// What the bits of an IPv6 address say of it (RFC 4291), and the multicast groups of a link.
#pragma once

#include <cstdint>

#include "base/types.h"

namespace causeway {

// ::, who has no address yet (RFC 4291 2.5.2).
[[nodiscard]] constexpr bool is_unspecified(Ipv6Address a) noexcept {
    return a == Ipv6Address();
}
// ::1 (RFC 4291 2.5.3).
[[nodiscard]] constexpr bool is_loopback(Ipv6Address a) noexcept {
    return a == Ipv6Address(0, 1);
}
// ::ffff:0:0/96, an IPv4 address in an API and never on a wire (RFC 6890 table 20).
[[nodiscard]] constexpr bool is_ipv4_mapped(Ipv6Address a) noexcept {
    return a.high() == 0 && a.low() >> 32 == 0xffff;
}
// fe80::/10: of one link, never to be forwarded (RFC 4291 2.5.6).
[[nodiscard]] constexpr bool is_link_local(Ipv6Address a) noexcept {
    return a.high() >> 54 == 0xfe80 >> 6;
}
// ff00::/8 (RFC 4291 2.7).
[[nodiscard]] constexpr bool is_multicast(Ipv6Address a) noexcept {
    return a.high() >> 56 == 0xff;
}

// ff02::1, every node of a link (RFC 4291 2.7.1).
inline constexpr Ipv6Address kAllNodes{0xff02'0000'0000'0000U, 1};

// ff02::1:ff00:0/104, in which each address has a group by its last 24 bits; neighbour solicitation
// is sent to it (RFC 4291 2.7.1).
[[nodiscard]] constexpr bool is_solicited_node_group(Ipv6Address a) noexcept {
    return a.high() == kAllNodes.high() && a.low() >> 24 == 0x1'ff;
}
[[nodiscard]] constexpr Ipv6Address solicited_node_group(Ipv6Address a) noexcept {
    return {kAllNodes.high(), std::uint64_t{0x1'ff} << 24 | (a.low() & 0xff'ffffU)};
}

// The MAC address of a multicast group: 33:33 and the group's last four bytes (RFC 2464 7).
[[nodiscard]] constexpr MacAddress multicast_mac(Ipv6Address group) noexcept {
    const auto byte = [low = group.low()](int shift) {
        return static_cast<std::uint8_t>(low >> shift);
    };
    return {{0x33, 0x33, byte(24), byte(16), byte(8), byte(0)}};
}

// The example of RFC 4291 2.7.1: 4037::1:800:200e:8c6c is of ff02::1:ff0e:8c6c.
static_assert(solicited_node_group({0x4037'0000'0000'0000U, 0x0001'0800'200e'8c6cU}) ==
              Ipv6Address(0xff02'0000'0000'0000U, 0x0000'0001'ff0e'8c6cU));

}  // namespace causeway
