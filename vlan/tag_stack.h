// SPDX-License-Identifier: Apache-2.0
//
// What stands between a frame's MAC addresses and its network layer: none, one or two VLAN tags
// (IEEE 802.1Q 9.6). A third is refused, and so are the identifiers that name no customer.
#pragma once

#include <cstdint>
#include <cstring>

#include "base/endian.h"
#include "base/headers.h"
#include "base/types.h"

namespace causeway {

enum class TagFault : std::uint8_t {
    kNone,
    kUntagged,
    kPriorityTagged,  // outer or inner VID 0: a priority, no VLAN (802.1Q 6.7)
    kReservedVid,     // outer or inner VID 4095
    kTripleTagged,
    kWrongTpid,  // a tag type this port is not set to
    kTruncated,  // ends within its tags
};

// The types of tag that a port speaks, outer and inner, as it stands in the frame.
struct PortTpids {
    Tpid outer = Tpid::kDot1q;
    Tpid inner = Tpid::kDot1q;
};

struct TagStack {
    std::uint16_t outer = 0;
    std::uint16_t inner = 0;        // 0: single-tagged
    std::uint8_t header_bytes = 0;  // MAC addresses, tags and EtherType: where layer 3 begins
    TagFault fault = TagFault::kNone;
    Be16 ether_type;
};

[[nodiscard]] constexpr bool is_tpid(Be16 type) noexcept {
    return type == Be16(0x8100) || type == Be16(0x88a8);
}

// The slow and complete reading of a frame's tags; parse_tags() has a short cut for the usual
// frame.
[[nodiscard]] TagStack parse_any_tags(const std::uint8_t* frame, std::size_t bytes,
                                      PortTpids tpids) noexcept;

// A port's tag types as a mask over the eight bytes that follow the MAC addresses.
class TagPattern {
  public:
    constexpr explicit TagPattern(PortTpids tpids) noexcept
        : tpids_(tpids),
          wanted_(std::uint64_t{Be16(static_cast<std::uint16_t>(tpids.outer)).wire()} |
                  std::uint64_t{Be16(static_cast<std::uint16_t>(tpids.inner)).wire()} << 32) {}

    // True where the frame has exactly this port's two tag types; reads 22 bytes.
    [[nodiscard]] bool is_double_tagged(std::uint64_t tags) const noexcept {
        constexpr std::uint64_t kTypes = 0x0000'ffff'0000'ffffU;
        return (tags & kTypes) == wanted_;
    }
    [[nodiscard]] PortTpids tpids() const noexcept { return tpids_; }

  private:
    PortTpids tpids_;
    std::uint64_t wanted_;
};

// Reads a frame's tags. REQUIRES: 22 readable bytes, whatever the frame's length; a device's buffer
// always has them.
[[nodiscard]] inline TagStack parse_tags(const std::uint8_t* frame, std::size_t bytes,
                                         const TagPattern& pattern) noexcept {
    std::uint64_t tags;
    std::memcpy(&tags, frame + 12, sizeof tags);
    Be16 type;
    std::memcpy(&type, frame + 20, sizeof type);
    const auto outer =
        static_cast<std::uint16_t>(swap_bytes(static_cast<std::uint16_t>(tags >> 16)) & 0xfffU);
    const auto inner =
        static_cast<std::uint16_t>(swap_bytes(static_cast<std::uint16_t>(tags >> 48)) & 0xfffU);
    // VIDs 1 to 4094, both: subtracting one wraps 0 to the top.
    const bool plain =
        pattern.is_double_tagged(tags) && static_cast<std::uint16_t>(outer - 1) < 4094 &&
        static_cast<std::uint16_t>(inner - 1) < 4094 && !is_tpid(type) && bytes >= 22;
    if (plain) [[likely]]
        return {outer, inner, 22, TagFault::kNone, type};
    return parse_any_tags(frame, bytes, pattern.tpids());
}

}  // namespace causeway
