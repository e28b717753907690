// SPDX-License-Identifier: Apache-2.0
//
// Addresses and prefixes of either family, compared.
#pragma once

#include <type_traits>
#include <variant>

#include "base/types.h"

namespace causeway {

[[nodiscard]] constexpr bool is_same_family(const IpAddress& address,
                                            const IpPrefix& prefix) noexcept {
    return std::holds_alternative<Ipv4Address>(address) ==
           std::holds_alternative<Ipv4Prefix>(prefix);
}

// Whether `inner` is `outer` or lies in it; of two families never.
[[nodiscard]] constexpr bool contains(const IpPrefix& outer, const IpPrefix& inner) noexcept {
    return std::visit(
        [](auto a, auto b) {
            if constexpr (std::is_same_v<decltype(a), decltype(b)>) {
                return a.contains(b);
            } else {
                return false;
            }
        },
        outer, inner);
}

// The /32 or /128 of an address.
template <class Address>
[[nodiscard]] constexpr Prefix<Address> host_prefix(Address address) noexcept {
    return Prefix<Address>::of(address, Address::kBits);
}
[[nodiscard]] constexpr IpPrefix host_prefix(const IpAddress& address) noexcept {
    return std::visit([](auto one) { return IpPrefix(host_prefix(one)); }, address);
}

}  // namespace causeway
