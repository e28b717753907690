// SPDX-License-Identifier: Apache-2.0
#include "nat/shared_map.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace causeway {

Result<SharedMap> SharedMap::create(std::size_t keys_max, const HashSecret& secret) {
    const std::size_t buckets = buckets_for(keys_max);
    if (buckets > 0xffff'ffffU) return Unexpected(ErrorCode::kInvalid, "too many keys for a map");
    Result<Mapping> memory = Mapping::allocate(buckets * sizeof(Bucket), PageSize::kHuge);
    if (!memory) return Unexpected(memory.error());
    return SharedMap(std::move(memory).value(), buckets, secret);
}

SharedMap::SharedMap(Mapping memory, std::size_t buckets, const HashSecret& secret) noexcept
    : memory_(std::move(memory)),
      buckets_(reinterpret_cast<Bucket*>(memory_.data())),
      count_(static_cast<std::uint32_t>(buckets)),
      secret_(secret) {}

std::uint32_t* SharedMap::take_place(Bucket& bucket, std::uint64_t key) noexcept {
    for (unsigned places = places_of(bucket, 0); places != 0; places &= places - 1) {
        const std::size_t place = first_of(places);
        std::uint64_t free = 0;
        if (!std::atomic_ref(bucket.keys[place]).compare_exchange_strong(free, key)) continue;
        bucket.values[place] = 0;
        return &bucket.values[place];
    }
    return nullptr;
}

std::uint32_t* SharedMap::find_or_insert(std::uint64_t key) noexcept {
    DCHECK(key != 0);
    Bucket& here = bucket(key, 0);
    if (const unsigned places = places_of(here, key); places != 0) {
        return &here.values[first_of(places)];
    }
    if (std::atomic_ref(here.passed_on).load(std::memory_order_acquire) != 0) {
        if (std::uint32_t* const value = find(key)) return value;
    }
    std::uint32_t* const value = take_place(here, key);
    return value != nullptr ? value : insert(key);
}

std::uint32_t* SharedMap::insert(std::uint64_t key) noexcept {
    DCHECK(key != 0);
    for (unsigned turn = 0; turn < kBucketsOfKey; ++turn) {
        Bucket& here = bucket(key, turn);
        if (std::uint32_t* const value = take_place(here, key)) return value;
        std::atomic_ref(here.passed_on).fetch_add(1);
    }
    for (unsigned turn = 0; turn < kBucketsOfKey; ++turn) {
        std::atomic_ref(bucket(key, turn).passed_on).fetch_sub(1);
    }
    return nullptr;
}

void SharedMap::erase(std::uint64_t key) noexcept {
    for (unsigned turn = 0; turn < kBucketsOfKey; ++turn) {
        Bucket& here = bucket(key, turn);
        if (const unsigned places = places_of(here, key); places != 0) {
            for (unsigned before = 0; before < turn; ++before) {
                std::atomic_ref(bucket(key, before).passed_on).fetch_sub(1);
            }
            return std::atomic_ref(here.keys[first_of(places)]).store(0, std::memory_order_release);
        }
        if (std::atomic_ref(here.passed_on).load(std::memory_order_acquire) == 0) return;
    }
}

std::size_t SharedMap::estimated_size() const noexcept {
    const std::uint32_t sampled = std::min(count_, kSampledBuckets);
    std::size_t keys = 0;
    for (std::uint32_t k = 0; k < sampled; ++k) {
        for (std::uint64_t& key : buckets_[k].keys) {
            keys += std::atomic_ref(key).load(std::memory_order_relaxed) != 0 ? 1U : 0U;
        }
    }
    return keys * count_ / sampled;
}

}  // namespace causeway
