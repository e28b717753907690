// SPDX-License-Identifier: Apache-2.0
#include "dataplane/stages/check_ipv4.h"

#include "dataplane/stages/find_bfd.h"

namespace causeway {
namespace {

// RFC 791 3.1. What only fills up, an end or a no-operation, is no option that anybody drops.
Exit examine_options(std::span<const std::uint8_t> options, IpOptions usual) noexcept {
    Exit exit = Exit::kNone;
    std::size_t at = 0;
    while (at < options.size() && options[at] != 0) {
        const std::uint8_t type = options[at];
        if (type == 1) {
            ++at;
            continue;
        }
        if (usual == IpOptions::kDrop) exit = Exit::kIpOptions;
        if (at + 1 == options.size()) return exit;
        if (type == 131 || type == 137) return Exit::kSourceRoute;  // loose, strict
        if (options[at + 1] == 0) return exit;  // whoever reads on would read it for ever
        at += options[at + 1];
    }
    return exit;
}

// RFC 1858 and RFC 3128: a TCP header that only meets beyond the router, or that a second fragment
// overwrites; and what would make a packet longer than there are.
bool is_bad_fragment(const Ipv4Header& header, std::size_t packet_bytes) noexcept {
    const std::uint16_t part = header.flags_fragment.host();
    const std::size_t offset = (part & Ipv4Header::kOffsetMask) * std::size_t{8};
    if (offset + packet_bytes > 0xffff) return true;
    if (header.protocol != static_cast<std::uint8_t>(IpProtocol::kTcp)) return false;
    const bool is_first = offset == 0 && (part & Ipv4Header::kMoreFragments) != 0;
    return offset == 8 || (is_first && packet_bytes < header.header_bytes() + kTcpHeaderBytes);
}

}  // namespace

Exit CheckIpv4::examine(const PacketMeta& meta, const Tables& tables) noexcept {
    Be16 type;  // right before layer 3, whatever the tags
    std::memcpy(&type, meta.frame - sizeof type, sizeof type);
    switch (static_cast<EtherType>(type.host())) {
        case EtherType::kIpv4:
            break;
        case EtherType::kArp:
            return Exit::kArp;
        case EtherType::kIpv6:
            return Exit::kIpv6;
        default:
            return Exit::kUnknownEtherType;
    }

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
    const AttachmentState& in = tables.attachments[meta.attachment.value()];
    const Exit options = examine_options({meta.frame + sizeof header, header_bytes - sizeof header},
                                         in.ip_options());
    if (options != Exit::kNone) return options;
    if (is_bad_fragment(header, meta.packet_bytes)) return Exit::kBadFragment;
    return header.ttl == kBfdTtl ? find_bfd<Ipv4>(meta, tables) : Exit::kNone;
}

}  // namespace causeway
