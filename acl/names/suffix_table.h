// SPDX-License-Identifier: Apache-2.0
//
// SuffixTable: plain names and what lies below them, of all sets at once.
//
// Thread safety: immutable once built; any number of readers.
//
// A name is read label by label from its end, as the tree of the DNS is: "com", "office.com",
// "outlook.office.com". Every node of the tree of the sets' names is a slot of a hash table; where
// the name leaves the tree, the walk is over. So a name that is in no set costs two questions as a
// rule, of which the first, for the top-level domain, is always in the first-level cache.
//
// A slot knows its node by 64 bits of a hash whose seed is drawn anew for each table: nobody can
// make names that collide, and that a name does so by accident has a chance of 2^-64 a question.
#pragma once

#include <immintrin.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

#include "acl/names/hostname.h"
#include "acl/names/name_set.h"
#include "base/types.h"

namespace causeway {

// What a node says: of itself, and of all below it.
struct SuffixNode {
    NameSetBits self_in = 0;
    NameSetBits self_out = 0;
    NameSetBits below_in = 0;
    NameSetBits below_out = 0;
    friend auto operator<=>(const SuffixNode&, const SuffixNode&) = default;
};

class SuffixTable {
  public:
    // The plain patterns of the sets, in their order. Wildcards are not this table's.
    explicit SuffixTable(std::span<const NameSet> sets);

    // Calls decide(literals, in, out) for each pattern that matches, the least specific first.
    template <class Decide>
    void match(const Hostname& name, Decide&& decide) const noexcept {
        if (nodes_.empty()) return;
        // All hashes first, so that the slots of all depths are on their way at once.
        std::array<std::uint64_t, Hostname::kLabelsMax> hashes;
        std::uint64_t hash = seed_;
        for (std::size_t label = name.labels(); label-- > 0;) {
            hash = add_label(hash, name.data() + name.start_of(label), name.bytes_of(label));
            hashes[label] = hash;
            __builtin_prefetch(&slots_[hash & mask_]);
        }
        for (std::size_t label = name.labels(); label-- > 0;) {
            const Slot* const slot = find(hashes[label]);
            if (slot == nullptr) return;
            const SuffixNode& node = nodes_[slot->node];
            if (label == 0) {
                if ((node.self_in | node.self_out) != 0) {
                    decide(name.size(), node.self_in, node.self_out);
                }
            } else if ((node.below_in | node.below_out) != 0) {
                decide(name.size() - name.start_of(label) + 1, node.below_in, node.below_out);
            }
        }
    }

    [[nodiscard]] std::size_t bytes() const noexcept {
        return slots_.size() * sizeof(Slot) + nodes_.size() * sizeof(SuffixNode);
    }

  private:
    struct Slot {
        std::uint64_t hash = 0;
        std::uint32_t node = kEmpty;  // of nodes_: few differ
        std::uint32_t unused = 0;
    };
    static_assert(sizeof(Slot) == 16, "four a cache line");
    static constexpr std::uint32_t kEmpty = ~std::uint32_t{0};

    // The hash of a suffix and one more label before it: sixteen bytes at a time, two words are
    // multiplied and the halves of the product folded.
    [[nodiscard]] static std::uint64_t add_label(std::uint64_t hash, const char* label,
                                                 std::size_t bytes) noexcept;
    [[nodiscard]] const Slot* find(std::uint64_t hash) const noexcept {
        for (std::size_t at = hash & mask_;; at = (at + 1) & mask_) {
            const Slot& slot = slots_[at];
            if (slot.node == kEmpty) return nullptr;
            if (slot.hash == hash) return &slot;
        }
    }

    std::uint64_t seed_;
    std::size_t mask_ = 0;
    std::vector<Slot> slots_;
    std::vector<SuffixNode> nodes_;
};

inline std::uint64_t SuffixTable::add_label(std::uint64_t hash, const char* label,
                                            std::size_t bytes) noexcept {
    constexpr std::uint64_t kFactor = 0x9e37'79b9'7f4a'7c15;  // 2^64 over the golden ratio
    const auto word = [](const char* from, std::size_t count) noexcept {
        std::uint64_t value;
        std::memcpy(&value, from, sizeof value);  // there is room behind a name's end
        return _bzhi_u64(value, static_cast<unsigned>(8 * std::min<std::size_t>(count, 8)));
    };
    hash += bytes;  // labels that are cut elsewhere are others
    for (;;) {
        const Uint128 product =
            Uint128{hash ^ word(label, bytes)} *
            (kFactor ^ word(label + 8, bytes - std::min<std::size_t>(bytes, 8)));
        hash = static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
        if (bytes <= 16) return hash;
        bytes -= 16;
        label += 16;
    }
}

}  // namespace causeway
