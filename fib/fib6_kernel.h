// SPDX-License-Identifier: Apache-2.0
//
// The lookup of Fib6 as free functions over plain memory, one for each instruction set. The scalar
// one is the definition; the other is tested against it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/limits.h"
#include "base/types.h"
#include "fib/fib4_kernel.h"

namespace causeway {

// What is asked of an IPv6 FIB.
struct RouteKey6 {
    VrfId vrf;
    Ipv6Address destination;
};
static_assert(sizeof(RouteKey6) == 24 && offsetof(RouteKey6, destination) == 8,
              "kernels gather the halves of the address");

// An entry is a group, where zero falls through to the VRF's default, or the name of a node.
//
//   31     30     29                          28  27   26                  0
//  +------+------+---------------------------+--------+---------------------+
//  | node | skip | begins at bit 64: indexed | stride | the node's first    |
//  |      |      | by the address's low half |        | line in the arena   |
//  +------+------+---------------------------+--------+---------------------+
//
// A node is a Fib6Skip, or an array of 2^4, 2^8 or 2^16 entries (stride 0, 1, 2), indexed by as
// many bits of the address. None spans bit 64.
using Fib6Entry = std::uint32_t;
inline constexpr Fib6Entry kFib6NodeBit = 1U << 31;
inline constexpr Fib6Entry kFib6SkipBit = 1U << 30;
inline constexpr Fib6Entry kFib6LowBit = 1U << 29;
inline constexpr unsigned kFib6StrideShift = 27;
inline constexpr Fib6Entry kFib6RootCode = 2;  // the stride of a large VRF's root: 2^16
inline constexpr Fib6Entry kFib6LineMask = (1U << kFib6StrideShift) - 1;
inline constexpr std::size_t kFib6LineBytes = 64;

[[nodiscard]] constexpr bool is_node(Fib6Entry entry) noexcept {
    return (entry & kFib6NodeBit) != 0;
}
[[nodiscard]] constexpr bool is_skip(Fib6Entry entry) noexcept {
    return (entry & kFib6SkipBit) != 0;
}
// How many bits of the address index an array.
[[nodiscard]] constexpr unsigned stride_of(Fib6Entry entry) noexcept {
    return 4U << (entry >> kFib6StrideShift & 3);
}

// A stretch of the address in which there is one way on: `length` bits, compared at once.
struct Fib6Skip {
    std::uint64_t expected;  // the bits, from the highest on; zero beyond
    std::uint64_t mask;
    Fib6Entry outside;  // a group: the answer where the bits differ
    Fib6Entry inside;   // what comes after the bits
    std::uint32_t length;
    std::uint32_t shift;  // length, or 0 where it is 64 and the low half comes next
};
static_assert(sizeof(Fib6Skip) == 32 && sizeof(Fib6Skip) <= kFib6LineBytes);
static_assert(offsetof(Fib6Skip, inside) == offsetof(Fib6Skip, outside) + sizeof(Fib6Entry),
              "a kernel gathers them as one word");

// The whole of a small VRF: where the answer changes as addresses go up. The answer of an address
// is groups[n], where n of the starts are not above it. Whoever compares with all of them has no
// branch that depends on the address, which the way through nodes is full of.
struct alignas(kCacheLine) Fib6List {
    static constexpr std::size_t kStartsMax = 48;

    std::array<std::uint64_t, kStartsMax> high;  // of the starts; those whose low half is zero,
    std::array<std::uint64_t, kStartsMax> low;   // which is most, come first, else in any order
    std::array<FibEntry, 64> groups;             // zero: the VRF's default
    std::uint32_t shallow;                       // starts whose low half is zero
    std::uint32_t count;                         // all starts
    friend bool operator==(const Fib6List&, const Fib6List&) = default;
};
static_assert(Fib6List::kStartsMax % 8 == 0 && Fib6List::kStartsMax < 64);

// All that a lookup reads. The VRF vrfs_max is always empty: every id beyond the last reads as that
// one.
struct Fib6Tables {
    const std::byte* lines = nullptr;
    const Fib6Entry* roots = nullptr;        // by VRF
    const FibEntry* defaults = nullptr;      // by VRF
    const Fib6List* const* lists = nullptr;  // by VRF; null where there is none
    std::uint32_t vrfs_max = 0;
};

using Fib6Kernel = void (*)(const Fib6Tables& tables, std::span<const RouteKey6> keys,
                            std::span<GroupId> groups) noexcept;

void fib6_lookup_scalar(const Fib6Tables& tables, std::span<const RouteKey6> keys,
                        std::span<GroupId> groups) noexcept;
// Needs AVX-512 F, BW, DQ and VL. Asks lists where the scalar one asks nodes.
void fib6_lookup_avx512(const Fib6Tables& tables, std::span<const RouteKey6> keys,
                        std::span<GroupId> groups) noexcept;

}  // namespace causeway
