// SPDX-License-Identifier: Apache-2.0
#include "acl/names/learned_addresses.h"

#include <algorithm>
#include <variant>

#include "base/check.h"

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
        while (records_.size() >= addresses_max_ && !past_.empty()) {
            forget(records_.find(past_.begin()->second));
        }
        if (records_.size() >= addresses_max_) return false;
        at = records_.try_emplace(address).first;
    } else {
        unschedule(at);
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
    return settle(at, now_s);
}

// Brings the table and the schedules into line with a record that is in neither schedule. False
// where the table has no memory for one more: the record is gone.
bool LearnedAddresses::settle(Records::iterator at, std::uint64_t now_s) {
    auto& [address, record] = *at;
    NameSetBits sets = 0;
    for (const Lease& lease : record.leases) sets |= lease.sets;
    if (sets != 0) record.past_sets = sets;
    if (!publish(address, sets != 0 ? LearnedSets(sets) : LearnedSets::past(record.past_sets))) {
        records_.erase(at);
        return false;
    }
    record.due_s = now_s + kPastSeconds;
    if (!record.leases.empty()) {
        record.due_s = std::ranges::min_element(record.leases, {}, &Lease::until_s)->until_s;
    }
    schedule_of(record).emplace(record.due_s, address);
    return true;
}

void LearnedAddresses::expire(std::uint64_t now_s) {
    tables_.first->reclaim();
    tables_.second->reclaim();
    while (!past_.empty() && past_.begin()->first <= now_s) {
        forget(records_.find(past_.begin()->second));
    }
    while (!due_.empty() && due_.begin()->first <= now_s) {
        const auto at = records_.find(due_.begin()->second);
        unschedule(at);
        std::erase_if(at->second.leases,
                      [&](const Lease& lease) { return lease.until_s <= now_s; });
        (void)settle(at, now_s);  // has its place in the table
    }
    DCHECK(due_.size() + past_.size() == records_.size());
}

void LearnedAddresses::unschedule(Records::iterator at) {
    schedule_of(at->second).erase({at->second.due_s, at->first});
}

void LearnedAddresses::forget(Records::iterator at) {
    (void)publish(at->first, LearnedSets());
    unschedule(at);
    records_.erase(at);
}

void LearnedAddresses::forget_all() {
    while (!records_.empty()) forget(records_.begin());
}

}  // namespace causeway
