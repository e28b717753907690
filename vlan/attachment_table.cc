// SPDX-License-Identifier: Apache-2.0
#include "vlan/attachment_table.h"

#include <algorithm>
#include <limits>
#include <string>

namespace causeway {
namespace {

std::string name_of(TagKey key) {
    std::string name =
        "port " + std::to_string(key.port.value()) + ", outer tag " + std::to_string(key.outer);
    if (key.inner != 0) name += ", inner tag " + std::to_string(key.inner);
    return name;
}

}  // namespace

// Not inline, or g++ 12 adds the port's row to the table again for every frame.
AttachmentTable::PortView AttachmentTable::view(PortId port) const noexcept {
    return row_of(port);
}

Result<AttachmentTable> AttachmentTable::build(std::span<const Row> rows) {
    std::vector<Row> sorted(rows.begin(), rows.end());
    std::ranges::sort(sorted, {}, &Row::key);
    for (std::size_t i = 0; i < sorted.size(); ++i) {
        const Row& row = sorted[i];
        if (row.key.port.value() >= kPortsMax || !VlanId::from(row.key.outer) ||
            row.key.inner > 4094 || row.attachment == kNone) {
            return Unexpected(ErrorCode::kInvalid, "no attachment can have " + name_of(row.key));
        }
        if (i > 0 && sorted[i - 1].key == row.key) {
            return Unexpected(ErrorCode::kExists, "two attachments have " + name_of(row.key));
        }
    }

    AttachmentTable table;
    table.spans_.resize(kPortsMax * kVids);
    for (std::size_t begin = 0; begin < sorted.size();) {
        const TagKey head = sorted[begin].key;
        std::size_t end = begin;
        while (end < sorted.size() && sorted[end].key.port == head.port &&
               sorted[end].key.outer == head.outer) {
            ++end;
        }
        const auto count = static_cast<std::uint16_t>(sorted[end - 1].key.inner - head.inner + 1);
        const std::size_t base = table.ids_.size();
        if (base + count > std::numeric_limits<std::uint32_t>::max()) {
            return Unexpected(ErrorCode::kFull, "the attachment table is full");
        }
        table.ids_.resize(base + count, kNone);
        for (std::size_t i = begin; i < end; ++i) {
            table.ids_[base + sorted[i].key.inner - head.inner] = sorted[i].attachment;
        }
        table.spans_[head.port.value() * kVids + head.outer] = {
            .base = static_cast<std::uint32_t>(base), .first = head.inner, .count = count};
        begin = end;
    }
    return table;
}

}  // namespace causeway
