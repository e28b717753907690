// SPDX-License-Identifier: Apache-2.0
//
// RouterApi: everything the control socket can ask of the router, in the operator's words. There is
// no JSON here and no table of the data plane: methods.h turns these values into answers, the
// router fills them from what it owns, tests put a fake in its place.
//
// Thread safety: control thread only. No call may block; lists are paged so that none takes long.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "base/types.h"
#include "control/config.h"

namespace causeway {

// What the router shows. Plain values, copied out, so nothing here outlives its table.
namespace view {

enum class AdminState : std::uint8_t { kDown, kUp };
enum class OperState : std::uint8_t { kDown, kUp };

struct Traffic {
    std::uint64_t packets = 0;
    std::uint64_t bytes = 0;  // of whole frames, tags included, without the frame check sequence
};

// One row of the table of exits: how many packets ended this way. Names and meanings are literals.
struct ReasonCount {
    std::string_view name;     // "ttl_expired"
    std::string_view meaning;  // "TTL was 1 or 0 on arrival"
    std::uint64_t packets = 0;
};

// Invariant: rx.packets == forwarded + sum(drops) + sum(punts), once the burst in flight is done.
struct Counters {
    std::string owner;  // an attachment's name, or a port's for frames that no attachment claims
    Traffic rx;
    Traffic tx;
    std::uint64_t forwarded = 0;     // of those received here, left on some attachment
    std::vector<ReasonCount> drops;  // rows that are zero may be left out
    std::vector<ReasonCount> punts;
};

// One leg of one peering, or a core attachment.
struct Attachment {
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
    unsigned mtu = 0;  // bytes of layer 3
    AdminState admin = AdminState::kUp;
    OperState oper = OperState::kDown;
    std::string reason;  // why it is down: "port down", "circuit not provisioned"; or empty
    Counters counters;
};

struct Peering {
    PeeringType type = PeeringType::kPrivate;
    bool enabled = true;
    VlanId c_tag = *VlanId::from(1);
    std::optional<Ipv4Prefix> primary_subnet;
    std::optional<Ipv4Prefix> secondary_subnet;
    std::uint32_t peer_asn = 0;
    std::string vrf;
    // Names of attachments; empty where the leg is not configured or not attached.
    std::string primary_attachment;
    std::string secondary_attachment;
    OperState primary = OperState::kDown;
    OperState secondary = OperState::kDown;
};

struct CircuitLeg {
    Link link = Link::kPrimary;
    std::string port;
    std::optional<VlanId> s_tag;
    AdminState admin = AdminState::kUp;
    OperState port_state = OperState::kDown;
};

struct Circuit {
    std::string service_key;
    std::string name;
    std::uint64_t bandwidth_bps = 0;
    CircuitStatus status = CircuitStatus::kEnabled;
    ProviderState provider_state = ProviderState::kNotProvisioned;
    std::vector<CircuitLeg> legs;
    std::vector<Peering> peerings;
};

// What the XDP program of a kernel interface did with the frames it saw.
struct TagFilter {
    std::uint64_t forwarded = 0;  // provisioned tags: sent to the forwarder
    std::uint64_t kernel = 0;     // everything else: left to the kernel
    std::uint64_t failed = 0;     // provisioned, but no socket took it
};

struct Port {
    std::string name;
    PortId id;
    std::string device;  // as configured
    std::string driver;  // "net_af_xdp"
    PortRole role = PortRole::kEdge;
    MacAddress mac;
    AdminState admin = AdminState::kUp;
    OperState link = OperState::kDown;
    std::uint64_t speed_mbps = 0;  // 0: the device does not say
    unsigned mtu = 0;
    unsigned queues = 0;
    Traffic rx;
    Traffic tx;
    std::uint64_t rx_missed = 0;  // the device had no descriptor or buffer left
    std::uint64_t rx_errors = 0;
    std::uint64_t tx_errors = 0;
    std::vector<ReasonCount> drops;  // frames that no attachment claimed
    std::optional<TagFilter> tag_filter;
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

struct Neighbour {
    std::string attachment;
    Ipv4Address address;
    std::optional<MacAddress> mac;  // none while incomplete
    NeighbourState state = NeighbourState::kIncomplete;
    std::uint64_t age_seconds = 0;                // since last confirmed; 0 for our own
    NeighbourSide side = NeighbourSide::kOnPrem;  // neighbours on core attachments: kMicrosoft
};

enum class RouteSource : std::uint8_t {
    kConnected,  // the subnet of an attachment, and our address in it
    kPeering,    // prefixes that the configuration puts behind a peering
    kStatic,     // routes of the configuration
    kApi,        // added over the control socket
};

struct RouteHop {
    Ipv4Address address;
    unsigned weight = 1;
    std::string attachment;
    bool alive = false;  // takes its share of the flows now
};

struct Route {
    std::string vrf;
    Ipv4Prefix prefix;
    RouteSource source = RouteSource::kStatic;
    RouteAction action = RouteAction::kForward;
    bool selected = true;  // false: a preferred source has the same prefix
    bool local = false;    // ends at the router itself
    GroupId group;
    std::vector<RouteHop> via;
};

struct GroupMember {
    Ipv4Address address;
    std::string attachment;
    unsigned weight = 1;
    bool alive = false;
    std::string reason;    // why not alive: "link down", "neighbour incomplete"
    unsigned buckets = 0;  // of the group's, that name this member now
};

struct Group {
    GroupId id;
    std::string vrf;
    std::uint64_t routes = 0;  // that point here
    unsigned buckets = 0;
    std::vector<GroupMember> members;
};

// How a destination leaves: the longest match, and what it leads to.
struct RouteMatch {
    std::optional<Route> route;  // none: nothing matches
    std::optional<Group> group;  // none: the route has no next hops
};

struct Vrf {
    std::string name;
    VrfId id;
    std::uint64_t routes = 0;
    std::uint64_t attachments = 0;
};

struct Stage {
    WorkerId worker;
    std::string name;
    std::uint64_t packets = 0;  // that entered it
    std::uint64_t calls = 0;    // bursts
    std::uint64_t cycles = 0;   // TSC
};

struct Worker {
    WorkerId id;
    unsigned core = 0;
    std::uint64_t turns = 0;
    std::uint64_t busy_turns = 0;  // with at least one packet
    std::uint64_t packets = 0;
    std::uint64_t punts_lost = 0;  // the ring to the control thread was full
};

// How much of a maximum (base/limits.h, or the configuration's) is taken.
struct LimitUse {
    std::string_view name;
    std::uint64_t used = 0;
    std::uint64_t max = 0;
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
    std::vector<Worker> workers;
    std::vector<LimitUse> limits;
};

}  // namespace view

// The part of a list that follows `after`, at most `limit` of it. Lists are ordered by their key,
// so a cursor stays meaningful while rows come and go.
template <class Cursor>
struct PageRequest {
    std::optional<Cursor> after;
    std::size_t limit = 0;  // at least 1
};

template <class Row, class Cursor>
struct Page {
    std::vector<Row> items;
    std::optional<Cursor> next;  // the last item's key; none at the end of the list
};

struct NeighbourCursor {
    std::string attachment;
    Ipv4Address address;
    friend auto operator<=>(const NeighbourCursor&, const NeighbourCursor&) = default;
};

struct RouteCursor {
    std::string vrf;
    Ipv4Prefix prefix;
    view::RouteSource source = view::RouteSource::kConnected;
    friend auto operator<=>(const RouteCursor&, const RouteCursor&) = default;
};

// What callers ask for.
namespace request {

struct RouteFilter {
    std::optional<std::string> vrf;
    std::optional<view::RouteSource> source;
    std::optional<Ipv4Prefix> within;  // this prefix and those it covers
};

enum class RouteOperation : std::uint8_t {
    kAdd,      // refused where the source has the prefix already
    kReplace,  // adds, or takes the place of what the source has
    kDelete,   // refused where the source does not have it
};

// One change of a batch. Its next hops are batch.via[via_first, via_first + via_count): one pool
// for the whole batch, because a vector for each of a million routes is a million allocations.
struct RouteChange {
    RouteOperation operation = RouteOperation::kAdd;
    RouteAction action = RouteAction::kForward;
    Ipv4Prefix prefix;
    std::uint32_t via_first = 0;
    std::uint32_t via_count = 0;  // 0 unless kForward and not kDelete
};

// Changes of the routes of source kApi in one VRF, all or none, in their order.
struct RouteBatch {
    std::string vrf;
    std::vector<RouteChange> changes;
    std::vector<RouteNextHop> via;

