// SPDX-License-Identifier: Apache-2.0
#include "dataplane/stages/check_ipv6.h"

#include "base/ipv6.h"
#include "dataplane/family.h"

namespace causeway {
namespace {

// Neither a source nor a destination that a wire may see. :: may be the source of who has no
// address yet, so it is judged apart.
bool is_nobody(Ipv6Address address) noexcept {
    return is_loopback(address) || is_ipv4_mapped(address);
}

Exit examine_group(const PacketMeta& meta, Ipv6Address group) noexcept {
    const bool is_ours = group == kAllNodes || is_solicited_node_group(group);
    return is_ours && Ipv6::is_neighbour_discovery(meta) ? Exit::kNeighbourDiscovery
                                                         : Exit::kMartianDestination;
}

// Multicast is not routed here, and which link-local addresses are ours the control thread knows.
Exit examine_destination(const PacketMeta& meta, Ipv6Address destination) noexcept {
    if (is_multicast(destination)) return examine_group(meta, destination);
    if (is_unspecified(destination) || is_nobody(destination)) return Exit::kMartianDestination;
    if (!is_link_local(destination)) return Exit::kNone;
    return Ipv6::is_neighbour_discovery(meta) ? Exit::kNeighbourDiscovery : Exit::kLocal;
}

}  // namespace

Exit CheckIpv6::examine(const PacketMeta& meta) noexcept {
    const Ipv6Header& header = meta.ipv6();
    const int room = meta.frame_bytes - meta.header_bytes;
    if (room < static_cast<int>(sizeof header)) return Exit::kTruncatedFrame;
    if (header.version() != 6) return Exit::kBadIpv6Header;
    if (static_cast<int>(sizeof header) + header.payload_length.host() > room) {
        return Exit::kBadIpv6Length;
    }
    const Ipv6Address source = header.source.host();
    const Ipv6Address destination = header.destination.host();
    // A packet from an address to itself would loop between us and its owner.
    if (is_nobody(source) || is_multicast(source) || source == destination) {
        return Exit::kMartianSource;
    }
    const Exit exit = examine_destination(meta, destination);
    // Only who asks a group whether an address is free has none itself (RFC 4862 5.4.2).
    if (is_unspecified(source) &&
        !(exit == Exit::kNeighbourDiscovery && is_multicast(destination))) {
        return Exit::kMartianSource;
    }
    return exit;
}

}  // namespace causeway
