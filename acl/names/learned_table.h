// SPDX-License-Identifier: Apache-2.0
//
// LearnedTable: addresses and the name sets they are in, as the workers read them. One family.
//
// Thread safety: lookup() by any thread, at any time, never blocks; everything else by one thread,
// the control thread.
//
// Layout. Buckets of one cache line, with eight entries each; an address that finds its bucket full
// lies in the next that is not. So a question reads one line, and a second once in twenty times.
//
//   63              32 31                0
//  +------------------+------------------+
//  | tag              | sets, 0: forgot  |      all zero: free; what is behind was never used
//  +------------------+------------------+
//
// Of IPv4 the tag is the address. Of IPv6 it is a part of its hash, and the address itself lies in
// a table beside; the hash is of a seed of our own.
//
// Invariants
//   (1) A lookup that overlaps one change returns the answer from before or from after it.
//   (2) An entry is never free again: forgetting leaves the tag, so that those behind it are found.
//       When too many are such, or there are more than half as many addresses as entries, all are
//       copied to a new table, and the old one is freed after a grace period.
#pragma once

#include <immintrin.h>

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "acl/names/name_set.h"
#include "base/grace.h"
#include "base/limits.h"
#include "base/mapping.h"
#include "base/result.h"
#include "base/types.h"

namespace causeway {

// What a packet's destination is: the sets of the names that led to it lately.
class LearnedSets {
  public:
    static constexpr NameSetBits kPast = NameSetBits{1} << 31;

    constexpr LearnedSets() noexcept = default;
    constexpr explicit LearnedSets(NameSetBits bits) noexcept : bits_(bits) {}
    // Those of a name whose time to live is over, for flows that began before.
    [[nodiscard]] static constexpr LearnedSets past(NameSetBits sets) noexcept {
        return LearnedSets(sets | kPast);
    }
    [[nodiscard]] constexpr NameSetBits now() const noexcept {
        return (bits_ & kPast) != 0 ? 0 : bits_;
    }
    [[nodiscard]] constexpr bool is_known() const noexcept { return bits_ != 0; }
    [[nodiscard]] constexpr NameSetBits bits() const noexcept { return bits_; }
    friend constexpr bool operator==(LearnedSets, LearnedSets) noexcept = default;

  private:
    NameSetBits bits_ = 0;
};
static_assert(sizeof(LearnedSets) == 4);

template <class Address>
class LearnedTable {
  public:
    // The grace periods must outlive it.
    [[nodiscard]] static Result<std::unique_ptr<LearnedTable>> create(GracePeriods& grace);
    ~LearnedTable() { delete current_.load(std::memory_order_relaxed); }
    LearnedTable(const LearnedTable&) = delete;
    LearnedTable& operator=(const LearnedTable&) = delete;

    // sets[k] = those of addresses[k]. REQUIRES: at most kBurstSizeMax of them, and as many sets.
    void lookup(std::span<const Address> addresses, std::span<LearnedSets> sets) const noexcept {
        const Table& table = *current_.load(std::memory_order_acquire);
        std::array<Place, kBurstSizeMax> places;
        for (std::size_t k = 0; k < addresses.size(); ++k) {
            places[k] = table.place_of(addresses[k]);
            __builtin_prefetch(table.entries + places[k].bucket * kBucketEntries);
        }
        for (std::size_t k = 0; k < addresses.size(); ++k) {
            sets[k] =
                LearnedSets(static_cast<NameSetBits>(table.find(places[k], addresses[k]).value));
        }
    }

    // Sets of none forget it. kUnavailable where there is no memory for more; all stays as it was.
    [[nodiscard]] Status set(Address address, LearnedSets sets);
    // Frees what no reader can hold any more; called every now and then.
    void reclaim() {
        std::erase_if(retired_, [this](const auto& old) { return grace_.is_over(old.first); });
    }
    [[nodiscard]] std::size_t size() const noexcept { return known_; }
    [[nodiscard]] std::size_t bytes() const noexcept {
        return current_.load(std::memory_order_relaxed)->bytes();
    }

  private:
    static constexpr bool kHasKeys = sizeof(Address) > sizeof(std::uint32_t);
    static constexpr std::size_t kBucketEntries = kCacheLine / sizeof(std::uint64_t);

    struct Place {
        std::size_t bucket;
        std::uint32_t tag;
    };
    struct Table {
        Mapping memory;
        std::uint64_t* entries;
        Address* keys;  // by entry, where kHasKeys
        std::size_t bucket_mask;
        std::uint64_t seed;

