// SPDX-License-Identifier: Apache-2.0
//
// Minimum and median of what was measured again and again. The minimum is what the work costs when
// nobody disturbs it; the median says how much they do here.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

namespace causeway::perf {

struct Spread {
    double min = 0;
    double median = 0;
};

// REQUIRES: there are samples.
[[nodiscard]] inline Spread spread_of(std::vector<double> samples) {
    std::ranges::sort(samples);
    return {.min = samples.front(), .median = samples[samples.size() / 2]};
}

}  // namespace causeway::perf
