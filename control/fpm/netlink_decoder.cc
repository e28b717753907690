// SPDX-License-Identifier: Apache-2.0
#include "control/fpm/netlink_decoder.h"

#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "base/endian.h"
#include "base/limits.h"

namespace causeway {
namespace {

using Bytes = std::span<const std::uint8_t>;

// What was understood, or why it was not.
template <class T>
using Understood = std::variant<T, FpmEvent>;

// REQUIRES: at least sizeof(T) bytes.
template <class T>
T read(Bytes bytes) {
    T value;
    std::memcpy(&value, bytes.data(), sizeof value);
    return value;
}

// What is left behind `bytes` that take up whole units of four; padding may be missing at the end.
Bytes after_aligned(Bytes bytes, std::size_t length) {
    return bytes.subspan(std::min(bytes.size(), (length + 3) & ~std::size_t{3}));
}

// The attributes of one message, by type; of a repeated one, the last counts, as in the kernel.
template <std::size_t kTypes>
class Attributes {
  public:
    // False: one of them is cut off.
    [[nodiscard]] bool parse(Bytes bytes) {
        while (bytes.size() >= sizeof(rtattr)) {
            const auto header = read<rtattr>(bytes);
            if (header.rta_len < sizeof(rtattr) || header.rta_len > bytes.size()) return false;
            const std::size_t type = header.rta_type & NLA_TYPE_MASK;
            if (type < kTypes) {
                values_[type] = bytes.subspan(sizeof(rtattr), header.rta_len - sizeof(rtattr));
                is_there_[type] = true;
            }
            bytes = after_aligned(bytes, header.rta_len);
        }
        return bytes.empty();
    }
    [[nodiscard]] bool has(std::size_t type) const { return is_there_[type]; }
    [[nodiscard]] Bytes operator[](std::size_t type) const { return values_[type]; }

    // False: it is there and of another size. `value` is left alone where it is not there.
    template <class T>
    [[nodiscard]] bool take(std::size_t type, T& value) const {
        if (!has(type)) return true;
        if (values_[type].size() != sizeof(T)) return false;
        value = read<T>(values_[type]);
        return true;
    }

