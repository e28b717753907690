// SPDX-License-Identifier: Apache-2.0
//
// FPM frames as zebra writes them, from the values that they mean.
#pragma once

#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>
#include <vector>

#include "base/endian.h"
#include "base/headers.h"
#include "control/fpm/fpm_messages.h"

namespace causeway::test {

using WireBytes = std::vector<std::uint8_t>;

template <class T>
void put(WireBytes& bytes, const T& value) {
    static_assert(std::is_trivially_copyable_v<T>);
    const std::size_t end = bytes.size();
    bytes.resize(end + sizeof value);
    std::memcpy(bytes.data() + end, &value, sizeof value);
}

inline void pad(WireBytes& bytes) {
    bytes.resize((bytes.size() + 3) & ~std::size_t{3});
}

inline void put_attribute(WireBytes& bytes, unsigned type, std::span<const std::uint8_t> value) {
    put(bytes, rtattr{.rta_len = static_cast<std::uint16_t>(sizeof(rtattr) + value.size()),
                      .rta_type = static_cast<std::uint16_t>(type)});
    bytes.insert(bytes.end(), value.begin(), value.end());
    pad(bytes);
}

inline WireBytes wire(std::uint32_t value) {
    WireBytes bytes;
    put(bytes, value);
    return bytes;
}

inline WireBytes wire(const IpAddress& address) {
    WireBytes bytes;
    if (const auto* ipv4 = std::get_if<Ipv4Address>(&address)) {
        put(bytes, Be32(ipv4->value()));
    } else {
        put(bytes, WireIpv6Address(std::get<Ipv6Address>(address)));
    }
    return bytes;
}

[[nodiscard]] inline std::uint8_t family_of(const IpAddress& address) {
    return std::holds_alternative<Ipv4Address>(address) ? AF_INET : AF_INET6;
}

// A netlink message around its body.
inline WireBytes netlink(unsigned type, const WireBytes& body) {
    WireBytes bytes;
    put(bytes, nlmsghdr{.nlmsg_len = static_cast<std::uint32_t>(sizeof(nlmsghdr) + body.size()),
                        .nlmsg_type = static_cast<std::uint16_t>(type),
                        .nlmsg_flags = NLM_F_REQUEST,
                        .nlmsg_seq = 0,
                        .nlmsg_pid = 0});
    bytes.insert(bytes.end(), body.begin(), body.end());
    pad(bytes);
    return bytes;
}

inline void put_gateway(WireBytes& bytes, std::uint8_t family, const IpAddress& gateway) {
    if (family_of(gateway) == family) return put_attribute(bytes, RTA_GATEWAY, wire(gateway));
    WireBytes via;
    put(via, std::uint16_t{family_of(gateway)});
    const WireBytes address = wire(gateway);
    via.insert(via.end(), address.begin(), address.end());
    put_attribute(bytes, RTA_VIA, via);
}

inline void put_hops(WireBytes& bytes, std::uint8_t family, const FpmWay& way) {
    if (way.hops.size() == 1 && way.hops[0].weight == 1) {
        if (way.hops[0].gateway) put_gateway(bytes, family, *way.hops[0].gateway);
        if (way.hops[0].interface != 0) put_attribute(bytes, RTA_OIF, wire(way.hops[0].interface));
        return;
    }
    WireBytes multipath;
    for (const FpmHop& hop : way.hops) {
        WireBytes inner;
        if (hop.gateway) put_gateway(inner, family, *hop.gateway);
        put(multipath,
            rtnexthop{.rtnh_len = static_cast<std::uint16_t>(sizeof(rtnexthop) + inner.size()),
                      .rtnh_flags = 0,
                      .rtnh_hops = static_cast<std::uint8_t>(hop.weight - 1),
                      .rtnh_ifindex = static_cast<int>(hop.interface)});
        multipath.insert(multipath.end(), inner.begin(), inner.end());
    }
    put_attribute(bytes, RTA_MULTIPATH, multipath);
}

[[nodiscard]] inline std::uint8_t type_of(FpmAction action) {
    switch (action) {
        case FpmAction::kForward:
            return RTN_UNICAST;
        case FpmAction::kBlackhole:
            return RTN_BLACKHOLE;
        case FpmAction::kUnreachable:
            return RTN_UNREACHABLE;
        case FpmAction::kProhibit:
            return RTN_PROHIBIT;
    }
    return RTN_UNSPEC;
}

// The head of a route message: what additions and deletions share.
inline WireBytes route_body(const FpmRouteKey& key, std::uint8_t protocol, std::uint8_t type,
                            std::uint32_t metric) {
    const IpAddress address =
        std::visit([](const auto& prefix) { return IpAddress(prefix.address()); }, key.prefix);
    const int length = std::visit([](const auto& prefix) { return prefix.length(); }, key.prefix);
    WireBytes body;
    put(body, rtmsg{.rtm_family = family_of(address),
                    .rtm_dst_len = static_cast<std::uint8_t>(length),
                    .rtm_src_len = 0,
                    .rtm_tos = 0,
                    .rtm_table = static_cast<std::uint8_t>(key.table < 256 ? key.table : 0),
                    .rtm_protocol = protocol,
                    .rtm_scope = RT_SCOPE_UNIVERSE,
                    .rtm_type = type,
                    .rtm_flags = 0});
    if (length != 0) put_attribute(body, RTA_DST, wire(address));
    if (key.table >= 256) put_attribute(body, RTA_TABLE, wire(key.table));
    put_attribute(body, RTA_PRIORITY, wire(metric));
    return body;
}

inline WireBytes encode(const FpmSetRoute& route) {
    const auto* way = std::get_if<FpmWay>(&route.via);
    const FpmAction action = way != nullptr ? way->action : FpmAction::kForward;
    WireBytes body = route_body(route.key, route.protocol, type_of(action), route.metric);
    const bool is_ipv4 = std::holds_alternative<Ipv4Prefix>(route.key.prefix);
    if (way == nullptr) {
        put_attribute(body, RTA_NH_ID, wire(std::get<NextHopObjectId>(route.via).value()));
    } else if (action == FpmAction::kForward) {
        put_hops(body, is_ipv4 ? AF_INET : AF_INET6, *way);
    }
    return netlink(RTM_NEWROUTE, body);
}

inline WireBytes encode(const FpmDeleteRoute& route) {
    return netlink(RTM_DELROUTE, route_body(route.key, route.protocol, RTN_UNICAST, route.metric));
}

inline WireBytes next_hop_body(std::uint8_t family, NextHopObjectId id) {
    WireBytes body;
    put(body, nhmsg{.nh_family = family,
                    .nh_scope = 0,
                    .nh_protocol = RTPROT_ZEBRA,
                    .resvd = 0,
                    .nh_flags = 0});
    put_attribute(body, NHA_ID, wire(id.value()));
    return body;
}

inline WireBytes encode(const FpmSetNextHop& next_hop) {
    if (const auto* members = std::get_if<FpmGroupMembers>(&next_hop.object)) {
        WireBytes body = next_hop_body(AF_UNSPEC, next_hop.id);
        WireBytes group;
        for (const FpmGroupMember& member : *members) {
            nexthop_grp entry{};
            entry.id = member.id.value();
            entry.weight = static_cast<std::uint8_t>(member.weight - 1);
            put(group, entry);
        }
        put_attribute(body, NHA_GROUP, group);
        return netlink(RTM_NEWNEXTHOP, body);
    }
    const auto& way = std::get<FpmWay>(next_hop.object);
    const bool has_gateway = !way.hops.empty() && way.hops[0].gateway.has_value();
    WireBytes body =
        next_hop_body(has_gateway ? family_of(*way.hops[0].gateway) : AF_INET, next_hop.id);
    if (way.action == FpmAction::kBlackhole) put_attribute(body, NHA_BLACKHOLE, {});
    if (has_gateway) put_attribute(body, NHA_GATEWAY, wire(*way.hops[0].gateway));
    if (!way.hops.empty() && way.hops[0].interface != 0)
        put_attribute(body, NHA_OIF, wire(way.hops[0].interface));
    return netlink(RTM_NEWNEXTHOP, body);
}

inline WireBytes encode(const FpmDeleteNextHop& next_hop) {
    return netlink(RTM_DELNEXTHOP, next_hop_body(AF_UNSPEC, next_hop.id));
}

inline WireBytes encode(const FpmMessage& message) {
    return std::visit([](const auto& one) { return encode(one); }, message);
}

// An FPM frame around netlink messages.
inline WireBytes frame(std::span<const WireBytes> messages) {
    std::size_t size = 4;
    for (const WireBytes& message : messages) size += message.size();
    WireBytes bytes{1, 1};
    put(bytes, Be16(static_cast<std::uint16_t>(size)));
    for (const WireBytes& message : messages)
        bytes.insert(bytes.end(), message.begin(), message.end());
    return bytes;
}

inline WireBytes frame(const FpmMessage& message) {
    const WireBytes one = encode(message);
    return frame({&one, 1});
}

}  // namespace causeway::test
