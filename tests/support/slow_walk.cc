// SPDX-License-Identifier: Apache-2.0
#include "tests/support/slow_walk.h"

#include <algorithm>

namespace causeway::test {
namespace {

std::uint16_t word_at(const Frame& bytes, std::size_t offset) {
    return static_cast<std::uint16_t>(bytes.at(offset) << 8 | bytes.at(offset + 1));
}

std::uint32_t address_at(const Frame& bytes, std::size_t offset) {
    return std::uint32_t{word_at(bytes, offset)} << 16 | word_at(bytes, offset + 2);
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

Exit SlowWalk::check_ipv4(const Frame& packet) {
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
    return Exit::kNone;
}

const SlowRoute* SlowWalk::longest_match(VrfId vrf, Ipv4Address destination) const {
    const SlowRoute* best = nullptr;
    for (const SlowRoute& route : routes) {
        if (route.vrf != vrf || !route.prefix.contains(destination)) continue;
        if (best == nullptr || route.prefix.length() > best->prefix.length()) best = &route;
    }
    return best;
}

void SlowWalk::send(const SlowRoute& route, const Frame& packet, SlowFate& fate) const {
    fate.exit = Exit::kNextHopDown;
    for (const SlowHop& hop : route.hops) {
        if (!hop.is_alive) continue;
        const std::size_t total = word_at(packet, 2);
        fate.exit = packet[8] <= 1 ? Exit::kTtlExpired : Exit::kNone;
        if (fate.exit == Exit::kNone && total > hop.mtu) fate.exit = Exit::kTooBig;
        if (fate.exit != Exit::kNone) return;

        Frame sent(packet.begin(), packet.begin() + static_cast<std::ptrdiff_t>(total));
        --sent[8];
        sent[10] = sent[11] = 0;
        const std::size_t header = (sent[0] & 15U) * std::size_t{4};
        const auto checksum = static_cast<std::uint16_t>(~ones_complement_sum(sent, header));
        sent[10] = static_cast<std::uint8_t>(checksum >> 8);
        sent[11] = static_cast<std::uint8_t>(checksum);
        sent.insert(sent.begin(), hop.header.begin(), hop.header.end());
        fate.ways.push_back({hop.attachment, hop.port, std::move(sent)});
    }
}

SlowFate SlowWalk::walk(PortId port, const Frame& frame) const {
    SlowFate fate;
    fate.row = AttachmentId(port.value());
    const auto end = [&fate](Exit exit) {
        fate.exit = exit;
        return fate;
    };
    const Tags tags = read_tags(frame, tpids[port.value()]);
    if (tags.exit != Exit::kNone) return end(tags.exit);
    const bool is_arp = tags.ether_type == 0x0806;
    const bool is_ours = std::equal(mac.bytes.begin(), mac.bytes.end(), frame.begin());
    const bool is_broadcast =
        std::all_of(frame.begin(), frame.begin() + 6, [](auto byte) { return byte == 0xff; });
    if (!is_ours && !(is_broadcast && is_arp)) return end(Exit::kNotOurMac);

    const auto owner = std::ranges::find_if(attachments, [&](const SlowAttachment& candidate) {
        return candidate.port == port && candidate.outer == tags.vids[0] &&
               candidate.inner == (tags.vids.size() == 2 ? tags.vids[1] : 0);
    });
    if (owner == attachments.end()) return end(Exit::kUnknownTags);
    fate.row = owner->id;
    fate.vrf = owner->vrf;
    fate.header_bytes = static_cast<std::uint8_t>(tags.header_bytes);
    if (owner->closed != Exit::kNone) return end(owner->closed);

    if (is_arp) return end(Exit::kArp);
    if (tags.ether_type != 0x0800) return end(Exit::kUnknownEtherType);
    const Frame packet(frame.begin() + static_cast<std::ptrdiff_t>(tags.header_bytes), frame.end());
    if (const Exit exit = check_ipv4(packet); exit != Exit::kNone) return end(exit);
    const SlowRoute* route = longest_match(owner->vrf, Ipv4Address(address_at(packet, 16)));
    if (route == nullptr) return end(Exit::kNoRoute);
    if (route->exit != Exit::kNone) return end(route->exit);
    send(*route, packet, fate);
    return fate;
}

SlowFlow SlowWalk::flow_of(const Frame& frame, std::size_t header_bytes) {
    Frame packet(frame.begin() + static_cast<std::ptrdiff_t>(header_bytes), frame.end());
    packet.resize(packet.size() + 4);
    const std::uint8_t protocol = packet[9];
    const std::size_t header = (packet[0] & 15U) * std::size_t{4};
    const bool is_fragment = (word_at(packet, 6) & 0x3fff) != 0;
    unsigned ports[2] = {0, 0};
    if ((protocol == 6 || protocol == 17) && !is_fragment) {
        ports[0] = word_at(packet, header);
        ports[1] = word_at(packet, header + 2);
    }
    const auto [low, high] = std::minmax({address_at(packet, 12), address_at(packet, 16)});
    const auto [low_port, high_port] = std::minmax({ports[0], ports[1]});
    return {protocol, low, high, low_port, high_port};
}

}  // namespace causeway::test
