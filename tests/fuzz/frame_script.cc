// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/frame_script.h"

#include <algorithm>

#include "base/checksum.h"
#include "tests/support/frame_builder.h"

namespace causeway::test {
namespace {

constexpr std::size_t kIpv4HeaderBytes = 20;
constexpr std::size_t kIpv6HeaderBytes = 40;

void set_word(Frame& bytes, std::size_t at, std::size_t word) {
    bytes[at] = static_cast<std::uint8_t>(word >> 8);
    bytes[at + 1] = static_cast<std::uint8_t>(word);
}

bool is_ipv6(const Frame& packet) {
    return !packet.empty() && packet[0] >> 4 == 6;
}

// With a header that says how long the packet is.
Frame sound(Frame packet) {
    if (is_ipv6(packet)) {
        packet.resize(std::max(packet.size(), kIpv6HeaderBytes));
        set_word(packet, 4, packet.size() - kIpv6HeaderBytes);
        return packet;
    }
    packet.resize(std::max(packet.size(), kIpv4HeaderBytes));
    const std::size_t header =
        std::clamp((packet[0] & 15U) * std::size_t{4}, kIpv4HeaderBytes, packet.size() / 4 * 4);
    packet[0] = static_cast<std::uint8_t>(0x40 | header / 4);
    set_word(packet, 2, packet.size());
    set_word(packet, 10, 0);
    const std::uint16_t wire = checksum_of(std::span(packet).first(header));
    packet[10] = static_cast<std::uint8_t>(wire);
    packet[11] = static_cast<std::uint8_t>(wire >> 8);
    return packet;
}

Frame behind(const FuzzDoor& door, const Frame& packet) {
    FrameBuilder header = frame();
    header.tag(static_cast<std::uint16_t>(door.outer_tpid), door.outer);
    if (door.inner != 0) header.tag(0x8100, door.inner);
    Frame bytes = header.type(is_ipv6(packet) ? 0x86dd : 0x0800).bytes();
    bytes.insert(bytes.end(), packet.begin(), packet.end());
    return bytes;
}

}  // namespace

std::vector<FuzzFrame> fuzz_frames(std::span<const std::uint8_t> input,
                                   std::span<const FuzzDoor> doors) {
    constexpr unsigned kWholeFrame = 128;
    constexpr std::size_t kPieceHeader = 3;
    std::vector<FuzzFrame> frames;
    while (input.size() >= kPieceHeader && frames.size() < kFuzzFramesMax) {
        const unsigned kind = input[0];
        const std::size_t length = std::size_t{input[1]} << 8 | input[2];
        input = input.subspan(kPieceHeader);
        const auto bytes = input.first(std::min({length, input.size(), kFuzzFrameBytesMax}));
        input = input.subspan(bytes.size());
        const Frame piece(bytes.begin(), bytes.end());
        if (kind >= kWholeFrame) {
            frames.push_back({PortId(static_cast<std::uint8_t>(kind & 1U)), piece});
        } else {
            const FuzzDoor& door = doors[kind % doors.size()];
            frames.push_back({door.port, behind(door, sound(piece))});
        }
    }
    return frames;
}

}  // namespace causeway::test
