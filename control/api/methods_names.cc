// SPDX-License-Identifier: Apache-2.0
//
// Methods about names.
#include <optional>
#include <string>

#include "base/text.h"
#include "control/api/method_handlers.h"
#include "control/api/names_api.h"
#include "control/api/page_json.h"
#include "control/config/policy_values.h"

namespace causeway::detail {
namespace {

Json text_or_null(const std::string& text) {
    return text.empty() ? Json(nullptr) : Json(text);
}

Json json_of(const NameSetView& set) {
    return {{"name", set.name},
            {"names", set.names},
            {"payloads", set.payloads},
            {"state", set.state},
            {"error", text_or_null(set.error)},
            {"rules", set.rules}};
}

Json json_of(const NameRuleView& rule) {
    const AclAction& action = rule.action;
    return {{"policy", rule.policy},
            {"name", rule.name},
            {"sets", rule.sets},
            {"action", kAclVerdicts.name(action.verdict)},
            {"steer", text_or_null(action.steer)},
            {"mark-dscp", action.mark_dscp ? Json(dscp_text(*action.mark_dscp)) : Json(nullptr)},
            {"log-one-in", action.log_one_in},
            {"police", text_or_null(rule.police)},
            {"packets", rule.packets},
            {"bytes", rule.bytes},
            {"bound", rule.bound}};
}

Json json_of(const LearnedAddressView& address) {
    Json names = Json::array();
    for (const LearnedAddressView::Name& name : address.names) {
        names.push_back({{"name", name.name}, {"seconds", name.seconds}});
    }
    return {{"vrf", address.vrf},
            {"address", to_string(address.address)},
            {"past", address.is_past},
            {"sets", address.sets},
            {"names", names}};
}

}  // namespace

Answer list_name_sets(RouterApi& router, const Params& params) {
    PageRequest<std::string> request{.after = {}, .limit = page_limit(params)};
    if (const auto after = params.text("after")) request.after = std::string(*after);
    const auto page = router.names().sets(request);
    Json items = Json::array();
    for (const NameSetView& set : page.items) items.push_back(json_of(set));
    return Json{{"items", items}, {"next", page.next ? Json(*page.next) : Json(nullptr)}};
}

Answer list_name_rules(RouterApi& router, const Params&) {
    Json items = Json::array();
    for (const NameRuleView& rule : router.names().rules()) items.push_back(json_of(rule));
    return Json{{"items", items}, {"next", nullptr}};
}

Answer list_learned_addresses(RouterApi& router, const Params& params) {
    PageRequest<LearnedCursor> request{.after = {}, .limit = page_limit(params)};
    if (auto after = params.text("after")) {
        const auto address = parse_ip_address(take_last_word(*after));
        if (!address) return bad_cursor();
        request.after = {std::string(*after), *address};
    }
    std::optional<std::string> vrf;
    if (const auto wanted = params.text("vrf")) vrf = std::string(*wanted);
    const auto page = router.names().addresses(vrf, request);
    if (!page) return rpc_error(page.error());
    Json items = Json::array();
    for (const LearnedAddressView& address : page->items) items.push_back(json_of(address));
    Json next = nullptr;
    if (page->next) next = page->next->vrf + ' ' + to_string(page->next->address);
    return Json{{"items", items}, {"next", next}};
}

Answer get_name_counts(RouterApi& router, const Params&) {
    Json items = Json::array();
    for (const NameCount& row : router.names().counts()) {
        items.push_back({{"name", row.name}, {"meaning", row.meaning}, {"count", row.count}});
    }
    return Json{{"items", items}, {"next", nullptr}};
}

}  // namespace causeway::detail
