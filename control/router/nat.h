// SPDX-License-Identifier: Apache-2.0
//
// Nat: the NATs of the configuration: brings pools to what a plan says while their sessions live,
// says what the walk must know of them, and answers questions about them.
//
// A pool that grows has its new addresses at once. An address that goes lends no more ports, and is
// gone when its last session is. Where a whole pool goes, nobody could reach its sessions any more:
// they are ended, some each tick.
//
// Thread safety: control thread only. What workers see of it: NatTables (published), and the
// engine's own parts (in place).
//
// nat.cc has what changes, nat_show.cc what is looked at.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "control/api/nat_api.h"
#include "control/nat_log/log_writer.h"
#include "control/router/plan.h"
#include "dataplane/forwarder.h"
#include "dataplane/nat_engine.h"
#include "dataplane/nat_tables.h"

namespace causeway {

class Nat final : public NatApi {
  public:
    explicit Nat(Forwarder& forwarder) : forwarder_(forwarder) {}

    // Makes the pools what the plan says. On an error, with the path of its field, they may be
    // partly so; installing the plan before brings them back.
    [[nodiscard]] Status install(const Plan& plan, const NatLimits& limits);

    // By name: a VRF's or an attachment's number.
    struct Numbers {
        std::function<VrfId(const std::string&)> vrf;
        std::function<AttachmentId(const std::string&)> attachment;
    };
    // For the tables of the plan that was installed last; null as long as there never was a NAT.
    [[nodiscard]] std::unique_ptr<const NatTables> tables(const Numbers& numbers) const;

    // Every now and then: the clock, addresses that are drained, and alarms.
    void tick(std::uint64_t now_ns);

    [[nodiscard]] NatStatusView status() override;
    [[nodiscard]] std::vector<NatPoolView> pools() override;
    [[nodiscard]] Result<NatPage<NatSessionView>> sessions(const NatFilter&,
                                                           const NatPageRequest&) override;
    [[nodiscard]] Result<NatPage<NatMappingView>> mappings(const NatFilter&,
                                                           const NatPageRequest&) override;
    [[nodiscard]] Result<NatPage<NatHostView>> hosts(const NatFilter&,
                                                     const NatPageRequest&) override;
    [[nodiscard]] Result<NatCleared> clear(const NatFilter&, NatCursor after) override;

  private:
    struct Pool {
        NatPoolId id;
        std::set<Ipv4Address> active;
        std::map<Ipv4Address, std::uint64_t> draining;  // since which second
        std::set<Endpoint> reserved;                    // ports of static mappings
        bool is_going = false;                          // the plan has it no more
        bool is_alarmed = false;
        NatCursor cleared_to = 0;  // of a pool that goes
    };

    // Of new flows, by all workers.
    struct Flows {
        std::uint64_t created = 0;
        std::uint64_t refused = 0;
    };

    Status start(const NatLimits& limits);
    Status start_log(const NatLogConfig& log);
    Status open_saved(const std::string& path);
    // What an earlier daemon left, once all pools of the first plan are there. No worker knows of
    // the engine before that.
    Status take_over();
    Status install_pool(const std::string& name, const PlannedNat& planned);
    Status bring_addresses(const std::string& name, Pool& pool,
                           const std::set<Ipv4Address>& wanted);
    Status reserve(Pool& pool, const PlannedNat& planned);
    [[nodiscard]] Result<NatPoolId> free_id() const;
    void remove_drained(Pool& pool);
    void watch(const std::string& name, Pool& pool);
    void watch_tables();
    [[nodiscard]] Flows flows() const;
    [[nodiscard]] std::vector<NatTableView> tables_now() const;

    // nat_show.cc
    [[nodiscard]] Result<std::optional<NatPoolId>> pool_of(const NatFilter& filter) const;
    [[nodiscard]] std::string name_of(NatPoolId pool) const;
    // Calls visit(worker, number, reading) for sessions of the filter behind `after`, until it is
    // false or enough of the table is looked through. Where that was; nothing: at the end.
    template <class Visit>
    [[nodiscard]] std::optional<NatCursor> scan(const NatFilter& filter,
                                                std::optional<NatPoolId> pool, NatCursor after,
                                                Visit&& visit);
    [[nodiscard]] std::optional<NatCursor> scan_mappings(const NatFilter& filter,
                                                         std::optional<NatPoolId> pool,
                                                         const NatPageRequest& request,
                                                         NatPage<NatMappingView>& page) const;

    Forwarder& forwarder_;
    std::unique_ptr<NatEngine> engine_;
    std::unique_ptr<NatLogWriter> log_;  // may be none; ends before the rings, which are engine_'s
    bool is_taken_over_ = false;
    std::optional<SavedSessions> saved_;  // until they are taken over
    std::map<std::string, PlannedNat> planned_;
    std::map<std::string, Pool> pools_;
    std::deque<Flows> flows_;           // until the end of each of the last seconds
    std::vector<NatTableView> tables_;  // at the end of the last one
    unsigned alarm_percent_ = 0;        // of tables_
    std::uint64_t second_ = 0;
};

}  // namespace causeway
