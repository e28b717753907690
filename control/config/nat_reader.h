// SPDX-License-Identifier: Apache-2.0
//
// The parts of a document that are about NAT.
#pragma once

#include <string>

#include "control/config/errors.h"
#include "control/config/nat.h"
#include "control/config/values.h"
#include "control/config/yaml_tree.h"

namespace causeway {

inline constexpr Words<NatFiltering, 2> kNatFilterings(
    {{"endpoint-independent", NatFiltering::kEndpointIndependent},
     {"address-dependent", NatFiltering::kAddressDependent}});
inline constexpr Words<NatPairing, 2> kNatPairings({{"preferred", NatPairing::kPreferred},
                                                    {"strict", NatPairing::kStrict}});
inline constexpr Words<NatParity, 2> kNatParities({{"preserve", NatParity::kPreserve},
                                                   {"ignore", NatParity::kIgnore}});
inline constexpr Words<NatRefresh, 2> kNatRefreshes({{"both-ways", NatRefresh::kBothWays},
                                                     {"outbound-only", NatRefresh::kOutboundOnly}});
inline constexpr Words<NatProtocol, 2> kNatProtocolWords({{"tcp", NatProtocol::kTcp},
                                                          {"udp", NatProtocol::kUdp}});
inline constexpr Words<NatLogging, 2> kNatLoggings({{"blocks", NatLogging::kBlocks},
                                                    {"sessions", NatLogging::kSessions}});
inline constexpr Words<Link, 2> kLinks({{"primary", Link::kPrimary},
                                        {"secondary", Link::kSecondary}});

[[nodiscard]] NatConfig read_nat(const YamlNode& node, const std::string& path,
                                 ConfigErrors& errors);
[[nodiscard]] NatLimits read_nat_limits(const YamlNode& node, const std::string& path,
                                        ConfigErrors& errors);

}  // namespace causeway
