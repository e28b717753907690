// SPDX-License-Identifier: Apache-2.0
#include "fib/fib6_kernel.h"

#include <algorithm>
#include <array>

namespace causeway {
namespace {

// Acquire, so that a node is read as it was when its name was published, and the default after the
// entry that falls through to it; a plain load on x86.
template <class T>
T load(const T* place) noexcept {
    return __atomic_load_n(place, __ATOMIC_ACQUIRE);
}

// One key on its way down.
struct Walk {
    std::uint64_t bits;  // of the address, the next to be looked at on top
    const Fib6Entry* place;
    Fib6Entry entry;
};

// Where the entry after this node is. Skips that follow each other are passed at once.
void step(const Fib6Tables& tables, const RouteKey6& key, Walk& walk) noexcept {
    for (;;) {
        if ((walk.entry & kFib6LowBit) != 0) walk.bits = key.destination.low();
        const std::byte* const node =
            tables.lines + std::size_t{walk.entry & kFib6LineMask} * kFib6LineBytes;
        if (kind_of(walk.entry) != kFib6SkipKind) {
            const unsigned stride = stride_of(walk.entry);
            walk.place = reinterpret_cast<const Fib6Entry*>(node) + (walk.bits >> (64 - stride));
            walk.bits <<= stride;
            __builtin_prefetch(walk.place);
            return;
        }
        const auto* const skip = reinterpret_cast<const Fib6Skip*>(node);
        const bool is_inside = ((walk.bits ^ skip->expected) & skip->mask) == 0;
        walk.place = is_inside ? &skip->inside : &skip->outside;
        walk.bits <<= is_inside ? skip->shift : 0;
        walk.entry = load(walk.place);
        if (!is_node(walk.entry)) return;
    }
}

// All keys of a part go down one level at a time, each prefetching its next entry, so that their
// cache misses overlap.
void lookup_part(const Fib6Tables tables, const RouteKey6* keys, GroupId* groups,
                 std::size_t count) noexcept {
    std::array<Walk, kBurstSizeMax> walks;
    std::array<std::uint8_t, kBurstSizeMax> walking;
    for (std::size_t i = 0; i < count; ++i) {
        const std::size_t vrf = std::min<std::uint32_t>(keys[i].vrf.value(), tables.vrfs_max);
        walks[i].bits = keys[i].destination.high();
        walks[i].place = tables.roots + vrf;
        walking[i] = static_cast<std::uint8_t>(i);
    }
    for (std::size_t left = count; left != 0;) {
        std::size_t nodes = 0;
        for (std::size_t j = 0; j < left; ++j) {
            const std::uint8_t i = walking[j];
            walks[i].entry = load(walks[i].place);
            walking[nodes] = i;
            nodes += walks[i].entry / kFib6NodeBit;
        }
        left = nodes;
        for (std::size_t j = 0; j < left; ++j) step(tables, keys[walking[j]], walks[walking[j]]);
    }
    for (std::size_t i = 0; i < count; ++i) {
        const std::size_t vrf = std::min<std::uint32_t>(keys[i].vrf.value(), tables.vrfs_max);
        const Fib6Entry entry = walks[i].entry;
        const FibEntry otherwise = load(tables.defaults + vrf);
        groups[i] = GroupId(static_cast<FibEntry>(entry != 0 ? entry : otherwise));
    }
}

}  // namespace

void fib6_lookup_scalar(const Fib6Tables& tables, std::span<const RouteKey6> keys,
                        std::span<GroupId> groups) noexcept {
    for (std::size_t done = 0; done < keys.size(); done += kBurstSizeMax) {
        lookup_part(tables, keys.data() + done, groups.data() + done,
                    std::min(kBurstSizeMax, keys.size() - done));
    }
}

}  // namespace causeway
