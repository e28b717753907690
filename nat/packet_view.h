// SPDX-License-Identifier: Apache-2.0
//
// What the NAT reads of an IPv4 packet, and how it rewrites one endpoint of it. Bytes in, bytes
// out: whose buffer it is does not matter. All lengths are checked here, so that what stands behind
// may trust a PacketView.
#pragma once

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

// In place: a view that is copied behind its small stores waits for them.
void read_packet(PacketView& view, std::uint8_t* layer3, std::size_t bytes, Extent extent) noexcept;
[[nodiscard]] PacketView view_of(std::uint8_t* layer3, std::size_t bytes, Extent extent) noexcept;

// ICMP types of RFC 792 that base/headers.h has no use for.
inline constexpr std::uint8_t kIcmpParameterProblem = 12;
inline constexpr std::uint8_t kIcmpTimestamp = 13;
inline constexpr std::uint8_t kIcmpTimestampReply = 14;

// Whether a packet may begin a flow: TCP's first SYN, an ICMP request, any UDP.
[[nodiscard]] bool may_begin(const PacketView& packet) noexcept;

enum class End : std::uint8_t { kSource, kDestination };

// Differences of 16-bit words, to be added to a checksum (RFC 1624 eqn. 3). Words are as they lie
// in memory; a sum does not care.
class ChecksumDelta {
  public:
    void replace(std::uint16_t before, std::uint16_t after) noexcept {
        sum_ += (0xffffU ^ before) + std::uint32_t{after};
    }
    void replace32(std::uint32_t before, std::uint32_t after) noexcept {
        replace(static_cast<std::uint16_t>(before), static_cast<std::uint16_t>(after));
        replace(static_cast<std::uint16_t>(before >> 16), static_cast<std::uint16_t>(after >> 16));
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

// Rewrites one address, and nothing of layer 4: of a later fragment.
void rewrite_address(PacketView& packet, End end, Ipv4Address address) noexcept;
// Rewrites one endpoint and the checksums that cover it. A UDP checksum of zero, which says that
// there is none, stays (RFC 768). Checksums that were wrong remain wrong by as much.
void rewrite_endpoint(PacketView& packet, End end, Endpoint endpoint) noexcept;
// Likewise of a packet that an ICMP error quotes; the delta is for the checksum of the error.
void rewrite_quoted(PacketView& quoted, End end, Endpoint endpoint, ChecksumDelta& delta) noexcept;

}  // namespace causeway
