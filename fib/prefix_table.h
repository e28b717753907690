// SPDX-License-Identifier: Apache-2.0
//
// PrefixTable: the prefixes of one VRF in order, each with the group it forwards to. Control thread
// only. For Ipv4Prefix and Ipv6Prefix.
//
// Layout: sorted runs of up to kRunEntries entries, and a sorted index of their first keys. Twelve
// bytes an IPv4 prefix; a search is one binary search in the index and one in a run. All else is
// done from the place that a search found, so that a change needs one.
//
// Each entry knows the lengths of the prefixes that cover it. That makes longest match and the
// search for a parent one step from the predecessor: in order of (address, length) all that covers
// a prefix stands before it, and covers its predecessor or is it. So the covering lengths of a new
// prefix are those of its predecessor, and the predecessor's own, up to the bits they share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/types.h"
#include "fib/length_set.h"

namespace causeway {

// Who told of a route, in order of preference: the first wins. What a caller of the control socket
// says now comes before what the configuration says (kStatic), which returns when it is deleted.
enum class RouteSource : std::uint8_t { kConnected, kApi, kStatic, kBgp, kCount };
inline constexpr std::size_t kRouteSources = static_cast<std::size_t>(RouteSource::kCount);
[[nodiscard]] std::string_view to_string(RouteSource source) noexcept;

template <class PrefixT>
struct PrefixEntry {
    typename PrefixT::Address address{};
    LengthSet<typename PrefixT::Address> covered_by{};
    GroupId group;  // what the FIB names for it
    std::uint8_t length = 0;
    RouteSource source : 6 = RouteSource::kStatic;  // of the best route
    bool has_rivals : 1 = false;                    // routes of several sources; see the Rib
    bool is_stale : 1 = false;                      // its only route is; see the Rib

    [[nodiscard]] PrefixT prefix() const noexcept { return PrefixT::of(address, length); }
};
static_assert(sizeof(PrefixEntry<Ipv4Prefix>) == 12);
static_assert(sizeof(PrefixEntry<Ipv6Prefix>) == 40);

template <class PrefixT>
class PrefixTable {
  public:
    using Address = typename PrefixT::Address;
    using Entry = PrefixEntry<PrefixT>;
    using Lengths = LengthSet<Address>;

    // A place in the order, before an entry or at the end. Valid until the next insert or erase.
    class Position {
      private:
        friend class PrefixTable;
        std::uint32_t run = 0;
        std::uint32_t offset = 0;  // may be the run's length: before the first of the next
    };

    [[nodiscard]] std::size_t size() const noexcept { return size_; }

    [[nodiscard]] Position begin() const noexcept { return {}; }
    // Before the prefix if it is there, else where it would be inserted.
    [[nodiscard]] Position seek(PrefixT prefix) const noexcept;
    // The entry at a place, or nullptr at the end.
    [[nodiscard]] Entry* at(Position place) noexcept;
    [[nodiscard]] const Entry* at(Position place) const noexcept;
    // The same if it is this prefix's, else nullptr.
    [[nodiscard]] Entry* at(Position place, PrefixT prefix) noexcept;
    [[nodiscard]] const Entry* at(Position place, PrefixT prefix) const noexcept;
    // REQUIRES: not at the end.
    [[nodiscard]] Position next(Position place) const noexcept;
    // After the prefix, whether it is there or not.
    [[nodiscard]] Position after(PrefixT prefix) const noexcept;
    [[nodiscard]] const Entry* find(PrefixT prefix) const noexcept {
        return at(seek(prefix), prefix);
    }
    // Fetches what seek() of this prefix will read last.
    void prefetch(PrefixT prefix) const noexcept;

    // Inserts a prefix where seek() has not found it, and tells all that it covers. Its own place.
    Position insert(Position place, PrefixT prefix, RouteSource source, GroupId group);
    // Erases the entry here. The place of the next.
    Position erase(Position place);

    // The longest prefix that covers the entry here, itself and /0 not included.
    [[nodiscard]] const Entry* parent(const Entry& entry) const noexcept;
    // Every prefix that holds the address, longest first, /0 included.
    [[nodiscard]] std::vector<const Entry*> matches(Address address) const;

  private:
    static constexpr std::size_t kRunEntries = 256;
    using Run = std::vector<Entry>;

    // Compares like the prefixes, in fewer steps.
    [[nodiscard]] static constexpr std::uint64_t key_of(Ipv4Address address, int length) noexcept {
        return std::uint64_t{address.value()} << 8 | static_cast<unsigned>(length);
    }
    [[nodiscard]] static constexpr Ipv6Prefix key_of(Ipv6Address address, int length) noexcept {
        return Ipv6Prefix::of(address, length);
    }
    using Key = decltype(key_of(Address(), 0));
    [[nodiscard]] static Key key_of(const Entry& entry) noexcept {
        return key_of(entry.address, entry.length);
    }

    [[nodiscard]] std::size_t run_of(Key key) const noexcept;
    [[nodiscard]] Lengths covering(Position place, Address address) const noexcept;
    template <class Change>
    void for_each_covered(Position after, PrefixT prefix, const Change& change);
    [[nodiscard]] Position make_room(Position place);
    [[nodiscard]] bool merge_with_next(std::size_t index);

    std::vector<Run> runs_;        // none empty
    std::vector<Key> first_keys_;  // of each run
    std::size_t size_ = 0;
};

extern template class PrefixTable<Ipv4Prefix>;
extern template class PrefixTable<Ipv6Prefix>;

}  // namespace causeway
