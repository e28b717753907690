// SPDX-License-Identifier: Apache-2.0
//
// IPv4 packets for the NAT, built from scratch with every checksum computed over all it covers, so
// that what the translator updated can be compared byte by byte.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "nat/flow.h"

namespace causeway::test {

using Bytes = std::vector<std::uint8_t>;

struct PacketSpec {
    NatProtocol protocol = NatProtocol::kUdp;
    Endpoint source;
    Endpoint destination;   // of ICMP only the address
    std::uint8_t kind = 0;  // TCP's flags, ICMP's type
    std::uint16_t identification = 1;
    std::size_t payload_bytes = 11;  // odd: checksums end in half a word
    bool has_checksum = true;        // UDP may do without
};

// TCP's flags (RFC 9293 3.1), ICMP's types (RFC 792).
inline constexpr std::uint8_t kSyn = 0x02;
inline constexpr std::uint8_t kRst = 0x04;
inline constexpr std::uint8_t kAck = 0x10;
inline constexpr std::uint8_t kFinAck = 0x11;
inline constexpr std::uint8_t kSynAck = 0x12;
inline constexpr std::uint8_t kEchoReply = 0;
inline constexpr std::uint8_t kEchoRequest = 8;

// ICMP's identifier is the source's port, or the destination's if `source.port` is zero.
[[nodiscard]] Bytes build(const PacketSpec& spec);
[[nodiscard]] Bytes udp(Endpoint from, Endpoint to,
                        std::size_t payload_bytes = PacketSpec().payload_bytes);
[[nodiscard]] Bytes tcp(Endpoint from, Endpoint to, std::uint8_t flags);
[[nodiscard]] Bytes echo(Endpoint from, Endpoint to, std::uint8_t type);
// An ICMP error from a host about a packet, to the source of that packet.
[[nodiscard]] Bytes build_error(Ipv4Address from, std::uint8_t type, const Bytes& about,
                                std::size_t quoted_bytes);
// The packet in pieces of this many bytes of layer 4, a multiple of eight.
[[nodiscard]] std::vector<Bytes> fragments_of(const Bytes& packet, std::size_t piece);

// Big-endian.
[[nodiscard]] std::uint16_t word(const Bytes& packet, std::size_t at);
// Whom it comes from, whom it goes to; of ICMP the port is the query's identifier.
[[nodiscard]] Endpoint source_of(const Bytes& packet);
[[nodiscard]] Endpoint destination_of(const Bytes& packet);

}  // namespace causeway::test
