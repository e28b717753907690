// SPDX-License-Identifier: Apache-2.0
#include "control/router/plan.h"

#include <algorithm>
#include <iterator>
#include <utility>
#include <variant>

#include "base/check.h"
#include "base/text.h"

namespace causeway {
namespace {

std::uint16_t value_or_zero(const std::optional<VlanId>& vid) {
    return vid ? vid->value() : std::uint16_t{0};
}

Exit closed_by(const CircuitConfig& circuit, const PeeringConfig& peering) {
    if (!circuit.forwards()) return Exit::kCircuitNotProvisioned;
    if (!peering.enabled) return Exit::kPeeringDisabled;
    return Exit::kNone;
}

template <class Address>
IpInterface<Address> interface_of(const PeeringLeg<Address>& leg) {
    return {.address = leg.ours(), .subnet = leg.subnet, .peer = leg.customer()};
}

std::optional<BfdParameters> parameters_of(const BfdConfig& bfd) {
    constexpr std::uint32_t kUsPerMs = 1'000;
    if (!bfd.enabled) return std::nullopt;
    return BfdParameters{.desired_min_tx_us = bfd.min_tx_ms * kUsPerMs,
                         .required_min_rx_us = bfd.min_rx_ms * kUsPerMs,
                         .multiplier = static_cast<std::uint8_t>(bfd.multiplier)};
}

// REQUIRES: the peering has a leg there.
PlannedAttachment leg_of(const CircuitConfig& circuit, const PeeringConfig& peering,
                         const CircuitLink& link, Link which) {
    PlannedAttachment attachment{.name = attachment_name(circuit, peering, which),
                                 .port = link.port,
                                 .outer = value_or_zero(link.s_tag),
                                 .inner = peering.c_tag.value(),
                                 .vrf = peering.vrf,
                                 .ipv4 = interface_of(*peering.leg<Ipv4Address>(which)),
                                 .ipv6 = {},
                                 .mtu = static_cast<std::uint16_t>(peering.mtu),
                                 .circuit = circuit.name,
                                 .link = which,
                                 .closed = closed_by(circuit, peering),
                                 .enabled = link.enabled,
                                 .bfd = parameters_of(peering.bfd)};
    if (const auto& ipv6 = peering.leg<Ipv6Address>(which)) attachment.ipv6 = interface_of(*ipv6);
    if (!link.s_tag) {  // 802.1Q only: the C-tag is the one tag there is
        attachment.outer = attachment.inner;
        attachment.inner = 0;
    }
    return attachment;
}

void plan_peering(Plan& plan, const ControlPlaneConfig& control_plane, const CircuitConfig& circuit,
                  const PeeringConfig& peering) {
    PlannedRoute behind_ipv4;
    PlannedRoute behind_ipv6;
    const auto plan_leg = [&](const std::optional<CircuitLink>& link, Link which) {
        if (!link || !peering.leg<Ipv4Address>(which)) return;
        PlannedAttachment attachment = leg_of(circuit, peering, *link, which);
        attachment.tap = tap_of(control_plane, circuit, peering, which);
        behind_ipv4.hops.push_back(
            {.attachment = attachment.name, .address = *attachment.ipv4.peer});
        if (attachment.ipv6) {
            behind_ipv6.hops.push_back(
                {.attachment = attachment.name, .address = *attachment.ipv6->peer});
        }
        plan.attachments.emplace(attachment.name, std::move(attachment));
    };
    plan_leg(circuit.primary, Link::kPrimary);
    plan_leg(circuit.secondary, Link::kSecondary);
    for (const IpPrefix& prefix : peering.prefixes) {
        const bool is_ipv4 = std::holds_alternative<Ipv4Prefix>(prefix);
        plan.routes[{peering.vrf, prefix}] = is_ipv4 ? behind_ipv4 : behind_ipv6;
    }
}

// What is inside of a NAT has a VRF of its own, whose routes lead to the customer.
void plan_nat(Plan& plan, const CircuitConfig& circuit, const PeeringConfig& peering,
              std::optional<Link> link) {
    const NatConfig& config = *peering.nat;
    std::string name = circuit.name + '/' + std::string(to_string(peering.type));
    if (link) name += '/' + std::string(to_string(*link));
    PlannedNat nat{.circuit = circuit.name,
                   .link = link,
                   .vrf = name + "/inside",
                   .attachments = {},
                   .inside = config.inside,
                   .pool = link ? config.pool_of(*link) : config.pool,
                   .settings = config.settings,
                   .alarm_percent = config.alarm_percent,
                   .statics = {},
                   .untranslated = config.untranslated};
    std::ranges::copy_if(config.statics, std::back_inserter(nat.statics),
                         [&](const NatStaticConfig& mapping) { return mapping.link == link; });
    PlannedRoute behind;
    for (const Link leg : {Link::kPrimary, Link::kSecondary}) {
        if (link && *link != leg) continue;
        const auto found = plan.attachments.find(attachment_name(circuit, peering, leg));
        if (found == plan.attachments.end()) continue;
        PlannedAttachment& attachment = found->second;
        attachment.inside_vrf = nat.vrf;
        attachment.inside = nat.inside;
        nat.attachments.push_back(attachment.name);
        behind.hops.push_back({.attachment = attachment.name, .address = *attachment.ipv4.peer});
    }
    plan.vrfs.push_back(nat.vrf);
    for (const Ipv4Prefix& prefix : nat.inside) plan.routes[{nat.vrf, prefix}] = behind;
    plan.nats.emplace(std::move(name), std::move(nat));
}

void plan_nats(Plan& plan, const CircuitConfig& circuit, const PeeringConfig& peering) {
    if (!peering.nat) return;
    if (!peering.nat->has_pool_per_link()) return plan_nat(plan, circuit, peering, {});
    for (const Link link : {Link::kPrimary, Link::kSecondary}) {
        if (!peering.nat->pool_of(link).empty()) plan_nat(plan, circuit, peering, link);
    }
}

PlannedAttachment core_of(const CoreAttachmentConfig& core) {
    PlannedAttachment attachment{.name = core.name,
                                 .port = core.port,
                                 .outer = value_or_zero(core.outer),
                                 .inner = core.vlan.value(),
                                 .vrf = core.vrf,
                                 .ipv4 = {core.ipv4.address, core.ipv4.subnet, {}},
                                 .ipv6 = {},
                                 .mtu = static_cast<std::uint16_t>(core.mtu),
                                 .circuit = {},
                                 .link = {},
                                 .enabled = core.enabled};
    if (core.ipv6) attachment.ipv6 = {core.ipv6->address, core.ipv6->subnet, {}};
    if (!core.outer) {
        attachment.outer = attachment.inner;
        attachment.inner = 0;
    }
    return attachment;
}

// REQUIRES: all attachments are planned.
std::vector<PlannedHop> planned_hops(const Plan& plan, const std::string& vrf,
                                     const std::vector<RouteNextHop>& hops) {
    std::vector<PlannedHop> planned;
    for (const RouteNextHop& hop : hops) {
        PlannedHop& way = planned.emplace_back();
        way = {.attachment = {}, .address = hop.address, .weight = hop.weight};
        if (hop.is_recursive) continue;
        const PlannedAttachment* out = connected(plan, vrf, hop.address);
        CHECK(out != nullptr);  // a rule of load_config()
        way.attachment = out->name;
    }
    return planned;
}

}  // namespace

std::string attachment_name(const CircuitConfig& circuit, const PeeringConfig& peering, Link link) {
    return circuit.name + '/' + std::string(to_string(peering.type)) + '/' +
           std::string(to_string(link));
}

const PlannedAttachment* connected(const Plan& plan, const std::string& vrf,
                                   const IpAddress& address) {
    const auto* const ipv4 = std::get_if<Ipv4Address>(&address);
    const auto* const ipv6 = std::get_if<Ipv6Address>(&address);
    for (const auto& [name, attachment] : plan.attachments) {
        if (attachment.vrf != vrf) continue;
        const bool holds = ipv4 != nullptr
                               ? attachment.ipv4.subnet.contains(*ipv4)
                               : attachment.ipv6 && attachment.ipv6->subnet.contains(*ipv6);
        if (holds) return &attachment;
    }
    return nullptr;
}

Plan plan_of(const Config& config) {
    Plan plan;
    plan.vrfs = config.vrfs;
    for (const CircuitConfig& circuit : config.circuits) {
        for (const PeeringConfig& peering : circuit.peerings) {
            plan_peering(plan, config.control_plane, circuit, peering);
            plan_nats(plan, circuit, peering);
        }
    }
    for (const CoreAttachmentConfig& core : config.core_attachments) {
        PlannedAttachment attachment = core_of(core);
        attachment.tap = tap_of(config.control_plane, core);
        plan.attachments.emplace(core.name, std::move(attachment));
    }
    for (const RouteConfig& route : config.routes) {
        plan.routes[{route.vrf, route.prefix}] = {.action = route.action,
                                                  .hops = planned_hops(plan, route.vrf, route.via)};
    }
    for (const SteerTargetConfig& target : config.policy.steer_targets) {
        plan.targets[target.name] = {
            .vrf = target.vrf,
            .ipv4 = {.hops = planned_hops(plan, target.vrf, target.via)},
            .ipv6 = {.hops = planned_hops(plan, target.vrf, target.ipv6_via)}};
    }
    return plan;
}

}  // namespace causeway
