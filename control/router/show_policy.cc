// SPDX-License-Identifier: Apache-2.0
//
// What operators look at of policy.
#include <algorithm>
#include <map>
#include <set>

#include "acl/match.h"
#include "base/text.h"
#include "control/api/page.h"
#include "control/config/policy_writer.h"
#include "control/router/router.h"

namespace causeway {
namespace {

constexpr std::size_t kMissesListed = 100;

AclViewState state_of(const PolicyTables::AclState& acl) {
    if (acl.is_current()) return AclViewState::kActive;
    return acl.error ? AclViewState::kFailed : AclViewState::kBuilding;
}

Unexpected no_such_acl(std::string_view name) {
    return {ErrorCode::kNotFound, "there is no access list " + std::string(name), "acl"};
}

std::string remark(const Acl& acl, const AclFinding& finding) {
    if (finding.fault == AclFault::kShadowed) {
        return "shadowed by " + acl.rules[*finding.by].name;
    }
    return "redundant: " + (finding.by ? acl.rules[*finding.by].name : std::string("otherwise")) +
           " does the same";
}

// The VRF whose names a list goes by.
Result<std::string> naming_vrf(const std::vector<CircuitConfig>& circuits, const std::string& acl,
                               const std::optional<std::string>& wanted) {
    std::set<std::string> bound;
    for (const CircuitConfig& circuit : circuits) {
        for (const PeeringConfig& peering : circuit.peerings) {
            const PeeringPolicyConfig& policy = peering.policy;
            if (policy.acl_in == acl || policy.acl_out == acl) bound.insert(peering.vrf);
        }
    }
    if (wanted && bound.contains(*wanted)) return *wanted;
    if (!wanted && bound.size() == 1) return *bound.begin();
    if (bound.empty()) {
        return Unexpected(ErrorCode::kInvalid, acl + " asks for names, and is bound nowhere",
                          "acl");
    }
    std::string where;
    for (const std::string& vrf : bound) where += (where.empty() ? "" : ", ") + vrf;
    return Unexpected(ErrorCode::kInvalid,
                      acl + " asks for names: of which VRF? It is bound in " + where, "vrf");
}

std::string name_of(const PolicerKey& key) {
    std::string name = key.circuit;
    if (key.peering) name += '/' + std::string(to_string(*key.peering));
    name += '/' + std::string(to_string(key.link));
    name += key.direction == Direction::kIn ? " in" : " out";
    if (key.traffic == TrafficClass::kExpedited) name += " expedited";
    return name;
}

}  // namespace

Page<AclView, std::string> Router::acls(const PageRequest<std::string>& request) {
    std::map<std::string, std::vector<std::string>> bound;
    for (const CircuitConfig& circuit : config_.circuits) {
        for (const PeeringConfig& peering : circuit.peerings) {
            const std::string name = circuit.name + '/' + std::string(to_string(peering.type));
            const PeeringPolicyConfig& policy = peering.policy;
            if (!policy.acl_in.empty()) bound[policy.acl_in].push_back(name + " in");
            if (!policy.acl_out.empty()) bound[policy.acl_out].push_back(name + " out");
            if (!peering.nat || peering.nat->untranslated_acl.empty()) continue;
            bound[peering.nat->untranslated_acl].push_back(name + " nat");
        }
    }
    return page_of<AclView>(
        policy_->acls(), request, [&](const std::string& name, const PolicyTables::AclState& acl) {
            const RuleTotals totals = policy_->rows().counted(name);
            return AclView{.name = name,
                           .state = state_of(acl),
                           .error = acl.error ? acl.error->message : std::string(),
                           .rules = acl.wanted->acl.rules.size(),
                           .idle_rules = acl.findings.size(),
                           .packets = totals.packets,
                           .bytes = totals.bytes,
                           .bound = bound[name]};
        });
}

Result<Page<AclRuleView, std::size_t>> Router::acl_rules(std::string_view name,
                                                         const PageRequest<std::size_t>& request) {
    const auto found = policy_->acls().find(name);
    if (found == policy_->acls().end()) return no_such_acl(name);
    const Acl& acl = found->second.wanted->acl;
    std::map<std::size_t, std::string> remarks;
    for (const AclFinding& finding : found->second.findings) {
        remarks[finding.rule] = remark(acl, finding);
    }
    Page<AclRuleView, std::size_t> page;
    const std::size_t first = request.after ? *request.after + 1 : 0;
    const std::size_t count = acl.rules.size() + 1;
    for (std::size_t i = first; i < count && page.items.size() < request.limit; ++i) {
        const bool is_rule = i < acl.rules.size();
        const std::string rule = is_rule ? acl.rules[i].name : std::string();
        const RuleTotals totals = policy_->rows().counted(name, rule);
        page.items.push_back({.index = i,
                              .name = rule,
                              .match = is_rule ? match_text(acl.rules[i]) : std::string(),
                              .action = is_rule ? acl.rules[i].action : acl.otherwise,
                              .packets = totals.packets,
                              .bytes = totals.bytes,
                              .remark = remarks[i]});
        page.next = i;
    }
    if (page.items.empty() || page.items.back().index + 1 == count) page.next.reset();
    return page;
}

Result<AclExplanationView> Router::explain_acl(std::string_view name, const AclPacket& packet,
                                               const std::optional<std::string>& vrf) {
    const auto found = policy_->acls().find(name);
    if (found == policy_->acls().end()) return no_such_acl(name);
    const AclSource& source = *found->second.wanted;
    AclPacket described = packet;
    if (std::ranges::any_of(source.acl.rules, asks_names)) {
        const auto where = naming_vrf(config_.circuits, source.acl.name, vrf);
        if (!where) return Unexpected(where.error());
        policy_->names().describe(described, *where);
    }
    const AclExplanation explanation = explain(source.acl, *source.sets, described);
    AclExplanationView view{.misses = {},
                            .misses_unlisted = 0,
                            .hit = {},
                            .action = explanation.action,
                            .state = state_of(found->second)};
    if (explanation.hit) view.hit = source.acl.rules[*explanation.hit].name;
    const std::size_t listed = std::min(explanation.misses.size(), kMissesListed);
    view.misses_unlisted = explanation.misses.size() - listed;
    for (std::size_t i = view.misses_unlisted; i < explanation.misses.size(); ++i) {
        const AclExplanation::Miss& miss = explanation.misses[i];
        auto& row = view.misses.emplace_back();
        row.rule = source.acl.rules[miss.rule].name;
        for (const AclField field : miss.fields) row.fields.push_back(to_string(field));
    }
    return view;
}

Page<PolicerView, std::string> Router::policers(const PageRequest<std::string>& request) {
    std::map<std::string, const PolicerState*> rows;
    for (const auto& [key, state] : policy_->policers().all()) rows.emplace(name_of(key), &state);
    for (const auto& [key, state] : policy_->policers().classes()) {
        const auto& [name, direction] = key;
        rows.emplace("class " + name + (direction == Direction::kIn ? " in" : " out"), &state);
    }
    return page_of<PolicerView>(
        rows, request, [](const std::string& name, const PolicerState* state) {
            return PolicerView{.name = name,
                               .bits_per_second = state->bits_per_second,
                               .burst_bytes = state->burst_bytes,
                               .tolerance_percent = state->tolerance_percent,
                               .is_held = state->is_held,
                               .dropped_packets = state->policer->dropped_packets(),
                               .dropped_bytes = state->policer->dropped_bytes()};
        });
}

Peak::Bytes Router::peak_of(AttachmentId row, Peak PeakPair::*direction) const {
    Peak::Bytes peak = (forwarder_->peaks().of(row).*direction).read();
    for (const auto& worker : forwarder_->workers()) {
        const TrafficCounters& traffic = worker->counters().traffic(row);
        const std::uint32_t pending = direction == &PeakPair::rx
                                          ? traffic.rx_window.bytes_since(traffic.rx_bytes)
                                          : traffic.tx_window.bytes_since(traffic.tx_bytes);
        peak.in_1ms = std::max(peak.in_1ms, pending);
        peak.in_10ms = std::max(peak.in_10ms, pending);
    }
    return peak;
}

Page<PeakView, std::string> Router::peaks(const PageRequest<std::string>& request) {
    return page_of<PeakView>(
        attachments_.by_name(), request, [this](const std::string& name, AttachmentId id) {
            const Peak::Bytes rx = peak_of(id, &PeakPair::rx);
            const Peak::Bytes tx = peak_of(id, &PeakPair::tx);
            constexpr std::uint64_t kBitsOf1ms = 8 * 1'000;  // a second, of a byte in a millisecond
            return PeakView{.name = name,
                            .rx_1ms_bps = rx.in_1ms * kBitsOf1ms,
                            .rx_10ms_bps = rx.in_10ms * kBitsOf1ms / 10,
                            .tx_1ms_bps = tx.in_1ms * kBitsOf1ms,
                            .tx_10ms_bps = tx.in_10ms * kBitsOf1ms / 10};
        });
}

void Router::reset_peaks() {
    for (const auto& [name, id] : attachments_.by_name()) {
        PeakPair& pair = forwarder_->peaks().of(id);
        pair.rx.clear();
        pair.tx.clear();
    }
}

}  // namespace causeway
