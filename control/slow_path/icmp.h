// SPDX-License-Identifier: Apache-2.0
//
// The ICMP that a router speaks itself, as functions from bytes to bytes: RFC 792, RFC 1191 (MTU in
// fragmentation needed), RFC 1812 4.3 (when an error may be sent and what it quotes).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/types.h"

namespace causeway {

// What a router complains of, in the words of IPv4; type and code, and what IPv6 calls it.
enum class IcmpError : std::uint8_t {
    kNetworkUnreachable,   // 3, 0; no route, 1, 0
    kHostUnreachable,      // 3, 1; address unreachable, 1, 3
    kPortUnreachable,      // 3, 3; 1, 4
    kProtocolUnreachable,  // 3, 2; unrecognized next header, 4, 1
    kTooBig,               // 3, 4, fragmentation needed; packet too big, 2, 0
    kProhibited,           // 3, 13; 1, 1
    kTimeExceeded,         // 11, 0; 3, 0
};

// Room that the largest error takes: RFC 1812 4.3.2.3 wants as much of the packet as fits in 576.
inline constexpr std::size_t kIcmpErrorBytesMax = 576;

// RFC 1812 4.3.2.7: not in answer to an ICMP error, to a fragment other than the first, or to a
// source that is no single host. `packet` starts with its IPv4 header and has been through
// CheckIpv4.
[[nodiscard]] bool may_be_answered_with_error(std::span<const std::uint8_t> packet) noexcept;

// Writes the IPv4 packet that carries `error` about `packet`, from `source` to the packet's source.
// `mtu` matters to kTooBig only. Returns its length. REQUIRES: room for
// kIcmpErrorBytesMax; may_be_answered_with_error(packet).
[[nodiscard]] std::size_t write_icmp_error(std::span<std::uint8_t> room, IcmpError error,
                                           std::uint16_t mtu, Ipv4Address source,
                                           std::span<const std::uint8_t> packet) noexcept;

// True for an unfragmented echo request with a good checksum.
[[nodiscard]] bool is_echo_request(std::span<const std::uint8_t> packet) noexcept;

// Turns an echo request into its reply, in place. REQUIRES: is_echo_request(packet).
void turn_into_echo_reply(std::span<std::uint8_t> packet) noexcept;

}  // namespace causeway
