// SPDX-License-Identifier: Apache-2.0
//
// Which addresses of a connected subnet may be a host's.
#pragma once

#include <string_view>

#include "base/types.h"

namespace causeway {

// What an address of the subnet is called that no host may have; empty where one may.
//
// RFC 1122 3.2.1.3: the network's and the broadcast address; in a /31 and a /32 there are none (RFC
// 3021).
[[nodiscard]] constexpr std::string_view reserved_name(Ipv4Prefix subnet,
                                                       Ipv4Address address) noexcept {
    if (subnet.length() >= 31) return {};
    if (address == subnet.first()) return "network";
    return address == subnet.last() ? "broadcast" : std::string_view{};
}
// RFC 4291 2.6.1: the routers' anycast address; in a /127 there is none (RFC 6164 6).
[[nodiscard]] constexpr std::string_view reserved_name(Ipv6Prefix subnet,
                                                       Ipv6Address address) noexcept {
    if (subnet.length() >= 127) return {};
    return address == subnet.first() ? "subnet-router anycast" : std::string_view{};
}

template <class Address>
[[nodiscard]] constexpr bool is_host_of(Prefix<Address> subnet, Address address) noexcept {
    return subnet.contains(address) && reserved_name(subnet, address).empty();
}

}  // namespace causeway
