// SPDX-License-Identifier: Apache-2.0
#include "acl/names/learned_addresses.h"

#include <algorithm>
#include <variant>

namespace causeway {

Result<std::unique_ptr<LearnedAddresses>> LearnedAddresses::create(GracePeriods& grace,
                                                                   std::size_t addresses_max) {
    std::unique_ptr<LearnedAddresses> made(new LearnedAddresses(addresses_max));
    auto ipv4 = LearnedTable<Ipv4Address>::create(grace);
    if (!ipv4) return Unexpected(ipv4.error());
    auto ipv6 = LearnedTable<Ipv6Address>::create(grace);
    if (!ipv6) return Unexpected(ipv6.error());
    made->tables_ = {std::move(ipv4).value(), std::move(ipv6).value()};
    return made;
}

Status LearnedAddresses::publish(const IpAddress& address, LearnedSets sets) {
    if (const auto* const ipv4 = std::get_if<Ipv4Address>(&address)) {
        return tables_.first->set(*ipv4, sets);
    }
    return tables_.second->set(std::get<Ipv6Address>(address), sets);
}

bool LearnedAddresses::learn(const IpAddress& address, NameSetBits sets, std::uint32_t ttl,
                             const Hostname& name, std::uint64_t now_s) {
    auto at = records_.find(address);
    if (at == records_.end()) {
        if (records_.size() >= addresses_max_) forget_past();
        if (records_.size() >= addresses_max_) return false;
        at = records_.try_emplace(address).first;
    } else if (at->second.leases.empty()) {
        --past_;
    }
    const std::uint64_t until_s = now_s + std::clamp(ttl, kSecondsMin, kSecondsMax);
    std::vector<Lease>& leases = at->second.leases;
    const auto same =
        std::ranges::find_if(leases, [&](const Lease& lease) { return lease.name == name.text(); });
    if (same == leases.end()) {
        leases.push_back({sets, until_s, std::string(name.text())});
    } else {
        *same = {sets, std::max(same->until_s, until_s), std::move(same->name)};
    }
    // Many names of one address: those that last longest are enough.
    constexpr std::size_t kLeasesMax = 8;
    if (leases.size() > kLeasesMax) {
        leases.erase(std::ranges::min_element(leases, {}, &Lease::until_s));
    }
    settle(at, now_s);
    return at->second.due_s != 0;
}

// Brings the table and due_ into line with a record. One that finds no room goes.
void LearnedAddresses::settle(Records::iterator at, std::uint64_t now_s) {
    auto& [address, record] = *at;
    NameSetBits sets = 0;
    for (const Lease& lease : record.leases) sets |= lease.sets;
    std::uint64_t due_s = now_s + kPastSeconds;
    for (const Lease& lease : record.leases) due_s = std::min(due_s, lease.until_s);
    if (sets != 0) record.past_sets = sets;
    const Status published =
        publish(address, sets != 0 ? LearnedSets(sets) : LearnedSets::past(record.past_sets));
    if (!published) {
        record.due_s = 0;
        record.leases.clear();
        return;
    }
    if (record.due_s == 0 || due_s < record.due_s) {
        record.due_s = due_s;
        due_.emplace(due_s, address);
    }
}

void LearnedAddresses::expire(std::uint64_t now_s) {
    tables_.first->reclaim();
    tables_.second->reclaim();
    while (!due_.empty() && due_.begin()->first <= now_s) {
        const auto [due_s, address] = *due_.begin();
        due_.erase(due_.begin());
        const auto at = records_.find(address);
        if (at == records_.end() || at->second.due_s != due_s) continue;
        Record& record = at->second;
        record.due_s = 0;
        if (record.leases.empty()) {
            (void)publish(address, LearnedSets());
            records_.erase(at);
            --past_;
            continue;
        }
        std::erase_if(record.leases, [&](const Lease& lease) { return lease.until_s <= now_s; });
        if (record.leases.empty()) ++past_;
        settle(at, now_s);
    }
}

void LearnedAddresses::forget_past() {
    std::erase_if(records_, [this](const auto& entry) {
        if (!entry.second.leases.empty()) return false;
        (void)publish(entry.first, LearnedSets());
        return true;
    });
    past_ = 0;
}

void LearnedAddresses::forget_all() {
    for (const auto& [address, record] : records_) (void)publish(address, LearnedSets());
    records_.clear();
    due_.clear();
    past_ = 0;
}

}  // namespace causeway
