// SPDX-License-Identifier: Apache-2.0
//
// Every way a packet leaves a walk, one row each. The table is the documentation, the counter's
// name and the operator's output at once. A packet ends nowhere else: in = out + the sum of these,
// per attachment, at any time.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace causeway {

enum class Exit : std::uint8_t {
    kNone,
    kIpv6,
    // The way to its worker.
    kHandoverFull,
    // The frame and its tags.
    kTruncatedFrame,
    kNotOurMac,
    kUntagged,
    kPriorityTagged,
    kReservedVid,
    kTripleTagged,
    kWrongTpid,
    kUnknownTags,
    // The attachment's state.
    kCircuitNotProvisioned,
    kPeeringDisabled,
    kAdminDown,
    // What it carries.
    kArp,
    kNeighbourDiscovery,
    kBfd,
    kBfdWrongTtl,
    kUnknownEtherType,
    kNoIpv6,
    // RFC 1812 5.2.2, RFC 8200 3, and martians.
    kBadIpv4Header,
    kBadIpv4Checksum,
    kBadIpv4Length,
    kBadIpv6Header,
    kBadIpv6Length,
    kMartianSource,
    kMartianDestination,
    // What no sound sender sends, and who may send what.
    kSourceRoute,
    kIpOptions,
    kBadFragment,
    kBadHeaderChain,
    kOverPeeringRate,
    kOverCircuitRate,
    kOverClassRate,
    kPrivateSource,
    kSourceNotAdvertised,
    kReversePath,
    kAclDenied,
    kAclProhibited,
    // NAT44: the first two wait, for another worker or for a fragment, and walk on.
    kNatElsewhere,
    kNatHeld,
    kNatMalformed,
    kNatForeign,
    kNatMidFlow,
    kNatNoMapping,
    kNatFiltered,
    kNatBusy,
    kNatHostsFull,
    kNatHostSessions,
    kNatHostPorts,
    kNatPortsExhausted,
    kNatMappingsFull,
    kNatSessionsFull,
    kNatFragmentsFull,
    kNatFragmentLost,
    kNatIcmpUnmatched,
    kNatNoPool,
    // The route.
    kNoRoute,
    kLocal,
    kUnresolved,
    kBlackhole,
    kUnreachable,
    kProhibit,
    kNextHopDown,
    kTtlExpired,
    kTooBig,
    // The way out.
    kNameAnswer,
    kTxFull,
    kOverPuntRate,
    kPuntFull,
    kCount,
};
inline constexpr std::size_t kExitCount = static_cast<std::size_t>(Exit::kCount);

enum class Fate : std::uint8_t {
    kWalk,  // has not left the router
    kDrop,  // counted and freed
    kPunt,  // counted and handed to the control thread
    kPost,  // counted and copied for the thread of BFD
    kHear,  // counted and handed to the control thread, which sends it on as it is
};

struct ExitInfo {
    Exit exit;
    Fate fate;
    std::string_view name;
    std::string_view meaning;
};

