// SPDX-License-Identifier: Apache-2.0
#include "control/slow_path/neighbour_listener.h"

#include <optional>
#include <utility>

#include "base/check.h"
#include "base/ipv6.h"
#include "control/slow_path/subnet_hosts.h"

namespace causeway {
namespace {

bool is_ours(const Attachment& in, Ipv6Address address) noexcept {
    return address == in.ipv6->address || address == in.link_local();
}

// The type of an ICMPv6 message; nothing where there is none.
std::optional<Icmpv6Type> type_of(std::span<const std::uint8_t> packet) noexcept {
    if (packet.size() <= sizeof(Ipv6Header)) return std::nullopt;
    return static_cast<Icmpv6Type>(packet[sizeof(Ipv6Header)]);
}

}  // namespace

bool may_be_neighbour(const Attachment& in, Ipv4Address address) noexcept {
    return is_host_of(in.subnet, address) && address != in.address &&
           (!in.peer || address == *in.peer);
}
bool may_be_neighbour(const Attachment& in, Ipv6Address address) noexcept {
    const auto& [ours, subnet, peer] = *in.ipv6;
    return is_host_of(subnet, address) && address != ours && (!peer || address == *peer);
}

template <class Write>
void NeighbourListener::answer(Packet packet, const Attachment& in, SlowEvent answered,
                               const Write& write) {
    if (!packet.resize(kLinkMessageBytesMax)) return counters_.count(SlowEvent::kNoBuffer);
    const LinkMessage message = write(packet.bytes());
    CHECK(packet.resize(message.bytes));
    const bool sent = packet.prepend(in.header(message.to, message.type).view()) &&
                      transmitter_.send(std::move(packet), in);
    counters_.count(sent ? answered : SlowEvent::kInjectFull);
}

// RFC 826: what the sender says of itself is believed where it concerns us. RFC 5227 probes come
// from 0.0.0.0 and teach nothing, but are answered.
void NeighbourListener::hear_arp(Packet packet, const Attachment& in, std::uint64_t now_ns) {
    const auto arp = parse_arp(packet.bytes());
    if (!arp) return counters_.count(SlowEvent::kArpIgnored);
    const Ipv4Address sender(arp->sender_address.host());
    const Ipv4Address target(arp->target_address.host());
    if (sender == in.address) return counters_.count(SlowEvent::kArpConflict);

    const bool is_request =
        arp->operation == Be16(static_cast<std::uint16_t>(ArpOperation::kRequest));
    const bool is_probe = sender == Ipv4Address(0) && is_request;
    const bool concerns_us = target == in.address;
    const bool is_gratuitous = sender == target;
    const NeighbourKey key{in.id, sender};
    if (may_be_neighbour(in, sender) &&
        (concerns_us || (is_gratuitous && neighbours_.all().contains(key)))) {
        neighbours_.learn(key, arp->sender_mac, now_ns);
    } else if (!is_probe || !concerns_us) {
        return counters_.count(SlowEvent::kArpIgnored);
    }
    if (!concerns_us || !is_request) return;
    answer(std::move(packet), in, SlowEvent::kArpAnswered,
           [&](auto room) { return write_arp_reply(room, in, *arp); });
}

void NeighbourListener::hear_nd(Packet packet, const Attachment& in, std::uint64_t now_ns) {
    if (!in.ipv6) return counters_.count(SlowEvent::kNdIgnored);
    // Asked for a router advertisement, which nobody needs here.
    if (type_of(packet.bytes()) == Icmpv6Type::kRouterSolicitation) {
        return counters_.count(SlowEvent::kRouterSolicitation);
    }
    const auto notice = parse_neighbour_notice(packet.bytes());
    if (!notice) return counters_.count(SlowEvent::kNdIgnored);
    if (notice->type == Icmpv6Type::kNeighbourSolicitation) {
        return hear_solicitation(std::move(packet), *notice, in, now_ns);
    }
    hear_advertisement(*notice, in, now_ns);
}

// RFC 4861 7.2.3 and 7.2.4. Who asks from :: tests whether our address is free (RFC 4862 5.4): it
// is told that it is not, and nothing is learned of it.
void NeighbourListener::hear_solicitation(Packet packet, const NeighbourNotice& notice,
                                          const Attachment& in, std::uint64_t now_ns) {
    if (!is_ours(in, notice.target)) return counters_.count(SlowEvent::kNdIgnored);
    if (is_ours(in, notice.source)) return counters_.count(SlowEvent::kNdConflict);
    std::optional<MacAddress> asker = notice.mac;
    if (is_unspecified(notice.source)) {
        counters_.count(SlowEvent::kNdConflict);
        asker = multicast_mac(kAllNodes);
    } else {
        const NeighbourKey key{in.id, notice.source};
        const auto known = neighbours_.all().find(key);
        const bool is_known = known != neighbours_.all().end();
        if (!is_known && !may_be_neighbour(in, notice.source) && !is_link_local(notice.source)) {
            return counters_.count(SlowEvent::kNdIgnored);
        }
        if (!asker && is_known) asker = known->second.mac;
        if (notice.mac && (is_known || !is_link_local(notice.source))) {
            neighbours_.learn_from_solicitation(key, *notice.mac, now_ns);
        }
    }
    // Without the option a question to us alone says that we know its sender; we do not.
    if (!asker) return counters_.count(SlowEvent::kNdIgnored);
    answer(std::move(packet), in, SlowEvent::kNdAnswered,
           [&](auto room) { return write_nd_answer(room, in, notice, *asker); });
}

void NeighbourListener::hear_advertisement(const NeighbourNotice& notice, const Attachment& in,
                                           std::uint64_t now_ns) {
    if (is_ours(in, notice.target)) return counters_.count(SlowEvent::kNdConflict);
    const NeighbourKey key{in.id, notice.target};
    if (!neighbours_.all().contains(key)) return counters_.count(SlowEvent::kNdIgnored);
    neighbours_.learn_from_advertisement(key, notice, now_ns);
}

}  // namespace causeway
