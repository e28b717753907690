// SPDX-License-Identifier: Apache-2.0
#include "dataplane/flow_hash.h"

#include <span>

namespace causeway::detail {
namespace {

// Where one stands in a packet: before a header of this protocol.
struct Place {
    IpProtocol protocol;
    std::size_t offset;
};

// Passes one extension header. False, and still before it, where it is none, or that of a fragment,
// or does not end within the packet.
bool pass_extension(std::span<const std::uint8_t> packet, Place& place) noexcept {
    if (packet.size() < place.offset + 8) return false;  // the shortest
    const std::uint8_t* const at = packet.data() + place.offset;
    std::size_t bytes = 0;
    switch (place.protocol) {
        case IpProtocol::kHopByHopOptions:
        case IpProtocol::kRouting:
        case IpProtocol::kDestinationOptions:
            bytes = (at[1] + std::size_t{1}) * 8;  // RFC 8200 4.3, 4.4, 4.6
            break;
        case IpProtocol::kAuthentication:
            bytes = (at[1] + std::size_t{2}) * 4;  // RFC 4302 2.2
            break;
        case IpProtocol::kFragment: {
            Ipv6FragmentHeader fragment;
            std::memcpy(&fragment, at, sizeof fragment);
            if (fragment.is_fragment()) return false;
            bytes = sizeof fragment;
            break;
        }
        default:
            return false;
    }
    if (packet.size() < place.offset + bytes) return false;
    place = {static_cast<IpProtocol>(at[0]), place.offset + bytes};
    return true;
}

}  // namespace

std::uint64_t protocol_and_ports(const Ipv6Header& header, std::size_t packet_bytes) noexcept {
    const std::span packet(reinterpret_cast<const std::uint8_t*>(&header), packet_bytes);
    Place place{static_cast<IpProtocol>(header.next_header), sizeof header};
    for (int passed = 0; passed < kExtensionHeadersMax; ++passed) {
        if (!pass_extension(packet, place)) break;
    }
    const bool has_ports = place.protocol == IpProtocol::kTcp || place.protocol == IpProtocol::kUdp;
    std::uint32_t ports = 0;
    if (has_ports && packet.size() >= place.offset + sizeof ports) {
        std::memcpy(&ports, packet.data() + place.offset, sizeof ports);
    }
    return std::uint64_t{static_cast<std::uint8_t>(place.protocol)} << 32 | in_order(ports);
}

}  // namespace causeway::detail
