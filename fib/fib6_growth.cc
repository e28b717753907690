// SPDX-License-Identifier: Apache-2.0
//
// How a VRF of Fib6 becomes large: a copy of its trie with longer strides, built beside it and
// published by one store.
#include <bit>

#include "fib/fib6.h"

namespace causeway {
namespace {

constexpr unsigned kSmallStride = 4;
constexpr unsigned kLargeStride = 8;
constexpr unsigned kRootStride = 16;

}  // namespace

unsigned Fib6::stride_in(const Vrf& state) noexcept {
    return state.is_large ? kLargeStride : kSmallStride;
}

void Fib6::reset_growth(Vrf& state) noexcept {
    if (state.is_large) --large_count_;
    state.is_large = false;
    state.grow_lines = options_.large_vrf_bytes / kFib6LineBytes;
}

// Where a copy reads: an entry of the small trie and, if that is a skip, the bits of it passed.
struct Fib6::Cursor {
    Fib6Entry entry;
    unsigned passed = 0;
};

Fib6::Cursor Fib6::advance(Cursor from, unsigned bits, std::uint32_t index) const noexcept {
    for (unsigned left = bits; left != 0 && is_node(from.entry);) {
        left -= kSmallStride;
        const std::uint32_t nibble = index >> left & 15;
        const std::uint32_t line = from.entry & kFib6LineMask;
        if (!is_skip(from.entry)) {
            from = {nodes_.at<Fib6Entry>(line)[nibble]};
            continue;
        }
        const auto& skip = *nodes_.at<Fib6Skip>(line);
        if (skip.expected << from.passed >> 60 != nibble) return {skip.outside};
        from.passed += kSmallStride;
        if (from.passed == skip.length) from = {skip.inside};
    }
    return from;
}

// How many prefixes end within so many bits after the cursor.
std::uint32_t Fib6::ends_within(Cursor from, unsigned bits) const noexcept {
    if (bits == 0 || !is_node(from.entry)) return 0;
    const std::uint32_t line = from.entry & kFib6LineMask;
    std::uint32_t ends = is_skip(from.entry) ? 0 : nodes_.users(line);
    for (std::uint32_t nibble = 0; nibble < 16; ++nibble) {
        const Cursor next = advance(from, kSmallStride, nibble);
        if (!is_skip(from.entry) && is_node(next.entry)) --ends;
        ends += ends_within(next, bits - kSmallStride);
    }
    return ends;
}

Fib6Entry Fib6::widen(Vrf& state, Cursor from, unsigned depth, unsigned stride) {
    if (!is_node(from.entry)) return from.entry;
    if (is_skip(from.entry)) {
        const Fib6Skip& skip = *nodes_.at<Fib6Skip>(from.entry & kFib6LineMask);
        const unsigned length = (skip.length - from.passed) / kLargeStride * kLargeStride;
        if (stride == kLargeStride && length > kLargeStride) {
            const std::uint64_t bits = skip.expected << from.passed;
            Cursor next = from;
            for (unsigned passed = 0; passed < length; passed += kSmallStride) {
                next =
                    advance(next, kSmallStride, static_cast<std::uint32_t>(bits << passed >> 60));
            }
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

}  // namespace causeway
