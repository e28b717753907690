// SPDX-License-Identifier: Apache-2.0
#include <immintrin.h>

#include "fib/fib4_kernel.h"

namespace causeway {
namespace {

constexpr std::size_t kLanes = 8;

// Eight keys, one a 64-bit lane: the VRF in the low 16 bits, the address in the high 32. Gathers
// load 32 bits where an entry has 16; the tables end with room for that.
__m128i lookup_eight(const FibTables& tables, const RouteKey* keys) noexcept {
    const __m512i key = _mm512_loadu_si512(keys);
    const __m512i vrf = _mm512_min_epu64(_mm512_and_si512(key, _mm512_set1_epi64(0xffff)),
                                         _mm512_set1_epi64(tables.vrfs_max));
    const __m512i index = _mm512_or_si512(_mm512_slli_epi64(vrf, 24), _mm512_srli_epi64(key, 40));
    const __m256i low_half = _mm256_set1_epi32(0xffff);
    const __m256i extension = _mm256_set1_epi32(kFibExtensionBit);

    __m256i entry =
        _mm256_and_si256(_mm512_i64gather_epi32(index, tables.level1, sizeof(FibEntry)), low_half);
    const __mmask8 extended = _mm256_test_epi32_mask(entry, extension);
    if (extended != 0) {
        const __m256i address = _mm512_cvtepi64_epi32(_mm512_srli_epi64(key, 32));
        const __m256i in_block =
            _mm256_or_si256(_mm256_slli_epi32(_mm256_andnot_si256(extension, entry), 8),
                            _mm256_and_si256(address, _mm256_set1_epi32(0xff)));
        entry = _mm256_and_si256(_mm256_mmask_i32gather_epi32(entry, extended, in_block,
                                                              tables.blocks, sizeof(FibEntry)),
                                 low_half);
    }
    const __mmask8 unset = _mm256_testn_epi32_mask(entry, entry);
    if (unset != 0) {
        entry =
            _mm256_and_si256(_mm256_mmask_i32gather_epi32(entry, unset, _mm512_cvtepi64_epi32(vrf),
                                                          tables.defaults, sizeof(FibEntry)),
                             low_half);
    }
    return _mm256_cvtepi32_epi16(entry);
}

}  // namespace

void fib4_lookup_avx512(const FibTables& tables, std::span<const RouteKey> keys,
                        std::span<GroupId> groups) noexcept {
    std::size_t done = 0;
    for (; done + kLanes <= keys.size(); done += kLanes) {
        _mm_storeu_si128(reinterpret_cast<__m128i*>(groups.data() + done),
                         lookup_eight(tables, keys.data() + done));
    }
    fib4_lookup_scalar(tables, keys.subspan(done), groups.subspan(done));
}

}  // namespace causeway
