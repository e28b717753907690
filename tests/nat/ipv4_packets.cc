// SPDX-License-Identifier: Apache-2.0
#include "tests/nat/ipv4_packets.h"

#include <algorithm>
#include <cstring>

#include "base/checksum.h"
#include "base/headers.h"

namespace causeway::test {
namespace {

constexpr std::size_t kHeader = sizeof(Ipv4Header);
constexpr std::uint8_t kIcmp = 1;

void put16(Bytes& bytes, std::size_t at, std::uint16_t value) {
    bytes[at] = static_cast<std::uint8_t>(value >> 8);
    bytes[at + 1] = static_cast<std::uint8_t>(value);
}
void put32(Bytes& bytes, std::size_t at, std::uint32_t value) {
    put16(bytes, at, static_cast<std::uint16_t>(value >> 16));
    put16(bytes, at + 2, static_cast<std::uint16_t>(value));
}
// Sums as a reader of RFC 1071 would, big-endian word by word.
std::uint16_t checksum(std::span<const std::uint8_t> bytes, std::uint32_t sum = 0) {
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        sum += i % 2 == 0 ? static_cast<std::uint32_t>(bytes[i]) << 8 : bytes[i];
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return static_cast<std::uint16_t>(~sum);
}

void finish_header(Bytes& packet) {
    put16(packet, 2, static_cast<std::uint16_t>(packet.size()));
    put16(packet, 10, 0);
    put16(packet, 10, checksum(std::span(packet).first(kHeader)));
}

std::uint32_t pseudo_header(const Bytes& packet) {
    std::uint32_t sum = packet[9] + static_cast<std::uint32_t>(packet.size() - kHeader);
    for (std::size_t i = 12; i < 20; i += 2) {
        sum += static_cast<std::uint32_t>(packet[i] << 8 | packet[i + 1]);
    }
    return sum;
}

Ipv4Address address_at(const Bytes& packet, std::size_t at) {
    return Ipv4Address(static_cast<std::uint32_t>(word(packet, at)) << 16 | word(packet, at + 2));
}

Bytes header(std::uint8_t protocol, Ipv4Address source, Ipv4Address destination) {
    Bytes packet(kHeader);
    packet[0] = 0x45;
    packet[1] = 0xb8;  // DSCP EF: none of the NAT's business
    packet[8] = 61;
    packet[9] = protocol;
    put32(packet, 12, source.value());
    put32(packet, 16, destination.value());
    return packet;
}

}  // namespace

Bytes build(const PacketSpec& spec) {
    constexpr std::uint8_t kProtocols[] = {6, 17, 1};
    constexpr std::size_t kBytes[] = {20, 8, 8};
    constexpr std::size_t kChecksumAt[] = {16, 6, 2};
    const auto p = static_cast<std::size_t>(spec.protocol);
    Bytes packet = header(kProtocols[p], spec.source.address, spec.destination.address);
    put16(packet, 4, spec.identification);
    packet.resize(kHeader + kBytes[p] + spec.payload_bytes);
    for (std::size_t i = kHeader + kBytes[p]; i < packet.size(); ++i) {
        packet[i] = static_cast<std::uint8_t>(i * 37 + spec.identification);
    }
    if (spec.protocol == NatProtocol::kIcmp) {
        packet[kHeader] = spec.kind;
        put16(packet, kHeader + 4,
              spec.source.port != 0 ? spec.source.port : spec.destination.port);
        put16(packet, kHeader + 6, spec.identification);
    } else {
        put16(packet, kHeader, spec.source.port);
        put16(packet, kHeader + 2, spec.destination.port);
    }
    if (spec.protocol == NatProtocol::kUdp) {
        put16(packet, kHeader + 4, static_cast<std::uint16_t>(packet.size() - kHeader));
    }
    if (spec.protocol == NatProtocol::kTcp) {
        put32(packet, kHeader + 4, 0x12345678);
        packet[kHeader + 12] = 5 << 4;
        packet[kHeader + 13] = spec.kind;
    }
    finish_header(packet);
    const std::uint32_t pseudo = spec.protocol == NatProtocol::kIcmp ? 0 : pseudo_header(packet);
    std::uint16_t sum = checksum(std::span(packet).subspan(kHeader), pseudo);
    if (spec.protocol == NatProtocol::kUdp) {
        if (sum == 0) sum = 0xffff;
        if (!spec.has_checksum) sum = 0;
    }
    put16(packet, kHeader + kChecksumAt[p], sum);
    return packet;
}

Bytes udp(Endpoint from, Endpoint to, std::size_t payload_bytes) {
    return build({.protocol = NatProtocol::kUdp,
                  .source = from,
                  .destination = to,
                  .payload_bytes = payload_bytes});
}

Bytes tcp(Endpoint from, Endpoint to, std::uint8_t flags) {
    return build({.protocol = NatProtocol::kTcp, .source = from, .destination = to, .kind = flags});
}

Bytes echo(Endpoint from, Endpoint to, std::uint8_t type) {
    return build({.protocol = NatProtocol::kIcmp, .source = from, .destination = to, .kind = type});
}

Bytes build_error(Ipv4Address from, std::uint8_t type, const Bytes& about,
                  std::size_t quoted_bytes) {
    std::uint32_t to = 0;
    for (std::size_t i = 12; i < 16; ++i) to = to << 8 | about[i];
    Bytes packet = header(kIcmp, from, Ipv4Address(to));
    packet.resize(kHeader + 8);
    packet[kHeader] = type;
    put16(packet, kHeader + 6, 1'400);
    packet.insert(
        packet.end(), about.begin(),
        about.begin() + static_cast<std::ptrdiff_t>(std::min(quoted_bytes, about.size())));
    finish_header(packet);
    put16(packet, kHeader + 2, checksum(std::span(packet).subspan(kHeader)));
    return packet;
}

std::vector<Bytes> fragments_of(const Bytes& packet, std::size_t piece) {
    std::vector<Bytes> fragments;
    for (std::size_t at = kHeader; at < packet.size(); at += piece) {
        const std::size_t end = std::min(at + piece, packet.size());
        Bytes fragment(packet.begin(), packet.begin() + kHeader);
        fragment.insert(fragment.end(), packet.begin() + static_cast<std::ptrdiff_t>(at),
                        packet.begin() + static_cast<std::ptrdiff_t>(end));
        const std::uint16_t more = end < packet.size() ? 0x2000 : 0;
        put16(fragment, 6, static_cast<std::uint16_t>(more | (at - kHeader) / 8));
        finish_header(fragment);
        fragments.push_back(fragment);
    }
    return fragments;
}

std::uint16_t word(const Bytes& packet, std::size_t at) {
    return static_cast<std::uint16_t>(packet.at(at) << 8 | packet.at(at + 1));
}

Endpoint source_of(const Bytes& packet) {
    return {address_at(packet, 12), word(packet, packet.at(9) == kIcmp ? kHeader + 4 : kHeader)};
}

Endpoint destination_of(const Bytes& packet) {
    return {address_at(packet, 16),
            word(packet, packet.at(9) == kIcmp ? kHeader + 4 : kHeader + 2)};
}

}  // namespace causeway::test
