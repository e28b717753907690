// SPDX-License-Identifier: Apache-2.0
//
// TapPlace: the network namespace and the name of an attachment's TAP: those that the configuration
// gives, or those that follow from the names of circuit, peering and link.
//
//   namespace  control-plane.namespace-prefix and the VRF: vrf-contoso
//   name       circuit, p(rivate) or m(icrosoft), 1 (primary) or 2: contoso-p1;
//              core attachment: contoso-vnet-c
//
// An interface's name has 15 characters at most: of a longer one the beginning stays, and four hex
// digits stand for the whole.
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>

#include "base/types.h"
#include "control/config/config.h"

namespace causeway {

struct TapPlace {
    std::string network_namespace;
    std::string name;
    friend auto operator<=>(const TapPlace&, const TapPlace&) = default;
};

// Nothing where attachments have no TAPs.
[[nodiscard]] std::optional<TapPlace> tap_of(const ControlPlaneConfig& config,
                                             const CircuitConfig& circuit,
                                             const PeeringConfig& peering, Link link);
[[nodiscard]] std::optional<TapPlace> tap_of(const ControlPlaneConfig& config,
                                             const CoreAttachmentConfig& core);

// "contoso" and "-p1" make "contoso-p1".
[[nodiscard]] std::string interface_name(std::string_view stem, std::string_view suffix);

}  // namespace causeway
