// SPDX-License-Identifier: Apache-2.0
//
// The virtual scheduling form of the leaky bucket (ITU-T I.371 annex A): a bucket is one number,
// the moment at which it will be full again if nothing more is taken. To take is to move that
// moment further on, and it may lie at most the bucket's depth ahead of now. So a bucket that
// several workers share is one compare-and-swap, exact whoever wins.
//
// Times are in a unit of the caller's, and differences wrap around.
#pragma once

#include <atomic>
#include <cstdint>

namespace causeway {

// How far `full_at` lies ahead of `now`. Another core's clock may be a little ahead of ours, by at
// most `skew`; what lies further ahead than that and a whole bucket was not used for ages.
[[nodiscard]] inline std::uint64_t time_ahead(std::uint64_t full_at, std::uint64_t now,
                                              std::uint64_t depth, std::uint64_t skew) noexcept {
    const std::uint64_t difference = full_at - now;
    return difference > depth + skew ? 0 : difference;
}

// Takes `cost`, or nothing and says false.
[[nodiscard]] inline bool take_from(std::atomic<std::uint64_t>& bucket, std::uint64_t now,
                                    std::uint64_t cost, std::uint64_t depth,
                                    std::uint64_t skew) noexcept {
    std::uint64_t full_at = bucket.load(std::memory_order_relaxed);
    std::uint64_t next = 0;
    do {
        const std::uint64_t taken = time_ahead(full_at, now, depth, skew) + cost;
        if (taken > depth) return false;
        next = now + taken;
    } while (!bucket.compare_exchange_weak(full_at, next, std::memory_order_relaxed));
    return true;
}

}  // namespace causeway
