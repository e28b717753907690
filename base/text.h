// SPDX-License-Identifier: Apache-2.0
//
// Addresses to text and back. For configuration, answers and tests; nothing on the packet path.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/types.h"

namespace causeway {

[[nodiscard]] std::string to_string(Ipv4Address address);
[[nodiscard]] std::string to_string(Ipv4Prefix prefix);
[[nodiscard]] std::string to_string(Ipv6Address address);  // RFC 5952
[[nodiscard]] std::string to_string(Ipv6Prefix prefix);
[[nodiscard]] std::string to_string(const IpAddress& address);
[[nodiscard]] std::string to_string(const IpPrefix& prefix);
[[nodiscard]] std::string to_string(const MacAddress& mac);
[[nodiscard]] std::string_view to_string(Link link) noexcept;         // primary, secondary
[[nodiscard]] std::string_view to_string(PeeringType type) noexcept;  // private, microsoft
[[nodiscard]] std::string_view to_string(PortRole role) noexcept;     // edge, core

// Strict: four decimal octets without leading zeros or blanks; a prefix has a length and no host
// bits.
[[nodiscard]] std::optional<Ipv4Address> parse_ipv4_address(std::string_view text) noexcept;
[[nodiscard]] std::optional<Ipv4Prefix> parse_ipv4_prefix(std::string_view text) noexcept;
// Any spelling of RFC 4291 2.2, without a zone.
[[nodiscard]] std::optional<Ipv6Address> parse_ipv6_address(std::string_view text) noexcept;
[[nodiscard]] std::optional<Ipv6Prefix> parse_ipv6_prefix(std::string_view text) noexcept;
[[nodiscard]] std::optional<IpAddress> parse_ip_address(std::string_view text) noexcept;
[[nodiscard]] std::optional<IpPrefix> parse_ip_prefix(std::string_view text) noexcept;
[[nodiscard]] std::optional<MacAddress> parse_mac(std::string_view text) noexcept;

}  // namespace causeway
