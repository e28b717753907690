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

// IPv4's protocol field and IPv6's next header; IPv6's extension headers have numbers among them.
enum class IpProtocol : std::uint8_t {
    kHopByHopOptions = 0,
    kIcmp = 1,
    kTcp = 6,
    kUdp = 17,
    kRouting = 43,
    kFragment = 44,
    kAuthentication = 51,
    kIcmpv6 = 58,
    kDestinationOptions = 60,
};

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

// An IPv6 address as it lies in a packet.
class WireIpv6Address {
  public:
    constexpr WireIpv6Address() noexcept = default;
    constexpr explicit WireIpv6Address(Ipv6Address address) noexcept
        : high_(address.high()), low_(address.low()) {}
    [[nodiscard]] constexpr Ipv6Address host() const noexcept {
        return {high_.host(), low_.host()};
    }
    // The halves as they lie in memory, for comparisons and hashes that do not care about order.
    [[nodiscard]] constexpr std::uint64_t wire_high() const noexcept { return high_.wire(); }
    [[nodiscard]] constexpr std::uint64_t wire_low() const noexcept { return low_.wire(); }
    friend constexpr bool operator==(WireIpv6Address, WireIpv6Address) = default;

  private:
    Be64 high_;
    Be64 low_;
};
static_assert(sizeof(WireIpv6Address) == 16 && alignof(WireIpv6Address) == 1);

// RFC 8200 3.
struct Ipv6Header {
    Be32 version_class_label;  // 4, 8 and 20 bits
    Be16 payload_length;       // of all behind this header, extension headers included
    std::uint8_t next_header;
    std::uint8_t hop_limit;
    WireIpv6Address source;
    WireIpv6Address destination;

    static constexpr std::uint32_t kVersion6 = 6U << 28;

    [[nodiscard]] constexpr unsigned version() const noexcept {
        return version_class_label.host() >> 28;
    }
};
static_assert(sizeof(Ipv6Header) == 40 && alignof(Ipv6Header) == 1);
static_assert(offsetof(Ipv6Header, hop_limit) == 7 && offsetof(Ipv6Header, destination) == 24);

// RFC 8200 4.5.
struct Ipv6FragmentHeader {
    std::uint8_t next_header;
    std::uint8_t reserved;
    Be16 offset_more;  // the offset in units of eight bytes (13 bits), two of zero, more fragments
    Be32 identification;

    static constexpr std::uint16_t kMoreFragments = 1;

    // Whether it is of a part only; a whole packet may have this header, too (RFC 6946).
    [[nodiscard]] constexpr bool is_fragment() const noexcept {
        return (offset_more.host() & ~6U) != 0;
    }
};
static_assert(sizeof(Ipv6FragmentHeader) == 8 && alignof(Ipv6FragmentHeader) == 1);

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

enum class Icmpv6Type : std::uint8_t {
    kUnreachable = 1,
    kPacketTooBig = 2,
    kTimeExceeded = 3,
    kParameterProblem = 4,
    kEchoRequest = 128,
    kEchoReply = 129,
    kRouterSolicitation = 133,  // this and the following four: RFC 4861 4
    kRouterAdvertisement = 134,
    kNeighbourSolicitation = 135,
    kNeighbourAdvertisement = 136,
    kRedirect = 137,
};

// RFC 4443 2.1; the checksum is taken over a pseudo-header too (2.3). What the four bytes behind it
// mean depends on the type: the MTU (3.2), identifier and sequence (4.1), flags (RFC 4861 4.4).
struct Icmpv6Header {
    std::uint8_t type;
    std::uint8_t code;
    Be16 checksum;
    Be32 rest;
};
static_assert(sizeof(Icmpv6Header) == 8 && alignof(Icmpv6Header) == 1);

// RFC 4861 4.3, 4.4: neighbour solicitation and advertisement; options follow.
struct NeighbourMessage {
    Icmpv6Header icmp;  // rest: the flags of an advertisement, else zero
    WireIpv6Address target;

    static constexpr std::uint32_t kRouter = 1U << 31;
    static constexpr std::uint32_t kSolicited = 1U << 30;
    static constexpr std::uint32_t kOverride = 1U << 29;
};
static_assert(sizeof(NeighbourMessage) == 24 && alignof(NeighbourMessage) == 1);

// RFC 4861 4.6.1, for Ethernet (RFC 2464 6). Every option begins with type and length.
struct LinkLayerOption {
    std::uint8_t type;
    std::uint8_t length;  // in units of eight bytes: 1
    MacAddress address;

    static constexpr std::uint8_t kSource = 1;
    static constexpr std::uint8_t kTarget = 2;
};
static_assert(sizeof(LinkLayerOption) == 8 && alignof(LinkLayerOption) == 1);

// RFC 9293 3.1, without options.
inline constexpr std::size_t kTcpHeaderBytes = 20;

struct UdpHeader {
    Be16 source_port;
    Be16 destination_port;
    Be16 length;
    Be16 checksum;
};
static_assert(sizeof(UdpHeader) == 8 && alignof(UdpHeader) == 1);

}  // namespace causeway
