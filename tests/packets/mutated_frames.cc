// SPDX-License-Identifier: Apache-2.0
#include "tests/packets/mutated_frames.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>

#include "base/ipv6.h"
#include "tests/packets/world.h"
#include "tests/support/frame_builder.h"

namespace causeway::test {
namespace {

constexpr std::array<const char*, 21> kDestinations{
    "10.1.0.10",       "10.1.77.3",   "10.2.0.10",   "10.2.200.9", "10.3.0.1",    "10.4.0.1",
    "10.5.0.1",        "10.6.0.1",    "10.7.0.1",    "10.8.0.1",   "192.168.0.2", "192.168.0.6",
    "10.9.0.9",        "203.0.113.9", "224.0.0.5",   "127.0.0.1",  "192.168.0.1", "10.2.0.254",
    "255.255.255.255", "169.254.1.1", "198.51.100.7"};

constexpr std::array<const char*, 24> kIpv6Destinations{"2001:db8:1::10",
                                                        "2001:db8:1:77::3",
                                                        "2001:db8:2::10",
                                                        "2001:db8:2:200::9",
                                                        "2001:db8:3::1",
                                                        "2001:db8:4::1",
                                                        "2001:db8:5::1",
                                                        "2001:db8:6::1",
                                                        "2001:db8:7::1",
                                                        "2001:db8:8::1",
                                                        "2001:db8::2",
                                                        "2001:db8::6",
                                                        "2001:db8:9::9",
                                                        "2600::9",
                                                        "ff02::1",
                                                        "ff02::1:ff00:2",
                                                        "ff02::2",
                                                        "::1",
                                                        "::",
                                                        "2001:db8::1",
                                                        "2001:db8:2::254",
                                                        "fe80::1",
                                                        "::ffff:192.168.0.2",
                                                        "fdff::1"};

std::array<std::vector<FrameBuilder>, 3> tags_by_port() {
    return {{
        {frame().tags(10, 100), frame().tags(20, 100), frame().tags(21, 100), frame().tags(22, 100),
         frame().tags(23, 100), frame().tags(24, 100), frame().tag(0x8100, 30),
         frame().tags(40, 100), frame().tags(41, 100), frame().tags(42, 100), frame(),
         frame().tags(10, 4095), frame().tags(10, 100).tag(0x8100, 1)},
        {frame().tag(0x88a8, 10).tag(0x8100, 100), frame().tag(0x8100, 0)},
        {frame().tag(0x8100, 300), frame().tag(0x8100, 301), frame().tags(500, 501)},
    }};
}

std::vector<FrameBuilder> packets_of(const FrameBuilder& tags, const char* destination) {
    const auto packet = [&] { return FrameBuilder(tags).ipv4("10.1.0.10", destination); };
    return {
        packet().udp(4'000, 53),
        packet().tcp(50'000, 443).payload(30).pad_to(100),
        packet().tcp(50'000, 22),
        packet().tcp(50'000, 23),
        packet().tcp(50'000, 443).fragment(8, 0).payload(64),
        packet().echo_request(1, 2).payload(32),
        packet().udp(4'000, 53).ttl(1),
        packet().udp(50'000, 3'784).ttl(255).payload(24),
        packet().udp(50'000, 3'784).ttl(254).payload(24),
        packet().udp(4'000, 53).payload(1'380),
        packet().udp(4'000, 53).payload(1'380).dont_fragment(),
        packet().udp(4'000, 53).options(12),
        packet().udp(4'000, 53).fragment(64, Ipv4Header::kMoreFragments).payload(64),
    };
}

FrameBuilder with_options(FrameBuilder packet, int headers) {
    for (; headers > 0; --headers) packet.extension(IpProtocol::kDestinationOptions);
    return packet;
}

std::vector<FrameBuilder> ipv6_packets_of(const FrameBuilder& tags, const char* destination) {
    const auto packet = [&] { return FrameBuilder(tags).ipv6("2001:db8:1::10", destination); };
    return {
        packet().udp(4'000, 53),
        packet().tcp(50'000, 443).payload(30).pad_to(140),
        packet().tcp(50'000, 22),
        packet().tcp(50'000, 23),
        packet().tcp(50'000, 443).fragment(8, 0).payload(64),
        packet().icmpv6(Icmpv6Type::kEchoRequest, 32),
        packet().udp(4'000, 53).ttl(1),
        packet().udp(50'000, 3'784).ttl(255).payload(24),
        packet().udp(50'000, 3'784).ttl(254).payload(24),
        packet().udp(4'000, 53).payload(1'380),
        packet().udp(4'000, 53).extension(IpProtocol::kHopByHopOptions),
        packet()
            .tcp(4'000, 53)
            .extension(IpProtocol::kRouting, 24)
            .extension(IpProtocol::kDestinationOptions, 16),
        packet().udp(4'000, 53).fragment(64, Ipv4Header::kMoreFragments).payload(64),
        packet().udp(4'000, 53).fragment(0, 0).extension(IpProtocol::kAuthentication, 24),
        with_options(packet().tcp(50'000, 22), 6),
        with_options(packet().tcp(50'000, 22), 7),
        packet().udp(4'000, 53).fragment(16, Ipv4Header::kMoreFragments).payload(64),
        with_options(packet().tcp(50'000, 22).fragment(0, Ipv4Header::kMoreFragments), 2),
        packet().neighbour_discovery(Icmpv6Type::kNeighbourSolicitation, "2001:db8::2"),
    };
}

}  // namespace

FrameMaker::FrameMaker(SeededRandom& random) : random_(random) {
    const auto tags = tags_by_port();
    for (std::size_t port = 0; port < tags.size(); ++port) {
        for (const FrameBuilder& each : tags[port]) {
            add_good_ipv4(good_[port], each);
            add_good_ipv6(good_[port], each);
        }
    }
}

void FrameMaker::add_good_ipv4(std::vector<Frame>& frames, const FrameBuilder& tags) {
    for (const char* destination : kDestinations) {
        for (const FrameBuilder& packet : packets_of(tags, destination)) {
            frames.push_back(packet.bytes());
        }
    }
    for (const ArpOperation operation : {ArpOperation::kRequest, ArpOperation::kReply}) {
        for (const char* sender : {"192.168.0.1", "192.168.0.5", "0.0.0.0", "192.168.0.2"}) {
            frames.push_back(FrameBuilder(tags)
                                 .to(kBroadcastMac)
                                 .arp(operation, kCustomerMac, sender, "192.168.0.2")
                                 .bytes());
        }
    }
}

void FrameMaker::add_good_ipv6(std::vector<Frame>& frames, const FrameBuilder& tags) {
    for (const char* destination : kIpv6Destinations) {
        for (const FrameBuilder& packet : ipv6_packets_of(tags, destination)) {
            frames.push_back(packet.bytes());
        }
    }
    for (const char* source : {"2001:db8::1", "2001:db8::5", "fe80::1", "::"}) {
        for (const char* group : {"ff02::1", "ff02::1:ff00:2", "ff02::1:ff00:6"}) {
            for (const Icmpv6Type type :
                 {Icmpv6Type::kNeighbourSolicitation, Icmpv6Type::kNeighbourAdvertisement}) {
                frames.push_back(FrameBuilder(tags)
                                     .to(multicast_mac(ip6(group)))
                                     .ipv6(source, group)
                                     .neighbour_discovery(type, "2001:db8::2")
                                     .bytes());
            }
        }
    }
}

Frame FrameMaker::next(PortId port) {
    if (below(50) == 0) {
        Frame noise(below(200));
        for (std::uint8_t& byte : noise) byte = static_cast<std::uint8_t>(random_());
        return noise;
    }
    const auto& good = good_[below(10) == 0 ? below(good_.size()) : port.value()];
    Frame frame = good[below(good.size())];
    if (below(4) != 0) mutate(frame);
    return frame;
}

void FrameMaker::mutate(Frame& frame) {
    for (std::size_t changes = 1 + below(4); changes > 0; --changes) change_once(frame);
    // A wrong checksum ends most packets before anything else can.
    if (below(4) != 0) mend_checksum(frame);
    if (frame.size() > kFrameBytesMax) frame.resize(kFrameBytesMax);
}

void FrameMaker::change_once(Frame& frame) {
    if (frame.empty()) return;
    // Headers matter more than what they carry.
    const std::size_t where =
        below(below(4) == 0 ? frame.size() : std::min<std::size_t>(frame.size(), 64));
    constexpr std::array<std::uint16_t, 6> kTypes{0x8100, 0x88a8, 0x0800, 0x0806, 0x86dd, 0x9100};
    constexpr std::array<std::uint16_t, 13> kVids{0,   10,  20,  22,  23,   24,  30,
                                                  100, 300, 301, 500, 4094, 4095};
    switch (below(10)) {
        case 0:
            frame[where] ^= static_cast<std::uint8_t>(1U << below(8));
            break;
        case 1:
            frame[where] = static_cast<std::uint8_t>(random_());
            break;
        case 2:
            frame.resize(where);
            break;
        case 3:
            frame.insert(frame.end(), below(64), static_cast<std::uint8_t>(random_()));
            break;
        case 4:
            set_word(frame, 12 + 4 * below(3), kTypes[below(kTypes.size())]);
            break;
        case 5:
            set_word(frame, 14 + 4 * below(2), kVids[below(kVids.size())]);
            break;
        case 6:
        case 7: {
            const std::size_t layer3 = below(2) == 0 ? 22U : 18U;
            if (frame.size() > layer3 && frame[layer3] >> 4 == 6) {
                set_ipv6_address(frame, layer3 + (below(2) == 0 ? 8U : 24U));
            } else {
                set_address(frame, layer3 + (below(2) == 0 ? 12U : 16U));
            }
            break;
        }
        case 8:
            set_word(frame, (below(2) == 0 ? 22U : 18U) + 2 * below(10),
                     static_cast<std::uint16_t>(random_()));
            break;
        default:
            frame.erase(frame.begin() + static_cast<std::ptrdiff_t>(where));
            break;
    }
}

void FrameMaker::set_word(Frame& frame, std::size_t offset, std::uint16_t word) {
    if (offset + 2 > frame.size()) return;
    frame[offset] = static_cast<std::uint8_t>(word >> 8);
    frame[offset + 1] = static_cast<std::uint8_t>(word);
}

void FrameMaker::set_address(Frame& frame, std::size_t offset) {
    // Half of them in 10.1/16, behind both links, so that flows are many.
    const std::uint32_t address = below(2) == 0
                                      ? 0x0a010000U | static_cast<std::uint32_t>(below(65'536))
                                      : ip(kDestinations[below(kDestinations.size())]).value();
    set_word(frame, offset, static_cast<std::uint16_t>(address >> 16));
    set_word(frame, offset + 2, static_cast<std::uint16_t>(address));
}

void FrameMaker::set_ipv6_address(Frame& frame, std::size_t offset) {
    // Likewise, in 2001:db8:1::/48.
    const WireIpv6Address address(below(2) == 0
                                      ? Ipv6Address(0x2001'0db8'0001'0000U, below(65'536))
                                      : ip6(kIpv6Destinations[below(kIpv6Destinations.size())]));
    if (offset + sizeof address > frame.size()) return;
    std::memcpy(frame.data() + offset, &address, sizeof address);
}

void FrameMaker::mend_checksum(Frame& frame) {
    for (const std::size_t layer3 : {22U, 18U}) {
        if (layer3 + 20 > frame.size()) continue;
        const std::size_t end = layer3 + (frame[layer3] & 15U) * std::size_t{4};
        if (frame[layer3 - 2] != 0x08 || frame[layer3 - 1] != 0x00 || end > frame.size()) continue;
        set_word(frame, layer3 + 10, 0);
        std::uint32_t sum = 0;
        for (std::size_t at = layer3; at + 1 < end; at += 2) {
            sum += static_cast<std::uint32_t>(frame[at] << 8 | frame[at + 1]);
        }
        sum = (sum & 0xffff) + (sum >> 16);
        sum = (sum & 0xffff) + (sum >> 16);
        set_word(frame, layer3 + 10, static_cast<std::uint16_t>(~sum));
        return;
    }
}

}  // namespace causeway::test
