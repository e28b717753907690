// SPDX-License-Identifier: Apache-2.0
//
// SlowPacket<Ipv4Address>, SlowPacket<Ipv6Address>: what the slow path must know of a packet's
// family. The slow path is one text over both; what differs between the two stands here.
//
// A packet begins with its IP header, which the walk has checked.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "base/checksum.h"
#include "base/headers.h"
#include "base/ipv6.h"
#include "base/types.h"
#include "control/router/attachments.h"
#include "control/slow_path/icmp.h"
#include "control/slow_path/icmpv6.h"
#include "dataplane/flow_hash.h"

namespace causeway {

using ConstBytes = std::span<const std::uint8_t>;

// What becomes of a packet for ourselves that is no echo request.
enum class LocalUse : std::uint8_t { kNone, kPort, kProtocol };

template <class Address>
struct SlowPacket;

template <>
struct SlowPacket<Ipv4Address> {
    static constexpr std::size_t kErrorBytesMax = kIcmpErrorBytesMax;
    static constexpr EtherType kEtherType = EtherType::kIpv4;

    [[nodiscard]] static const Ipv4Header& header(ConstBytes packet) noexcept {
        return *reinterpret_cast<const Ipv4Header*>(packet.data());
    }
    [[nodiscard]] static std::size_t length(ConstBytes packet) noexcept {
        return header(packet).total_length.host();
    }
    [[nodiscard]] static Ipv4Address destination(ConstBytes packet) noexcept {
        return Ipv4Address(header(packet).destination.host());
    }
    [[nodiscard]] static unsigned hops(ConstBytes packet) noexcept { return header(packet).ttl; }
    [[nodiscard]] static std::uint32_t flow_hash_of(ConstBytes packet) noexcept {
        return flow_hash(header(packet));
    }
    // What DecrementTtl does, for a packet that stopped before it. REQUIRES: more than one hop.
    static void take_hop(std::span<std::uint8_t> packet) noexcept {
        set_hops(packet, hops(packet) - 1);
    }
    // As it came, for an error that quotes it.
    static void give_hop_back(std::span<std::uint8_t> packet) noexcept {
        set_hops(packet, hops(packet) + 1);
    }
    static void set_hops(std::span<std::uint8_t> packet, unsigned hops) noexcept {
        auto& header = *reinterpret_cast<Ipv4Header*>(packet.data());
        header.ttl = static_cast<std::uint8_t>(hops);
        header.checksum = Be16();
        header.checksum = Be16::from_wire(checksum_of(packet.first(header.header_bytes())));
    }
    // Whether a router may part it where it is too big.
    [[nodiscard]] static bool may_fragment(ConstBytes packet) noexcept {
        return header(packet).may_fragment();
    }

    [[nodiscard]] static bool is_for_us(ConstBytes, const Attachment&) noexcept { return true; }
    [[nodiscard]] static bool is_echo_request(ConstBytes packet) noexcept {
        return causeway::is_echo_request(packet);
    }
    static void turn_into_echo_reply(std::span<std::uint8_t> packet) noexcept {
        causeway::turn_into_echo_reply(packet);
    }
    [[nodiscard]] static LocalUse local_use(ConstBytes packet) noexcept {
        switch (static_cast<IpProtocol>(header(packet).protocol)) {
            case IpProtocol::kIcmp:
                return LocalUse::kNone;
            case IpProtocol::kTcp:
            case IpProtocol::kUdp:
                return LocalUse::kPort;
            default:
                return LocalUse::kProtocol;
        }
    }

