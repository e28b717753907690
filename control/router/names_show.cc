// SPDX-License-Identifier: Apache-2.0
#include "control/router/names_show.h"

#include <algorithm>
#include <bit>
#include <map>
#include <set>
#include <string_view>

#include "base/text.h"
#include "control/api/page.h"

namespace causeway {

Page<NameSetView, std::string> NamesShow::sets(const PageRequest<std::string>& request) {
    const Names& names = policy_.names();
    std::map<std::string, std::vector<std::string>, std::less<>> rules;
    for (const auto& [policy, compiled] : names.policies()) {
        for (const NameRuleConfig& rule : compiled->config.rules) {
            for (const std::string& set : rule.sets) rules[set].push_back(policy + ' ' + rule.name);
        }
    }
    for (const auto& [name, acl] : policy_.acls()) {
        for (const AclRule& rule : acl.wanted->acl.rules) {
            std::set<std::string_view> asked(rule.source_names.begin(), rule.source_names.end());
            asked.insert(rule.destination_names.begin(), rule.destination_names.end());
            for (const std::string_view set : asked) {
                rules[std::string(set)].push_back("acl " + name + ' ' + rule.name);
            }
        }
    }
    const std::string_view state = names.is_current() ? "active"
                                   : names.error()    ? "failed"
                                                      : "compiling";
    return page_of<NameSetView>(
        names.sets(), request, [&](const std::string& name, const Names::SetState& set) {
            return NameSetView{.name = name,
                               .names = set.names,
                               .payloads = set.payloads,
                               .state = state,
                               .error = names.error() ? names.error()->message : std::string(),
                               .rules = rules[name]};
        });
}

std::vector<NameRuleView> NamesShow::rules() {
    std::map<std::string_view, std::vector<std::string>> bound;
    for (const CircuitConfig& circuit : policy_.circuits()) {
        for (const PeeringConfig& peering : circuit.peerings) {
            bound[peering.policy.name_policy].push_back(circuit.name + '/' +
                                                        std::string(to_string(peering.type)));
        }
    }
    std::vector<NameRuleView> rows;
    for (const auto& [policy, compiled] : policy_.names().policies()) {
        for (const NameRuleConfig& rule : compiled->config.rules) {
            const RuleTotals totals = policy_.rows().counted(Names::rows_name(policy), rule.name);
            rows.push_back({.policy = policy,
                            .name = rule.name,
                            .sets = rule.sets,
                            .action = rule.action,
                            .police = rule.police,
                            .packets = totals.packets,
                            .bytes = totals.bytes,
                            .bound = bound[policy]});
        }
    }
    return rows;
}

std::vector<std::string> NamesShow::names_of(NameSetBits sets) const {
    std::vector<std::string> names;
    for (; sets != 0; sets &= sets - 1) {
        std::string name = policy_.names().name_of(static_cast<unsigned>(std::countr_zero(sets)));
        if (!name.empty()) names.push_back(std::move(name));  // a set that is gone has none
    }
    std::ranges::sort(names);
    return names;
}

LearnedAddressView NamesShow::view_of(const LearnedCursor& at,
                                      const LearnedAddresses::Record& record) const {
    const std::uint64_t now_s = now_s_();
    LearnedAddressView view{.vrf = at.vrf, .address = at.address, .is_past = record.leases.empty()};
    NameSetBits sets = view.is_past ? record.past_sets : 0;
    for (const LearnedAddresses::Lease& lease : record.leases) {
        sets |= lease.sets;
        view.names.push_back({lease.name, lease.until_s > now_s ? lease.until_s - now_s : 0});
    }
    view.sets = names_of(sets);
    return view;
}

Result<Page<LearnedAddressView, LearnedCursor>> NamesShow::addresses(
    const std::optional<std::string>& vrf, const PageRequest<LearnedCursor>& request) {
    const Names::Learned& all = policy_.names().learned();
    if (vrf && !all.contains(*vrf)) {
        return Unexpected(ErrorCode::kNotFound, "no rule asks for names in a VRF " + *vrf, "vrf");
    }
    Page<LearnedAddressView, LearnedCursor> page;
    auto at = request.after ? all.lower_bound(request.after->vrf) : all.begin();
    for (; at != all.end(); ++at) {
        if (vrf && at->first != *vrf) continue;
        const LearnedAddresses::Records& records = at->second->records();
        const bool goes_on = request.after && request.after->vrf == at->first;
        auto record = goes_on ? records.upper_bound(request.after->address) : records.begin();
        for (; record != records.end(); ++record) {
            if (page.items.size() == request.limit) {
                page.next = LearnedCursor{page.items.back().vrf, page.items.back().address};
                return page;
            }
            page.items.push_back(view_of({at->first, record->first}, record->second));
        }
    }
    return page;
}

std::vector<NameCount> NamesShow::counts() {
    const Names& names = policy_.names();
    std::vector<NameCount> rows;
    for (std::size_t i = 0; i < static_cast<std::size_t>(DnsLearner::Event::kCount); ++i) {
        const auto event = static_cast<DnsLearner::Event>(i);
        rows.push_back({DnsLearner::to_string(event), DnsLearner::meaning_of(event),
                        names.learner().count(event)});
    }
    const auto sum = [this](Counter NameWorker::*counter) {
        std::uint64_t all = 0;
        for (const auto& worker : forwarder_.workers()) all += (worker->names().*counter).read();
        return all;
    };
    rows.push_back({"answers_unheard", "went on at once: the control thread had no time for them",
                    sum(&NameWorker::answers_unheard)});
    std::size_t known = 0;
    std::size_t past = 0;
    for (const auto& [vrf, learned] : names.learned()) {
        known += learned->size() - learned->past();
        past += learned->past();
    }
    rows.push_back({"addresses", "known now", known});
    rows.push_back({"addresses_past", "kept for flows that they began", past});
    rows.push_back(
        {"flows_begun", "to learned addresses that are steered", sum(&NameWorker::flows_begun)});
    rows.push_back({"flows_displaced", "by others, though not idle: they go by the routes",
                    sum(&NameWorker::flows_displaced)});
    rows.push_back(
        {"flows_labelled", "said a name or a payload of a set", sum(&NameWorker::flows_labelled)});
    return rows;
}

}  // namespace causeway
