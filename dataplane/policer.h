// SPDX-License-Identifier: Apache-2.0
//
// ByteBucket, Policer: how much may pass, by bytes of layer 2, shared by all workers.
//
// Thread safety: take() and the rest of the packet path on any worker; set_rate() on the control
// thread. A worker that meets set_rate() half done judges at most one burst by a mix of both rates.
//
// Theory of operation
//   A bucket is one number (virtual_schedule.h): when it will be full again if nothing more is
//   taken; bytes cost time. Workers share it, and none holds a share that another one lacks. A
//   worker asks once for all of a burst's bytes of one policer and goes packet by packet only where
//   they do not fit.
//   Time is in 1/256 of a tick: at 400 Gbit/s and 2 GHz a frame of 64 bytes costs 650 of these, so
//   rounding stays below a thousandth. Differences wrap around, and what looks further ahead than
//   a bucket can be (half the range after it was last used, some 200 days) counts as idle.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "base/limits.h"
#include "base/types.h"
#include "dataplane/virtual_schedule.h"

namespace causeway {

struct PolicerRate {
    std::uint64_t bytes_per_second = 0;  // at least 1
    std::uint64_t burst_bytes = 0;       // at least the largest frame, or that never passes
};

class ByteBucket {
  public:
    explicit ByteBucket(std::uint64_t ticks_per_second) noexcept : hz_(ticks_per_second) {}

    // A change keeps what has been taken: whoever had sent half a burst still has.
    void set_rate(const PolicerRate& rate, std::uint64_t now_ticks) noexcept {
        const std::uint64_t now = now_ticks * kUnitsPerTick;
        const std::uint64_t price_before = price_.load(std::memory_order_relaxed);
        const auto units = static_cast<Uint128>(hz_) * kUnitsPerTick;
        const auto price =
            static_cast<std::uint64_t>((units << kPriceBits) / rate.bytes_per_second);
        const Uint128 burst = (static_cast<Uint128>(rate.burst_bytes) * price) >> kPriceBits;
        const std::uint64_t depth = static_cast<std::uint64_t>(std::min<Uint128>(burst, kDepthMax));
        std::uint64_t full_at = full_at_.load(std::memory_order_relaxed);
        std::uint64_t next = 0;
        do {
            const std::uint64_t taken =
                time_ahead(full_at, now, depth_.load(std::memory_order_relaxed), skew());
            const Uint128 scaled =
                price_before == 0 ? 0 : static_cast<Uint128>(taken) * price / price_before;
            next = now + (scaled < depth ? static_cast<std::uint64_t>(scaled) : depth);
        } while (!full_at_.compare_exchange_weak(full_at, next, std::memory_order_relaxed));
        price_.store(price, std::memory_order_relaxed);
        depth_.store(depth, std::memory_order_relaxed);
    }

    // Takes all of the bytes, or none and says false.
    [[nodiscard]] bool take(std::uint64_t bytes, std::uint64_t now_ticks) noexcept {
        const std::uint64_t now = now_ticks * kUnitsPerTick;
        const std::uint64_t depth = depth_.load(std::memory_order_relaxed);
        const std::uint64_t cost = cost_of(bytes, price_.load(std::memory_order_relaxed));
        return take_from(full_at_, now, cost, depth, skew());
    }
    // Takes the bytes whether they are there or not: what is owed is waited for by those who ask.
    void charge(std::uint64_t bytes, std::uint64_t now_ticks) noexcept {
        const std::uint64_t now = now_ticks * kUnitsPerTick;
        const std::uint64_t depth = depth_.load(std::memory_order_relaxed);
        const std::uint64_t cost = cost_of(bytes, price_.load(std::memory_order_relaxed));
        const std::uint64_t owed_max =
            depth + hz_ * kUnitsPerTick / 2;  // well within time_ahead()'s
        std::uint64_t full_at = full_at_.load(std::memory_order_relaxed);
        std::uint64_t next = 0;
        do {
            const std::uint64_t taken = time_ahead(full_at, now, depth, skew()) + cost;
            next = now + (taken < owed_max ? taken : owed_max);
        } while (!full_at_.compare_exchange_weak(full_at, next, std::memory_order_relaxed));
    }
    // Gives back what take() took, because another bucket refused.
    void give_back(std::uint64_t bytes) noexcept {
        full_at_.fetch_sub(cost_of(bytes, price_.load(std::memory_order_relaxed)),
                           std::memory_order_relaxed);
    }

