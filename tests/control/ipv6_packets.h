// SPDX-License-Identifier: Apache-2.0
//
// IPv6 packets and what they say, for the tests of the slow path. Sums are taken here byte by byte
// (RFC 1071, RFC 8200 8.1), independently of base/checksum.h.
#pragma once

#include <cstring>
#include <optional>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/headers.h"
#include "base/text.h"
#include "tests/control/slow_path_fixture.h"

namespace causeway::test {

[[nodiscard]] inline Ipv6Address v6(std::string_view text) {
    const auto address = parse_ipv6_address(text);
    CHECK(address.has_value());
    return *address;
}
[[nodiscard]] inline Ipv6Prefix net6(std::string_view text) {
    const auto prefix = parse_ipv6_prefix(text);
    CHECK(prefix.has_value());
    return *prefix;
}

template <class T>
void lay(Frame& bytes, const T& value) {
    const auto* const first = reinterpret_cast<const std::uint8_t*>(&value);
    bytes.insert(bytes.end(), first, first + sizeof value);
}

struct Ipv6Packet {
    std::string_view source;
    std::string_view destination;
    std::uint8_t next_header = 17;
    std::uint8_t hop_limit = 64;
    Frame payload = Frame(40);

    [[nodiscard]] Frame bytes() const {
        Ipv6Header header{};
        header.version_class_label = Be32(Ipv6Header::kVersion6);
        header.payload_length = Be16(static_cast<std::uint16_t>(payload.size()));
        header.next_header = next_header;
        header.hop_limit = hop_limit;
        header.source = WireIpv6Address(v6(source));
        header.destination = WireIpv6Address(v6(destination));
        Frame packet;
        lay(packet, header);
        packet.insert(packet.end(), payload.begin(), payload.end());
        return packet;
    }
};

// The sum of the pseudo-header and of what follows the IPv6 header; 0xffff where it is right.
[[nodiscard]] inline std::uint32_t icmpv6_sum(const Frame& packet) {
    std::uint64_t sum = packet.size() - 40 + 58;
    for (std::size_t i = 8; i < packet.size(); ++i) sum += packet[i] * (i % 2 == 0 ? 256ULL : 1ULL);
    while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint32_t>(sum);
}

// With a checksum that is right now.
inline void seal_icmpv6(Frame& packet) {
    packet[42] = packet[43] = 0;
    const std::uint32_t checksum = 0xffff - icmpv6_sum(packet);
    packet[42] = static_cast<std::uint8_t>(checksum >> 8);
    packet[43] = static_cast<std::uint8_t>(checksum);
}

[[nodiscard]] inline Frame icmpv6_packet(const char* source, const char* destination,
                                         std::uint8_t type, std::size_t body = 4,
                                         std::uint8_t hop_limit = 64) {
    Frame payload(4 + body);
    payload[0] = type;
    for (std::size_t i = 4; i < payload.size(); ++i) payload[i] = static_cast<std::uint8_t>(i);
    Frame packet = Ipv6Packet{source, destination, 58, hop_limit, payload}.bytes();
    seal_icmpv6(packet);
    return packet;
}

struct NdPacket {
    const char* source;
    const char* destination;
    const char* target;
    std::uint8_t type = 135;
    std::uint32_t flags = 0;
    std::optional<MacAddress> mac = kNeighbourMac;

    [[nodiscard]] Frame bytes() const {
        NeighbourMessage message{};
        message.icmp.type = type;
        message.icmp.rest = Be32(flags);
        message.target = WireIpv6Address(v6(target));
        Frame payload;
        lay(payload, message);
        if (mac)
            lay(payload, LinkLayerOption{type == 135 ? std::uint8_t{1} : std::uint8_t{2}, 1, *mac});
        Frame packet = Ipv6Packet{source, destination, 58, 255, payload}.bytes();
        seal_icmpv6(packet);
        return packet;
    }
};

// The bed with IPv6 beside IPv4:
//
//   edge   2001:db8:15::/126, we are ::2, the customer is ::1
//   core   2001:db8:2::/64, we are ::fe
class DualStackFixture : public SlowPathFixture {
  protected:
    explicit DualStackFixture(const SlowRates& rates = {}) : SlowPathFixture(rates) {
        add_ipv6(kEdge, {v6("2001:db8:15::2"), net6("2001:db8:15::/126"), v6("2001:db8:15::1")});
        add_ipv6(kCore, {v6("2001:db8:2::fe"), net6("2001:db8:2::/64"), {}});
    }

    void add_ipv6(AttachmentId id, const IpInterface<Ipv6Address>& interface) {
        Attachment attachment = *bed_.attachments.find(id);
        attachment.ipv6 = interface;
        bed_.attachments.put(attachment);
        CHECK(bed_.ribs
                  .add(kVrf, interface.subnet, RouteSource::kConnected,
                       special_group(AdjacencyKind::kUnresolved))
                  .has_value());
        CHECK(bed_.ribs
                  .add(kVrf, Ipv6Prefix::of(interface.address, 128), RouteSource::kConnected,
                       special_group(AdjacencyKind::kLocal))
                  .has_value());
    }
    // 2001:db8:1::/48 lies behind the customer, 2001:db8:3::/48 behind a router of the core.
    NextHopId route_to_customer() { return route("2001:db8:1::/48", customer_); }
    NextHopId route_to_core() { return route("2001:db8:3::/48", core_); }
    void resolve_ipv6() {
        (void)route_to_customer();
        (void)route_to_core();
        bed_.neighbours.learn(customer_, kNeighbourMac, bed_.now_ns);
        bed_.neighbours.learn(core_, kNeighbourMac, bed_.now_ns);
    }
    NextHopId route(std::string_view prefix, const NeighbourKey& neighbour) {
        const auto next_hop = bed_.neighbours.acquire(neighbour, bed_.now_ns);
        CHECK(next_hop.has_value());
        const GroupMember member{.next_hop = *next_hop, .weight = 1};
        const auto group = bed_.next_hops->acquire_group({&member, 1});
        CHECK(group.has_value());
        CHECK(bed_.ribs.add(kVrf, net6(prefix), RouteSource::kStatic, *group).has_value());
        return *next_hop;
    }
    // As a worker hands it up.
    void handle(AttachmentId in, Exit exit, const Frame& packet) {
        const FrameBuilder builder = in == kEdge ? from_customer() : from_core();
        Frame frame = FrameBuilder(builder).type(0x86dd).bytes();
        frame.insert(frame.end(), packet.begin(), packet.end());
        bed_.handle(in, exit, frame);
    }

    static constexpr const char* kLinkLocal = "fe80::ca:ff:fe00:1";  // of kRouterMac
    const NeighbourKey customer_{kEdge, v6("2001:db8:15::1")};
    const NeighbourKey core_{kCore, v6("2001:db8:2::1")};
};

}  // namespace causeway::test
