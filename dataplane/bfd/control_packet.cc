// SPDX-License-Identifier: Apache-2.0
#include "dataplane/bfd/control_packet.h"

#include <bit>
#include <cstring>

#include "base/check.h"
#include "base/endian.h"

namespace causeway {
namespace {

// RFC 5880 4.1.
struct WirePacket {
    std::uint8_t version_diagnostic;  // 3 and 5 bits
    std::uint8_t state_flags;         // 2 bits, then P F C A D M
    std::uint8_t multiplier;
    std::uint8_t length;
    Be32 mine;
    Be32 yours;
    Be32 desired_min_tx_us;
    Be32 required_min_rx_us;
    Be32 required_min_echo_rx_us;
};
static_assert(sizeof(WirePacket) == kBfdPacketBytes && alignof(WirePacket) == 1);

constexpr unsigned kVersion = 1;
constexpr std::uint8_t kPoll = 0x20;
constexpr std::uint8_t kFinal = 0x10;
constexpr std::uint8_t kAuthentication = 0x04;
constexpr std::uint8_t kDemand = 0x02;
constexpr std::uint8_t kMultipoint = 0x01;
constexpr std::size_t kAuthenticationBytesMin = 2;  // RFC 5880 4.1: type and length

std::uint8_t flag_of(BfdSequence sequence) {
    switch (sequence) {
        case BfdSequence::kNeither:
            return 0;
        case BfdSequence::kPoll:
            return kPoll;
        case BfdSequence::kFinal:
            return kFinal;
    }
    return 0;
}

}  // namespace

std::string_view to_string(BfdState state) noexcept {
    constexpr std::array<std::string_view, 4> kNames{"admin-down", "down", "init", "up"};
    return kNames[static_cast<std::size_t>(state)];
}

std::string_view to_string(BfdDiagnostic diagnostic) noexcept {
    constexpr std::array<std::string_view, 9> kNames{
        "none",
        "detection time expired",
        "echo failed",
        "neighbour signaled session down",
        "forwarding plane reset",
        "path down",
        "concatenated path down",
        "administratively down",
        "reverse concatenated path down",
    };
    const auto index = static_cast<std::size_t>(diagnostic);
    return index < kNames.size() ? kNames[index] : std::string_view();
}

std::variant<BfdControlPacket, BfdDiscard> parse_bfd(
    std::span<const std::uint8_t> payload) noexcept {
    WirePacket wire;
    if (payload.size() < sizeof wire) return BfdDiscard::kTruncated;
    std::memcpy(&wire, payload.data(), sizeof wire);
    const bool has_authentication = (wire.state_flags & kAuthentication) != 0;
    const std::size_t length_min = sizeof wire + (has_authentication ? kAuthenticationBytesMin : 0);
    if (wire.version_diagnostic >> 5 != kVersion) return BfdDiscard::kBadVersion;
    if (wire.length < length_min) return BfdDiscard::kBadLength;
    if (wire.length > payload.size()) return BfdDiscard::kBeyondPayload;
    if (wire.multiplier == 0) return BfdDiscard::kZeroMultiplier;
    if ((wire.state_flags & kMultipoint) != 0) return BfdDiscard::kMultipoint;
    if (wire.mine.host() == 0) return BfdDiscard::kNoDiscriminator;
    const unsigned sequence = wire.state_flags & (kPoll | kFinal);
    if (sequence == (kPoll | kFinal)) return BfdDiscard::kPollAndFinal;
    return BfdControlPacket{
        .diagnostic = static_cast<BfdDiagnostic>(wire.version_diagnostic & 0x1f),
        .state = static_cast<BfdState>(wire.state_flags >> 6),
        .sequence = sequence == kPoll    ? BfdSequence::kPoll
                    : sequence == kFinal ? BfdSequence::kFinal
                                         : BfdSequence::kNeither,
        .has_authentication = has_authentication,
        .is_demand = (wire.state_flags & kDemand) != 0,
        .multiplier = wire.multiplier,
        .mine = BfdDiscriminator(wire.mine.host()),
        .yours = BfdDiscriminator(wire.yours.host()),
        .desired_min_tx_us = wire.desired_min_tx_us.host(),
        .required_min_rx_us = wire.required_min_rx_us.host(),
    };
}

std::array<std::uint8_t, kBfdPacketBytes> write_bfd(const BfdControlPacket& packet) noexcept {
    DCHECK(!packet.has_authentication);
    const WirePacket wire{
        .version_diagnostic =
            static_cast<std::uint8_t>(kVersion << 5 | static_cast<unsigned>(packet.diagnostic)),
        .state_flags =
            static_cast<std::uint8_t>(static_cast<unsigned>(packet.state) << 6 |
                                      flag_of(packet.sequence) | (packet.is_demand ? kDemand : 0)),
        .multiplier = packet.multiplier,
        .length = kBfdPacketBytes,
        .mine = Be32(packet.mine.value()),
        .yours = Be32(packet.yours.value()),
        .desired_min_tx_us = Be32(packet.desired_min_tx_us),
        .required_min_rx_us = Be32(packet.required_min_rx_us),
        .required_min_echo_rx_us = Be32(0),
    };
    return std::bit_cast<std::array<std::uint8_t, kBfdPacketBytes>>(wire);
}

}  // namespace causeway
