// SPDX-License-Identifier: Apache-2.0
#include "control/policy/policers.h"

#include <algorithm>
#include <utility>

namespace causeway {
namespace {

constexpr std::array kLinks{Link::kPrimary, Link::kSecondary};
constexpr std::array kDirections{Direction::kIn, Direction::kOut};

}  // namespace

PolicerRate Policers::rate_of(const PolicerState& state) noexcept {
    const std::uint64_t percent = state.is_held ? 100 : 100 + state.tolerance_percent;
    const std::uint64_t bits =
        state.bits_per_second / 100 * percent + state.bits_per_second % 100 * percent / 100;
    return {.bytes_per_second = std::max<std::uint64_t>(1, bits / 8),
            .burst_bytes = std::max<std::uint64_t>(1, state.burst_bytes)};
}

template <class States>
void Policers::put(const typename States::key_type& key, std::uint64_t bits_per_second,
                   const PolicingConfig& policing, std::uint64_t now_ticks,
                   const States& before_all, States& next) const {
    PolicerState state{.policer = {},
                       .bits_per_second = bits_per_second,
                       .burst_bytes = policing.burst.bytes_at(bits_per_second),
                       .tolerance_percent = policing.tolerance_percent,
                       .is_held = policing.tolerance_percent == 0};
    if (const auto old = before_all.find(key); old != before_all.end()) {
        const PolicerState& before = old->second;
        state.policer = before.policer;
        state.is_held = state.is_held || (before.is_held && before.tolerance_percent != 0);
        state.drops_seen = before.drops_seen;
        state.calm_since_ns = before.calm_since_ns;
        const PolicerRate rate = rate_of(state);
        const PolicerRate rate_before = rate_of(before);
        if (rate.bytes_per_second != rate_before.bytes_per_second ||
            rate.burst_bytes != rate_before.burst_bytes) {
            state.policer->set_rate(rate, now_ticks);
        }
    } else {
        state.policer = std::make_shared<Policer>(ticks_per_second_, rate_of(state), now_ticks);
    }
    next.emplace(key, std::move(state));
}

void Policers::adopt(const std::vector<CircuitConfig>& circuits, std::uint64_t now_ticks) {
    std::map<PolicerKey, PolicerState> next;
    const auto put_all = [&](PolicerKey key, std::uint64_t bits_per_second,
                             const PolicingConfig& policing) {
        for (const Link link : kLinks) {
            for (const Direction direction : kDirections) {
                key.link = link;
                key.direction = direction;
                key.traffic = TrafficClass::kRest;
                put(key, bits_per_second, policing, now_ticks, all_, next);
                if (policing.expedited_percent == 0) continue;
                PolicingConfig expedited = policing;
                expedited.tolerance_percent = 0;
                key.traffic = TrafficClass::kExpedited;
                put(key, bits_per_second * policing.expedited_percent / 100, expedited, now_ticks,
                    all_, next);
            }
        }
    };
    for (const CircuitConfig& circuit : circuits) {
        if (!circuit.policing.enabled) continue;
        put_all({.circuit = circuit.name, .peering = {}}, circuit.bandwidth_bps, circuit.policing);
        for (const PeeringConfig& peering : circuit.peerings) {
            if (!peering.policy.bandwidth_bps) continue;
            put_all({.circuit = circuit.name, .peering = peering.type},
                    *peering.policy.bandwidth_bps, circuit.policing);
        }
    }
    all_ = std::move(next);
}

void Policers::adopt(const std::vector<PolicerClassConfig>& classes, std::uint64_t now_ticks) {
    Classes next;
    for (const PolicerClassConfig& some : classes) {
        for (const Direction direction : kDirections) {
            put({some.name, direction}, some.bandwidth_bps, {.burst = some.burst}, now_ticks,
                classes_, next);
        }
    }
    classes_ = std::move(next);
}

std::shared_ptr<const Policers::Plan> Policers::plan_of(const CircuitConfig& circuit,
                                                        PeeringType peering, Link link,
                                                        Direction direction) const {
    auto plan = std::make_shared<Plan>();
    const auto find = [&](std::optional<PeeringType> level, TrafficClass traffic) -> Policer* {
        const auto found = all_.find({circuit.name, level, link, direction, traffic});
        if (found == all_.end()) return nullptr;
        plan->kept.push_back(found->second.policer);
        return found->second.policer.get();
    };
    PolicePlan& pairs = plan->plan;
    pairs.rest = {find(peering, TrafficClass::kRest), find({}, TrafficClass::kRest)};
    if (plan->kept.empty()) return nullptr;
    if (circuit.policing.expedited_percent == 0) {
        pairs.expedited = pairs.rest;
    } else {
        pairs.expedited = {find(peering, TrafficClass::kExpedited),
                           find({}, TrafficClass::kExpedited), &pairs.rest};
    }
    return plan;
}

void Policers::tick(std::uint64_t now_ns, std::uint64_t now_ticks) {
    for (auto& [key, state] : all_) {
        if (state.tolerance_percent == 0) continue;
        const std::uint64_t drops = state.policer->dropped_packets();
        const bool has_dropped = drops != state.drops_seen;
        state.drops_seen = drops;
        if (has_dropped) state.calm_since_ns = now_ns;
        const bool is_held =
            has_dropped || (state.is_held && now_ns - state.calm_since_ns < kForgivenAfter);
        if (is_held == state.is_held) continue;
        state.is_held = is_held;
        state.policer->set_rate(rate_of(state), now_ticks);
    }
}

}  // namespace causeway
