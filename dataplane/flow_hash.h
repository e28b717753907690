// SPDX-License-Identifier: Apache-2.0
//
// The hash that keeps a flow on its path. Symmetric: both directions of a flow have the same hash,
// so they can share a worker and a link.
#pragma once

#include <nmmintrin.h>

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "base/headers.h"

namespace causeway {

// Over addresses, protocol and, for unfragmented TCP and UDP, ports. Every fragment of a packet
// hashes alike, the first one too, because none is hashed by its ports. REQUIRES: four readable
// bytes behind the header; a device's buffer has them.
[[nodiscard]] inline std::uint32_t flow_hash(const Ipv4Header& header) noexcept {
    const std::uint32_t source = header.source.wire();
    const std::uint32_t destination = header.destination.wire();
    // The smaller one first, so that both directions read alike and no two pairs do.
    const std::uint64_t addresses =
        std::uint64_t{std::min(source, destination)} << 32 | std::max(source, destination);

    const auto protocol = static_cast<IpProtocol>(header.protocol);
    const bool has_ports = (protocol == IpProtocol::kTcp) | (protocol == IpProtocol::kUdp);
    const bool is_fragment = (header.flags_fragment.wire() & Be16(0x3fff).wire()) != 0;
    std::uint32_t ports;
    std::memcpy(&ports, reinterpret_cast<const std::uint8_t*>(&header) + header.header_bytes(), 4);
    const std::uint32_t first = ports & 0xffffU;
    const std::uint32_t second = ports >> 16;
    const std::uint32_t both_ports = std::min(first, second) << 16 | std::max(first, second);
    const std::uint64_t rest =
        std::uint64_t{header.protocol} << 32 | ((has_ports & !is_fragment) ? both_ports : 0U);

    const std::uint64_t hash = _mm_crc32_u64(_mm_crc32_u64(0x5bd1e995U, addresses), rest);
    // CRC is linear: similar flows differ in few bits, and a bucket is chosen by the low ones.
    return static_cast<std::uint32_t>((hash * 0x9e3779b97f4a7c15U) >> 32);
}

}  // namespace causeway
