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
    return (type == Be16(0x8100)) | (type == Be16(0x88a8));
}

// The slow and complete reading of a frame's tags; DoubleTags is the short cut for the usual frame.
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

// A frame's tags, if it has two, as the usual one does. REQUIRES: 22 readable bytes, whatever the
// frame's length; a device's buffer always has them.
class DoubleTags {
  public:
    explicit DoubleTags(const std::uint8_t* frame) noexcept {
        std::memcpy(&tags_, frame + 12, sizeof tags_);
        std::memcpy(&ether_type_, frame + 20, sizeof ether_type_);
    }
    [[nodiscard]] std::uint16_t outer() const noexcept { return vid(16); }
    [[nodiscard]] std::uint16_t inner() const noexcept { return vid(48); }
    [[nodiscard]] Be16 ether_type() const noexcept { return ether_type_; }

    // Whether the frame has exactly these, of the port's types and with VIDs 1 to 4094.
    [[nodiscard]] bool are_plain(std::size_t bytes, const TagPattern& pattern) const noexcept {
        return pattern.is_double_tagged(tags_) & is_customer(outer()) & is_customer(inner()) &
               !is_tpid(ether_type_) & (bytes >= kBytes);
    }
    static constexpr std::uint8_t kBytes = 22;

  private:
    [[nodiscard]] std::uint16_t vid(unsigned shift) const noexcept {
        return swap_bytes(static_cast<std::uint16_t>(tags_ >> shift)) & 0xfffU;
    }
    // Subtracting one wraps 0 to the top.
    [[nodiscard]] static bool is_customer(std::uint16_t vid) noexcept {
        return static_cast<std::uint16_t>(vid - 1) < 4094;
    }

    std::uint64_t tags_;
    Be16 ether_type_;
};

// Reads a frame's tags. REQUIRES: as above.
[[nodiscard]] inline TagStack parse_tags(const std::uint8_t* frame, std::size_t bytes,
                                         const TagPattern& pattern) noexcept {
    const DoubleTags tags(frame);
    if (tags.are_plain(bytes, pattern)) [[likely]] {
        return {tags.outer(), tags.inner(), DoubleTags::kBytes, TagFault::kNone, tags.ether_type()};
    }
    return parse_any_tags(frame, bytes, pattern.tpids());
}

}  // namespace causeway
