// SPDX-License-Identifier: Apache-2.0
#include "nat/packet_view.h"

#include <algorithm>

#include "nat/tcp_state.h"

namespace causeway {
namespace {

constexpr std::size_t kTcpHeaderBytes = 20;  // RFC 9293 3.1, without options
constexpr std::size_t kQuotedBytes = 8;      // RFC 792: that much of layer 4 at least
constexpr std::size_t kIcmpChecksumAt = offsetof(IcmpHeader, checksum);
constexpr std::size_t kIcmpIdentifierAt = offsetof(IcmpHeader, rest_high);
constexpr std::uint8_t kTcpAck = 0x10;

std::uint16_t load16(const std::uint8_t* at) noexcept {
    std::uint16_t word;
    std::memcpy(&word, at, sizeof word);
    return word;
}
void store16(std::uint8_t* at, std::uint16_t word) noexcept {
    std::memcpy(at, &word, sizeof word);
}
std::uint16_t host16(const std::uint8_t* at) noexcept {
    return Be16::from_wire(load16(at)).host();
}

PacketShape icmp_shape(std::uint8_t type) noexcept {
    switch (type) {
        case static_cast<std::uint8_t>(IcmpType::kEchoReply):
        case static_cast<std::uint8_t>(IcmpType::kEchoRequest):
        case kIcmpTimestamp:
        case kIcmpTimestampReply:
            return PacketShape::kFlow;
        case static_cast<std::uint8_t>(IcmpType::kUnreachable):
        case static_cast<std::uint8_t>(IcmpType::kTimeExceeded):
        case kIcmpParameterProblem:
            return PacketShape::kIcmpError;
        default:
            return PacketShape::kForeign;
    }
}

PacketShape read_icmp(PacketView& view, std::size_t least) noexcept {
    if (view.layer4_bytes < least) return PacketShape::kMalformed;
    view.protocol = NatProtocol::kIcmp;
    const PacketShape shape = icmp_shape(view.layer4[0]);
    // The identifier stands for the port of whoever is on our side of the query.
    view.source.port = view.destination.port = host16(view.layer4 + kIcmpIdentifierAt);
    if (shape == PacketShape::kIcmpError && view.is_fragment) return PacketShape::kMalformed;
    return shape;
}

PacketShape read_layer4(PacketView& view, std::uint8_t protocol, Extent extent) noexcept {
    const bool is_quoted = extent == Extent::kQuoted;
    switch (static_cast<IpProtocol>(protocol)) {
        case IpProtocol::kTcp:
            // A first fragment that hides TCP's flags is an attack (RFC 1858 3.1).
            if (view.layer4_bytes < (is_quoted ? kQuotedBytes : kTcpHeaderBytes)) {
                return PacketShape::kMalformed;
            }
            view.protocol = NatProtocol::kTcp;
            if (!is_quoted) view.tcp_flags = view.layer4[kTcpFlagsAt];
            break;
        case IpProtocol::kUdp:
            if (view.layer4_bytes < kQuotedBytes) return PacketShape::kMalformed;
            view.protocol = NatProtocol::kUdp;
            break;
        case IpProtocol::kIcmp:
            return read_icmp(view, kQuotedBytes);
        default:
            return PacketShape::kForeign;
    }
    view.source.port = host16(view.layer4);
    view.destination.port = host16(view.layer4 + 2);
    return PacketShape::kFlow;
}

// Replaces a word, and notes the difference.
void replace(std::uint8_t* at, std::uint16_t after, ChecksumDelta& delta) noexcept {
    delta.replace(load16(at), after);
    store16(at, after);
}

ChecksumDelta replace_address(PacketView& packet, End end, Ipv4Address address) noexcept {
    Ipv4Header& header = packet.header();
    Be32& field = end == End::kSource ? header.source : header.destination;
    ChecksumDelta delta;
    delta.replace32(field.wire(), Be32(address.value()).wire());
    field = Be32(address.value());
    (end == End::kSource ? packet.source : packet.destination).address = address;
    return delta;
}

// Where an endpoint's port lies in layer 4.
std::size_t port_at(const PacketView& packet, End end) noexcept {
    if (packet.protocol == NatProtocol::kIcmp) return kIcmpIdentifierAt;
    return end == End::kSource ? 0 : 2;
}

std::size_t checksum_at(NatProtocol protocol) noexcept {
    switch (protocol) {
        case NatProtocol::kTcp:
            return kTcpChecksumAt;
        case NatProtocol::kUdp:
            return kUdpChecksumAt;
        default:
            return kIcmpChecksumAt;
    }
}

// What the checksum of layer 4 becomes.
std::uint16_t new_checksum(NatProtocol protocol, std::uint16_t checksum,
                           const ChecksumDelta& delta) noexcept {
    if (protocol != NatProtocol::kUdp) return delta.applied(checksum);
    if (checksum == 0) return 0;
    const std::uint16_t after = delta.applied(checksum);
    return after == 0 ? std::uint16_t{0xffff} : after;
}

}  // namespace

PacketView view_of(std::uint8_t* layer3, std::size_t bytes, Extent extent) noexcept {
    PacketView view;
    view.layer3 = layer3;
    if (bytes < sizeof(Ipv4Header)) return view;
    const Ipv4Header& header = view.header();
    const std::size_t header_bytes = header.header_bytes();
    const std::size_t total = header.total_length.host();
    if (header.version_ihl >> 4 != 4 || header_bytes < sizeof header || total < header_bytes) {
        return view;
    }
    if (extent == Extent::kWhole && total > bytes) return view;
    const std::size_t end = std::min(total, bytes);
    if (end < header_bytes) return view;
    view.layer4 = layer3 + header_bytes;
    view.layer4_bytes = static_cast<std::uint16_t>(end - header_bytes);
    view.source.address = Ipv4Address(header.source.host());
    view.destination.address = Ipv4Address(header.destination.host());
    const std::uint16_t fragment = header.flags_fragment.host();
    view.is_fragment = (fragment & (Ipv4Header::kMoreFragments | Ipv4Header::kOffsetMask)) != 0;
    if ((fragment & Ipv4Header::kOffsetMask) != 0) {
        view.shape = PacketShape::kLaterFragment;
        return view;
    }
    view.shape = read_layer4(view, header.protocol, extent);
    return view;
}

bool is_first_segment(std::uint8_t tcp_flags) noexcept {
    constexpr std::uint8_t kDeciding = kTcpFin | kTcpSyn | kTcpRst | kTcpAck;
    return (tcp_flags & kDeciding) == kTcpSyn;
}

bool may_begin(const PacketView& packet) noexcept {
    switch (packet.protocol) {
        case NatProtocol::kTcp:
            return is_first_segment(packet.tcp_flags);
        case NatProtocol::kIcmp:
            return packet.layer4[0] == static_cast<std::uint8_t>(IcmpType::kEchoRequest) ||
                   packet.layer4[0] == kIcmpTimestamp;
        default:
            return true;
    }
}

void rewrite_address(PacketView& packet, End end, Ipv4Address address) noexcept {
    const ChecksumDelta delta = replace_address(packet, end, address);
    Ipv4Header& header = packet.header();
    header.checksum = Be16::from_wire(delta.applied(header.checksum.wire()));
}

void rewrite_endpoint(PacketView& packet, End end, Endpoint endpoint) noexcept {
    ChecksumDelta delta = replace_address(packet, end, endpoint.address);
    Ipv4Header& header = packet.header();
    header.checksum = Be16::from_wire(delta.applied(header.checksum.wire()));
    if (packet.protocol == NatProtocol::kIcmp) delta = {};  // no pseudo-header
    replace(packet.layer4 + port_at(packet, end), Be16(endpoint.port).wire(), delta);
    std::uint8_t* const checksum = packet.layer4 + checksum_at(packet.protocol);
    store16(checksum, new_checksum(packet.protocol, load16(checksum), delta));
    (end == End::kSource ? packet.source : packet.destination).port = endpoint.port;
}

void rewrite_quoted(PacketView& quoted, End end, Endpoint endpoint, ChecksumDelta& delta) noexcept {
    Ipv4Header& header = quoted.header();
    const ChecksumDelta address = replace_address(quoted, end, endpoint.address);
    delta.add(address);
    const std::uint16_t header_before = header.checksum.wire();
    header.checksum = Be16::from_wire(address.applied(header_before));
    delta.replace(header_before, header.checksum.wire());

    ChecksumDelta port;
    replace(quoted.layer4 + port_at(quoted, end), Be16(endpoint.port).wire(), port);
    delta.add(port);
    const std::size_t at = checksum_at(quoted.protocol);
    if (at + 2 > quoted.layer4_bytes) return;  // not quoted: TCP's, where there are eight bytes
    ChecksumDelta covered = port;
    if (quoted.protocol != NatProtocol::kIcmp) covered.add(address);
    const std::uint16_t checksum = load16(quoted.layer4 + at);
    replace(quoted.layer4 + at, new_checksum(quoted.protocol, checksum, covered), delta);
}

}  // namespace causeway
