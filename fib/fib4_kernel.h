// SPDX-License-Identifier: Apache-2.0
//
// The lookup of Fib4 as free functions over plain memory, one for each instruction set. The scalar
// one is the definition; the others are tested against it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/limits.h"
#include "base/types.h"

namespace causeway {

// What is asked of a FIB.
struct RouteKey {
    VrfId vrf;
    Ipv4Address destination;
};
static_assert(sizeof(RouteKey) == 8, "eight keys a cache line; kernels load them as words");
static_assert(sizeof(GroupId) == 2, "kernels store groups as entries");

// The group of an address that no route covers.
inline constexpr GroupId kNoRouteGroup{0};

using FibEntry = std::uint16_t;
inline constexpr FibEntry kFibExtensionBit = 1U << 15;
inline constexpr std::size_t kFibLevel1Entries = std::size_t{1} << 24;
inline constexpr std::size_t kFibBlockEntries = 256;
static_assert(kGroupsMax <= kFibExtensionBit, "a group is the rest of an entry");
static_assert(kFibBlocksMax <= kFibExtensionBit, "so is a block");

// Level 1 comes in chunks: the entries of the /24s of one /13. A VRF has at most one for each row.
inline constexpr unsigned kFibChunkBits = 11;
inline constexpr std::size_t kFibChunkEntries = std::size_t{1} << kFibChunkBits;
inline constexpr std::size_t kFibChunkRows = kFibLevel1Entries / kFibChunkEntries;

// All that a lookup reads. An address is in row `address >> 19`. The chunk of (vrf, row) is
// flats[vrf] + row where flats[vrf] is not 0, else directory[row * row_length + vrf], and chunk n
// begins at level1[n * kFibChunkEntries]. The VRF vrfs_max is always empty: every id beyond the
// last reads as that one. Tables of 16-bit entries end with room for a load of 32 bits.
struct FibTables {
    const FibEntry* level1 = nullptr;
    const std::uint32_t* flats = nullptr;  // by VRF
    const std::uint32_t* directory = nullptr;
    const FibEntry* blocks = nullptr;
    const FibEntry* defaults = nullptr;  // by VRF
    std::uint32_t vrfs_max = 0;
    std::uint32_t row_length = 0;
};

using FibKernel = void (*)(const FibTables& tables, std::span<const RouteKey> keys,
                           std::span<GroupId> groups) noexcept;

void fib4_lookup_scalar(const FibTables& tables, std::span<const RouteKey> keys,
                        std::span<GroupId> groups) noexcept;
// Needs AVX-512 F, BW and VL.
void fib4_lookup_avx512(const FibTables& tables, std::span<const RouteKey> keys,
                        std::span<GroupId> groups) noexcept;

}  // namespace causeway
