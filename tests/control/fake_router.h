// SPDX-License-Identifier: Apache-2.0
//
// FakeRouter: two circuits, four attachments, and real static routes in a map.
// What the tests of the control socket put in the router's place.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "control/api/router_api.h"

namespace causeway {

// Three sessions, which clear() ends one a call, and whatever is asked of the rest.
// One set, with a rule that speaks of it, and two addresses.
class FakeNames final : public NamesApi {
  public:
    Page<NameSetView, std::string> sets(const PageRequest<std::string>&) override;
    std::vector<NameRuleView> rules() override;
    Result<Page<LearnedAddressView, LearnedCursor>> addresses(
        const std::optional<std::string>& vrf, const PageRequest<LearnedCursor>&) override;
    std::vector<NameCount> counts() override;
};

class FakeNat final : public NatApi {
  public:
    FakeNat();

    std::vector<NatSessionView> flows;
    NatFilter asked;  // last

    NatStatusView status() override;
    std::vector<NatPoolView> pools() override;
    Result<NatPage<NatSessionView>> sessions(const NatFilter&, const NatPageRequest&) override;
    Result<NatPage<NatMappingView>> mappings(const NatFilter&, const NatPageRequest&) override;
    Result<NatPage<NatHostView>> hosts(const NatFilter&, const NatPageRequest&) override;
    Result<NatCleared> clear(const NatFilter&, NatCursor after) override;
};

class FakeRouter final : public RouterApi {
  public:
    FakeRouter();

    // What a test may look at, or prepare.
    struct StaticRoute {
        RouteAction action = RouteAction::kForward;
        std::vector<RouteNextHop> via;
    };
    using RouteTable = std::map<IpPrefix, StaticRoute>;
    std::map<std::string, RouteTable, std::less<>> tables;  // by VRF
    std::map<std::string, AttachmentView, std::less<>> legs;
    std::vector<ConfigError> config_errors;  // what apply_config() answers
    std::string applied_yaml;
    unsigned peak_resets = 0;
    std::optional<AclPacket> explained;  // the last packet that was asked for
    std::set<IpPrefix> stale;            // of the VRF that is synced
    std::uint64_t syncs = 0;
    std::size_t neighbours_total = 5;
    std::uint64_t drain_seconds = 0;  // of the last drain()
    unsigned status_calls = 0;
    FakeNat fake_nat;
    FakeNames fake_names;

    DaemonStatus status() override;
    std::vector<PortView> ports() override;
    std::vector<StageView> stages() override;
    std::vector<FpmView> fpm_listeners() override;
    Page<VrfView, std::string> vrfs(const PageRequest<std::string>&) override;
    Page<CircuitView, std::string> circuits(const PageRequest<std::string>&) override;
    Page<AttachmentView, std::string> attachments(const PageRequest<std::string>&) override;
    Page<CountersView, std::string> counters(const PageRequest<std::string>&) override;
    Result<CircuitView> circuit(std::string_view name_or_key) override;
    Result<AttachmentView> attachment(std::string_view name) override;
    Result<CountersView> counters_of(std::string_view name) override;
    Result<Page<NeighbourView, NeighbourCursor>> neighbours(
        const std::optional<std::string>& attachment, const PageRequest<NeighbourCursor>&) override;
    Result<Page<BfdView, NeighbourCursor>> bfd_sessions(
        const std::optional<std::string>& attachment, const PageRequest<NeighbourCursor>&) override;
    Result<Page<RouteView, RouteCursor>> routes(const RouteFilter&,
                                                const PageRequest<RouteCursor>&) override;
    Result<RouteMatch> match(std::string_view vrf, const IpAddress&) override;
    Page<GroupView, GroupId> groups(const PageRequest<GroupId>&) override;
    Result<std::vector<ReasonCount>> drops(const std::optional<std::string>& owner) override;
    Page<AclView, std::string> acls(const PageRequest<std::string>&) override;
    Result<Page<AclRuleView, std::size_t>> acl_rules(std::string_view acl,
                                                     const PageRequest<std::size_t>&) override;
    Result<AclExplanationView> explain_acl(std::string_view acl, const AclPacket& packet,
                                           const std::optional<std::string>& vrf) override;
    Page<PolicerView, std::string> policers(const PageRequest<std::string>&) override;
    Result<std::vector<PuntView>> punts(const std::optional<std::string>& attachment) override;
    Page<PeakView, std::string> peaks(const PageRequest<std::string>&) override;
    void reset_peaks() override { ++peak_resets; }
    Result<RouteOutcome> change_routes(const RouteBatch&) override;
    Result<std::uint64_t> begin_sync(std::string_view vrf) override;
    Result<RouteSweep> end_sync(std::string_view vrf, std::uint64_t sync,
                                const std::optional<IpPrefix>& after) override;
    Result<AdminOutcome> set_admin(const AdminTarget&, AdminStatus) override;
    NatApi& nat() override { return fake_nat; }
    NamesApi& names() override { return fake_names; }
    Result<AdminOutcome> drain(const LinkTarget&, std::uint64_t seconds) override;
    Result<AdminOutcome> undrain(const LinkTarget&) override;
    std::string config_yaml(Secrets secrets) override;
    ConfigOutcome apply_config(std::string_view yaml, ApplyMode) override;
};

}  // namespace causeway
