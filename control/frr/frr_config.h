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

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/types.h"
#include "control/config/config.h"

namespace causeway {

struct FrrDocument {
    std::string network_namespace;
    std::string vrf;
    std::string text;     // frr.conf; it may hold passwords
    std::string daemons;  // for frrinit.sh: which of FRR's programs run, and how
};

// Attachments whose link is drained, by name (contoso/private/primary): they are told our prefixes
// with our AS number prepended, and what they tell us is preferred least.
using DrainedAttachments = std::set<std::string, std::less<>>;

// One for each VRF that has peerings, by namespace. kInvalid where the configuration has no "bgp",
// or two VRFs share a namespace.
[[nodiscard]] Result<std::vector<FrrDocument>> frr_documents(const Config& config,
                                                             const DrainedAttachments& drained);

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

// What takes a link's traffic away, or brings it back, said to a running FRR at once: words for
// `vtysh -c`, one after the other. As frr_documents() would write it.
[[nodiscard]] std::vector<std::string> drain_commands(const Config& config,
                                                      std::string_view attachment,
                                                      const DrainedAttachments& drained);

}  // namespace causeway
