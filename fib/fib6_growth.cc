// SPDX-License-Identifier: Apache-2.0
//
// How a VRF of Fib6 becomes large: a copy of its trie with longer strides, built beside it and
// published by one store.
#include <algorithm>
#include <bit>

#include "fib/fib6.h"

namespace causeway {
namespace {

constexpr unsigned kSmallStride = 4;
constexpr unsigned kLargeStride = 8;
constexpr unsigned kRootStride = 16;
// Children and ends of an array of 2^8 from which one of 2^16 takes less than thrice the memory.
constexpr std::uint32_t kDenseUsers = 64;

}  // namespace

unsigned Fib6::stride_in(const Vrf& state) noexcept {
    return state.is_large ? kLargeStride : kSmallStride;
}

void Fib6::reset_growth(Vrf& state) noexcept {
    if (state.is_large) --large_count_;
    state.is_large = false;
    state.grow_lines = options_.large_vrf_bytes / kFib6LineBytes;
}

// Where a copy reads: an entry and, if that is a skip, the bits of it passed.
struct Fib6::Cursor {
    Fib6Entry entry;
    unsigned passed = 0;
};

// Follows these bits, which end no array in its middle.
Fib6::Cursor Fib6::advance(Cursor from, unsigned bits, std::uint64_t index) const noexcept {
    for (unsigned left = bits; left != 0 && is_node(from.entry);) {
        const std::uint32_t line = from.entry & kFib6LineMask;
        if (!is_skip(from.entry)) {
            left -= stride_of(from.entry);
            const std::uint64_t mask = (std::uint64_t{1} << stride_of(from.entry)) - 1;
            from = {nodes_.at<Fib6Entry>(line)[index >> left & mask]};
            continue;
        }
        const auto& skip = *nodes_.at<Fib6Skip>(line);
        const unsigned step = std::min(left, skip.length - from.passed);
        left -= step;
        const std::uint64_t mask = ~std::uint64_t{0} >> (64 - step);
        if (skip.expected << from.passed >> (64 - step) != (index >> left & mask)) {
            return {skip.outside};
        }
        from.passed += step;
        if (from.passed == skip.length) from = {skip.inside};
    }
    return from;
}

// How many prefixes end within so many bits after the cursor.
std::uint32_t Fib6::ends_within(Cursor from, unsigned bits) const noexcept {
    if (bits == 0 || !is_node(from.entry)) return 0;
    const std::uint32_t line = from.entry & kFib6LineMask;
    if (is_skip(from.entry)) {
        const auto& skip = *nodes_.at<Fib6Skip>(line);
        const unsigned step = std::min(bits, skip.length - from.passed);
        const std::uint64_t expected = skip.expected << from.passed >> (64 - step);
        return ends_within(advance(from, step, expected), bits - step);
    }
    std::uint32_t ends = nodes_.users(line);
    const unsigned stride = stride_of(from.entry);
    for (std::size_t i = 0; i < std::size_t{1} << stride; ++i) {
        const Fib6Entry entry = nodes_.at<Fib6Entry>(line)[i];
        ends -= entry / kFib6NodeBit;
        ends += ends_within({entry}, bits - stride);
    }
    return ends;
}

// What comes after the cursor, with nothing of it changed but for a skip that is passed in part.
Fib6Entry Fib6::rest_of(Vrf& state, Cursor from, unsigned depth) {
    if (!is_node(from.entry) || from.passed == 0) return from.entry;
    const Fib6Skip skip = *nodes_.at<Fib6Skip>(from.entry & kFib6LineMask);
    const Uint128 inside = Uint128{skip.expected << from.passed} << 64 >> depth;
    return make_path(state, depth, depth + skip.length - from.passed, inside, skip.inside,
                     skip.outside);
}

Fib6Entry Fib6::widen(Vrf& state, Cursor from, unsigned depth, unsigned stride) {
    if (!is_node(from.entry)) return from.entry;
    if (is_skip(from.entry)) {
        const Fib6Skip& skip = *nodes_.at<Fib6Skip>(from.entry & kFib6LineMask);
        const unsigned length = (skip.length - from.passed) / kLargeStride * kLargeStride;
        if (stride == kLargeStride && length > kLargeStride) {
            const std::uint64_t bits = skip.expected << from.passed;
            const Cursor next = advance(from, length, bits >> (64 - length));
            return make_path(state, depth, depth + length, Uint128{bits} << 64 >> depth,
                             widen(state, next, depth + length, kLargeStride), skip.outside);
        }
    }
    const Fib6Entry array = make_array(state, stride, depth, 0);
    auto* const entries = nodes_.at<Fib6Entry>(array & kFib6LineMask);
    std::uint32_t users = ends_within(from, stride);
    for (std::uint32_t i = 0; i < 1U << stride; ++i) {
        entries[i] = widen(state, advance(from, stride, i), depth + stride, kLargeStride);
        users += entries[i] / kFib6NodeBit;
    }
    nodes_.users(array & kFib6LineMask) = users;
    return array;
}

// Each node of the small trie makes for one array and one skip of the large one at most. Without
// room for that it stays small, until it is twice as large.
void Fib6::grow_large(VrfId vrf) {
    Vrf& state = vrfs_[vrf.value()];
    if (!nodes_.has_room(state.lines + state.lines / TrieNodes::lines_of(NodeSize::kMedium) + 1,
                         1)) {
        state.grow_lines *= 2;
        return;
    }
    state.is_large = true;
    state.grow_lines = ~std::size_t{0};
    ++large_count_;
    Fib6Entry* const entry = root(vrf).entry;
    const Fib6Entry before = *entry;
    __atomic_store_n(entry, widen(state, {before}, 0, kRootStride), __ATOMIC_RELEASE);
    retire_all(state, before);
}

// The next 16 bits after the root's are where allocations lie: /32 and a little shorter. Where they
// are dense, one array takes the place of the two levels.
void Fib6::merge_levels(VrfId vrf, Ipv6Address address) {
    Vrf& state = vrfs_[vrf.value()];
    Place place = root(vrf);
    if (!is_node(*place.entry) || stride_of(*place.entry) != kRootStride) return;
    place = below(place, address.value());
    const Fib6Entry before = *place.entry;
    if (!is_node(before) || is_skip(before) || stride_of(before) != kLargeStride) return;
    if (nodes_.users(before & kFib6LineMask) < kDenseUsers) return;
    // One array or skip for each of its entries, at most.
    constexpr std::size_t kEntries = std::size_t{1} << kLargeStride;
    if (!nodes_.has_room(kEntries + kEntries / TrieNodes::lines_of(NodeSize::kMedium), 1)) return;
    const Fib6Entry array = make_array(state, kRootStride, place.depth, 0);
    auto* const entries = nodes_.at<Fib6Entry>(array & kFib6LineMask);
    std::uint32_t users = ends_within({before}, kRootStride);
    for (std::uint64_t i = 0; i < 1U << kRootStride; ++i) {
        entries[i] = rest_of(state, advance({before}, kRootStride, i), place.depth + kRootStride);
        users += entries[i] / kFib6NodeBit;
    }
    nodes_.users(array & kFib6LineMask) = users;
    __atomic_store_n(place.entry, array, __ATOMIC_RELEASE);
    const auto* const absorbed = nodes_.at<Fib6Entry>(before & kFib6LineMask);
    for (std::size_t i = 0; i < kEntries; ++i) {
        if (is_node(absorbed[i])) retire(state, absorbed[i]);
    }
    retire(state, before);
}

}  // namespace causeway