    [[nodiscard]] std::span<const RouteNextHop> via_of(const RouteChange& change) const {
        return std::span(via).subspan(change.via_first, change.via_count);
    }
};

// The named link of every circuit, or of the one whose name or service key is given.
struct LinkTarget {
    Link link = Link::kPrimary;
    std::optional<std::string> circuit;
};
struct AttachmentTarget {
    std::string name;
};
struct PortTarget {
    std::string name;
};
using AdminTarget = std::variant<LinkTarget, AttachmentTarget, PortTarget>;

enum class ApplyMode : std::uint8_t { kValidate, kCommit };

}  // namespace request

struct RouteFailure {
    std::size_t index = 0;  // in RouteBatch::changes
    Error error;            // field, where set, is relative to the change: "via[0]", "prefix"
};

// Nothing was changed unless `failures` is empty.
struct RouteOutcome {
    std::size_t added = 0;
    std::size_t replaced = 0;
    std::size_t deleted = 0;
    std::vector<RouteFailure> failures;  // at most kRouteFailuresMax, in the batch's order
};
inline constexpr std::size_t kRouteFailuresMax = 32;

struct AdminOutcome {
    std::vector<std::string> changed;  // names of attachments (or the port) whose state moved
};

struct ConfigChange {
    enum class Kind : std::uint8_t { kAdded, kRemoved, kChanged };
    Kind kind = Kind::kChanged;
    std::string subject;  // "circuit contoso", "route contoso 10.8.0.0/16"
    std::string detail;   // "bandwidth 1 Gbps -> 2 Gbps"; may be empty
};

// Either errors, and nothing was touched, or the difference that was (or would be) made.
struct ConfigOutcome {
    std::vector<ConfigError> errors;
    std::vector<ConfigChange> changes;
};

class RouterApi {
  public:
    virtual ~RouterApi() = default;

