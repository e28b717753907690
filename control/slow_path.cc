// SPDX-License-Identifier: Apache-2.0
#include "control/slow_path.h"

#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/checksum.h"
#include "base/headers.h"
#include "dataplane/flow_hash.h"

namespace causeway {
namespace {

const Ipv4Header& ipv4(std::span<const std::uint8_t> packet) noexcept {
    return *reinterpret_cast<const Ipv4Header*>(packet.data());
}

bool is_for_ethernet_and_ipv4(const ArpHeader& arp) noexcept {
    return arp.hardware_type == Be16(1) && arp.protocol_type == Be16(0x0800) &&
           arp.hardware_length == 6 && arp.protocol_length == 4;
}

// A host may not be the subnet's network or broadcast address (RFC 1122 3.2.1.3); in a /31 and a
// /32 there are none (RFC 3021).
bool is_host_of(Ipv4Prefix subnet, Ipv4Address address) noexcept {
    if (!subnet.contains(address)) return false;
    return subnet.length() >= 31 || (address != subnet.first() && address != subnet.last());
}

// What DecrementTtl does, for a packet that stopped before it. REQUIRES: a TTL of more than 1.
void take_hop(std::span<std::uint8_t> packet) noexcept {
    auto& header = *reinterpret_cast<Ipv4Header*>(packet.data());
    --header.ttl;
    header.checksum = Be16();
    header.checksum = Be16::from_wire(checksum_of(packet.first(header.header_bytes())));
}

bool is_unicast(const MacAddress& mac) noexcept {
    return (mac.bytes[0] & 1U) == 0 && mac != MacAddress{};
}

}  // namespace

SlowPath::SlowPath(Attachments& attachments, Neighbours& neighbours, const Fib4& fib,
                   const NextHops& next_hops, const Rib4& rib, Transmitter& transmitter,
                   SlowCounters& counters, const SlowRates& rates)
    : attachments_(attachments),
      neighbours_(neighbours),
      fib_(fib),
      next_hops_(next_hops),
      rib_(rib),
      transmitter_(transmitter),
      counters_(counters),
      rates_(rates) {}

void SlowPath::handle(Packet packet, std::uint64_t now_ns) {
    const PuntNote note = packet.note();
    const Attachment* in = attachments_.find(note.attachment);
    if (in == nullptr) return;  // removed since; the worker has counted it
    packet.strip(note.header_bytes);
    if (note.exit != Exit::kArp) {
        if (packet.bytes()[0] >> 4 == 6) return;  // what goes up of IPv6 ends here
        // Padding is not part of the packet; CheckIpv4 has seen that the rest is there.
        CHECK(packet.resize(ipv4(packet.bytes()).total_length.host()));
    }
    switch (note.exit) {
        case Exit::kArp:
            return handle_arp(std::move(packet), *in, now_ns);
        case Exit::kLocal:
            return handle_local(std::move(packet), *in, now_ns);
        case Exit::kTooBig:
            return handle_too_big(std::move(packet), *in, now_ns);
        case Exit::kUnresolved:
            return handle_unresolved(std::move(packet), *in, now_ns);
        case Exit::kTtlExpired:
            return answer_with_error(std::move(packet), *in, IcmpError::kTimeExceeded, 0, now_ns);
        case Exit::kNoRoute:
            return answer_with_error(std::move(packet), *in, IcmpError::kNetworkUnreachable, 0,
                                     now_ns);
        case Exit::kProhibit:
            return answer_with_error(std::move(packet), *in, IcmpError::kProhibited, 0, now_ns);
        default:
            return answer_with_error(std::move(packet), *in, IcmpError::kHostUnreachable, 0,
                                     now_ns);
    }
}

void SlowPath::handle_arp(Packet packet, const Attachment& in, std::uint64_t now_ns) {
    ArpHeader arp;
    if (packet.bytes().size() < sizeof arp) return counters_.count(SlowEvent::kArpIgnored);
    std::memcpy(&arp, packet.bytes().data(), sizeof arp);
    const Ipv4Address sender(arp.sender_address.host());
    const Ipv4Address target(arp.target_address.host());
    if (!is_for_ethernet_and_ipv4(arp) || !is_unicast(arp.sender_mac)) {
        return counters_.count(SlowEvent::kArpIgnored);
    }
    if (sender == in.address) return counters_.count(SlowEvent::kArpConflict);

    // RFC 826: what the sender says of itself is believed where it concerns us. RFC 5227 probes
    // come from 0.0.0.0 and teach nothing, but are answered.
    const bool is_probe = sender == Ipv4Address(0);
    const bool concerns_us = target == in.address;
    const bool is_ours_to_know = is_host_of(in.subnet, sender) && (!in.peer || sender == *in.peer);
    const bool is_gratuitous = sender == target;
    const NeighbourKey key{in.id, sender};
    if (!is_probe && is_ours_to_know &&
        (concerns_us || (is_gratuitous && neighbours_.all().contains(key)))) {
        neighbours_.learn(key, arp.sender_mac, now_ns);
    } else if (!is_probe || !concerns_us) {
        return counters_.count(SlowEvent::kArpIgnored);
    }
    if (!concerns_us || arp.operation != Be16(static_cast<std::uint16_t>(ArpOperation::kRequest))) {
        return;
    }
    const MacAddress asker = arp.sender_mac;
    arp.operation = Be16(static_cast<std::uint16_t>(ArpOperation::kReply));
    arp.target_mac = asker;
    arp.target_address = arp.sender_address;
    arp.sender_mac = in.mac;
    arp.sender_address = Be32(in.address.value());
    CHECK(packet.resize(sizeof arp));
    std::memcpy(packet.bytes().data(), &arp, sizeof arp);
    const bool sent = packet.prepend(in.header(asker, EtherType::kArp).view()) &&
                      transmitter_.send(std::move(packet), in);
    counters_.count(sent ? SlowEvent::kArpAnswered : SlowEvent::kInjectFull);
}

void SlowPath::handle_local(Packet packet, const Attachment& in, std::uint64_t now_ns) {
    if (is_echo_request(packet.bytes())) {
        if (!buckets_[in.id.value()].echo.take(now_ns, rates_.echo)) {
            return counters_.count(SlowEvent::kEchoLimited);
        }
        turn_into_echo_reply(packet.bytes());
        counters_.count(SlowEvent::kEchoAnswered);
        return route(std::move(packet), in.vrf, now_ns);
    }
    const auto protocol = static_cast<IpProtocol>(ipv4(packet.bytes()).protocol);
    if (protocol == IpProtocol::kIcmp) return counters_.count(SlowEvent::kLocalIgnored);
    const bool has_ports = protocol == IpProtocol::kUdp || protocol == IpProtocol::kTcp;
    answer_with_error(std::move(packet), in,
                      has_ports ? IcmpError::kPortUnreachable : IcmpError::kProtocolUnreachable, 0,
                      now_ns);
}

void SlowPath::handle_too_big(Packet packet, const Attachment& in, std::uint64_t now_ns) {
    const std::uint16_t mtu = way_of(in.vrf, packet.bytes()).mtu;
    if (mtu == 0) return counters_.count(SlowEvent::kNoWayOut);  // its route has just changed
    forward_in_fragments(std::move(packet), in, mtu, now_ns);
}

void SlowPath::forward_in_fragments(Packet packet, const Attachment& in, std::uint16_t mtu,
                                    std::uint64_t now_ns) {
    if (!ipv4(packet.bytes()).may_fragment()) {
        return answer_with_error(std::move(packet), in, IcmpError::kFragmentationNeeded, mtu,
                                 now_ns);
    }
    take_hop(packet.bytes());
    std::vector<Packet> fragments = packet.fragments(mtu, transmitter_.pool());
    counters_.count(fragments.empty() ? SlowEvent::kFragmentFailed : SlowEvent::kFragmented);
    for (Packet& fragment : fragments) route(std::move(fragment), in.vrf, now_ns);
}

void SlowPath::handle_unresolved(Packet packet, const Attachment& in, std::uint64_t now_ns) {
    // The walk stopped before it looked at TTL and MTU.
    if (ipv4(packet.bytes()).ttl <= 1) {
        return answer_with_error(std::move(packet), in, IcmpError::kTimeExceeded, 0, now_ns);
    }
    if (const auto neighbour = awaited(in.vrf, packet.bytes())) {
        const std::uint16_t mtu = attachments_.find(neighbour->attachment)->mtu;
        if (packet.bytes().size() > mtu) {
            return forward_in_fragments(std::move(packet), in, mtu, now_ns);
        }
    }
    take_hop(packet.bytes());
    route(std::move(packet), in.vrf, now_ns);
}

std::optional<NeighbourKey> SlowPath::awaited(VrfId vrf,
                                              std::span<const std::uint8_t> packet) const {
    const Ipv4Address destination(ipv4(packet).destination.host());
    const auto routes = rib_.explain(vrf, destination);
    if (!routes || (*routes).empty()) return std::nullopt;
    // All routes of the longest prefix: the better ones may be dead.
    const Ipv4Prefix prefix = (*routes).front().prefix;
    for (const Rib4::Route& route : *routes) {
        if (route.prefix != prefix) break;
        if (route.group == special_group(AdjacencyKind::kUnresolved)) {
            // The subnet of an attachment: the destination is itself the neighbour to ask.
            const Attachment* out = attachments_.connected(vrf, destination);
            if (out == nullptr || !is_host_of(out->subnet, destination) || !out->is_usable()) {
                return std::nullopt;
            }
            return NeighbourKey{out->id, destination};
        }
        for (const GroupInfo::Member& member : next_hops_.group_info(route.group).members) {
            if (member.state != NextHopState::kUnresolved) continue;
            return NeighbourKey{member.attachment, std::get<Ipv4Address>(member.address)};
        }
    }
    return std::nullopt;
}

bool SlowPath::may_send(IcmpError error, AttachmentId in, std::uint64_t now_ns) {
    Buckets& buckets = buckets_[in.value()];
    switch (error) {
        case IcmpError::kTimeExceeded:
            return buckets.time_exceeded.take(now_ns, rates_.time_exceeded);
        case IcmpError::kFragmentationNeeded:
            return buckets.fragmentation_needed.take(now_ns, rates_.fragmentation_needed);
        default:
            return buckets.unreachable.take(now_ns, rates_.unreachable);
    }
}

void SlowPath::answer_with_error(Packet packet, const Attachment& in, IcmpError error,
                                 std::uint16_t mtu, std::uint64_t now_ns) {
    if (!may_be_answered_with_error(packet.bytes())) {
        return counters_.count(SlowEvent::kErrorForbidden);
    }
    if (!may_send(error, in.id, now_ns)) return counters_.count(SlowEvent::kErrorLimited);
    auto answer = transmitter_.make_packet();
    if (!answer || !answer->resize(kIcmpErrorBytesMax)) {
        return counters_.count(SlowEvent::kNoBuffer);
    }
    const std::size_t bytes =
        write_icmp_error(answer->bytes(), error, mtu, in.address, packet.bytes());
    CHECK(answer->resize(bytes));
    counters_.count(SlowEvent::kErrorSent);
    route(std::move(*answer), in.vrf, now_ns);
}

const Adjacency& SlowPath::way_of(VrfId vrf, std::span<const std::uint8_t> packet) const {
    const Ipv4Header& header = ipv4(packet);
    const RouteKey key{vrf, Ipv4Address(header.destination.host())};
    GroupId group;
    fib_.lookup({&key, 1}, {&group, 1});
    return next_hops_.adjacency(next_hops_.bucket(next_hops_.group(group), flow_hash(header)));
}

void SlowPath::route(Packet packet, VrfId vrf, std::uint64_t now_ns) {
    const Adjacency& way = way_of(vrf, packet.bytes());
    if (way.kind == AdjacencyKind::kUnresolved) {
        const auto neighbour = awaited(vrf, packet.bytes());
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
