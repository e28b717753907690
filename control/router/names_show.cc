// SPDX-License-Identifier: Apache-2.0
#include "control/router/names_show.h"

#include <algorithm>
#include <bit>
#include <map>

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
    std::vector<NameRuleView> rows;
    for (const auto& [policy, compiled] : policy_.names().policies()) {
        for (const NameRuleConfig& rule : compiled->config.rules) {
            const RuleTotals totals = policy_.rows().counted(Names::rows_name(policy), rule.name);
            rows.push_back({.policy = policy,
                            .name = rule.name,
                            .sets = rule.sets,
                            .action = rule.action,
                            .packets = totals.packets,
                            .bytes = totals.bytes});
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

Page<LearnedAddressView, IpAddress> NamesShow::addresses(const PageRequest<IpAddress>& request) {
    const std::uint64_t now_s = now_s_();
    return page_of<LearnedAddressView>(
        policy_.names().learned().records(), request,
        [&](const IpAddress& address, const LearnedAddresses::Record& record) {
            LearnedAddressView view{.address = address, .is_past = record.leases.empty()};
            NameSetBits sets = view.is_past ? record.past_sets : 0;
            for (const LearnedAddresses::Lease& lease : record.leases) {
                sets |= lease.sets;
                view.names.push_back(
                    {lease.name, lease.until_s > now_s ? lease.until_s - now_s : 0});
            }
            view.sets = names_of(sets);
            return view;
        });
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
    rows.push_back({"addresses", "known now", names.learned().size() - names.learned().past()});
    rows.push_back({"addresses_past", "kept for flows that they began", names.learned().past()});
    rows.push_back(
        {"flows_begun", "to learned addresses that are steered", sum(&NameWorker::flows_begun)});
    rows.push_back({"flows_displaced", "by others, though not idle: they go by the routes",
                    sum(&NameWorker::flows_displaced)});
    rows.push_back(
        {"flows_labelled", "said a name or a payload of a set", sum(&NameWorker::flows_labelled)});
    return rows;
}

}  // namespace causeway
