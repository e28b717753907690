// SPDX-License-Identifier: Apache-2.0
//
// What lies around a BFD control packet: UDP over IPv4 or IPv6 (RFC 5881 4), and the room in which
// such frames travel between workers and the thread that runs the sessions (dataplane/bfd/post.h).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <variant>

#include "base/headers.h"
#include "base/types.h"
#include "dataplane/bfd/control_packet.h"

namespace causeway {

// A frame, or its layer 3, by value: no buffer of the packet pool leaves its worker.
struct BfdFrame {
    // Two tags, IPv6, UDP, and a control packet with the longest authentication section (RFC 5880
    // 4.4: 28 bytes), which must arrive whole to be refused for what it is.
    static constexpr std::size_t kBytesMax = 128;

    AttachmentId attachment;
    PortId port;
    std::uint8_t size = 0;
    std::array<std::uint8_t, kBytesMax> bytes{};

    [[nodiscard]] std::span<const std::uint8_t> view() const noexcept {
        return {bytes.data(), size};
    }
};
static_assert(22 + sizeof(Ipv6Header) + sizeof(UdpHeader) + kBfdPacketBytes + 28 <=
              BfdFrame::kBytesMax);

// The two ends of a packet's way, as its sender sees them. Both addresses are of one family.
struct BfdPath {
    IpAddress source;
    IpAddress destination;
    std::uint16_t source_port = 0;
};

struct BfdDatagram {
    BfdPath path;
    std::uint8_t ttl = 0;  // or the hop limit
    std::span<const std::uint8_t> payload;
};

// `packet` begins with its IP header; padding may follow it.
[[nodiscard]] std::variant<BfdDatagram, BfdDiscard> parse_bfd_datagram(
    std::span<const std::uint8_t> packet) noexcept;

// Lays the IP packet with this payload into the frame, behind the layer-2 header that is there.
// REQUIRES: a layer-2 header of 22 bytes at most.
void append_bfd_datagram(BfdFrame& frame, const BfdPath& path,
                         std::span<const std::uint8_t, kBfdPacketBytes> payload) noexcept;

}  // namespace causeway
