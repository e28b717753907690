// SPDX-License-Identifier: Apache-2.0
#include "tests/support/slow_walk.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "acl/match.h"
#include "tests/support/slow_bytes.h"

namespace causeway::test {
namespace {

// RFC 5881 4: UDP to port 3784, in one piece; it would begin at `at`, the packet ends at `end`.
bool is_bfd_at(const Frame& packet, unsigned protocol, std::size_t at, std::size_t end) {
    return protocol == 17 && at + 8 <= end && word_at(packet, at + 2) == 3784;
}
bool is_bfd4(const Frame& packet) {
    return (word_at(packet, 6) & 0x3fff) == 0 &&
           is_bfd_at(packet, packet[9], (packet[0] & 15U) * std::size_t{4}, word_at(packet, 2));
}
bool is_bfd6(const Frame& packet) {
    return is_bfd_at(packet, packet[6], 40, 40U + word_at(packet, 4));
}

// RFC 1071, as its first sentence says it.
std::uint16_t ones_complement_sum(const Frame& bytes, std::size_t count) {
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i < count; i += 2) {
        sum += word_at(bytes, i);
        if (sum > 0xffff) sum -= 0xffff;
    }
    return static_cast<std::uint16_t>(sum);
}

bool is_tag_type(std::uint16_t type) {
    return type == 0x8100 || type == 0x88a8;
}

// RFC 1812 5.3.7, RFC 6890, RFC 3927.
bool is_martian(std::uint32_t address) {
    return address < 0x01000000 ||                              // 0/8
           (address >= 0x7f000000 && address < 0x80000000) ||   // 127/8
           (address >= 0xa9fe0000 && address <= 0xa9feffff) ||  // 169.254/16
           address >= 0xe0000000;                               // 224/4, 240/4
}

Ipv6Prefix prefix_of(std::uint64_t high, std::uint64_t low, int length) {
    return Ipv6Prefix::of({high, low}, length);
}
const Ipv6Prefix kUnspecified = prefix_of(0, 0, 128);
const Ipv6Prefix kLoopback = prefix_of(0, 1, 128);
const Ipv6Prefix kMapped = prefix_of(0, 0xffff'0000'0000, 96);
const Ipv6Prefix kLinkLocal = prefix_of(0xfe80'0000'0000'0000, 0, 10);
const Ipv6Prefix kMulticast = prefix_of(0xff00'0000'0000'0000, 0, 8);
const Ipv6Prefix kAllNodesOfLink = prefix_of(0xff02'0000'0000'0000, 1, 128);
const Ipv6Prefix kSolicitedNodes = prefix_of(0xff02'0000'0000'0000, 0x1'ff00'0000, 104);

bool is_discovery_group(Ipv6Address address) {
    return kAllNodesOfLink.contains(address) || kSolicitedNodes.contains(address);
}

// RFC 4861 4 and 7.1: an ICMPv6 message of one of five types that no router has forwarded.
bool is_discovery(const Frame& packet) {
    return packet[6] == 58 && packet[7] == 255 && word_at(packet, 4) >= 8 && packet[40] >= 133 &&
           packet[40] <= 137;
}

// As RFC 791 3.1 lays options out: 0 ends them, 1 is one byte, all others say how long they are.
Exit check_options(const Frame& packet, IpOptions usual) {
    const std::size_t end = (packet[0] & 15U) * std::size_t{4};
    bool has_any = false;
    for (std::size_t at = 20; at < end && packet[at] != 0;) {
        has_any |= packet[at] != 1;
        if (packet[at] != 1 && at + 1 == end) break;
        if (packet[at] == 131 || packet[at] == 137) return Exit::kSourceRoute;
        at += packet[at] == 1 ? 1U : packet[at + 1] == 0 ? end : packet[at + 1];
    }
    return has_any && usual == IpOptions::kDrop ? Exit::kIpOptions : Exit::kNone;
}

// Of `bytes` behind the headers, `offset` bytes into the whole packet.
bool is_bad_fragment(unsigned protocol, std::size_t offset, unsigned more, std::size_t bytes) {
    if (protocol != 6) return false;
    return offset == 8 || (offset == 0 && more != 0 && bytes < 20);
}

// Whether the first fragment of a packet has less of layer 4 than its header (RFC 7112 5).
bool is_layer4_cut(unsigned protocol, std::size_t bytes) {
    if (protocol == 6) return bytes < 20;
    if (protocol == 132) return bytes < 12;
    return (protocol == 17 || protocol == 58) && bytes < 8;
}

bool is_extension6(unsigned protocol) {
    return protocol == 0 || protocol == 43 || protocol == 44 || protocol == 51 || protocol == 60;
}

Exit check_parts6(const Frame& packet, IpOptions options) {
    const std::size_t end = 40U + word_at(packet, 4);
    unsigned protocol = packet[6];
    unsigned more = 0;
    std::size_t at = 40;
    for (int headers = 1; is_extension6(protocol); ++headers) {
        if (headers > 6 || at + 8 > end) return Exit::kBadHeaderChain;
        if (protocol == 0 && options == IpOptions::kDrop) return Exit::kIpOptions;
        if (protocol == 43 && packet[at + 2] == 0) return Exit::kSourceRoute;
        std::size_t length = packet[at + 1] * 8U + 8;
        if (protocol == 44) {
            const unsigned part = word_at(packet, at + 2);
            const std::size_t offset = part / 8 * std::size_t{8};
            const std::size_t bytes = end - at - 8;
            if (offset + bytes > 65'535 || offset == 8 || offset == 16) return Exit::kBadFragment;
            if (is_bad_fragment(packet[at], offset, part & 1, bytes)) return Exit::kBadFragment;
            if (offset != 0) return Exit::kNone;
            more |= part & 1;
            length = 8;
        } else if (protocol == 51) {
            length = packet[at + 1] * 4U + 8;
        }
        if (at + length > end) return Exit::kBadHeaderChain;
        protocol = packet[at];
        at += length;
    }
    return more != 0 && is_layer4_cut(protocol, end - at) ? Exit::kBadHeaderChain : Exit::kNone;
}

bool is_in_any(const std::vector<IpPrefix>& prefixes, const IpAddress& address) {
    return std::ranges::any_of(prefixes, [&](const IpPrefix& prefix) {
        return std::visit(
            [&address]<class P>(const P& each) {
                const auto* const own = std::get_if<typename P::Address>(&address);
                return own != nullptr && each.contains(*own);
            },
            prefix);
    });
}

// RFC 1918, RFC 6598, RFC 4193.
const std::vector<IpPrefix> kPrivate{
    Ipv4Prefix::of(Ipv4Address(0x0a00'0000), 8), Ipv4Prefix::of(Ipv4Address(0xac10'0000), 12),
    Ipv4Prefix::of(Ipv4Address(0xc0a8'0000), 16), Ipv4Prefix::of(Ipv4Address(0x6440'0000), 10),
    prefix_of(0xfc00'0000'0000'0000, 0, 7)};

unsigned traffic_class_of(const Frame& packet) {
    return packet[0] >> 4 == 6 ? word_at(packet, 0) >> 4 & 0xffU : packet[1];
}

void set_dscp(Frame& packet, unsigned dscp) {
    const unsigned after = dscp << 2 | (traffic_class_of(packet) & 3);
    if (packet[0] >> 4 == 6) {
        packet[0] = static_cast<std::uint8_t>(0x60 | after >> 4);
        packet[1] = static_cast<std::uint8_t>((packet[1] & 0x0fU) | (after & 0x0fU) << 4);
        return;
    }
    packet[1] = static_cast<std::uint8_t>(after);
    packet[10] = packet[11] = 0;
    const auto checksum = static_cast<std::uint16_t>(
        ~ones_complement_sum(packet, (packet[0] & 15U) * std::size_t{4}));
    packet[10] = static_cast<std::uint8_t>(checksum >> 8);
    packet[11] = static_cast<std::uint8_t>(checksum);
}

void keep_dscp(Frame& packet, const std::vector<std::uint8_t>& kept) {
    const unsigned dscp = traffic_class_of(packet) >> 2;
    if (!kept.empty() && std::ranges::count(kept, dscp) == 0) set_dscp(packet, 0);
}

Exit check_ipv4(const Frame& packet, IpOptions usual) {
    if (packet.size() < 20) return Exit::kTruncatedFrame;
    const std::size_t header = (packet[0] & 15U) * std::size_t{4};
    const std::size_t total = word_at(packet, 2);
    if (packet[0] >> 4 != 4 || header < 20) return Exit::kBadIpv4Header;
    if (header > packet.size() || total < header || total > packet.size()) {
        return Exit::kBadIpv4Length;
    }
    if (ones_complement_sum(packet, header) != 0xffff) return Exit::kBadIpv4Checksum;
    const std::uint32_t source = address_at(packet, 12);
    const std::uint32_t destination = address_at(packet, 16);
    if (is_martian(source) || source == destination) return Exit::kMartianSource;
    if (is_martian(destination)) return Exit::kMartianDestination;
    const Exit options = check_options(packet, usual);
    if (options != Exit::kNone) return options;
    const unsigned part = word_at(packet, 6);
    const std::size_t offset = (part & 0x1fff) * std::size_t{8};
    if (offset + total > 65'535 ||
        is_bad_fragment(packet[9], offset, part & 0x2000, total - header)) {
        return Exit::kBadFragment;
    }
    return Exit::kNone;
}

Exit check_ipv6(const Frame& packet, IpOptions options) {
    if (packet.size() < 40) return Exit::kTruncatedFrame;
    if (packet[0] >> 4 != 6) return Exit::kBadIpv6Header;
    if (packet.size() < 40U + word_at(packet, 4)) return Exit::kBadIpv6Length;
    const Ipv6Address source = ipv6_at(packet, 8);
    const Ipv6Address destination = ipv6_at(packet, 24);
    if (source == destination || kLoopback.contains(source) || kMapped.contains(source) ||
        kMulticast.contains(source)) {
        return Exit::kMartianSource;
    }
    if (kMulticast.contains(destination) && is_discovery_group(destination) &&
        is_discovery(packet)) {
        return Exit::kNeighbourDiscovery;
    }
    if (kUnspecified.contains(source)) return Exit::kMartianSource;
    for (const Ipv6Prefix& martian : {kUnspecified, kLoopback, kMapped, kMulticast}) {
        if (martian.contains(destination)) return Exit::kMartianDestination;
    }
    if (!kLinkLocal.contains(destination)) return check_parts6(packet, options);
    return is_discovery(packet) ? Exit::kNeighbourDiscovery : Exit::kLocal;
}

// Protocol and offset of the transport header, as far as one can see.
std::pair<unsigned, std::size_t> transport_of(const Frame& packet) {
    unsigned protocol = packet[6];
    std::size_t at = 40;
    const std::size_t end = 40U + word_at(packet, 4);
    for (int headers = 0; headers < 5 && at + 8 <= end; ++headers) {
        std::size_t length = 0;
        if (protocol == 0 || protocol == 43 || protocol == 60) length = packet[at + 1] * 8U + 8;
        if (protocol == 51) length = packet[at + 1] * 4U + 8;
        if (protocol == 44 && (word_at(packet, at + 2) & 0xfff9) == 0) length = 8;
        if (length == 0 || at + length > end) break;
        protocol = packet[at];
        at += length;
    }
    return {protocol, at};
}

}  // namespace

SlowWalk::Tags SlowWalk::read_tags(const Frame& frame, PortTpids tpids) {
    Tags tags;
    const auto end = [&tags](Exit exit) {
        tags.exit = exit;
        return tags;
    };
    for (std::size_t at = 12;; at += 4) {
        if (frame.size() < at + 2) return end(Exit::kTruncatedFrame);
        tags.ether_type = word_at(frame, at);
        tags.header_bytes = at + 2;
        if (!is_tag_type(tags.ether_type)) break;
        if (tags.vids.size() == 2) return end(Exit::kTripleTagged);
        if (frame.size() < at + 6) return end(Exit::kTruncatedFrame);
        const Tpid wanted = tags.vids.empty() ? tpids.outer : tpids.inner;
        if (tags.ether_type != static_cast<std::uint16_t>(wanted)) return end(Exit::kWrongTpid);
        tags.vids.push_back(word_at(frame, at + 2) & 0xfff);
        if (tags.vids.back() == 0) return end(Exit::kPriorityTagged);
        if (tags.vids.back() == 4095) return end(Exit::kReservedVid);
    }
    return end(tags.vids.empty() ? Exit::kUntagged : Exit::kNone);
}

const SlowRoute* SlowWalk::longest_match(VrfId vrf, const IpAddress& destination) const {
    const auto covers = [&destination]<class Prefix>(const Prefix& prefix) {
        const auto* address = std::get_if<typename Prefix::Address>(&destination);
        return address != nullptr && prefix.contains(*address);
    };
    const auto length = [](const IpPrefix& prefix) {
        return std::visit([](const auto& each) { return each.length(); }, prefix);
    };
    const SlowRoute* best = nullptr;
    for (const SlowRoute& route : routes) {
        if (route.vrf != vrf || !std::visit(covers, route.prefix)) continue;
        if (best == nullptr || length(route.prefix) > length(best->prefix)) best = &route;
    }
    return best;
}

Exit SlowWalk::send(const SlowRoute& route, const Frame& packet, unsigned ttl,
                    SlowFate& fate) const {
    for (const SlowHop& hop : route.hops) {
        if (!hop.is_alive) continue;
        if (ttl <= 1) return Exit::kTtlExpired;
        if (packet.size() > hop.mtu) return Exit::kTooBig;
        Frame sent = hop.header;
        Frame kept = packet;
        keep_dscp(kept, attachment(fate.row).kept_dscps);
        keep_dscp(kept, attachment(hop.attachment).kept_dscps);
        sent.insert(sent.end(), kept.begin(), kept.end());
        fate.ways.push_back({hop.attachment, hop.port, std::move(sent)});
    }
    return fate.ways.empty() ? Exit::kNextHopDown : Exit::kNone;
}

const SlowAttachment& SlowWalk::attachment(AttachmentId id) const {
    return *std::ranges::find(attachments, id, &SlowAttachment::id);
}

Exit SlowWalk::check_source(const SlowAttachment& in, const IpAddress& source,
                            const IpAddress& destination) const {
    if (in.source_check == SourceCheck::kOff) return Exit::kNone;
    for (const IpPrefix& own : in.link) {
        if (is_in_any({own}, source) && is_in_any({own}, destination)) return Exit::kNone;
    }
    if (in.source_check == SourceCheck::kAdvertised) {
        if (is_in_any(kPrivate, source)) return Exit::kPrivateSource;
        return is_in_any(in.advertised, source) ? Exit::kNone : Exit::kSourceNotAdvertised;
    }
    const SlowRoute* const back = longest_match(in.vrf, source);
    if (back == nullptr) return Exit::kReversePath;
    if (back->exit == Exit::kUnresolved) return Exit::kNone;
    if (back->exit != Exit::kNone) return Exit::kReversePath;
    bool is_any_alive = false;
    for (const SlowHop& hop : back->hops) {
        if (!hop.is_alive) continue;
        is_any_alive = true;
        if (in.source_check == SourceCheck::kLoose) return Exit::kNone;
        if (attachment(hop.attachment).peering == in.peering) return Exit::kNone;
    }
    return is_any_alive ? Exit::kReversePath : Exit::kNone;
}

NameSetBits SlowWalk::names_of(const IpAddress& address, const AclPacket& packet) const {
    const auto known = learned.find(address);
    if (known == learned.end()) return 0;
    // What began in time goes on: of TCP, all but a client's first segment (RFC 9293 3.5).
    const bool goes_on = packet.protocol == 6 && (packet.tcp_flags.value_or(0) & 0x12) != 0x02;
    return goes_on ? known->second.ever() : known->second.now();
}

// acl/match.h is slow enough to be its own twin.
SlowWalk::Ruling SlowWalk::filter(const Acl* acl, Frame& packet) const {
    if (acl == nullptr) return {};
    AclPacket seen = read_acl_packet(packet).value();
    seen.source_names = names_of(seen.source, seen);
    seen.destination_names = names_of(seen.destination, seen);
    const AclAction action = explain(*acl, sets, seen).action;
    if (action.verdict == AclVerdict::kDeny) return {.exit = Exit::kAclDenied};
    if (action.verdict == AclVerdict::kDenyAndExplain) return {.exit = Exit::kAclProhibited};
    if (action.mark_dscp) set_dscp(packet, *action.mark_dscp);
    if (action.steer.empty()) return {};
    return {.target = &targets.at(action.steer)};
}

Exit SlowWalk::filter_out(const SlowRoute& route, Frame& packet) const {
    for (const SlowHop& hop : route.hops) {
        if (hop.is_alive) return filter(attachment(hop.attachment).filter_out, packet).exit;
    }
    return Exit::kNone;
}

const SlowRoute* SlowWalk::steered(const SlowRoute* route, const SlowTarget* target,
                                   SlowRoute SlowTarget::*family) {
    if (target == nullptr) return route;
    const SlowRoute& other = target->*family;
    return other.hops.empty() && other.exit == Exit::kNone ? route : &other;
}

Exit SlowWalk::walk_ipv4(const SlowAttachment& in, Frame& packet, SlowFate& fate) const {
    if (const Exit exit = check_ipv4(packet, in.ip_options); exit != Exit::kNone) return exit;
    const Ipv4Address destination = ipv4_at(packet, 16);
    const SlowRoute* route = longest_match(in.vrf, destination);
    const bool is_bfd = is_bfd4(packet);
    if (is_bfd && packet[8] == 255 && route != nullptr && route->exit == Exit::kLocal) {
        return Exit::kBfd;
    }
    const Exit source = check_source(in, ipv4_at(packet, 12), destination);
    if (source != Exit::kNone) return source;
    const Ruling ruling = filter(in.filter_in, packet);
    if (ruling.exit != Exit::kNone) return ruling.exit;
    route = steered(route, ruling.target, &SlowTarget::ipv4);
    if (route == nullptr) return Exit::kNoRoute;
    if (route->exit == Exit::kLocal && is_bfd) return Exit::kBfdWrongTtl;
    if (route->exit != Exit::kNone) return route->exit;
    if (const Exit exit = filter_out(*route, packet); exit != Exit::kNone) return exit;

    Frame sent(packet.begin(), packet.begin() + word_at(packet, 2));
    --sent[8];
    sent[10] = sent[11] = 0;
    const std::size_t header = (sent[0] & 15U) * std::size_t{4};
    const auto checksum = static_cast<std::uint16_t>(~ones_complement_sum(sent, header));
    sent[10] = static_cast<std::uint8_t>(checksum >> 8);
    sent[11] = static_cast<std::uint8_t>(checksum);
    return send(*route, sent, packet[8], fate);
}

Exit SlowWalk::walk_ipv6(const SlowAttachment& in, Frame& packet, SlowFate& fate) const {
    if (!in.has_ipv6) return Exit::kNoIpv6;
    if (const Exit exit = check_ipv6(packet, in.ip_options); exit != Exit::kNone) return exit;
    const Ipv6Address destination = ipv6_at(packet, 24);
    const SlowRoute* route = longest_match(in.vrf, destination);
    const bool is_bfd = is_bfd6(packet);
    if (is_bfd && packet[7] == 255 && route != nullptr && route->exit == Exit::kLocal) {
        return Exit::kBfd;
    }
    const Exit source = check_source(in, ipv6_at(packet, 8), destination);
    if (source != Exit::kNone) return source;
    const Ruling ruling = filter(in.filter_in, packet);
    if (ruling.exit != Exit::kNone) return ruling.exit;
    route = steered(route, ruling.target, &SlowTarget::ipv6);
    if (route != nullptr && route->exit == Exit::kLocal) {
        if (is_bfd) return Exit::kBfdWrongTtl;
        return is_discovery(packet) ? Exit::kNeighbourDiscovery : Exit::kLocal;
    }
    if (kLinkLocal.contains(ipv6_at(packet, 8))) return Exit::kMartianSource;
    if (route == nullptr) return Exit::kNoRoute;
    if (route->exit != Exit::kNone) return route->exit;
    if (const Exit exit = filter_out(*route, packet); exit != Exit::kNone) return exit;

    Frame sent(packet.begin(), packet.begin() + 40 + word_at(packet, 4));
    --sent[7];
    return send(*route, sent, packet[7], fate);
}

bool SlowWalk::is_for_us(const Frame& frame, const Tags& tags) const {
    if (std::equal(mac.bytes.begin(), mac.bytes.end(), frame.begin())) return true;
    if (tags.ether_type == 0x0806) {
        return std::all_of(frame.begin(), frame.begin() + 6,
                           [](auto byte) { return byte == 0xff; });
    }
    // RFC 2464 7: 33:33 and the last four bytes of the group.
    if (tags.ether_type != 0x86dd || frame.size() < tags.header_bytes + 40) return false;
    return is_discovery_group(ipv6_at(frame, tags.header_bytes + 24)) &&
           word_at(frame, 0) == 0x3333 &&
           address_at(frame, 2) == address_at(frame, tags.header_bytes + 36);
}

SlowFate SlowWalk::walk(PortId port, const Frame& frame) const {
    SlowFate fate;
    fate.row = AttachmentId(port.value());
    fate.left = frame;
    const auto end = [&fate](Exit exit) {
        fate.exit = exit;
        return fate;
    };
    const Tags tags = read_tags(frame, tpids[port.value()]);
    if (tags.exit != Exit::kNone) return end(tags.exit);
    if (!is_for_us(frame, tags)) return end(Exit::kNotOurMac);

    const auto owner = std::ranges::find_if(attachments, [&](const SlowAttachment& candidate) {
        return candidate.port == port && candidate.outer == tags.vids[0] &&
               candidate.inner == (tags.vids.size() == 2 ? tags.vids[1] : 0);
    });
    if (owner == attachments.end()) return end(Exit::kUnknownTags);
    fate.row = owner->id;
    fate.vrf = owner->vrf;
    fate.header_bytes = static_cast<std::uint8_t>(tags.header_bytes);
    if (owner->closed != Exit::kNone) return end(owner->closed);

    const auto layer3 = static_cast<std::ptrdiff_t>(tags.header_bytes);
    Frame packet(frame.begin() + layer3, frame.end());
    if (tags.ether_type == 0x0806) return end(Exit::kArp);
    if (tags.ether_type == 0x0800) {
        fate.exit = walk_ipv4(*owner, packet, fate);
    } else if (tags.ether_type == 0x86dd) {
        fate.exit = walk_ipv6(*owner, packet, fate);
    } else {
        return end(Exit::kUnknownEtherType);
    }
    std::ranges::copy(packet, fate.left.begin() + layer3);
    return fate;
}

SlowFlow SlowWalk::flow_of(const Frame& frame, std::size_t header_bytes) {
    const bool is_ipv6 = word_at(frame, header_bytes - 2) == 0x86dd;
    Frame packet(frame.begin() + static_cast<std::ptrdiff_t>(header_bytes), frame.end());
    unsigned protocol = 0;
    std::size_t ports_at = 0;
    bool has_ports = true;
    if (is_ipv6) {
        std::tie(protocol, ports_at) = transport_of(packet);
        has_ports = ports_at + 4 <= 40U + word_at(packet, 4);
    } else {
        packet.resize(packet.size() + 4);
        protocol = packet[9];
        ports_at = (packet[0] & 15U) * std::size_t{4};
        has_ports = (word_at(packet, 6) & 0x3fff) == 0;
    }
    unsigned ports[2] = {0, 0};
    if ((protocol == 6 || protocol == 17) && has_ports) {
        ports[0] = word_at(packet, ports_at);
        ports[1] = word_at(packet, ports_at + 2);
    }
    const auto address = [&](std::size_t ipv4_offset, std::size_t ipv6_offset) -> IpAddress {
        if (is_ipv6) return ipv6_at(packet, ipv6_offset);
        return ipv4_at(packet, ipv4_offset);
    };
    const auto [low, high] = std::minmax({address(12, 8), address(16, 24)});
    const auto [low_port, high_port] = std::minmax({ports[0], ports[1]});
    return {is_ipv6 ? 0x86dd : 0x0800, protocol, low, high, low_port, high_port};
}

}  // namespace causeway::test
