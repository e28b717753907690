// SPDX-License-Identifier: Apache-2.0
#include "acl/class_kernel.h"

#include <immintrin.h>

#include <algorithm>
#include <array>

#include "base/lanes.h"

namespace causeway {
namespace {

// A word of each of sixteen images, as numbers of network order.
__m512i words_at(const std::uint8_t* const* images, std::size_t byte) noexcept {
    const auto eight = [byte](const std::uint8_t* const* some) noexcept {
        const __m512i places = _mm512_add_epi64(_mm512_loadu_si512(some),
                                                _mm512_set1_epi64(static_cast<long long>(byte)));
        return _mm512_i64gather_epi32(places, nullptr, 1);
    };
    const __m512i words =
        _mm512_inserti64x4(_mm512_castsi256_si512(eight(images)), eight(images + kLanes / 2), 1);
    const __m512i swapped =
        _mm512_broadcast_i32x4(_mm_setr_epi8(3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12));
    return _mm512_shuffle_epi8(words, swapped);
}

__m512i elements_at(const ClassElement* elements, __m512i places) noexcept {
    const __m512i found = _mm512_i32gather_epi32(places, elements, sizeof(ClassElement));
    return _mm512_and_si512(found, lanes_of(0xffff));
}

__m512i classes_of(const ClassField& field, const ClassElement* elements, __m512i words) noexcept {
    const __m512i value = _mm512_srl_epi32(words, _mm_cvtsi32_si128(field.shift));
    const __m512i byte = lanes_of(kClassBlock - 1);
    __m512i place = _mm512_and_si512(value, byte);
    if (field.has_two) {
        const __m512i first = _mm512_and_si512(_mm512_srli_epi32(value, 8), byte);
        const __m512i block = elements_at(elements + field.choices, first);
        place = _mm512_or_si512(place, _mm512_slli_epi32(block, 8));
    }
    return elements_at(elements + field.blocks, place);
}

template <std::size_t kGroups>
void look_up(const ClassProgram& program, const std::uint8_t* const* images,
             std::uint32_t* results) noexcept {
    Vectors<kGroups> classes[kClassNodesMax];
    Vectors<kGroups> words;
    const ClassElement* const elements = program.elements;
    std::size_t node = 0;
    int word = -1;
    for (const ClassField& field : program.fields) {
        if (field.word != word) {
            word = field.word;
            for (std::size_t i = 0; i < kGroups; ++i) {
                words[i] = words_at(images + i * kLanes, field.word);
            }
        }
        for (std::size_t i = 0; i < kGroups; ++i) {
            classes[node][i] = classes_of(field, elements, words[i]);
        }
        ++node;
    }
    for (const ClassPair& pair : program.pairs) {
        const __m512i right_classes = lanes_of(pair.right_classes);
        for (std::size_t i = 0; i < kGroups; ++i) {
            const __m512i row = _mm512_mullo_epi32(classes[pair.left][i], right_classes);
            const __m512i both = _mm512_add_epi32(row, classes[pair.right][i]);
            classes[node][i] = elements_at(elements + pair.classes, both);
        }
        ++node;
    }
    for (std::size_t i = 0; i < kGroups; ++i) {
        _mm512_storeu_si512(results + i * kLanes, classes[node - 1][i]);
    }
}

}  // namespace

void class_lookup_avx512(const ClassProgram& program, std::span<const std::uint8_t* const> images,
                         std::span<std::uint32_t> results) noexcept {
    std::size_t done = 0;
    const auto take = [&]<std::size_t kGroups>() noexcept {
        while (images.size() - done >= kGroups * kLanes) {
            look_up<kGroups>(program, &images[done], &results[done]);
            done += kGroups * kLanes;
        }
    };
    take.template operator()<4>();
    take.template operator()<2>();
    take.template operator()<1>();
    if (done == images.size()) return;
    const auto rest = images.subspan(done);
    std::array<const std::uint8_t*, kLanes> filled;  // up with the last one
    std::array<std::uint32_t, kLanes> found;
    std::fill(std::copy(rest.begin(), rest.end(), filled.begin()), filled.end(), rest.back());
    look_up<1>(program, filled.data(), found.data());
    std::copy_n(found.begin(), rest.size(), &results[done]);
}

}  // namespace causeway
