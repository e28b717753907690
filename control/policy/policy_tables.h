// SPDX-License-Identifier: Apache-2.0
//
// PolicyTables: from what a configuration says of policy to what the workers read of it.
//
// Thread safety: control thread only. What the workers see: Policies, and all it points to, which
// is kept until no worker can hold the tables that led there.
//
// A list is built off this thread. Until it is, whoever had a list keeps the one he had, so that
// each packet sees the old or the new and never none; a peering that is new lets nothing pass.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/grace.h"
#include "base/result.h"
#include "control/config/config.h"
#include "control/names/names.h"
#include "control/policy/acl_compiler.h"
#include "control/policy/policers.h"
#include "control/policy/rule_rows.h"
#include "control/router/attachments.h"
#include "control/router/steer_targets.h"
#include "dataplane/policy.h"

namespace causeway {

class PolicyTables {
  public:
    struct Options {
        std::uint64_t ticks_per_second = 0;
        std::size_t workers = 0;
        std::string state_directory;  // empty: nothing is kept over a restart
    };
    PolicyTables(GracePeriods& grace, RuleRows::Read read_rows, const Options& options);

    // Takes over all of a configuration, or nothing: kFull. Lists that have changed are on their
    // way then.
    [[nodiscard]] Status adopt(const Config& config, const SteerLeases& targets = {});
    // Takes in lists that have been built; whether the workers are to see new tables.
    [[nodiscard]] bool collect();
    // Until all lists and names are ready.
    void wait() {
        compiler_.wait();
        names_.wait();
    }

    // What the workers are to see next: made anew from the attachments there are. Null where no
    // attachment has a policy. Valid until replaced() and the grace period after it.
    [[nodiscard]] const Policies* make(const Attachments& attachments);
    // The tables that make() was for have been published.
    void replaced();
    // Frees what no worker can hold any more, and looks at who exceeds his bandwidth; to be called
    // every twenty milliseconds or so.
    void tick(std::uint64_t now_ns);

    struct AclState {
        std::shared_ptr<const AclSource> wanted;
        std::shared_ptr<const CompiledAcl> active;  // null: none was ever built
        std::optional<Error> error;                 // why the wanted one is not active
        std::vector<AclFinding> findings;           // of the wanted one, once it was looked at
        [[nodiscard]] bool is_current() const noexcept {
            return active != nullptr && active->source == wanted;
        }
    };
    using Acls = std::map<std::string, AclState, std::less<>>;
    [[nodiscard]] const Acls& acls() const noexcept { return acls_; }
    [[nodiscard]] const RuleRows& rows() const noexcept { return rows_; }
    [[nodiscard]] Names& names() noexcept { return names_; }
    [[nodiscard]] const std::vector<CircuitConfig>& circuits() const noexcept { return circuits_; }
    [[nodiscard]] const Policers& policers() const noexcept { return policers_; }

  private:
    using AclPtr = std::shared_ptr<const CompiledAcl>;
    // What a peering has in force; an empty pointer: no list.
    struct PeeringState {
        AclPtr in;
        AclPtr out;
        AclPtr untranslated;  // by its NAT
    };
    // All that one generation of tables leads to.
    struct Snapshot {
        Policies policies;
        std::vector<std::shared_ptr<const void>> kept;
        std::set<std::string> naming_vrfs;  // where somebody asks for names
        bool is_empty = true;
    };

    void adopt_sources();
    void reclaim();
    void add_peering(Snapshot& snapshot, const CircuitConfig& circuit, const PeeringConfig& peering,
                     PeeringId id, const Attachments& attachments);
    // The list that is in force from now on, where `before` was.
    [[nodiscard]] AclPtr in_force(const std::string& wanted, const AclPtr* before) const;

    GracePeriods& grace_;
    RuleRows rows_;  // before all that holds leases of it
    Names names_;
    AclCompiler compiler_;
    AclPtr nothing_passes_;
    std::vector<CircuitConfig> circuits_;
    Acls acls_;
    Policers policers_;
    std::map<std::string, std::shared_ptr<const DscpMap>, std::less<>> dscp_maps_;
    // By "circuit/type", as the next; of those whose prefixes are validated.
    std::map<std::string, std::shared_ptr<const IpSources>> sources_;
    std::map<std::string, PeeringState> peerings_;
    std::unique_ptr<Snapshot> current_;
    std::unique_ptr<Snapshot> previous_;  // between make() and replaced()
    std::vector<std::pair<std::uint64_t, std::unique_ptr<Snapshot>>> retired_;
};

}  // namespace causeway