        [[nodiscard]] Place place_of(Address address) const noexcept;
        // Its entry, as it was when it was found; null and 0 where it has none.
        struct Found {
            std::uint64_t* entry;
            std::uint64_t value;
        };
        [[nodiscard]] Found find(Place place, Address address) const noexcept;
        // The same for one that has none yet, where it could lie.
        [[nodiscard]] std::uint64_t* room_for(Place place) const noexcept;
        [[nodiscard]] std::size_t count() const noexcept {
            return (bucket_mask + 1) * kBucketEntries;
        }
        [[nodiscard]] std::size_t bytes() const noexcept {
            return count() * (sizeof(std::uint64_t) + (kHasKeys ? sizeof(Address) : 0));
        }
        void put(std::uint64_t* entry, Address address, std::uint64_t value) const noexcept {
            if constexpr (kHasKeys) keys[entry - entries] = address;
            std::atomic_ref(*entry).store(value, std::memory_order_release);
        }
        [[nodiscard]] bool is_of(const std::uint64_t* entry, Address address) const noexcept {
            if constexpr (kHasKeys) return keys[entry - entries] == address;
            return true;
        }
    };

    explicit LearnedTable(GracePeriods& grace) : grace_(grace) {}
    [[nodiscard]] static std::uint64_t load(const std::uint64_t* entry) noexcept {
        // C++20's atomic_ref takes no const.
        return std::atomic_ref(*const_cast<std::uint64_t*>(entry)).load(std::memory_order_acquire);
    }
    [[nodiscard]] static Result<std::unique_ptr<Table>> make_table(std::size_t buckets);
    [[nodiscard]] Status rebuild();

    GracePeriods& grace_;
    std::atomic<Table*> current_{nullptr};
    std::vector<std::pair<std::uint64_t, std::unique_ptr<Table>>> retired_;
    std::size_t known_ = 0;
    std::size_t used_ = 0;  // and those that are forgotten
};

template <>
inline auto LearnedTable<Ipv4Address>::Table::place_of(Ipv4Address address) const noexcept
    -> Place {
    const std::uint64_t hash = (address.value() ^ seed) * 0x9e37'79b9'7f4a'7c15;
    return {static_cast<std::size_t>(hash >> 32) & bucket_mask, address.value()};
}

template <>
inline auto LearnedTable<Ipv6Address>::Table::place_of(Ipv6Address address) const noexcept
    -> Place {
    const Uint128 product = Uint128{address.high() ^ seed} *
                            (address.low() ^ std::rotl(seed, 32) ^ 0x9e37'79b9'7f4a'7c15);
    const std::uint64_t hash =
        static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
    return {static_cast<std::size_t>(hash) & bucket_mask,
            static_cast<std::uint32_t>(hash >> 32) | 1U};  // a used entry is never all zero
}

template <class Address>
auto LearnedTable<Address>::Table::find(Place place, Address address) const noexcept -> Found {
    const __m256i tag = _mm256_set1_epi32(static_cast<int>(place.tag));
    const __m256i zero = _mm256_setzero_si256();
    for (std::size_t bucket = place.bucket;; bucket = (bucket + 1) & bucket_mask) {
        std::uint64_t* const line = entries + bucket * kBucketEntries;
        const __m256i low = _mm256_load_si256(reinterpret_cast<const __m256i*>(line));
        const __m256i high = _mm256_load_si256(reinterpret_cast<const __m256i*>(line) + 1);
        const auto mask = [](__m256i equal) noexcept {
            return static_cast<unsigned>(_mm256_movemask_ps(_mm256_castsi256_ps(equal)));
        };
        // Two bits an entry, of which the second is the tag's.
        unsigned found =
            (mask(_mm256_cmpeq_epi32(low, tag)) | mask(_mm256_cmpeq_epi32(high, tag)) << 8) &
            0xaaaaU;
        for (; found != 0; found &= found - 1) {
            std::uint64_t* const entry = line + std::countr_zero(found) / 2;
            if (!is_of(entry, address)) continue;
            const std::uint64_t value = load(entry);
            if (value >> 32 == place.tag) return {entry, value};
        }
        const unsigned free =
            mask(_mm256_cmpeq_epi64(low, zero)) | mask(_mm256_cmpeq_epi64(high, zero));
        if (free != 0) return {nullptr, 0};
    }
}

extern template class LearnedTable<Ipv4Address>;
extern template class LearnedTable<Ipv6Address>;

}  // namespace causeway
