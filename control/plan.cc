// SPDX-License-Identifier: Apache-2.0
#include "control/plan.h"

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

PlannedAttachment leg_of(const CircuitConfig& circuit, const PeeringConfig& peering,
                         const CircuitLink& link, const PeeringLeg& leg, Link which) {
    PlannedAttachment attachment{.name = attachment_name(circuit, peering, which),
                                 .port = link.port,
                                 .outer = value_or_zero(link.s_tag),
                                 .inner = peering.c_tag.value(),
                                 .vrf = peering.vrf,
                                 .address = leg.ours(),
                                 .subnet = leg.subnet,
                                 .mtu = static_cast<std::uint16_t>(peering.mtu),
                                 .peer = leg.customer(),
                                 .circuit = circuit.name,
                                 .link = which,
                                 .closed = closed_by(circuit, peering),
                                 .enabled = link.enabled};
    if (!link.s_tag) {  // 802.1Q only: the C-tag is the one tag there is
        attachment.outer = attachment.inner;
        attachment.inner = 0;
    }
    return attachment;
}

void plan_peering(Plan& plan, const CircuitConfig& circuit, const PeeringConfig& peering) {
    PlannedRoute behind;
    const auto plan_leg = [&](const std::optional<CircuitLink>& link,
                              const std::optional<PeeringLeg>& leg, Link which) {
        if (!link || !leg) return;
        PlannedAttachment attachment = leg_of(circuit, peering, *link, *leg, which);
        behind.hops.push_back({.attachment = attachment.name, .address = leg->customer()});
        plan.attachments.emplace(attachment.name, std::move(attachment));
    };
    plan_leg(circuit.primary, peering.primary, Link::kPrimary);
    plan_leg(circuit.secondary, peering.secondary, Link::kSecondary);
    for (const Ipv4Prefix prefix : peering.prefixes) plan.routes[{peering.vrf, prefix}] = behind;
}

PlannedAttachment core_of(const CoreAttachmentConfig& core) {
    PlannedAttachment attachment{.name = core.name,
                                 .port = core.port,
                                 .outer = value_or_zero(core.outer),
                                 .inner = core.vlan.value(),
                                 .vrf = core.vrf,
                                 .address = core.address,
                                 .subnet = core.subnet,
                                 .mtu = static_cast<std::uint16_t>(core.mtu),
                                 .peer = {},
                                 .circuit = {},
                                 .link = {},
                                 .enabled = core.enabled};
    if (!core.outer) {
        attachment.outer = attachment.inner;
        attachment.inner = 0;
    }
    return attachment;
}

}  // namespace

std::string attachment_name(const CircuitConfig& circuit, const PeeringConfig& peering, Link link) {
    return circuit.name + '/' + std::string(to_string(peering.type)) + '/' +
           std::string(to_string(link));
}

const PlannedAttachment* connected(const Plan& plan, const std::string& vrf, Ipv4Address address) {
    for (const auto& [name, attachment] : plan.attachments) {
        if (attachment.vrf == vrf && attachment.subnet.contains(address)) return &attachment;
    }
    return nullptr;
}

Plan plan_of(const Config& config) {
    Plan plan;
    plan.vrfs = config.vrfs;
    for (const CircuitConfig& circuit : config.circuits) {
        for (const PeeringConfig& peering : circuit.peerings) plan_peering(plan, circuit, peering);
    }
    for (const CoreAttachmentConfig& core : config.core_attachments) {
        plan.attachments.emplace(core.name, core_of(core));
    }
    for (const RouteConfig& route : config.routes) {
        PlannedRoute planned{.action = route.action, .hops = {}};
        for (const RouteNextHop& hop : route.via) {
            const PlannedAttachment* out = connected(plan, route.vrf, hop.address);
            CHECK(out != nullptr);  // a rule of load_config()
            planned.hops.push_back(
                {.attachment = out->name, .address = hop.address, .weight = hop.weight});
        }
        plan.routes[{route.vrf, route.prefix}] = std::move(planned);
    }
    return plan;
}

}  // namespace causeway
