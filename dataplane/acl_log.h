// SPDX-License-Identifier: Apache-2.0
//
// AclLog: what the rules that log have seen, on its way from one worker to the control thread, in a
// RecordRing: what is lost when the control thread is behind is the limit of the rate, too.
//
// Thread safety: one writer, its worker; one reader, the control thread.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "base/limits.h"
#include "base/record_ring.h"
#include "base/types.h"

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
        ring_.put([&](AclLogRecord& record) {
            record.rule = rule;
            record.attachment = attachment;
            record.packet_bytes = static_cast<std::uint16_t>(packet.size());
            record.head = {};
            std::memcpy(record.head.data(), packet.data(),
                        std::min(packet.size(), record.head.size()));
        });
    }
    // Takes the oldest records, as many as there is room for; how many that were.
    std::size_t take(std::span<AclLogRecord> room) noexcept { return ring_.take(room); }
    [[nodiscard]] std::uint64_t lost() const noexcept { return ring_.lost(); }

  private:
    RecordRing<AclLogRecord, kAclLogSize> ring_;
};

}  // namespace causeway
