// SPDX-License-Identifier: Apache-2.0
#include "control/slow_path/slow_path.h"

#include <concepts>
#include <cstddef>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/headers.h"
#include "base/ipv6.h"
#include "control/slow_path/slow_packet.h"
#include "control/slow_path/subnet_hosts.h"

namespace causeway {
namespace {

// Of a packet of our own: no attachment, for the ids below kPortsMax are the ports'.
constexpr PuntNote kOurs{};

constexpr unsigned version_of(std::span<const std::uint8_t> packet) noexcept {
    return packet[0] >> 4U;
}

// The subnet of an attachment in the family of the address. REQUIRES: it has one.
Ipv4Prefix subnet_of(const Attachment& attachment, Ipv4Address) noexcept {
    return attachment.subnet;
}
Ipv6Prefix subnet_of(const Attachment& attachment, Ipv6Address) noexcept {
    return attachment.ipv6->subnet;
}

// REQUIRES: a frame.
MacAddress sender_of(std::span<const std::uint8_t> frame) noexcept {
    MacAddress mac;
    std::memcpy(&mac, frame.data() + offsetof(EthernetHeader, source), sizeof mac);
    return mac;
}

}  // namespace

SlowPath::SlowPath(Attachments& attachments, Neighbours& neighbours, const Fib4& fib4,
                   const Fib6& fib6, const NextHops& next_hops, Transmitter& transmitter,
                   SlowCounters& counters, const SlowRates& rates)
    : attachments_(attachments),
      neighbours_(neighbours),
      listener_(neighbours, transmitter, counters),
      fib4_(fib4),
      fib6_(fib6),
      next_hops_(next_hops),
      transmitter_(transmitter),
      counters_(counters),
      rates_(rates) {}

void SlowPath::handle(Packet packet, std::uint64_t now_ns) {
    const PuntNote note = packet.note();
    const Attachment* in = attachments_.find(note.attachment);
    if (in == nullptr) return counters_.count(SlowEvent::kAttachmentGone);
    packet.note().sender = sender_of(packet.bytes());
    packet.strip(note.header_bytes);
    if (note.exit == Exit::kArp) return listener_.hear_arp(std::move(packet), *in, now_ns);
    if (version_of(packet.bytes()) == 6) {
        return handle_ip<Ipv6Address>(std::move(packet), *in, note.exit, now_ns);
    }
    handle_ip<Ipv4Address>(std::move(packet), *in, note.exit, now_ns);
}

template <class Address>
void SlowPath::handle_ip(Packet packet, const Attachment& in, Exit exit, std::uint64_t now_ns) {
    // Padding is not part of the packet; the walk has seen that the rest is there.
    CHECK(packet.resize(SlowPacket<Address>::length(packet.bytes())));
    const auto answer = [&](IcmpError error) {
        answer_with_error<Address>(std::move(packet), in, error, 0, now_ns);
    };
    switch (exit) {
        case Exit::kNeighbourDiscovery:
            return listener_.hear_nd(std::move(packet), in, now_ns);
        case Exit::kLocal:
            return handle_local<Address>(std::move(packet), in, now_ns);
        case Exit::kTooBig:
            return handle_too_big<Address>(std::move(packet), in, now_ns);
        case Exit::kUnresolved:
            return handle_unresolved<Address>(std::move(packet), in, now_ns);
        case Exit::kTtlExpired:
            return answer(IcmpError::kTimeExceeded);
        case Exit::kNoRoute:
            return answer(IcmpError::kNetworkUnreachable);
        case Exit::kProhibit:
        case Exit::kAclProhibited:
            return answer(IcmpError::kProhibited);
        default:
            return answer(IcmpError::kHostUnreachable);
    }
}

void SlowPath::give_up(Packet packet, std::uint64_t now_ns) {
    const Attachment* in = attachments_.find(packet.note().attachment);
    if (in == nullptr) return;  // ours, and counted as pending_expired
    if (version_of(packet.bytes()) == 6) {
        return give_up_on<Ipv6Address>(std::move(packet), *in, now_ns);
    }
    give_up_on<Ipv4Address>(std::move(packet), *in, now_ns);
}

template <class Address>
void SlowPath::give_up_on(Packet packet, const Attachment& in, std::uint64_t now_ns) {
    SlowPacket<Address>::give_hop_back(packet.bytes());
    answer_with_error<Address>(std::move(packet), in, IcmpError::kHostUnreachable, 0, now_ns);
}

template <class Address>
void SlowPath::handle_local(Packet packet, const Attachment& in, std::uint64_t now_ns) {
    using Family = SlowPacket<Address>;
    if (!Family::is_for_us(packet.bytes(), in)) return counters_.count(SlowEvent::kLocalIgnored);
    if (Family::is_echo_request(packet.bytes())) {
        if (!buckets_of<Address>(in.id).echo.take(now_ns, rates_.echo)) {
            return counters_.count(SlowEvent::kEchoLimited);
        }
        Family::turn_into_echo_reply(packet.bytes());
        packet.note() = kOurs;
        counters_.count(SlowEvent::kEchoAnswered);
        return route<Address>(std::move(packet), in, now_ns);
    }
    if (host_ != nullptr && host_->has(in.id)) {
        return hand_up(std::move(packet), in, Family::kEtherType);
    }
    const LocalUse use = Family::local_use(packet.bytes());
    if (use == LocalUse::kNone) return counters_.count(SlowEvent::kLocalIgnored);
    answer_with_error<Address>(
        std::move(packet), in,
        use == LocalUse::kPort ? IcmpError::kPortUnreachable : IcmpError::kProtocolUnreachable, 0,
        now_ns);
}

void SlowPath::hand_up(Packet packet, const Attachment& in, EtherType type) {
    const MacAddress sender = packet.note().sender;
    const bool taken = host_->hand_up(std::move(packet), in, sender, type);
    counters_.count(taken ? SlowEvent::kHostDelivered : SlowEvent::kHostFull);
}

template <class Address>
void SlowPath::handle_too_big(Packet packet, const Attachment& in, std::uint64_t now_ns) {
    const VrfId vrf = vrf_of<Address>(packet, in);
    const std::uint16_t mtu = way_of<Address>(vrf, packet.bytes()).mtu;
    if (mtu == 0) return counters_.count(SlowEvent::kNoWayOut);  // its route has just changed
    forward_in_fragments<Address>(std::move(packet), in, mtu, now_ns);
}

template <class Address>
void SlowPath::forward_in_fragments(Packet packet, const Attachment& in, std::uint16_t mtu,
                                    std::uint64_t now_ns) {
    using Family = SlowPacket<Address>;
    if (!Family::may_fragment(packet.bytes())) {
        return answer_with_error<Address>(std::move(packet), in, IcmpError::kTooBig, mtu, now_ns);
    }
    Family::take_hop(packet.bytes());
    const VrfId vrf = vrf_of<Address>(packet, in);
    std::vector<Packet> fragments = packet.fragments(mtu, transmitter_.pool());
    counters_.count(fragments.empty() ? SlowEvent::kFragmentFailed : SlowEvent::kFragmented);
    for (Packet& fragment : fragments) {
        fragment.note() = {.attachment = in.id, .vrf = vrf};
        route<Address>(std::move(fragment), in, now_ns);
    }
}

template <class Address>
void SlowPath::handle_unresolved(Packet packet, const Attachment& in, std::uint64_t now_ns) {
    using Family = SlowPacket<Address>;
    // The walk stopped before it looked at TTL and MTU.
    if (Family::hops(packet.bytes()) <= 1) {
        return answer_with_error<Address>(std::move(packet), in, IcmpError::kTimeExceeded, 0,
                                          now_ns);
    }
    const VrfId vrf = vrf_of<Address>(packet, in);
    if (const auto neighbour = awaited(vrf, Family::destination(packet.bytes()))) {
        const std::uint16_t mtu = attachments_.find(neighbour->attachment)->mtu;
        if (packet.bytes().size() > mtu) {
            return forward_in_fragments<Address>(std::move(packet), in, mtu, now_ns);
        }
    }
    Family::take_hop(packet.bytes());
    route<Address>(std::move(packet), in, now_ns);
}

template <class Address>
std::optional<NeighbourKey> SlowPath::awaited(VrfId vrf, Address destination) const {
    const GroupId group = next_hops_.direct(group_of(vrf, destination));
    if (group == special_group(AdjacencyKind::kUnresolved)) {
        // The subnet of an attachment: the destination is itself the neighbour to ask.
        const Attachment* out = attachments_.connected(vrf, destination);
        if (out == nullptr || !out->is_usable() ||
            !is_host_of(subnet_of(*out, destination), destination)) {
            return std::nullopt;
        }
        return NeighbourKey{out->id, destination};
    }
    for (const GroupInfo::Member& member : next_hops_.group_info(group).members) {
        if (member.state != NextHopState::kUnresolved) continue;
        return NeighbourKey{member.attachment, member.address};
    }
    return std::nullopt;
}

template <class Address>
SlowPath::Buckets& SlowPath::buckets_of(AttachmentId in) noexcept {
    const bool is_ipv4 = std::same_as<Address, Ipv4Address>;
    return (is_ipv4 ? ipv4_buckets_ : ipv6_buckets_)[in.value()];
}

bool SlowPath::may_send(IcmpError error, Buckets& buckets, std::uint64_t now_ns) {
    switch (error) {
        case IcmpError::kTimeExceeded:
            return buckets.time_exceeded.take(now_ns, rates_.time_exceeded);
        case IcmpError::kTooBig:
            return buckets.too_big.take(now_ns, rates_.too_big);
        default:
            return buckets.unreachable.take(now_ns, rates_.unreachable);
    }
}

template <class Address>
void SlowPath::answer_with_error(Packet packet, const Attachment& in, IcmpError error,
                                 std::uint16_t mtu, std::uint64_t now_ns) {
    using Family = SlowPacket<Address>;
    const auto ours = Family::ours(packet.bytes(), in);
    // A NAT has let it in, and nobody outside knows the address that it is to now.
    const bool is_let_in = packet.note().attachment == in.id && packet.note().vrf != in.vrf;
    if (!ours || is_let_in || !Family::may_answer(packet.bytes(), error)) {
        return counters_.count(SlowEvent::kErrorForbidden);
    }
    if (!may_send(error, buckets_of<Address>(in.id), now_ns)) {
        return counters_.count(SlowEvent::kErrorLimited);
    }
    auto answer = transmitter_.make_packet();
    if (!answer || !answer->resize(Family::kErrorBytesMax)) {
        return counters_.count(SlowEvent::kNoBuffer);
    }
    const std::size_t bytes =
        Family::write_error(answer->bytes(), error, mtu, *ours, packet.bytes());
    CHECK(answer->resize(bytes));
    answer->note() = kOurs;
    counters_.count(SlowEvent::kErrorSent);
    route<Address>(std::move(*answer), in, now_ns);
}

template <class Address>
GroupId SlowPath::group_of(VrfId vrf, Address destination) const {
    GroupId group;
    if constexpr (std::same_as<Address, Ipv4Address>) {
        const RouteKey key{vrf, destination};
        fib4_.lookup({&key, 1}, {&group, 1});
    } else {
        const RouteKey6 key{vrf, destination};
        fib6_.lookup({&key, 1}, {&group, 1});
    }
    return group;
}

template <class Address>
const Adjacency& SlowPath::way_of(VrfId vrf, std::span<const std::uint8_t> packet) const {
    using Family = SlowPacket<Address>;
    const GroupId group = group_of(vrf, Family::destination(packet));
    return next_hops_.adjacency(
        next_hops_.bucket(next_hops_.group(group), Family::flow_hash_of(packet)));
}

template <class Address>
VrfId SlowPath::vrf_of(Packet& packet, const Attachment& in) {
    if (packet.note().attachment == in.id) return packet.note().vrf;
    return in.vrf_towards(SlowPacket<Address>::destination(packet.bytes()));
}

template <class Address>
void SlowPath::route(Packet packet, const Attachment& in, std::uint64_t now_ns) {
    const Address destination = SlowPacket<Address>::destination(packet.bytes());
    if constexpr (std::same_as<Address, Ipv6Address>) {
        if (is_link_local(destination)) {
            return neighbours_.hold({in.id, destination}, std::move(packet), now_ns);
        }
    }
    const VrfId vrf = vrf_of<Address>(packet, in);
    const Adjacency& way = way_of<Address>(vrf, packet.bytes());
    if (way.kind == AdjacencyKind::kUnresolved) {
        const auto neighbour = awaited(vrf, destination);
        if (!neighbour) return counters_.count(SlowEvent::kNoWayOut);
        return neighbours_.hold(*neighbour, std::move(packet), now_ns);
    }
    const Attachment* out = attachments_.find(way.attachment);
    if (way.kind != AdjacencyKind::kForward || out == nullptr) {
        return counters_.count(SlowEvent::kNoWayOut);
    }
    if (!packet.prepend(way.header_view()) || !transmitter_.send(std::move(packet), *out)) {
        counters_.count(SlowEvent::kInjectFull);
    }
}

}  // namespace causeway
