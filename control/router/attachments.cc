// SPDX-License-Identifier: Apache-2.0
#include "control/router/attachments.h"

#include <algorithm>
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

bool Attachment::holds(const IpAddress& one) const noexcept {
    if (const auto* ipv4 = std::get_if<Ipv4Address>(&one)) return subnet.contains(*ipv4);
    return ipv6 && ipv6->subnet.contains(std::get<Ipv6Address>(one));
}

VrfId Attachment::vrf_towards(const IpAddress& one) const noexcept {
    const auto* const ipv4 = std::get_if<Ipv4Address>(&one);
    if (ipv4 == nullptr || !inside_vrf) return vrf;
    const bool is_inside = std::ranges::any_of(
        inside, [ipv4](const Ipv4Prefix& prefix) { return prefix.contains(*ipv4); });
    return is_inside ? *inside_vrf : vrf;
}

Ipv6Address Attachment::link_local() const noexcept {
    std::uint64_t identifier = 0;
    for (std::size_t i = 0; i < mac.bytes.size(); ++i) {
        if (i == 3) identifier = identifier << 16 | 0xfffe;
        identifier = identifier << 8 | mac.bytes[i];
    }
    constexpr std::uint64_t kUniversalBit = std::uint64_t{1} << 57;
    return {0xfe80'0000'0000'0000, identifier ^ kUniversalBit};
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
    if (row) forget_subnets(*row);
    by_subnet_[{attachment.vrf, attachment.subnet.first()}] = attachment.id;
    if (attachment.ipv6) {
        by_subnet_[{attachment.vrf, attachment.ipv6->subnet.first()}] = attachment.id;
    }
    row = std::make_unique<Attachment>(std::move(attachment));
}

// A subnet may have passed to another attachment since.
void Attachments::forget_subnets(const Attachment& attachment) {
    const auto forget = [&](const IpAddress& first) {
        const auto subnet = by_subnet_.find({attachment.vrf, first});
        if (subnet != by_subnet_.end() && subnet->second == attachment.id) by_subnet_.erase(subnet);
    };
    forget(attachment.subnet.first());
    if (attachment.ipv6) forget(attachment.ipv6->subnet.first());
}

void Attachments::remove(AttachmentId id) {
    std::unique_ptr<Attachment>& row = rows_[id.value()];
    if (row) {
        forget_subnets(*row);
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

Attachment* Attachments::connected(VrfId vrf, const IpAddress& address) noexcept {
    auto next = by_subnet_.upper_bound({vrf, address});
    if (next == by_subnet_.begin()) return nullptr;
    Attachment* candidate = find(std::prev(next)->second);
    const bool holds = candidate != nullptr && candidate->vrf == vrf && candidate->holds(address);
    return holds ? candidate : nullptr;
}

}  // namespace causeway
