// SPDX-License-Identifier: Apache-2.0
//
// Fib6: IPv6 longest match for every VRF, as the workers read it: a multibit trie with expanded
// prefixes (Srinivasan and Varghese, "Faster IP Lookups using Controlled Prefix Expansion",
// SIGMETRICS 1998) that skips stretches of the address with one way on (path compression).
//
// Thread safety
//   lookup()         any thread, at any time, never blocks.
//   everything else  one thread, the control thread, which changes the trie in place.
//
// Invariants
//   (1) A lookup that overlaps one change returns the answer from before or from after it.
//   (2) Entries are published with release stores; a node is written before the entry that names
//       it, and reused only when a grace period has passed since it was unlinked.
//   (3) A prefix that is held ends in a node: its addresses are a range of that node's entries.
//       A node that nothing ends in and nothing is below stays until collapse(). So removing
//       a route never needs memory.
//   (4) All addresses that leave a skip have the same answer, for no held prefix ends in it.
//
//   (5) A list says what the nodes say. It is replaced after each change of the nodes, and read by
//       kernels that would rather compare than walk; both have the answer from before or after.
//
// Layout. A small VRF has nodes of 2^4 entries, one cache line, and skips where it saves two of
// them: a hundred routes take some 20 KiB. A VRF that grows beyond Options::large_vrf_bytes becomes
// large, in one step and for good: its root has 2^16 entries, and all below has 2^8, as /24, /32,
// /40 and /48 are where the Internet's prefixes end. A VRF of very few prefixes has a list of their
// intervals besides. fib6_kernel.h has nodes and lists themselves.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/check.h"
#include "base/grace.h"
#include "base/limits.h"
#include "base/result.h"
#include "base/types.h"
#include "fib/fib6_kernel.h"
#include "fib/interval_lists.h"
#include "fib/trie_nodes.h"

namespace causeway {

class Fib6 {
  public:
    using Address = Ipv6Address;
    using Prefix = Ipv6Prefix;
    using Key = RouteKey6;

    struct Options {
        std::size_t vrfs_max = kVrfsMax;        // ids 0 to vrfs_max - 1
        std::size_t bytes_max = kFib6BytesMax;  // nodes of all VRFs, retired ones included
        std::size_t large_vrf_bytes = std::size_t{1} << 20;
    };
    struct Usage {
        std::size_t vrfs = 0;
        std::size_t vrfs_large = 0;
        std::size_t node_bytes = 0;     // in use
        std::size_t nodes_retired = 0;  // waiting for their grace period
    };

    // The grace periods must outlive the table.
    [[nodiscard]] static Result<std::unique_ptr<Fib6>> create(GracePeriods& grace,
                                                              const Options& options);
    Fib6(const Fib6&) = delete;
    Fib6& operator=(const Fib6&) = delete;

    // groups[i] = the group of the longest prefix that matches keys[i]. Mixed VRFs; any length,
    // best 32 to 64. An unknown VRF has no routes.
    void lookup(std::span<const RouteKey6> keys, std::span<GroupId> groups) const noexcept {
        DCHECK(keys.size() == groups.size());
        kernel_(tables_, keys, groups);
    }

    // The rest is the Rib's side: it knows which addresses a route is the best for.

    // kInvalid beyond vrfs_max, kExists.
    [[nodiscard]] Status open_vrf(VrfId vrf);
    // All its addresses read as no route from now on. The id may be opened again at once; the
    // caller sees to it that no reader still asks for the old one.
    void close_vrf(VrfId vrf);

    // Group of addresses no entry is set for; kNoRouteGroup when there is no default route.
    void set_default(VrfId vrf, GroupId group) noexcept;

    // Makes sure that fill() over this prefix has nodes, and keeps them until drop(). kFull leaves
    // everything as it was.
    [[nodiscard]] Status hold(VrfId vrf, Ipv6Prefix prefix);
    // Gives up a hold. The nodes stay in use until collapse().
    void drop(VrfId vrf, Ipv6Prefix prefix) noexcept;
    // Frees the nodes that a dropped prefix had, those that no other prefix needs; its addresses
    // have the covering route's group by then.
    void collapse(VrfId vrf, Ipv6Prefix prefix);

