// SPDX-License-Identifier: Apache-2.0
//
// Routes: what the configuration and the callers of the control socket want of the RIBs. It turns
// next hops into groups, keeps count of who leads where, and keeps recursive routes in line with
// those they resolve through.
//
// Thread safety: control thread only.
//
// A prefix may have a route of the configuration (source kStatic) and one of the socket (kApi). The
// latter wins while it is there, and neither can remove the other.
//
// A feeder that comes back replays its routes: begin_sync(), then change(), then end_sync() until
// it has no next part, which removes what was not repeated. Meanwhile all of them forward. Where
// two feeders cross, the one that began first can end nothing: it does not know what the other has
// yet to repeat.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/types.h"
#include "control/api/router_api.h"
#include "control/router/attachments.h"
#include "control/router/plan.h"
#include "control/router/recursions.h"
#include "control/router/ribs.h"
#include "control/router/ways.h"

namespace causeway {

// Why a route may not lead through itself.
[[nodiscard]] std::string own_ancestor_message(const IpAddress& hop, const IpPrefix& prefix);

class Routes {
  public:
    // Prefixes that a part of a sweep looks at. A millisecond or two, if all of them go.
    static constexpr std::size_t kSweepPrefixes = 2'048;

    // They must outlive this.
    Routes(Attachments& attachments, Ribs& ribs, Ways& ways, Recursions& recursions)
        : attachments_(attachments), ribs_(ribs), ways_(ways), recursions_(recursions) {}

    // The configuration's route to a prefix, in place of the one it had. REQUIRES: neighbours are
    // in connected subnets, as is a rule of load_config().
    [[nodiscard]] Status put(VrfId vrf, const IpPrefix& prefix, const PlannedRoute& route,
                             std::uint64_t now_ns);
    // kInvalid where the configuration's route to a prefix leads back to itself. To be asked when
    // all of them are in.
    [[nodiscard]] Status check(VrfId vrf, const IpPrefix& prefix) const;
    // The group of such a route's next hops, to be given back to the Ways.
    [[nodiscard]] Result<GroupId> acquire(VrfId vrf, const PlannedRoute& route,
                                          std::uint64_t now_ns);
    // Takes the configuration's route away, if it has one.
    void remove(VrfId vrf, const IpPrefix& prefix);
    // All routes, of either source, over neighbours of an attachment that is about to go.
    void remove_over(const Attachment& attachment);
    // All routes of the socket in a VRF that is about to go.
    void remove_fed(VrfId vrf);

    // Edits of the socket's routes: all or none. What is wrong with single ones is in the outcome.
    [[nodiscard]] RouteOutcome change(VrfId vrf, const RouteBatch& batch, std::uint64_t now_ns);

    // All routes of the socket in the VRF are stale from now on, until they are said again. Returns
    // the number to end the sync with.
    [[nodiscard]] Result<std::uint64_t> begin_sync(VrfId vrf);
    // Removes a part of those that still are.
    [[nodiscard]] Result<RouteSweep> end_sync(VrfId vrf, std::uint64_t sync,
                                              const std::optional<IpPrefix>& after);

    // Lets recursive routes see what has become of those they resolve through. change() does so by
    // itself.
    void settle() { recursions_.settle(); }

  private:
    struct Batch;

    [[nodiscard]] std::optional<Error> check_hop(const Batch& batch, const RouteEdit& edit,
                                                 const RouteNextHop& hop) const;
    [[nodiscard]] std::optional<Error> check_hops(const Batch& batch, const RouteEdit& edit) const;
    [[nodiscard]] Result<GroupId> acquire(VrfId vrf, RouteAction action,
                                          std::span<const RouteNextHop> hops, std::uint64_t now_ns);
    // Removes a VRF's routes to these groups.
    void remove_leading(VrfId vrf, const std::vector<bool>& groups);
    [[nodiscard]] std::optional<Error> prepare(Batch& batch, const RouteEdit& edit);
    [[nodiscard]] Result<GroupId> group_of(Batch& batch, const RouteEdit& edit);
    void apply(Batch& batch);
    [[nodiscard]] std::vector<RouteFailure> judge(const Batch& batch) const;

    Attachments& attachments_;
    Ribs& ribs_;
    Ways& ways_;
    Recursions& recursions_;
    std::map<VrfId, std::uint64_t> syncs_;  // the last that began
    std::uint64_t last_sync_ = 0;
};

}  // namespace causeway
