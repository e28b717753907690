// SPDX-License-Identifier: Apache-2.0
#include "acl/names/learned_table.h"

#include <algorithm>
#include <random>

namespace causeway {
namespace {

constexpr std::size_t kBucketsMin = kPageBytes / kCacheLine;

}  // namespace

template <class Address>
auto LearnedTable<Address>::Table::find(Key key) const noexcept -> Entry {
    for (std::size_t at = home_of(key);; at = next(at)) {
        if (const auto index = buckets[at].find(key)) return {buckets + at, *index};
        if (!buckets[at].is_passed()) return {};
    }
}

template <class Address>
auto LearnedTable<Address>::Table::room_for(Key key) const noexcept -> Entry {
    for (std::size_t at = home_of(key);; at = next(at)) {
        if (const auto index = buckets[at].room()) return {buckets + at, *index};
        buckets[at].pass();
    }
}

template <class Address>
auto LearnedTable<Address>::make_table(std::size_t buckets, std::uint64_t seed)
    -> Result<std::unique_ptr<Table>> {
    const std::size_t bytes = buckets * sizeof(Bucket);
    // Most VRFs know a few, and there may be thousands of VRFs.
    auto memory =
        Mapping::allocate(bytes, bytes < kHugePageBytes ? PageSize::kSmall : PageSize::kHuge);
    if (!memory) return Unexpected(memory.error());
    auto* const zeroed = reinterpret_cast<Bucket*>(memory->data());
    return std::unique_ptr<Table>(new Table{.memory = std::move(memory).value(),
                                            .buckets = zeroed,
                                            .bucket_mask = buckets - 1,
                                            .seed = seed});
}

template <class Address>
Result<std::unique_ptr<LearnedTable<Address>>> LearnedTable<Address>::create(GracePeriods& grace) {
    std::unique_ptr<LearnedTable> made(new LearnedTable(grace));
    std::random_device device;
    auto table = make_table(kBucketsMin, std::uint64_t{device()} << 32 | device());
    if (!table) return Unexpected(table.error());
    made->current_.store(std::move(table).value().release(), std::memory_order_release);
    return made;
}

// With room for half as many again as are known, and with powers of two for twice as many.
template <class Address>
Status LearnedTable<Address>::rebuild() {
    const std::size_t buckets =
        std::max(kBucketsMin, std::bit_ceil(3 * (known_ + 1) / Bucket::kEntries));
    Table* const current = current_.load(std::memory_order_relaxed);
    auto made = make_table(buckets, current->seed);  // with the keys as they are
    if (!made) return Unexpected(made.error());
    std::unique_ptr<Table> next = std::move(made).value();
    std::unique_ptr<Table> old(current);
    for (const Bucket& bucket : std::span(old->buckets, old->bucket_mask + 1)) {
        for (std::size_t i = 0; i < Bucket::kEntries; ++i) {
            if (bucket.sets(i) == 0) continue;
            const Entry entry = next->room_for(bucket.key(i));
            entry.bucket->put(entry.index, bucket.key(i), bucket.sets(i));
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
    Entry entry = table->find(key);
    const bool was_known = entry.bucket != nullptr && entry.bucket->sets(entry.index) != 0;
    if (entry.bucket == nullptr) {
        if (!sets.is_known()) return ok();
        if (2 * (used_ + 1) > table->entries()) {
            if (const Status status = rebuild(); !status) return status;
            table = current_.load(std::memory_order_relaxed);
        }
        entry = table->room_for(key);
        used_ += entry.bucket->is_new(entry.index) ? 1 : 0;
    }
    known_ += sets.is_known() ? 1 : 0;
    known_ -= was_known ? 1 : 0;
    entry.bucket->put(entry.index, key, sets.bits());
    return ok();
}

template class LearnedTable<Ipv4Address>;
template class LearnedTable<Ipv6Address>;

}  // namespace causeway
