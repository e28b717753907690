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

// Packets and bytes of one row. Bytes are of layer 2 with tags and without FCS.
struct alignas(kCacheLine) TrafficCounters {
    Counter rx_packets;  // arrived here
    Counter rx_bytes;
    Counter forwarded_packets;  // arrived here and left, by whatever way
    Counter tx_packets;         // left here
    Counter tx_bytes;
    Counter injected_packets;  // of tx: the control thread's own
};
static_assert(sizeof(TrafficCounters) == kCacheLine, "one line a row");

class Counters {
  public:
    // Pages are touched when a row is first used, so unused rows cost address space only.
    Counters() : traffic_(make<TrafficCounters>()), exits_(make<ExitRow>()) {}

    [[nodiscard]] TrafficCounters& traffic(AttachmentId row) noexcept {
        return traffic_[row.value()];
    }
    [[nodiscard]] const TrafficCounters& traffic(AttachmentId row) const noexcept {
        return traffic_[row.value()];
    }
    void count_exit(AttachmentId row, Exit exit) noexcept {
        exits_[row.value()][static_cast<std::size_t>(exit)].add(1);
    }
    [[nodiscard]] std::uint64_t exits(AttachmentId row, Exit exit) const noexcept {
        return exits_[row.value()][static_cast<std::size_t>(exit)].read();
    }

  private:
    using ExitRow = std::array<Counter, kExitCount>;
    template <class Row>
    struct Unmap {
        void operator()(Row* rows) const noexcept { munmap(rows, kAttachmentsMax * sizeof(Row)); }
    };
    template <class Row>
    using Rows = std::unique_ptr<Row[], Unmap<Row>>;

    // Fresh pages are zero, and all zero bytes are all zero counters.
    template <class Row>
    [[nodiscard]] static Rows<Row> make() {
        void* memory = mmap(nullptr, kAttachmentsMax * sizeof(Row), PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        CHECK(memory != MAP_FAILED);
        return Rows<Row>(static_cast<Row*>(memory));
    }

    Rows<TrafficCounters> traffic_;
    Rows<ExitRow> exits_;
};

}  // namespace causeway
