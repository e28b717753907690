// SPDX-License-Identifier: Apache-2.0
//
// Router: the control thread's whole state, and what ties it together: configuration to tables,
// events of links to next hops, punted packets to the slow path, questions of the control socket to
// answers.
//
// Thread safety: control thread only. What the workers see of it: Tables (published), Fib4,
// Fib6 and NextHops (in place).
//
// The parts of this class are in files of their own:
//   router.cc         start, turns, timers, links
//   commit.cc  Config -> attachments, routes, tables
//   change.cc  what operators change without a new configuration
//   drain.cc   links that are to be emptied, and how attractive each is
//   router_show*.cc   what they look at
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "control/api/event_loop.h"
#include "control/api/router_api.h"
#include "control/bfd/runner.h"
#include "control/bfddp/bfddp_client.h"
#include "control/config/config.h"
#include "control/frr/frr_config.h"
#include "control/frr/frr_teller.h"
#include "control/host/host_frames.h"
#include "control/host/taps.h"
#include "control/links/link_monitor.h"
#include "control/policy/acl_log_writer.h"
#include "control/policy/policy_tables.h"
#include "control/router/attachments.h"
#include "control/router/bfd_watch.h"
#include "control/router/bfdd_host.h"
#include "control/router/names_show.h"
#include "control/router/nat.h"
#include "control/router/plan.h"
#include "control/router/recursions.h"
#include "control/router/ribs.h"
#include "control/router/route_feeds.h"
#include "control/router/routes.h"
#include "control/router/steer_targets.h"
#include "control/router/ways.h"
#include "control/slow_path/neighbours.h"
#include "control/slow_path/slow_path.h"
#include "control/slow_path/transmitter.h"
#include "dataplane/forwarder.h"
#include "dataplane/published.h"
#include "dataplane/punt_police.h"
#include "dataplane/tables.h"
#include "fib/fib4.h"
#include "fib/fib6.h"
#include "fib/next_hops.h"
#include "fib/rib.h"

namespace causeway {

// Sends by the hand of a worker.
class ForwarderTransmitter final : public Transmitter {
  public:
    explicit ForwarderTransmitter(Forwarder& forwarder) : forwarder_(forwarder) {}
    [[nodiscard]] std::optional<Packet> make_packet() override;
    [[nodiscard]] rte_mempool* pool() noexcept override { return forwarder_.pool(); }
    bool send(Packet frame, const Attachment& out) override;

  private:
    Forwarder& forwarder_;
};

class Router final : public RouterApi {
  public:
    // Opens the ports of the configuration, commits it, and starts the workers. `loop` must outlive
    // the router.
    [[nodiscard]] static Result<std::unique_ptr<Router>> start(const Config& config,
                                                               EventLoop& loop);
    ~Router() override;

    [[nodiscard]] DaemonStatus status() override;
    [[nodiscard]] std::vector<PortView> ports() override;
    [[nodiscard]] std::vector<StageView> stages() override;
    [[nodiscard]] std::vector<FpmView> fpm_listeners() override { return feeds_->views(); }
    [[nodiscard]] Page<VrfView, std::string> vrfs(const PageRequest<std::string>&) override;
    [[nodiscard]] Page<CircuitView, std::string> circuits(const PageRequest<std::string>&) override;
    [[nodiscard]] Page<AttachmentView, std::string> attachments(
        const PageRequest<std::string>&) override;
    [[nodiscard]] Page<CountersView, std::string> counters(
        const PageRequest<std::string>&) override;
    [[nodiscard]] Result<CircuitView> circuit(std::string_view name_or_key) override;
    [[nodiscard]] Result<AttachmentView> attachment(std::string_view name) override;
    [[nodiscard]] Result<CountersView> counters_of(std::string_view name) override;
    [[nodiscard]] Result<Page<NeighbourView, NeighbourCursor>> neighbours(
        const std::optional<std::string>& attachment, const PageRequest<NeighbourCursor>&) override;
    [[nodiscard]] Result<Page<BfdView, NeighbourCursor>> bfd_sessions(
        const std::optional<std::string>& attachment, const PageRequest<NeighbourCursor>&) override;
    [[nodiscard]] Result<Page<RouteView, RouteCursor>> routes(
        const RouteFilter&, const PageRequest<RouteCursor>&) override;
    [[nodiscard]] Result<RouteMatch> match(std::string_view vrf, const IpAddress&) override;
    [[nodiscard]] Page<GroupView, GroupId> groups(const PageRequest<GroupId>&) override;
    [[nodiscard]] Result<std::vector<ReasonCount>> drops(
        const std::optional<std::string>& owner) override;
    [[nodiscard]] Page<AclView, std::string> acls(const PageRequest<std::string>&) override;
    [[nodiscard]] Result<Page<AclRuleView, std::size_t>> acl_rules(
        std::string_view acl, const PageRequest<std::size_t>&) override;
    [[nodiscard]] Result<AclExplanationView> explain_acl(
        std::string_view acl, const AclPacket& packet,
        const std::optional<std::string>& vrf) override;
    [[nodiscard]] Page<PolicerView, std::string> policers(const PageRequest<std::string>&) override;
    [[nodiscard]] Result<std::vector<PuntView>> punts(
        const std::optional<std::string>& attachment) override;
    [[nodiscard]] Page<PeakView, std::string> peaks(const PageRequest<std::string>&) override;
    void reset_peaks() override;
    [[nodiscard]] Result<RouteOutcome> change_routes(const RouteBatch&) override;
    [[nodiscard]] Result<std::uint64_t> begin_sync(std::string_view vrf) override;
    [[nodiscard]] Result<RouteSweep> end_sync(std::string_view vrf, std::uint64_t sync,
                                              const std::optional<IpPrefix>& after) override;
    [[nodiscard]] Result<AdminOutcome> set_admin(const AdminTarget&, AdminStatus) override;
    [[nodiscard]] Result<AdminOutcome> drain(const LinkTarget&, std::uint64_t seconds) override;
    [[nodiscard]] Result<AdminOutcome> undrain(const LinkTarget&) override;
    [[nodiscard]] NatApi& nat() override { return *nat_; }
    [[nodiscard]] NamesApi& names() override { return *names_show_; }
    [[nodiscard]] std::string config_yaml(Secrets secrets) override;
    [[nodiscard]] ConfigOutcome apply_config(std::string_view yaml, ApplyMode) override;

