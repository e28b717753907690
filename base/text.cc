// SPDX-License-Identifier: Apache-2.0
#include "base/text.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace causeway {
namespace {

// Takes decimal digits off the front of `text`; nothing where there are none, a leading zero, or
// more than `max`.
std::optional<unsigned> take_number(std::string_view& text, unsigned max) noexcept {
    unsigned value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const auto digits = static_cast<std::size_t>(end - text.data());
    if (error != std::errc{} || value > max || (digits > 1 && text[0] == '0')) return std::nullopt;
    text.remove_prefix(digits);
    return value;
}

bool take(std::string_view& text, char expected) noexcept {
    if (text.empty() || text[0] != expected) return false;
    text.remove_prefix(1);
    return true;
}

std::optional<Ipv4Address> take_address(std::string_view& text) noexcept {
    std::uint32_t value = 0;
    for (int octet = 0; octet < 4; ++octet) {
        if (octet > 0 && !take(text, '.')) return std::nullopt;
        const auto number = take_number(text, 255);
        if (!number) return std::nullopt;
        value = value << 8 | *number;
    }
    return Ipv4Address(value);
}

}  // namespace

std::string to_string(Ipv4Address address) {
    std::string text;
    for (int shift = 24; shift >= 0; shift -= 8) {
        text += std::to_string(address.value() >> shift & 0xff);
        if (shift > 0) text += '.';
    }
    return text;
}

std::string to_string(Ipv4Prefix prefix) {
    return to_string(prefix.address()) + '/' + std::to_string(prefix.length());
}

std::string to_string(Ipv6Address address) {
    std::array<std::uint8_t, 16> bytes;
    for (std::size_t i = 0; i < 8; ++i) {
        bytes[i] = static_cast<std::uint8_t>(address.high() >> (56 - 8 * i));
        bytes[i + 8] = static_cast<std::uint8_t>(address.low() >> (56 - 8 * i));
    }
    std::array<char, INET6_ADDRSTRLEN> text;
    return ::inet_ntop(AF_INET6, bytes.data(), text.data(), text.size());
}

std::string to_string(Ipv6Prefix prefix) {
    return to_string(prefix.address()) + '/' + std::to_string(prefix.length());
}

std::string to_string(const IpAddress& address) {
    return std::visit([](auto one) { return to_string(one); }, address);
}

std::string to_string(const IpPrefix& prefix) {
    return std::visit([](auto one) { return to_string(one); }, prefix);
}

std::string to_string(const MacAddress& mac) {
    static constexpr char kHex[] = "0123456789abcdef";
    std::string text;
    for (const std::uint8_t byte : mac.bytes) {
        if (!text.empty()) text += ':';
        text += kHex[byte >> 4];
        text += kHex[byte & 15];
    }
    return text;
}

std::string_view to_string(Link link) noexcept {
    return link == Link::kPrimary ? "primary" : "secondary";
}

std::string_view to_string(PeeringType type) noexcept {
    return type == PeeringType::kPrivate ? "private" : "microsoft";
}

std::string_view to_string(PortRole role) noexcept {
    return role == PortRole::kEdge ? "edge" : "core";
}

std::optional<Ipv4Address> parse_ipv4_address(std::string_view text) noexcept {
    const auto address = take_address(text);
    return text.empty() ? address : std::nullopt;
}

std::optional<Ipv4Prefix> parse_ipv4_prefix(std::string_view text) noexcept {
    const auto address = take_address(text);
    if (!address || !take(text, '/')) return std::nullopt;
    const auto length = take_number(text, 32);
    if (!length || !text.empty()) return std::nullopt;
    return Ipv4Prefix::from(*address, static_cast<int>(*length));
}

std::optional<Ipv6Address> parse_ipv6_address(std::string_view text) noexcept {
    std::array<char, INET6_ADDRSTRLEN> terminated{};
    if (text.size() >= terminated.size() || text.find('\0') != text.npos) return std::nullopt;
    std::copy(text.begin(), text.end(), terminated.begin());
    std::array<std::uint8_t, 16> bytes;
    if (::inet_pton(AF_INET6, terminated.data(), bytes.data()) != 1) return std::nullopt;
    Uint128 value = 0;
    for (const std::uint8_t byte : bytes) value = value << 8 | byte;
    return Ipv6Address(value);
}

std::optional<Ipv6Prefix> parse_ipv6_prefix(std::string_view text) noexcept {
    const std::size_t slash = text.find('/');
    if (slash == text.npos) return std::nullopt;
    const auto address = parse_ipv6_address(text.substr(0, slash));
    std::string_view rest = text.substr(slash + 1);
    const auto length = take_number(rest, 128);
    if (!address || !length || !rest.empty()) return std::nullopt;
    return Ipv6Prefix::from(*address, static_cast<int>(*length));
}

std::optional<IpAddress> parse_ip_address(std::string_view text) noexcept {
    if (text.find(':') == text.npos) return parse_ipv4_address(text);
    return parse_ipv6_address(text);
}

std::optional<IpPrefix> parse_ip_prefix(std::string_view text) noexcept {
    if (text.find(':') == text.npos) return parse_ipv4_prefix(text);
    return parse_ipv6_prefix(text);
}

std::optional<MacAddress> parse_mac(std::string_view text) noexcept {
    MacAddress mac;
    for (std::size_t i = 0; i < mac.bytes.size(); ++i) {
        if (i > 0 && !take(text, ':')) return std::nullopt;
        if (text.size() < 2) return std::nullopt;
        const auto [end, error] = std::from_chars(text.data(), text.data() + 2, mac.bytes[i], 16);
        if (error != std::errc{} || end != text.data() + 2) return std::nullopt;
        text.remove_prefix(2);
    }
    return text.empty() ? std::optional(mac) : std::nullopt;
}

}  // namespace causeway
