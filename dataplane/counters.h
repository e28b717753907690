// SPDX-License-Identifier: Apache-2.0
//
// Counters of one worker: who sent how much, and how each packet ended.
//
// Thread safety: one writer, its worker; anyone may read at any time. A counter is a relaxed
// atomic, and as its writer is alone, the add needs no lock: an aligned word is stored whole (Intel
// SDM volume 3A, "Guaranteed Atomic Operations").
//
// Invariants, once the worker is between two bursts:
//   an attachment's row   rx = forwarded + the sum of its exits
//   a port's row          rx = the sum of its attachments' rx + the sum of its exits
//   all rows together     tx = forwarded + injected
// A packet that waits for NAT (nat_worker.h) has been received and has no end yet.
// Each side of each equation is counted at a place of its own. A port's row has the number of the
// port; its rx is every frame of the port, its exits are the frames that no attachment claims.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>

#include "base/limits.h"
#include "base/prefetch.h"
#include "base/types.h"
#include "base/zeroed_rows.h"
#include "dataplane/exit.h"
#include "dataplane/peaks.h"

namespace causeway {

class Counter {
  public:
    // One instruction, where g++ 12 makes three of a relaxed load, a sum and a relaxed store.
    void add(std::uint64_t amount) noexcept { asm("addq %1, %0" : "+m"(value_) : "er"(amount)); }
    [[nodiscard]] std::uint64_t read() const noexcept {
        return value_.load(std::memory_order_relaxed);
    }

  private:
    std::atomic<std::uint64_t> value_{0};
};

// In which millisecond a row last counted bytes, and how many it had before (see peaks.h).
struct WindowNote {
    std::uint32_t window = 0;                    // the writer's own
    std::atomic<std::uint32_t> bytes_before{0};  // the low half
    [[nodiscard]] bool is(std::uint32_t number) const noexcept { return window == number; }
    [[nodiscard]] std::uint32_t bytes_since(const Counter& bytes) const noexcept {
        return static_cast<std::uint32_t>(bytes.read()) -
               bytes_before.load(std::memory_order_relaxed);
    }
};

// Packets and bytes of one row. Bytes are of layer 2 with tags and without FCS.
struct alignas(kCacheLine) TrafficCounters {
    Counter rx_packets;  // arrived here
    Counter rx_bytes;
    Counter forwarded_packets;  // arrived here and left, by whatever way
    Counter tx_packets;         // left here
    Counter tx_bytes;
    Counter injected_packets;  // of tx: the control thread's own
    WindowNote rx_window;
    WindowNote tx_window;
};
static_assert(sizeof(TrafficCounters) == kCacheLine, "one line a row");

class Counters {
  public:
    // Peaks are those that all workers share, or its own.
    explicit Counters(Peaks* peaks = nullptr)
        : own_peaks_(peaks == nullptr ? std::make_unique<Peaks>() : nullptr),
          peaks_(peaks == nullptr ? *own_peaks_ : *peaks) {}

    [[nodiscard]] TrafficCounters& traffic(AttachmentId row) noexcept {
        return traffic_[row.value()];
    }
    [[nodiscard]] const TrafficCounters& traffic(AttachmentId row) const noexcept {
        return traffic_[row.value()];
    }
    // All rows, for a loop that counts in many.
    [[nodiscard]] TrafficCounters* traffic() noexcept { return traffic_.data(); }
    // The window (peaks.h) in which frames are counted from here on.
    void set_window(std::uint32_t window) noexcept { window_ = window; }
    void count_rx(AttachmentId row, std::uint64_t packets, std::uint64_t bytes) noexcept {
        TrafficCounters& traffic = traffic_[row.value()];
        if (!traffic.rx_window.is(window_)) [[unlikely]]
            turn(peaks_.of(row).rx, traffic.rx_window, traffic.rx_bytes);
        traffic.rx_packets.add(packets);
        traffic.rx_bytes.add(bytes);
    }
    void count_tx(AttachmentId row, std::uint64_t packets, std::uint64_t bytes) noexcept {
        TrafficCounters& traffic = traffic_[row.value()];
        if (!traffic.tx_window.is(window_)) [[unlikely]]
            turn(peaks_.of(row).tx, traffic.tx_window, traffic.tx_bytes);
        traffic.tx_packets.add(packets);
        traffic.tx_bytes.add(bytes);
    }
    // Hands over what rows that were turned had come to. After each burst.
    void settle_peaks() noexcept {
        if (turned_count_ != 0) hand_over_turned();
    }
    void count_exit(AttachmentId row, Exit exit) noexcept {
        exits_[row.value()][static_cast<std::size_t>(exit)].add(1);
    }
    [[nodiscard]] std::uint64_t exits(AttachmentId row, Exit exit) const noexcept {
        return exits_[row.value()][static_cast<std::size_t>(exit)].read();
    }

    // Of one rule of an access list. The control thread gives a rule its row for as long as the
    // rule has its name, so what is counted here outlives the list that is compiled anew.
    struct RuleCounters {
        Counter packets;
        Counter bytes;  // of layer 3
        void count(std::uint64_t of_packets, std::uint64_t of_bytes) noexcept {
            packets.add(of_packets);
            bytes.add(of_bytes);
        }
    };
    [[nodiscard]] RuleCounters* rules() noexcept { return rules_.data(); }
    [[nodiscard]] const RuleCounters& rule(RuleCounterId row) const noexcept {
        return rules_[row.value()];
    }

  private:
    // What a row's window came to. It is handed over when the burst is done, for the locked
    // instructions there wait for its line of Peaks, and nothing behind them goes ahead: those that
    // sending asked for have arrived by then. (Received packets are counted last; to count them
    // first, so that theirs arrive, too, took three to five cycles more at 16,000 attachments.)
    struct Turned {
        Peak* peak;
        std::uint32_t window;
        std::uint32_t bytes;
    };

    // Notes what a window has come to, and begins the next.
    [[gnu::noinline]] void turn(Peak& peak, WindowNote& note, const Counter& bytes) noexcept {
        prefetch_line(&peak);
        if (turned_count_ == turned_.size()) hand_over_turned();
        turned_[turned_count_++] = {
            .peak = &peak, .window = note.window, .bytes = note.bytes_since(bytes)};
        note.bytes_before.store(static_cast<std::uint32_t>(bytes.read()),
                                std::memory_order_relaxed);
        note.window = window_;
    }
    [[gnu::noinline]] void hand_over_turned() noexcept {
        for (std::size_t k = 0; k < turned_count_; ++k) {
            turned_[k].peak->add(turned_[k].window, turned_[k].bytes);
        }
        turned_count_ = 0;
    }

    using ExitRow = std::array<Counter, kExitCount>;
    std::uint32_t window_ = 0;
    std::size_t turned_count_ = 0;
    std::array<Turned, 64> turned_;
    std::unique_ptr<Peaks> own_peaks_;
    Peaks& peaks_;
    // Every packet writes two rows of the first, in whatever order customers send.
    ZeroedRows<TrafficCounters> traffic_{kAttachmentsMax, PageSize::kHuge};
    ZeroedRows<ExitRow> exits_{kAttachmentsMax, PageSize::kSmall};
    ZeroedRows<RuleCounters> rules_{kAclCountersMax, PageSize::kSmall};
};

}  // namespace causeway
