// SPDX-License-Identifier: Apache-2.0
#include "dataplane/stages/parse_ethernet.h"

#include <cstring>

#include "base/headers.h"
#include "base/ipv6.h"

namespace causeway {

bool ParseEthernet::is_for_everyone(const PacketMeta& meta) noexcept {
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

}  // namespace causeway