  private:
    static constexpr std::uint64_t kUnitsPerTick = 256;
    // Of fraction. So a byte's price at one byte a second still fits, and at 400 Gbit/s it is
    // known to a millionth.
    static constexpr int kPriceBits = 16;
    // A burst of more than 50 days at 2 GHz is one of 50 days: a bucket's time must not wrap.
    static constexpr std::uint64_t kDepthMax = std::uint64_t{1} << 61;

    [[nodiscard]] static std::uint64_t cost_of(std::uint64_t bytes, std::uint64_t price) noexcept {
        return static_cast<std::uint64_t>((static_cast<Uint128>(bytes) * price) >> kPriceBits);
    }
    // A second: far more than workers' clocks differ by.
    [[nodiscard]] std::uint64_t skew() const noexcept { return hz_ * kUnitsPerTick; }

    std::atomic<std::uint64_t> full_at_{0};
    std::atomic<std::uint64_t> price_{0};  // units a byte, times 2^kPriceBits
    std::atomic<std::uint64_t> depth_{0};  // units
    const std::uint64_t hz_;
};

// A bucket with what it has refused; a line of its own, for workers meet here.
class alignas(kCacheLine) Policer {
  public:
    Policer(std::uint64_t ticks_per_second, const PolicerRate& rate,
            std::uint64_t now_ticks) noexcept
        : bucket_(ticks_per_second) {
        set_rate(rate, now_ticks);
    }
    void set_rate(const PolicerRate& rate, std::uint64_t now_ticks) noexcept {
        bucket_.set_rate(rate, now_ticks);
    }
    [[nodiscard]] bool take(std::uint64_t bytes, std::uint64_t now_ticks) noexcept {
        return bucket_.take(bytes, now_ticks);
    }
    void charge(std::uint64_t bytes, std::uint64_t now_ticks) noexcept {
        bucket_.charge(bytes, now_ticks);
    }
    void give_back(std::uint64_t bytes) noexcept { bucket_.give_back(bytes); }

    void count_drop(std::uint64_t bytes) noexcept {
        dropped_packets_.fetch_add(1, std::memory_order_relaxed);
        dropped_bytes_.fetch_add(bytes, std::memory_order_relaxed);
    }
    [[nodiscard]] std::uint64_t dropped_packets() const noexcept {
        return dropped_packets_.load(std::memory_order_relaxed);
    }
    [[nodiscard]] std::uint64_t dropped_bytes() const noexcept {
        return dropped_bytes_.load(std::memory_order_relaxed);
    }

  private:
    ByteBucket bucket_;
    std::atomic<std::uint64_t> dropped_packets_{0};
    std::atomic<std::uint64_t> dropped_bytes_{0};
};
static_assert(sizeof(Policer) == kCacheLine);

// Two levels of one link and direction; either may be missing. Nothing is taken from one level
// that the other refuses.
struct PolicerPair {
    Policer* peering = nullptr;
    Policer* circuit = nullptr;
    const PolicerPair* charged = nullptr;  // pays for what passes here, too

    // The level that refused, or null: the bytes may pass.
    [[nodiscard]] Policer* refused_by(std::uint64_t bytes, std::uint64_t now_ticks) const noexcept {
        if (peering != nullptr && !peering->take(bytes, now_ticks)) return peering;
        if (circuit != nullptr && !circuit->take(bytes, now_ticks)) {
            if (peering != nullptr) peering->give_back(bytes);
            return circuit;
        }
        if (charged != nullptr) charged->charge(bytes, now_ticks);
        return nullptr;
    }
    void charge(std::uint64_t bytes, std::uint64_t now_ticks) const noexcept {
        if (peering != nullptr) peering->charge(bytes, now_ticks);
        if (circuit != nullptr) circuit->charge(bytes, now_ticks);
    }
    friend bool operator==(const PolicerPair&, const PolicerPair&) = default;
};

// Of one attachment and direction. Expedited traffic (DSCP 46, RFC 3246) has buckets of its own,
// so that voice survives when the rest exceeds its rate. Charging the rest for it keeps the sum at
// the rate of the rest.
struct PolicePlan {
    PolicerPair rest;
    PolicerPair expedited;
};

}  // namespace causeway
