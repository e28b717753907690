// SPDX-License-Identifier: Apache-2.0
//
// AclLog: what the rules that log have seen, on its way from one worker to the control thread. It
// never waits: when the control thread is behind, records are lost and counted, and that is the
// limit of the rate, too.
//
// Thread safety: one writer, its worker; one reader, the control thread.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <span>

#include "base/limits.h"
#include "base/types.h"
#include "dataplane/counters.h"

namespace causeway {

struct AclLogRecord {
    RuleCounterId rule;
    AttachmentId attachment;              // where it came in
    std::uint16_t packet_bytes = 0;       // of layer 3
    std::array<std::uint8_t, 56> head{};  // how the packet begins; zero behind its end
};
static_assert(sizeof(AclLogRecord) == kCacheLine);

class AclLog {
  public:
    void put(RuleCounterId rule, AttachmentId attachment,
             std::span<const std::uint8_t> packet) noexcept {
        const std::uint32_t end = end_.load(std::memory_order_relaxed);
        if (end - begin_.load(std::memory_order_acquire) == kAclLogSize) return lost_.add(1);
        AclLogRecord& record = records_[end % kAclLogSize];
        record.rule = rule;
        record.attachment = attachment;
        record.packet_bytes = static_cast<std::uint16_t>(packet.size());
        record.head = {};
        std::memcpy(record.head.data(), packet.data(), std::min(packet.size(), record.head.size()));
        end_.store(end + 1, std::memory_order_release);
    }
    // Takes the oldest records, as many as there is room for; how many that were.
    std::size_t take(std::span<AclLogRecord> room) noexcept {
        const std::uint32_t begin = begin_.load(std::memory_order_relaxed);
        const std::uint32_t waiting = end_.load(std::memory_order_acquire) - begin;
        const std::size_t count = std::min<std::size_t>(waiting, room.size());
        for (std::uint32_t k = 0; k < count; ++k) room[k] = records_[(begin + k) % kAclLogSize];
        begin_.store(begin + static_cast<std::uint32_t>(count), std::memory_order_release);
        return count;
    }
    [[nodiscard]] std::uint64_t lost() const noexcept { return lost_.read(); }

  private:
    alignas(kCacheLine) std::atomic<std::uint32_t> begin_{0};  // the reader's
    alignas(kCacheLine) std::atomic<std::uint32_t> end_{0};    // the writer's; counts on and on
    Counter lost_;
    std::array<AclLogRecord, kAclLogSize> records_;
};

}  // namespace causeway