    // Our address to answer a packet from; nothing where there is none.
    [[nodiscard]] static std::optional<Ipv4Address> ours(ConstBytes,
                                                         const Attachment& in) noexcept {
        return in.address;
    }
    [[nodiscard]] static bool may_answer(ConstBytes packet, IcmpError) noexcept {
        return may_be_answered_with_error(packet);
    }
    [[nodiscard]] static std::size_t write_error(std::span<std::uint8_t> room, IcmpError error,
                                                 std::uint16_t mtu, Ipv4Address source,
                                                 ConstBytes packet) noexcept {
        return write_icmp_error(room, error, mtu, source, packet);
    }
};

template <>
struct SlowPacket<Ipv6Address> {
    static constexpr std::size_t kErrorBytesMax = kIcmpv6ErrorBytesMax;
    static constexpr EtherType kEtherType = EtherType::kIpv6;

    [[nodiscard]] static const Ipv6Header& header(ConstBytes packet) noexcept {
        return *reinterpret_cast<const Ipv6Header*>(packet.data());
    }
    [[nodiscard]] static std::size_t length(ConstBytes packet) noexcept {
        return sizeof(Ipv6Header) + header(packet).payload_length.host();
    }
    [[nodiscard]] static Ipv6Address destination(ConstBytes packet) noexcept {
        return header(packet).destination.host();
    }
    [[nodiscard]] static unsigned hops(ConstBytes packet) noexcept {
        return header(packet).hop_limit;
    }
    [[nodiscard]] static std::uint32_t flow_hash_of(ConstBytes packet) noexcept {
        return flow_hash(header(packet), packet.size());
    }
    static void take_hop(std::span<std::uint8_t> packet) noexcept {
        --reinterpret_cast<Ipv6Header*>(packet.data())->hop_limit;
    }
    static void give_hop_back(std::span<std::uint8_t> packet) noexcept {
        ++reinterpret_cast<Ipv6Header*>(packet.data())->hop_limit;
    }
    // RFC 8200 4.5: only a packet's source does.
    [[nodiscard]] static bool may_fragment(ConstBytes) noexcept { return false; }

    // The walk hands up whatever goes to a link-local address; ours is one of them.
    [[nodiscard]] static bool is_for_us(ConstBytes packet, const Attachment& in) noexcept {
        const Ipv6Address address = destination(packet);
        return in.ipv6 && (!is_link_local(address) || address == in.link_local());
    }
    [[nodiscard]] static bool is_echo_request(ConstBytes packet) noexcept {
        return is_icmpv6_echo_request(packet);
    }
    static void turn_into_echo_reply(std::span<std::uint8_t> packet) noexcept {
        turn_into_icmpv6_echo_reply(packet);
    }
    [[nodiscard]] static LocalUse local_use(ConstBytes packet) noexcept {
        constexpr std::uint8_t kNoNextHeader = 59;  // RFC 8200 4.7: nothing follows, nothing to say
        const auto upper = upper_layer(packet);
        if (!upper || upper->protocol == kNoNextHeader) return LocalUse::kNone;
        switch (static_cast<IpProtocol>(upper->protocol)) {
            case IpProtocol::kIcmpv6:
                return LocalUse::kNone;
            case IpProtocol::kTcp:
            case IpProtocol::kUdp:
                return LocalUse::kPort;
            default:
                return LocalUse::kProtocol;
        }
    }

    // RFC 4443 2.2 (a): where it was sent to one of our addresses, that one.
    [[nodiscard]] static std::optional<Ipv6Address> ours(ConstBytes packet,
                                                         const Attachment& in) noexcept {
        if (!in.ipv6) return std::nullopt;
        return is_link_local(destination(packet)) ? in.link_local() : in.ipv6->address;
    }
    [[nodiscard]] static bool may_answer(ConstBytes packet, IcmpError error) noexcept {
        return may_be_answered_with_icmpv6_error(packet, error);
    }
    [[nodiscard]] static std::size_t write_error(std::span<std::uint8_t> room, IcmpError error,
                                                 std::uint16_t mtu, Ipv6Address source,
                                                 ConstBytes packet) noexcept {
        return write_icmpv6_error(room, error, mtu, source, packet);
    }
};

}  // namespace causeway
