// SPDX-License-Identifier: Apache-2.0
#include "control/slow_path/icmpv6.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "base/check.h"
#include "base/checksum.h"
#include "base/headers.h"
#include "base/ipv6.h"

namespace causeway {
namespace {

constexpr std::size_t kHeaders = sizeof(Ipv6Header) + sizeof(Icmpv6Header);
// RFC 4443 2.1: types below are errors, types from here on are information.
constexpr std::uint8_t kFirstInformation = 128;

struct TypeAndCode {
    Icmpv6Type type;
    std::uint8_t code;
};
constexpr TypeAndCode type_and_code(IcmpError error) noexcept {
    switch (error) {
        case IcmpError::kNetworkUnreachable:
            return {Icmpv6Type::kUnreachable, 0};
        case IcmpError::kProhibited:
            return {Icmpv6Type::kUnreachable, 1};
        case IcmpError::kHostUnreachable:
            return {Icmpv6Type::kUnreachable, 3};
        case IcmpError::kPortUnreachable:
            return {Icmpv6Type::kUnreachable, 4};
        case IcmpError::kTooBig:
            return {Icmpv6Type::kPacketTooBig, 0};
        case IcmpError::kTimeExceeded:
            return {Icmpv6Type::kTimeExceeded, 0};
        case IcmpError::kProtocolUnreachable:
            return {Icmpv6Type::kParameterProblem, 1};
    }
    return {Icmpv6Type::kUnreachable, 0};
}

const Ipv6Header& ipv6(std::span<const std::uint8_t> packet) noexcept {
    return *reinterpret_cast<const Ipv6Header*>(packet.data());
}

// Of the packet, not of the buffer: padding behind it does not count.
std::size_t length_of(std::span<const std::uint8_t> packet) noexcept {
    return std::min<std::size_t>(sizeof(Ipv6Header) + ipv6(packet).payload_length.host(),
                                 packet.size());
}

bool is_extension(std::uint8_t next_header) noexcept {
    switch (static_cast<IpProtocol>(next_header)) {
        case IpProtocol::kHopByHopOptions:
        case IpProtocol::kRouting:
        case IpProtocol::kFragment:
        case IpProtocol::kDestinationOptions:
            return true;
        default:
            return false;
    }
}

// In wire order, as checksum_sum() counts.
std::uint64_t pseudo_header_sum(const Ipv6Header& header, std::size_t payload) noexcept {
    const Be32 length(static_cast<std::uint32_t>(payload));
    const Be32 next(static_cast<std::uint32_t>(IpProtocol::kIcmpv6));
    const auto* const addresses = reinterpret_cast<const std::uint8_t*>(&header.source);
    return checksum_sum({addresses, 2 * sizeof(WireIpv6Address)},
                        std::uint64_t{length.wire()} + next.wire());
}

// RFC 8200 4.5: where the part that this fragment carries lies in the whole, in units of 8 bytes.
unsigned fragment_offset(std::span<const std::uint8_t> extension) noexcept {
    Ipv6FragmentHeader header;
    std::memcpy(&header, extension.data(), sizeof header);
    return header.offset_more.host() >> 3U;
}

std::uint16_t checksum_over(std::span<const std::uint8_t> packet) noexcept {
    const auto payload = packet.subspan(sizeof(Ipv6Header));
    return static_cast<std::uint16_t>(
        ~checksum_fold(checksum_sum(payload, pseudo_header_sum(ipv6(packet), payload.size()))));
}

}  // namespace

std::optional<UpperLayer> upper_layer(std::span<const std::uint8_t> packet) noexcept {
    if (packet.size() < sizeof(Ipv6Header)) return std::nullopt;
    const auto whole = packet.first(length_of(packet));
    std::size_t next_at = offsetof(Ipv6Header, next_header);
    std::size_t at = sizeof(Ipv6Header);
    while (is_extension(whole[next_at])) {
        constexpr std::size_t kUnit = 8;
        if (whole.size() < at + kUnit) return std::nullopt;
        const bool is_fragment = static_cast<IpProtocol>(whole[next_at]) == IpProtocol::kFragment;
        const std::size_t size = is_fragment ? kUnit : (whole[at + 1] + std::size_t{1}) * kUnit;
        if (whole.size() < at + size) return std::nullopt;
        next_at = at;
        if (is_fragment && fragment_offset(whole.subspan(at)) != 0) {
            if (is_extension(whole[next_at])) return std::nullopt;
            return UpperLayer{.protocol = whole[next_at], .next_header_at = next_at, .bytes = {}};
        }
        at += size;
    }
    return UpperLayer{
        .protocol = whole[next_at], .next_header_at = next_at, .bytes = whole.subspan(at)};
}

bool may_be_answered_with_icmpv6_error(std::span<const std::uint8_t> packet,
                                       IcmpError error) noexcept {
    if (packet.size() < sizeof(Ipv6Header)) return false;
    const Ipv6Address source = ipv6(packet).source.host();
    if (is_unspecified(source) || is_multicast(source) || is_loopback(source)) return false;
    const bool is_too_big = error == IcmpError::kTooBig;
    if (is_multicast(ipv6(packet).destination.host()) && !is_too_big) return false;
    const auto upper = upper_layer(packet);
    if (!upper) return false;
    if (static_cast<IpProtocol>(upper->protocol) != IpProtocol::kIcmpv6) return true;
    return !upper->bytes.empty() && upper->bytes[0] >= kFirstInformation &&
           upper->bytes[0] != static_cast<std::uint8_t>(Icmpv6Type::kRedirect);
}

std::size_t write_icmpv6_error(std::span<std::uint8_t> room, IcmpError error, std::uint32_t mtu,
                               Ipv6Address source, std::span<const std::uint8_t> packet) noexcept {
    CHECK(room.size() >= kIcmpv6ErrorBytesMax);
    CHECK(packet.size() >= sizeof(Ipv6Header));
    const std::size_t quoted = std::min(length_of(packet), kIcmpv6ErrorBytesMax - kHeaders);
    const auto [type, code] = type_and_code(error);
    Icmpv6Header icmp{};
    icmp.type = static_cast<std::uint8_t>(type);
    icmp.code = code;
    if (error == IcmpError::kTooBig) icmp.rest = Be32(mtu);
    if (error == IcmpError::kProtocolUnreachable) {
        const auto upper = upper_layer(packet);
        CHECK(upper.has_value());
        icmp.rest = Be32(static_cast<std::uint32_t>(upper->next_header_at));
    }
    std::memcpy(room.data() + sizeof(Ipv6Header), &icmp, sizeof icmp);
    std::memcpy(room.data() + kHeaders, packet.data(), quoted);
    finish_icmpv6(room.first(kHeaders + quoted),
                  {.source = source, .destination = ipv6(packet).source.host()});
    return kHeaders + quoted;
}

bool is_icmpv6_echo_request(std::span<const std::uint8_t> packet) noexcept {
    if (packet.size() < kHeaders) return false;
    const auto message = packet.first(length_of(packet)).subspan(sizeof(Ipv6Header));
    return message.size() >= sizeof(Icmpv6Header) &&
           message[0] == static_cast<std::uint8_t>(Icmpv6Type::kEchoRequest) && message[1] == 0 &&
           has_good_icmpv6_checksum(packet);
}

void turn_into_icmpv6_echo_reply(std::span<std::uint8_t> packet) noexcept {
    const auto whole = packet.first(length_of(packet));
    whole[sizeof(Ipv6Header)] = static_cast<std::uint8_t>(Icmpv6Type::kEchoReply);
    finish_icmpv6(whole, {.source = ipv6(packet).destination.host(),
                          .destination = ipv6(packet).source.host()});
}

bool has_good_icmpv6_checksum(std::span<const std::uint8_t> packet) noexcept {
    if (static_cast<IpProtocol>(ipv6(packet).next_header) != IpProtocol::kIcmpv6) return false;
    return checksum_over(packet.first(length_of(packet))) == 0;
}

void finish_icmpv6(std::span<std::uint8_t> packet, const Icmpv6Envelope& envelope) noexcept {
    CHECK(packet.size() >= kHeaders);
    Ipv6Header header{};
    header.version_class_label = Be32(Ipv6Header::kVersion6);
    header.payload_length = Be16(static_cast<std::uint16_t>(packet.size() - sizeof header));
    header.next_header = static_cast<std::uint8_t>(IpProtocol::kIcmpv6);
    header.hop_limit = envelope.hop_limit;
    header.source = WireIpv6Address(envelope.source);
    header.destination = WireIpv6Address(envelope.destination);
    std::memcpy(packet.data(), &header, sizeof header);

    Icmpv6Header icmp;
    std::memcpy(&icmp, packet.data() + sizeof header, sizeof icmp);
    icmp.checksum = Be16();
    std::memcpy(packet.data() + sizeof header, &icmp, sizeof icmp);
    icmp.checksum = Be16::from_wire(checksum_over(packet));
    std::memcpy(packet.data() + sizeof header, &icmp, sizeof icmp);
}

}  // namespace causeway
