// SPDX-License-Identifier: Apache-2.0
//
// FrameBuilder: frames said in one sentence.
//
//   frame().tags(10, 100).ipv4("10.1.0.10", "10.2.0.10").udp(4000, 53).bytes()
//   frame().tags(10, 100).ipv6("2001:db8:1::10", "2001:db8:2::10").tcp(4000, 443).bytes()
//
// Lengths and checksums come right by themselves, unless a test says otherwise.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/headers.h"
#include "base/types.h"

namespace causeway::test {

inline constexpr MacAddress kRouterMac{{0x02, 0xca, 0x00, 0x00, 0x00, 0x01}};
inline constexpr MacAddress kCustomerMac{{0x02, 0x00, 0x00, 0x00, 0x00, 0x11}};

[[nodiscard]] Ipv4Address ip(std::string_view text);     // CHECKs that it is one
[[nodiscard]] Ipv4Prefix prefix(std::string_view text);  // likewise
[[nodiscard]] Ipv6Address ip6(std::string_view text);
[[nodiscard]] Ipv6Prefix prefix6(std::string_view text);

class FrameBuilder {
  public:
    FrameBuilder& to(MacAddress mac);
    FrameBuilder& from(MacAddress mac);
    FrameBuilder& tag(std::uint16_t tpid, std::uint16_t vid, std::uint8_t priority = 0);
    FrameBuilder& tags(std::uint16_t outer, std::uint16_t inner);  // both 0x8100
    FrameBuilder& type(std::uint16_t ether_type);

    FrameBuilder& ipv4(std::string_view source, std::string_view destination);
    FrameBuilder& dont_fragment();
    FrameBuilder& options(std::size_t bytes);  // of no-operation, a multiple of four
    // Makes the n-th byte of the options this one; those before it are no-operations.
    FrameBuilder& option_at(std::size_t n, std::uint8_t value);
    FrameBuilder& total_length(std::uint16_t value);  // as it stands, right or wrong
    FrameBuilder& bad_checksum();

    FrameBuilder& ipv6(std::string_view source, std::string_view destination);
    // An extension header between what stands so far and layer 4, of this many bytes; its options
    // are Pad1.
    FrameBuilder& extension(IpProtocol protocol, std::size_t bytes = 8);
    FrameBuilder& source_route();                       // a routing header of type 0 (RFC 5095)
    FrameBuilder& payload_length(std::uint16_t value);  // as it stands, right or wrong

    // Of either family.
    FrameBuilder& dscp_ecn(std::uint8_t value);
    FrameBuilder& ttl(std::uint8_t ttl);           // or the hop limit
    FrameBuilder& first_byte(std::uint8_t value);  // of layer 3, as it stands, right or wrong
    FrameBuilder& fragment(std::uint16_t offset_bytes, std::uint16_t ipv4_more_fragments_bit);
    FrameBuilder& udp(std::uint16_t source_port, std::uint16_t destination_port);
    FrameBuilder& tcp(std::uint16_t source_port, std::uint16_t destination_port);
    FrameBuilder& echo_request(std::uint16_t identifier, std::uint16_t sequence);
    FrameBuilder& icmpv6(Icmpv6Type type, std::size_t body_bytes = 0);  // zeros behind the header
    FrameBuilder& neighbour_discovery(Icmpv6Type type, std::string_view target);  // hop limit 255
    FrameBuilder& payload(std::size_t bytes);
    FrameBuilder& arp(ArpOperation operation, MacAddress sender_mac, std::string_view sender,
                      std::string_view target);
    FrameBuilder& pad_to(std::size_t bytes);  // of the frame, without FCS
    FrameBuilder& cut_to(std::size_t bytes);

    [[nodiscard]] std::vector<std::uint8_t> bytes() const;

  private:
    struct Extension {
        IpProtocol protocol;
        std::vector<std::uint8_t> bytes;  // the first one, the next header, is set in layer3()
    };
    void set_protocol(IpProtocol protocol);
    [[nodiscard]] std::vector<std::uint8_t> layer3() const;
    [[nodiscard]] std::vector<std::uint8_t> ipv4_packet() const;
    [[nodiscard]] std::vector<std::uint8_t> ipv6_packet() const;

    EthernetHeader ethernet_{kRouterMac, kCustomerMac, Be16()};
    std::vector<VlanTag> tags_;  // type: the tag's own TPID, until bytes() shifts them
    std::optional<std::uint16_t> type_;
    std::optional<Ipv4Header> ipv4_;
    std::optional<std::uint16_t> total_length_;
    std::vector<std::uint8_t> options_;
    std::optional<Ipv6Header> ipv6_;  // next_header: of layer 4
    std::vector<Extension> extensions_;
    std::optional<std::uint16_t> payload_length_;
    std::optional<std::uint8_t> first_byte_;
    std::vector<std::uint8_t> layer4_;
    std::optional<ArpHeader> arp_;
    bool is_checksum_bad_ = false;
    std::size_t pad_to_ = 0;
    std::size_t cut_to_ = SIZE_MAX;
};

[[nodiscard]] inline FrameBuilder frame() {
    return {};
}

}  // namespace causeway::test
