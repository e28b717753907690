// SPDX-License-Identifier: Apache-2.0
#include "acl/names/layer4.h"

#include <algorithm>
#include <cstddef>

#include "base/headers.h"

namespace causeway {

using Bytes = std::span<const std::uint8_t>;

std::optional<Bytes> layer4_of(Bytes packet, std::uint8_t protocol) noexcept {
    if (packet[0] >> 4 == 4) {
        const auto& header = *reinterpret_cast<const Ipv4Header*>(packet.data());
        const std::size_t end = std::min<std::size_t>(header.total_length.host(), packet.size());
        if (end < header.header_bytes()) return std::nullopt;
        return packet.first(end).subspan(header.header_bytes());
    }
    const auto& header = *reinterpret_cast<const Ipv6Header*>(packet.data());
    if (header.next_header != protocol) return std::nullopt;
    const Bytes rest = packet.subspan(sizeof(Ipv6Header));
    return rest.first(std::min<std::size_t>(header.payload_length.host(), rest.size()));
}

std::optional<TcpSegment> read_tcp_segment(Bytes layer4) noexcept {
    if (layer4.size() < kTcpHeaderBytes) return std::nullopt;
    const std::size_t header_bytes = (layer4[12] >> 4) * std::size_t{4};
    if (header_bytes < kTcpHeaderBytes || header_bytes > layer4.size()) return std::nullopt;
    return TcpSegment{.sequence = std::uint32_t{layer4[4]} << 24 | std::uint32_t{layer4[5]} << 16 |
                                  std::uint32_t{layer4[6]} << 8 | layer4[7],
                      .flags = layer4[13],
                      .payload = layer4.subspan(header_bytes)};
}

}  // namespace causeway
