// SPDX-License-Identifier: Apache-2.0
//
// BFD control packets (RFC 5880 4.1), and every reason for which one is discarded.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <variant>

#include "base/types.h"

namespace causeway {

using BfdDiscriminator = Id<struct BfdDiscriminatorTag, std::uint32_t>;  // 0: none

enum class BfdState : std::uint8_t { kAdminDown, kDown, kInit, kUp };

// RFC 5880 4.1, Diagnostic.
enum class BfdDiagnostic : std::uint8_t {
    kNone,
    kDetectionTimeExpired,
    kEchoFailed,
    kNeighbourSignaledDown,
    kForwardingPlaneReset,
    kPathDown,
    kConcatenatedPathDown,
    kAdministrativelyDown,
    kReverseConcatenatedPathDown,
};

[[nodiscard]] std::string_view to_string(BfdState state) noexcept;
[[nodiscard]] std::string_view to_string(BfdDiagnostic diagnostic) noexcept;  // "" beyond the list

// Whether the packet asks for the far end's parameters to be confirmed, or confirms ours (6.5).
enum class BfdSequence : std::uint8_t { kNeither, kPoll, kFinal };

// Without what we never send and do not act upon: C, and the interval of echoes, which we do not
// return.
struct BfdControlPacket {
    BfdDiagnostic diagnostic = BfdDiagnostic::kNone;
    BfdState state = BfdState::kDown;
    BfdSequence sequence = BfdSequence::kNeither;
    bool has_authentication = false;
    bool is_demand = false;
    std::uint8_t multiplier = 0;
    BfdDiscriminator mine;   // of who sends it
    BfdDiscriminator yours;  // of who receives it, if the sender knows
    std::uint32_t desired_min_tx_us = 0;
    std::uint32_t required_min_rx_us = 0;
    friend bool operator==(const BfdControlPacket&, const BfdControlPacket&) = default;
};

inline constexpr std::size_t kBfdPacketBytes = 24;
inline constexpr std::uint16_t kBfdPort = 3784;  // RFC 5881 4
inline constexpr std::uint8_t kBfdTtl = 255;     // RFC 5881 5

// Why a packet is discarded, in the order of the rules.
enum class BfdDiscard : std::uint8_t {
    kBadUdp,
    kWrongTtl,
    kTruncated,
    kBadVersion,
    kBadLength,
    kBeyondPayload,
    kZeroMultiplier,
    kMultipoint,
    kNoDiscriminator,
    kUnknownDiscriminator,
    kWrongPeer,
    kNotAddressed,
    kUnknownPeer,
    kAuthenticated,
    kPollAndFinal,
    kAdminDown,
    kCount,
};
inline constexpr std::size_t kBfdDiscardCount = static_cast<std::size_t>(BfdDiscard::kCount);

struct BfdDiscardInfo {
    BfdDiscard discard;
    std::string_view name;
    std::string_view meaning;
};

inline constexpr std::array kBfdDiscards{
    BfdDiscardInfo{BfdDiscard::kBadUdp, "bfd_bad_udp",
                   "no whole UDP datagram, or a wrong checksum (RFC 768, RFC 8200 8.1)"},
    BfdDiscardInfo{BfdDiscard::kWrongTtl, "bfd_wrong_ttl",
                   "came over a router: TTL or hop limit is not 255 (RFC 5881 5)"},
    BfdDiscardInfo{BfdDiscard::kTruncated, "bfd_truncated",
                   "fewer bytes than the fixed part of a control packet"},
    BfdDiscardInfo{BfdDiscard::kBadVersion, "bfd_bad_version", "the version is not 1"},
    BfdDiscardInfo{BfdDiscard::kBadLength, "bfd_bad_length",
                   "a length less than that of its parts"},
    BfdDiscardInfo{BfdDiscard::kBeyondPayload, "bfd_beyond_payload",
                   "a length greater than that of the UDP payload"},
    BfdDiscardInfo{BfdDiscard::kZeroMultiplier, "bfd_zero_multiplier",
                   "a detection multiplier of zero"},
    BfdDiscardInfo{BfdDiscard::kMultipoint, "bfd_multipoint", "the multipoint bit is set"},
    BfdDiscardInfo{BfdDiscard::kNoDiscriminator, "bfd_no_discriminator",
                   "the sender's discriminator is zero"},
    BfdDiscardInfo{BfdDiscard::kUnknownDiscriminator, "bfd_unknown_discriminator",
                   "no session has the discriminator it is addressed to"},
    BfdDiscardInfo{BfdDiscard::kWrongPeer, "bfd_wrong_peer",
                   "addressed to the session of another attachment or neighbour"},
    BfdDiscardInfo{BfdDiscard::kNotAddressed, "bfd_not_addressed",
                   "addressed to no discriminator by a sender whose session is up or coming up"},
    BfdDiscardInfo{BfdDiscard::kUnknownPeer, "bfd_unknown_peer",
                   "no session is with this neighbour"},
    BfdDiscardInfo{BfdDiscard::kAuthenticated, "bfd_authenticated",
                   "authenticated, which no session of ours is"},
    BfdDiscardInfo{BfdDiscard::kPollAndFinal, "bfd_poll_and_final",
                   "both a question and its answer (RFC 5880 6.5)"},
    BfdDiscardInfo{BfdDiscard::kAdminDown, "bfd_admin_down",
                   "for a session that is administratively down"},
};

[[nodiscard]] consteval bool bfd_discards_follow_enum() {
    for (std::size_t i = 0; i < kBfdDiscards.size(); ++i) {
        if (static_cast<std::size_t>(kBfdDiscards[i].discard) != i) return false;
    }
    return kBfdDiscards.size() == kBfdDiscardCount;
}
static_assert(bfd_discards_follow_enum(), "each BfdDiscard has one row, in the enum's order");

// The UDP payload as a packet, if it passes the rules of RFC 5880 6.8.6 that need no session.
[[nodiscard]] std::variant<BfdControlPacket, BfdDiscard> parse_bfd(
    std::span<const std::uint8_t> payload) noexcept;

// REQUIRES: no authentication; it is written without.
[[nodiscard]] std::array<std::uint8_t, kBfdPacketBytes> write_bfd(
    const BfdControlPacket& packet) noexcept;

}  // namespace causeway
