// SPDX-License-Identifier: Apache-2.0
//
// Adjacency: all a worker needs to send a packet its way: the layer-2 header, finished, and where
// to.
//
// Invariant: an adjacency that a bucket names is never written. A change (a new MAC, a new tag)
// makes a new adjacency; the buckets are flipped to it, and the old one is reused after a grace
// period.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "base/check.h"
#include "base/limits.h"
#include "base/types.h"

namespace causeway {

// What becomes of a packet whose route ends here.
enum class AdjacencyKind : std::uint8_t {
    kForward,      // rewrite and send
    kNoRoute,      // no prefix matched: group 0, so a cleared table is an empty table
    kLocal,        // one of our own addresses
    kUnresolved,   // the neighbour has not answered yet
    kBlackhole,    // dropped in silence, as a route says
    kUnreachable,  // dropped with ICMP host unreachable
    kProhibit,     // dropped with ICMP administratively prohibited
    kDown,         // every next hop of the group is dead
    kCount,
};

//   0        7        32      40                                64
//  +--------+--------+-------+---------------------------------+
//  | fields | unused | front | layer-2 header, right-aligned   |
//  +--------+--------+-------+---------------------------------+
struct alignas(kCacheLine) Adjacency {
    static constexpr std::size_t kHeaderRoom = 24;

    AdjacencyKind kind = AdjacencyKind::kNoRoute;
    PortId port;
    AttachmentId attachment;        // the way out, for counting
    std::uint16_t mtu = 0;          // bytes of layer 3
    std::uint8_t header_bytes = 0;  // 14, 18 or 22
    std::array<std::uint8_t, 25> unused{};
    std::array<std::uint8_t, 8> front{};  // the header's first bytes
    std::array<std::uint8_t, kHeaderRoom> header{};

    void set_header(std::span<const std::uint8_t> bytes) noexcept {
        CHECK(bytes.size() >= front.size() && bytes.size() <= kHeaderRoom);
        header_bytes = static_cast<std::uint8_t>(bytes.size());
        std::memcpy(front.data(), bytes.data(), front.size());
        std::memcpy(header.data() + kHeaderRoom - bytes.size(), bytes.data(), bytes.size());
    }
    [[nodiscard]] std::span<const std::uint8_t> header_view() const noexcept {
        return {header.data() + kHeaderRoom - header_bytes, header_bytes};
    }
    // Lays the header before layer 3, in two stores that overlap, and says where it begins. Of a
    // tagged one neither begins before the header does: where that is the first byte of a buffer's
    // line, as a device leaves it, the line before it, which nobody else touches, stays out of the
    // cache.
    std::uint8_t* write_header(std::uint8_t* layer3) const noexcept {
        std::uint8_t* const begin = layer3 - header_bytes;
        std::memcpy(begin, front.data(), front.size());
        std::memcpy(layer3 - 16, header.data() + kHeaderRoom - 16, 16);
        return begin;
    }
};
static_assert(sizeof(Adjacency) == kCacheLine, "one line a packet");
static_assert(offsetof(Adjacency, header) + Adjacency::kHeaderRoom == kCacheLine);

// The first groups and adjacencies are fixed: AdjacencyId{k} and GroupId{k} have kind k, for every
// kind but kForward. Id 0 is kNoRoute; kForward's number is that id's unused twin.
[[nodiscard]] constexpr GroupId special_group(AdjacencyKind kind) noexcept {
    return GroupId(kind == AdjacencyKind::kNoRoute ? std::uint16_t{0}
                                                   : static_cast<std::uint16_t>(kind));
}
[[nodiscard]] constexpr AdjacencyId special_adjacency(AdjacencyKind kind) noexcept {
    return AdjacencyId(special_group(kind).value());
}
inline constexpr std::uint16_t kFirstFreeGroup = static_cast<std::uint16_t>(AdjacencyKind::kCount);

}  // namespace causeway
