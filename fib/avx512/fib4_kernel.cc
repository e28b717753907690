// SPDX-License-Identifier: Apache-2.0
#include "fib/fib4_kernel.h"

#include <immintrin.h>

#include <algorithm>
#include <array>
#include <atomic>

#include "fib/avx512/lanes.h"

namespace causeway {
namespace {

constexpr unsigned kRowShift = 8 + kFibChunkBits;

// Where the chunk numbers of these addresses are, from the VRF's number in the first row on.
__m512i directory_index(const FibTables& tables, __m512i address) noexcept {
    return _mm512_mullo_epi32(_mm512_srli_epi32(address, kRowShift), lanes_of(tables.row_length));
}

__m512i index_in_chunk(__m512i address) noexcept {
    return _mm512_and_si512(_mm512_srli_epi32(address, 8), lanes_of(kFibChunkEntries - 1));
}

__m512i load_half(const RouteKey* keys, std::size_t group, std::size_t half) noexcept {
    return _mm512_loadu_si512(keys + group * kLanes + half * (kLanes / 2));
}

// A key is a word with the VRF in its low 16 bits and the address in the high 32.
template <std::size_t kGroups>
Vectors<kGroups> addresses_of(const RouteKey* keys) noexcept {
    const __m512i odd =
        _mm512_setr_epi32(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
    Vectors<kGroups> addresses;
    for (std::size_t i = 0; i < kGroups; ++i) {
        addresses[i] = _mm512_permutex2var_epi32(load_half(keys, i, 0), odd, load_half(keys, i, 1));
    }
    return addresses;
}

template <std::size_t kGroups>
bool are_of_one_vrf(const RouteKey* keys) noexcept {
    constexpr __mmask32 kVrfs = 0x1111'1111;  // of the 16-bit words of eight keys
    const __m512i first = _mm512_set1_epi16(static_cast<short>(keys[0].vrf.value()));
    __mmask32 others = 0;
    for (std::size_t i = 0; i < 2 * kGroups; ++i) {
        others |= _mm512_mask_cmpneq_epi16_mask(kVrfs, load_half(keys, 0, i), first);
    }
    return others == 0;
}

// What level 1 says of the addresses, looked up to the end: in the lower halves.
template <std::size_t kGroups>
Vectors<kGroups> follow(const FibTables& tables, const FibEntry* level1,
                        const Vectors<kGroups>& places,
                        const Vectors<kGroups>& addresses) noexcept {
    Vectors<kGroups> entries;
    for (std::size_t i = 0; i < kGroups; ++i) {
        entries[i] = _mm512_i32gather_epi32(places[i], level1, sizeof(FibEntry));
    }
    std::array<__mmask16, kGroups> extended;
    unsigned any_extended = 0;
    for (std::size_t i = 0; i < kGroups; ++i) {
        extended[i] = _mm512_test_epi32_mask(entries[i], lanes_of(kFibExtensionBit));
        any_extended |= extended[i];
    }
    if (any_extended == 0) return entries;
    for (std::size_t i = 0; i < kGroups; ++i) {
        if (extended[i] == 0) continue;
        const __m512i block = _mm512_and_si512(entries[i], lanes_of(kFibExtensionBit - 1));
        const __m512i in_block =
            _mm512_or_si512(_mm512_slli_epi32(block, 8),
                            _mm512_and_si512(addresses[i], lanes_of(kFibBlockEntries - 1)));
        entries[i] = _mm512_mask_i32gather_epi32(entries[i], extended[i], in_block, tables.blocks,
                                                 sizeof(FibEntry));
    }
    return entries;
}

// As is usual: what is the VRF's own is loaded once.
template <std::size_t kGroups>
[[gnu::always_inline]] inline void look_up_one_vrf(const FibTables& tables, const RouteKey* keys,
                                                   GroupId* groups) noexcept {
    const std::uint32_t vrf = std::min<std::uint32_t>(keys[0].vrf.value(), tables.vrfs_max);
    const std::uint32_t flat = __atomic_load_n(tables.flats + vrf, __ATOMIC_ACQUIRE);
    const Vectors<kGroups> addresses = addresses_of<kGroups>(keys);
    Vectors<kGroups> places;
    for (std::size_t i = 0; i < kGroups; ++i) {
        places[i] = _mm512_srli_epi32(addresses[i], 8);
        if (flat != 0) continue;
        const __m512i chunk = _mm512_i32gather_epi32(directory_index(tables, addresses[i]),
                                                     tables.directory + vrf, 4);
        places[i] =
            _mm512_or_si512(_mm512_slli_epi32(chunk, kFibChunkBits), index_in_chunk(addresses[i]));
    }
    const Vectors<kGroups> entries =
        follow(tables, tables.level1 + std::size_t{flat} * kFibChunkEntries, places, addresses);
    // Not before the entries are: the default is the last to be read (fib4.h).
    std::atomic_signal_fence(std::memory_order_seq_cst);
    const FibEntry otherwise = __atomic_load_n(tables.defaults + vrf, __ATOMIC_ACQUIRE);
    const __m256i defaults = _mm256_set1_epi16(static_cast<short>(otherwise));
    for (std::size_t i = 0; i < kGroups; ++i) {
        const __m256i found = _mm512_cvtepi32_epi16(entries[i]);
        const __mmask16 unset = _mm256_testn_epi16_mask(found, found);
        store(groups, i, _mm256_mask_mov_epi16(found, unset, defaults));
    }
}

// Where the entries of each key's own VRF are, and a prefetch of them: many VRFs are more than the
// cache holds. Plain loads find chunks faster than gathers do.
template <std::size_t kGroups>
Vectors<kGroups> find_places(const FibTables& tables, const Vectors<kGroups>& vrfs,
                             const Vectors<kGroups>& addresses) noexcept {
    using Column = std::array<std::uint32_t, kGroups * kLanes>;
    alignas(kCacheLine) Column vrf;
    alignas(kCacheLine) Column row;
    alignas(kCacheLine) Column in_directory;
    alignas(kCacheLine) Column in_chunk;
    alignas(kCacheLine) Column place;
    for (std::size_t i = 0; i < kGroups; ++i) {
        const std::size_t at = i * kLanes;
        _mm512_store_si512(&vrf[at], vrfs[i]);
        _mm512_store_si512(&row[at], _mm512_srli_epi32(addresses[i], kRowShift));
        _mm512_store_si512(&in_directory[at],
                           _mm512_add_epi32(directory_index(tables, addresses[i]), vrfs[i]));
        _mm512_store_si512(&in_chunk[at], index_in_chunk(addresses[i]));
    }
#pragma GCC unroll 8
    for (std::size_t k = 0; k < place.size(); ++k) {
        const std::uint32_t flat = __atomic_load_n(tables.flats + vrf[k], __ATOMIC_ACQUIRE);
        const std::uint32_t small =
            __atomic_load_n(tables.directory + in_directory[k], __ATOMIC_ACQUIRE);
        const std::uint32_t chunk = flat != 0 ? flat + row[k] : small;
        place[k] = chunk << kFibChunkBits | in_chunk[k];
        __builtin_prefetch(tables.level1 + place[k]);
    }
    Vectors<kGroups> places;
    for (std::size_t i = 0; i < kGroups; ++i) places[i] = _mm512_load_si512(&place[i * kLanes]);
    return places;
}

// Out of line, for the instructions that it would cost the usual case; and the tables by value, or
// each acquire would fetch them again.
template <std::size_t kGroups>
[[gnu::noinline]] void look_up_mixed(const FibTables tables, const RouteKey* keys,
                                     GroupId* groups) noexcept {
    const __m512i even =
        _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    const Vectors<kGroups> addresses = addresses_of<kGroups>(keys);
    Vectors<kGroups> vrfs;
    for (std::size_t i = 0; i < kGroups; ++i) {
        const __m512i words =
            _mm512_permutex2var_epi32(load_half(keys, i, 0), even, load_half(keys, i, 1));
        vrfs[i] =
            _mm512_min_epu32(_mm512_and_si512(words, lanes_of(0xffff)), lanes_of(tables.vrfs_max));
    }
    const Vectors<kGroups> places = find_places(tables, vrfs, addresses);
    const Vectors<kGroups> entries = follow(tables, tables.level1, places, addresses);
    for (std::size_t i = 0; i < kGroups; ++i) {
        __m256i found = _mm512_cvtepi32_epi16(entries[i]);
        const __mmask16 unset = _mm256_testn_epi16_mask(found, found);
        if (unset != 0) {
            const __m512i defaults = _mm512_mask_i32gather_epi32(
                _mm512_setzero_si512(), unset, vrfs[i], tables.defaults, sizeof(FibEntry));
            found = _mm256_mask_mov_epi16(found, unset, _mm512_cvtepi32_epi16(defaults));
        }
        store(groups, i, found);
    }
}

struct Kernel4 {
    static constexpr auto scalar = fib4_lookup_scalar;

    template <std::size_t kGroups>
    [[gnu::always_inline]] static bool look_up(const FibTables& tables, const RouteKey* keys,
                                               GroupId* groups) noexcept {
        are_of_one_vrf<kGroups>(keys) ? look_up_one_vrf<kGroups>(tables, keys, groups)
                                      : look_up_mixed<kGroups>(tables, keys, groups);
        return true;
    }
};

}  // namespace

void fib4_lookup_avx512(const FibTables& tables, std::span<const RouteKey> keys,
                        std::span<GroupId> groups) noexcept {
    look_up_all<Kernel4>(tables, keys, groups);
}

}  // namespace causeway
