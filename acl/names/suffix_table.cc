// SPDX-License-Identifier: Apache-2.0
#include "acl/names/suffix_table.h"

#include <bit>
#include <map>
#include <random>
#include <unordered_map>

#include "base/check.h"

namespace causeway {
namespace {

std::uint64_t random_seed() {
    std::random_device device;
    return std::uint64_t{device()} << 32 | device();
}

// The bits of a node that a pattern sets.
enum class Side { kIn, kOut };
NameSetBits& bits_of(SuffixNode& node, NamePattern::Kind kind, Side side) {
    if (kind == NamePattern::Kind::kName) return side == Side::kIn ? node.self_in : node.self_out;
    return side == Side::kIn ? node.below_in : node.below_out;
}

}  // namespace

SuffixTable::SuffixTable(std::span<const NameSet> sets) : seed_(random_seed()) {
    std::unordered_map<std::uint64_t, SuffixNode> tree;  // by hash
    const auto add = [&](const NamePattern& pattern, NameSetBits set, Side side) {
        if (pattern.kind() == NamePattern::Kind::kWildcard) return;
        const auto name = Hostname::from(pattern.base());
        CHECK(name.has_value());
        std::uint64_t hash = seed_;
        for (std::size_t label = name->labels(); label-- > 0;) {
            hash = add_label(hash, name->data() + name->start_of(label), name->bytes_of(label));
            SuffixNode& node = tree[hash];
            if (label == 0) bits_of(node, pattern.kind(), side) |= set;
        }
    };
    for (std::size_t k = 0; k < sets.size(); ++k) {
        for (const NamePattern& member : sets[k].members)
            add(member, NameSetBits{1} << k, Side::kIn);
        for (const NamePattern& other : sets[k].exceptions)
            add(other, NameSetBits{1} << k, Side::kOut);
    }
    slots_.resize(std::bit_ceil(2 * tree.size() + 1));
    mask_ = slots_.size() - 1;
    std::map<SuffixNode, std::uint32_t> kinds;
    for (const auto& [hash, node] : tree) {
        const auto [kind, is_new] =
            kinds.try_emplace(node, static_cast<std::uint32_t>(nodes_.size()));
        if (is_new) nodes_.push_back(node);
        std::size_t at = hash & mask_;
        while (slots_[at].node != kEmpty) at = (at + 1) & mask_;
        slots_[at] = {.hash = hash, .node = kind->second};
    }
}

}  // namespace causeway
