// SPDX-License-Identifier: Apache-2.0
//
// SceneNat: the NAT of a scene, by one pool that has a port for every session.
//
// Thread safety: made by one thread, before the workers run.
#pragma once

#include <memory>
#include <span>

#include "base/types.h"
#include "dataplane/nat_engine.h"
#include "perf/scene.h"
#include "tests/support/test_bed.h"

namespace causeway::perf {

class SceneNat {
  public:
    // REQUIRES: one worker; packets of a scene do not come by the hash that NAT counts on.
    explicit SceneNat(const Scene& scene);

    // Has the bed translate the sources of what comes in by these attachments, of this VRF.
    void enter(test::TestBed& bed, VrfId vrf, std::span<const AttachmentId> insides);

    // So many packets came since the last time: what a second is where flows are new, so that as
    // many sessions live as the scene says.
    void passed(std::size_t packets);

  private:
    Scene scene_;
    std::size_t packets_ = 0;
    std::unique_ptr<NatEngine> engine_;
};

}  // namespace causeway::perf
