// SPDX-License-Identifier: Apache-2.0
//
// PrefixTable: the prefixes of one VRF in order, each with its best route. Control thread only.
//
// Layout: sorted runs of up to kRunEntries entries, and a sorted index of their first keys. Twelve
// bytes a prefix; a search is one binary search in the index and one in a run.
//
// Each entry knows the lengths of the prefixes that cover it. That makes longest match and the
// search for a parent one step from the predecessor: in order of (address, length) all that covers
// a prefix stands before it, and covers its predecessor or is it. So the covering lengths of a new
// prefix are those of its predecessor, and the predecessor's own, up to the bits they share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/types.h"

namespace causeway {

// Who told of a route, in order of preference: the first wins.
enum class RouteSource : std::uint8_t { kConnected, kStatic, kBgp, kCount };
inline constexpr std::size_t kRouteSources = static_cast<std::size_t>(RouteSource::kCount);
[[nodiscard]] std::string_view to_string(RouteSource source) noexcept;

// A set of prefix lengths, 1 to 31, as bits. /0 covers all and is not kept here, so that adding a
// default route is not a change of every entry.
using LengthSet = std::uint32_t;

struct PrefixEntry {
    Ipv4Address address;
    LengthSet covered_by = 0;
    GroupId group;  // of the best route
    std::uint8_t length = 0;
    RouteSource source = RouteSource::kStatic;  // of the best route

    [[nodiscard]] Ipv4Prefix prefix() const noexcept { return Ipv4Prefix::of(address, length); }
};
static_assert(sizeof(PrefixEntry) == 12);

class PrefixTable {
  public:
    // A place in the order. Valid until the next insert or erase.
    class Position {
      public:
        friend bool operator==(Position, Position) = default;

      private:
        friend class PrefixTable;
        std::uint32_t run_ = 0;
        std::uint32_t offset_ = 0;
    };

    [[nodiscard]] std::size_t size() const noexcept { return size_; }

    [[nodiscard]] PrefixEntry* find(Ipv4Prefix prefix) noexcept;
    [[nodiscard]] const PrefixEntry* find(Ipv4Prefix prefix) const noexcept;
    // Inserts a prefix that is not there, and tells all that it covers.
    void insert(Ipv4Prefix prefix, RouteSource source, GroupId group);
    // Erases a prefix that is there.
    void erase(Ipv4Prefix prefix);

    // The longest prefix that covers this one, itself and /0 not included.
    [[nodiscard]] const PrefixEntry* parent(Ipv4Prefix prefix) const noexcept;
    // Every prefix that holds the address, longest first, /0 included.
    [[nodiscard]] std::vector<const PrefixEntry*> matches(Ipv4Address address) const;

    // In order: the first entry after a prefix (there or not), and the entry at a place or nullptr.
    [[nodiscard]] Position after(Ipv4Prefix prefix) const noexcept;
    [[nodiscard]] Position begin() const noexcept { return {}; }
    [[nodiscard]] const PrefixEntry* at(Position position) const noexcept;
    [[nodiscard]] Position next(Position position) const noexcept;

  private:
    static constexpr std::size_t kRunEntries = 256;
    using Key = std::uint64_t;  // address, then length: the order of Ipv4Prefix
    using Run = std::vector<PrefixEntry>;

    [[nodiscard]] static Key key_of(Ipv4Prefix prefix) noexcept;
    [[nodiscard]] static Key key_of(const PrefixEntry& entry) noexcept;
    [[nodiscard]] Position search(Key key) const noexcept;
    [[nodiscard]] Position lower_bound(Key key) const noexcept;
    [[nodiscard]] LengthSet covering(Ipv4Address address, Key key) const noexcept;
    [[nodiscard]] LengthSet covering(Ipv4Prefix prefix) const noexcept;
    template <class Change>
    void for_each_covered(Ipv4Prefix prefix, const Change& change);
    void split(Position place);
    void merge_with_next(std::size_t index);

    std::vector<Run> runs_;        // none empty
    std::vector<Key> first_keys_;  // of each run
    std::size_t size_ = 0;
};

}  // namespace causeway
