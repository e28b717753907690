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

// Keys on their way down, a column each.
struct Walks {
    std::array<std::uint64_t, kBurstSizeMax> bits;  // of the address, the next to look at on top
    std::array<const Fib6Entry*, kBurstSizeMax> places;
    std::array<Fib6Entry, kBurstSizeMax> entries;
};

// Skips, and nodes that begin with the low half of the address: seldom in a full table. Returns
// whether there is an array to index now; else the next entry has its place.
bool pass_special(const Fib6Tables& tables, const RouteKey6& key, Walks& walks,
                  std::size_t i) noexcept {
    const Fib6Entry entry = walks.entries[i];
    if ((entry & kFib6LowBit) != 0) walks.bits[i] = key.destination.low();
    if (!is_skip(entry)) return true;
    const auto* const skip = reinterpret_cast<const Fib6Skip*>(
        tables.lines + std::size_t{entry & kFib6LineMask} * kFib6LineBytes);
    const bool is_inside = ((walks.bits[i] ^ skip->expected) & skip->mask) == 0;
    walks.places[i] = is_inside ? &skip->inside : &skip->outside;
    walks.bits[i] <<= is_inside ? skip->shift : 0;
    return false;
}

// All keys of a part go down one level at a time, each prefetching its next entry, so that their
// cache misses overlap. The tables come by value, or each acquire would fetch them again.
void lookup_part(const Fib6Tables tables, const RouteKey6* keys, GroupId* groups,
                 std::size_t count) noexcept {
    Walks walks;
    std::array<std::uint8_t, kBurstSizeMax> walking;
    for (std::size_t i = 0; i < count; ++i) {
        const std::size_t vrf = std::min<std::uint32_t>(keys[i].vrf.value(), tables.vrfs_max);
        walks.bits[i] = keys[i].destination.high();
        walks.places[i] = tables.roots + vrf;
        walking[i] = static_cast<std::uint8_t>(i);
    }
    for (std::size_t left = count; left != 0;) {
        std::size_t nodes = 0;
        for (std::size_t j = 0; j < left; ++j) {
            const std::size_t i = walking[j];
            const Fib6Entry entry = load(walks.places[i]);
            walks.entries[i] = entry;
            // A skip is read as a whole; an array's place is known after the bits are.
            const void* const skip =
                tables.lines + std::size_t{entry & kFib6LineMask} * kFib6LineBytes;
            __builtin_prefetch(is_skip(entry) ? skip : walks.places[i]);
            walking[nodes] = static_cast<std::uint8_t>(i);
            nodes += entry / kFib6NodeBit;
        }
        left = nodes;
        for (std::size_t j = 0; j < left; ++j) {
            const std::size_t i = walking[j];
            const Fib6Entry entry = walks.entries[i];
            if ((entry & (kFib6SkipBit | kFib6LowBit)) != 0) [[unlikely]] {
                if (!pass_special(tables, keys[i], walks, i)) continue;
            }
            const std::byte* const array =
                tables.lines + std::size_t{entry & kFib6LineMask} * kFib6LineBytes;
            const unsigned stride = stride_of(entry);
            const std::uint64_t bits = walks.bits[i];
            const Fib6Entry* const place =
                reinterpret_cast<const Fib6Entry*>(array) + (bits >> (64 - stride));
            __builtin_prefetch(place);
            walks.places[i] = place;
            walks.bits[i] = bits << stride;
        }
    }
    for (std::size_t i = 0; i < count; ++i) {
        const std::size_t vrf = std::min<std::uint32_t>(keys[i].vrf.value(), tables.vrfs_max);
        const Fib6Entry entry = walks.entries[i];
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
