// SPDX-License-Identifier: Apache-2.0
#include "dataplane/stages/check_ipv6.h"

#include <cstddef>
#include <cstring>
#include <span>

#include "acl/packet_view.h"
#include "base/ipv6.h"
#include "dataplane/family.h"
#include "dataplane/stages/find_bfd.h"

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

// RFC 7112 5: the first fragment has all headers. A later one that begins within a TCP header, be
// there eight bytes of options before it, would overwrite what the first one said (RFC 3128, of
// IPv4); what it says of the next header nobody reads (RFC 8200 4.5).
bool is_bad_fragment(std::span<const std::uint8_t> at) noexcept {
    Ipv6FragmentHeader header;
    std::memcpy(&header, at.data(), sizeof header);
    const std::uint16_t part = header.offset_more.host();
    const std::size_t offset = part & 0xfff8U;
    const std::size_t bytes = at.size() - sizeof header;
    if (offset + bytes > 0xffff) return true;
    constexpr std::size_t kFlagsEnd = 8 + 14;  // of the options, and into TCP's header
    if (offset != 0) return offset < kFlagsEnd;
    const bool is_first = (part & Ipv6FragmentHeader::kMoreFragments) != 0;
    return is_first && header.next_header == static_cast<std::uint8_t>(IpProtocol::kTcp) &&
           bytes < kTcpHeaderBytes;
}

// The shortest header of a protocol that rules look into; of others nothing is known.
std::size_t layer4_bytes_min(std::uint8_t protocol) noexcept {
    constexpr std::size_t kSctpHeaderBytes = 12;  // RFC 9260 3.1
    switch (protocol) {
        case static_cast<std::uint8_t>(IpProtocol::kTcp):
            return kTcpHeaderBytes;
        case static_cast<std::uint8_t>(IpProtocol::kUdp):
            return sizeof(UdpHeader);
        case static_cast<std::uint8_t>(IpProtocol::kIcmpv6):
            return sizeof(Icmpv6Header);
        case kProtocolSctp:
            return kSctpHeaderBytes;
        default:
            return 0;
    }
}

// The headers before layer 4, as far as a fragment shows them. Whoever hides layer 4 behind them
// would dodge all rules that look into it.
Exit examine_extensions(std::span<const std::uint8_t> packet, IpOptions options) noexcept {
    std::uint8_t protocol = packet[offsetof(Ipv6Header, next_header)];
    auto rest = packet.subspan(sizeof(Ipv6Header));
    bool is_first_fragment = false;
    for (int passed = 0; CheckIpv6::kIsExtension[protocol]; ++passed) {
        if (passed == kAclExtensionHeadersMax || rest.size() < 8) return Exit::kBadHeaderChain;
        std::size_t bytes = (rest[1] + std::size_t{1}) * 8;
        switch (static_cast<IpProtocol>(protocol)) {
            case IpProtocol::kHopByHopOptions:
                if (options == IpOptions::kDrop) return Exit::kIpOptions;
                break;
            case IpProtocol::kRouting:
                if (rest[2] == 0) return Exit::kSourceRoute;
                break;
            case IpProtocol::kAuthentication:
                bytes = (rest[1] + std::size_t{2}) * 4;
                break;
            case IpProtocol::kFragment:
                if (is_bad_fragment(rest)) return Exit::kBadFragment;
                if ((rest[2] | (rest[3] & 0xf8)) != 0) return Exit::kNone;  // no header follows
                is_first_fragment |= (rest[3] & Ipv6FragmentHeader::kMoreFragments) != 0;
                bytes = sizeof(Ipv6FragmentHeader);
                break;
            default:
                break;
        }
        if (rest.size() < bytes) return Exit::kBadHeaderChain;
        protocol = rest[0];
        rest = rest.subspan(bytes);
    }
    // What a whole packet lacks of layer 4, nobody can add.
    const bool is_cut = is_first_fragment && rest.size() < layer4_bytes_min(protocol);
    return is_cut ? Exit::kBadHeaderChain : Exit::kNone;
}

Exit examine_addresses(const PacketMeta& meta) noexcept {
    const Ipv6Header& header = meta.ipv6();
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

}  // namespace

Exit CheckIpv6::examine(const PacketMeta& meta, const Tables& tables) noexcept {
    const Ipv6Header& header = meta.ipv6();
    const int room = meta.frame_bytes - meta.header_bytes;
    if (room < static_cast<int>(sizeof header)) return Exit::kTruncatedFrame;
    if (header.version() != 6) return Exit::kBadIpv6Header;
    if (static_cast<int>(sizeof header) + header.payload_length.host() > room) {
        return Exit::kBadIpv6Length;
    }
    Exit exit = examine_addresses(meta);
    if (exit != Exit::kNone) return exit;
    const AttachmentState& in = tables.attachments[meta.attachment.value()];
    exit = examine_extensions({meta.frame, meta.packet_bytes}, in.ip_options());
    if (exit != Exit::kNone || header.hop_limit != kBfdTtl) return exit;
    return find_bfd<Ipv6>(meta, tables);
}

}  // namespace causeway
