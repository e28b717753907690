// SPDX-License-Identifier: Apache-2.0
#include "control/policy/rule_rows.h"

#include "base/check.h"

namespace causeway {

Result<std::shared_ptr<const RuleRows::Lease>> RuleRows::lease(const Acl& acl) {
    std::shared_ptr<Lease> lease(new Lease(*this, acl.name));
    Rules& rules = lists_[acl.name];
    const auto add = [&](const std::string& name) {
        const auto [entry, is_new] = rules.try_emplace(name);
        Row& row = entry->second;
        if (is_new) {
            if (!free_.empty()) {
                row.id = free_.back();
                free_.pop_back();
            } else if (names_.size() < kAclCountersMax) {
                row.id = RuleCounterId(static_cast<std::uint32_t>(names_.size()));
                names_.emplace_back();
            } else {
                rules.erase(entry);
                return false;
            }
            ++used_;
            row.baseline = read_(row.id);
            names_[row.id.value()] = {lists_.find(acl.name)->first, entry->first};
        }
        ++row.leases;
        lease->rules_.push_back(name);
        lease->rows_.push_back(row.id);
        return true;
    };
    bool fits = true;
    for (const AclRule& rule : acl.rules) fits = fits && add(rule.name);
    fits = fits && add({});
    if (fits) return std::shared_ptr<const Lease>(std::move(lease));
    return Unexpected(ErrorCode::kFull,
                      "there is no counter left for the rules of access list " + acl.name +
                          ": all lists together have at most " +
                          std::to_string(kAclCountersMax - 1) + ", those just replaced included",
                      "acls");
}

void RuleRows::end(const Lease& lease) {
    const auto list = lists_.find(lease.list_);
    CHECK(list != lists_.end());
    for (const std::string& name : lease.rules_) {
        const auto rule = list->second.find(name);
        CHECK(rule != list->second.end());
        if (--rule->second.leases != 0) continue;
        names_[rule->second.id.value()] = {};
        free_.push_back(rule->second.id);
        --used_;
        list->second.erase(rule);
    }
    if (list->second.empty()) lists_.erase(list);
}

RuleTotals RuleRows::counted(std::string_view list, std::string_view rule) const {
    const auto rules = lists_.find(list);
    if (rules == lists_.end()) return {};
    const auto row = rules->second.find(rule);
    return row == rules->second.end() ? RuleTotals{} : counted(row->second);
}

RuleTotals RuleRows::counted(std::string_view list) const {
    RuleTotals sum;
    const auto rules = lists_.find(list);
    if (rules == lists_.end()) return sum;
    for (const auto& [name, row] : rules->second) {
        const RuleTotals totals = counted(row);
        sum.packets += totals.packets;
        sum.bytes += totals.bytes;
    }
    return sum;
}

RuleTotals RuleRows::counted(const Row& row) const {
    const RuleTotals now = read_(row.id);
    return {now.packets - row.baseline.packets, now.bytes - row.baseline.bytes};
}

std::optional<RuleRows::Name> RuleRows::name_of(RuleCounterId row) const {
    if (row.value() >= names_.size() || names_[row.value()].list.empty()) return std::nullopt;
    return names_[row.value()];
}

}  // namespace causeway
