// SPDX-License-Identifier: Apache-2.0
#include "acl/names/learned_table.h"

#include <algorithm>
#include <random>

namespace causeway {
namespace {

constexpr std::size_t kBucketsMin = 512;

}  // namespace

template <class Address>
std::uint64_t* LearnedTable<Address>::Table::room_for(Place place) const noexcept {
    for (std::size_t bucket = place.bucket;; bucket = (bucket + 1) & bucket_mask) {
        std::uint64_t* const line = entries + bucket * kBucketEntries;
        const auto room = std::find_if(line, line + kBucketEntries, [](std::uint64_t entry) {
            return static_cast<NameSetBits>(entry) == 0;
        });
        if (room != line + kBucketEntries) return room;
    }
}

template <class Address>
auto LearnedTable<Address>::make_table(std::size_t buckets) -> Result<std::unique_ptr<Table>> {
    const std::size_t entry_bytes = buckets * kCacheLine;
    const std::size_t key_bytes = kHasKeys ? buckets * kBucketEntries * sizeof(Address) : 0;
    auto memory = Mapping::allocate(entry_bytes + key_bytes, PageSize::kHuge);
    if (!memory) return Unexpected(memory.error());
    std::random_device device;
    std::byte* const data = memory->data();
    return std::unique_ptr<Table>(new Table{.memory = std::move(memory).value(),
                                            .entries = reinterpret_cast<std::uint64_t*>(data),
                                            .keys = reinterpret_cast<Address*>(data + entry_bytes),
                                            .bucket_mask = buckets - 1,
                                            .seed = std::uint64_t{device()} << 32 | device()});
}

template <class Address>
Result<std::unique_ptr<LearnedTable<Address>>> LearnedTable<Address>::create(GracePeriods& grace) {
    std::unique_ptr<LearnedTable> made(new LearnedTable(grace));
    auto table = make_table(kBucketsMin);
    if (!table) return Unexpected(table.error());
    made->current_.store(std::move(table).value().release(), std::memory_order_release);
    return made;
}

// With room for twice as many as are known.
template <class Address>
Status LearnedTable<Address>::rebuild() {
    const std::size_t buckets =
        std::max(kBucketsMin, std::bit_ceil(4 * (known_ + 1) / kBucketEntries));
    auto made = make_table(buckets);
    if (!made) return Unexpected(made.error());
    std::unique_ptr<Table> next = std::move(made).value();
    std::unique_ptr<Table> old(current_.load(std::memory_order_relaxed));
    for (std::size_t i = 0; i < old->count(); ++i) {
        const std::uint64_t value = old->entries[i];
        if (static_cast<NameSetBits>(value) == 0) continue;
        Address address;
        if constexpr (kHasKeys) {
            address = old->keys[i];
        } else {
            address = Address(static_cast<std::uint32_t>(value >> 32));
        }
        const Place place = next->place_of(address);
        next->put(next->room_for(place), address,
                  std::uint64_t{place.tag} << 32 | static_cast<NameSetBits>(value));
    }
    current_.store(next.release(), std::memory_order_release);
    retired_.emplace_back(grace_.begin(), std::move(old));
    used_ = known_;
    return ok();
}

template <class Address>
Status LearnedTable<Address>::set(Address address, LearnedSets sets) {
    Table* table = current_.load(std::memory_order_relaxed);
    Place place = table->place_of(address);
    std::uint64_t* entry = table->find(place, address).entry;
    const bool was_known = entry != nullptr && static_cast<NameSetBits>(*entry) != 0;
    if (entry == nullptr) {
        if (!sets.is_known()) return ok();
        if (2 * (used_ + 1) > table->count()) {
            if (const Status status = rebuild(); !status) return status;
            table = current_.load(std::memory_order_relaxed);
            place = table->place_of(address);
        }
        entry = table->room_for(place);
        used_ += *entry == 0 ? 1 : 0;
    }
    known_ += sets.is_known() ? 1 : 0;
    known_ -= was_known ? 1 : 0;
    table->put(entry, address, std::uint64_t{place.tag} << 32 | sets.bits());
    return ok();
}

template class LearnedTable<Ipv4Address>;
template class LearnedTable<Ipv6Address>;

}  // namespace causeway
