// SPDX-License-Identifier: Apache-2.0
//
// Ipv4, Ipv6: what the stages of both walks must know of a packet's family. A stage over a Family
// is one text; what differs between the two stands here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/checksum.h"
#include "base/headers.h"
#include "base/ipv6.h"
#include "dataplane/bfd/control_packet.h"
#include "dataplane/burst.h"
#include "dataplane/flow_hash.h"
#include "dataplane/tables.h"

namespace causeway {

// REQUIRES: UDP at this offset of the packet, if it is so long.
[[nodiscard]] inline bool is_udp_to_bfd(const PacketMeta& meta, std::size_t offset) noexcept {
    if (meta.packet_bytes < offset + sizeof(UdpHeader)) return false;
    return reinterpret_cast<const UdpHeader*>(meta.frame + offset)->destination_port ==
           Be16(kBfdPort);
}

// Of BFD to an address of ours that is not for our own sessions (stages/find_bfd.h).
[[nodiscard]] constexpr Exit bfd_exit(std::uint8_t ttl) noexcept {
    return ttl == kBfdTtl ? Exit::kLocal : Exit::kBfdWrongTtl;
}

static_assert(static_cast<unsigned>(AdjacencyKind::kForward) == 0, "as unusual() has it");

struct Ipv4 {
    [[nodiscard]] static const Fib4& fib(const Tables& tables) noexcept { return *tables.fib4; }
    [[nodiscard]] static RouteKey route_key(const PacketMeta& meta) noexcept {
        return {meta.vrf, Ipv4Address(meta.ipv4().destination.host())};
    }
    [[nodiscard]] static Ipv4Address source_of(const PacketMeta& meta) noexcept {
        return Ipv4Address(meta.ipv4().source.host());
    }
    [[nodiscard]] static Ipv4Address destination_of(const PacketMeta& meta) noexcept {
        return Ipv4Address(meta.ipv4().destination.host());
    }
    [[nodiscard]] static RouteKey source_key(const PacketMeta& meta) noexcept {
        return {meta.vrf, source_of(meta)};
    }
    // The part of a pair that is of this family.
    [[nodiscard]] static const auto& of(const auto& both) noexcept { return both.ipv4; }
    // 10/8, 172.16/12, 192.168/16 (RFC 1918) and 100.64/10 (RFC 6598).
    [[nodiscard]] static bool is_private(Ipv4Address address) noexcept {
        const std::uint32_t value = address.value();
        return value >> 24 == 10 || value >> 20 == 0xac1 || value >> 16 == 0xc0a8 ||
               value >> 22 == 0x6440 >> 6;
    }
    [[nodiscard]] static std::uint32_t flow_hash_of(const PacketMeta& meta) noexcept {
        return flow_hash(meta.ipv4());
    }
    // Whether a whole packet is UDP to the port of BFD (RFC 5881 4).
    [[nodiscard]] static bool is_bfd(const PacketMeta& meta) noexcept {
        const Ipv4Header& header = meta.ipv4();
        constexpr std::uint16_t kPart = Ipv4Header::kMoreFragments | Ipv4Header::kOffsetMask;
        return header.protocol == static_cast<std::uint8_t>(IpProtocol::kUdp) &&
               (header.flags_fragment.host() & kPart) == 0 &&
               is_udp_to_bfd(meta, header.header_bytes());
    }
    // 0 where a packet whose way is of this kind is forwarded; else settle() says how it ends.
    [[nodiscard]] static unsigned unusual(const PacketMeta&, AdjacencyKind kind) noexcept {
        return static_cast<unsigned>(kind);
    }
    // How the packet ends whose route says `exit`.
    [[nodiscard]] static Exit settle(const PacketMeta& meta, Exit exit) noexcept {
        if (exit != Exit::kLocal || !is_bfd(meta)) return exit;
        return bfd_exit(meta.ipv4().ttl);
    }

    // Sets the six bits of DSCP and leaves the two of ECN (RFC 2474 3, RFC 3168 5); RFC 1624 for
    // the checksum.
    static void set_dscp(const PacketMeta& meta, std::uint8_t dscp) noexcept {
        Ipv4Header& header = meta.ipv4();
        const auto after = static_cast<std::uint8_t>(dscp * 4U | (header.dscp_ecn & 3U));
        // The second byte of its word: on the wire the low half, here the high one.
        header.checksum = Be16::from_wire(checksum_replace(
            header.checksum.wire(), static_cast<std::uint16_t>(header.dscp_ecn << 8),
            static_cast<std::uint16_t>(after << 8)));
        header.dscp_ecn = after;
    }
    [[nodiscard]] static std::uint8_t dscp_of(const PacketMeta& meta) noexcept {
        return static_cast<std::uint8_t>(meta.ipv4().dscp_ecn >> 2);
    }

