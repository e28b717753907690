// SPDX-License-Identifier: Apache-2.0
//
// BucketSpace: who holds which part of the bucket array. A buddy allocator: runs are powers of two
// and lie at multiples of their size.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <vector>

namespace causeway {

class BucketSpace {
  public:
    explicit BucketSpace(std::uint32_t count);  // a power of two

    // First index of a free run of this many, or nothing. The count is a power of two.
    [[nodiscard]] std::optional<std::uint32_t> allocate(std::uint32_t count);
    void free(std::uint32_t first, std::uint32_t count);
    [[nodiscard]] std::uint32_t available() const noexcept { return available_; }

  private:
    std::uint32_t available_;
    std::vector<std::set<std::uint32_t>> free_;  // by log2 of the size: first indices
};

}  // namespace causeway
