// SPDX-License-Identifier: Apache-2.0
#include "acl/packet_view.h"

#include <cstring>

#include "base/headers.h"

namespace causeway {
namespace {

using Bytes = std::span<const std::uint8_t>;

std::uint16_t word_at(Bytes bytes, std::size_t offset) {
    return static_cast<std::uint16_t>(bytes[offset] << 8 | bytes[offset + 1]);
}

// What stands behind the network header. A TCP header is seen as a whole or not at all, else a
// packet cut behind its ports would dodge the rules about its flags.
void read_layer4(AclPacket& view, Bytes layer4) {
    if (view.fragment == FragmentKind::kLater) return;
    switch (view.protocol) {
        case static_cast<std::uint8_t>(IpProtocol::kTcp):
            if (layer4.size() < 20) return;
            view.tcp_flags = layer4[13];
            break;
        case static_cast<std::uint8_t>(IpProtocol::kUdp):
        case kProtocolSctp:
            if (layer4.size() < 8) return;
            break;
        case static_cast<std::uint8_t>(IpProtocol::kIcmp):
        case static_cast<std::uint8_t>(IpProtocol::kIcmpv6):
            if (layer4.size() >= 8) view.icmp = AclPacket::Icmp{layer4[0], layer4[1]};
            return;
        default:
            return;
    }
    view.ports = AclPacket::Ports{word_at(layer4, 0), word_at(layer4, 2)};
}

AclPacket read_ipv4(const Ipv4Header& header, Bytes packet) {
    const std::uint16_t part = header.flags_fragment.host();
    AclPacket view{.source = Ipv4Address(header.source.host()),
                   .destination = Ipv4Address(header.destination.host()),
                   .protocol = header.protocol,
                   .dscp = static_cast<std::uint8_t>(header.dscp_ecn >> 2)};
    if ((part & Ipv4Header::kOffsetMask) != 0) {
        view.fragment = FragmentKind::kLater;
    } else if ((part & Ipv4Header::kMoreFragments) != 0) {
        view.fragment = FragmentKind::kFirst;
    }
    read_layer4(view, packet.subspan(header.header_bytes()));
    return view;
}

// Passes one extension header of the packet. False where it is none or does not end within it.
bool pass_extension(AclPacket& view, Bytes packet, std::size_t& offset) {
    if (packet.size() < offset + 8) return false;
    std::size_t bytes = 0;
    switch (static_cast<IpProtocol>(view.protocol)) {
        case IpProtocol::kHopByHopOptions:
        case IpProtocol::kRouting:
        case IpProtocol::kDestinationOptions:
            bytes = (packet[offset + 1] + std::size_t{1}) * 8;
            break;
        case IpProtocol::kAuthentication:
            bytes = (packet[offset + 1] + std::size_t{2}) * 4;
            break;
        case IpProtocol::kFragment: {
            bytes = sizeof(Ipv6FragmentHeader);
            const std::uint16_t part = word_at(packet, offset + 2);
            if (part >> 3 != 0) {
                view.fragment = FragmentKind::kLater;
            } else if ((part & Ipv6FragmentHeader::kMoreFragments) != 0) {
                view.fragment = FragmentKind::kFirst;
            }
            break;
        }
        default:
            return false;
    }
    if (packet.size() < offset + bytes) return false;
    view.protocol = packet[offset];
    offset += bytes;
    // What a later fragment begins with is no header, whatever its number says.
    return view.fragment != FragmentKind::kLater;
}

AclPacket read_ipv6(const Ipv6Header& header, Bytes packet) {
    AclPacket view{
        .source = header.source.host(),
        .destination = header.destination.host(),
        .protocol = header.next_header,
        .dscp = static_cast<std::uint8_t>(header.version_class_label.host() >> 22 & 0x3fU)};
    std::size_t offset = sizeof header;
    for (int passed = 0; passed < kAclExtensionHeadersMax; ++passed) {
        if (!pass_extension(view, packet, offset)) break;
    }
    read_layer4(view, packet.subspan(offset));
    return view;
}

}  // namespace

std::optional<AclPacket> read_acl_packet(Bytes packet) {
    if (packet.size() < sizeof(Ipv4Header)) return std::nullopt;
    if (packet[0] >> 4 == 4) {
        Ipv4Header header;
        std::memcpy(&header, packet.data(), sizeof header);
        const std::size_t total = header.total_length.host();
        if (header.header_bytes() < sizeof header || total < header.header_bytes() ||
            total > packet.size()) {
            return std::nullopt;
        }
        return read_ipv4(header, packet.first(total));
    }
    if (packet[0] >> 4 != 6 || packet.size() < sizeof(Ipv6Header)) return std::nullopt;
    Ipv6Header header;
    std::memcpy(&header, packet.data(), sizeof header);
    const std::size_t total = sizeof header + header.payload_length.host();
    if (total > packet.size()) return std::nullopt;
    return read_ipv6(header, packet.first(total));
}

}  // namespace causeway
