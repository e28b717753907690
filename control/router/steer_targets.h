// SPDX-License-Identifier: Apache-2.0
//
// SteerTargets: where rules steer packets, as the workers know it. A target is a group of the next
// hops in each family, which stands for the group that leads there now; so a rule, once compiled,
// stays true while its target changes.
//
// Thread safety: control thread only. Leases end there, too, and before this does.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "acl/rule.h"
#include "base/result.h"
#include "control/config/policy_config.h"
#include "control/router/plan.h"
#include "control/router/routes.h"
#include "control/router/ways.h"
#include "fib/next_hops.h"

namespace causeway {

// The groups of a target stay its own for as long as anybody holds the lease.
using SteerLease = std::shared_ptr<const SteerGroups>;
using SteerLeases = std::map<std::string, SteerLease, std::less<>>;

class SteerTargets {
  public:
    SteerTargets(NextHops& next_hops, Ways& ways, Routes& routes)
        : next_hops_(next_hops), ways_(ways), routes_(routes) {}

    // Leases for all of a configuration's targets. What is new leads nowhere until resolve(); kFull
    // where groups run out.
    [[nodiscard]] Result<SteerLeases> lease(const std::vector<SteerTargetConfig>& targets);
    // Lets targets lead where a plan says, once its attachments and VRFs are there. Those that it
    // does not have lead nowhere.
    using FindVrf = std::function<VrfId(const std::string&)>;
    [[nodiscard]] Status resolve(const Plan& plan, const FindVrf& find_vrf, std::uint64_t now_ns);
    // Of an attachment that is about to go: what leads there leads nowhere until resolve().
    void remove_over(AttachmentId attachment);

  private:
    class Target;

    NextHops& next_hops_;
    Ways& ways_;
    Routes& routes_;
    std::map<std::string, std::weak_ptr<Target>, std::less<>> targets_;
};

}  // namespace causeway
