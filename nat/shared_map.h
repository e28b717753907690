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
#include <bit>
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
            if (const unsigned places = places_of(here, key); places != 0) {
                return &here.values[first_of(places)];
            }
            if (std::atomic_ref(here.passed_on).load(std::memory_order_acquire) == 0) break;
        }
        return nullptr;
    }
    // The place of a new key's value, zero so far; nullptr where its buckets are full.
    [[nodiscard]] std::uint32_t* insert(std::uint64_t key) noexcept;
    // Either of them, for one look: zero where the key is new.
    [[nodiscard]] std::uint32_t* find_or_insert(std::uint64_t key) noexcept;
    void erase(std::uint64_t key) noexcept;
    // How many keys there are: as counted in some thousand buckets, which is all of a small map,
    // and of a large one right to about a hundredth, because hashes spread keys evenly.
    [[nodiscard]] std::size_t estimated_size() const noexcept;
    void prefetch(std::uint64_t key) const noexcept { prefetch_line(&bucket(key, 0)); }

  private:
    static constexpr std::size_t kPlaces = 5;  // as places_of() has it
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

    // Bit i: place i has the key; of zero, nobody has it. All are looked at, because where a search
    // would end is anybody's guess, and a wrong one costs more.
    [[nodiscard]] static unsigned places_of(Bucket& bucket, std::uint64_t key) noexcept {
        const auto bit = [&](std::size_t place) noexcept {
            const std::uint64_t there =
                std::atomic_ref(bucket.keys[place]).load(std::memory_order_acquire);
            return static_cast<unsigned>(there == key) << place;
        };
        return bit(0) | bit(1) | bit(2) | bit(3) | bit(4);
    }
    [[nodiscard]] static std::size_t first_of(unsigned places) noexcept {
        return static_cast<std::size_t>(std::countr_zero(places));
    }
    // The value of a new key, if the bucket has room.
    [[nodiscard]] static std::uint32_t* take_place(Bucket& bucket, std::uint64_t key) noexcept;
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
