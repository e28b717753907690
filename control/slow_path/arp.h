// SPDX-License-Identifier: Apache-2.0
//
// ARP (RFC 826) for Ethernet and IPv4, as functions from bytes to values and back. What is done
// with a message: neighbours.h (asking), neighbour_listener.h (hearing).
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "base/headers.h"
#include "base/types.h"
#include "control/router/attachments.h"
#include "control/slow_path/link_message.h"

namespace causeway {

// Nothing where it is cut short, of other hardware or of another protocol, or where its sender's
// MAC address is no station's.
[[nodiscard]] std::optional<ArpHeader> parse_arp(std::span<const std::uint8_t> packet) noexcept;

// Who has the target? Of everybody, or of its owner alone (RFC 1122 2.3.2.1, unicast poll).
// REQUIRES: room for kLinkMessageBytesMax, as below.
[[nodiscard]] LinkMessage write_question(std::span<std::uint8_t> room, const Attachment& from,
                                         Ipv4Address target,
                                         const std::optional<MacAddress>& owner) noexcept;
// We have our address (RFC 5227 3, ARP announcement).
[[nodiscard]] LinkMessage write_arp_announcement(std::span<std::uint8_t> room,
                                                 const Attachment& from) noexcept;
// The answer to a request for our address.
[[nodiscard]] LinkMessage write_arp_reply(std::span<std::uint8_t> room, const Attachment& from,
                                          const ArpHeader& request) noexcept;

// A neighbour, and where it is.
struct ArpOwner {
    Ipv4Address address;
    MacAddress mac;
};
// The neighbour's own reply to us, for our kernel to hear.
[[nodiscard]] LinkMessage write_arp_reply_of(std::span<std::uint8_t> room, const ArpOwner& owner,
                                             const Attachment& to) noexcept;

}  // namespace causeway
