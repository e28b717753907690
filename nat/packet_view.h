// SPDX-License-Identifier: Apache-2.0
//
// What the NAT reads of an IPv4 packet, and how it rewrites one endpoint of it. Bytes in, bytes
// out: whose buffer it is does not matter. All lengths are checked here, so that what stands behind
// may trust a PacketView.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "base/headers.h"
#include "base/types.h"
#include "nat/flow.h"

namespace causeway {

enum class PacketShape : std::uint8_t {
    kFlow,           // TCP, UDP or an ICMP query, whole or a first fragment
    kIcmpError,      // whole
    kLaterFragment,  // no ports in it
    kMalformed,
    kForeign,  // of another protocol, or ICMP that is neither query nor error
};

// Whether an embedded packet must be there as a whole, or may end after its ports: an ICMP error
// quotes no more than eight bytes of layer 4 (RFC 792).
enum class Extent : std::uint8_t { kWhole, kQuoted };

struct PacketView {
    std::uint8_t* layer3 = nullptr;
    std::uint8_t* layer4 = nullptr;
    std::uint16_t layer4_bytes = 0;
    PacketShape shape = PacketShape::kMalformed;
    NatProtocol protocol = NatProtocol::kTcp;
    bool is_fragment = false;
    std::uint8_t tcp_flags = 0;
    Endpoint source;
    Endpoint destination;

    [[nodiscard]] Ipv4Header& header() const noexcept {
        return *reinterpret_cast<Ipv4Header*>(layer3);
    }
};

[[nodiscard]] PacketView view_of(std::uint8_t* layer3, std::size_t bytes, Extent extent) noexcept;

// From the beginning of layer 4, in bytes.
inline constexpr std::size_t kTcpFlagsAt = 13;
inline constexpr std::size_t kTcpChecksumAt = 16;
inline constexpr std::size_t kUdpChecksumAt = offsetof(UdpHeader, checksum);

// ICMP types of RFC 792 that base/headers.h has no use for.
inline constexpr std::uint8_t kIcmpParameterProblem = 12;
inline constexpr std::uint8_t kIcmpTimestamp = 13;
inline constexpr std::uint8_t kIcmpTimestampReply = 14;

// Whether a packet may begin a flow: TCP's first SYN, an ICMP request, any UDP.
[[nodiscard]] bool may_begin(const PacketView& packet) noexcept;
// Of TCP: a SYN that is neither an answer nor an end.
[[nodiscard]] bool is_first_segment(std::uint8_t tcp_flags) noexcept;

enum class End : std::uint8_t { kSource, kDestination };

// Differences of 16-bit words, to be added to a checksum (RFC 1624 eqn. 3). Words are as they lie
// in memory; a sum does not care.
class ChecksumDelta {
  public:
    void replace(std::uint16_t before, std::uint16_t after) noexcept {
        sum_ += (0xffffU ^ before) + std::uint32_t{after};
    }
    // Both words at once: 2^16 is 1 in one's complement of 16 bits, so the carry of one may go into
    // the other (RFC 1071 2).
    void replace32(std::uint32_t before, std::uint32_t after) noexcept {
        const std::uint64_t sum = std::uint64_t{~before} + after;
        sum_ += static_cast<std::uint32_t>((sum & 0xffffU) + (sum >> 16));
    }
    void add(const ChecksumDelta& other) noexcept { sum_ += other.sum_; }
    [[nodiscard]] std::uint16_t applied(std::uint16_t checksum) const noexcept {
        std::uint32_t sum = (0xffffU ^ checksum) + sum_;
        sum = (sum & 0xffffU) + (sum >> 16);
        sum = (sum & 0xffffU) + (sum >> 16);
        return static_cast<std::uint16_t>(~sum);
    }