    [[nodiscard]] virtual view::DaemonStatus status() = 0;
    [[nodiscard]] virtual std::vector<view::Port> ports() = 0;
    [[nodiscard]] virtual std::vector<view::Stage> stages() = 0;

    // Cursors of the next three: the row's name.
    [[nodiscard]] virtual Page<view::Vrf, std::string> vrfs(const PageRequest<std::string>&) = 0;
    [[nodiscard]] virtual Page<view::Circuit, std::string> circuits(
        const PageRequest<std::string>&) = 0;
    [[nodiscard]] virtual Page<view::Attachment, std::string> attachments(
        const PageRequest<std::string>&) = 0;
    [[nodiscard]] virtual Result<view::Circuit> circuit(std::string_view name_or_key) = 0;
    [[nodiscard]] virtual Result<view::Attachment> attachment(std::string_view name) = 0;

    // Of one attachment, or of all.
    [[nodiscard]] virtual Result<Page<view::Neighbour, NeighbourCursor>> neighbours(
        const std::optional<std::string>& attachment, const PageRequest<NeighbourCursor>&) = 0;

    [[nodiscard]] virtual Result<Page<view::Route, RouteCursor>> routes(
        const request::RouteFilter&, const PageRequest<RouteCursor>&) = 0;
    [[nodiscard]] virtual Result<view::RouteMatch> match(std::string_view vrf, Ipv4Address) = 0;
    [[nodiscard]] virtual Page<view::Group, GroupId> groups(const PageRequest<GroupId>&) = 0;

    // Every reason there is, also those at zero: of one attachment or port, or of the whole router.
    [[nodiscard]] virtual Result<std::vector<view::ReasonCount>> drops(
        const std::optional<std::string>& owner) = 0;

    // kNotFound: no such VRF. What is wrong with single changes stands in the outcome.
    [[nodiscard]] virtual Result<RouteOutcome> change_routes(const request::RouteBatch&) = 0;
    [[nodiscard]] virtual Result<AdminOutcome> set_admin(const request::AdminTarget&,
                                                         view::AdminState) = 0;

    [[nodiscard]] virtual std::string config_yaml() = 0;  // the running configuration
    [[nodiscard]] virtual ConfigOutcome apply_config(std::string_view yaml, request::ApplyMode) = 0;
};

}  // namespace causeway
