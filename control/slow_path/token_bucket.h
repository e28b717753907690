// SPDX-License-Identifier: Apache-2.0
//
// TokenBucket: at most `rate` a second on average, at most `burst` at once. For what the control
// thread sends of its own accord; the clock is handed in, so that tests own it.
#pragma once

#include <algorithm>
#include <cstdint>

namespace causeway {

struct TokenRate {
    std::uint32_t per_second = 0;
    std::uint32_t burst = 0;
};

class TokenBucket {
  public:
    // True where one more is allowed now. `now_ns` must not go backwards.
    [[nodiscard]] bool take(std::uint64_t now_ns, TokenRate rate) noexcept {
        const std::uint64_t full = std::uint64_t{rate.burst} * kNanosecondsPerSecond;
        if (!started_) {
            credit_ = full;
            started_ = true;
        } else {
            // Credit is in tokens times nanoseconds a second, so no fraction is ever lost.
            credit_ = std::min(full, credit_);
            const std::uint64_t elapsed = now_ns - last_ns_;
            const bool fills = rate.per_second != 0 && elapsed > (full - credit_) / rate.per_second;
            credit_ = fills ? full : credit_ + elapsed * rate.per_second;
        }
        last_ns_ = now_ns;
        if (credit_ < kNanosecondsPerSecond) return false;
        credit_ -= kNanosecondsPerSecond;
        return true;
    }

  private:
    static constexpr std::uint64_t kNanosecondsPerSecond = 1'000'000'000;
    std::uint64_t credit_ = 0;
    std::uint64_t last_ns_ = 0;
    bool started_ = false;
};

}  // namespace causeway