  private:
    std::uint32_t sum_ = 0;
};

// The key of a whole TCP or UDP packet without IP options, which nearly all are, as a look at
// its view would find it; false of any other packet.
template <NatDirection direction>
[[nodiscard]] inline bool read_flow(FlowKey& key, const std::uint8_t* layer3, std::size_t bytes,
                                    NatPoolId pool) noexcept {
    constexpr std::size_t kUdpLeast = sizeof(Ipv4Header) + sizeof(UdpHeader);
    constexpr std::size_t kTcpLeast = sizeof(Ipv4Header) + 20;  // RFC 9293 3.1
    if (bytes < kUdpLeast) return false;
    const auto& header = *reinterpret_cast<const Ipv4Header*>(layer3);
    const bool is_tcp = header.protocol == static_cast<std::uint8_t>(IpProtocol::kTcp);
    const bool is_udp = header.protocol == static_cast<std::uint8_t>(IpProtocol::kUdp);
    const std::size_t total = header.total_length.host();
    constexpr Be16 kFragment(Ipv4Header::kMoreFragments | Ipv4Header::kOffsetMask);
    if (header.version_ihl != 0x45 || (header.flags_fragment.wire() & kFragment.wire()) != 0 ||
        !(is_tcp || is_udp) || total > bytes || total < (is_tcp ? kTcpLeast : kUdpLeast)) {
        return false;
    }
    std::uint64_t address_words;
    std::uint32_t port_words;
    std::memcpy(&address_words, layer3 + offsetof(Ipv4Header, source), sizeof address_words);
    std::memcpy(&port_words, layer3 + sizeof header, sizeof port_words);
    const std::uint64_t addresses = Be64::from_wire(address_words).host();
    const std::uint32_t ports = Be32::from_wire(port_words).host();
    const NatProtocol protocol = is_tcp ? NatProtocol::kTcp : NatProtocol::kUdp;
    constexpr bool kIsOutbound = direction == NatDirection::kOutbound;
    key.addresses = kIsOutbound ? addresses : std::rotl(addresses, 32);
    key.rest = std::uint64_t{static_cast<std::uint8_t>(protocol)} << 32 |
               (kIsOutbound ? ports : std::rotl(ports, 16));
    if (kIsOutbound) key.rest |= (std::uint64_t{pool.value()} + 1) << 48;
    return true;
}
// The flags of TCP of a packet that read_flow() has read; zero where it is UDP.
[[nodiscard]] inline std::uint8_t tcp_flags_of(const std::uint8_t* layer3,
                                               NatProtocol protocol) noexcept {
    return protocol == NatProtocol::kTcp ? layer3[sizeof(Ipv4Header) + kTcpFlagsAt]
                                         : std::uint8_t{0};
}
// Rewrites one endpoint of such a packet, and the checksums that cover it.
inline void rewrite_flow(std::uint8_t* layer3, NatProtocol protocol, End end,
                         Endpoint endpoint) noexcept {
    auto& header = *reinterpret_cast<Ipv4Header*>(layer3);
    Be32& address = end == End::kSource ? header.source : header.destination;
    auto& port = *reinterpret_cast<Be16*>(layer3 + sizeof header + (end == End::kSource ? 0 : 2));
    const Be32 new_address(endpoint.address.value());
    const Be16 new_port(endpoint.port);
    ChecksumDelta delta;
    delta.replace32(address.wire(), new_address.wire());
    header.checksum = Be16::from_wire(delta.applied(header.checksum.wire()));
    delta.replace(port.wire(), new_port.wire());
    address = new_address;
    port = new_port;
    if (protocol == NatProtocol::kTcp) {
        auto& checksum = *reinterpret_cast<Be16*>(layer3 + sizeof header + kTcpChecksumAt);
        checksum = Be16::from_wire(delta.applied(checksum.wire()));
        return;
    }
    auto& checksum = *reinterpret_cast<Be16*>(layer3 + sizeof header + kUdpChecksumAt);
    if (checksum.wire() == 0) return;
    const std::uint16_t after = delta.applied(checksum.wire());
    checksum = Be16::from_wire(after == 0 ? std::uint16_t{0xffff} : after);
}

// Rewrites one address, and nothing of layer 4: of a later fragment.
void rewrite_address(PacketView& packet, End end, Ipv4Address address) noexcept;
// Rewrites one endpoint and the checksums that cover it. A UDP checksum of zero, which says that
// there is none, stays (RFC 768). Checksums that were wrong remain wrong by as much.
void rewrite_endpoint(PacketView& packet, End end, Endpoint endpoint) noexcept;
// Likewise of a packet that an ICMP error quotes; the delta is for the checksum of the error.
void rewrite_quoted(PacketView& quoted, End end, Endpoint endpoint, ChecksumDelta& delta) noexcept;

}  // namespace causeway
