// SPDX-License-Identifier: Apache-2.0
//
// PrebuiltPackets: the packets of a scene, put into mbufs over and over, as a NIC would. There are
// many more of them than mbufs in flight, so that a route table is asked for more addresses than a
// cache holds. Only headers are written, because nobody here reads what is behind them, and the
// checksum of UDP is as it was.
//
// Thread safety: one thread writes packets; several objects may be used side by side.
#pragma once

#include <rte_mbuf.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/endian.h"
#include "base/types.h"
#include "perf/scene.h"
#include "perf/scene_routes.h"
#include "vlan/attachment_table.h"

namespace causeway::perf {

// Sources are of the networks that are set aside for benchmarks (RFC 2544 C.2.2, RFC 5180 8), 2^16
// hosts at random.
inline constexpr Ipv4Address kSourceNetwork{0xc612'0000U};  // 198.18.0.0
inline constexpr Ipv6Address kSourceNetwork6{0x2001'0002ULL << 32, 0};
inline constexpr std::uint16_t kDestinationPort = 443;

// One attachment that packets come in by.
struct Entrance {
    TagKey tags;
    std::size_t vrf = 0;  // an index of SceneRoutes
};

class PrebuiltPackets {
  public:
    // `tags` of a frame, at most 2: a forwarder that knows no tags is given the same packets with
    // none.
    PrebuiltPackets(const Scene& scene, const SceneRoutes& routes,
                    std::span<const Entrance> entrances, std::size_t tags, std::uint64_t seed);

    // Writes the next packet.
    void write(rte_mbuf& mbuf) noexcept;

  private:
    static constexpr std::size_t kHeaderBytesMax = 14 + 8 + 40 + 8;  // with two tags, IPv6 and UDP

    // What one packet has of its own.
    struct Packet {
        std::array<std::uint8_t, 16> destination;  // IPv4: the first four
        Be16 outer;
        Be16 inner;
        Be16 source_host;  // the last two bytes of the source
        Be16 source_port;
        Be16 checksum;       // of the IPv4 header
        std::uint32_t kind;  // an index of kinds_
    };
    static_assert(sizeof(Packet) <= 32, "two a cache line: they, too, go through the cache");

    // What all packets of a family and size share.
    struct Kind {
        std::array<std::uint8_t, kHeaderBytesMax> header;
        std::uint32_t packet_type;  // as a NIC tells it
        std::uint16_t frame_bytes;  // without FCS
        bool is_ipv6;
    };

    void add_kinds(std::size_t frame_bytes);
    [[nodiscard]] Packet make(std::uint32_t kind, const Entrance& entrance,
                              const IpAddress& destination, std::uint64_t random) const;

    std::size_t tags_;
    std::size_t layer3_;  // where the network header begins
    std::vector<Kind> kinds_;
    std::size_t count_;
    std::vector<Packet> packets_;
    std::size_t next_ = 0;
};

}  // namespace causeway::perf
