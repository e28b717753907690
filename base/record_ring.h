// SPDX-License-Identifier: Apache-2.0
//
// RecordRing: records on their way from one thread to another. It never waits: where the reader is
// behind, records are lost and counted.
//
// Thread safety: one writer, one reader; lost() is for anyone.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/limits.h"

namespace causeway {

template <class Record, std::size_t kSize>
class RecordRing {
    static_assert(std::has_single_bit(kSize) && kSize <= 1U << 31, "the counts wrap around");

  public:
    // `fill(record)` writes the record, which still holds an old one, if there is room for it.
    template <class Fill>
    void put(Fill&& fill) noexcept {
        const std::uint32_t end = end_.load(std::memory_order_relaxed);
        // The writer's own line, and a look at the reader's only where the ring seems full.
        if (end - begin_seen_ == kSize) {
            begin_seen_ = begin_.load(std::memory_order_acquire);
            if (end - begin_seen_ == kSize) {
                lost_.store(lost() + 1, std::memory_order_relaxed);
                return;
            }
        }
        fill(records_[end % kSize]);
        end_.store(end + 1, std::memory_order_release);
    }
    // Takes the oldest records, as many as there is room for; how many that were.
    std::size_t take(std::span<Record> room) noexcept {
        const std::uint32_t begin = begin_.load(std::memory_order_relaxed);
        const std::uint32_t waiting = end_.load(std::memory_order_acquire) - begin;
        const std::size_t count = std::min<std::size_t>(waiting, room.size());
        for (std::uint32_t k = 0; k < count; ++k) room[k] = records_[(begin + k) % kSize];
        begin_.store(begin + static_cast<std::uint32_t>(count), std::memory_order_release);
        return count;
    }
    [[nodiscard]] std::uint64_t lost() const noexcept {
        return lost_.load(std::memory_order_relaxed);
    }

  private:
    alignas(kCacheLine) std::atomic<std::uint32_t> begin_{0};  // the reader's
    alignas(kCacheLine) std::atomic<std::uint32_t> end_{0};    // the writer's; counts on and on
    std::uint32_t begin_seen_ = 0;                             // likewise
    std::atomic<std::uint64_t> lost_{0};                       // likewise
    alignas(kCacheLine) std::array<Record, kSize> records_{};
};

}  // namespace causeway