  private:
    std::array<Bytes, kTypes> values_{};
    std::array<bool, kTypes> is_there_{};
};
using RouteAttributes = Attributes<RTA_MAX + 1>;
using NextHopAttributes = Attributes<NHA_MAX + 1>;

// Nothing: no family of ours, or not as many bytes as its addresses have.
std::optional<IpAddress> address_of(unsigned family, Bytes bytes) {
    if (family == AF_INET && bytes.size() == sizeof(Be32))
        return Ipv4Address(read<Be32>(bytes).host());
    if (family == AF_INET6 && bytes.size() == 2 * sizeof(Be64))
        return Ipv6Address(read<Be64>(bytes).host(), read<Be64>(bytes.subspan(8)).host());
    return std::nullopt;
}

template <class Address>
std::optional<IpPrefix> prefix_of(const IpAddress& address, int length) {
    const auto prefix = Prefix<Address>::from(std::get<Address>(address), length);
    if (!prefix) return std::nullopt;
    return *prefix;
}

// The destination of a route. RTA_DST is not there for a default route.
Understood<IpPrefix> destination_of(const rtmsg& route, const RouteAttributes& attributes) {
    constexpr std::array<std::uint8_t, 16> kZeros{};
    const Bytes zeros(kZeros.data(), route.rtm_family == AF_INET ? 4 : 16);
    const auto address =
        address_of(route.rtm_family, attributes.has(RTA_DST) ? attributes[RTA_DST] : zeros);
    if (!address) return FpmEvent::kBadAttribute;
    const auto prefix = route.rtm_family == AF_INET
                            ? prefix_of<Ipv4Address>(*address, route.rtm_dst_len)
                            : prefix_of<Ipv6Address>(*address, route.rtm_dst_len);
    if (!prefix) return FpmEvent::kBadPrefix;
    return *prefix;
}

// RTA_GATEWAY, or RTA_VIA for a gateway of the other family, into the hop. False: malformed.
bool take_gateway(unsigned family, const RouteAttributes& attributes, FpmHop& hop) {
    if (attributes.has(RTA_GATEWAY)) {
        hop.gateway = address_of(family, attributes[RTA_GATEWAY]);
        return hop.gateway.has_value();
    }
    if (!attributes.has(RTA_VIA)) return true;
    const Bytes via = attributes[RTA_VIA];
    if (via.size() < sizeof(rtvia)) return false;
    hop.gateway = address_of(read<rtvia>(via).rtvia_family, via.subspan(sizeof(rtvia)));
    return hop.gateway.has_value();
}

Understood<FpmWay> read_multipath(unsigned family, Bytes bytes) {
    FpmWay way;
    while (bytes.size() >= sizeof(rtnexthop)) {
        const auto header = read<rtnexthop>(bytes);
        RouteAttributes attributes;
        FpmHop hop{.gateway = std::nullopt,
                   .interface = static_cast<std::uint32_t>(header.rtnh_ifindex),
                   .weight = header.rtnh_hops + 1U};  // rtnetlink(7): stored less one
        if (header.rtnh_len < sizeof(rtnexthop) || header.rtnh_len > bytes.size() ||
            !attributes.parse(bytes.first(header.rtnh_len).subspan(sizeof(rtnexthop))) ||
            !take_gateway(family, attributes, hop))
            return FpmEvent::kBadAttribute;
        if (attributes.has(RTA_ENCAP_TYPE)) return FpmEvent::kUnsupported;
        if (!hop.gateway && hop.interface == 0) return FpmEvent::kBadNextHop;
        if (way.hops.size() == kGroupMembersMax) return FpmEvent::kTooManyHops;
        way.hops.push_back(hop);
        bytes = after_aligned(bytes, header.rtnh_len);
    }
    if (!bytes.empty()) return FpmEvent::kBadAttribute;
    if (way.hops.empty()) return FpmEvent::kBadNextHop;
    return way;
}

Understood<FpmWay> read_way(const rtmsg& route, const RouteAttributes& attributes) {
    if (attributes.has(RTA_ENCAP_TYPE)) return FpmEvent::kUnsupported;
    if (attributes.has(RTA_MULTIPATH))
        return read_multipath(route.rtm_family, attributes[RTA_MULTIPATH]);
    FpmHop hop;
    if (!attributes.take(RTA_OIF, hop.interface) ||
        !take_gateway(route.rtm_family, attributes, hop))
        return FpmEvent::kBadAttribute;
    if (!hop.gateway && hop.interface == 0) return FpmEvent::kBadNextHop;
    return FpmWay{.action = FpmAction::kForward, .hops = {hop}};
}

std::optional<FpmAction> action_of(unsigned type) {
    switch (type) {
        case RTN_UNICAST:
            return FpmAction::kForward;
        case RTN_BLACKHOLE:
            return FpmAction::kBlackhole;
        case RTN_UNREACHABLE:
            return FpmAction::kUnreachable;
        case RTN_PROHIBIT:
            return FpmAction::kProhibit;
        default:
            return std::nullopt;
    }
}

Understood<std::variant<FpmWay, NextHopObjectId>> read_via(const rtmsg& route, FpmAction action,
                                                           const RouteAttributes& attributes) {
    using Via = std::variant<FpmWay, NextHopObjectId>;
    if (action != FpmAction::kForward) return Via(FpmWay{.action = action, .hops = {}});
    std::uint32_t object = 0;
    if (!attributes.take(RTA_NH_ID, object)) return FpmEvent::kBadAttribute;
    if (object != 0) return Via(NextHopObjectId(object));
    auto way = read_way(route, attributes);
    if (const auto* wrong = std::get_if<FpmEvent>(&way)) return *wrong;
    return Via(std::get<FpmWay>(std::move(way)));
}

Understood<FpmMessage> read_route(unsigned message_type, Bytes body) {
    if (body.size() < sizeof(rtmsg)) return FpmEvent::kShortMessage;
    const auto route = read<rtmsg>(body);
    if (route.rtm_family != AF_INET && route.rtm_family != AF_INET6) return FpmEvent::kUnsupported;
    RouteAttributes attributes;
    std::uint32_t table = route.rtm_table;
    std::uint32_t metric = 0;
    if (!attributes.parse(after_aligned(body, sizeof(rtmsg))) ||
        !attributes.take(RTA_TABLE, table) || !attributes.take(RTA_PRIORITY, metric))
        return FpmEvent::kBadAttribute;
    const auto prefix = destination_of(route, attributes);
    if (const auto* wrong = std::get_if<FpmEvent>(&prefix)) return *wrong;
    const FpmRouteKey key{.table = table, .prefix = std::get<IpPrefix>(prefix)};
    if (route.rtm_src_len != 0 || route.rtm_tos != 0) return FpmEvent::kUnsupported;
    if (message_type == RTM_DELROUTE)
        return FpmDeleteRoute{.key = key, .protocol = route.rtm_protocol, .metric = metric};
    const auto action = action_of(route.rtm_type);
    if (!action) return FpmEvent::kUnsupported;
    auto via = read_via(route, *action, attributes);
    if (const auto* wrong = std::get_if<FpmEvent>(&via)) return *wrong;
    return FpmSetRoute{
        .key = key,
        .protocol = route.rtm_protocol,
        .metric = metric,
        .via = std::get<std::variant<FpmWay, NextHopObjectId>>(std::move(via)),
    };
}

Understood<FpmGroupMembers> read_group(Bytes bytes) {
    if (bytes.size() % sizeof(nexthop_grp) != 0) return FpmEvent::kBadAttribute;
    if (bytes.empty()) return FpmEvent::kBadNextHop;
    if (bytes.size() / sizeof(nexthop_grp) > kGroupMembersMax) return FpmEvent::kTooManyHops;
    FpmGroupMembers members;
    for (; !bytes.empty(); bytes = bytes.subspan(sizeof(nexthop_grp))) {
        const auto member = read<nexthop_grp>(bytes);
        if (member.id == 0) return FpmEvent::kBadNextHop;
        members.push_back({.id = NextHopObjectId(member.id), .weight = member.weight + 1U});
    }
    return members;
}

Understood<FpmWay> read_single(const nhmsg& header, const NextHopAttributes& attributes) {
    if (attributes.has(NHA_ENCAP_TYPE) || attributes.has(NHA_FDB)) return FpmEvent::kUnsupported;
    if (attributes.has(NHA_BLACKHOLE)) return FpmWay{.action = FpmAction::kBlackhole, .hops = {}};
    FpmHop hop;
    if (!attributes.take(NHA_OIF, hop.interface)) return FpmEvent::kBadAttribute;
    if (attributes.has(NHA_GATEWAY)) {
        hop.gateway = address_of(header.nh_family, attributes[NHA_GATEWAY]);
        if (!hop.gateway) return FpmEvent::kBadAttribute;
    }
    if (!hop.gateway && hop.interface == 0) return FpmEvent::kBadNextHop;
    return FpmWay{.action = FpmAction::kForward, .hops = {hop}};
}

Understood<FpmMessage> read_next_hop(unsigned message_type, Bytes body) {
    if (body.size() < sizeof(nhmsg)) return FpmEvent::kShortMessage;
    const auto header = read<nhmsg>(body);
    NextHopAttributes attributes;
    std::uint32_t number = 0;
    if (!attributes.parse(after_aligned(body, sizeof(nhmsg))) || !attributes.take(NHA_ID, number))
        return FpmEvent::kBadAttribute;
    if (number == 0) return FpmEvent::kBadNextHop;
    const NextHopObjectId id(number);
    if (message_type == RTM_DELNEXTHOP) return FpmDeleteNextHop{.id = id};
    if (attributes.has(NHA_GROUP)) {
        auto members = read_group(attributes[NHA_GROUP]);
        if (const auto* wrong = std::get_if<FpmEvent>(&members)) return *wrong;
        return FpmSetNextHop{.id = id, .object = std::get<FpmGroupMembers>(std::move(members))};
    }
    auto way = read_single(header, attributes);
    if (const auto* wrong = std::get_if<FpmEvent>(&way)) return *wrong;
    return FpmSetNextHop{.id = id, .object = std::get<FpmWay>(std::move(way))};
}

Understood<FpmMessage> read_message(unsigned type, Bytes body) {
    switch (type) {
        case RTM_NEWROUTE:
        case RTM_DELROUTE:
            return read_route(type, body);
        case RTM_NEWNEXTHOP:
        case RTM_DELNEXTHOP:
            return read_next_hop(type, body);
        default:
            return FpmEvent::kOtherMessage;
    }
}

// Whether the first is the deletion that the second, an addition, makes unnecessary.
bool is_replaced_by(const FpmMessage& first, const FpmMessage& second) {
    const auto* deletion = std::get_if<FpmDeleteRoute>(&first);
    const auto* addition = std::get_if<FpmSetRoute>(&second);
    return deletion != nullptr && addition != nullptr && deletion->key == addition->key;
}

}  // namespace

void decode_netlink(Bytes frame, std::vector<FpmMessage>& messages, FpmCounters& counters) {
    const std::size_t first = messages.size();
    while (!frame.empty()) {
        if (frame.size() < sizeof(nlmsghdr))
            return counters.count(FpmEvent::kBadMessageLength,
                                  static_cast<std::uint32_t>(frame.size()));
        const auto header = read<nlmsghdr>(frame);
        if (header.nlmsg_len < sizeof(nlmsghdr) || header.nlmsg_len > frame.size())
            return counters.count(FpmEvent::kBadMessageLength, header.nlmsg_len);
        auto message = read_message(header.nlmsg_type,
                                    frame.first(header.nlmsg_len).subspan(sizeof(nlmsghdr)));
        if (const auto* event = std::get_if<FpmEvent>(&message)) {
            counters.count(*event, header.nlmsg_type);
        } else {
            auto& understood = std::get<FpmMessage>(message);
            if (messages.size() > first && is_replaced_by(messages.back(), understood))
                messages.pop_back();
            messages.push_back(std::move(understood));
        }
        frame = after_aligned(frame, header.nlmsg_len);
    }
}

}  // namespace causeway
