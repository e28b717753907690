// SPDX-License-Identifier: Apache-2.0
//
// SourceSet: the addresses that a peering may send from.
//
// Thread safety: immutable once built; any number of readers.
//
// Prefixes become disjoint intervals in order; a question is a binary search without a branch. A
// peering has a few hundred prefixes at most, so that is eight steps in the first-level cache.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include "base/types.h"

namespace causeway {

template <class AddressT>
class SourceSet {
  public:
    using Number = typename AddressT::Number;

    // Of these prefixes, in any order; they may overlap. None: no address is in it.
    SourceSet() = default;
    explicit SourceSet(std::span<const Prefix<AddressT>> prefixes) {
        std::vector<Prefix<AddressT>> sorted(prefixes.begin(), prefixes.end());
        std::ranges::sort(sorted);
        for (const auto& prefix : sorted) {
            const Number first = prefix.first().value();
            if (!lasts_.empty() && first <= lasts_.back()) continue;  // within the one before
            firsts_.push_back(first);
            lasts_.push_back(prefix.last().value());
        }
    }

    [[nodiscard]] bool contains(AddressT address) const noexcept {
        const Number value = address.value();
        const Number* first = firsts_.data();
        std::size_t count = firsts_.size();
        if (count == 0) return false;
        while (count > 1) {
            const std::size_t half = count / 2;
            first += first[half] <= value ? half : 0;
            count -= half;
        }
        const auto at = static_cast<std::size_t>(first - firsts_.data());
        return *first <= value && value <= lasts_[at];
    }
    [[nodiscard]] bool is_empty() const noexcept { return firsts_.empty(); }

  private:
    std::vector<Number> firsts_;
    std::vector<Number> lasts_;  // of the interval that begins at the same place in firsts_
};

}  // namespace causeway
