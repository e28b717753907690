// SPDX-License-Identifier: Apache-2.0
//
// NatFrames: a burst of UDP headers for a translator, 64 bytes each, so that the frames themselves
// stay in the cache.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/headers.h"
#include "base/limits.h"
#include "nat/translator.h"
#include "tests/nat/ipv4_packets.h"

namespace causeway::perf {

struct NatFrames {
    static constexpr std::size_t kBurst = 64;

    explicit NatFrames(NatPoolId pool) {
        const test::Bytes packet = test::build({.source = {Ipv4Address(1), 1},
                                                .destination = {Ipv4Address(2), 2},
                                                .payload_bytes = 18});
        for (std::size_t i = 0; i < kBurst; ++i) {
            std::memcpy(bytes[i].data(), packet.data(), packet.size());
            packets[i] = {.bytes = bytes[i].data(),
                          .size = static_cast<std::uint16_t>(packet.size()),
                          .pool = pool};
        }
    }
    void set(std::size_t i, Endpoint source, Endpoint destination) noexcept {
        auto& header = *reinterpret_cast<Ipv4Header*>(bytes[i].data());
        header.source = Be32(source.address.value());
        header.destination = Be32(destination.address.value());
        auto& udp = *reinterpret_cast<UdpHeader*>(bytes[i].data() + sizeof header);
        udp.source_port = Be16(source.port);
        udp.destination_port = Be16(destination.port);
    }
    alignas(kCacheLine) std::array<std::array<std::uint8_t, 64>, kBurst> bytes;
    std::array<NatPacket, kBurst> packets;
    std::array<NatResult, kBurst> results;
};

}  // namespace causeway::perf
