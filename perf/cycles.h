// SPDX-License-Identifier: Apache-2.0
//
// Cycles: TSC cycles of equal pieces of work, of which the median is reported: it does not mind the
// pieces in which another process had the core.
#pragma once

#include <x86intrin.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace causeway::perf {

class Cycles {
  public:
    Cycles() { pieces_.reserve(1U << 20); }
    void start() noexcept { start_ = __rdtsc(); }
    void stop() noexcept {
        if (pieces_.size() < pieces_.capacity()) pieces_.push_back(__rdtsc() - start_);
    }
    [[nodiscard]] double median() {
        const auto middle = pieces_.begin() + static_cast<std::ptrdiff_t>(pieces_.size() / 2);
        std::nth_element(pieces_.begin(), middle, pieces_.end());
        return static_cast<double>(*middle);
    }

  private:
    std::uint64_t start_ = 0;
    std::vector<std::uint64_t> pieces_;
};

}  // namespace causeway::perf
