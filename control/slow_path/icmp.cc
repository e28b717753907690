// SPDX-License-Identifier: Apache-2.0
#include "control/slow_path/icmp.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/checksum.h"
#include "base/headers.h"

namespace causeway {
namespace {

// RFC 1812 4.3.2.5: errors travel at precedence 6, internetwork control.
constexpr std::uint8_t kInternetworkControl = 0xc0;
constexpr std::uint8_t kTtl = 64;

struct TypeAndCode {
    IcmpType type;
    std::uint8_t code;
};
constexpr TypeAndCode type_and_code(IcmpError error) noexcept {
    switch (error) {
        case IcmpError::kNetworkUnreachable:
            return {IcmpType::kUnreachable, 0};
        case IcmpError::kHostUnreachable:
            return {IcmpType::kUnreachable, 1};
        case IcmpError::kProtocolUnreachable:
            return {IcmpType::kUnreachable, 2};
        case IcmpError::kPortUnreachable:
            return {IcmpType::kUnreachable, 3};
        case IcmpError::kTooBig:
            return {IcmpType::kUnreachable, 4};
        case IcmpError::kProhibited:
            return {IcmpType::kUnreachable, 13};
        case IcmpError::kTimeExceeded:
            return {IcmpType::kTimeExceeded, 0};
    }
    return {IcmpType::kUnreachable, 0};
}

const Ipv4Header& ipv4(std::span<const std::uint8_t> packet) noexcept {
    return *reinterpret_cast<const Ipv4Header*>(packet.data());
}

// Of the packet, not of the buffer: padding behind it does not count.
std::span<const std::uint8_t> payload_of(std::span<const std::uint8_t> packet) noexcept {
    const std::size_t total =
        std::min<std::size_t>(ipv4(packet).total_length.host(), packet.size());
    const std::size_t header = std::min(ipv4(packet).header_bytes(), total);
    return packet.subspan(header, total - header);
}

// RFC 1122 3.2.2 and RFC 1812 4.3.2.7: these say something went wrong, and are never answered.
bool is_icmp_error(std::uint8_t type) noexcept {
    constexpr std::array<std::uint8_t, 5> kErrors{3, 4, 5, 11, 12};
    return std::ranges::find(kErrors, type) != kErrors.end();
}

}  // namespace

bool may_be_answered_with_error(std::span<const std::uint8_t> packet) noexcept {
    if (packet.size() < sizeof(Ipv4Header)) return false;
    const Ipv4Header& header = ipv4(packet);
    if ((header.flags_fragment.host() & Ipv4Header::kOffsetMask) != 0) return false;
    const std::uint32_t source = header.source.host();
    if (source >> 24 == 0 || source >> 24 == 127 || source >> 28 >= 0xe) return false;
    if (static_cast<IpProtocol>(header.protocol) != IpProtocol::kIcmp) return true;
    const auto payload = payload_of(packet);
    return !payload.empty() && !is_icmp_error(payload[0]);
}

std::size_t write_icmp_error(std::span<std::uint8_t> room, IcmpError error, std::uint16_t mtu,
                             Ipv4Address source, std::span<const std::uint8_t> packet) noexcept {
    CHECK(room.size() >= kIcmpErrorBytesMax);
    CHECK(packet.size() >= sizeof(Ipv4Header));
    constexpr std::size_t kHeaders = sizeof(Ipv4Header) + sizeof(IcmpHeader);
    const std::size_t original =
        std::min<std::size_t>(ipv4(packet).total_length.host(), packet.size());
    const std::size_t quoted = std::min(original, kIcmpErrorBytesMax - kHeaders);
    const std::size_t total = kHeaders + quoted;

    const auto [type, code] = type_and_code(error);
    IcmpHeader icmp{};
    icmp.type = static_cast<std::uint8_t>(type);
    icmp.code = code;
    if (error == IcmpError::kTooBig) icmp.rest_low = Be16(mtu);
    std::memcpy(room.data() + sizeof(Ipv4Header), &icmp, sizeof icmp);
    std::memcpy(room.data() + kHeaders, packet.data(), quoted);
    icmp.checksum =
        Be16::from_wire(checksum_of(room.subspan(sizeof(Ipv4Header), total - sizeof(Ipv4Header))));
    std::memcpy(room.data() + sizeof(Ipv4Header), &icmp, sizeof icmp);

    Ipv4Header header{};
    header.version_ihl = 0x45;
    header.dscp_ecn = kInternetworkControl;
    header.total_length = Be16(static_cast<std::uint16_t>(total));
    header.ttl = kTtl;
    header.protocol = static_cast<std::uint8_t>(IpProtocol::kIcmp);
    header.source = Be32(source.value());
    header.destination = ipv4(packet).source;
    std::memcpy(room.data(), &header, sizeof header);
    header.checksum = Be16::from_wire(checksum_of(room.first(sizeof header)));
    std::memcpy(room.data(), &header, sizeof header);
    return total;
}

bool is_echo_request(std::span<const std::uint8_t> packet) noexcept {
    if (packet.size() < sizeof(Ipv4Header)) return false;
    const Ipv4Header& header = ipv4(packet);
    constexpr std::uint16_t kFragment = Ipv4Header::kMoreFragments | Ipv4Header::kOffsetMask;
    if ((header.flags_fragment.host() & kFragment) != 0) return false;
    if (static_cast<IpProtocol>(header.protocol) != IpProtocol::kIcmp) return false;
    const auto payload = payload_of(packet);
    return payload.size() >= sizeof(IcmpHeader) &&
           payload[0] == static_cast<std::uint8_t>(IcmpType::kEchoRequest) && payload[1] == 0 &&
           checksum_fold(checksum_sum(payload)) == 0xffff;
}

void turn_into_echo_reply(std::span<std::uint8_t> packet) noexcept {
    auto& header = *reinterpret_cast<Ipv4Header*>(packet.data());
    std::swap(header.source, header.destination);
    header.ttl = kTtl;
    header.checksum = Be16();
    header.checksum = Be16::from_wire(checksum_of(packet.first(header.header_bytes())));

    auto& icmp = *reinterpret_cast<IcmpHeader*>(packet.data() + header.header_bytes());
    icmp.type = static_cast<std::uint8_t>(IcmpType::kEchoReply);
    // Summed anew: an update (RFC 1624) of a message that is all zeros now would leave a sum of
    // zero, which no receiver takes.
    icmp.checksum = Be16();
    icmp.checksum = Be16::from_wire(checksum_of(payload_of(packet)));
}

}  // namespace causeway