    // Names the group for all addresses from first to last. A gap between held prefixes, or all of
    // one.
    void fill(VrfId vrf, Ipv6Address first, Ipv6Address last, GroupId group) noexcept;

    [[nodiscard]] Usage usage() const noexcept;
    // For measuring kernels side by side.
    [[nodiscard]] const Fib6Tables& tables() const noexcept { return tables_; }
    [[nodiscard]] const char* kernel_name() const noexcept { return kernel_name_; }

  private:
    struct Vrf {
        bool is_open = false;
        bool is_large = false;
        std::size_t prefixes = 0;  // that are held
        std::size_t lines = 0;
        std::size_t grow_lines = 0;  // becomes large when it has more
    };
    // An entry, the bits of the address before it, and the first line of the array it is in; 0: it
    // is a root or a skip's.
    struct Place {
        Fib6Entry* entry = nullptr;
        unsigned depth = 0;
        std::uint32_t array = 0;
    };

    struct Range {
        Uint128 first;
        Uint128 last;
    };
    struct Cursor;
    // The most arrays that holding a prefix takes: either side of where it leaves a skip and there,
    // before and after bit 64, and where it ends.
    static constexpr std::size_t kPathArrays = 6;

    Fib6(GracePeriods& grace, const Options& options, TrieNodes nodes);

    [[nodiscard]] Place root(VrfId vrf) const noexcept { return {.entry = &roots_[vrf.value()]}; }
    [[nodiscard]] Place below(Place place, Uint128 address) const noexcept;
    [[nodiscard]] Place find_end(VrfId vrf, Ipv6Prefix prefix) const noexcept;
    [[nodiscard]] static bool ends_at(Place place, Ipv6Prefix prefix) noexcept;
    [[nodiscard]] static unsigned bits_shared(const Fib6Skip& skip, unsigned depth,
                                              Uint128 address) noexcept;

    [[nodiscard]] static unsigned stride_in(const Vrf& state) noexcept;
    [[nodiscard]] Fib6Entry make_array(Vrf& state, unsigned stride, unsigned depth,
                                       Fib6Entry content);
    [[nodiscard]] Fib6Entry make_path(Vrf& state, unsigned depth, unsigned end, Uint128 address,
                                      Fib6Entry inner, Fib6Entry outside);
    void split_skip(Vrf& state, Place place, Ipv6Prefix prefix);
    void add_end(Vrf& state, Place place, Ipv6Prefix prefix);
    void retire(Vrf& state, Fib6Entry node);
    void retire_all(Vrf& state, Fib6Entry entry);
    void fill_entry(Place place, Range range, Fib6Entry group) noexcept;
    void fill_skip(Place place, Range range, Fib6Entry group) noexcept;
    void collapse_path(VrfId vrf, Ipv6Prefix prefix);
    void make_list(VrfId vrf) noexcept;
    void append_intervals(Fib6Entry entry, unsigned depth, Uint128 first) noexcept;

    // fib6_growth.cc
    void reset_growth(Vrf& state) noexcept;
    void grow_large(VrfId vrf);
    [[nodiscard]] Cursor advance(Cursor from, unsigned bits, std::uint64_t index) const noexcept;
    [[nodiscard]] std::uint32_t ends_within(Cursor from, unsigned bits) const noexcept;
    [[nodiscard]] Fib6Entry rest_of(Vrf& state, Cursor from, unsigned depth);
    void merge_levels(VrfId vrf, Ipv6Address address);
    [[nodiscard]] Fib6Entry widen(Vrf& state, Cursor from, unsigned depth, unsigned stride);

    Fib6Tables tables_;  // all that a lookup reads, in front
    Fib6Kernel kernel_;
    const char* kernel_name_;

    Options options_;
    TrieNodes nodes_;
    IntervalLists lists_;
    std::unique_ptr<Fib6Entry[]> roots_;
    std::unique_ptr<FibEntry[]> defaults_;
    std::vector<Vrf> vrfs_;
    std::vector<Place> path_;  // of collapse(), which so needs no memory
    std::size_t open_count_ = 0;
    std::size_t large_count_ = 0;
};

}  // namespace causeway
