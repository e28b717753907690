// SPDX-License-Identifier: Apache-2.0
#include "control/slow_path/arp.h"

#include <cstring>
#include <utility>

#include "base/check.h"

namespace causeway {
namespace {

LinkMessage write(std::span<std::uint8_t> room, const ArpHeader& arp,
                  const MacAddress& to) noexcept {
    CHECK(room.size() >= sizeof arp);
    std::memcpy(room.data(), &arp, sizeof arp);
    return {.to = to, .type = EtherType::kArp, .bytes = sizeof arp};
}

ArpHeader from_us(const Attachment& from, ArpOperation operation) noexcept {
    return {.hardware_type = Be16(1),
            .protocol_type = Be16(static_cast<std::uint16_t>(EtherType::kIpv4)),
            .hardware_length = 6,
            .protocol_length = 4,
            .operation = Be16(static_cast<std::uint16_t>(operation)),
            .sender_mac = from.mac,
            .sender_address = Be32(from.address.value()),
            .target_mac = {},
            .target_address = {}};
}

}  // namespace

std::optional<ArpHeader> parse_arp(std::span<const std::uint8_t> packet) noexcept {
    ArpHeader arp;
    if (packet.size() < sizeof arp) return std::nullopt;
    std::memcpy(&arp, packet.data(), sizeof arp);
    const bool is_for_ethernet_and_ipv4 = arp.hardware_type == Be16(1) &&
                                          arp.protocol_type == Be16(0x0800) &&
                                          arp.hardware_length == 6 && arp.protocol_length == 4;
    if (!is_for_ethernet_and_ipv4 || !is_unicast(arp.sender_mac)) return std::nullopt;
    return arp;
}

LinkMessage write_question(std::span<std::uint8_t> room, const Attachment& from, Ipv4Address target,
                           const std::optional<MacAddress>& owner) noexcept {
    ArpHeader arp = from_us(from, ArpOperation::kRequest);
    arp.target_address = Be32(target.value());
    return write(room, arp, owner.value_or(kBroadcastMac));
}

LinkMessage write_arp_announcement(std::span<std::uint8_t> room, const Attachment& from) noexcept {
    return write_question(room, from, from.address, std::nullopt);
}

LinkMessage write_arp_reply(std::span<std::uint8_t> room, const Attachment& from,
                            const ArpHeader& request) noexcept {
    ArpHeader arp = from_us(from, ArpOperation::kReply);
    arp.target_mac = request.sender_mac;
    arp.target_address = request.sender_address;
    return write(room, arp, request.sender_mac);
}

LinkMessage write_arp_reply_of(std::span<std::uint8_t> room, const ArpOwner& owner,
                               const Attachment& to) noexcept {
    ArpHeader arp = from_us(to, ArpOperation::kReply);
    arp.target_mac = std::exchange(arp.sender_mac, owner.mac);
    arp.target_address = std::exchange(arp.sender_address, Be32(owner.address.value()));
    return write(room, arp, to.mac);
}

}  // namespace causeway