inline constexpr std::array kExits{
    ExitInfo{Exit::kNone, Fate::kWalk, "none", "still walking"},
    ExitInfo{Exit::kIpv6, Fate::kWalk, "ipv6", "leaves the walk of IPv4 for that of IPv6"},
    ExitInfo{Exit::kHandoverFull, Fate::kDrop, "handover_full",
             "its flow's worker has too many packets to look at that another received for it"},
    ExitInfo{Exit::kTruncatedFrame, Fate::kDrop, "truncated_frame",
             "ends before its tags or its network header do"},
    ExitInfo{Exit::kNotOurMac, Fate::kDrop, "not_our_mac",
             "sent to another station's MAC address, or to a multicast group"},
    ExitInfo{Exit::kUntagged, Fate::kDrop, "untagged", "no VLAN tag"},
    ExitInfo{Exit::kPriorityTagged, Fate::kDrop, "priority_tagged",
             "a tag with VID 0: a priority, but no VLAN"},
    ExitInfo{Exit::kReservedVid, Fate::kDrop, "reserved_vid", "a tag with VID 4095"},
    ExitInfo{Exit::kTripleTagged, Fate::kDrop, "triple_tagged", "more than two tags"},
    ExitInfo{Exit::kWrongTpid, Fate::kDrop, "wrong_tpid",
             "a tag type other than the port's outer-tpid or inner-tpid"},
    ExitInfo{Exit::kUnknownTags, Fate::kDrop, "unknown_tags",
             "no attachment has these tags on this port"},
    ExitInfo{Exit::kCircuitNotProvisioned, Fate::kDrop, "circuit_not_provisioned",
             "the circuit is not both Enabled and Provisioned"},
    ExitInfo{Exit::kPeeringDisabled, Fate::kDrop, "peering_disabled", "the peering is disabled"},
    ExitInfo{Exit::kAdminDown, Fate::kDrop, "admin_down", "an operator has taken the link down"},
    ExitInfo{Exit::kArp, Fate::kPunt, "arp", "ARP, for the control thread"},
    ExitInfo{Exit::kNeighbourDiscovery, Fate::kPunt, "neighbour_discovery",
             "Neighbour Discovery (RFC 4861), for the control thread"},
    ExitInfo{Exit::kBfd, Fate::kPost, "bfd",
             "BFD to an address of ours (RFC 5881 4), for the thread that runs the sessions"},
    ExitInfo{Exit::kBfdWrongTtl, Fate::kDrop, "bfd_wrong_ttl",
             "BFD to an address of ours with a TTL or hop limit other than 255 (RFC 5881 5)"},
    ExitInfo{Exit::kUnknownEtherType, Fate::kDrop, "unknown_ethertype",
             "neither IPv4 nor IPv6 nor ARP"},
    ExitInfo{Exit::kNoIpv6, Fate::kDrop, "no_ipv6",
             "IPv6, but the attachment has no address of IPv6"},
    ExitInfo{Exit::kBadIpv4Header, Fate::kDrop, "bad_ipv4_header",
             "version is not 4, or the header is shorter than 20 bytes (RFC 1812 5.2.2)"},
    ExitInfo{Exit::kBadIpv4Checksum, Fate::kDrop, "bad_ipv4_checksum",
             "the header checksum is wrong (RFC 1812 5.2.2)"},
    ExitInfo{Exit::kBadIpv4Length, Fate::kDrop, "bad_ipv4_length",
             "the total length exceeds the frame or falls short of the header (RFC 1812 5.2.2)"},
    ExitInfo{Exit::kBadIpv6Header, Fate::kDrop, "bad_ipv6_header", "version is not 6 (RFC 8200 3)"},
    ExitInfo{Exit::kBadIpv6Length, Fate::kDrop, "bad_ipv6_length",
             "the payload length exceeds the frame (RFC 8200 3)"},
    ExitInfo{Exit::kMartianSource, Fate::kDrop, "martian_source",
             "a source no host may have, or no router may forward (RFC 1812 5.3.7, RFC 4291 2.5)"},
    ExitInfo{Exit::kMartianDestination, Fate::kDrop, "martian_destination",
             "a destination no router may forward to (RFC 1812 5.3.7, RFC 4291 2.5, 2.7)"},
    ExitInfo{Exit::kSourceRoute, Fate::kDrop, "source_route",
             "asks for a way of its own: loose or strict source route (RFC 7126 4.3, 4.4), routing "
             "header of type 0 (RFC 5095)"},
    ExitInfo{Exit::kIpOptions, Fate::kDrop, "ip_options",
             "options of IPv4 (RFC 791 3.1), or hop-by-hop options of IPv6 (RFC 8200 4.3), by a "
             "peering that refuses them"},
    ExitInfo{
        Exit::kBadFragment, Fate::kDrop, "bad_fragment",
        "a TCP header in pieces (RFC 1858, RFC 3128, RFC 7112), or a fragment that ends beyond "
        "65,535 bytes"},
    ExitInfo{Exit::kBadHeaderChain, Fate::kDrop, "bad_header_chain",
             "IPv6 with more than six extension headers, or they do not end within the packet or "
             "its first fragment (RFC 7112)"},
    ExitInfo{Exit::kOverPeeringRate, Fate::kDrop, "over_peering_rate",
             "exceeds the peering's bandwidth by more than the burst, coming in or going out"},
    ExitInfo{Exit::kOverCircuitRate, Fate::kDrop, "over_circuit_rate",
             "exceeds the circuit's bandwidth by more than the burst, coming in or going out"},
    ExitInfo{Exit::kOverClassRate, Fate::kDrop, "over_class_rate",
             "exceeds the rate of the policer class that a rule of a name policy puts it into"},
    ExitInfo{Exit::kPrivateSource, Fate::kDrop, "private_source",
             "a private or shared source (RFC 1918, RFC 6598, RFC 4193) on a Microsoft peering"},
    ExitInfo{Exit::kSourceNotAdvertised, Fate::kDrop, "source_not_advertised",
             "the source is in no validated advertised public prefix of the peering"},
    ExitInfo{Exit::kReversePath, Fate::kDrop, "reverse_path",
             "the route to the source leads elsewhere, or there is none (RFC 3704)"},
    ExitInfo{Exit::kAclDenied, Fate::kDrop, "acl_denied", "a rule of an access list denies it"},
    ExitInfo{Exit::kAclProhibited, Fate::kPunt, "acl_prohibited",
             "a rule of an access list denies it; answered with ICMP communication "
             "administratively prohibited"},
    ExitInfo{Exit::kNatElsewhere, Fate::kWalk, "nat_elsewhere",
             "walks on with the worker that has its session"},
    ExitInfo{Exit::kNatHeld, Fate::kWalk, "nat_held",
             "waits for the first fragment of its datagram, which has the ports"},
    ExitInfo{
        Exit::kNatMalformed, Fate::kDrop, "nat_malformed",
        "to be translated, but its header of layer 4 is cut off (RFC 1858 3.1), or it is an ICMP "
        "error with a wrong checksum (RFC 5508 REQ-3)"},
    ExitInfo{Exit::kNatForeign, Fate::kDrop, "nat_foreign",
             "to be translated, but neither TCP nor UDP nor an ICMP query or error"},
    ExitInfo{Exit::kNatMidFlow, Fate::kDrop, "nat_mid_flow",
             "in the middle of a TCP connection or an ICMP query that the NAT does not know"},
    ExitInfo{Exit::kNatNoMapping, Fate::kDrop, "nat_no_mapping",
             "from outside, to a public port that nobody inside has"},
    ExitInfo{Exit::kNatFiltered, Fate::kDrop, "nat_filtered",
             "from outside, and not from an address that the host inside has sent to (RFC 4787 5)"},
    ExitInfo{Exit::kNatBusy, Fate::kDrop, "nat_busy",
             "other workers were beginning flows of the same host all the while"},
    ExitInfo{Exit::kNatHostsFull, Fate::kDrop, "nat_hosts_full",
             "a new flow, but the table of hosts inside is full"},
    ExitInfo{Exit::kNatHostSessions, Fate::kDrop, "nat_host_sessions",
             "a new flow, but its host has as many as it may (RFC 6888 REQ-4)"},
    ExitInfo{Exit::kNatHostPorts, Fate::kDrop, "nat_host_ports",
             "a new flow, but its host has as many ports as it may (RFC 6888 REQ-4)"},
    ExitInfo{Exit::kNatPortsExhausted, Fate::kDrop, "nat_ports_exhausted",
             "a new flow, but all ports of the pool are lent"},
    ExitInfo{Exit::kNatMappingsFull, Fate::kDrop, "nat_mappings_full",
             "a new flow, but the table of mappings is full"},
    ExitInfo{Exit::kNatSessionsFull, Fate::kDrop, "nat_sessions_full",
             "a new flow, but the worker's table of sessions is full"},
    ExitInfo{Exit::kNatFragmentsFull, Fate::kDrop, "nat_fragments_full",
             "a fragment, but too many wait already for the first of their datagram"},
    ExitInfo{Exit::kNatFragmentLost, Fate::kDrop, "nat_fragment_lost",
             "a fragment whose first did not come in time, or was itself refused"},
    ExitInfo{Exit::kNatIcmpUnmatched, Fate::kDrop, "nat_icmp_unmatched",
             "an ICMP error about no flow of the NAT (RFC 5508 REQ-4)"},
    ExitInfo{Exit::kNatNoPool, Fate::kDrop, "nat_no_pool",
             "to be translated, but its pool has just gone"},
    ExitInfo{Exit::kNoRoute, Fate::kPunt, "no_route",
             "no prefix of the VRF matches; answered with ICMP network unreachable or no route"},
    ExitInfo{Exit::kLocal, Fate::kPunt, "local", "addressed to the router itself"},
    ExitInfo{Exit::kUnresolved, Fate::kPunt, "unresolved",
             "waits until its next hop answers ARP or Neighbour Discovery"},
    ExitInfo{Exit::kBlackhole, Fate::kDrop, "blackhole", "a blackhole route"},
    ExitInfo{Exit::kUnreachable, Fate::kPunt, "unreachable",
             "an unreachable route; answered with ICMP host or address unreachable"},
    ExitInfo{Exit::kProhibit, Fate::kPunt, "prohibit",
             "a prohibit route; answered with ICMP communication administratively prohibited"},
    ExitInfo{Exit::kNextHopDown, Fate::kPunt, "next_hop_down",
             "every next hop of the route is down; answered with ICMP host or address unreachable"},
    ExitInfo{Exit::kTtlExpired, Fate::kPunt, "ttl_expired",
             "TTL or hop limit ran out; answered with ICMP time exceeded"},
    ExitInfo{
        Exit::kTooBig, Fate::kPunt, "too_big",
        "exceeds the MTU of the way out; fragmented, or answered with ICMP fragmentation needed "
        "or packet too big"},
    ExitInfo{Exit::kNameAnswer, Fate::kHear, "name_answer",
             "an answer of a resolver, which goes on when the addresses in it are known"},
    ExitInfo{Exit::kTxFull, Fate::kDrop, "tx_full", "the device's transmit queue is full"},
    ExitInfo{Exit::kOverPuntRate, Fate::kDrop, "over_punt_rate",
             "was to go to the control thread, but exceeds what it takes of its class, from the "
             "attachment or in all (`show punts`)"},
    ExitInfo{Exit::kPuntFull, Fate::kDrop, "punt_full",
             "the control thread has too many packets to look at"},
};

[[nodiscard]] consteval bool exits_follow_enum() {
    for (std::size_t i = 0; i < kExits.size(); ++i) {
        if (static_cast<std::size_t>(kExits[i].exit) != i) return false;
    }
    return kExits.size() == kExitCount;
}
static_assert(exits_follow_enum(), "each Exit has one row, in the order of the enum");

[[nodiscard]] constexpr const ExitInfo& info_of(Exit exit) noexcept {
    return kExits[static_cast<std::size_t>(exit)];
}

}  // namespace causeway
