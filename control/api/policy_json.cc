// SPDX-License-Identifier: Apache-2.0
#include "control/api/policy_json.h"

#include "control/config/policy_values.h"

namespace causeway {
namespace {

std::string_view word(AclViewState state) {
    switch (state) {
        case AclViewState::kActive:
            return "active";
        case AclViewState::kBuilding:
            return "building";
        case AclViewState::kFailed:
            return "failed";
    }
    return "";
}

Json text_or_null(const std::string& text) {
    return text.empty() ? Json(nullptr) : Json(text);
}

Json dscp_or_null(const AclAction& action) {
    return action.mark_dscp ? Json(dscp_text(*action.mark_dscp)) : Json(nullptr);
}

}  // namespace

Json json_of(const AclView& acl) {
    return {{"name", acl.name},
            {"state", word(acl.state)},
            {"error", text_or_null(acl.error)},
            {"rules", acl.rules},
            {"idle-rules", acl.idle_rules},
            {"packets", acl.packets},
            {"bytes", acl.bytes},
            {"bound", acl.bound}};
}

Json json_of(const AclRuleView& rule) {
    return {{"index", rule.index},
            {"name", text_or_null(rule.name)},
            {"match", text_or_null(rule.match)},
            {"action", kAclVerdicts.name(rule.action.verdict)},
            {"steer", text_or_null(rule.action.steer)},
            {"mark-dscp", dscp_or_null(rule.action)},
            {"log-one-in", rule.action.log_one_in},
            {"packets", rule.packets},
            {"bytes", rule.bytes},
            {"remark", text_or_null(rule.remark)}};
}

Json json_of(const AclExplanationView& explanation) {
    Json misses = Json::array();
    for (const AclExplanationView::Miss& miss : explanation.misses) {
        misses.push_back({{"rule", miss.rule}, {"fields", miss.fields}});
    }
    return {{"state", word(explanation.state)},
            {"misses", misses},
            {"misses-unlisted", explanation.misses_unlisted},
            {"hit", explanation.hit ? Json(*explanation.hit) : Json(nullptr)},
            {"action", kAclVerdicts.name(explanation.action.verdict)},
            {"steer", text_or_null(explanation.action.steer)},
            {"mark-dscp", dscp_or_null(explanation.action)}};
}

Json json_of(const PolicerView& policer) {
    return {{"name", policer.name},
            {"rate-bps", policer.bits_per_second},
            {"burst-bytes", policer.burst_bytes},
            {"tolerance", policer.tolerance_percent},
            {"held", policer.is_held},
            {"dropped-packets", policer.dropped_packets},
            {"dropped-bytes", policer.dropped_bytes}};
}

Json json_of(const PeakView& peak) {
    return {{"name", peak.name},
            {"rx-1ms-bps", peak.rx_1ms_bps},
            {"rx-10ms-bps", peak.rx_10ms_bps},
            {"tx-1ms-bps", peak.tx_1ms_bps},
            {"tx-10ms-bps", peak.tx_10ms_bps}};
}

}  // namespace causeway
