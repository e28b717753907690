// SPDX-License-Identifier: Apache-2.0
//
// Fib4: IPv4 longest match for every VRF, as the workers read it (DIR-24-8: Gupta, Lin, McKeown,
// "Routing Lookups in Hardware at Memory Access Speeds", INFOCOM 1998).
//
// Thread safety
//   lookup()         any thread, at any time, never blocks.
//   everything else  one thread, the control thread, which changes the tables in place.
//
// Invariants
//   (1) A lookup that overlaps one change returns the answer from before or from after it.
//   (2) Entries and blocks are published with release stores; a block is written before the entry
//       that names it, and reused only when a grace period has passed since it was unlinked.
//   (3) A block exists exactly while its /24 has prefixes longer than /24, or until
//       collapse_block() after the last of them. So removing a route never needs memory.
//
// Layout. Level 1 has one entry a /24; level1.h says where.
//
//   15          14                                            0
//  +-----------+-----------------------------------------------+
//  | extension | group, or the index of a block of 256 entries |
//  +-----------+-----------------------------------------------+
//
// Zero falls through to the VRF's default group. That is no route unless the VRF has a default
// route, so a cleared table is an empty table, and a default route is one store, not 2^24.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <vector>

#include "base/grace.h"
#include "base/limits.h"
#include "base/mapping.h"
#include "base/result.h"
#include "base/types.h"
#include "fib/fib4_kernel.h"
#include "fib/level1.h"

namespace causeway {

class Fib4 {
  public:
    using Address = Ipv4Address;
    using Prefix = Ipv4Prefix;
    using Key = RouteKey;

    struct Options {
        std::size_t vrfs_max = kVrfsMax;  // ids 0 to vrfs_max - 1
        std::size_t blocks_max = kFibBlocksMax;
        std::size_t level1_bytes_max = kFibLevel1BytesMax;  // of all VRFs
        // A VRF with routes in more /13s than this gets a table of its own, 32 MiB. Private space
        // (RFC 1918) is 35 of them and stays small; a full table has routes in thousands.
        std::size_t large_vrf_chunks = 1'024;
    };
    struct Usage {
        std::size_t vrfs = 0;
        std::size_t blocks = 0;          // in use
        std::size_t blocks_retired = 0;  // waiting for their grace period
        std::size_t vrfs_large = 0;
        std::size_t level1_bytes = 0;  // charged against Options::level1_bytes_max
    };

    // The grace periods must outlive the table.
    [[nodiscard]] static Result<std::unique_ptr<Fib4>> create(GracePeriods& grace,
                                                              const Options& options);
    Fib4(const Fib4&) = delete;
    Fib4& operator=(const Fib4&) = delete;

    // groups[i] = the group of the longest prefix that matches keys[i]. Mixed VRFs; any length,
    // best 32 to 64. An unknown VRF has no routes.
    void lookup(std::span<const RouteKey> keys, std::span<GroupId> groups) const noexcept {
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

    // Makes sure that fill() over this prefix has memory: level 1 for it, and for a prefix longer
    // than /24 one more hold on its /24's block. kFull, or kUnavailable when the system refuses
    // memory, leave all answers as they were.
    [[nodiscard]] Status hold(VrfId vrf, Ipv4Prefix prefix);
    // Gives up a hold on a block. The block stays in use until collapse().
    void drop(VrfId vrf, Ipv4Prefix prefix) noexcept;
    // Frees the memory of a prefix that was dropped, if nothing else holds it; its entries must be
    // alike by then.
    void collapse(VrfId vrf, Ipv4Prefix prefix);

    // Names the group for all addresses from first to last. A range that cuts a /24 needs its
    // block.
    void fill(VrfId vrf, Ipv4Address first, Ipv4Address last, GroupId group) noexcept;

    [[nodiscard]] Usage usage() const noexcept;
    // For measuring kernels side by side.
    [[nodiscard]] const FibTables& tables() const noexcept { return tables_; }
    [[nodiscard]] const char* kernel_name() const noexcept { return kernel_name_; }

  private:
    struct Block {
        VrfId vrf;
        std::uint16_t holds = 0;  // at most 510: the prefixes of /25 to /32 in one /24
        bool is_used = false;
    };
    struct Retired {
        std::uint64_t token;
        std::uint16_t block;
    };
    Fib4(GracePeriods& grace, const Options& options, Level1 level1, Mapping blocks);

    [[nodiscard]] FibEntry* block(std::size_t index) const noexcept;
    void insert_block(VrfId vrf, std::uint32_t slash24);
    void retire_block(std::uint16_t index);
    void reclaim_blocks();
    void fill_slash24(VrfId vrf, std::uint32_t slash24, std::uint32_t first, std::uint32_t last,
                      FibEntry value) noexcept;
    void fill_level1(VrfId vrf, std::uint32_t first24, std::uint32_t last24,
                     FibEntry value) noexcept;

    FibTables tables_;  // all that a lookup reads, in front
    FibKernel kernel_;
    const char* kernel_name_;

    GracePeriods& grace_;
    Options options_;
    Level1 level1_;
    Mapping blocks_memory_;
    std::unique_ptr<FibEntry[]> defaults_;
    std::vector<Block> blocks_;
    std::vector<std::uint16_t> free_blocks_;
    std::deque<Retired> retired_;  // in the order of their tokens
    std::size_t blocks_used_ = 0;
};

}  // namespace causeway
