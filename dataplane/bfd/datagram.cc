// SPDX-License-Identifier: Apache-2.0
#include "dataplane/bfd/datagram.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "base/checksum.h"

namespace causeway {
namespace {

using Bytes = std::span<const std::uint8_t>;

constexpr auto kUdp = static_cast<std::uint8_t>(IpProtocol::kUdp);
constexpr std::uint8_t kInternetControl = 0xc0;  // DSCP CS6 (RFC 4594 3.1)

template <class Header>
Header read_header(Bytes bytes) noexcept {
    Header header;
    std::memcpy(&header, bytes.data(), sizeof header);
    return header;
}

// RFC 768, RFC 8200 8.1: addresses, protocol and length, summed in wire order.
std::uint64_t pseudo_header_sum(Bytes addresses, std::size_t length) noexcept {
    const Be16 words[]{Be16(static_cast<std::uint16_t>(length)), Be16(kUdp)};
    return checksum_sum(addresses) + words[0].wire() + words[1].wire();
}

std::variant<BfdDatagram, BfdDiscard> parse_udp(Bytes udp, Bytes addresses,
                                                BfdDatagram datagram) noexcept {
    if (udp.size() < sizeof(UdpHeader)) return BfdDiscard::kBadUdp;
    const auto header = read_header<UdpHeader>(udp);
    const std::size_t length = header.length.host();
    if (length < sizeof header || length > udp.size()) return BfdDiscard::kBadUdp;
    udp = udp.first(length);
    // RFC 768: zero means none, which only IPv4 may say (RFC 8200 8.1).
    const bool is_unsummed = header.checksum == Be16();
    const bool is_ipv4 = std::holds_alternative<Ipv4Address>(datagram.path.source);
    if (is_unsummed && !is_ipv4) return BfdDiscard::kBadUdp;
    const std::uint64_t sum = checksum_sum(udp, pseudo_header_sum(addresses, length));
    if (!is_unsummed && checksum_fold(sum) != 0xffff) return BfdDiscard::kBadUdp;
    datagram.path.source_port = header.source_port.host();
    datagram.payload = udp.subspan(sizeof header);
    return datagram;
}

// Only what CheckIpv4 has let through comes from a worker; a socket shows whatever arrived.
std::variant<BfdDatagram, BfdDiscard> parse_ipv4(Bytes packet) noexcept {
    const auto header = read_header<Ipv4Header>(packet);
    const std::size_t total = header.total_length.host();
    const std::size_t header_bytes = header.header_bytes();
    const bool is_whole = header_bytes >= sizeof header && header_bytes <= total &&
                          total <= packet.size() &&
                          checksum_fold(checksum_sum(packet.first(header_bytes))) == 0xffff;
    if (!is_whole || header.protocol != kUdp) return BfdDiscard::kBadUdp;
    return parse_udp(packet.first(total).subspan(header_bytes),
                     packet.subspan(offsetof(Ipv4Header, source), 2 * sizeof(Be32)),
                     {.path = {.source = Ipv4Address(header.source.host()),
                               .destination = Ipv4Address(header.destination.host())},
                      .ttl = header.ttl,
                      .payload = {}});
}

std::variant<BfdDatagram, BfdDiscard> parse_ipv6(Bytes packet) noexcept {
    if (packet.size() < sizeof(Ipv6Header)) return BfdDiscard::kBadUdp;
    const auto header = read_header<Ipv6Header>(packet);
    const std::size_t length = header.payload_length.host();
    packet = packet.first(std::min(packet.size(), sizeof header + length));
    if (header.next_header != kUdp || packet.size() < sizeof header + length)
        return BfdDiscard::kBadUdp;
    return parse_udp(
        packet.subspan(sizeof header),
        packet.subspan(offsetof(Ipv6Header, source), 2 * sizeof(WireIpv6Address)),
        {.path = {.source = header.source.host(), .destination = header.destination.host()},
         .ttl = header.hop_limit,
         .payload = {}});
}

template <class Header>
void append(BfdFrame& frame, const Header& header) noexcept {
    CHECK(frame.size + sizeof header <= BfdFrame::kBytesMax);
    std::memcpy(frame.bytes.data() + frame.size, &header, sizeof header);
    frame.size = static_cast<std::uint8_t>(frame.size + sizeof header);
}

constexpr std::size_t kUdpBytes = sizeof(UdpHeader) + kBfdPacketBytes;

void append_ip_header(BfdFrame& frame, Ipv4Address source, Ipv4Address destination) noexcept {
    Ipv4Header header{.version_ihl = 0x45,
                      .dscp_ecn = kInternetControl,
                      .total_length = Be16(sizeof header + kUdpBytes),
                      .identification = {},
                      .flags_fragment = Be16(Ipv4Header::kDontFragment),
                      .ttl = kBfdTtl,
                      .protocol = kUdp,
                      .checksum = {},
                      .source = Be32(source.value()),
                      .destination = Be32(destination.value())};
    header.checksum = Be16::from_wire(
        checksum_of({reinterpret_cast<const std::uint8_t*>(&header), sizeof header}));
    append(frame, header);
}

void append_ip_header(BfdFrame& frame, Ipv6Address source, Ipv6Address destination) noexcept {
    append(frame, Ipv6Header{.version_class_label = Be32(Ipv6Header::kVersion6 |
                                                         std::uint32_t{kInternetControl} << 20),
                             .payload_length = Be16(kUdpBytes),
                             .next_header = kUdp,
                             .hop_limit = kBfdTtl,
                             .source = WireIpv6Address(source),
                             .destination = WireIpv6Address(destination)});
}

}  // namespace

std::variant<BfdDatagram, BfdDiscard> parse_bfd_datagram(Bytes packet) noexcept {
    if (packet.size() < sizeof(Ipv4Header)) return BfdDiscard::kBadUdp;
    switch (packet[0] >> 4) {
        case 4:
            return parse_ipv4(packet);
        case 6:
            return parse_ipv6(packet);
        default:
            return BfdDiscard::kBadUdp;
    }
}

void append_bfd_datagram(BfdFrame& frame, const BfdPath& path,
                         std::span<const std::uint8_t, kBfdPacketBytes> payload) noexcept {
    const bool is_ipv4 = std::holds_alternative<Ipv4Address>(path.source);
    if (is_ipv4) {
        append_ip_header(frame, std::get<Ipv4Address>(path.source),
                         std::get<Ipv4Address>(path.destination));
    } else {
        append_ip_header(frame, std::get<Ipv6Address>(path.source),
                         std::get<Ipv6Address>(path.destination));
    }
    const std::size_t address_bytes = is_ipv4 ? sizeof(Be32) : sizeof(WireIpv6Address);
    const Bytes addresses{frame.bytes.data() + frame.size - 2 * address_bytes, 2 * address_bytes};
    UdpHeader header{.source_port = Be16(path.source_port),
                     .destination_port = Be16(kBfdPort),
                     .length = Be16(kUdpBytes),
                     .checksum = {}};
    std::uint64_t sum = pseudo_header_sum(addresses, kUdpBytes);
    sum = checksum_sum({reinterpret_cast<const std::uint8_t*>(&header), sizeof header}, sum);
    const auto checksum = static_cast<std::uint16_t>(~checksum_fold(checksum_sum(payload, sum)));
    header.checksum = Be16::from_wire(checksum == 0 ? std::uint16_t{0xffff} : checksum);
    append(frame, header);
    std::memcpy(frame.bytes.data() + frame.size, payload.data(), payload.size());
    frame.size = static_cast<std::uint8_t>(frame.size + payload.size());
}

}  // namespace causeway
