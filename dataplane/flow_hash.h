// SPDX-License-Identifier: Apache-2.0
//
// The hash that keeps a flow on its path. Symmetric: both directions of a flow have the same hash,
// so they can share a worker and a link.
#pragma once

#include <nmmintrin.h>

#include <algorithm>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>

#include "base/headers.h"

namespace causeway {

namespace detail {

// Two addresses or ports as they lie in a packet, or the other way around, whichever is the smaller
// number: so both directions read alike and no two pairs do. A minimum is no branch, which in the
// face of ever new flows would be foretold wrongly every other time.
template <std::unsigned_integral Pair>
[[nodiscard]] inline Pair in_order(Pair pair) noexcept {
    return std::min(pair, std::rotl(pair, std::numeric_limits<Pair>::digits / 2));
}

// CRC is linear: similar flows differ in few bits, and a bucket is chosen by the low ones.
[[nodiscard]] inline std::uint32_t mix(std::uint64_t crc) noexcept {
    return static_cast<std::uint32_t>((crc * 0x9e3779b97f4a7c15U) >> 32);
}

// Both halves of a product: each of its bits depends on all bits of both factors.
[[nodiscard]] inline std::uint64_t folded(std::uint64_t a, std::uint64_t b) noexcept {
    const Uint128 product = Uint128{a} * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

}  // namespace detail

// Over addresses, protocol and, for unfragmented TCP and UDP, ports. Every fragment of a packet
// hashes alike, the first one too, because none is hashed by its ports. REQUIRES: four readable
// bytes behind the header; a device's buffer has them.
[[nodiscard]] inline std::uint32_t flow_hash(const Ipv4Header& header) noexcept {
    const auto* const first = reinterpret_cast<const std::uint8_t*>(&header);
    std::uint64_t addresses;
    std::memcpy(&addresses, first + offsetof(Ipv4Header, source), sizeof addresses);
    const auto protocol = static_cast<IpProtocol>(header.protocol);
    const bool has_ports = (protocol == IpProtocol::kTcp) | (protocol == IpProtocol::kUdp);
    const bool is_fragment = (header.flags_fragment.wire() & Be16(0x3fff).wire()) != 0;
    std::uint32_t ports;
    std::memcpy(&ports, first + header.header_bytes(), sizeof ports);
    const std::uint64_t rest = std::uint64_t{header.protocol} << 32 |
                               ((has_ports & !is_fragment) ? detail::in_order(ports) : 0U);

    return detail::mix(
        _mm_crc32_u64(_mm_crc32_u64(0x5bd1e995U, detail::in_order(addresses)), rest));
}

namespace detail {

// Protocol and ports, as flow_hash() takes them, of an IPv6 packet whose ports do not directly
// follow the header. They count where they lie behind at most this many extension headers: RFC 8200
// 4.1 has a place for five before a TCP or UDP header that can be read.
inline constexpr int kExtensionHeadersMax = 5;
[[nodiscard]] std::uint64_t protocol_and_ports(const Ipv6Header& header,
                                               std::size_t packet_bytes) noexcept;

}  // namespace detail

// Likewise of a whole packet of IPv6. A fragment is hashed by its addresses alone, because only the
// first one must name the protocol truly (RFC 8200 4.5). The flow label has no part in it: each
// direction chooses its own (RFC 6437 3). Reads nothing behind the packet.
[[nodiscard]] inline std::uint32_t flow_hash(const Ipv6Header& header,
                                             std::size_t packet_bytes) noexcept {
    const auto protocol = static_cast<IpProtocol>(header.next_header);
    const bool has_ports = ((protocol == IpProtocol::kTcp) | (protocol == IpProtocol::kUdp)) &
                           (packet_bytes >= sizeof header + 4);
    std::uint64_t rest;
    if (has_ports) [[likely]] {
        std::uint32_t ports;
        std::memcpy(&ports, reinterpret_cast<const std::uint8_t*>(&header) + sizeof header, 4);
        rest = std::uint64_t{header.next_header} << 32 | detail::in_order(ports);
    } else {
        rest = detail::protocol_and_ports(header, packet_bytes);
    }
    // Products and not CRCs: over hosts that are numbered through, as they are here, a CRC and one
    // product leave some buckets empty. A sum knows no order. The constants are of pi's digits.
    const auto of_address = [](const WireIpv6Address& address) noexcept {
        return detail::folded(address.wire_high() ^ 0x243f'6a88'85a3'08d3U,
                              address.wire_low() ^ 0x1319'8a2e'0370'7344U);
    };
    const std::uint64_t addresses = of_address(header.source) + of_address(header.destination);
    return static_cast<std::uint32_t>(
        detail::folded(addresses ^ 0xa409'3822'299f'31d0U, rest ^ 0x082e'fa98'ec4e'6c89U));
}

}  // namespace causeway
