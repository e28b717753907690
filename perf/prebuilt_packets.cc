// SPDX-License-Identifier: Apache-2.0
#include "perf/prebuilt_packets.h"

#include <rte_mbuf_ptype.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <random>
#include <variant>

#include "base/check.h"
#include "base/checksum.h"
#include "base/headers.h"
#include "base/text.h"
#include "dataplane/stages/check_ipv4.h"
#include "tests/support/frame_builder.h"

namespace causeway::perf {
namespace {

constexpr std::size_t kPackets = std::size_t{1} << 19;  // that differ, without NAT
constexpr std::size_t kFcsBytes = 4;
constexpr std::array<std::size_t, 12> kImixBytes{64, 64,  64,  64,  64,  64,
                                                 64, 594, 594, 594, 594, 1'518};

// A new flow is one again when its session is long over: half of the packets are for the floor.
std::size_t packets_of(const Scene& scene) {
    if (scene.sessions == 0) return kPackets;
    return scene.new_flows ? 5 * scene.sessions / 2 : scene.sessions;
}

// Whether the walk lets packets to it pass.
bool is_unicast(Ipv4Address address) {
    return !MartianTable::is_martian(address) && address.value() >> 17 != 0xc612'0000U >> 17;
}

Ipv6Address any_address(const std::vector<TableRoute6>& routes, Destinations from,
                        std::mt19937_64& random) {
    const Ipv6Address any(random() >> 3 | std::uint64_t{1} << 61, random());  // of 2000::/3
    if (from == Destinations::kUniform) return any;
    const Ipv6Prefix prefix = routes[random() % routes.size()].prefix;
    return Ipv6Address(prefix.address().value() | (any.value() & ~prefix.mask()));
}

Ipv4Address any_address(const std::vector<TableRoute>& routes, Destinations from,
                        std::mt19937_64& random) {
    Ipv4Address address;
    do {
        address = Ipv4Address(static_cast<std::uint32_t>(random()));
        if (from == Destinations::kUniform) continue;
        const Ipv4Prefix prefix = routes[random() % routes.size()].prefix;
        address = Ipv4Address(prefix.address().value() | (address.value() & ~prefix.mask()));
    } while (!is_unicast(address));
    return address;
}

}  // namespace

PrebuiltPackets::PrebuiltPackets(const Scene& scene, const SceneRoutes& routes,
                                 std::span<const Entrance> entrances, std::size_t tags,
                                 std::uint64_t seed)
    : tags_(tags),
      layer3_(sizeof(EthernetHeader) + tags * sizeof(VlanTag)),
      count_(packets_of(scene)) {
    if (scene.frame_bytes == kImix) {
        for (const std::size_t bytes : kImixBytes) add_kinds(bytes);
    } else {
        add_kinds(scene.frame_bytes);
    }
    std::mt19937_64 random(seed);
    packets_.reserve(count_);
    while (packets_.size() < count_) {
        const Entrance& entrance = entrances[random() % entrances.size()];
        const bool is_ipv6 = random() % 100 < scene.ipv6_percent;
        IpAddress to;
        if (is_ipv6) {
            to = any_address(routes.ipv6[entrance.vrf], scene.destinations, random);
        } else {
            to = any_address(routes.ipv4[entrance.vrf], scene.destinations, random);
        }
        const std::size_t kind = random() % (kinds_.size() / 2) * 2 + (is_ipv6 ? 1 : 0);
        packets_.push_back(make(static_cast<std::uint32_t>(kind), entrance, to, random()));
    }
}

// One of each family.
void PrebuiltPackets::add_kinds(std::size_t frame_bytes) {
    for (const bool is_ipv6 : {false, true}) {
        test::FrameBuilder frame = test::frame();
        if (tags_ == 1) frame.tag(0x8100, 0);
        if (tags_ == 2) frame.tags(0, 0);
        if (is_ipv6) {
            frame.ipv6(to_string(kSourceNetwork6), to_string(kSourceNetwork6));
        } else {
            frame.ipv4(to_string(kSourceNetwork), to_string(kSourceNetwork));
        }
        const std::size_t room = frame_bytes - kFcsBytes - layer3_;
        const std::size_t headers =
            sizeof(UdpHeader) + (is_ipv6 ? sizeof(Ipv6Header) : sizeof(Ipv4Header));
        frame.udp(0, kDestinationPort).payload(room > headers ? room - headers : 0);
        const std::vector<std::uint8_t> bytes = frame.bytes();
        Kind& kind = kinds_.emplace_back();
        std::copy_n(bytes.begin(), std::min(bytes.size(), kHeaderBytesMax), kind.header.begin());
        kind.packet_type =
            RTE_PTYPE_L2_ETHER |
            static_cast<std::uint32_t>(is_ipv6 ? RTE_PTYPE_L3_IPV6 : RTE_PTYPE_L3_IPV4);
        kind.frame_bytes = static_cast<std::uint16_t>(bytes.size());
        kind.is_ipv6 = is_ipv6;
    }
}

PrebuiltPackets::Packet PrebuiltPackets::make(std::uint32_t kind, const Entrance& entrance,
                                              const IpAddress& destination,
                                              std::uint64_t random) const {
    Packet packet{.destination = {},
                  .outer = Be16(entrance.tags.outer),
                  .inner = Be16(entrance.tags.inner),
                  .source_host = Be16(static_cast<std::uint16_t>(random)),
                  .source_port = Be16(static_cast<std::uint16_t>(random >> 16)),
                  .checksum = Be16(),
                  .kind = kind};
    if (const auto* const ipv6 = std::get_if<Ipv6Address>(&destination)) {
        const Be<std::uint64_t> halves[] = {Be<std::uint64_t>(ipv6->high()),
                                            Be<std::uint64_t>(ipv6->low())};
        std::memcpy(packet.destination.data(), halves, sizeof halves);
        return packet;
    }
    const Be32 address(std::get<Ipv4Address>(destination).value());
    std::memcpy(packet.destination.data(), &address, sizeof address);
    Ipv4Header header;
    std::memcpy(&header, kinds_[kind].header.data() + layer3_, sizeof header);
    header.source = Be32((header.source.host() & 0xffff'0000U) | packet.source_host.host());
    header.destination = address;
    header.checksum = Be16();
    packet.checksum = std::bit_cast<Be16>(
        checksum_of({reinterpret_cast<const std::uint8_t*>(&header), sizeof header}));
    return packet;
}

void PrebuiltPackets::write(rte_mbuf& mbuf) noexcept {
    const Packet& packet = packets_[next_];
    next_ = next_ + 1 == count_ ? 0 : next_ + 1;
    const Kind& kind = kinds_[packet.kind];
    mbuf.data_off = RTE_PKTMBUF_HEADROOM;
    mbuf.data_len = kind.frame_bytes;
    mbuf.pkt_len = kind.frame_bytes;
    mbuf.packet_type = kind.packet_type;
    auto* const frame = rte_pktmbuf_mtod(&mbuf, std::uint8_t*);
    std::memcpy(frame, kind.header.data(), kind.header.size());
    if (tags_ > 0) std::memcpy(frame + 14, &packet.outer, 2);
    if (tags_ > 1) std::memcpy(frame + 18, &packet.inner, 2);
    std::uint8_t* const layer3 = frame + layer3_;
    if (kind.is_ipv6) {
        std::memcpy(layer3 + offsetof(Ipv6Header, source) + 14, &packet.source_host, 2);
        std::memcpy(layer3 + offsetof(Ipv6Header, destination), packet.destination.data(), 16);
        std::memcpy(layer3 + sizeof(Ipv6Header), &packet.source_port, 2);
        return;
    }
    std::memcpy(layer3 + offsetof(Ipv4Header, checksum), &packet.checksum, 2);
    std::memcpy(layer3 + offsetof(Ipv4Header, source) + 2, &packet.source_host, 2);
    std::memcpy(layer3 + offsetof(Ipv4Header, destination), packet.destination.data(), 4);
    std::memcpy(layer3 + sizeof(Ipv4Header), &packet.source_port, 2);
}

}  // namespace causeway::perf
