// SPDX-License-Identifier: Apache-2.0
//
// SharedMap: numbers by 64-bit keys, written by all workers at once. A bucket is a cache line of
// five keys and their values. A key lies in the first of its buckets that had room; those before
// count it as passed on, so a search ends where nothing was passed on.
//
// Thread safety
//   Whoever finds, inserts or erases a key excludes others who would do so with the *same* key; the
//   NAT's claim on the inside host does. Different keys never disturb each other: a place is taken
//   by one compare-and-swap, and nobody waits.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "base/limits.h"
#include "base/mapping.h"
#include "base/prefetch.h"
#include "base/result.h"
#include "nat/keyed_hash.h"

namespace causeway {

class SharedMap {
  public:
    // Room for `keys_max` keys and more. Memory is touched as it fills.
    [[nodiscard]] static Result<SharedMap> create(std::size_t keys_max, const HashSecret& secret);
    [[nodiscard]] static constexpr std::size_t bytes_for(std::size_t keys_max) noexcept {
        return buckets_for(keys_max) * sizeof(Bucket);
    }

    // The value of a key, which is not zero; or nullptr.
    [[nodiscard]] std::uint32_t* find(std::uint64_t key) const noexcept {
        for (unsigned turn = 0; turn < kBucketsOfKey; ++turn) {
            Bucket& here = bucket(key, turn);
            const std::size_t place = place_of(here, key);
            if (place != kPlaces) return &here.values[place];
            if (std::atomic_ref(here.passed_on).load(std::memory_order_acquire) == 0) break;
        }
        return nullptr;
    }
    // The place of a new key's value, zero so far; nullptr where its buckets are full.
    [[nodiscard]] std::uint32_t* insert(std::uint64_t key) noexcept;
    void erase(std::uint64_t key) noexcept;
    // How many keys there are: as counted in some thousand buckets, which is all of a small map,
    // and of a large one right to about a hundredth, because hashes spread keys evenly.
    [[nodiscard]] std::size_t estimated_size() const noexcept;
    void prefetch(std::uint64_t key) const noexcept { prefetch_line(&bucket(key, 0)); }

  private:
    static constexpr std::size_t kPlaces = 5;
    static constexpr unsigned kBucketsOfKey = 16;
    static constexpr std::uint32_t kSampledBuckets = 4'096;
    struct alignas(kCacheLine) Bucket {
        std::array<std::uint64_t, kPlaces> keys;
        std::array<std::uint32_t, kPlaces> values;
        std::uint32_t passed_on;
    };
    static_assert(sizeof(Bucket) == kCacheLine);

    // Two thirds full, so that a sixteenth bucket is never asked for.
    [[nodiscard]] static constexpr std::size_t buckets_for(std::size_t keys_max) noexcept {
        return keys_max * 3 / (kPlaces * 2) + kBucketsOfKey;
    }
    SharedMap(Mapping memory, std::size_t buckets, const HashSecret& secret) noexcept;

    // kPlaces where the bucket does not have the key.
    [[nodiscard]] static std::size_t place_of(Bucket& bucket, std::uint64_t key) noexcept {
        std::size_t place = 0;
        while (place < kPlaces &&
               std::atomic_ref(bucket.keys[place]).load(std::memory_order_acquire) != key) {
            ++place;
        }
        return place;
    }
    [[nodiscard]] Bucket& bucket(std::uint64_t key, unsigned turn) const noexcept {
        const std::uint64_t hash = keyed_hash(key, turn, secret_);
        return buckets_[scaled(static_cast<std::uint32_t>(hash >> 32), count_)];
    }

    Mapping memory_;
    Bucket* buckets_;
    std::uint32_t count_;
    HashSecret secret_;
};

}  // namespace causeway
