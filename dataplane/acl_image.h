// SPDX-License-Identifier: Apache-2.0
//
// AclImage: a packet as the classifier reads it. Mostly that is the packet itself: the fields of a
// plain TCP or UDP packet lie where they lie. Of any other packet (options, extension headers,
// fragments, ICMP, one that ends early) an image is made that has its fields in those same places.
//
//   byte   IPv4: 0      1         9         12      16           20     22     33
//          IPv6: 0..1             6         8       24           40     42     53
//          shape, DSCP         protocol  source  destination  ports         TCP flags
//
// A list that asks for names reads an image of any packet, in which the sets of both addresses
// stand behind all that (acl/packet_view.h).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "dataplane/family.h"

namespace causeway {

class LearnedAddresses;

struct alignas(kCacheLine) AclImage {
    std::array<std::uint8_t, kCacheLine> bytes;
};

// What a packet of a protocol must have of layer 4 to be read as it lies; of most protocols, more
// than there can be.
inline constexpr auto kLayer4Bytes = [] {
    std::array<std::uint32_t, 256> bytes{};
    bytes.fill(0x1'0000);
    bytes[static_cast<std::size_t>(IpProtocol::kTcp)] = 20;
    bytes[static_cast<std::size_t>(IpProtocol::kUdp)] = 8;
    return bytes;
}();

template <class Family>
struct AclLayout;

template <>
struct AclLayout<Ipv4> {
    using Address = Ipv4Address;
    static constexpr std::size_t kProtocol = offsetof(Ipv4Header, protocol);
    static constexpr std::size_t kSource = offsetof(Ipv4Header, source);
    static constexpr std::size_t kPorts = sizeof(Ipv4Header);
    static constexpr unsigned kDscpShift = 2 + 16;  // of the first four bytes as a number

    [[nodiscard]] static bool is_plain(const PacketMeta& meta) noexcept {
        // No options, and no fragment.
        std::uint64_t first;
        std::memcpy(&first, meta.frame, sizeof first);
        return ((first & 0xff3f'0000'0000'00ffU) == 0x45) &
               (meta.packet_bytes >= kPorts + kLayer4Bytes[meta.ipv4().protocol]);
    }
};

template <>
struct AclLayout<Ipv6> {
    using Address = Ipv6Address;
    static constexpr std::size_t kProtocol = offsetof(Ipv6Header, next_header);
    static constexpr std::size_t kSource = offsetof(Ipv6Header, source);
    static constexpr std::size_t kPorts = sizeof(Ipv6Header);
    static constexpr unsigned kDscpShift = 22;

    [[nodiscard]] static bool is_plain(const PacketMeta& meta) noexcept {
        return meta.packet_bytes >= kPorts + kLayer4Bytes[meta.ipv6().next_header];
    }
};

// The flags are the second byte of a group of four that begins here.
template <class Family>
inline constexpr std::size_t kAclFlagsGroup = AclLayout<Family>::kPorts + 12;

// Two groups: the sets of the source, and those of the destination.
template <class Family>
inline constexpr std::size_t kAclNames = kAclFlagsGroup<Family> + 4;
static_assert(kAclNames<Ipv6> + 2 * sizeof(Be32) <= sizeof(AclImage));

template <class Family>
void make_acl_image(const PacketMeta& meta, AclImage& image) noexcept;

// Where the classifier is to read this packet: in its frame, or in `room`. REQUIRES: meta is past
// CheckIpv4 or CheckIpv6.
template <class Family>
[[nodiscard]] inline const std::uint8_t* acl_image_of(const PacketMeta& meta,
                                                      AclImage& room) noexcept {
    if (AclLayout<Family>::is_plain(meta)) [[likely]]
        return meta.frame;
    make_acl_image<Family>(meta, room);
    return room.bytes.data();
}

// For a list that asks for names: puts in the place of each image one that has them, in its room,
// as learned[k] knows them.
// An address that has run out counts for what cannot begin a flow (of TCP all but a client's first
// SYN), so that what was let through in time stays so. REQUIRES: images[k] is acl_image_of() some
// packet with rooms[k], and there are at most kBurstSizeMax.
template <class Family>
void name_acl_images(std::span<const LearnedAddresses* const> learned,
                     std::span<const std::uint8_t*> images, std::span<AclImage> rooms) noexcept;

}  // namespace causeway
