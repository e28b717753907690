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

// ICMP's identifier is the source's port, or the destination's if `source.port` is zero.
[[nodiscard]] Bytes build(const PacketSpec& spec);
// An ICMP error from a host about a packet, to the source of that packet.
[[nodiscard]] Bytes build_error(Ipv4Address from, std::uint8_t type, const Bytes& about,
                                std::size_t quoted_bytes);
// The packet in pieces of this many bytes of layer 4, a multiple of eight.
[[nodiscard]] std::vector<Bytes> fragments_of(const Bytes& packet, std::size_t piece);

}  // namespace causeway::test
