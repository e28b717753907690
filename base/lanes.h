// SPDX-License-Identifier: Apache-2.0
//
// How AVX-512 kernels cut a burst: sixteen of it are a group, a lane each, and several groups are
// looked up side by side. Included by those kernels only.
#pragma once

#include <immintrin.h>

#include <concepts>
#include <cstddef>

namespace causeway {

inline constexpr std::size_t kLanes = 16;

// A vector a group. What is done is done with all groups before the next step, and without a branch
// in between: so their gathers wait for memory together.
template <std::size_t kGroups>
struct Vectors {  // no std::array: that drops the type's alignment
    __m512i of[kGroups];
    __m512i& operator[](std::size_t group) noexcept { return of[group]; }
    const __m512i& operator[](std::size_t group) const noexcept { return of[group]; }
};

// A template, as g++ would else warn of it where there is no AVX-512.
template <std::integral Value>
__m512i lanes_of(Value value) noexcept {
    return _mm512_set1_epi32(static_cast<int>(value));
}

}  // namespace causeway
