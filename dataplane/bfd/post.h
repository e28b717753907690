// SPDX-License-Identifier: Apache-2.0
//
// BfdPost: the road between a worker and the thread that runs the BFD sessions. Frames are copied,
// so that this thread, which the kernel may interrupt at any point, never holds anything that a
// worker could wait for: neither a buffer nor a place in the packet pool.
//
// Thread safety: each of the two rings has one producer and one consumer, and neither waits.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>

#include "base/limits.h"
#include "dataplane/bfd/datagram.h"

namespace causeway {

// A ring of values with one producer and one consumer.
template <class T, std::size_t kSize>
class SpscRing {
  public:
    static_assert((kSize & (kSize - 1)) == 0, "indices wrap around");

    // Producer: where the next value goes, or null where the ring is full; then push().
    [[nodiscard]] T* room() noexcept {
        const std::size_t tail = tail_.load(std::memory_order_relaxed);
        if (tail - head_.load(std::memory_order_acquire) == kSize) return nullptr;
        return &values_[tail % kSize];
    }
    void push() noexcept {
        tail_.store(tail_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
    }
    // Consumer: the oldest value, or null where there is none; then pop().
    [[nodiscard]] const T* front() const noexcept {
        const std::size_t head = head_.load(std::memory_order_relaxed);
        if (tail_.load(std::memory_order_acquire) == head) return nullptr;
        return &values_[head % kSize];
    }
    void pop() noexcept {
        head_.store(head_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
    }

  private:
    alignas(kCacheLine) std::atomic<std::size_t> head_{0};
    alignas(kCacheLine) std::atomic<std::size_t> tail_{0};
    alignas(kCacheLine) std::array<T, kSize> values_{};
};

struct BfdPost {
    SpscRing<BfdFrame, kBfdPostSize> up;    // from the worker: layer 3 of what arrived
    SpscRing<BfdFrame, kBfdPostSize> down;  // to the worker: whole frames to send
};

}  // namespace causeway
