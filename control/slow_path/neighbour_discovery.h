// SPDX-License-Identifier: Apache-2.0
//
// Neighbour Discovery (RFC 4861) for Ethernet (RFC 2464), as functions from bytes to values and
// back. What is done with a message: neighbours.h (asking), neighbour_listener.h (hearing).
//
// We solicit and advertise neighbours. We send no router advertisements: a circuit's addresses are
// configured at both ends. Nor do we detect duplicates of our own addresses (RFC 4862 5.4) before
// we use them: ours come from the same configuration as the customer's, and a link must carry
// traffic at once when it comes back. Who else tests or claims an address of ours is told, and
// counted.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "base/headers.h"
#include "base/types.h"
#include "control/router/attachments.h"
#include "control/slow_path/link_message.h"

namespace causeway {

// A neighbour solicitation or advertisement that has passed every rule of RFC 4861 7.1.
struct NeighbourNotice {
    Icmpv6Type type = Icmpv6Type::kNeighbourSolicitation;
    Ipv6Address source;  // of a solicitation, :: where it tests whether the target is free
    Ipv6Address destination;
    Ipv6Address target;
    // The source's of a solicitation, the target's of an advertisement; none: without the option.
    std::optional<MacAddress> mac;
    bool is_solicited = false;  // these two of an advertisement
    bool overrides = false;
    friend bool operator==(const NeighbourNotice&, const NeighbourNotice&) = default;
};

// `packet` begins with its IPv6 header and ends where the payload does. Nothing where it is another
// message or where RFC 4861 7.1.1 or 7.1.2 says to discard it.
[[nodiscard]] std::optional<NeighbourNotice> parse_neighbour_notice(
    std::span<const std::uint8_t> packet) noexcept;

// Who has the target? Of its group, or of its owner alone (RFC 4861 7.2.2, 7.3.3). REQUIRES: room
// for kLinkMessageBytesMax, as below; an attachment with IPv6.
[[nodiscard]] LinkMessage write_question(std::span<std::uint8_t> room, const Attachment& from,
                                         Ipv6Address target,
                                         const std::optional<MacAddress>& owner) noexcept;
// We have this address of ours: unsolicited, to everybody (RFC 4861 7.2.6).
[[nodiscard]] LinkMessage write_nd_announcement(std::span<std::uint8_t> room,
                                                const Attachment& from,
                                                Ipv6Address address) noexcept;
// The answer to a solicitation for an address of ours (RFC 4861 7.2.4); to everybody where the
// asker has no address yet. `to` is its MAC address.
[[nodiscard]] LinkMessage write_nd_answer(std::span<std::uint8_t> room, const Attachment& from,
                                          const NeighbourNotice& solicitation,
                                          const MacAddress& to) noexcept;

// A neighbour, and where it is.
struct NdOwner {
    Ipv6Address address;
    MacAddress mac;
};
// The neighbour's own answer to an address of ours, for our kernel, at `to`, to hear.
[[nodiscard]] LinkMessage write_nd_answer_of(std::span<std::uint8_t> room, const NdOwner& owner,
                                             Ipv6Address ours, const MacAddress& to) noexcept;

}  // namespace causeway
