// SPDX-License-Identifier: Apache-2.0
#include "control/slow_path/neighbour_discovery.h"

#include <cstring>

#include "base/check.h"
#include "base/ipv6.h"
#include "control/slow_path/icmpv6.h"

namespace causeway {
namespace {

// RFC 4861 3.1: a packet that a router has forwarded has a lower one, so nobody off the link can
// speak Neighbour Discovery to us.
constexpr std::uint8_t kHopLimit = 255;
constexpr std::size_t kOptionUnit = 8;

// The MAC address in the option of this type. `is_valid` is set to false where the options are
// broken (RFC 4861 4.6: lengths), or the address is no station's.
std::optional<MacAddress> find_mac(std::span<const std::uint8_t> options, std::uint8_t type,
                                   bool& is_valid) noexcept {
    std::optional<MacAddress> found;
    while (!options.empty()) {
        if (options.size() < 2) return is_valid = false, std::nullopt;
        const std::size_t size = options[1] * kOptionUnit;
        if (size == 0 || size > options.size()) return is_valid = false, std::nullopt;
        if (options[0] == type && !found) {
            LinkLayerOption option;
            if (size != sizeof option) return is_valid = false, std::nullopt;
            std::memcpy(&option, options.data(), sizeof option);
            if (!is_unicast(option.address)) return is_valid = false, std::nullopt;
            found = option.address;
        }
        options = options.subspan(size);
    }
    return found;
}

// The parts of RFC 4861 7.1.1 and 7.1.2 that both messages share.
bool is_sound(std::span<const std::uint8_t> packet) noexcept {
    if (packet.size() < sizeof(Ipv6Header) + sizeof(NeighbourMessage)) return false;
    Ipv6Header header;
    std::memcpy(&header, packet.data(), sizeof header);
    return header.version() == 6 && header.hop_limit == kHopLimit &&
           header.payload_length.host() == packet.size() - sizeof header &&
           has_good_icmpv6_checksum(packet);
}

struct Message {
    Ipv6Address source;
    Ipv6Address destination;
    MacAddress to;
    Icmpv6Type type;
    std::uint32_t flags = 0;
    Ipv6Address target;
    std::uint8_t option = LinkLayerOption::kTarget;
};

// With the sender's MAC address in the option: neither message that we send may lack it (RFC 4861
// 4.3, 4.4).
LinkMessage write(std::span<std::uint8_t> room, const Message& message,
                  const MacAddress& sender) noexcept {
    CHECK(room.size() >= kLinkMessageBytesMax);
    NeighbourMessage body{};
    body.icmp.type = static_cast<std::uint8_t>(message.type);
    body.icmp.rest = Be32(message.flags);
    body.target = WireIpv6Address(message.target);
    const LinkLayerOption option{.type = message.option, .length = 1, .address = sender};
    std::uint8_t* const payload = room.data() + sizeof(Ipv6Header);
    std::memcpy(payload, &body, sizeof body);
    std::memcpy(payload + sizeof body, &option, sizeof option);
    const auto packet = room.first(kLinkMessageBytesMax);
    finish_icmpv6(
        packet,
        {.source = message.source, .destination = message.destination, .hop_limit = kHopLimit});
    return {.to = message.to, .type = EtherType::kIpv6, .bytes = packet.size()};
}

}  // namespace

std::optional<NeighbourNotice> parse_neighbour_notice(
    std::span<const std::uint8_t> packet) noexcept {
    if (!is_sound(packet)) return std::nullopt;
    Ipv6Header header;
    NeighbourMessage message;
    std::memcpy(&header, packet.data(), sizeof header);
    std::memcpy(&message, packet.data() + sizeof header, sizeof message);
    const std::uint32_t flags = message.icmp.rest.host();
    NeighbourNotice notice{.type = static_cast<Icmpv6Type>(message.icmp.type),
                           .source = header.source.host(),
                           .destination = header.destination.host(),
                           .target = message.target.host(),
                           .mac = {}};
    const bool is_solicitation = notice.type == Icmpv6Type::kNeighbourSolicitation;
    if (!is_solicitation && notice.type != Icmpv6Type::kNeighbourAdvertisement) return std::nullopt;
    if (message.icmp.code != 0 || is_multicast(notice.target)) return std::nullopt;
    bool is_valid = true;
    notice.mac =
        find_mac(packet.subspan(sizeof header + sizeof message),
                 is_solicitation ? LinkLayerOption::kSource : LinkLayerOption::kTarget, is_valid);
    if (!is_valid) return std::nullopt;
    if (is_solicitation) {
        const bool may_be_nobody = is_solicited_node_group(notice.destination) && !notice.mac;
        if (is_unspecified(notice.source) && !may_be_nobody) return std::nullopt;
        return notice;
    }
    notice.is_solicited = (flags & NeighbourMessage::kSolicited) != 0;
    notice.overrides = (flags & NeighbourMessage::kOverride) != 0;
    if (notice.is_solicited && is_multicast(notice.destination)) return std::nullopt;
    return notice;
}

LinkMessage write_question(std::span<std::uint8_t> room, const Attachment& from, Ipv6Address target,
                           const std::optional<MacAddress>& owner) noexcept {
    CHECK(from.ipv6.has_value());
    const Ipv6Address group = solicited_node_group(target);
    return write(room,
                 {.source = is_link_local(target) ? from.link_local() : from.ipv6->address,
                  .destination = owner ? target : group,
                  .to = owner ? *owner : multicast_mac(group),
                  .type = Icmpv6Type::kNeighbourSolicitation,
                  .target = target,
                  .option = LinkLayerOption::kSource},
                 from.mac);
}

LinkMessage write_nd_announcement(std::span<std::uint8_t> room, const Attachment& from,
                                  Ipv6Address address) noexcept {
    return write(room,
                 {.source = address,
                  .destination = kAllNodes,
                  .to = multicast_mac(kAllNodes),
                  .type = Icmpv6Type::kNeighbourAdvertisement,
                  .flags = NeighbourMessage::kRouter | NeighbourMessage::kOverride,
                  .target = address},
                 from.mac);
}

LinkMessage write_nd_answer(std::span<std::uint8_t> room, const Attachment& from,
                            const NeighbourNotice& solicitation, const MacAddress& to) noexcept {
    if (is_unspecified(solicitation.source)) {
        return write_nd_announcement(room, from, solicitation.target);
    }
    return write(room,
                 {.source = solicitation.target,
                  .destination = solicitation.source,
                  .to = to,
                  .type = Icmpv6Type::kNeighbourAdvertisement,
                  .flags = NeighbourMessage::kRouter | NeighbourMessage::kSolicited |
                           NeighbourMessage::kOverride,
                  .target = solicitation.target},
                 from.mac);
}

LinkMessage write_nd_answer_of(std::span<std::uint8_t> room, const NdOwner& owner, Ipv6Address ours,
                               const MacAddress& to) noexcept {
    return write(room,
                 {.source = owner.address,
                  .destination = ours,
                  .to = to,
                  .type = Icmpv6Type::kNeighbourAdvertisement,
                  .flags = NeighbourMessage::kSolicited | NeighbourMessage::kOverride,
                  .target = owner.address},
                 owner.mac);
}

}  // namespace causeway
