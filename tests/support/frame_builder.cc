// SPDX-License-Identifier: Apache-2.0
#include "tests/support/frame_builder.h"

#include <cstring>

#include "base/check.h"
#include "base/checksum.h"
#include "base/text.h"

namespace causeway::test {
namespace {

constexpr std::uint8_t kExperiment = 253;  // RFC 3692 2.1

template <class T>
void append(std::vector<std::uint8_t>& bytes, const T& value) {
    const auto* at = reinterpret_cast<const std::uint8_t*>(&value);
    bytes.insert(bytes.end(), at, at + sizeof value);
}

}  // namespace

Ipv4Address ip(std::string_view text) {
    const auto address = parse_ipv4_address(text);
    CHECK(address.has_value());
    return *address;
}

Ipv4Prefix prefix(std::string_view text) {
    const auto parsed = parse_ipv4_prefix(text);
    CHECK(parsed.has_value());
    return *parsed;
}

Ipv6Address ip6(std::string_view text) {
    const auto address = parse_ipv6_address(text);
    CHECK(address.has_value());
    return *address;
}

Ipv6Prefix prefix6(std::string_view text) {
    const auto parsed = parse_ipv6_prefix(text);
    CHECK(parsed.has_value());
    return *parsed;
}

FrameBuilder& FrameBuilder::to(MacAddress mac) {
    ethernet_.destination = mac;
    return *this;
}
FrameBuilder& FrameBuilder::from(MacAddress mac) {
    ethernet_.source = mac;
    return *this;
}
FrameBuilder& FrameBuilder::tag(std::uint16_t tpid, std::uint16_t vid, std::uint8_t priority) {
    const auto tci = static_cast<std::uint16_t>(priority << 13 | vid);
    tags_.push_back({.tci = Be16(tci), .type = Be16(tpid)});
    return *this;
}
FrameBuilder& FrameBuilder::tags(std::uint16_t outer, std::uint16_t inner) {
    return tag(0x8100, outer).tag(0x8100, inner);
}
FrameBuilder& FrameBuilder::type(std::uint16_t ether_type) {
    type_ = ether_type;
    return *this;
}
FrameBuilder& FrameBuilder::ipv4(std::string_view source, std::string_view destination) {
    ipv4_ = Ipv4Header{};
    ipv4_->version_ihl = 0x45;
    ipv4_->ttl = 64;
    ipv4_->protocol = kExperiment;
    ipv4_->source = Be32(ip(source).value());
    ipv4_->destination = Be32(ip(destination).value());
    return *this;
}
FrameBuilder& FrameBuilder::dscp_ecn(std::uint8_t value) {
    if (ipv6_) {
        ipv6_->version_class_label = Be32(Ipv6Header::kVersion6 | std::uint32_t{value} << 20);
    } else {
        ipv4_->dscp_ecn = value;
    }
    return *this;
}
FrameBuilder& FrameBuilder::ttl(std::uint8_t ttl) {
    (ipv6_ ? ipv6_->hop_limit : ipv4_->ttl) = ttl;
    return *this;
}
FrameBuilder& FrameBuilder::dont_fragment() {
    ipv4_->flags_fragment = Be16(Ipv4Header::kDontFragment);
    return *this;
}
FrameBuilder& FrameBuilder::fragment(std::uint16_t offset_bytes,
                                     std::uint16_t ipv4_more_fragments_bit) {
    if (!ipv6_) {
        ipv4_->flags_fragment =
            Be16(static_cast<std::uint16_t>(ipv4_more_fragments_bit | offset_bytes / 8));
        return *this;
    }
    const unsigned more = ipv4_more_fragments_bit != 0 ? Ipv6FragmentHeader::kMoreFragments : 0U;
    Extension header{.protocol = IpProtocol::kFragment, .bytes = {}};
    append(header.bytes,
           Ipv6FragmentHeader{.next_header = 0,
                              .reserved = 0,
                              .offset_more = Be16(static_cast<std::uint16_t>(offset_bytes | more)),
                              .identification = Be32(0x1234'5678)});
    extensions_.push_back(std::move(header));
    return *this;
}
FrameBuilder& FrameBuilder::ipv6(std::string_view source, std::string_view destination) {
    ipv6_ = Ipv6Header{};
    ipv6_->version_class_label = Be32(Ipv6Header::kVersion6);
    ipv6_->next_header = kExperiment;
    ipv6_->hop_limit = 64;
    ipv6_->source = WireIpv6Address(ip6(source));
    ipv6_->destination = WireIpv6Address(ip6(destination));
    return *this;
}
FrameBuilder& FrameBuilder::extension(IpProtocol protocol, std::size_t bytes) {
    Extension header{.protocol = protocol, .bytes = std::vector<std::uint8_t>(bytes)};
    const std::size_t length =
        protocol == IpProtocol::kAuthentication ? bytes / 4 - 2 : bytes / 8 - 1;
    header.bytes.at(1) = static_cast<std::uint8_t>(length);
    if (protocol == IpProtocol::kRouting) header.bytes.at(2) = 4;  // RFC 8754: none of type 0
    extensions_.push_back(std::move(header));
    return *this;
}
FrameBuilder& FrameBuilder::source_route() {
    extension(IpProtocol::kRouting);
    extensions_.back().bytes.at(2) = 0;
    return *this;
}
FrameBuilder& FrameBuilder::payload_length(std::uint16_t value) {
    payload_length_ = value;
    return *this;
}
FrameBuilder& FrameBuilder::options(std::size_t bytes) {
    options_.assign(bytes, 1);
    return *this;
}
FrameBuilder& FrameBuilder::option_at(std::size_t n, std::uint8_t value) {
    if (options_.size() <= n) options_.resize((n / 4 + 1) * 4, 1);
    options_[n] = value;
    return *this;
}
FrameBuilder& FrameBuilder::first_byte(std::uint8_t value) {
    first_byte_ = value;
    return *this;
}
FrameBuilder& FrameBuilder::total_length(std::uint16_t value) {
    total_length_ = value;
    return *this;
}
FrameBuilder& FrameBuilder::bad_checksum() {
    is_checksum_bad_ = true;
    return *this;
}
FrameBuilder& FrameBuilder::udp(std::uint16_t source_port, std::uint16_t destination_port) {
    set_protocol(IpProtocol::kUdp);
    layer4_.clear();
    append(layer4_, UdpHeader{.source_port = Be16(source_port),
                              .destination_port = Be16(destination_port),
                              .length = Be16(sizeof(UdpHeader)),
                              .checksum = Be16()});  // RFC 768: zero, not computed
    return *this;
}
FrameBuilder& FrameBuilder::tcp(std::uint16_t source_port, std::uint16_t destination_port) {
    set_protocol(IpProtocol::kTcp);
    layer4_.assign(20, 0);
    const Be16 ports[2] = {Be16(source_port), Be16(destination_port)};
    std::memcpy(layer4_.data(), ports, sizeof ports);
    layer4_[12] = 5 << 4;
    return *this;
}
FrameBuilder& FrameBuilder::echo_request(std::uint16_t identifier, std::uint16_t sequence) {
    set_protocol(IpProtocol::kIcmp);
    IcmpHeader icmp{};
    icmp.type = static_cast<std::uint8_t>(IcmpType::kEchoRequest);
    icmp.rest_high = Be16(identifier);
    icmp.rest_low = Be16(sequence);
    layer4_.clear();
    append(layer4_, icmp);
    icmp.checksum = Be16::from_wire(checksum_of(layer4_));
    layer4_.clear();
    append(layer4_, icmp);
    return *this;
}
FrameBuilder& FrameBuilder::icmpv6(Icmpv6Type type, std::size_t body_bytes) {
    set_protocol(IpProtocol::kIcmpv6);
    layer4_.clear();
    append(layer4_,
           Icmpv6Header{
               .type = static_cast<std::uint8_t>(type), .code = 0, .checksum = {}, .rest = {}});
    return payload(body_bytes);
}
FrameBuilder& FrameBuilder::neighbour_discovery(Icmpv6Type type, std::string_view target) {
    (void)icmpv6(type);
    append(layer4_, WireIpv6Address(ip6(target)));
    return ttl(255);
}
FrameBuilder& FrameBuilder::payload(std::size_t bytes) {
    layer4_.resize(layer4_.size() + bytes, 0);
    return *this;
}
FrameBuilder& FrameBuilder::arp(ArpOperation operation, MacAddress sender_mac,
                                std::string_view sender, std::string_view target) {
    ethernet_.source = sender_mac;
    arp_ = ArpHeader{.hardware_type = Be16(1),
                     .protocol_type = Be16(0x0800),
                     .hardware_length = 6,
                     .protocol_length = 4,
                     .operation = Be16(static_cast<std::uint16_t>(operation)),
                     .sender_mac = sender_mac,
                     .sender_address = Be32(ip(sender).value()),
                     .target_mac = {},
                     .target_address = Be32(ip(target).value())};
    return *this;
}
FrameBuilder& FrameBuilder::pad_to(std::size_t bytes) {
    pad_to_ = bytes;
    return *this;
}
FrameBuilder& FrameBuilder::cut_to(std::size_t bytes) {
    cut_to_ = bytes;
    return *this;
}

std::vector<std::uint8_t> FrameBuilder::layer3() const {
    std::vector<std::uint8_t> bytes;
    if (arp_) {
        append(bytes, *arp_);
        return bytes;
    }
    if (ipv6_) return ipv6_packet();
    return ipv4_ ? ipv4_packet() : layer4_;
}

std::vector<std::uint8_t> FrameBuilder::ipv4_packet() const {
    std::vector<std::uint8_t> bytes;
    Ipv4Header header = *ipv4_;
    const std::size_t header_bytes = sizeof header + options_.size();
    header.version_ihl = first_byte_.value_or(static_cast<std::uint8_t>(0x40 | header_bytes / 4));
    header.total_length =
        Be16(total_length_.value_or(static_cast<std::uint16_t>(header_bytes + layer4_.size())));
    append(bytes, header);
    bytes.insert(bytes.end(), options_.begin(), options_.end());
    header.checksum = Be16::from_wire(checksum_of(bytes));
    if (is_checksum_bad_) {
        header.checksum = Be16(static_cast<std::uint16_t>(header.checksum.host() ^ 0x0101U));
    }
    std::memcpy(bytes.data(), &header, sizeof header);
    bytes.insert(bytes.end(), layer4_.begin(), layer4_.end());
    return bytes;
}

std::vector<std::uint8_t> FrameBuilder::ipv6_packet() const {
    std::vector<std::uint8_t> behind;  // the header
    std::uint8_t next = ipv6_->next_header;
    for (auto extension = extensions_.rbegin(); extension != extensions_.rend(); ++extension) {
        behind.insert(behind.begin(), extension->bytes.begin(), extension->bytes.end());
        behind[0] = next;
        next = static_cast<std::uint8_t>(extension->protocol);
    }
    std::vector<std::uint8_t> layer4 = layer4_;
    if (ipv6_->next_header == static_cast<std::uint8_t>(IpProtocol::kIcmpv6)) {
        // RFC 8200 8.1: the sum covers a pseudo-header, too.
        std::vector<std::uint8_t> summed;
        append(summed, ipv6_->source);
        append(summed, ipv6_->destination);
        append(summed, Be32(static_cast<std::uint32_t>(layer4.size())));
        append(summed, Be32(ipv6_->next_header));
        summed.insert(summed.end(), layer4.begin(), layer4.end());
        const std::uint16_t checksum = checksum_of(summed);
        std::memcpy(layer4.data() + offsetof(Icmpv6Header, checksum), &checksum, sizeof checksum);
    }
    behind.insert(behind.end(), layer4.begin(), layer4.end());

    Ipv6Header header = *ipv6_;
    header.next_header = next;
    header.payload_length =
        Be16(payload_length_.value_or(static_cast<std::uint16_t>(behind.size())));
    std::vector<std::uint8_t> bytes;
    append(bytes, header);
    if (first_byte_) bytes[0] = *first_byte_;
    bytes.insert(bytes.end(), behind.begin(), behind.end());
    return bytes;
}

void FrameBuilder::set_protocol(IpProtocol protocol) {
    (ipv6_ ? ipv6_->next_header : ipv4_->protocol) = static_cast<std::uint8_t>(protocol);
}

std::vector<std::uint8_t> FrameBuilder::bytes() const {
    std::vector<std::uint8_t> bytes;
    append(bytes, ethernet_.destination);
    append(bytes, ethernet_.source);
    for (const VlanTag& tag : tags_) {
        append(bytes, tag.type);
        append(bytes, tag.tci);
    }
    const EtherType usual = arp_ ? EtherType::kArp : ipv6_ ? EtherType::kIpv6 : EtherType::kIpv4;
    append(bytes, Be16(type_.value_or(static_cast<std::uint16_t>(usual))));
    const std::vector<std::uint8_t> inner = layer3();
    bytes.insert(bytes.end(), inner.begin(), inner.end());
    if (bytes.size() < pad_to_) bytes.resize(pad_to_, 0);
    if (bytes.size() > cut_to_) bytes.resize(cut_to_);
    return bytes;
}

}  // namespace causeway::test
