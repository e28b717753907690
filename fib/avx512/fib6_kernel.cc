// SPDX-License-Identifier: Apache-2.0
#include "fib/fib6_kernel.h"

#include <immintrin.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>

#include "fib/avx512/lanes.h"

namespace causeway {
namespace {

template <class T>
T load(const T* place) noexcept {
    return __atomic_load_n(place, __ATOMIC_ACQUIRE);
}

// Sixteen keys on their way down: the next 64 bits of the address, the upper 32 in one vector and
// the lower in another, and the entry.
struct Walk {
    __m512i upper;
    __m512i lower;
    __m512i entries;
};

template <std::size_t kGroups>
using Walks = std::array<Walk, kGroups>;

__mmask16 nodes_in(__m512i entries) noexcept {
    static_assert(kFib6NodeBit == 1U << 31, "the sign");
    return _mm512_movepi32_mask(entries);
}

// Skips, and nodes that begin with the low half of the address: one lane in a hundred of a full
// table, so one after the other. Afterwards no lane is at one.
// By value, so that walks whose address nobody has stay in registers.
[[gnu::noinline]] Walk pass_specials(const Fib6Tables& tables, const RouteKey6* keys, Walk walk,
                                     __mmask16 lanes) noexcept {
    alignas(kCacheLine) std::array<std::uint32_t, kLanes> upper;
    alignas(kCacheLine) std::array<std::uint32_t, kLanes> lower;
    alignas(kCacheLine) std::array<Fib6Entry, kLanes> entries;
    _mm512_store_si512(upper.data(), walk.upper);
    _mm512_store_si512(lower.data(), walk.lower);
    _mm512_store_si512(entries.data(), walk.entries);
    for (unsigned left = lanes; left != 0; left &= left - 1) {
        const auto lane = static_cast<std::size_t>(std::countr_zero(left));
        std::uint64_t bits = std::uint64_t{upper[lane]} << 32 | lower[lane];
        Fib6Entry entry = entries[lane];
        for (;;) {
            if ((entry & kFib6LowBit) != 0) bits = keys[lane].destination.low();
            if (!is_skip(entry)) break;
            const auto* const skip = reinterpret_cast<const Fib6Skip*>(
                tables.lines + std::size_t{entry & kFib6LineMask} * kFib6LineBytes);
            const bool is_inside = ((bits ^ skip->expected) & skip->mask) == 0;
            entry = load(is_inside ? &skip->inside : &skip->outside);
            bits <<= is_inside ? skip->shift : 0;
        }
        upper[lane] = static_cast<std::uint32_t>(bits >> 32);
        lower[lane] = static_cast<std::uint32_t>(bits);
        entries[lane] = entry & ~kFib6LowBit;
    }
    return {.upper = _mm512_load_si512(upper.data()),
            .lower = _mm512_load_si512(lower.data()),
            .entries = _mm512_load_si512(entries.data())};
}

// One level down, for the lanes that are at nodes.
[[gnu::always_inline]] inline void step(const Fib6Tables& tables, const RouteKey6* keys, Walk& walk,
                                        __mmask16 nodes) noexcept {
    const __mmask16 specials =
        _mm512_test_epi32_mask(walk.entries, lanes_of(kFib6SkipBit | kFib6LowBit));
    if (specials != 0) [[unlikely]] {
        walk = pass_specials(tables, keys, walk, specials);
        nodes = nodes_in(walk.entries);
    }
    const __m512i code =
        _mm512_and_si512(_mm512_srli_epi32(walk.entries, kFib6StrideShift), lanes_of(3));
    const __m512i stride = _mm512_sllv_epi32(lanes_of(4), code);
    const __m512i rest = _mm512_sub_epi32(lanes_of(32), stride);
    const __m512i line = _mm512_and_si512(walk.entries, lanes_of(kFib6LineMask));
    static_assert(kFib6LineBytes / sizeof(Fib6Entry) == 1U << 4);
    static_assert(kFib6BytesMax / sizeof(Fib6Entry) <= std::size_t{1} << 31, "indices are signed");
    const __m512i at =
        _mm512_add_epi32(_mm512_slli_epi32(line, 4), _mm512_srlv_epi32(walk.upper, rest));
    walk.entries =
        _mm512_mask_i32gather_epi32(walk.entries, nodes, at, tables.lines, sizeof(Fib6Entry));
    walk.upper =
        _mm512_or_si512(_mm512_sllv_epi32(walk.upper, stride), _mm512_srlv_epi32(walk.lower, rest));
    walk.lower = _mm512_sllv_epi32(walk.lower, stride);
}

// The first level of a large VRF, whose stride is known: all that an address without a route takes.
[[gnu::always_inline]] inline void enter_root(const Fib6Tables& tables, Fib6Entry root,
                                              Walk& walk) noexcept {
    const std::byte* const array =
        tables.lines + std::size_t{root & kFib6LineMask} * kFib6LineBytes;
    walk.entries =
        _mm512_i32gather_epi32(_mm512_srli_epi32(walk.upper, 16), array, sizeof(Fib6Entry));
    walk.upper =
        _mm512_or_si512(_mm512_slli_epi32(walk.upper, 16), _mm512_srli_epi32(walk.lower, 16));
    walk.lower = _mm512_slli_epi32(walk.lower, 16);
}

// All walks go down one level at a time: their gathers wait for memory together.
template <std::size_t kGroups>
[[gnu::always_inline]] inline void walk_down(const Fib6Tables& tables, const RouteKey6* keys,
                                             Walks<kGroups>& walks) noexcept {
    for (bool is_walking = true; is_walking;) {
        is_walking = false;
        for (std::size_t i = 0; i < kGroups; ++i) {
            const __mmask16 nodes = nodes_in(walks[i].entries);
            if (nodes == 0) continue;
            step(tables, keys + i * kLanes, walks[i], nodes);
            is_walking = true;
        }
    }
}

// A key is three words, of which these are the last two.
enum Half : long long { kHigh = 1, kLow = 2 };

// One half of each of eight keys, which are 24 words.
template <Half kHalf>
__m512i halves(const RouteKey6* keys) noexcept {
    const auto* const bytes = reinterpret_cast<const std::byte*>(keys);
    const __m512i five = _mm512_permutex2var_epi64(
        _mm512_loadu_si512(bytes),
        _mm512_setr_epi64(kHalf, kHalf + 3, kHalf + 6, kHalf + 9, kHalf + 12, 0, 0, 0),
        _mm512_loadu_si512(bytes + 64));
    // The sixth key begins one word before the third load.
    constexpr long long kSixth = 8 + kHalf - 1;
    return _mm512_permutex2var_epi64(
        five, _mm512_setr_epi64(0, 1, 2, 3, 4, kSixth, kSixth + 3, kSixth + 6),
        _mm512_loadu_si512(bytes + 128));
}

void take_up_addresses(const RouteKey6* keys, Walk& walk) noexcept {
    const __m512i even =
        _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    const __m512i first = halves<kHigh>(keys);
    const __m512i second = halves<kHigh>(keys + kLanes / 2);
    walk.lower = _mm512_permutex2var_epi32(first, even, second);
    walk.upper = _mm512_permutex2var_epi32(first, _mm512_or_si512(even, lanes_of(1)), second);
}

template <std::size_t kGroups>
bool are_of_one_vrf(const RouteKey6* keys) noexcept {
    const __m512i first = _mm512_set1_epi16(static_cast<short>(keys[0].vrf.value()));
    const auto* bytes = reinterpret_cast<const std::byte*>(keys);
    __mmask32 others = 0;
    // The VRFs among the 16-bit words of each third of eight keys.
    for (std::size_t i = 0; i < 2 * kGroups; ++i, bytes += 8 * sizeof(RouteKey6)) {
        others |= _mm512_mask_cmpneq_epi16_mask(0x0100'1001, _mm512_loadu_si512(bytes), first);
        others |= _mm512_mask_cmpneq_epi16_mask(0x1001'0010, _mm512_loadu_si512(bytes + 64), first);
        others |=
            _mm512_mask_cmpneq_epi16_mask(0x0010'0100, _mm512_loadu_si512(bytes + 128), first);
    }
    return others == 0;
}

// The many steps and skips of small VRFs without a list are the scalar kernel's, which is twice as
// fast at them.
constexpr bool is_large(Fib6Entry root) noexcept {
    return is_node(root) && (root >> kFib6StrideShift & 3) == kFib6RootCode;
}

// Of each key how many of the list's starts are not above it: all keys beside each start in turn.
template <std::size_t kGroups>
[[gnu::always_inline]] inline void count_starts(const Fib6List& list, const RouteKey6* keys,
                                                __m512i (&counts)[2 * kGroups]) noexcept {
    constexpr std::size_t kEights = 2 * kGroups;
    const __m512i one = _mm512_set1_epi64(1);
    __m512i high[kEights];
    for (std::size_t i = 0; i < kEights; ++i) {
        high[i] = halves<kHigh>(keys + 8 * i);
        counts[i] = _mm512_setzero_si512();
    }
    std::size_t k = 0;
    for (; k < list.shallow; ++k) {
        const __m512i start = _mm512_set1_epi64(static_cast<long long>(list.high[k]));
        for (std::size_t i = 0; i < kEights; ++i) {
            const __mmask8 passed = _mm512_cmpge_epu64_mask(high[i], start);
            counts[i] = _mm512_mask_add_epi64(counts[i], passed, counts[i], one);
        }
    }
    for (; k < list.count; ++k) {
        const __m512i start = _mm512_set1_epi64(static_cast<long long>(list.high[k]));
        const __m512i start_low = _mm512_set1_epi64(static_cast<long long>(list.low[k]));
        for (std::size_t i = 0; i < kEights; ++i) {
            const __m512i low = halves<kLow>(keys + 8 * i);
            const __mmask8 passed = _mm512_cmpgt_epu64_mask(high[i], start) |
                                    _mm512_mask_cmpge_epu64_mask(
                                        _mm512_cmpeq_epu64_mask(high[i], start), low, start_low);
            counts[i] = _mm512_mask_add_epi64(counts[i], passed, counts[i], one);
        }
    }
}

template <std::size_t kGroups>
[[gnu::noinline]] void look_up_list(const Fib6List& list, const RouteKey6* keys,
                                    const FibEntry* defaults, GroupId* groups) noexcept {
    __m512i counts[2 * kGroups];
    count_starts<kGroups>(list, keys, counts);
    static_assert(sizeof(list.groups) == 2 * sizeof(__m512i));
    const __m512i first = _mm512_loadu_si512(list.groups.data());
    const __m512i second = _mm512_loadu_si512(list.groups.data() + 32);
    std::atomic_signal_fence(std::memory_order_seq_cst);  // as below
    const __m256i otherwise = _mm256_set1_epi16(static_cast<short>(load(defaults)));
    for (std::size_t i = 0; i < kGroups; ++i) {
        const __m256i places = _mm256_set_m128i(_mm512_cvtepi64_epi16(counts[2 * i + 1]),
                                                _mm512_cvtepi64_epi16(counts[2 * i]));
        const __m256i found = _mm512_castsi512_si256(
            _mm512_permutex2var_epi16(first, _mm512_zextsi256_si512(places), second));
        const __mmask16 unset = _mm256_testn_epi16_mask(found, found);
        store(groups, i, _mm256_mask_mov_epi16(found, unset, otherwise));
    }
}

// As is usual: root and default are loaded once. False where it is neither a large one's, nor one's
// with a list.
template <std::size_t kGroups>
[[gnu::always_inline]] inline bool look_up_one_vrf(const Fib6Tables& tables, const RouteKey6* keys,
                                                   GroupId* groups) noexcept {
    const std::uint32_t vrf = std::min<std::uint32_t>(keys[0].vrf.value(), tables.vrfs_max);
    if (const Fib6List* const list = load(tables.lists + vrf); list != nullptr) {
        look_up_list<kGroups>(*list, keys, tables.defaults + vrf, groups);
        return true;
    }
    const Fib6Entry root = load(tables.roots + vrf);
    if (!is_large(root)) return false;
    Walks<kGroups> walks;
    for (std::size_t i = 0; i < kGroups; ++i) {
        take_up_addresses(keys + i * kLanes, walks[i]);
        enter_root(tables, root, walks[i]);
    }
    walk_down<kGroups>(tables, keys, walks);
    // Not before the entries are: the default is the last to be read (fib6.h).
    std::atomic_signal_fence(std::memory_order_seq_cst);
    const __m256i defaults = _mm256_set1_epi16(static_cast<short>(load(tables.defaults + vrf)));
    for (std::size_t i = 0; i < kGroups; ++i) {
        const __m256i found = _mm512_cvtepi32_epi16(walks[i].entries);
        const __mmask16 unset = _mm256_testn_epi16_mask(found, found);
        store(groups, i, _mm256_mask_mov_epi16(found, unset, defaults));
    }
    return true;
}

// Likewise, of large VRFs only.
template <std::size_t kGroups>
[[gnu::noinline]] bool look_up_mixed(const Fib6Tables tables, const RouteKey6* keys,
                                     GroupId* groups) noexcept {
    alignas(kCacheLine) std::array<std::uint32_t, kGroups * kLanes> vrfs;
    alignas(kCacheLine) std::array<Fib6Entry, kGroups * kLanes> roots;
    bool are_large = true;
    for (std::size_t k = 0; k < vrfs.size(); ++k) {
        vrfs[k] = std::min<std::uint32_t>(keys[k].vrf.value(), tables.vrfs_max);
        roots[k] = load(tables.roots + vrfs[k]);
        are_large = are_large && is_large(roots[k]);
    }
    if (!are_large) return false;
    Walks<kGroups> walks;
    for (std::size_t i = 0; i < kGroups; ++i) {
        take_up_addresses(keys + i * kLanes, walks[i]);
        walks[i].entries = _mm512_load_si512(&roots[i * kLanes]);
    }
    walk_down<kGroups>(tables, keys, walks);
    for (std::size_t i = 0; i < kGroups; ++i) {
        const __mmask16 unset = _mm512_testn_epi32_mask(walks[i].entries, walks[i].entries);
        const __m512i found = _mm512_mask_i32gather_epi32(walks[i].entries, unset,
                                                          _mm512_load_si512(&vrfs[i * kLanes]),
                                                          tables.defaults, sizeof(FibEntry));
        store(groups, i, _mm512_cvtepi32_epi16(found));
    }
    return true;
}

struct Kernel6 {
    static constexpr auto scalar = fib6_lookup_scalar;

    template <std::size_t kGroups>
    [[gnu::always_inline]] static bool look_up(const Fib6Tables& tables, const RouteKey6* keys,
                                               GroupId* groups) noexcept {
        return are_of_one_vrf<kGroups>(keys) ? look_up_one_vrf<kGroups>(tables, keys, groups)
                                             : look_up_mixed<kGroups>(tables, keys, groups);
    }
};

}  // namespace

void fib6_lookup_avx512(const Fib6Tables& tables, std::span<const RouteKey6> keys,
                        std::span<GroupId> groups) noexcept {
    look_up_all<Kernel6>(tables, keys, groups);
}

}  // namespace causeway
