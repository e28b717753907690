// SPDX-License-Identifier: Apache-2.0
#include "control/attachments.h"

#include <cstring>
#include <utility>

#include "base/check.h"

namespace causeway {

FrameHeader Attachment::header(const MacAddress& destination, EtherType type) const noexcept {
    FrameHeader header;
    const auto put = [&header](const auto& value) {
        std::memcpy(header.bytes.data() + header.size, &value, sizeof value);
        header.size = static_cast<std::uint8_t>(header.size + sizeof value);
    };
    put(destination);
    put(mac);
    put(Be16(static_cast<std::uint16_t>(outer_tpid)));
    put(Be16(outer));
    if (inner != 0) {
        put(Be16(static_cast<std::uint16_t>(inner_tpid)));
        put(Be16(inner));
    }
    put(Be16(static_cast<std::uint16_t>(type)));
    return header;
}

Result<AttachmentId> Attachments::id_of(std::string_view name) {
    if (const auto found = by_name_.find(name); found != by_name_.end()) return found->second;
    for (std::size_t tried = kPortsMax; tried < kAttachmentsMax; ++tried) {
        const std::size_t candidate = next_;
        next_ = next_ + 1 == kAttachmentsMax ? kPortsMax : next_ + 1;
        if (taken_[candidate]) continue;
        taken_[candidate] = true;
        const AttachmentId id(static_cast<std::uint16_t>(candidate));
        by_name_.emplace(name, id);
        return id;
    }
    return Unexpected(
        ErrorCode::kFull,
        "there are already " + std::to_string(kAttachmentsMax - kPortsMax) + " attachments");
}

void Attachments::put(Attachment attachment) {
    std::unique_ptr<Attachment>& row = rows_[attachment.id.value()];
    if (row) by_subnet_.erase({row->vrf, row->subnet.first()});
    by_subnet_[{attachment.vrf, attachment.subnet.first()}] = attachment.id;
    row = std::make_unique<Attachment>(std::move(attachment));
}

void Attachments::remove(AttachmentId id) {
    std::unique_ptr<Attachment>& row = rows_[id.value()];
    if (row) {
        const auto subnet = by_subnet_.find({row->vrf, row->subnet.first()});
        if (subnet != by_subnet_.end() && subnet->second == id) by_subnet_.erase(subnet);
        row.reset();
    }
    std::erase_if(by_name_, [id](const auto& entry) { return entry.second == id; });
    taken_[id.value()] = false;
}

Attachment* Attachments::find(AttachmentId id) noexcept {
    return id.value() < rows_.size() ? rows_[id.value()].get() : nullptr;
}

const Attachment* Attachments::find(AttachmentId id) const noexcept {
    return id.value() < rows_.size() ? rows_[id.value()].get() : nullptr;
}

Attachment* Attachments::find(std::string_view name) noexcept {
    const auto found = by_name_.find(name);
    return found == by_name_.end() ? nullptr : find(found->second);
}

Attachment* Attachments::connected(VrfId vrf, Ipv4Address address) noexcept {
    auto next = by_subnet_.upper_bound({vrf, address});
    if (next == by_subnet_.begin()) return nullptr;
    Attachment* candidate = find(std::prev(next)->second);
    const bool holds =
        candidate != nullptr && candidate->vrf == vrf && candidate->subnet.contains(address);
    return holds ? candidate : nullptr;
}

}  // namespace causeway
