// SPDX-License-Identifier: Apache-2.0
//
// READ THIS FIRST. The life of a customer's IPv4 packet, in order. A packet leaves early only
// through an Exit (exit.h has them all). Code is paid for once a burst, data once a packet; the
// cycles of each stage are in docs/performance.md and, live, in `causeway show stages`.
#pragma once

#include "dataplane/stage.h"
#include "dataplane/stages/check_ipv4.h"
#include "dataplane/stages/decrement_ttl.h"
#include "dataplane/stages/find_attachment.h"
#include "dataplane/stages/find_route.h"
#include "dataplane/stages/parse_ethernet.h"
#include "dataplane/stages/rewrite_ethernet.h"

namespace causeway {

using Ipv4Walk = Walk<PerPacket<ParseEthernet,    // frame -> tags, EtherType, where layer 3 begins
                                FindAttachment,   // (port, outer, inner) -> attachment, VRF
                                CheckIpv4>,       // RFC 1812 5.2.2, martians
                      FindRoute,                  // (VRF, destination, flow) -> adjacency
                      PerPacket<DecrementTtl,     // MTU, TTL, checksum
                                RewriteEthernet>  // addresses and tags of the way out
                      >;

}  // namespace causeway
