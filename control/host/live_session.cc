// SPDX-License-Identifier: Apache-2.0
#include "control/host/live_session.h"

#include <cstring>

#include "base/headers.h"

namespace causeway {
namespace {

// RFC 9293 3.1.
constexpr std::uint8_t kSyn = 0x02;
constexpr std::uint8_t kRst = 0x04;
constexpr std::uint8_t kAck = 0x10;
constexpr std::size_t kFlagsAt = 13;

struct Segment {
    IpAddress to;
    std::span<const std::uint8_t> bytes;
};

std::optional<Segment> segment_of(std::span<const std::uint8_t> packet) noexcept {
    constexpr auto kTcp = static_cast<std::uint8_t>(IpProtocol::kTcp);
    if (packet.size() >= sizeof(Ipv4Header) && packet[0] >> 4 == 4) {
        Ipv4Header header;
        std::memcpy(&header, packet.data(), sizeof header);
        const std::size_t header_bytes = header.header_bytes();
        const bool is_later = (header.flags_fragment.host() & Ipv4Header::kOffsetMask) != 0;
        if (header.protocol != kTcp || is_later || packet.size() < header_bytes) return {};
        return Segment{Ipv4Address(header.destination.host()), packet.subspan(header_bytes)};
    }
    if (packet.size() >= sizeof(Ipv6Header) && packet[0] >> 4 == 6) {
        Ipv6Header header;
        std::memcpy(&header, packet.data(), sizeof header);
        if (header.next_header != kTcp) return {};
        return Segment{header.destination.host(), packet.subspan(sizeof header)};
    }
    return {};
}

}  // namespace

std::optional<BgpSession> live_session(std::span<const std::uint8_t> packet) noexcept {
    const auto segment = segment_of(packet);
    if (!segment || segment->bytes.size() < kTcpHeaderBytes) return {};
    const auto port_at = [&](std::size_t offset) {
        return static_cast<std::uint16_t>(segment->bytes[offset] << 8 | segment->bytes[offset + 1]);
    };
    const BgpSession session{.peer = segment->to, .peer_port = port_at(2), .our_port = port_at(0)};
    if (session.peer_port != PuntPolice::kBgpPort && session.our_port != PuntPolice::kBgpPort) {
        return {};
    }
    const unsigned flags = segment->bytes[kFlagsAt] & (kSyn | kRst | kAck);
    return flags == kAck || flags == kSyn ? std::optional(session) : std::nullopt;
}

}  // namespace causeway
