// SPDX-License-Identifier: Apache-2.0
//
// Ranges of addresses that a configuration may not use everywhere: RFC 6890 and what it cites.
// Documentation ranges (RFC 5737, 3849, 9637) are in none of these tables: laboratories use them as
// the public internet.
#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/types.h"

namespace causeway {

template <class Address>
struct AddressRange {
    Prefix<Address> prefix;
    std::string_view name;
};

namespace detail {

constexpr Ipv4Prefix ipv4_range(std::uint32_t address, int length) {
    return Ipv4Prefix::of(Ipv4Address(address), length);
}
// Of a prefix no longer than 64 bits.
constexpr Ipv6Prefix ipv6_range(std::uint64_t high, int length) {
    return Ipv6Prefix::of(Ipv6Address(high, 0), length);
}

inline constexpr std::array<AddressRange<Ipv4Address>, 4> kIpv4NeverUnicast{{
    {ipv4_range(0x00000000, 8), "\"this\" network"},
    {ipv4_range(0x7f000000, 8), "loopback"},
    {ipv4_range(0xe0000000, 4), "multicast"},
    {ipv4_range(0xf0000000, 4), "reserved"},
}};
inline constexpr std::array<AddressRange<Ipv4Address>, 9> kIpv4NotPublic{{
    {ipv4_range(0x0a000000, 8), "private, RFC 1918"},
    {ipv4_range(0xac100000, 12), "private, RFC 1918"},
    {ipv4_range(0xc0a80000, 16), "private, RFC 1918"},
    {ipv4_range(0x64400000, 10), "shared, RFC 6598"},
    {ipv4_range(0xa9fe0000, 16), "link-local"},
    {ipv4_range(0x00000000, 8), "\"this\" network"},
    {ipv4_range(0x7f000000, 8), "loopback"},
    {ipv4_range(0xe0000000, 4), "multicast"},
    {ipv4_range(0xf0000000, 4), "reserved"},
}};

// Every link has link-local addresses of its own, so none of them leads anywhere else.
inline constexpr std::array<AddressRange<Ipv6Address>, 4> kIpv6NeverUnicast{{
    {Ipv6Prefix::of(Ipv6Address(0, 0), 96), "unspecified, loopback or IPv4-compatible"},
    {Ipv6Prefix::of(Ipv6Address(0, 0xffff'0000'0000), 96), "IPv4-mapped"},
    {ipv6_range(0xfe80'0000'0000'0000, 10), "link-local"},
    {ipv6_range(0xff00'0000'0000'0000, 8), "multicast"},
}};
// All but 2000::/3, in which IANA assigns global unicast addresses (RFC 4291 2.4, RFC 3587).
inline constexpr std::array<AddressRange<Ipv6Address>, 7> kIpv6NotPublic{{
    {ipv6_range(0xfc00'0000'0000'0000, 7), "unique local, RFC 4193"},
    {ipv6_range(0xfe80'0000'0000'0000, 10), "link-local"},
    {ipv6_range(0xfec0'0000'0000'0000, 10), "site-local, RFC 3879"},
    {ipv6_range(0xff00'0000'0000'0000, 8), "multicast"},
    {ipv6_range(0x0000'0000'0000'0000, 3), "not global unicast"},
    {ipv6_range(0x4000'0000'0000'0000, 2), "not global unicast"},
    {ipv6_range(0x8000'0000'0000'0000, 1), "not global unicast"},
}};

}  // namespace detail

// What no network of hosts can have.
template <class Address>
[[nodiscard]] constexpr std::span<const AddressRange<Address>> never_unicast() noexcept {
    if constexpr (std::same_as<Address, Ipv4Address>) {
        return detail::kIpv4NeverUnicast;
    } else {
        return detail::kIpv6NeverUnicast;
    }
}
// What is not the public internet's.
template <class Address>
[[nodiscard]] constexpr std::span<const AddressRange<Address>> not_public() noexcept {
    if constexpr (std::same_as<Address, Ipv4Address>) {
        return detail::kIpv4NotPublic;
    } else {
        return detail::kIpv6NotPublic;
    }
}

}  // namespace causeway
