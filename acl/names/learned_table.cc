// SPDX-License-Identifier: Apache-2.0
#include "acl/names/learned_table.h"

#include <algorithm>
#include <bit>
#include <random>

namespace causeway {
namespace {

constexpr std::size_t kBucketsMin = kPageBytes / kCacheLine;

// How many entries may be used: 5.2 of a bucket, on average.
constexpr std::size_t used_max(std::size_t buckets) noexcept {
    return buckets * LearnedBucket::kEntries * 52 / 100;
}

// With room for a quarter more than these. Powers of two and what is in the middle of them: a
// million addresses need twelve megabytes, and to wait for sixteen takes longer.
constexpr std::size_t buckets_for(std::size_t addresses) noexcept {
    std::size_t buckets = kBucketsMin;
    while (used_max(buckets) < addresses * 5 / 4) {
        buckets = std::has_single_bit(buckets) ? buckets / 2 * 3 : buckets / 3 * 4;
    }
    return buckets;
}

}  // namespace

template <class Address>
auto LearnedTable<Address>::Table::find(Key key) const noexcept -> std::optional<Entry> {
    for (std::size_t at = this->home_of(key);; at = this->next(at)) {
        const LearnedBucket& bucket = this->buckets[at];
        for (Entry entry{at, 0}; entry.index < bucket.used(); ++entry.index) {
            if (keys[entry.position()] == key) return entry;
        }
        if (!bucket.is_passed()) return std::nullopt;
    }
}

template <class Address>
auto LearnedTable<Address>::Table::room_for(Key key) noexcept -> Entry {
    for (std::size_t at = this->home_of(key);; at = this->next(at)) {
        LearnedBucket& bucket = this->buckets[at];
        if (!bucket.is_full()) return {at, bucket.used()};
        bucket.pass();
    }
}

template <class Address>
void LearnedTable<Address>::Table::put(Entry entry, Key key, LearnedSets sets) noexcept {
    keys[entry.position()] = key;
    // Before the number by which a reader comes to it.
    std::atomic_ref(sets_by_entry[entry.position()]).store(sets.bits(), std::memory_order_release);
    this->buckets[entry.bucket].put(entry.index, key, number_of(sets.bits()));
}

template <class Address>
std::uint8_t LearnedTable<Address>::Table::number_of(NameSetBits sets) noexcept {
    const auto end = sets_by_number.begin() + static_cast<std::ptrdiff_t>(numbers);
    const auto at = std::find(sets_by_number.begin(), end, sets);
    if (at == end) {
        if (numbers == kElsewhere) return kElsewhere;
        std::atomic_ref(*at).store(sets, std::memory_order_release);
        ++numbers;
    }
    return static_cast<std::uint8_t>(at - sets_by_number.begin());
}

template <class Address>
LearnedSets LearnedTable<Address>::View::look_further(Key key) const noexcept {
    for (std::size_t at = home_of(key);; at = next(at)) {
        const LearnedBucket::Answer answer = buckets[at].answer(key);
        if (answer.sets != kElsewhere) return LearnedSets(by_number[answer.sets]);
        if (answer.index == LearnedBucket::kEntries) continue;
        const Entry entry{at, answer.index};
        return LearnedSets(
            std::atomic_ref(by_entry[entry.position()]).load(std::memory_order_acquire));
    }
}

template <class Address>
auto LearnedTable<Address>::make_table(std::size_t buckets,
                                       const std::array<std::uint64_t, 2>& seeds)
    -> Result<std::unique_ptr<Table>> {
    const std::size_t bytes = buckets * sizeof(LearnedBucket);
    // Most VRFs know a few, and there may be thousands of VRFs.
    auto memory =
        Mapping::allocate(bytes, bytes < kHugePageBytes ? PageSize::kSmall : PageSize::kHuge);
    if (!memory) return Unexpected(memory.error());
    const std::size_t entries = buckets * LearnedBucket::kEntries;
    std::unique_ptr<Table> made(new Table{{},
                                          std::move(memory).value(),
                                          std::vector<NameSetBits>(kElsewhere + 1),
                                          std::vector<NameSetBits>(entries),
                                          std::vector<Key>(entries)});
    static_cast<View&>(*made) = {reinterpret_cast<LearnedBucket*>(made->memory.data()), buckets,
                                 seeds, made->sets_by_number.data(), made->sets_by_entry.data()};
    return made;
}

template <class Address>
Result<std::unique_ptr<LearnedTable<Address>>> LearnedTable<Address>::create(GracePeriods& grace) {
    std::unique_ptr<LearnedTable> made(new LearnedTable(grace));
    std::random_device device;
    const auto seed = [&device] { return std::uint64_t{device()} << 32 | device(); };
    auto table = make_table(kBucketsMin, {seed(), seed()});
    if (!table) return Unexpected(table.error());
    made->current_.store(std::move(table).value().release(), std::memory_order_release);
    return made;
}

template <class Address>
Status LearnedTable<Address>::rebuild() {
    Table* const current = current_.load(std::memory_order_relaxed);
    auto made = make_table(buckets_for(known_ + 1), current->seeds);  // with the keys as they are
    if (!made) return Unexpected(made.error());
    std::unique_ptr<Table> next = std::move(made).value();
    std::unique_ptr<Table> old(current);
    for (Entry entry{0, 0}; entry.bucket < old->bucket_count; ++entry.bucket) {
        for (entry.index = 0; entry.index < old->buckets[entry.bucket].used(); ++entry.index) {
            const LearnedSets sets(old->sets_of(entry));
            const Key key = old->keys[entry.position()];
            if (sets.is_known()) next->put(next->room_for(key), key, sets);
        }
    }
    current_.store(next.release(), std::memory_order_release);
    retired_.emplace_back(grace_.begin(), std::move(old));
    used_ = known_;
    return ok();
}

template <class Address>
Status LearnedTable<Address>::set(Address address, LearnedSets sets) {
    if (address == Address()) return ok();
    Table* table = current_.load(std::memory_order_relaxed);
    const Key key = table->key_of(address);
    std::optional<Entry> entry = table->find(key);
    const bool was_known = entry.has_value() && table->sets_of(*entry) != 0;
    if (!entry) {
        if (!sets.is_known()) return ok();
        if (used_ + 1 > used_max(table->bucket_count)) {
            if (const Status status = rebuild(); !status) return status;
            table = current_.load(std::memory_order_relaxed);
        }
        entry = table->room_for(key);
        ++used_;
    }
    known_ += sets.is_known() ? 1 : 0;
    known_ -= was_known ? 1 : 0;
    table->put(*entry, key, sets);
    return ok();
}

template class LearnedTable<Ipv4Address>;
template class LearnedTable<Ipv6Address>;

}  // namespace causeway
