// SPDX-License-Identifier: Apache-2.0
#include <immintrin.h>

#include <algorithm>
#include <array>
#include <atomic>

#include "fib/fib4_kernel.h"

namespace causeway {
namespace {

constexpr std::size_t kLanes = 16;
constexpr unsigned kRowShift = 8 + kFibChunkBits;

__m512i low_half(__m512i lanes) noexcept {
    return _mm512_and_si512(lanes, _mm512_set1_epi32(0xffff));
}

// Where the chunk numbers of these addresses are, from the VRF's number in the first row on.
__m512i directory_index(const FibTables& tables, __m512i address) noexcept {
    return _mm512_mullo_epi32(_mm512_srli_epi32(address, kRowShift),
                              _mm512_set1_epi32(static_cast<int>(tables.row_length)));
}

__m512i index_in(__m512i chunk, __m512i address) noexcept {
    const __m512i in_chunk =
        _mm512_and_si512(_mm512_srli_epi32(address, 8), _mm512_set1_epi32(kFibChunkEntries - 1));
    return _mm512_or_si512(_mm512_slli_epi32(chunk, kFibChunkBits), in_chunk);
}

// Where entries are when all lanes ask the same VRF, as is usual: what is the VRF's own is loaded
// once.
class OneVrf {
  public:
    OneVrf(const FibTables& tables, std::uint32_t vrf) noexcept : tables_(tables), vrf_(vrf) {}

    [[nodiscard]] __m512i level1_index(__m512i address) const noexcept {
        if (const std::uint32_t flat = __atomic_load_n(tables_.flats + vrf_, __ATOMIC_ACQUIRE)) {
            return _mm512_add_epi32(_mm512_srli_epi32(address, 8),
                                    _mm512_set1_epi32(static_cast<int>(flat << kFibChunkBits)));
        }
        return index_in(
            _mm512_i32gather_epi32(directory_index(tables_, address), tables_.directory + vrf_, 4),
            address);
    }
    [[nodiscard]] __m512i with_default(__m512i entry) const noexcept {
        // Not before the entries are: the default is the last to be read (fib4.h).
        std::atomic_signal_fence(std::memory_order_seq_cst);
        const FibEntry value = __atomic_load_n(tables_.defaults + vrf_, __ATOMIC_ACQUIRE);
        return _mm512_mask_mov_epi32(entry, _mm512_testn_epi32_mask(entry, entry),
                                     _mm512_set1_epi32(value));
    }

  private:
    const FibTables& tables_;
    std::uint32_t vrf_;
};

class MixedVrfs {
  public:
    MixedVrfs(const FibTables& tables, __m512i vrf) noexcept : tables_(tables), vrf_(vrf) {}

    [[nodiscard]] __m512i level1_index(__m512i address) const noexcept {
        const __m512i row = _mm512_srli_epi32(address, kRowShift);
        const __m512i flat = _mm512_i32gather_epi32(vrf_, tables_.flats, 4);
        const __m512i at = _mm512_add_epi32(directory_index(tables_, address), vrf_);
        const __mmask16 small = _mm512_testn_epi32_mask(flat, flat);
        return index_in(_mm512_mask_i32gather_epi32(_mm512_add_epi32(flat, row), small, at,
                                                    tables_.directory, 4),
                        address);
    }
    [[nodiscard]] __m512i with_default(__m512i entry) const noexcept {
        const __mmask16 unset = _mm512_testn_epi32_mask(entry, entry);
        if (unset == 0) return entry;
        return low_half(
            _mm512_mask_i32gather_epi32(entry, unset, vrf_, tables_.defaults, sizeof(FibEntry)));
    }

