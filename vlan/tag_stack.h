// SPDX-License-Identifier: Apache-2.0
//
// What stands between a frame's MAC addresses and its network layer: none, one or two VLAN tags
// (IEEE 802.1Q 9.6). A third is refused, and so are the identifiers that name no customer.
#pragma once

#include <immintrin.h>

#include <array>
#include <cstddef>
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

// What is wrong with VIDs that no attachment has; nothing is with those that one may have.
[[nodiscard]] TagFault fault_of_vids(std::uint16_t outer, std::uint16_t inner) noexcept;

// The slow and complete reading of a frame's tags; DoubleTags and SingleTag are the short cuts for
// the usual frames.
[[nodiscard]] TagStack parse_any_tags(const std::uint8_t* frame, std::size_t bytes,
                                      PortTpids tpids) noexcept;

// What the frames of a port begin with, compared as one vector: our MAC address, the port's two
// types of tag and, of the usual frame, an IPv4 header without options that is no fragment's.
class FramePattern {
  public:
    explicit FramePattern(PortTpids tpids = {}, MacAddress mac = {}) noexcept
        : tpids_(tpids), mac_(mac) {
        const Be16 outer(static_cast<std::uint16_t>(tpids.outer));
        const Be16 inner(static_cast<std::uint16_t>(tpids.inner));
        const Be16 type(static_cast<std::uint16_t>(EtherType::kIpv4));
        std::memcpy(bytes_.data(), &mac, sizeof mac);
        std::memcpy(bytes_.data() + 12, &outer, sizeof outer);
        std::memcpy(bytes_.data() + 16, &inner, sizeof inner);
        std::memcpy(bytes_.data() + 20, &type, sizeof type);
        bytes_[22] = 0x45;
    }

    // How a frame's first 32 bytes differ from the pattern.
    class Difference {
      public:
        // Not in our address and the types of tag: two tags begin it, and then comes anything.
        [[nodiscard]] bool has_tags() const noexcept { return is_zero(kTags); }
        // Not in our address and the first type of tag: one tag or two, and then comes anything.
        [[nodiscard]] bool has_outer_tag() const noexcept { return is_zero(kOuterTag); }
        // In nothing: these two tags, and such an IPv4 header.
        [[nodiscard]] bool is_usual() const noexcept { return is_zero(kUsual); }

      private:
        friend class FramePattern;
        using Bytes = std::array<std::uint8_t, 32>;
        explicit Difference(__m256i bits) noexcept : bits_(bits) {}
        [[nodiscard]] bool is_zero(const Bytes& mask) const noexcept {
            return _mm256_testz_si256(bits_, load(mask)) != 0;
        }
        alignas(32) static constexpr Bytes kOuterTag{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0,
                                                     0,    0,    0,    0,    0,    0xff, 0xff};
        alignas(32) static constexpr Bytes kTags = [] {
            Bytes mask = kOuterTag;
            mask[16] = mask[17] = 0xff;
            return mask;
        }();
        alignas(32) static constexpr Bytes kUsual = [] {
            Bytes mask = kTags;
            mask[20] = mask[21] = 0xff;  // the type
            mask[22] = 0xff;             // version, length of the header
            mask[28] = 0x3f;             // more fragments, and the offset
            mask[29] = 0xff;
            return mask;
        }();
        __m256i bits_;
    };

    // REQUIRES: 32 readable bytes, whatever the frame's length; a device's buffer always has them.
    [[nodiscard]] Difference compare(const std::uint8_t* frame) const noexcept {
        const __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(frame));
        return Difference(_mm256_xor_si256(bytes, load(bytes_)));
    }
    [[nodiscard]] PortTpids tpids() const noexcept { return tpids_; }
    [[nodiscard]] const MacAddress& mac() const noexcept { return mac_; }

  private:
    [[nodiscard]] static __m256i load(const std::array<std::uint8_t, 32>& bytes) noexcept {
        return _mm256_load_si256(reinterpret_cast<const __m256i*>(bytes.data()));
    }
    alignas(32) std::array<std::uint8_t, 32> bytes_{};
    PortTpids tpids_;
    MacAddress mac_;
};

// The first two tags of a frame that has them, as the usual one does. REQUIRES: 22 readable bytes,
// whatever the frame's length; a device's buffer always has them. Valid as long as the frame.
class DoubleTags {
  public:
    static constexpr std::uint8_t kBytes = 22;

    explicit DoubleTags(const std::uint8_t* frame) noexcept : frame_(frame) {
        Be64 tags;
        std::memcpy(&tags, frame + 12, sizeof tags);
        tags_ = tags.host();
    }
    [[nodiscard]] std::uint16_t outer() const noexcept { return tags_ >> 32 & 0xfffU; }
    [[nodiscard]] std::uint16_t inner() const noexcept { return tags_ & 0xfffU; }
    [[nodiscard]] Be16 ether_type() const noexcept {
        Be16 type;
        std::memcpy(&type, frame_ + kBytes - sizeof type, sizeof type);
        return type;
    }

    // Whether the frame is not cut short within them, and has an inner VID that may be looked up.
    // Others that name nobody may, too: no attachment has them, and fault_of_vids() says why. But
    // an inner 0 is the key of who has a single tag.
    [[nodiscard]] bool are_whole(std::size_t bytes) const noexcept {
        return inner() != 0 && bytes >= kBytes;
    }
    // And no third tag follows.
    [[nodiscard]] bool are_all(std::size_t bytes) const noexcept {
        return are_whole(bytes) && !is_tpid(ether_type());
    }

  private:
    const std::uint8_t* frame_;
    std::uint64_t tags_;  // type, TCI, type, TCI
};

// The tag of a frame that has one, as those from a core often do. REQUIRES: 18 readable bytes, as
// above.
class SingleTag {
  public:
    static constexpr std::uint8_t kBytes = 18;

    explicit SingleTag(const std::uint8_t* frame) noexcept {
        std::memcpy(&tci_, frame + 14, sizeof tci_);
        std::memcpy(&ether_type_, frame + 16, sizeof ether_type_);
    }
    [[nodiscard]] std::uint16_t vid() const noexcept { return tci_.host() & 0xfffU; }
    [[nodiscard]] Be16 ether_type() const noexcept { return ether_type_; }

    // Whether the frame is not cut short within it, and no second tag follows. As for DoubleTags,
    // fault_of_vids() says what is wrong with a VID that nobody has.
    [[nodiscard]] bool is_all(std::size_t bytes) const noexcept {
        return bytes >= kBytes && !is_tpid(ether_type_);
    }

  private:
    Be16 tci_;
    Be16 ether_type_;
};

}  // namespace causeway
