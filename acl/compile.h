// SPDX-License-Identifier: Apache-2.0
//
// compile(): a list without names, sets and alternatives: entries of one box each, in the order of
// their rules, as a classifier wants them. One list of entries a family.
//
//   protocol    bits         ports  ranges; of ICMP, type + 1 and code + 1
//   source      prefix       shape  bits: which part of a packet, and whether it shows layer 4
//   destination prefix       flags, dscp  bits
//   names of source and destination: a bit each that is to be set
//
// A packet that shows no layer 4 has ports 0, so an entry that names ports begins at 1 and needs no
// bit of the shape: lists that say nothing of fragments, DSCP and flags stay five-tuples.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "acl/rule.h"
#include "base/result.h"

namespace causeway {

// The bits under the mask are those of the value.
struct BitMatch {
    std::uint8_t value = 0;
    std::uint8_t mask = 0;
    [[nodiscard]] constexpr bool contains(BitMatch other) const noexcept {
        return (mask & ~other.mask) == 0 && ((value ^ other.value) & mask) == 0;
    }
    [[nodiscard]] constexpr bool overlaps(BitMatch other) const noexcept {
        return ((value ^ other.value) & mask & other.mask) == 0;
    }
    [[nodiscard]] static constexpr BitMatch exactly(std::uint8_t value) noexcept {
        return {value, 0xff};
    }
};

// The upper half of a packet's first byte, in which IP has its version. A whole packet that shows
// layer 4 is what it is, of either family; the others have these bits changed.
struct AclShape {
    static constexpr std::uint8_t kFragment = 0x80;  // set: a fragment
    static constexpr std::uint8_t kNotLater = 0x40;  // clear: a later one
    static constexpr std::uint8_t kHidden = 0x10;    // set: shows no layer 4
};
static_assert((0x40 & 0xd0) == AclShape::kNotLater && (0x60 & 0xd0) == AclShape::kNotLater,
              "versions 4 and 6 are shapes of whole packets");

template <class AddressT>
struct AclEntry {
    Prefix<AddressT> source;
    Prefix<AddressT> destination;
    PortRange source_ports{0, 0xffff};
    PortRange destination_ports{0, 0xffff};
    BitMatch protocol;
    BitMatch shape;
    BitMatch flags;
    BitMatch dscp;                 // six bits, not shifted
    NameSetBits source_names = 0;  // one bit, or none: whatever they are
    NameSetBits destination_names = 0;
    std::uint32_t rule = 0;
};

// Whether some entry asks for what no packet shows (AclPacket::source_names).
template <class AddressT>
[[nodiscard]] bool ask_names(const std::vector<AclEntry<AddressT>>& entries) noexcept {
    return std::ranges::any_of(entries, [](const AclEntry<AddressT>& entry) {
        return (entry.source_names | entry.destination_names) != 0;
    });
}

struct AclEntries {
    std::vector<AclEntry<Ipv4Address>> ipv4;
    std::vector<AclEntry<Ipv6Address>> ipv6;
};

// kFull where alternatives multiply beyond kAclEntriesMax; the field names the rule. REQUIRES: the
// list is valid.
[[nodiscard]] Result<AclEntries> compile(const Acl& acl, const AclSets& sets);

}  // namespace causeway
