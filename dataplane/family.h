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
#include "dataplane/burst.h"
#include "dataplane/flow_hash.h"
#include "dataplane/tables.h"

namespace causeway {

struct Ipv4 {
    [[nodiscard]] static const Fib4& fib(const Tables& tables) noexcept { return *tables.fib4; }
    [[nodiscard]] static RouteKey route_key(const PacketMeta& meta) noexcept {
        return {meta.vrf, Ipv4Address(meta.ipv4().destination.host())};
    }
    [[nodiscard]] static std::uint32_t flow_hash_of(const PacketMeta& meta) noexcept {
        return flow_hash(meta.ipv4());
    }
    // How the packet ends whose route says `exit`.
    [[nodiscard]] static Exit settle(const PacketMeta&, Exit exit) noexcept { return exit; }

    // How far a packet may still go. TTL, protocol and checksum lie in one aligned word: one load,
    // one store.
    class Ttl {
      public:
        explicit Ttl(const PacketMeta& meta) noexcept
            : at_(meta.frame + offsetof(Ipv4Header, ttl)) {
            std::memcpy(&word_, at_, sizeof word_);
        }
        [[nodiscard]] std::uint32_t value() const noexcept { return word_ & 0xffU; }
        // RFC 1812 5.3.1, and RFC 1624 for the checksum.
        void decrement() noexcept {
            const auto before = static_cast<std::uint16_t>(word_);
            const auto after = static_cast<std::uint16_t>(before - 1);  // the TTL is the low byte
            const std::uint16_t checksum =
                checksum_replace(static_cast<std::uint16_t>(word_ >> 16), before, after);
            word_ = std::uint32_t{checksum} << 16 | after;
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
    [[nodiscard]] static std::uint32_t flow_hash_of(const PacketMeta& meta) noexcept {
        return flow_hash(meta.ipv6(), meta.packet_bytes);
    }
    // A link-local source may speak to us, for Neighbour Discovery does, but no router may forward
    // its packets (RFC 4291 2.5.6); and of what is for us, Neighbour Discovery has a way of its
    // own.
    [[nodiscard]] static Exit settle(const PacketMeta& meta, Exit exit) noexcept {
        const bool is_local = exit == Exit::kLocal;
        if (is_local | is_link_local(meta.ipv6().source.host())) [[unlikely]] {
            if (!is_local) return Exit::kMartianSource;
            if (is_neighbour_discovery(meta)) return Exit::kNeighbourDiscovery;
        }
        return exit;
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