  private:
    struct PortRuntime {
        AdminStatus admin = AdminStatus::kUp;
        bool has_link = false;
    };
    struct RowTotals {
        std::uint64_t rx_packets = 0, rx_bytes = 0, tx_packets = 0, tx_bytes = 0;
        std::uint64_t forwarded = 0, injected = 0;
        std::array<std::uint64_t, kExitCount> exits{};
    };
    // Whose a row of the counters is. A worker may count on it until it has seen the attachment go,
    // so a lease ends only when the row is let again; what was counted before is in `baseline`.
    struct RowLease {
        PortId port;
        RowTotals baseline;
    };

    // A link that is being emptied.
    struct Drain {
        std::uint64_t give_up_ns = 0;
        std::uint64_t quiet_since_ns = 0;
        std::uint64_t transit = 0;  // packets that had used it by then
    };

    Router(const Config& config, EventLoop& loop, std::unique_ptr<Forwarder> forwarder,
           LinkMonitor monitor);

    // router.cc
    [[nodiscard]] static std::uint64_t now_ns();
    Status wire_up();
    void turn();
    void hear_answer(Packet packet, std::uint64_t now);
    void wire_up_policy();
    void wire_up_host();
    void poll_links();
    void link_changed(const LinkChange& change);
    void set_port_link(PortId port, OperStatus status);
    void bfd_changed(const BfdSessionStatus& status);
    Status connect_bfdd(const std::string& path);
    void wire_up_bfd();
    void wire_up_frr();
    // Has bgpd look at its limits where a VRF has more routes than one session may tell.
    void watch_limits();
    [[nodiscard]] Port* find_port(std::string_view name);

    // commit.cc
    Status commit(const Config& config);
    // What rules are to do, once their targets exist.
    Status adopt_policy(const Config& config);
    Status install(const Plan& plan);
    Status install_attachment(const PlannedAttachment& planned);
    void install_inside(const PlannedAttachment& planned);
    // Its TAP, or none, as planned.
    Status install_tap(const PlannedAttachment& planned);
    // The routes of its subnet and of our address, and its peer where it has one.
    template <class Address>
    Status install_interface(const Attachment& attachment, const IpInterface<Address>& interface);
    template <class Address>
    void remove_interface(const Attachment& attachment, const IpInterface<Address>& interface);
    void lease_row(AttachmentId row, PortId port);
    void remove_attachment(const std::string& name);
    Status install_routes(const Plan& plan);
    void remove_route(const RoutePlace& place);
    [[nodiscard]] Result<VrfId> open_vrf(const std::string& name);
    void close_vrf(VrfId vrf);
    [[nodiscard]] Exit closed_now(const PlannedAttachment& planned) const;
    void update_attachment_state(const PlannedAttachment& planned);
    void publish();
    // What a rule's row says, over all workers.
    [[nodiscard]] RuleTotals rule_totals(RuleCounterId row) const;
    // Of one attachment and direction, with what its last packets have not handed over yet.
    [[nodiscard]] Peak::Bytes peak_of(AttachmentId row, Peak PeakPair::*direction) const;
    void feed_tag_filters();
    [[nodiscard]] std::vector<ConfigError> errors_against_ports(const Config& config) const;
    [[nodiscard]] static std::vector<ConfigChange> difference(const Config& from, const Config& to);

    // change.cc
    [[nodiscard]] Result<AdminOutcome> set_port_admin(const PortTarget& target, AdminStatus status);

