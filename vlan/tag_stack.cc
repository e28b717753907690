// SPDX-License-Identifier: Apache-2.0
#include "vlan/tag_stack.h"

namespace causeway {
namespace {

constexpr std::size_t kTypeOffset = 12;  // after the two MAC addresses

TagFault fault_of_vid(std::uint16_t vid) noexcept {
    if (vid == 0) return TagFault::kPriorityTagged;
    if (vid == 4095) return TagFault::kReservedVid;
    return TagFault::kNone;
}

bool is_type(Be16 type, Tpid tpid) noexcept {
    return type == Be16(static_cast<std::uint16_t>(tpid));
}

}  // namespace

TagFault fault_of_vids(std::uint16_t outer, std::uint16_t inner) noexcept {
    const TagFault fault = fault_of_vid(outer);
    if (fault != TagFault::kNone || inner == 0) return fault;  // single-tagged
    return fault_of_vid(inner);
}

TagStack parse_any_tags(const std::uint8_t* frame, std::size_t bytes, PortTpids tpids) noexcept {
    TagStack stack;
    const auto fail = [&stack](TagFault fault) {
        stack.fault = fault;
        return stack;
    };
    const auto type_at = [frame](std::size_t offset) {
        Be16 type;
        std::memcpy(&type, frame + offset, sizeof type);
        return type;
    };
    const auto vid_at = [frame](std::size_t offset) {
        Be16 tci;
        std::memcpy(&tci, frame + offset, sizeof tci);
        return static_cast<std::uint16_t>(tci.host() & 0xfffU);
    };

    if (bytes < kTypeOffset + 2) return fail(TagFault::kTruncated);
    if (!is_tpid(type_at(kTypeOffset))) return fail(TagFault::kUntagged);
    if (bytes < kTypeOffset + 6) return fail(TagFault::kTruncated);
    if (!is_type(type_at(kTypeOffset), tpids.outer)) return fail(TagFault::kWrongTpid);
    stack.outer = vid_at(kTypeOffset + 2);
    if (const TagFault fault = fault_of_vid(stack.outer); fault != TagFault::kNone) {
        return fail(fault);
    }
    stack.ether_type = type_at(kTypeOffset + 4);
    stack.header_bytes = kTypeOffset + 6;
    if (!is_tpid(stack.ether_type)) return stack;

    if (bytes < kTypeOffset + 10) return fail(TagFault::kTruncated);
    if (!is_type(stack.ether_type, tpids.inner)) return fail(TagFault::kWrongTpid);
    stack.inner = vid_at(kTypeOffset + 6);
    if (const TagFault fault = fault_of_vid(stack.inner); fault != TagFault::kNone) {
        return fail(fault);
    }
    stack.ether_type = type_at(kTypeOffset + 8);
    stack.header_bytes = kTypeOffset + 10;
    if (is_tpid(stack.ether_type)) return fail(TagFault::kTripleTagged);
    return stack;
}

}  // namespace causeway
