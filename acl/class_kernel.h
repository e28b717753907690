// SPDX-License-Identifier: Apache-2.0
//
// The lookup of ClassTables (class_tables.h) as free functions over plain memory, one for each
// instruction set. The scalar one is the definition; the other is tested against it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace causeway {

using ClassElement = std::uint16_t;

inline constexpr std::uint32_t kClassBlock = 256;  // elements, one for each value of a byte

// One byte of a packet's image, or two, and where the class of its value is.
struct ClassField {
    std::uint8_t word = 0;      // of four bytes, in which it is: where; a multiple of four
    std::uint8_t shift = 0;     // within the word, read in network order
    bool has_two = false;       // bytes: then the first chooses one of many blocks for the second
    std::uint32_t choices = 0;  // elements; of each value of the first byte, which block
    std::uint32_t blocks = 0;   // of each value of the only byte, or of the second, the class
};

// Two nodes, and where the class is of what they are together.
struct ClassPair {
    std::uint8_t left = 0;
    std::uint8_t right = 0;
    std::uint32_t right_classes = 0;  // how many there are
    std::uint32_t classes = 0;        // of left * right_classes + right
};

// Nodes are numbered: first the fields, then the pairs, each of two nodes before it. A packet has a
// class in each node; that in the last node is the result. Places are counted in elements, which
// end with room for a load of 32 bits.
inline constexpr std::size_t kClassNodesMax = 48;

struct ClassProgram {
    const ClassElement* elements = nullptr;
    std::span<const ClassField> fields;  // by where they lie
    std::span<const ClassPair> pairs;
};

// results[k] of images[k]: REQUIRES as many of both. Reads the whole words of the fields.
using ClassKernel = void (*)(const ClassProgram& program,
                             std::span<const std::uint8_t* const> images,
                             std::span<std::uint32_t> results) noexcept;

void class_lookup_scalar(const ClassProgram& program, std::span<const std::uint8_t* const> images,
                         std::span<std::uint32_t> results) noexcept;
// Needs x86-64-v4.
void class_lookup_avx512(const ClassProgram& program, std::span<const std::uint8_t* const> images,
                         std::span<std::uint32_t> results) noexcept;

}  // namespace causeway
