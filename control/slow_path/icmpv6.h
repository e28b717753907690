// SPDX-License-Identifier: Apache-2.0
//
// The ICMPv6 that a router speaks itself, as functions from bytes to bytes: RFC 4443. A packet
// begins with its IPv6 header.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/types.h"
#include "control/slow_path/icmp.h"

namespace causeway {

// Room that the largest error takes: RFC 4443 3.1 wants as much of the packet as fits in the
// minimum MTU of IPv6.
inline constexpr std::size_t kIcmpv6ErrorBytesMax = 1'280;

// What stands behind the extension headers (RFC 8200 4).
struct UpperLayer {
    std::uint8_t protocol;
    std::size_t next_header_at;           // where the packet says so
    std::span<const std::uint8_t> bytes;  // none of a fragment other than the first
};
// Nothing where the chain of headers is cut short, or goes on in another fragment.
[[nodiscard]] std::optional<UpperLayer> upper_layer(std::span<const std::uint8_t> packet) noexcept;

// RFC 4443 2.4 (e): not in answer to an ICMPv6 error or a redirect, to a packet for a group (but
// for packet too big), to a source that is no single node, or to a fragment of which it is not
// known whether it belongs to one of these.
[[nodiscard]] bool may_be_answered_with_icmpv6_error(std::span<const std::uint8_t> packet,
                                                     IcmpError error) noexcept;

// Writes the packet that carries `error` about `packet`, from `source` to the packet's source.
// `mtu` matters to kTooBig only. Returns its length. REQUIRES: room for
// kIcmpv6ErrorBytesMax; may_be_answered_with_icmpv6_error(packet, error).
[[nodiscard]] std::size_t write_icmpv6_error(std::span<std::uint8_t> room, IcmpError error,
                                             std::uint32_t mtu, Ipv6Address source,
                                             std::span<const std::uint8_t> packet) noexcept;

// True for an echo request without extension headers and with a good checksum.
[[nodiscard]] bool is_icmpv6_echo_request(std::span<const std::uint8_t> packet) noexcept;

// Turns an echo request into its reply, in place. REQUIRES: is_icmpv6_echo_request(packet).
void turn_into_icmpv6_echo_reply(std::span<std::uint8_t> packet) noexcept;

// RFC 4443 2.3, over the pseudo-header of RFC 8200 8.1. REQUIRES: an IPv6 header. True only where
// ICMPv6 follows it directly.
[[nodiscard]] bool has_good_icmpv6_checksum(std::span<const std::uint8_t> packet) noexcept;

struct Icmpv6Envelope {
    Ipv6Address source;
    Ipv6Address destination;
    std::uint8_t hop_limit = 64;
};
// Lays the IPv6 header before an ICMPv6 message that fills the rest of the packet, and sets the
// message's checksum.
void finish_icmpv6(std::span<std::uint8_t> packet, const Icmpv6Envelope& envelope) noexcept;

}  // namespace causeway
