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
bool is_for_everyone(const PacketMeta& meta, const MacAddress& mac, const TagStack& tags) noexcept {
    const auto type = static_cast<EtherType>(tags.ether_type.host());
    if (type == EtherType::kArp) return mac == kBroadcastMac;
    if (type != EtherType::kIpv6) return false;
    if (meta.frame_bytes < tags.header_bytes + sizeof(Ipv6Header)) return false;
    // The group of the packet must be that of the frame: else a multicast would be forwarded.
    Ipv6Header header;
    std::memcpy(&header, meta.frame + tags.header_bytes, sizeof header);
    const Ipv6Address group = header.destination.host();
    return (group == kAllNodes || is_solicited_node_group(group)) && mac == multicast_mac(group);
}

}  // namespace

ParseEthernet::Parsed ParseEthernet::examine(const PacketMeta& meta,
                                             const FramePattern& port) noexcept {
    const TagStack tags = parse_any_tags(meta.frame, meta.frame_bytes, port.tpids());
    MacAddress mac;
    std::memcpy(&mac, meta.frame, sizeof mac);
    const bool is_for_us = mac == port.mac() || is_for_everyone(meta, mac, tags);
    return {.outer_tag = tags.outer,
            .inner_tag = tags.inner,
            .header_bytes = tags.header_bytes,
            .exit = tags.fault != TagFault::kNone ? exit_of(tags.fault)
                    : is_for_us                   ? Exit::kNone
                                                  : Exit::kNotOurMac};
}

}  // namespace causeway
