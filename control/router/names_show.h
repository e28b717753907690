// SPDX-License-Identifier: Apache-2.0
//
// NamesShow: what operators look at of names.
//
// Thread safety: control thread only.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "control/api/names_api.h"
#include "control/policy/policy_tables.h"
#include "dataplane/forwarder.h"

namespace causeway {

class NamesShow final : public NamesApi {
  public:
    // They must outlive it. `now_s` is the clock of the learned addresses.
    NamesShow(PolicyTables& policy, Forwarder& forwarder, std::function<std::uint64_t()> now_s)
        : policy_(policy), forwarder_(forwarder), now_s_(std::move(now_s)) {}

    [[nodiscard]] Page<NameSetView, std::string> sets(const PageRequest<std::string>&) override;
    [[nodiscard]] std::vector<NameRuleView> rules() override;
    [[nodiscard]] Result<Page<LearnedAddressView, LearnedCursor>> addresses(
        const std::optional<std::string>& vrf, const PageRequest<LearnedCursor>&) override;
    [[nodiscard]] std::vector<NameCount> counts() override;

  private:
    [[nodiscard]] std::vector<std::string> names_of(NameSetBits sets) const;
    [[nodiscard]] LearnedAddressView view_of(const LearnedCursor& at,
                                             const LearnedAddresses::Record& record) const;

    PolicyTables& policy_;
    Forwarder& forwarder_;
    std::function<std::uint64_t()> now_s_;
};

}  // namespace causeway
