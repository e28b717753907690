// SPDX-License-Identifier: Apache-2.0
//
// Counters of one worker: who sent how much, and how each packet ended.
//
// Thread safety: one writer, its worker; anyone may read at any time. A counter is a relaxed atomic
// that is loaded and stored, never read-modify-written: the writer is alone, so this is a plain
// add.
//
// Invariants, once the worker is between two bursts:
//   an attachment's row   rx = forwarded + the sum of its exits
//   a port's row          rx = the sum of its attachments' rx + the sum of its exits
//   all rows together     tx = forwarded + injected
// A packet that waits for NAT (nat_worker.h) has been received and has no end yet.
// Each side of each equation is counted at a place of its own. A port's row has the number of the
// port; its rx is every frame of the port, its exits are the frames that no attachment claims.
#pragma once

#include <sys/mman.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>

#include "base/check.h"
#include "base/limits.h"
#include "base/types.h"
#include "dataplane/exit.h"
#include "dataplane/peaks.h"

namespace causeway {

class Counter {
  public:
    void add(std::uint64_t amount) noexcept {
        value_.store(value_.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
    }
    [[nodiscard]] std::uint64_t read() const noexcept {
        return value_.load(std::memory_order_relaxed);
    }

  private:
    std::atomic<std::uint64_t> value_{0};
};

// In which millisecond a row last counted bytes, and how many it had before (see peaks.h).
struct WindowNote {
    std::atomic<std::uint32_t> window{0};
    std::atomic<std::uint32_t> bytes_before{0};  // the low half
    [[nodiscard]] bool is(std::uint32_t number) const noexcept {
        return window.load(std::memory_order_relaxed) == number;
    }
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
    // Pages are touched when a row is first used, so unused rows cost address space only. Peaks are
    // those that all workers share, or its own.
    explicit Counters(Peaks* peaks = nullptr)
        : own_peaks_(peaks == nullptr ? std::make_unique<Peaks>() : nullptr),
          peaks_(peaks == nullptr ? *own_peaks_ : *peaks),
          traffic_(make<TrafficCounters, kAttachmentsMax>()),
          exits_(make<ExitRow, kAttachmentsMax>()),
          rules_(make<RuleCounters, kAclCountersMax>()) {}

    [[nodiscard]] TrafficCounters& traffic(AttachmentId row) noexcept {
        return traffic_[row.value()];
    }
    [[nodiscard]] const TrafficCounters& traffic(AttachmentId row) const noexcept {
        return traffic_[row.value()];
    }
    // All rows, for a loop that counts in many.
    [[nodiscard]] TrafficCounters* traffic() noexcept { return traffic_.get(); }
    // The window (peaks.h) in which frames are counted from here on. Who counts a frame asks first
    // whether its row has been turned to it.
    void set_window(std::uint32_t window) noexcept { window_ = window; }
    [[nodiscard]] std::uint32_t window() const noexcept { return window_; }
    void turn_rx(AttachmentId row) noexcept {
        TrafficCounters& traffic = traffic_[row.value()];
        turn(peaks_.of(row).rx, traffic.rx_window, traffic.rx_bytes);
    }
    void turn_tx(AttachmentId row) noexcept {
        TrafficCounters& traffic = traffic_[row.value()];
        turn(peaks_.of(row).tx, traffic.tx_window, traffic.tx_bytes);
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
        void count(std::uint64_t packet_bytes) noexcept {
            packets.add(1);
            bytes.add(packet_bytes);
        }
    };
    [[nodiscard]] RuleCounters* rules() noexcept { return rules_.get(); }
    [[nodiscard]] const RuleCounters& rule(RuleCounterId row) const noexcept {
        return rules_[row.value()];
    }

  private:
    // Hands over what a window has come to, and begins the next.
    [[gnu::noinline]] void turn(Peak& peak, WindowNote& note, const Counter& bytes) noexcept {
        peak.add(note.window.load(std::memory_order_relaxed), note.bytes_since(bytes));
        note.bytes_before.store(static_cast<std::uint32_t>(bytes.read()),
                                std::memory_order_relaxed);
        note.window.store(window_, std::memory_order_relaxed);
    }

    using ExitRow = std::array<Counter, kExitCount>;
    template <class Row, std::size_t kCount>
    struct Unmap {
        void operator()(Row* rows) const noexcept { munmap(rows, kCount * sizeof(Row)); }
    };
    template <class Row, std::size_t kCount>
    using Rows = std::unique_ptr<Row[], Unmap<Row, kCount>>;

    // Fresh pages are zero, and all zero bytes are all zero counters.
    template <class Row, std::size_t kCount>
    [[nodiscard]] static Rows<Row, kCount> make() {
        void* memory = mmap(nullptr, kCount * sizeof(Row), PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        CHECK(memory != MAP_FAILED);
        return Rows<Row, kCount>(static_cast<Row*>(memory));
    }

    std::uint32_t window_ = 0;
    std::unique_ptr<Peaks> own_peaks_;
    Peaks& peaks_;
    Rows<TrafficCounters, kAttachmentsMax> traffic_;
    Rows<ExitRow, kAttachmentsMax> exits_;
    Rows<RuleCounters, kAclCountersMax> rules_;
};

}  // namespace causeway
