// SPDX-License-Identifier: Apache-2.0
//
// What a document says of policy: named sets, access lists, DSCP maps, and what peerings and
// circuits make of them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "acl/dscp_map.h"
#include "acl/equality.h"
#include "acl/names/name_set.h"
#include "acl/rule.h"
#include "base/types.h"
#include "control/config/next_hop.h"
#include "dataplane/policy.h"

namespace causeway {

struct PrefixSetConfig {
    std::string name;
    std::vector<IpPrefix> prefixes;
    friend bool operator==(const PrefixSetConfig&, const PrefixSetConfig&) = default;
};
struct PortSetConfig {
    std::string name;
    std::vector<PortRange> ranges;
    friend bool operator==(const PortSetConfig&, const PortSetConfig&) = default;
};

// What becomes of each DSCP: some are kept, some become another, and the others what is said of
// them.
struct DscpMapConfig {
    struct Rewrite {
        std::uint8_t from = 0;
        std::uint8_t to = 0;
        friend bool operator==(const Rewrite&, const Rewrite&) = default;
    };
    std::string name;
    std::vector<std::uint8_t> keep;
    std::vector<Rewrite> rewrite;
    std::optional<std::uint8_t> others = 0;  // none: they are kept
    friend bool operator==(const DscpMapConfig&, const DscpMapConfig&) = default;

    [[nodiscard]] DscpMap map() const {
        DscpMap map{};
        for (std::uint8_t dscp = 0; dscp < map.size(); ++dscp) map[dscp] = others.value_or(dscp);
        for (const std::uint8_t dscp : keep) map[dscp] = dscp;
        for (const Rewrite& rewritten : rewrite) map[rewritten.from] = rewritten.to;
        return map;
    }
};
// The contract of the Microsoft peering, which is there without being written down.
inline constexpr std::string_view kMicrosoftDscpMapName = "microsoft";

// Where rules steer: next hops of a VRF, in one family or both.
struct SteerTargetConfig {
    std::string name;
    std::string vrf;
    std::vector<RouteNextHop> via;
    std::vector<RouteNextHop> ipv6_via;
    friend bool operator==(const SteerTargetConfig&, const SteerTargetConfig&) = default;
};

// How much may come at once beyond the rate.
struct BurstSize {
    enum class Unit : std::uint8_t { kBytes, kMilliseconds };
    std::uint64_t count = 20;
    Unit unit = Unit::kMilliseconds;
    [[nodiscard]] std::uint64_t bytes_at(std::uint64_t bits_per_second) const noexcept {
        if (unit == Unit::kBytes) return count;
        return static_cast<std::uint64_t>(static_cast<Uint128>(bits_per_second) * count / 8'000);
    }
    friend bool operator==(const BurstSize&, const BurstSize&) = default;
};

// What rules of name policies let pass together, of all peerings and on both links.
struct PolicerClassConfig {
    std::string name;
    std::uint64_t bandwidth_bps = 0;
    BurstSize burst;
    friend bool operator==(const PolicerClassConfig&, const PolicerClassConfig&) = default;
};

// Names that are treated alike; those of the files are read anew with each document.
struct NameSetConfig {
    std::string name;
    std::vector<NamePattern> names;
    std::vector<NamePattern> except;
    std::string names_file;  // empty: none
    std::string except_file;
    std::vector<NamePattern> names_of_file;
    std::vector<NamePattern> except_of_file;
    std::vector<std::string> payloads;
    friend bool operator==(const NameSetConfig&, const NameSetConfig&) = default;

    [[nodiscard]] NameSet set() const {
        NameSet set{.name = name, .members = names, .exceptions = except, .payloads = payloads};
        set.members.insert(set.members.end(), names_of_file.begin(), names_of_file.end());
        set.exceptions.insert(set.exceptions.end(), except_of_file.begin(), except_of_file.end());
        return set;
    }
};

// What becomes of packets to the addresses of names, and of flows that show one.
struct NameRuleConfig {
    std::string name;
    std::vector<std::string> sets;
    AclAction action;
    std::string police;  // the policer class of what it permits; empty: none
    friend bool operator==(const NameRuleConfig&, const NameRuleConfig&) = default;
};
struct NamePolicyConfig {
    std::string name;
    bool inspect = true;  // flows are looked into for the names that they say
    std::vector<NameRuleConfig> rules;
    friend bool operator==(const NamePolicyConfig&, const NamePolicyConfig&) = default;
};

struct PolicyConfig {
    std::vector<SteerTargetConfig> steer_targets;
    std::vector<PrefixSetConfig> prefix_sets;
    std::vector<PortSetConfig> port_sets;
    std::vector<Acl> acls;
    std::vector<DscpMapConfig> dscp_maps;
    std::vector<IpAddress> resolvers;  // whose answers teach the addresses of names
    std::vector<NameSetConfig> name_sets;
    std::vector<PolicerClassConfig> policer_classes;
    std::vector<NamePolicyConfig> name_policies;
    friend bool operator==(const PolicyConfig&, const PolicyConfig&) = default;

    // Its targets lead nowhere yet, and its name sets have bits for the time being.
    [[nodiscard]] AclSets sets() const {
        AclSets sets;
        for (const PrefixSetConfig& set : prefix_sets) sets.prefixes[set.name] = set.prefixes;
        for (const PortSetConfig& set : port_sets) sets.ports[set.name] = set.ranges;
        for (const SteerTargetConfig& target : steer_targets) sets.targets[target.name];
        for (const NameSetConfig& set : name_sets) {
            sets.names.emplace(set.name, NameSetBits{1} << sets.names.size());
        }
        return sets;
    }
};

// Whether the owner of public prefixes has been found to be who advertises them.
enum class PrefixesState : std::uint8_t {
    kNotConfigured,
    kConfiguring,
    kConfigured,  // validated
    kValidationNeeded,
};

// Of one peering, alike on both links.
struct PeeringPolicyConfig {
    std::string acl_in;  // of what comes from the customer; empty: none
    std::string acl_out;
    std::string name_policy;  // of what comes from the customer; empty: none
    SourceCheck source_check = SourceCheck::kOff;
    IpOptions ip_options = IpOptions::kPass;
    std::vector<IpPrefix> advertised_prefixes;
    PrefixesState advertised_state = PrefixesState::kNotConfigured;
    std::string dscp_map;                        // empty: DSCPs are left alone
    std::optional<std::uint64_t> bandwidth_bps;  // of each link; none: the circuit's alone counts
    friend bool operator==(const PeeringPolicyConfig&, const PeeringPolicyConfig&) = default;
};

// Of one circuit: how its bandwidth is held, on each link and in each direction apart.
struct PolicingConfig {
    bool enabled = true;
    BurstSize burst;
    unsigned tolerance_percent = 0;   // beyond the bandwidth, before it is held to it
    unsigned expedited_percent = 10;  // of the bandwidth, kept for EF; 0: EF is like the rest
    friend bool operator==(const PolicingConfig&, const PolicingConfig&) = default;
};

}  // namespace causeway
