// SPDX-License-Identifier: Apache-2.0
//
// GracePeriods: how a writer learns that no worker can still hold what it has just unlinked.
//
// Thread safety: control thread only. The dataplane implements it over rte_rcu_qsbr; tests that
// have no readers use ImmediateGrace.
#pragma once

#include <cstdint>

namespace causeway {

class GracePeriods {
  public:
    virtual ~GracePeriods() = default;
    // Starts a grace period for all that was unlinked before this call.
    [[nodiscard]] virtual std::uint64_t begin() = 0;
    // Whether every reader has passed a quiescent point since begin() gave this token. Never
    // blocks.
    [[nodiscard]] virtual bool is_over(std::uint64_t token) = 0;
};

class ImmediateGrace final : public GracePeriods {
  public:
    [[nodiscard]] std::uint64_t begin() override { return 0; }
    [[nodiscard]] bool is_over(std::uint64_t) override { return true; }
};

}  // namespace causeway
