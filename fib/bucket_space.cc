// SPDX-License-Identifier: Apache-2.0
#include "fib/bucket_space.h"

#include <bit>

#include "base/check.h"

namespace causeway {

BucketSpace::BucketSpace(std::uint32_t count)
    : available_(count), free_(static_cast<std::size_t>(std::countr_zero(count)) + 1) {
    CHECK(std::has_single_bit(count));
    free_.back().insert(0);
}

std::optional<std::uint32_t> BucketSpace::allocate(std::uint32_t count) {
    CHECK(std::has_single_bit(count));
    const auto wanted = static_cast<std::size_t>(std::countr_zero(count));
    std::size_t order = wanted;
    while (order < free_.size() && free_[order].empty()) ++order;
    if (order >= free_.size()) return std::nullopt;
    const std::uint32_t first = *free_[order].begin();
    free_[order].erase(free_[order].begin());
    // Halve it until it fits; the upper halves stay free.
    while (order > wanted) {
        --order;
        free_[order].insert(first + (std::uint32_t{1} << order));
    }
    available_ -= count;
    return first;
}

void BucketSpace::free(std::uint32_t first, std::uint32_t count) {
    CHECK(std::has_single_bit(count) && first % count == 0);
    available_ += count;
    auto order = static_cast<std::size_t>(std::countr_zero(count));
    // Join it with its buddy as long as that is free as well.
    for (; order + 1 < free_.size(); ++order) {
        const std::uint32_t buddy = first ^ (std::uint32_t{1} << order);
        if (free_[order].erase(buddy) == 0) break;
        first &= buddy;
    }
    CHECK(free_[order].insert(first).second);
}

}  // namespace causeway
