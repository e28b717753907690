// SPDX-License-Identifier: Apache-2.0
//
// AttachmentTable: (port, outer tag, inner tag) -> attachment, in two loads.
//
// Thread safety: immutable once built; any number of readers. The control thread builds a new one
// for a new configuration and publishes it.
//
// Theory of operation
//   One row a port of 4,096 spans, indexed by the outer tag. A span is a window [first, first +
//   count) of inner tags in one shared pool of ids. Windows are as wide as the tags in use under
//   that outer tag, so 16,000 attachments take kilobytes where a second table of 4,096 a tag would
//   take 32 MiB and lay every customer's usual C-tag into the same cache sets. Inner tag 0, which
//   no frame may carry, stands for "single-tagged".
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "base/check.h"
#include "base/limits.h"
#include "base/result.h"
#include "base/types.h"

namespace causeway {

// The tags of a frame or of an attachment. VIDs are 0 to 4095; inner 0 means single-tagged.
struct TagKey {
    PortId port;
    std::uint16_t outer = 0;
    std::uint16_t inner = 0;
    friend constexpr auto operator<=>(const TagKey&, const TagKey&) = default;
};

class AttachmentTable {
    static constexpr std::size_t kVids = 4'096;
    struct Span {
        std::uint32_t base = 0;
        std::uint16_t first = 0;
        std::uint16_t count = 0;
    };
    static_assert(sizeof(Span) == 8, "eight a cache line, 32 KiB a port");

  public:
    struct Row {
        TagKey key;
        AttachmentId attachment;
    };

    // An id that no attachment has; what find() gives for tags that nobody owns.
    static constexpr AttachmentId kNone{};

    // Errors: kExists where two rows share a key, kInvalid where a VID or a port is out of range or
    // a row's id is kNone, kFull where the windows would take more than 2^32 - 1 ids.
    [[nodiscard]] static Result<AttachmentTable> build(std::span<const Row> rows);

    // One port's row of the table, for a burst of one port. Valid as long as the table.
    class PortView {
      public:
        [[nodiscard]] AttachmentId find(std::uint16_t outer, std::uint16_t inner) const noexcept {
            DCHECK(outer < kVids && inner < kVids);
            const Span span = spans_[outer];
            const std::uint32_t offset = std::uint32_t{inner} - span.first;
            if (offset >= span.count) [[unlikely]]
                return kNone;
            return ids_[span.base + offset];
        }

      private:
        friend class AttachmentTable;
        PortView(const Span* spans, const AttachmentId* ids) noexcept : spans_(spans), ids_(ids) {}
        const Span* spans_;
        const AttachmentId* ids_;
    };
    [[nodiscard]] PortView view(PortId port) const noexcept;

    [[nodiscard]] AttachmentId find(TagKey key) const noexcept {
        return row_of(key.port).find(key.outer, key.inner);
    }

    // The bulk form; the loads of different keys are independent, so the core overlaps them.
    void find(std::span<const TagKey> keys, std::span<AttachmentId> attachments) const noexcept {
        DCHECK(keys.size() == attachments.size());
        for (std::size_t i = 0; i < keys.size(); ++i) attachments[i] = find(keys[i]);
    }

    [[nodiscard]] std::size_t memory_bytes() const noexcept {
        return spans_.size() * sizeof(Span) + ids_.size() * sizeof(AttachmentId);
    }

  private:
    [[nodiscard]] PortView row_of(PortId port) const noexcept {
        DCHECK(port.value() < kPortsMax);
        return {spans_.data() + port.value() * kVids, ids_.data()};
    }

    std::vector<Span> spans_;
    std::vector<AttachmentId> ids_;
};

}  // namespace causeway
