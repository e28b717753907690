// SPDX-License-Identifier: Apache-2.0
#include "perf/raw_gather.h"

#include <immintrin.h>

#include <array>
#include <numeric>

namespace causeway::perf {

std::uint32_t raw_gather(const std::uint16_t* by_slash24,
                         std::span<const std::uint32_t> addresses) noexcept {
    __m512i sum = _mm512_setzero_si512();
    for (std::size_t i = 0; i + 16 <= addresses.size(); i += 16) {
        const __m512i index = _mm512_srli_epi32(_mm512_loadu_si512(&addresses[i]), 8);
        sum =
            _mm512_add_epi32(sum, _mm512_i32gather_epi32(index, by_slash24, sizeof(std::uint16_t)));
    }
    std::array<std::uint32_t, 16> lanes;
    _mm512_storeu_si512(lanes.data(), sum);
    return std::accumulate(lanes.begin(), lanes.end(), std::uint32_t{0});
}

}  // namespace causeway::perf
