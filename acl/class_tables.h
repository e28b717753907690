// SPDX-License-Identifier: Apache-2.0
//
// ClassTables: the first entry of a list that a packet meets, by recursive flow classification
// (P. Gupta, N. McKeown, "Packet classification on multiple fields", SIGCOMM 1999, section 4).
//
// Theory of operation
//   Values of a field that the same entries want are of one class; a table has the class of each
//   value. Two classes together have a class again, by the entries that want both, and a table has
//   it; the table of the last two has the result. So a packet costs one or two loads a field and
//   one a pair, whatever the number of rules, none of which depends on a branch: sixteen packets
//   are looked up side by side. Fields of which no entry wants anything do not count.
//
//   What grows is the tables: of two fields with as many classes as there are rules, they have the
//   square of that. Lists for which they would become too large are left to somebody else.
//
// Thread safety: immutable once built; any number of readers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "acl/class_kernel.h"
#include "base/mapping.h"

namespace causeway {

// Values from the first to the last whose bits under the mask are those of `bits`. All of them.
struct ValueSet {
    std::uint16_t first = 0;
    std::uint16_t last = 0xffff;
    std::uint16_t bits = 0;
    std::uint16_t mask = 0;
    [[nodiscard]] constexpr bool contains(std::uint32_t value) const noexcept {
        return first <= value && value <= last && ((value ^ bits) & mask) == 0;
    }
};

class ClassTables {
  public:
    static constexpr std::size_t kEntriesMax = 2'048;
    // Of one packet. A list of 100 rules with 16 takes less than rte_acl does; one of IPv6 with 28
    // takes less where a rule is met, and more where none is.
    static constexpr std::size_t kLoadsMax = 20;
    static constexpr std::size_t kPairElementsMax = std::size_t{1} << 20;
    static constexpr std::size_t kElementsMax = std::size_t{1} << 21;  // 4 MiB

    struct Field {
        enum class Width : std::uint8_t { kByte, kTwoBytes };
        std::uint8_t byte = 0;  // of an image, where it begins; it ends in the same aligned word
        Width width = Width::kByte;
        std::vector<ValueSet> wanted;  // by entry
    };

    // results[i] is what a packet gets whose first entry is i; it gets 0 where there is none. Null
    // where the tables would be too large or too many, or where entries want nothing. REQUIRES:
    // fields in the order of their bytes, and of each as many wishes as there are results.
    [[nodiscard]] static std::unique_ptr<const ClassTables> build(
        std::span<const Field> fields, std::span<const std::uint16_t> results);

    // results[k] of images[k]: REQUIRES as many of both. Reads the whole words of the fields.
    void lookup(std::span<const std::uint8_t* const> images,
                std::span<std::uint32_t> results) const noexcept {
        kernel_(program_, images, results);
    }
    [[nodiscard]] const ClassProgram& program() const noexcept { return program_; }
    [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

  private:
    ClassTables(std::vector<ClassField> fields, std::vector<ClassPair> pairs, Mapping elements,
                std::size_t bytes);

    std::vector<ClassField> fields_;
    std::vector<ClassPair> pairs_;
    Mapping memory_;
    std::size_t bytes_;  // of the elements
    ClassProgram program_;
    ClassKernel kernel_;
};

}  // namespace causeway
