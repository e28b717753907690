// SPDX-License-Identifier: Apache-2.0
//
// FRR's configuration from ours: what an operator describes once as circuits becomes the
// neighbours, filters and limits of bgpd, and the address where zebra finds us. A pure function but
// for the files that passwords are in.
//
// Each VRF has an FRR of its own, in the network namespace of the VRF's TAPs
// (control/config/tap_places.h): `frrinit.sh start NAMESPACE` runs it, `vtysh -N NAMESPACE` talks
// to it. This needs no VRF devices, and keeps customers' BGP as far apart as their packets are.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/types.h"
#include "control/api/views.h"
#include "control/config/config.h"

namespace causeway {

struct FrrDocument {
    std::string network_namespace;
    std::string vrf;
    std::string text;     // frr.conf; it may hold passwords
    std::string daemons;  // for frrinit.sh: which of FRR's programs run, and how
};

// How attractive attachments are to be, by name (contoso/private/primary); those left out, as
// usual. One that is not as usual is told our prefixes with our AS number prepended, or none of
// them, and what it tells us is preferred least.
using LinkAppeals = std::map<std::string, Appeal, std::less<>>;

// One for each VRF that has peerings, by namespace. kInvalid where the configuration has no "bgp",
// two VRFs share a namespace, two would share bfdd's socket, or its path is none for a shell.
[[nodiscard]] Result<std::vector<FrrDocument>> frr_documents(const Config& config,
                                                             const LinkAppeals& appeals);

// One link of one peering, as FRR knows it.
struct FrrLeg {
    std::string attachment;  // contoso/private/primary
    std::string network_namespace;
    Ipv4Address neighbour;
    std::optional<Ipv6Address> ipv6_neighbour;
};

// kNotFound, with what there is.
[[nodiscard]] Result<FrrLeg> frr_leg(const Config& config, std::string_view circuit,
                                     PeeringType peering, Link link);

// What makes a running FRR's links as attractive as they are to be, whatever they were before:
// lines to be typed, as frr_documents() would write them.
struct FrrAppeals {
    std::string network_namespace;
    std::string vrf;
    std::vector<std::string> lines;
    // Makes bgpd compare its sessions with their limits: FRR does so before it takes a prefix, so
    // that one too many stays until something else is told.
    std::vector<std::string> limits;
};

// One for each VRF that has peerings; none where the configuration has no "bgp", or cannot be
// FRR's.
[[nodiscard]] std::vector<FrrAppeals> frr_appeals(const Config& config, const LinkAppeals& appeals);

}  // namespace causeway
