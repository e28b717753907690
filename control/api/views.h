// SPDX-License-Identifier: Apache-2.0
//
// What the router shows of itself: plain values in the operator's words, copied out of its tables,
// so a reader holds nothing of a worker's. RouterApi returns them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/types.h"
#include "control/config/config.h"
#include "dataplane/bfd/control_packet.h"
#include "dataplane/punt_class.h"
#include "fib/prefix_table.h"

namespace causeway {

enum class AdminStatus : std::uint8_t { kDown, kUp };
enum class OperStatus : std::uint8_t { kDown, kUp };

// Whether an operator has asked for a link to be emptied, and how far that is.
enum class DrainState : std::uint8_t { kNone, kDraining, kDrained };

// What the routing protocol should say to the customer of a link, so that traffic comes over it, or
// rather not, or not at all.
enum class Appeal : std::uint8_t { kNormal, kPrepended, kWithdrawn };

struct Traffic {
    std::uint64_t packets = 0;
    std::uint64_t bytes = 0;  // of whole frames, tags included, without the frame check sequence
};

// One row of the table of exits: how many packets ended this way. Names and meanings are literals.
// Also of other tables of events, whose `packets` are messages.
struct ReasonCount {
    std::string_view name;     // "ttl_expired"
    std::string_view meaning;  // "TTL was 1 or 0 on arrival"
    std::uint64_t packets = 0;
};

// A class of what goes to the control thread: of one attachment, or of all.
struct PuntView {
    std::string_view punt_class;  // a literal, like the next
    std::string_view meaning;
    std::uint64_t passed = 0;
    std::uint64_t over_attachment = 0;  // dropped: more than is taken of the attachment
    std::uint64_t over_total = 0;       // dropped: more than is taken of all together
    PuntRates rates;
};

// Invariant: rx.packets == forwarded + sum(drops) + sum(punts), once the burst in flight is done.
struct CountersView {
    std::string name;  // an attachment's, or a port's for frames that no attachment claims
    Traffic rx;
    Traffic tx;
    std::uint64_t forwarded = 0;     // of those received here, left on some attachment
    std::vector<ReasonCount> drops;  // rows that are zero may be left out
    std::vector<ReasonCount> punts;
};

// One leg of one peering, or a core attachment.
struct AttachmentView {
    std::string name;  // "contoso/private/primary"; a core attachment's own name
    AttachmentId id;
    std::string port;
    std::optional<VlanId> outer;
    std::optional<VlanId> inner;
    std::optional<Link> link;  // none: a core attachment
    std::string circuit;       // empty: a core attachment
    std::string vrf;
    Ipv4Address address;  // ours
    Ipv4Prefix subnet;
    std::optional<Ipv6Address> ipv6_address;  // none: IPv4 only
    std::optional<Ipv6Prefix> ipv6_subnet;
    unsigned mtu = 0;  // bytes of layer 3
    AdminStatus admin = AdminStatus::kUp;
    OperStatus oper = OperStatus::kDown;
    std::string reason;  // why it is down: "port down", "circuit not provisioned"; or empty
    std::string tap;     // the kernel's interface there; empty: it has none
    std::string tap_namespace;
    DrainState drain = DrainState::kNone;
    std::optional<Appeal> appeal;  // none: a core attachment
};

struct PeeringView {
    PeeringType type = PeeringType::kPrivate;
    bool enabled = true;
    VlanId c_tag = *VlanId::from(1);
    std::optional<Ipv4Prefix> primary_subnet;
    std::optional<Ipv4Prefix> secondary_subnet;
    std::optional<Ipv6Prefix> primary_ipv6_subnet;
    std::optional<Ipv6Prefix> secondary_ipv6_subnet;
    std::uint32_t peer_asn = 0;
    std::string vrf;
    // Names of attachments; empty where the leg is not configured or not attached.
    std::string primary_attachment;
    std::string secondary_attachment;
    OperStatus primary = OperStatus::kDown;
    OperStatus secondary = OperStatus::kDown;
};

struct CircuitLegView {
    Link link = Link::kPrimary;
    std::string port;
    std::optional<VlanId> s_tag;
    AdminStatus admin = AdminStatus::kUp;
    OperStatus port_state = OperStatus::kDown;
};

struct CircuitView {
    std::string service_key;
    std::string name;
    std::uint64_t bandwidth_bps = 0;
    CircuitStatus status = CircuitStatus::kEnabled;
    ProviderState provider_state = ProviderState::kNotProvisioned;
    std::vector<CircuitLegView> legs;
    std::vector<PeeringView> peerings;
};

// What the XDP program of a kernel interface did with the frames it saw.
struct TagFilterView {
    std::uint64_t forwarded = 0;  // provisioned tags: sent to the forwarder
    std::uint64_t kernel = 0;     // everything else: left to the kernel
    std::uint64_t failed = 0;     // provisioned, but no socket took it
    std::uint64_t bfd = 0;        // of a BFD neighbour: past the forwarder's queue
};

struct PortView {
    std::string name;
    PortId id;
    std::string device;  // as configured
    std::string driver;  // "net_af_xdp"
    PortRole role = PortRole::kEdge;
    MacAddress mac;
    AdminStatus admin = AdminStatus::kUp;
    OperStatus link = OperStatus::kDown;
    std::uint64_t speed_mbps = 0;  // 0: the device does not say
    unsigned mtu = 0;
    unsigned queues = 0;
    Traffic rx;
    Traffic tx;
    std::uint64_t rx_missed = 0;  // the device had no descriptor or buffer left
    std::uint64_t rx_errors = 0;
    std::uint64_t tx_errors = 0;
    std::vector<ReasonCount> drops;  // frames that no attachment claimed
    std::optional<TagFilterView> tag_filter;
};

enum class NeighbourState : std::uint8_t {
    kIncomplete,  // asked, not answered
    kReachable,
    kStale,   // in use, older than its lifetime, being asked again
    kFailed,  // asked in vain
    kOwn,     // our own address: the Microsoft side's row of the ARP table
};

// "Interface Property" of the ARP table that circuits' owners know.
enum class NeighbourSide : std::uint8_t { kOnPrem, kMicrosoft };

struct NeighbourView {
    std::string attachment;
    IpAddress address;
    std::optional<MacAddress> mac;  // none while incomplete
    NeighbourState state = NeighbourState::kIncomplete;
    std::uint64_t age_seconds = 0;                // since last confirmed; 0 for our own
    NeighbourSide side = NeighbourSide::kOnPrem;  // neighbours on core attachments: kMicrosoft
};

// A BFD session (RFC 5880).
struct BfdView {
    std::string attachment;
    IpAddress address;  // the customer's
    IpAddress local;
    BfdState state = BfdState::kDown;
    BfdState remote_state = BfdState::kDown;
    std::string_view diagnostic;         // why it is not up; or empty
    std::string_view remote_diagnostic;  // what the customer says of that; or empty
    std::uint64_t changed_seconds = 0;   // since it got its state
    std::uint64_t interval_us = 0;       // between our packets, before jitter
    std::uint64_t detection_us = 0;      // so long without a packet, and it is down; 0: none yet
    std::uint64_t downs = 0;
    std::uint64_t rx_packets = 0;
    std::uint64_t tx_packets = 0;
    std::uint64_t tx_lost = 0;  // the neighbour's MAC address is not known, or no room
    bool is_failed = false;     // it was up, and the link is out of use until it is up again
};

struct RouteHopView {
    IpAddress address;
    unsigned weight = 1;
    std::string attachment;  // empty: recursive
    bool recursive = false;  // a route leads there, not a connected subnet
    bool alive = false;      // takes its share of the flows now; recursive: some route leads there
};

struct RouteView {
    std::string vrf;
    IpPrefix prefix;
    RouteSource source = RouteSource::kStatic;
    RouteAction action = RouteAction::kForward;
    bool selected = true;  // false: a preferred source has the same prefix
    bool local = false;    // ends at the router itself
    bool stale = false;    // not said again since its feeder began to
    GroupId group;
    std::vector<RouteHopView> via;
};

struct GroupMemberView {
    IpAddress address;
    std::string attachment;
    unsigned weight = 1;
    bool alive = false;
    std::string reason;    // why not alive: "link down", "neighbour incomplete"
    unsigned buckets = 0;  // of the group's, that name this member now
};

struct GroupView {
    GroupId id;
    std::string vrf;
    std::uint64_t routes = 0;  // that point here
    unsigned buckets = 0;
    std::vector<GroupMemberView> members;
};

// How a destination leaves: the longest match, and what it leads to.
struct RouteMatch {
    std::optional<RouteView> route;  // none: nothing matches
    std::optional<GroupView> group;  // none: the route has no next hops
};

struct VrfView {
    std::string name;
    VrfId id;
    std::uint64_t routes = 0;
    std::uint64_t attachments = 0;
};

enum class FeedState : std::uint8_t {
    kAway,       // no zebra is connected; what it told stays
    kReplaying,  // it tells everything; what it does not repeat is yet to be removed
    kSettled,
};

// An FPM listener, and what its zebra has told.
struct FpmView {
    std::string name;
    std::string network_namespace;  // empty: the daemon's own
    IpAddress address;
    unsigned port = 0;
    FeedState state = FeedState::kAway;
    std::uint64_t routes = 0;
    std::uint64_t next_hops = 0;  // next-hop objects
    std::vector<FpmTable> tables;
    std::vector<ReasonCount> events;  // every row, also those at zero
};

struct StageView {
    WorkerId worker;
    std::string name;
    std::uint64_t packets = 0;  // that entered it
    std::uint64_t calls = 0;    // bursts
    std::uint64_t cycles = 0;   // TSC
};

struct WorkerView {
    WorkerId id;
    unsigned core = 0;
    std::uint64_t turns = 0;
    std::uint64_t busy_turns = 0;  // with at least one packet
    std::uint64_t packets = 0;
    std::uint64_t handed_over = 0;  // received by another worker
    std::uint64_t punts_lost = 0;   // the ring to the control thread was full
};

// How much of a maximum (base/limits.h, or the configuration's) is taken.
struct LimitUse {
    std::string_view name;
    std::uint64_t used = 0;
    std::uint64_t max = 0;
    std::optional<std::uint64_t> refused{};  // routes for which there was no room; of those limits
};

// Which build of a function the processor got: {"fib lookup", "avx512"}.
struct Kernel {
    std::string_view function;
    std::string_view variant;
};

struct DaemonStatus {
    std::string version;
    std::uint64_t uptime_seconds = 0;
    std::string cpu;
    std::uint64_t tsc_hz = 0;
    std::vector<Kernel> kernels;
    std::uint64_t circuits = 0;
    std::uint64_t attachments = 0;
    std::uint64_t attachments_up = 0;
    std::uint64_t routes = 0;
    std::uint64_t acl_log_skipped = 0;  // lines that the log of rules does not have
    std::vector<WorkerView> workers;
    std::vector<LimitUse> limits;
};

}  // namespace causeway