  private:
    const FibTables& tables_;
    __m512i vrf_;
};

// What level 1 says of these addresses is looked up to the end.
template <class Vrfs>
__m256i follow(const FibTables& tables, const Vrfs& vrfs, __m512i level1_index,
               __m512i address) noexcept {
    const __m512i extension = _mm512_set1_epi32(kFibExtensionBit);
    __m512i entry = low_half(_mm512_i32gather_epi32(level1_index, tables.level1, sizeof(FibEntry)));
    const __mmask16 extended = _mm512_test_epi32_mask(entry, extension);
    if (extended != 0) {
        const __m512i in_block =
            _mm512_or_si512(_mm512_slli_epi32(_mm512_andnot_si512(extension, entry), 8),
                            _mm512_and_si512(address, _mm512_set1_epi32(0xff)));
        entry = low_half(_mm512_mask_i32gather_epi32(entry, extended, in_block, tables.blocks,
                                                     sizeof(FibEntry)));
    }
    return _mm512_cvtepi32_epi16(vrfs.with_default(entry));
}

void store(GroupId* groups, __m256i sixteen) noexcept {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(groups), sixteen);
}

// Up to 64 keys, sixteen at a time, taken apart into VRFs and addresses.
struct Part {
    __m512i vrfs[kBurstSizeMax / kLanes];
    __m512i addresses[kBurstSizeMax / kLanes];
    std::size_t count = 0;
    bool is_mixed = false;
};

// A key is a word with the VRF in its low 16 bits and the address in the high 32.
Part take_apart(const FibTables& tables, const RouteKey* keys, std::size_t count) noexcept {
    const __m512i even =
        _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    const __m512i odd = _mm512_or_si512(even, _mm512_set1_epi32(1));
    const __m512i vrfs_max = _mm512_set1_epi32(static_cast<int>(tables.vrfs_max));
    const __m512i first = _mm512_min_epu32(_mm512_set1_epi32(keys[0].vrf.value()), vrfs_max);
    Part part;
    __mmask16 others = 0;
    for (std::size_t i = 0; i < count; i += kLanes) {
        const __m512i low = _mm512_loadu_si512(keys + i);
        const __m512i high = _mm512_loadu_si512(keys + i + kLanes / 2);
        const __m512i vrf =
            _mm512_min_epu32(low_half(_mm512_permutex2var_epi32(low, even, high)), vrfs_max);
        part.vrfs[part.count] = vrf;
        part.addresses[part.count++] = _mm512_permutex2var_epi32(low, odd, high);
        others |= _mm512_cmpneq_epi32_mask(vrf, first);
    }
    part.is_mixed = others != 0;
    return part;
}

void look_up_one(const FibTables& tables, const Part& part, GroupId* groups) noexcept {
    const OneVrf vrf(tables, static_cast<std::uint32_t>(_mm512_cvtsi512_si32(part.vrfs[0])));
    for (std::size_t i = 0; i < part.count; ++i) {
        const __m512i address = part.addresses[i];
        store(groups + i * kLanes, follow(tables, vrf, vrf.level1_index(address), address));
    }
}

// First where the entries are, then the entries: many VRFs are more than the cache holds, and the
// prefetches of a burst wait for memory together.
void look_up_mixed(const FibTables& tables, const Part& part, GroupId* groups) noexcept {
    alignas(kCacheLine) std::array<std::uint32_t, kBurstSizeMax> places;
    for (std::size_t i = 0; i < part.count; ++i) {
        const __m512i index = MixedVrfs(tables, part.vrfs[i]).level1_index(part.addresses[i]);
        _mm512_store_si512(&places[i * kLanes], index);
        for (std::size_t lane = 0; lane < kLanes; ++lane) {
            __builtin_prefetch(tables.level1 + places[i * kLanes + lane]);
        }
    }
    for (std::size_t i = 0; i < part.count; ++i) {
        store(groups + i * kLanes,
              follow(tables, MixedVrfs(tables, part.vrfs[i]),
                     _mm512_load_si512(&places[i * kLanes]), part.addresses[i]));
    }
}

}  // namespace

void fib4_lookup_avx512(const FibTables& shared, std::span<const RouteKey> keys,
                        std::span<GroupId> groups) noexcept {
    const FibTables tables = shared;  // in registers, or each fence would fetch them again
    std::size_t done = 0;
    while (const std::size_t count =
               std::min(kBurstSizeMax, keys.size() - done) / kLanes * kLanes) {
        const Part part = take_apart(tables, keys.data() + done, count);
        part.is_mixed ? look_up_mixed(tables, part, groups.data() + done)
                      : look_up_one(tables, part, groups.data() + done);
        done += count;
    }
    if (done < keys.size()) fib4_lookup_scalar(tables, keys.subspan(done), groups.subspan(done));
}

}  // namespace causeway
