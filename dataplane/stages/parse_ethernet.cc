// SPDX-License-Identifier: Apache-2.0
#include "dataplane/stages/parse_ethernet.h"

#include <array>
#include <cstring>

#include "base/headers.h"
#include "base/ipv6.h"

namespace causeway {
namespace {

Exit exit_of(TagFault fault) noexcept {
    static constexpr std::array kExitOfFault{
        Exit::kNone,         Exit::kUntagged,  Exit::kPriorityTagged, Exit::kReservedVid,
        Exit::kTripleTagged, Exit::kWrongTpid, Exit::kTruncatedFrame,
    };
    static_assert(kExitOfFault.size() == static_cast<std::size_t>(TagFault::kTruncated) + 1);
    return kExitOfFault[static_cast<std::size_t>(fault)];
}

// Whether a frame that is not sent to us alone is nonetheless for us.
bool is_for_everyone(const PacketMeta& meta) noexcept {
    const auto type = static_cast<EtherType>(meta.ether_type.host());
    MacAddress mac;
    std::memcpy(&mac, meta.frame, sizeof mac);
    if (type == EtherType::kArp) return mac == kBroadcastMac;
    if (type != EtherType::kIpv6) return false;
    if (meta.frame_bytes < meta.header_bytes + sizeof(Ipv6Header)) return false;
    // The group of the packet must be that of the frame: else a multicast would be forwarded.
    Ipv6Header header;
    std::memcpy(&header, meta.frame + meta.header_bytes, sizeof header);
    const Ipv6Address group = header.destination.host();
    return (group == kAllNodes || is_solicited_node_group(group)) && mac == multicast_mac(group);
}

}  // namespace

Exit ParseEthernet::examine(PacketMeta& meta, PortTpids tpids, std::uint64_t mac) noexcept {
    const TagStack stack = parse_any_tags(meta.frame, meta.frame_bytes, tpids);
    meta.outer_tag = stack.outer;
    meta.inner_tag = stack.inner;
    meta.ether_type = stack.ether_type;
    meta.header_bytes = stack.header_bytes;
    if (stack.fault != TagFault::kNone) return exit_of(stack.fault);
    if (mac_word(meta.frame) == mac || is_for_everyone(meta)) return Exit::kNone;
    return Exit::kNotOurMac;
}

}  // namespace causeway