    // drain.cc
    [[nodiscard]] Result<std::vector<const PlannedAttachment*>> meant(const LinkTarget& target);
    [[nodiscard]] DrainState drain_state(const std::string& attachment) const;
    void tick_drains();
    // Packets of others that came or left by it.
    [[nodiscard]] std::uint64_t transit_of(AttachmentId attachment) const;
    void update_appeals();
    [[nodiscard]] Appeal appeal(std::string_view attachment) const;
    [[nodiscard]] std::map<VrfId, bool> cores() const;  // whether any core of the VRF is alive
    [[nodiscard]] bool is_core_alive(const Attachment& core) const;

    // show.cc
    [[nodiscard]] RowTotals totals_of(AttachmentId row) const;
    [[nodiscard]] static RowTotals since(const RowTotals& now, const RowTotals& then);
    [[nodiscard]] CountersView counters_view(std::string name, AttachmentId row) const;
    // Of the frames that no attachment claimed: the port's all, less its attachments'.
    [[nodiscard]] CountersView unclaimed_view(const Port& port) const;
    [[nodiscard]] CircuitView circuit_view(const CircuitConfig& circuit) const;
    [[nodiscard]] PeeringView peering_view(const CircuitConfig& circuit,
                                           const PeeringConfig& peering) const;
    [[nodiscard]] AttachmentView attachment_view(const Attachment& attachment) const;
    [[nodiscard]] PortView port_view(Port& port);
    // What groups come to, while a page is made: many of its routes share one.
    using HopCache = std::map<GroupId, std::vector<RouteHopView>>;
    [[nodiscard]] RouteView route_view(const std::string& vrf, const IpRoute& route,
                                       HopCache& hops) const;
    [[nodiscard]] std::vector<RouteHopView> hop_views(GroupId group) const;
    [[nodiscard]] GroupView group_view(GroupId id) const;
    [[nodiscard]] NeighbourView neighbour_view(const NeighbourKey& key,
                                               const Neighbour& neighbour) const;
    [[nodiscard]] std::optional<VrfId> find_vrf(std::string_view name) const;
    [[nodiscard]] Result<VrfId> require_vrf(std::string_view name) const;

    EventLoop& loop_;
    Config config_;
    Plan installed_;  // of the configuration, as it stands in the tables now
    std::uint64_t started_ns_;
    std::unique_ptr<Nat> nat_;  // outlives the workers
    PuntPolice punt_police_;    // outlives the workers
    std::unique_ptr<Forwarder> forwarder_;
    LinkMonitor monitor_;
    Quiescence quiescence_;
    Published<Tables> tables_{quiescence_};
    std::unique_ptr<NextHops> next_hops_;
    std::unique_ptr<Fib4> fib_;
    std::unique_ptr<Rib4> rib_;
    std::unique_ptr<Fib6> fib6_;
    std::unique_ptr<Rib6> rib6_;
    std::unique_ptr<Ribs> ribs_;
    ForwarderTransmitter transmitter_;
    SlowCounters slow_counters_;
    Attachments attachments_;
    std::unique_ptr<Neighbours> neighbours_;
    std::unique_ptr<Recursions> recursions_;
    std::unique_ptr<Ways> ways_;
    std::unique_ptr<Routes> routes_;
    std::unique_ptr<SteerTargets> targets_;
    std::unique_ptr<RouteFeeds> feeds_;
    std::unique_ptr<SlowPath> slow_path_;
    std::unique_ptr<PolicyTables> policy_;
    std::unique_ptr<NamesShow> names_show_;
    AclLogWriter policy_log_;
    std::unique_ptr<Taps> taps_;
    std::unique_ptr<HostFrames> host_frames_;
    std::map<std::string, VrfId, std::less<>> vrfs_;
    // A VRF's id rests until no worker can hold tables that name it: else a packet of the old
    // customer could be looked up among the routes of the new one.
    std::vector<VrfId> closing_vrfs_;  // gone from the RIB, but not yet from published tables
    std::vector<std::pair<std::uint64_t, VrfId>> resting_vrfs_;  // with their grace periods
    std::vector<PortRuntime> port_states_;
    std::map<std::string, AdminStatus, std::less<>> overrides_;  // attachments, by an operator
    std::map<AttachmentId, RowLease> leases_;
    std::vector<RowTotals> settled_;  // by port: what ended leases received
    std::unique_ptr<BfdRunner> bfd_runner_;
    std::unique_ptr<BfdWatch> bfd_;
    // Of bfdd, where the configuration has it.
    BfddpCounters bfddp_counters_;
    std::unique_ptr<BfddHost> bfdd_host_;
    std::unique_ptr<BfddpSessionMap> bfdd_sessions_;
    std::unique_ptr<BfddpClient> bfdd_;
    std::map<std::string, Drain, std::less<>> drains_;
    std::set<std::string, std::less<>> drained_;
    LinkAppeals appeals_;                                     // other than normal
    std::uint64_t drain_edits_ = 0;                           // of both
    std::pair<std::uint64_t, std::uint64_t> appeals_seen_{};  // what they were made of
    std::unique_ptr<FrrTeller> frr_;
    std::map<std::string, std::size_t> limits_checked_;  // by VRF: at how many routes
    std::vector<EventLoop::TimerId> timers_;
    std::optional<EventLoop::TurnId> turn_;
};

}  // namespace causeway
