// SPDX-License-Identifier: Apache-2.0
//
// ScenePolicy: what a scene's customers are held to: an access list that all of them share, and
// policers that never refuse, one a peering and one a circuit of four.
//
// Thread safety: made and read by one thread; what it hands out is the workers' to use.
#pragma once

#include <cstddef>
#include <deque>
#include <memory>

#include "dataplane/acl_list.h"
#include "dataplane/policer.h"
#include "dataplane/policy.h"
#include "perf/scene.h"

namespace causeway::perf {

class ScenePolicy {
  public:
    explicit ScenePolicy(const Scene& scene);

    // Of one more attachment. Lives as long as this does.
    [[nodiscard]] AttachmentPolicy next();
    // Builds the scene's list once more, which takes what an operator's commit takes. Lives as long
    // as this does, too.
    [[nodiscard]] const AclList& new_list();

  private:
    [[nodiscard]] Policer* new_policer();

    Scene scene_;
    std::deque<std::unique_ptr<const AclList>> lists_;
    std::deque<Policer> policers_;
    std::deque<PolicePlan> plans_;
    Policer* circuit_ = nullptr;
};

}  // namespace causeway::perf
