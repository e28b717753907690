// SPDX-License-Identifier: Apache-2.0
//
// LearnedAddresses: which addresses are, for now, those of a set's names. Each VRF has its own, as
// an address means something else in another.
//
// Thread safety: the tables are for any reader; everything else is the control thread's.
//
// An address belongs to a set for as long as an answer of the DNS said so, the longest of them. A
// client may go on for longer with a flow that it began in time, and such a flow must not change
// its way: so an address that has run out is remembered as past, for as long as RFC 5382 5 (REQ-5)
// would keep an idle flow, or until there is no room for others: those that ran out first go first.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "acl/names/hostname.h"
#include "acl/names/learned_table.h"
#include "base/limits.h"
#include "base/types.h"

namespace causeway {

class LearnedAddresses {
  public:
    static constexpr std::uint64_t kPastSeconds = 2 * 3'600 + 4 * 60;
    // A name that may not be kept at all (TTL 0) is about to be used all the same.
    static constexpr std::uint32_t kSecondsMin = 5;
    // RFC 8767 4: a TTL beyond a week is a mistake.
    static constexpr std::uint32_t kSecondsMax = 7 * 24 * 3'600;

    [[nodiscard]] static Result<std::unique_ptr<LearnedAddresses>> create(
        GracePeriods& grace, std::size_t addresses_max = kLearnedAddressesMax);

    template <class Address>
    [[nodiscard]] const LearnedTable<Address>& table() const noexcept {
        return *std::get<std::unique_ptr<LearnedTable<Address>>>(tables_);
    }

    // Those that are known beyond it stay for their time.
    void limit_to(std::size_t addresses_max) noexcept { addresses_max_ = addresses_max; }
    [[nodiscard]] std::size_t room() const noexcept { return addresses_max_; }  // for all of them

    // False where there is no room: the address stays what it was. REQUIRES: sets.
    [[nodiscard]] bool learn(const IpAddress& address, NameSetBits sets, std::uint32_t ttl,
                             const Hostname& name, std::uint64_t now_s);
    // What has run out by now.
    void expire(std::uint64_t now_s);
    void forget_all();

    // What one name has taught of one address.
    struct Lease {
        NameSetBits sets = 0;
        std::uint64_t until_s = 0;
        std::string name;
    };
    struct Record {
        std::vector<Lease> leases;  // none: it is past
        NameSetBits past_sets = 0;
        std::uint64_t due_s = 0;  // when it is to be looked at again
    };
    using Records = std::map<IpAddress, Record>;
    [[nodiscard]] const Records& records() const noexcept { return records_; }
    [[nodiscard]] std::size_t size() const noexcept { return records_.size(); }  // past ones, too
    [[nodiscard]] std::size_t past() const noexcept { return past_.size(); }

  private:
    explicit LearnedAddresses(std::size_t addresses_max) : addresses_max_(addresses_max) {}
    using Schedule = std::set<std::pair<std::uint64_t, IpAddress>>;  // by due_s

    [[nodiscard]] Status publish(const IpAddress& address, LearnedSets sets);
    [[nodiscard]] Schedule& schedule_of(const Record& record) noexcept {
        return record.leases.empty() ? past_ : due_;
    }
    void unschedule(Records::iterator at);
    [[nodiscard]] bool settle(Records::iterator at, std::uint64_t now_s);
    void forget(Records::iterator at);

    std::size_t addresses_max_;
    std::pair<std::unique_ptr<LearnedTable<Ipv4Address>>,
              std::unique_ptr<LearnedTable<Ipv6Address>>>
        tables_;
    Records records_;
    // Each record is in one of them.
    Schedule due_;   // those with leases
    Schedule past_;  // the others; the first of them make room
};

// sets[k] = those of addresses[k], each as learned[k] knows it. REQUIRES: at most kBurstSizeMax of
// them, and as many of each.
template <class Address>
void look_up(std::span<const LearnedAddresses* const> learned, std::span<const Address> addresses,
             std::span<LearnedSets> sets) noexcept {
    if (std::ranges::count(learned, learned.front()) == std::ssize(learned)) [[likely]] {
        return learned.front()->table<Address>().lookup(addresses, sets);
    }
    std::array<const LearnedTable<Address>*, kBurstSizeMax> tables;
    for (std::size_t k = 0; k < learned.size(); ++k) tables[k] = &learned[k]->table<Address>();
    LearnedTable<Address>::lookup(std::span(tables).first(learned.size()), addresses, sets);
}

}  // namespace causeway
