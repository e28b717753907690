// SPDX-License-Identifier: Apache-2.0
#include "control/config/legs.h"

#include <fmt/format.h>

#include "base/text.h"
#include "control/config/values.h"

namespace causeway {
namespace {

template <class Address>
SubnetView<Address> subnet_of(const PeeringConfig& peering, const std::string& peering_path,
                              Link which, const ConfigErrors& errors) {
    using Words = FamilyWords<Address>;
    const auto& leg = peering.leg<Address>(which);
    const std::string both_path = member(peering_path, Words::kBothKey);
    const auto key = which == Link::kPrimary ? Words::kPrimaryKey : Words::kSecondaryKey;
    return {.leg = leg ? &*leg : nullptr,
            .path = errors.is_given(both_path) ? both_path : member(peering_path, key)};
}

}  // namespace

std::vector<LegView> legs_of(const Config& config, const ConfigErrors& errors) {
    std::vector<LegView> legs;
    for (std::size_t i = 0; i < config.circuits.size(); ++i) {
        const CircuitConfig& circuit = config.circuits[i];
        const std::string circuit_path = element("circuits", i);
        for (std::size_t j = 0; j < circuit.peerings.size(); ++j) {
            const PeeringConfig& peering = circuit.peerings[j];
            const std::string peering_path = element(member(circuit_path, "peerings"), j);
            for (const Link which : {Link::kPrimary, Link::kSecondary}) {
                const auto& link = which == Link::kPrimary ? circuit.primary : circuit.secondary;
                const std::string name(to_string(which));
                legs.push_back(
                    {.circuit = &circuit,
                     .peering = &peering,
                     .link = link ? &*link : nullptr,
                     .ipv4 = subnet_of<Ipv4Address>(peering, peering_path, which, errors),
                     .ipv6 = subnet_of<Ipv6Address>(peering, peering_path, which, errors),
                     .which = which,
                     .circuit_path = circuit_path,
                     .peering_path = peering_path,
                     .link_path = member(circuit_path, name),
                     .who = fmt::format("circuit {}, {} peering, {} link", circuit.name,
                                        to_string(peering.type), name)});
            }
        }
    }
    return legs;
}

}  // namespace causeway
