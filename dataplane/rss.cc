// SPDX-License-Identifier: Apache-2.0
#include "dataplane/rss.h"

#include <cstring>

#include "base/headers.h"

namespace causeway {
namespace {

template <class T>
T read(std::span<const std::uint8_t> bytes) noexcept {
    T value;
    std::memcpy(&value, bytes.data(), sizeof value);
    return value;
}

// The exclusive or of all 16-bit words, in host order.
std::uint16_t fold(std::uint64_t wire) noexcept {
    wire ^= wire >> 32;
    wire ^= wire >> 16;
    return __builtin_bswap16(static_cast<std::uint16_t>(wire));
}

std::uint16_t ports_of(std::uint8_t protocol, std::span<const std::uint8_t> payload) noexcept {
    const auto kind = static_cast<IpProtocol>(protocol);
    const bool has_ports = kind == IpProtocol::kTcp || kind == IpProtocol::kUdp;
    if (!has_ports || payload.size() < 4) return 0;
    return fold(read<std::uint32_t>(payload));
}

std::uint16_t word_of_ipv4(std::span<const std::uint8_t> packet) noexcept {
    if (packet.size() < sizeof(Ipv4Header)) return 0;
    const auto header = read<Ipv4Header>(packet);
    const std::uint16_t addresses = fold(header.source.wire() ^ header.destination.wire());
    const bool is_fragment = (header.flags_fragment.wire() & Be16(0x3fff).wire()) != 0;
    if (is_fragment || packet.size() < header.header_bytes()) return addresses;
    return addresses ^ ports_of(header.protocol, packet.subspan(header.header_bytes()));
}

std::uint16_t word_of_ipv6(std::span<const std::uint8_t> packet) noexcept {
    if (packet.size() < sizeof(Ipv6Header)) return 0;
    const auto header = read<Ipv6Header>(packet);
    const std::uint16_t addresses =
        fold(header.source.wire_high() ^ header.source.wire_low() ^ header.destination.wire_high() ^
             header.destination.wire_low());
    return addresses ^ ports_of(header.next_header, packet.subspan(sizeof header));
}

}  // namespace

std::uint16_t flow_word(std::span<const std::uint8_t> frame) noexcept {
    constexpr std::size_t kAddressBytes = 12;
    constexpr int kTagsMax = 2;
    if (frame.size() < sizeof(EthernetHeader)) return 0;
    auto rest = frame.subspan(kAddressBytes);
    for (int tags = 0; rest.size() >= sizeof(Be16); ++tags) {
        const auto type = static_cast<EtherType>(read<Be16>(rest).host());
        if (type == EtherType::kIpv4) return word_of_ipv4(rest.subspan(sizeof(Be16)));
        if (type == EtherType::kIpv6) return word_of_ipv6(rest.subspan(sizeof(Be16)));
        const auto tpid = static_cast<Tpid>(type);
        const bool is_tag = tpid == Tpid::kDot1q || tpid == Tpid::kDot1ad;
        if (!is_tag || tags == kTagsMax || rest.size() < sizeof(VlanTag)) return 0;
        rest = rest.subspan(sizeof(VlanTag));
    }
    return 0;
}

}  // namespace causeway
