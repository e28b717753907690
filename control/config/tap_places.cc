// SPDX-License-Identifier: Apache-2.0
#include "control/config/tap_places.h"

#include <fmt/format.h>

#include <cstdint>

namespace causeway {
namespace {

constexpr std::size_t kNameMax = 15;  // IFNAMSIZ without its final zero
constexpr std::size_t kDigitsBytes = 5;

// FNV-1a (RFC 9923 3), folded to 16 bits.
std::uint16_t digest_of(std::string_view text) {
    std::uint32_t hash = 0x811c'9dc5;
    for (const char c : text) hash = (hash ^ static_cast<std::uint8_t>(c)) * 0x0100'0193;
    return static_cast<std::uint16_t>(hash >> 16 ^ (hash & 0xffffU));
}

std::string namespace_of(const ControlPlaneConfig& config, const std::string& given,
                         const std::string& vrf) {
    return given.empty() ? config.namespace_prefix + vrf : given;
}

}  // namespace

std::string interface_name(std::string_view stem, std::string_view suffix) {
    const std::size_t room = kNameMax - suffix.size();
    if (stem.size() <= room) return std::string(stem).append(suffix);
    return fmt::format("{}-{:04x}{}", stem.substr(0, room - kDigitsBytes), digest_of(stem), suffix);
}

std::optional<TapPlace> tap_of(const ControlPlaneConfig& config, const CircuitConfig& circuit,
                               const PeeringConfig& peering, Link link) {
    if (!config.taps) return std::nullopt;
    const bool is_primary = link == Link::kPrimary;
    const std::string& given = is_primary ? peering.primary_tap : peering.secondary_tap;
    const std::string suffix = fmt::format(
        "-{}{}", peering.type == PeeringType::kPrivate ? 'p' : 'm', is_primary ? '1' : '2');
    return TapPlace{namespace_of(config, peering.tap_namespace, peering.vrf),
                    given.empty() ? interface_name(circuit.name, suffix) : given};
}

std::optional<TapPlace> tap_of(const ControlPlaneConfig& config, const CoreAttachmentConfig& core) {
    if (!config.taps) return std::nullopt;
    return TapPlace{namespace_of(config, core.tap_namespace, core.vrf),
                    core.tap.empty() ? interface_name(core.name, "-c") : core.tap};
}

}  // namespace causeway
