// SPDX-License-Identifier: Apache-2.0
//
// LegView: one link of one peering as the rules see it, with the paths of what it is made of.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "control/config.h"
#include "control/config_errors.h"

namespace causeway {

struct LegView {
    const CircuitConfig* circuit;
    const PeeringConfig* peering;
    const CircuitLink* link;  // null: the circuit has no such link
    const PeeringLeg* leg;    // null: the peering has no subnet for it
    Link which;
    std::string circuit_path;
    std::string peering_path;
    std::string link_path;
    std::string subnet_path;  // of the /30, or of the /29 that holds it
    std::string who;          // "circuit contoso, private peering, primary link"
};

// Primary and secondary of every peering, in the order of the document.
[[nodiscard]] std::vector<LegView> legs_of(const Config& config, const ConfigErrors& errors);

// Who was the first to take a key that only one may have.
template <class Key>
class Claims {
  public:
    struct Claimant {
        std::string path;
        std::string who;
    };
    // The earlier claimant, or null if the key was free and is now taken.
    [[nodiscard]] const Claimant* take(const Key& key, std::string path, std::string who = {}) {
        const auto [entry, is_new] =
            claims_.try_emplace(key, Claimant{std::move(path), std::move(who)});
        return is_new ? nullptr : &entry->second;
    }

  private:
    std::map<Key, Claimant> claims_;
};

// The rules about subnets, prefixes and routes; config_rules.cc has the others.
void check_network_rules(const Config& config, const std::vector<LegView>& legs,
                         ConfigErrors& errors);

}  // namespace causeway
