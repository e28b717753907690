// SPDX-License-Identifier: Apache-2.0
//
// LegView: one link of one peering as the rules see it, with the paths of what it is made of.
#pragma once

#include <concepts>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "control/config/config.h"
#include "control/config/errors.h"

namespace causeway {

// Its subnet of one family.
template <class Address>
struct SubnetView {
    const PeeringLeg<Address>* leg;  // null: the peering has no subnet for it
    std::string path;                // of the /30 or /126, or of the /29 or /125 that holds it
};

struct LegView {
    const CircuitConfig* circuit;
    const PeeringConfig* peering;
    const CircuitLink* link;  // null: the circuit has no such link
    SubnetView<Ipv4Address> ipv4;
    SubnetView<Ipv6Address> ipv6;
    Link which;
    std::string circuit_path;
    std::string peering_path;
    std::string link_path;
    std::string who;  // "circuit contoso, private peering, primary link"

    template <class Address>
    [[nodiscard]] const SubnetView<Address>& subnet() const noexcept {
        if constexpr (std::same_as<Address, Ipv4Address>) {
            return ipv4;
        } else {
            return ipv6;
        }
    }
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

// The rules about subnets, prefixes and routes; rules.cc has the others.
void check_network_rules(const Config& config, const std::vector<LegView>& legs,
                         ConfigErrors& errors);
// That no recursive next hop leads back to its own route.
void check_recursion_rules(const Config& config, ConfigErrors& errors);

// The rules about NAT: nat_rules.cc.
void check_nat_rules(const Config& config, const std::vector<LegView>& legs, ConfigErrors& errors);

}  // namespace causeway
