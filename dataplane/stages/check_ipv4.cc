// SPDX-License-Identifier: Apache-2.0
#include "dataplane/stages/check_ipv4.h"

namespace causeway {

Exit CheckIpv4::examine(const PacketMeta& meta) noexcept {
    if (meta.ether_type == Be16(static_cast<std::uint16_t>(EtherType::kArp))) return Exit::kArp;
    if (meta.ether_type == Be16(static_cast<std::uint16_t>(EtherType::kIpv6))) return Exit::kIpv6;
    if (meta.ether_type != kIpv4) return Exit::kUnknownEtherType;

    const Ipv4Header& header = meta.ipv4();
    const int room = meta.frame_bytes - meta.header_bytes;
    if (room < static_cast<int>(sizeof(Ipv4Header))) return Exit::kTruncatedFrame;
    const std::size_t header_bytes = header.header_bytes();
    if (header.version_ihl >> 4 != 4 || header_bytes < sizeof(Ipv4Header)) {
        return Exit::kBadIpv4Header;
    }
    if (header_bytes > static_cast<std::size_t>(room) || meta.packet_bytes < header_bytes ||
        meta.packet_bytes > room) {
        return Exit::kBadIpv4Length;
    }
    if (checksum_fold(checksum_sum({meta.frame, header_bytes})) != 0xffff) {
        return Exit::kBadIpv4Checksum;
    }
    const Ipv4Address source(header.source.host());
    const Ipv4Address destination(header.destination.host());
    // A packet from an address to itself would loop between us and its owner.
    if (MartianTable::is_martian(source) || source == destination) return Exit::kMartianSource;
    if (MartianTable::is_martian(destination)) return Exit::kMartianDestination;
    return Exit::kNone;
}

}  // namespace causeway
