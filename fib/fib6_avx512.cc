// SPDX-License-Identifier: Apache-2.0
#include <immintrin.h>

#include <algorithm>

#include "fib/fib6_kernel.h"

namespace causeway {
namespace {

constexpr std::size_t kLanes = 8;

__m512i lanes_of(std::uint64_t value) noexcept {
    return _mm512_set1_epi64(static_cast<long long>(value));
}

// The byte offset of each of eight keys.
__m512i key_offsets() noexcept {
    constexpr auto kStep = static_cast<long long>(sizeof(RouteKey6));
    return _mm512_setr_epi64(0, kStep, 2 * kStep, 3 * kStep, 4 * kStep, 5 * kStep, 6 * kStep,
                             7 * kStep);
}

// Eight keys on their way down, a lane each: the next bits of the address on top, and the entry.
struct Walk {
    __m512i bits;
    __m512i entries;
};

__mmask8 nodes_in(__m512i entries) noexcept {
    return _mm512_test_epi64_mask(entries, lanes_of(kFib6NodeBit));
}

__m512i node_offsets(__m512i entries) noexcept {
    return _mm512_slli_epi64(_mm512_and_si512(entries, lanes_of(kFib6LineMask)), 6);
}

// Passes skips and takes up the low halves of addresses, until no lane is at either.
void pass_specials(const Fib6Tables& tables, const RouteKey6* keys, Walk& walk) noexcept {
    const auto gather = [&](__mmask8 lanes, __m512i offsets, std::size_t field) noexcept {
        return _mm512_mask_i64gather_epi64(_mm512_setzero_si512(), lanes, offsets,
                                           tables.lines + field, 1);
    };
    const __m512i skip_kind = lanes_of(kFib6NodeBit | kFib6SkipKind << kFib6KindShift);
    for (;;) {
        const __mmask8 low = _mm512_mask_test_epi64_mask(nodes_in(walk.entries), walk.entries,
                                                         lanes_of(kFib6LowBit));
        if (low != 0) {
            walk.bits = _mm512_mask_i64gather_epi64(
                walk.bits, low, key_offsets(),
                reinterpret_cast<const std::byte*>(keys) + offsetof(RouteKey6, destination) + 8, 1);
            walk.entries =
                _mm512_mask_andnot_epi64(walk.entries, low, lanes_of(kFib6LowBit), walk.entries);
        }
        const __mmask8 skips =
            _mm512_cmpeq_epi64_mask(_mm512_and_si512(walk.entries, skip_kind), skip_kind);
        if (skips == 0) return;
        const __m512i at = node_offsets(walk.entries);
        const __m512i others =
            _mm512_xor_si512(walk.bits, gather(skips, at, offsetof(Fib6Skip, expected)));
        const __mmask8 outside =
            _mm512_mask_test_epi64_mask(skips, others, gather(skips, at, offsetof(Fib6Skip, mask)));
        // Both ways on in one word, the outside in its low half.
        const __m512i ways = gather(skips, at, offsetof(Fib6Skip, outside));
        const __m512i shift = _mm512_srli_epi64(gather(skips, at, offsetof(Fib6Skip, length)), 32);
        const auto inside = static_cast<__mmask8>(skips & ~outside);
        walk.bits = _mm512_mask_sllv_epi64(walk.bits, inside, walk.bits, shift);
        walk.entries = _mm512_mask_srli_epi64(walk.entries, inside, ways, 32);
        walk.entries = _mm512_mask_and_epi64(walk.entries, outside, ways, lanes_of(0xffff'ffff));
    }
}

// One level down, for the lanes that are at arrays.
void step(const Fib6Tables& tables, const RouteKey6* keys, Walk& walk) noexcept {
    const __m512i kinds = _mm512_and_si512(walk.entries, lanes_of(kFib6SkipKind << kFib6KindShift));
    const __mmask8 specials =
        _mm512_cmpeq_epi64_mask(kinds, lanes_of(kFib6SkipKind << kFib6KindShift)) |
        _mm512_test_epi64_mask(walk.entries, lanes_of(kFib6LowBit));
    if (specials != 0) [[unlikely]]
        pass_specials(tables, keys, walk);
    const __m512i kind =
        _mm512_and_si512(_mm512_srli_epi64(walk.entries, kFib6KindShift), lanes_of(3));
    const __m512i stride = _mm512_sllv_epi64(lanes_of(4), kind);
    const __m512i index = _mm512_srlv_epi64(walk.bits, _mm512_sub_epi64(lanes_of(64), stride));
    const __m512i at = _mm512_add_epi64(node_offsets(walk.entries), _mm512_slli_epi64(index, 2));
    const __mmask8 nodes = nodes_in(walk.entries);
    const __m256i entries = _mm512_mask_i64gather_epi32(_mm512_cvtepi64_epi32(walk.entries), nodes,
                                                        at, tables.lines, 1);
    walk.bits = _mm512_sllv_epi64(walk.bits, stride);
    walk.entries = _mm512_cvtepu32_epi64(entries);
}

// The default of each key's VRF where there is no group; read after the entries (fib6.h).
__m128i groups_of(const Fib6Tables& tables, __m512i vrfs, __m512i entries) noexcept {
    const __mmask8 unset = _mm512_testn_epi64_mask(entries, entries);
    if (unset != 0) {
        const __m256i gathered = _mm512_mask_i64gather_epi32(_mm256_setzero_si256(), unset, vrfs,
                                                             tables.defaults, sizeof(FibEntry));
        entries = _mm512_mask_and_epi64(entries, unset, _mm512_cvtepu32_epi64(gathered),
                                        lanes_of(0xffff));
    }
    return _mm512_cvtepi64_epi16(entries);
}

// Up to 64 keys, eight to a walk, go down one level at a time: the gathers of all walks wait for
// memory together.
void look_up_part(const Fib6Tables& tables, const RouteKey6* keys, GroupId* groups,
                  std::size_t count) noexcept {
    Walk walks[kBurstSizeMax / kLanes];
    __m512i vrfs[kBurstSizeMax / kLanes];
    const std::size_t walks_count = count / kLanes;
    for (std::size_t i = 0; i < walks_count; ++i) {
        const auto* const first = reinterpret_cast<const std::byte*>(keys + i * kLanes);
        vrfs[i] = _mm512_min_epu64(
            _mm512_and_si512(_mm512_i64gather_epi64(key_offsets(), first, 1), lanes_of(0xffff)),
            lanes_of(tables.vrfs_max));
        walks[i].bits =
            _mm512_i64gather_epi64(key_offsets(), first + offsetof(RouteKey6, destination), 1);
        walks[i].entries = _mm512_cvtepu32_epi64(_mm512_i64gather_epi32(vrfs[i], tables.roots, 4));
    }
    for (bool is_walking = true; is_walking;) {
        is_walking = false;
        for (std::size_t i = 0; i < walks_count; ++i) {
            if (nodes_in(walks[i].entries) == 0) continue;
            step(tables, keys + i * kLanes, walks[i]);
            is_walking = true;
        }
    }
    for (std::size_t i = 0; i < walks_count; ++i) {
        _mm_storeu_si128(reinterpret_cast<__m128i*>(groups + i * kLanes),
                         groups_of(tables, vrfs[i], walks[i].entries));
    }
}

}  // namespace

void fib6_lookup_avx512(const Fib6Tables& shared, std::span<const RouteKey6> keys,
                        std::span<GroupId> groups) noexcept {
    const Fib6Tables tables = shared;
    std::size_t done = 0;
    while (const std::size_t count =
               std::min(kBurstSizeMax, keys.size() - done) / kLanes * kLanes) {
        look_up_part(tables, keys.data() + done, groups.data() + done, count);
        done += count;
    }
    if (done < keys.size()) fib6_lookup_scalar(tables, keys.subspan(done), groups.subspan(done));
}

}  // namespace causeway
