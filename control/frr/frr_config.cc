// SPDX-License-Identifier: Apache-2.0
#include "control/frr/frr_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "base/text.h"
#include "control/config/fpm_section.h"
#include "control/config/tap_places.h"
#include "control/frr/frr_instance.h"

namespace causeway {
namespace {

constexpr std::string_view kPlainCharacters =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+:@";
constexpr Link kLinks[] = {Link::kPrimary, Link::kSecondary};

// By namespace.
using Instances = std::map<std::string, FrrInstance>;

Status add_leg(Instances& instances, const Config& config, const CircuitConfig& circuit,
               const PeeringConfig& peering, Link link) {
    if (!(link == Link::kPrimary ? circuit.primary : circuit.secondary)) return ok();
    const auto tap = tap_of(config.control_plane, circuit, peering, link);
    if (!tap) {
        return Unexpected(ErrorCode::kInvalid,
                          "attachments have no TAPs, so FRR has no interfaces: set "
                          "control-plane.taps to true");
    }
    FrrInstance& instance = instances[tap->network_namespace];
    if (instance.legs.empty()) instance.vrf = peering.vrf;
    if (instance.vrf != peering.vrf) {
        return Unexpected(ErrorCode::kInvalid,
                          fmt::format("VRFs {} and {} share the network namespace {}: an FRR "
                                      "serves one VRF, so give each its own namespace",
                                      instance.vrf, peering.vrf, tap->network_namespace));
    }
    instance.legs.push_back({&circuit, &peering, link});
    return ok();
}

Result<Instances> instances_of(const Config& config) {
    if (!config.bgp) {
        return Unexpected(ErrorCode::kInvalid,
                          "the configuration has no section \"bgp\": add it, {} has the defaults");
    }
    Instances instances;
    for (const CircuitConfig& circuit : config.circuits) {
        for (const PeeringConfig& peering : circuit.peerings) {
            for (const Link link : kLinks) {
                const Status added = add_leg(instances, config, circuit, peering, link);
                if (!added) return Unexpected(added.error());
            }
        }
    }
    const std::vector<FpmConfig> listeners = fpm_listeners_of(config);
    for (auto& entry : instances) {
        FrrInstance& instance = entry.second;
        for (const FpmConfig& fpm : listeners) {
            const bool feeds = std::ranges::any_of(
                fpm.tables, [&](const FpmTable& table) { return table.vrf == instance.vrf; });
            if (feeds) instance.fpm = fpm;
        }
    }
    return instances;
}

// There is one socket, and a bfdd that starts takes it from the one before. A shell reads where it
// is: FRR's own, of root.
Status check_bfdd(const Config& config, const Instances& instances) {
    const std::string& socket = config.daemon.bfdd_socket;
    if (socket.find_first_not_of(kPlainCharacters) != std::string::npos) {
        return Unexpected(ErrorCode::kInvalid,
                          fmt::format("daemon.bfdd-socket is {}: FRR's shell scripts read it, so "
                                      "give a path of letters, digits and /._-+:@ only",
                                      socket));
    }
    const FrrInstance* first = nullptr;
    for (const auto& [name, instance] : instances) {
        if (!follows_our_bfd(instance)) continue;
        if (first != nullptr) {
            return Unexpected(
                ErrorCode::kInvalid,
                fmt::format("bgpd of VRFs {} and {} follow BFD that is causewayd's own, and "
                            "daemon.bfdd-socket is one FRR's: take bgp.bfd from the peerings of "
                            "one, or set their bfd to {{enabled: false}}",
                            first->vrf, instance.vrf));
        }
        first = &instance;
    }
    return ok();
}

}  // namespace

Result<std::vector<FrrDocument>> frr_documents(const Config& config, const LinkAppeals& appeals) {
    const auto instances = instances_of(config);
    if (!instances) return Unexpected(instances.error());
    if (const Status one = check_bfdd(config, *instances); !one) return Unexpected(one.error());
    std::vector<FrrDocument> documents;
    for (const auto& [name, instance] : *instances) {
        auto text = frr_text(config, instance, appeals);
        if (!text) return Unexpected(text.error());
        documents.push_back({.network_namespace = name,
                             .vrf = instance.vrf,
                             .text = std::move(text).value(),
                             .daemons = frr_daemons(config, instance)});
    }
    return documents;
}

Result<FrrLeg> frr_leg(const Config& config, std::string_view circuit, PeeringType type,
                       Link link) {
    const auto not_found = [](std::string what) {
        return Unexpected(ErrorCode::kNotFound, std::move(what));
    };
    const auto found = std::ranges::find_if(config.circuits, [&](const CircuitConfig& one) {
        return one.name == circuit || one.service_key == circuit;
    });
    if (found == config.circuits.end()) return not_found(fmt::format("no circuit {}", circuit));
    const auto peering = std::ranges::find(found->peerings, type, &PeeringConfig::type);
    if (peering == found->peerings.end()) {
        return not_found(fmt::format("circuit {} has no {} peering", found->name, to_string(type)));
    }
    const auto& leg = peering->leg<Ipv4Address>(link);
    if (!leg) {
        return not_found(fmt::format("circuit {} has no {} link", found->name, to_string(link)));
    }
    const auto tap = tap_of(config.control_plane, *found, *peering, link);
    if (!tap) return not_found("attachments have no TAPs: set control-plane.taps to true");
    FrrLeg result{.attachment = attachment_of({&*found, &*peering, link}),
                  .network_namespace = tap->network_namespace,
                  .neighbour = leg->customer(),
                  .ipv6_neighbour = {}};
    if (const auto& ipv6 = peering->leg<Ipv6Address>(link))
        result.ipv6_neighbour = ipv6->customer();
    return result;
}

std::vector<FrrAppeals> frr_appeals(const Config& config, const LinkAppeals& appeals) {
    std::vector<FrrAppeals> result;
    const auto instances = instances_of(config);
    if (!instances) return result;
    for (const auto& [name, instance] : *instances) {
        FrrAppeals told{.network_namespace = name,
                        .vrf = instance.vrf,
                        .lines = {},
                        .limits = frr_limits(config, instance)};
        for (const FrrInstanceLeg& leg : instance.legs) {
            const auto lines = frr_route_maps(config, leg, appeals, RouteMapUse::kTyped);
            told.lines.insert(told.lines.end(), lines.begin(), lines.end());
        }
        result.push_back(std::move(told));
    }
    return result;
}

}  // namespace causeway
