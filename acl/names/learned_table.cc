// SPDX-License-Identifier: Apache-2.0
#include "acl/names/learned_table.h"

#include <algorithm>
#include <bit>
#include <random>

namespace causeway {
namespace {

constexpr std::size_t kBucketsMin = kPageBytes / kCacheLine;
constexpr std::size_t kUsedMax = 4;  // of a bucket's entries, on average

}  // namespace

template <class Address>
auto LearnedTable<Address>::Table::find(Key key) noexcept -> std::optional<Entry> {
    for (std::size_t at = this->home_of(key);; at = this->next(at)) {
        const Bucket& bucket = this->buckets[at];
        for (Entry entry{at, 0}; entry.index < Bucket::kEntries; ++entry.index) {
            if (!bucket.is_new(entry.index) && this->key(entry) == key) return entry;
        }
        if (!bucket.is_passed()) return std::nullopt;
    }
}

template <class Address>
auto LearnedTable<Address>::Table::room_for(Key key) noexcept -> Entry {
    for (std::size_t at = this->home_of(key);; at = this->next(at)) {
        Bucket& bucket = this->buckets[at];
        if (const auto index = bucket.room()) return {at, *index};
        bucket.pass();
    }
}

template <class Address>
auto LearnedTable<Address>::make_table(std::size_t buckets,
                                       const std::array<std::uint64_t, 2>& seeds)
    -> Result<std::unique_ptr<Table>> {
    const std::size_t bytes = buckets * sizeof(Bucket);
    // Most VRFs know a few, and there may be thousands of VRFs.
    auto memory =
        Mapping::allocate(bytes, bytes < kHugePageBytes ? PageSize::kSmall : PageSize::kHuge);
    if (!memory) return Unexpected(memory.error());
    auto* const zeroed = reinterpret_cast<Bucket*>(memory->data());
    return std::unique_ptr<Table>(new Table{{zeroed, buckets - 1, seeds},
                                            std::move(memory).value(),
                                            std::vector<Key>(buckets * Bucket::kEntries)});
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

// With room for half as many again as are known, and with powers of two for twice as many.
template <class Address>
Status LearnedTable<Address>::rebuild() {
    const std::size_t buckets =
        std::max(kBucketsMin, std::bit_ceil(3 * (known_ + 1) / (2 * kUsedMax)));
    Table* const current = current_.load(std::memory_order_relaxed);
    auto made = make_table(buckets, current->seeds);  // with the keys as they are
    if (!made) return Unexpected(made.error());
    std::unique_ptr<Table> next = std::move(made).value();
    std::unique_ptr<Table> old(current);
    for (Entry entry{0, 0}; entry.bucket <= old->bucket_mask; ++entry.bucket) {
        for (entry.index = 0; entry.index < Bucket::kEntries; ++entry.index) {
            const LearnedSets sets(old->buckets[entry.bucket].sets(entry.index));
            const Key key = old->key(entry);
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
    const bool was_known =
        entry.has_value() && table->buckets[entry->bucket].sets(entry->index) != 0;
    if (!entry) {
        if (!sets.is_known()) return ok();
        if (used_ + 1 > kUsedMax * (table->bucket_mask + 1)) {
            if (const Status status = rebuild(); !status) return status;
            table = current_.load(std::memory_order_relaxed);
        }
        entry = table->room_for(key);
        used_ += table->buckets[entry->bucket].is_new(entry->index) ? 1 : 0;
    }
    known_ += sets.is_known() ? 1 : 0;
    known_ -= was_known ? 1 : 0;
    table->put(*entry, key, sets);
    return ok();
}

template class LearnedTable<Ipv4Address>;
template class LearnedTable<Ipv6Address>;

}  // namespace causeway