    // How far a packet may still go. TTL, protocol and checksum lie in one aligned word: one load,
    // one store.
    class Ttl {
      public:
        explicit Ttl(const PacketMeta& meta) noexcept
            : at_(meta.frame + offsetof(Ipv4Header, ttl)) {
            std::memcpy(&word_, at_, sizeof word_);
        }
        [[nodiscard]] std::uint32_t value() const noexcept { return word_ & 0xffU; }
        // RFC 1812 5.3.1. The TTL is the low byte and the checksum the upper half: one less, and
        // one more in one's complement, whose carry comes back in and which has no 0xffff. RFC 1624
        // eqn. 3 says the same.
        void decrement() noexcept {
            const std::uint64_t sum = std::uint64_t{word_} + 0xffffU;
            const std::uint64_t carry = (sum + 0x1'0000U) >> 32;
            word_ = static_cast<std::uint32_t>(sum + (carry << 16));
            std::memcpy(at_, &word_, sizeof word_);
        }

      private:
        std::uint8_t* at_;
        std::uint32_t word_;
    };
};

struct Ipv6 {
    [[nodiscard]] static const Fib6& fib(const Tables& tables) noexcept { return *tables.fib6; }
    [[nodiscard]] static RouteKey6 route_key(const PacketMeta& meta) noexcept {
        return {meta.vrf, meta.ipv6().destination.host()};
    }
    [[nodiscard]] static Ipv6Address source_of(const PacketMeta& meta) noexcept {
        return meta.ipv6().source.host();
    }
    [[nodiscard]] static Ipv6Address destination_of(const PacketMeta& meta) noexcept {
        return meta.ipv6().destination.host();
    }
    [[nodiscard]] static RouteKey6 source_key(const PacketMeta& meta) noexcept {
        return {meta.vrf, source_of(meta)};
    }
    [[nodiscard]] static const auto& of(const auto& both) noexcept { return both.ipv6; }
    // fc00::/7 (RFC 4193).
    [[nodiscard]] static bool is_private(Ipv6Address address) noexcept {
        return address.high() >> 57 == 0xfc >> 1;
    }
    [[nodiscard]] static std::uint32_t flow_hash_of(const PacketMeta& meta) noexcept {
        return flow_hash(meta.ipv6(), meta.packet_bytes);
    }
    [[nodiscard]] static unsigned unusual(const PacketMeta& meta, AdjacencyKind kind) noexcept {
        const bool is_local = is_link_local(meta.ipv6().source.host());
        return static_cast<unsigned>(kind) | static_cast<unsigned>(is_local);
    }
    // A link-local source may speak to us, for Neighbour Discovery does, but no router may forward
    // its packets (RFC 4291 2.5.6); and of what is for us, Neighbour Discovery has a way of its
    // own.
    [[nodiscard]] static Exit settle(const PacketMeta& meta, Exit exit) noexcept {
        const bool is_local = exit == Exit::kLocal;
        if (is_local | is_link_local(meta.ipv6().source.host())) [[unlikely]] {
            if (!is_local) return Exit::kMartianSource;
            if (is_neighbour_discovery(meta)) return Exit::kNeighbourDiscovery;
            if (is_bfd(meta)) return bfd_exit(meta.ipv6().hop_limit);
        }
        return exit;
    }
    [[nodiscard]] static bool is_bfd(const PacketMeta& meta) noexcept {
        return meta.ipv6().next_header == static_cast<std::uint8_t>(IpProtocol::kUdp) &&
               is_udp_to_bfd(meta, sizeof(Ipv6Header));
    }
    // Whether a whole packet carries one of the five messages of RFC 4861 4. Its hop limit proves
    // that it comes from this link (RFC 4861 3.1): one that was forwarded is no such message.
    [[nodiscard]] static bool is_neighbour_discovery(const PacketMeta& meta) noexcept {
        const Ipv6Header& header = meta.ipv6();
        if (header.next_header != static_cast<std::uint8_t>(IpProtocol::kIcmpv6) ||
            header.hop_limit != 255 ||
            meta.packet_bytes < sizeof(Ipv6Header) + sizeof(Icmpv6Header)) {
            return false;
        }
        const std::uint8_t type = meta.frame[sizeof(Ipv6Header)];
        return type >= static_cast<std::uint8_t>(Icmpv6Type::kRouterSolicitation) &&
               type <= static_cast<std::uint8_t>(Icmpv6Type::kRedirect);
    }

    // Likewise; the traffic class begins after the four bits of the version (RFC 8200 3, 7).
    static void set_dscp(const PacketMeta& meta, std::uint8_t dscp) noexcept {
        Be32& word = meta.ipv6().version_class_label;
        word = Be32((word.host() & ~(0x3fU << 22)) | std::uint32_t{dscp} << 22);
    }
    [[nodiscard]] static std::uint8_t dscp_of(const PacketMeta& meta) noexcept {
        return static_cast<std::uint8_t>(meta.ipv6().version_class_label.host() >> 22 & 0x3fU);
    }

    // RFC 8200 3: the hop limit, which no checksum covers.
    class Ttl {
      public:
        explicit Ttl(const PacketMeta& meta) noexcept : hop_limit_(meta.ipv6().hop_limit) {}
        [[nodiscard]] std::uint32_t value() const noexcept { return hop_limit_; }
        void decrement() noexcept { --hop_limit_; }

      private:
        std::uint8_t& hop_limit_;
    };
};

}  // namespace causeway
