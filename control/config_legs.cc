// SPDX-License-Identifier: Apache-2.0
#include "control/config_legs.h"

#include <fmt/format.h>

#include "base/text.h"

namespace causeway {

std::vector<LegView> legs_of(const Config& config, const ConfigErrors& errors) {
    std::vector<LegView> legs;
    for (std::size_t i = 0; i < config.circuits.size(); ++i) {
        const CircuitConfig& circuit = config.circuits[i];
        const std::string circuit_path = element("circuits", i);
        for (std::size_t j = 0; j < circuit.peerings.size(); ++j) {
            const PeeringConfig& peering = circuit.peerings[j];
            const std::string peering_path = element(member(circuit_path, "peerings"), j);
            const std::string both_path = member(peering_path, "subnet");
            const bool is_split = errors.is_given(both_path);
            for (const Link which : {Link::kPrimary, Link::kSecondary}) {
                const bool is_primary = which == Link::kPrimary;
                const auto& link = is_primary ? circuit.primary : circuit.secondary;
                const auto& leg = is_primary ? peering.primary : peering.secondary;
                const std::string name(to_string(which));
                legs.push_back(
                    {.circuit = &circuit,
                     .peering = &peering,
                     .link = link ? &*link : nullptr,
                     .leg = leg ? &*leg : nullptr,
                     .which = which,
                     .circuit_path = circuit_path,
                     .peering_path = peering_path,
                     .link_path = member(circuit_path, name),
                     .subnet_path = is_split ? both_path : member(peering_path, name + "-subnet"),
                     .who = fmt::format("circuit {}, {} peering, {} link", circuit.name,
                                        to_string(peering.type), name)});
            }
        }
    }
    return legs;
}

}  // namespace causeway
