// SPDX-License-Identifier: Apache-2.0
#include "control/host/host_frames.h"

#include <cstring>
#include <optional>
#include <utility>
#include <variant>

#include "base/check.h"
#include "base/headers.h"
#include "base/ipv6.h"
#include "control/host/live_session.h"
#include "control/slow_path/arp.h"
#include "control/slow_path/neighbour_discovery.h"
#include "control/slow_path/neighbour_listener.h"

namespace causeway {
namespace {

// RFC 4861 4: of any of its messages only a solicitation asks for something; the others are of no
// use to a link on which we do the asking.
bool is_neighbour_discovery(std::span<const std::uint8_t> packet) noexcept {
    Ipv6Header header;
    if (packet.size() <= sizeof header) return false;
    std::memcpy(&header, packet.data(), sizeof header);
    const std::uint8_t type = packet[sizeof header];
    return header.next_header == static_cast<std::uint8_t>(IpProtocol::kIcmpv6) &&
           type >= static_cast<std::uint8_t>(Icmpv6Type::kRouterSolicitation) &&
           type <= static_cast<std::uint8_t>(Icmpv6Type::kRedirect);
}

// Our kernel may have heard of any link-local address of the link.
bool may_be_asked_for(const Attachment& out, Ipv6Address address) noexcept {
    return is_link_local(address) ? address != out.link_local() : may_be_neighbour(out, address);
}

}  // namespace

void HostFrames::take(Packet frame, const Attachment& out, std::uint64_t now_ns) {
    EthernetHeader header;
    if (frame.bytes().size() < sizeof header + 1) return counters_.count(SlowEvent::kHostIgnored);
    std::memcpy(&header, frame.bytes().data(), sizeof header);
    frame.strip(sizeof header);
    const auto type = static_cast<EtherType>(header.type.host());
    if (type == EtherType::kArp) return hear_arp(std::move(frame), out, now_ns);
    if (type == EtherType::kIpv6 && is_neighbour_discovery(frame.bytes())) {
        return hear_nd(std::move(frame), out, now_ns);
    }
    const bool is_ip = type == EtherType::kIpv4 || type == EtherType::kIpv6;
    if (!is_ip || !is_unicast(header.destination)) {
        return counters_.count(SlowEvent::kHostIgnored);
    }
    if (session_callback_) {
        if (const auto session = live_session(frame.bytes())) session_callback_(out.id, *session);
    }
    if (!out.is_usable()) return counters_.count(SlowEvent::kHostClosed);
    const bool sent = frame.prepend(out.header(header.destination, type).view()) &&
                      transmitter_.send(std::move(frame), out);
    counters_.count(sent ? SlowEvent::kHostSent : SlowEvent::kInjectFull);
}

void HostFrames::hear_arp(Packet packet, const Attachment& out, std::uint64_t now_ns) {
    const auto arp = parse_arp(packet.bytes());
    const bool asks =
        arp && arp->operation == Be16(static_cast<std::uint16_t>(ArpOperation::kRequest));
    if (!asks) return counters_.count(SlowEvent::kHostIgnored);
    const Ipv4Address target(arp->target_address.host());
    if (!may_be_neighbour(out, target)) return counters_.count(SlowEvent::kHostIgnored);
    const auto mac = neighbours_.mac_of({out.id, target});
    if (!mac) return ask_for(target, out, now_ns);
    answer(std::move(packet), out, *mac, [&](auto room) {
        return write_arp_reply_of(room, {target, *mac}, out);
    });
}

void HostFrames::hear_nd(Packet packet, const Attachment& out, std::uint64_t now_ns) {
    const auto notice = parse_neighbour_notice(packet.bytes());
    const bool asks = notice && notice->type == Icmpv6Type::kNeighbourSolicitation &&
                      !is_unspecified(notice->source);
    if (!asks || !out.ipv6 || !may_be_asked_for(out, notice->target)) {
        return counters_.count(SlowEvent::kHostIgnored);
    }
    const auto mac = neighbours_.mac_of({out.id, notice->target});
    if (!mac) return ask_for(notice->target, out, now_ns);
    answer(std::move(packet), out, *mac, [&](auto room) {
        return write_nd_answer_of(room, {notice->target, *mac}, notice->source, out.mac);
    });
}

void HostFrames::ask_for(const IpAddress& neighbour, const Attachment& out, std::uint64_t now_ns) {
    counters_.count(SlowEvent::kHostWaits);
    neighbours_.want({out.id, neighbour}, now_ns);
}

void HostFrames::tell(const Attachment& in, const IpAddress& neighbour, const MacAddress& mac) {
    if (!host_.has(in.id)) return;
    auto packet = transmitter_.make_packet();
    if (!packet) return counters_.count(SlowEvent::kNoBuffer);
    answer(std::move(*packet), in, mac, [&](auto room) {
        if (const auto* ipv4 = std::get_if<Ipv4Address>(&neighbour)) {
            return write_arp_reply_of(room, {*ipv4, mac}, in);
        }
        const auto owner = std::get<Ipv6Address>(neighbour);
        const Ipv6Address ours = is_link_local(owner) ? in.link_local() : in.ipv6->address;
        return write_nd_answer_of(room, {owner, mac}, ours, in.mac);
    });
}

template <class Write>
void HostFrames::answer(Packet packet, const Attachment& in, const MacAddress& mac,
                        const Write& write) {
    if (!packet.resize(kLinkMessageBytesMax)) return counters_.count(SlowEvent::kNoBuffer);
    const LinkMessage message = write(packet.bytes());
    CHECK(packet.resize(message.bytes));
    const bool heard = host_.hand_up(std::move(packet), in, mac, message.type);
    counters_.count(heard ? SlowEvent::kHostAnswered : SlowEvent::kHostFull);
}

}  // namespace causeway
