// SPDX-License-Identifier: Apache-2.0
//
// READ THIS FIRST. The life of a customer's packet, in order. A packet leaves early only through an
// Exit (exit.h has them all). Code is paid for once a burst, data once a packet; the cycles of each
// stage are in docs/performance.md and, live, in `causeway show stages`.
#pragma once

#include "dataplane/family.h"
#include "dataplane/stage.h"
#include "dataplane/stages/check_ipv4.h"
#include "dataplane/stages/check_ipv6.h"
#include "dataplane/stages/check_source.h"
#include "dataplane/stages/decrement_ttl.h"
#include "dataplane/stages/filter.h"
#include "dataplane/stages/find_attachment.h"
#include "dataplane/stages/find_route.h"
#include "dataplane/stages/hear_answers.h"
#include "dataplane/stages/map_dscp.h"
#include "dataplane/stages/match_names.h"
#include "dataplane/stages/parse_ethernet.h"
#include "dataplane/stages/police.h"
#include "dataplane/stages/police_names.h"
#include "dataplane/stages/rewrite_ethernet.h"
#include "dataplane/stages/translate.h"

namespace causeway {

using Ipv4Walk = Walk<PerPacket<ParseEthernet,   // frame -> tags, EtherType, where layer 3 begins
                                FindAttachment,  // (port, outer, inner) -> attachment, VRF
                                CheckIpv4>,      // RFC 1812 5.2.2, martians; IPv6: see below
                      Police<Ipv4, Direction::kIn>,   // the bandwidth of peering and circuit
                      CheckSource<Ipv4>,              // may this source come from here
                      Filter<Ipv4, Direction::kIn>,   // the access list of the way in
                      MatchNames<Ipv4>,               // is it to a name's address, and what then
                      Translate,                      // NAT44, both ways
                      FindRoute<Ipv4>,                // (VRF, destination, flow) -> adjacency
                      Filter<Ipv4, Direction::kOut>,  // the access list of the way out
                      PerPacket<DecrementTtl<Ipv4>,   // MTU, TTL, checksum
                                RewriteEthernet>,     // addresses and tags of the way out
                      MapDscp<Ipv4>,                  // the DSCP contract
                      PoliceNames<Ipv4>,              // classes of what names send back
                      Police<Ipv4, Direction::kOut>,  // the bandwidth of the way out
                      HearAnswers<Ipv4>               // what resolvers say of names
                      >;

// Those whose walk NAT had to interrupt (dataplane/nat_worker.h): the same from there on.
using ResumedWalk = Walk<Translate, FindRoute<Ipv4>, Filter<Ipv4, Direction::kOut>,
                         PerPacket<DecrementTtl<Ipv4>, RewriteEthernet>, MapDscp<Ipv4>,
                         PoliceNames<Ipv4>, Police<Ipv4, Direction::kOut>, HearAnswers<Ipv4> >;

// The IPv6 packets of the same turn: they have left Ipv4Walk by Exit::kIpv6, parsed and with their
// attachment found, and walk on here as a dense burst of their own.
using Ipv6Walk =
    Walk<PerPacket<CheckIpv6>,  // RFC 8200 3, scopes, Neighbour Discovery
         Police<Ipv6, Direction::kIn>, CheckSource<Ipv6>, Filter<Ipv6, Direction::kIn>,
         MatchNames<Ipv6>,
         FindRoute<Ipv6>,  // (VRF, destination, flow) -> adjacency
         Filter<Ipv6, Direction::kOut>,
         PerPacket<DecrementTtl<Ipv6>,  // MTU, hop limit
                   RewriteEthernet>,    // addresses and tags of the way out
         MapDscp<Ipv6>, PoliceNames<Ipv6>, Police<Ipv6, Direction::kOut>, HearAnswers<Ipv6> >;

}  // namespace causeway
