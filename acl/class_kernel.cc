// SPDX-License-Identifier: Apache-2.0
#include "acl/class_kernel.h"

#include <array>
#include <cstring>

namespace causeway {
namespace {

std::uint32_t word_at(const std::uint8_t* bytes) noexcept {
    std::uint32_t word;
    std::memcpy(&word, bytes, sizeof word);
    return __builtin_bswap32(word);
}

std::uint32_t result_of(const ClassProgram& program, const std::uint8_t* image) noexcept {
    const ClassElement* const elements = program.elements;
    std::array<std::uint32_t, kClassNodesMax> classes;
    std::size_t node = 0;
    for (const ClassField& field : program.fields) {
        const std::uint32_t value = word_at(image + field.word) >> field.shift;
        const std::uint32_t block =
            field.has_two ? elements[field.choices + (value >> 8) % kClassBlock] : 0U;
        classes[node++] = elements[field.blocks + block * kClassBlock + value % kClassBlock];
    }
    for (const ClassPair& pair : program.pairs) {
        const std::uint32_t both = classes[pair.left] * pair.right_classes + classes[pair.right];
        classes[node++] = elements[pair.classes + both];
    }
    return classes[node - 1];
}

}  // namespace

void class_lookup_scalar(const ClassProgram& program, std::span<const std::uint8_t* const> images,
                         std::span<std::uint32_t> results) noexcept {
    for (std::size_t k = 0; k < images.size(); ++k) results[k] = result_of(program, images[k]);
}

}  // namespace causeway
