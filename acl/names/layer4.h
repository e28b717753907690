// SPDX-License-Identifier: Apache-2.0
//
// What lies behind the IP header of a packet that read_acl_packet() could read.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

namespace causeway {

// To the end that the header names. Nothing where extension headers stand between.
[[nodiscard]] std::optional<std::span<const std::uint8_t>> layer4_of(
    std::span<const std::uint8_t> packet, std::uint8_t protocol) noexcept;

// RFC 9293 3.1.
struct TcpSegment {
    // A client's first: whatever else there is of the connection comes behind it.
    [[nodiscard]] static constexpr bool begins(std::uint8_t flags) noexcept {
        return (flags & (kSyn | kAck)) == kSyn;
    }

    static constexpr std::uint8_t kFin = 1;
    static constexpr std::uint8_t kSyn = 2;
    static constexpr std::uint8_t kRst = 4;
    static constexpr std::uint8_t kAck = 16;

    std::uint32_t sequence = 0;
    std::uint8_t flags = 0;
    std::span<const std::uint8_t> payload;

    // Where the payload's first byte stands: a SYN takes a number of its own, and may carry data
    // behind it (RFC 7413).
    [[nodiscard]] std::uint32_t payload_sequence() const noexcept {
        return sequence + ((flags & kSyn) != 0 ? 1U : 0U);
    }
};
// Nothing where it is no whole header.
[[nodiscard]] std::optional<TcpSegment> read_tcp_segment(
    std::span<const std::uint8_t> layer4) noexcept;

}  // namespace causeway
