// SPDX-License-Identifier: Apache-2.0
//
// Packet headers as they lie on the wire. Every field has alignment 1, so any of them may be laid
// over any byte of a packet.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/endian.h"
#include "base/types.h"

namespace causeway {

enum class EtherType : std::uint16_t {
    kIpv4 = 0x0800,
    kArp = 0x0806,
    kIpv6 = 0x86dd,
};

// IEEE 802.3 3.2; the type field follows the tags, so it is not part of this.
struct EthernetHeader {
    MacAddress destination;
    MacAddress source;
    Be16 type;  // an EtherType, or the TPID of the outer tag
};
static_assert(sizeof(EthernetHeader) == 14 && alignof(EthernetHeader) == 1);

// IEEE 802.1Q 9.6: priority (3 bits), drop eligible (1), VLAN identifier (12), then the next type.
struct VlanTag {
    Be16 tci;
    Be16 type;
    [[nodiscard]] constexpr std::uint16_t vlan_id() const noexcept { return tci.host() & 0xfffU; }
};
static_assert(sizeof(VlanTag) == 4 && alignof(VlanTag) == 1);

enum class ArpOperation : std::uint16_t { kRequest = 1, kReply = 2 };

// RFC 826, for Ethernet and IPv4.
struct ArpHeader {
    Be16 hardware_type;  // 1
    Be16 protocol_type;  // 0x0800
    std::uint8_t hardware_length;
    std::uint8_t protocol_length;
    Be16 operation;
    MacAddress sender_mac;
    Be32 sender_address;
    MacAddress target_mac;
    Be32 target_address;
};
static_assert(sizeof(ArpHeader) == 28 && alignof(ArpHeader) == 1);

enum class IpProtocol : std::uint8_t { kIcmp = 1, kTcp = 6, kUdp = 17 };

// RFC 791 3.1.
struct Ipv4Header {
    std::uint8_t version_ihl;
    std::uint8_t dscp_ecn;
    Be16 total_length;
    Be16 identification;
    Be16 flags_fragment;
    std::uint8_t ttl;
    std::uint8_t protocol;
    Be16 checksum;
    Be32 source;
    Be32 destination;

    static constexpr std::uint16_t kDontFragment = 0x4000;
    static constexpr std::uint16_t kMoreFragments = 0x2000;
    static constexpr std::uint16_t kOffsetMask = 0x1fff;

    [[nodiscard]] constexpr std::size_t header_bytes() const noexcept {
        return (version_ihl & 0xfU) * std::size_t{4};
    }
    [[nodiscard]] constexpr bool may_fragment() const noexcept {
        return (flags_fragment.host() & kDontFragment) == 0;
    }
};
static_assert(sizeof(Ipv4Header) == 20 && alignof(Ipv4Header) == 1);
static_assert(offsetof(Ipv4Header, ttl) == 8 && offsetof(Ipv4Header, checksum) == 10);

enum class IcmpType : std::uint8_t {
    kEchoReply = 0,
    kUnreachable = 3,
    kEchoRequest = 8,
    kTimeExceeded = 11,
};

// RFC 792; the four bytes after the checksum depend on the type (RFC 1191 4 puts the MTU in the
// last two).
struct IcmpHeader {
    std::uint8_t type;
    std::uint8_t code;
    Be16 checksum;
    Be16 rest_high;
    Be16 rest_low;
};
static_assert(sizeof(IcmpHeader) == 8 && alignof(IcmpHeader) == 1);

struct UdpHeader {
    Be16 source_port;
    Be16 destination_port;
    Be16 length;
    Be16 checksum;
};
static_assert(sizeof(UdpHeader) == 8 && alignof(UdpHeader) == 1);

}  // namespace causeway
