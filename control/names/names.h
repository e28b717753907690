// SPDX-License-Identifier: Apache-2.0
//
// Names: from what a configuration says of names to what the workers read of it, and what the
// answers of its resolvers teach.
//
// Thread safety: control thread only. What the workers see: NamePolicy, which they reach by the
// Tables, and the learned addresses, which change in place.
//
// A policy is in force with the tables that lead to it. Sets are made ready off this thread; until
// they are, answers are judged by the sets that were there before. What was learned stays as it was
// until its time is over: a set keeps its bit for as long as it has its name.
//
// An address is what the answers in its VRF have said. What is heard in one says nothing of others:
// their addresses may be the same, and their resolvers somebody else's.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "acl/names/dns_learner.h"
#include "acl/names/learned_addresses.h"
#include "acl/packet_view.h"
#include "base/grace.h"
#include "base/result.h"
#include "control/config/policy_config.h"
#include "control/names/name_compiler.h"
#include "control/policy/policers.h"
#include "control/policy/rule_rows.h"
#include "control/router/steer_targets.h"
#include "dataplane/name_policy.h"

namespace causeway {

// Sets, and what the workers need to ask them.
struct NameReading {
    std::shared_ptr<const CompiledNames> names;
    NameReaders readers;
};
// A policy, what its rules count on, where they steer, and the sets that it asks of flows.
struct CompiledNamePolicy {
    NamePolicyConfig config;
    SteerLeases targets;
    std::shared_ptr<const RuleRows::Lease> rows;
    std::shared_ptr<NameReading> reading;  // null: nobody looks into flows
    std::vector<std::shared_ptr<Policer>> policers;
    NamePolicy policy;
};

class Names {
  public:
    // The list under which RuleRows knows the rules of a policy.
    [[nodiscard]] static std::string rows_name(std::string_view policy) {
        return "name-policy/" + std::string(policy);
    }

    // They must outlive it.
    struct Options {
        std::size_t workers = 0;
        std::string state_directory;  // empty: nothing is kept over a restart
    };
    Names(GracePeriods& grace, RuleRows& rows, const Options& options);

    using Bits = std::map<std::string, unsigned, std::less<>>;
    // Those that the sets of a configuration would have.
    [[nodiscard]] Bits bits_for(const std::vector<NameSetConfig>& sets) const;

    // Takes over all of a configuration, or nothing: kFull.
    [[nodiscard]] Status adopt(const PolicyConfig& config, const SteerLeases& targets);
    // What rules put into a class is held to its rate. Of the configuration that was adopted.
    void police_with(const Policers& policers);
    // Takes in sets that are ready; whether there were any.
    bool collect();
    void wait() { compiler_.wait(); }

    // REQUIRES: the configuration has a policy of that name.
    [[nodiscard]] std::shared_ptr<const CompiledNamePolicy> policy(std::string_view name) const;

    // What the resolvers of a VRF teach it, from its first call on, until keep_vrfs() leaves it
    // out. All customers meet in that of the Microsoft peerings, which has half of the room that
    // there is; the others share the rest evenly, so that none can fill it for others.
    [[nodiscard]] std::shared_ptr<const LearnedAddresses> learned_in(const std::string& vrf);
    void keep_vrfs(const std::set<std::string>& vrfs);
    using Learned = std::map<std::string, std::shared_ptr<LearnedAddresses>, std::less<>>;
    [[nodiscard]] const Learned& learned() const noexcept { return learned_; }
    // Learns from a packet of layer 3 that goes out in a VRF.
    void hear(std::string_view vrf, std::span<const std::uint8_t> packet, std::uint64_t now_s);
    void tick(std::uint64_t now_s);

    struct SetState {
        std::size_t names = 0;
        std::size_t payloads = 0;
    };
    using Sets = std::map<std::string, SetState, std::less<>>;
    [[nodiscard]] const Sets& sets() const noexcept { return set_states_; }
    // Whether answers are judged by the sets of the configuration.
    [[nodiscard]] bool is_current() const noexcept {
        return active_ != nullptr && active_->sets == wanted_;
    }
    [[nodiscard]] const std::optional<Error>& error() const noexcept { return error_; }
    [[nodiscard]] std::string name_of(unsigned bit) const;
    using Policies = std::map<std::string, std::shared_ptr<const CompiledNamePolicy>, std::less<>>;
    [[nodiscard]] const Policies& policies() const noexcept { return policies_; }
    [[nodiscard]] std::shared_ptr<const NameResolvers> resolvers() const { return resolvers_; }
    // Fills in what a VRF has learned of a packet's addresses, as a list would see it now.
    void describe(AclPacket& packet, std::string_view vrf) const;
    [[nodiscard]] const DnsLearner& learner() const noexcept { return learner_; }

  private:
    [[nodiscard]] Result<std::shared_ptr<const CompiledNamePolicy>> make_policy(
        const NamePolicyConfig& config, const Bits& bits, const SteerLeases& targets);
    void adopt_sets(const std::vector<NameSetConfig>& sets, Bits bits);

    void judge_by_active();
    // Those that look into flows, with these sets from now on.
    void read_with(std::shared_ptr<NameReading> reading);

    void share_room();

    GracePeriods& grace_;
    RuleRows& rows_;
    const std::size_t workers_;
    Learned learned_;  // by VRF
    DnsLearner learner_;
    std::shared_ptr<const NameSets> wanted_ = std::make_shared<const NameSets>();
    std::shared_ptr<const CompiledNames> active_;
    std::shared_ptr<NameReading> reading_;  // of the active ones
    std::optional<Error> error_;            // why the wanted ones are not active
    Bits bits_;
    Bits active_bits_;           // as they were when the active ones became so
    std::uint8_t era_ = 0;       // of bits_, for what workers remember of flows
    NameSetBits used_bits_ = 0;  // since all that was learned was last forgotten
    Sets set_states_;
    Policies policies_;
    std::shared_ptr<const NameResolvers> resolvers_ = std::make_shared<const NameResolvers>();
    NameCompiler compiler_;
};

}  // namespace causeway
