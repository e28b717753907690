// SPDX-License-Identifier: Apache-2.0
//
// The text of one FRR: the peerings of a VRF, as bgpd and zebra read them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "control/config/config.h"
#include "control/frr/frr_config.h"

namespace causeway {

struct FrrInstanceLeg {
    const CircuitConfig* circuit = nullptr;
    const PeeringConfig* peering = nullptr;
    Link link = Link::kPrimary;
};

struct FrrInstance {
    std::string vrf;
    std::vector<FrrInstanceLeg> legs;
    std::optional<FpmConfig> fpm;  // where its zebra finds us
};

// The name of the attachment: contoso/private/primary.
[[nodiscard]] std::string attachment_of(const FrrInstanceLeg& leg);

// kUnavailable where a password's file cannot be read.
[[nodiscard]] Result<std::string> frr_text(const Config& config, const FrrInstance& instance,
                                           const LinkAppeals& appeals);
[[nodiscard]] std::string frr_daemons(const Config& config, const FrrInstance& instance);
// Whether bgpd follows sessions that are causewayd's own, of which bfdd is told.
[[nodiscard]] bool follows_our_bfd(const FrrInstance& instance);

// The limits of all sessions, to be typed.
[[nodiscard]] std::vector<std::string> frr_limits(const Config& config,
                                                  const FrrInstance& instance);

// The route-maps of a leg: lines of a file, or to be typed, which must say what is no more.
enum class RouteMapUse : std::uint8_t { kWritten, kTyped };
[[nodiscard]] std::vector<std::string> frr_route_maps(const Config& config,
                                                      const FrrInstanceLeg& leg,
                                                      const LinkAppeals& appeals, RouteMapUse use);

}  // namespace causeway
