// SPDX-License-Identifier: Apache-2.0
//
// Peaks: the most bytes that an attachment has received, and sent, within one millisecond and
// within ten. Policers act in milliseconds, so averages do not explain what they drop.
//
// Thread safety: add() on any worker; read() and clear() on the control thread.
//
// Theory of operation
//   Time is cut into windows that are the same for all workers. A worker notes, beside the bytes
//   that it counts anyway, in which window that was (counters.h), and only where a packet is of
//   another window does it hand over here what its bytes had grown by: once a millisecond and
//   attachment, whatever the rate. What several workers hand over of one window adds up in a slot.
//   A worker that rested on an attachment for longer than the slots reach back hands over late;
//   then its bytes are compared by themselves, and the peak may be told too small, never too large.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "base/limits.h"
#include "base/types.h"
#include "base/zeroed_rows.h"

namespace causeway {

class alignas(kCacheLine) Peak {
  public:
    struct Bytes {
        std::uint32_t in_1ms = 0;
        std::uint32_t in_10ms = 0;
    };

    // Bytes of one window, whose number is in milliseconds.
    void add(std::uint32_t window, std::uint32_t bytes) noexcept {
        add(slots_1ms_[window % slots_1ms_.size()], window, bytes, most_1ms_);
        const std::uint32_t window_10ms = window / 10;
        add(slots_10ms_[window_10ms % slots_10ms_.size()], window_10ms, bytes, most_10ms_);
    }
    [[nodiscard]] Bytes read() const noexcept {
        return {most_1ms_.load(std::memory_order_relaxed),
                most_10ms_.load(std::memory_order_relaxed)};
    }
    void clear() noexcept {
        most_1ms_.store(0, std::memory_order_relaxed);
        most_10ms_.store(0, std::memory_order_relaxed);
    }

  private:
    using Slot = std::atomic<std::uint64_t>;  // high half: the window; low half: its bytes
    using Most = std::atomic<std::uint32_t>;

    static void add(Slot& slot, std::uint32_t window, std::uint32_t bytes, Most& most) noexcept {
        std::uint64_t old = slot.load(std::memory_order_relaxed);
        std::uint32_t sum = 0;
        do {
            const auto last = static_cast<std::uint32_t>(old >> 32);
            if (static_cast<std::int32_t>(last - window) > 0) {  // the slot has gone on
                raise(most, bytes);
                return;
            }
            sum = bytes + (last == window ? static_cast<std::uint32_t>(old) : 0U);
        } while (!slot.compare_exchange_weak(old, std::uint64_t{window} << 32 | sum,
                                             std::memory_order_relaxed));
        raise(most, sum);
    }
    static void raise(Most& most, std::uint32_t bytes) noexcept {
        std::uint32_t before = most.load(std::memory_order_relaxed);
        while (before < bytes &&
               !most.compare_exchange_weak(before, bytes, std::memory_order_relaxed)) {
        }
    }

    std::array<Slot, 4> slots_1ms_{};
    std::array<Slot, 2> slots_10ms_{};
    Most most_1ms_{0};
    Most most_10ms_{0};
};
static_assert(sizeof(Peak) == kCacheLine, "an attachment's peak of one direction is a line");

struct PeakPair {
    Peak rx;
    Peak tx;
};

// Of all attachments.
class Peaks {
  public:
    [[nodiscard]] PeakPair& of(AttachmentId attachment) noexcept {
        return rows_[attachment.value()];
    }
    [[nodiscard]] const PeakPair& of(AttachmentId attachment) const noexcept {
        return rows_[attachment.value()];
    }

  private:
    ZeroedRows<PeakPair> rows_{kAttachmentsMax, PageSize::kHuge};
};

// Numbers the windows: milliseconds of the TSC, which wrap around after seven weeks.
class WindowClock {
  public:
    explicit WindowClock(std::uint64_t ticks_per_second) noexcept
        : windows_a_tick_(~std::uint64_t{0} / (ticks_per_second / 1'000)) {}
    [[nodiscard]] std::uint32_t window_of(std::uint64_t ticks) const noexcept {
        return static_cast<std::uint32_t>((static_cast<Uint128>(ticks) * windows_a_tick_) >> 64);
    }

  private:
    std::uint64_t windows_a_tick_;  // times 2^64
};

}  // namespace causeway
