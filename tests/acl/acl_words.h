// SPDX-License-Identifier: Apache-2.0
//
// Rules and packets said briefly.
#pragma once

#include <string>
#include <utility>

#include "acl/packet_view.h"
#include "acl/rule.h"
#include "tests/support/frame_builder.h"

namespace causeway::test {

inline const AclAction kPermitAction{.verdict = AclVerdict::kPermit};
inline const AclAction kDenyAction{.verdict = AclVerdict::kDeny};

inline constexpr std::uint8_t kIcmp = 1;
inline constexpr std::uint8_t kTcp = 6;
inline constexpr std::uint8_t kUdp = 17;
inline constexpr std::uint8_t kIcmpv6 = 58;

// A rule of this name; the rest is set member by member.
[[nodiscard]] inline AclRule rule(std::string name, AclAction action = kDenyAction) {
    AclRule some;
    some.name = std::move(name);
    some.action = action;
    return some;
}
[[nodiscard]] inline AddressMatch any_of(std::vector<IpPrefix> prefixes) {
    return {.prefixes = std::move(prefixes), .sets = {}};
}
[[nodiscard]] inline PortMatch any_of(std::vector<PortRange> ranges) {
    return {.ranges = std::move(ranges), .sets = {}};
}
[[nodiscard]] inline AclPacket tcp(const char* source, const char* destination,
                                   AclPacket::Ports ports, std::uint8_t flags = 2) {
    return {.source = ip(source),
            .destination = ip(destination),
            .protocol = kTcp,
            .ports = ports,
            .icmp = std::nullopt,
            .tcp_flags = flags};
}

}  // namespace causeway::test
