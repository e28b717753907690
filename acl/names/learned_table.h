// SPDX-License-Identifier: Apache-2.0
//
// LearnedTable: addresses and the name sets they are in, as the workers read them. One family.
//
// Thread safety: lookup() by any thread, at any time, never blocks; everything else by one thread,
// the control thread.
//
// Buckets of one cache line each (learned_bucket.h), by the address's hash with a seed of our own.
// An address that finds its bucket full lies in the next that is not: a question reads one line,
// and a second once in sixty times where the table is fullest. A line has a number of one byte for
// the sets of an address, as few of their combinations are ever met; what has no number is beside
// the lines.
//
// Invariants
//   (1) A lookup that overlaps one change returns the answer from before or from after it.
//   (2) An entry is never new again: forgetting leaves the key, so that those behind it are
//       found. When more than 52 % of the entries are used, all that are known are copied to a new
//       table, and the old one is freed after a grace period.
//   (3) What a number means never changes; a new table gives new numbers.
//
// A line holds 40 bits of a key. They tell all addresses of IPv4 apart. That one of IPv6 is taken
// for one of the five others of its line has a chance of 2^-38 for each that is not known; to look
// for such needs the seeds.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "acl/names/learned_bucket.h"
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
    // And those of the past.
    [[nodiscard]] constexpr NameSetBits ever() const noexcept { return bits_ & ~kPast; }
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
        const View& current = *current_.load(std::memory_order_acquire);
        answer([view = View(current)](std::size_t) noexcept { return view; },
               [&current](std::size_t, Key key) noexcept { return current.look_further(key); },
               addresses, sets);
    }
    // The same, each asked of a table of its own: as many tables.
    static void lookup(std::span<const LearnedTable* const> tables,
                       std::span<const Address> addresses, std::span<LearnedSets> sets) noexcept {
        std::array<const View*, kBurstSizeMax> current;
        for (std::size_t k = 0; k < tables.size(); ++k) {
            current[k] = tables[k]->current_.load(std::memory_order_acquire);
        }
        answer(
            [&current](std::size_t k) noexcept { return *current[k]; },
            [&current](std::size_t k, Key key) noexcept { return current[k]->look_further(key); },
            addresses, sets);
    }

    // Sets of none forget it. The unspecified address is nobody's: no packet goes there, though
    // resolvers that hide a name answer with it. kUnavailable where there is no memory for more;
    // all stays as it was.
    [[nodiscard]] Status set(Address address, LearnedSets sets);
    // Frees what no reader can hold any more; called every now and then.
    void reclaim() {
        std::erase_if(retired_, [this](const auto& old) { return grace_.is_over(old.first); });
    }
    [[nodiscard]] std::size_t size() const noexcept { return known_; }
    [[nodiscard]] std::size_t bytes() const noexcept {
        return current_.load(std::memory_order_relaxed)->bucket_count * sizeof(LearnedBucket);
    }

  private:
    using Key = std::uint64_t;

    // Of 64 bytes each, so many are asked of memory before the first is read: one for each that a
    // core can wait for at once. Answers are worked out while memory brings the next.
    static constexpr std::size_t kAhead = 16;
    static constexpr std::uint8_t kElsewhere = LearnedBucket::kElsewhere;

    struct Entry {
        std::size_t bucket;
        std::size_t index;

        [[nodiscard]] std::size_t position() const noexcept {
            return bucket * LearnedBucket::kEntries + index;
        }
    };
    // What a reader needs, to be held in registers.
    struct View {
        LearnedBucket* buckets;
        std::size_t bucket_count;
        std::array<std::uint64_t, 2> seeds;
        NameSetBits* by_number;
        NameSetBits* by_entry;  // of all entries, those without a number among them

        [[nodiscard]] Key key_of(Address address) const noexcept;
        // By those bits of the key that a bucket has not.
        [[nodiscard]] std::size_t home_of(Key key) const noexcept {
            constexpr unsigned kBits = 64 - LearnedBucket::kKeyBits;
            const std::uint64_t bits = key >> LearnedBucket::kKeyBits;
            return static_cast<std::size_t>(bits * bucket_count >> kBits);
        }
        [[nodiscard]] std::size_t next(std::size_t bucket) const noexcept {
            return bucket + 1 == bucket_count ? 0 : bucket + 1;
        }
        // Where a number of the key's first bucket does not say it.
        [[nodiscard]] LearnedSets look_further(Key key) const noexcept;
    };
    struct Table : View {
        Mapping memory;
        std::vector<NameSetBits> sets_by_number;
        std::vector<NameSetBits> sets_by_entry;
        std::vector<Key> keys;    // of all entries, whole; the writer's
        std::size_t numbers = 1;  // that are given; 0 is of none

        [[nodiscard]] NameSetBits sets_of(Entry entry) const noexcept {
            return sets_by_entry[entry.position()];
        }
        [[nodiscard]] std::optional<Entry> find(Key key) const noexcept;
        // For one that has no entry yet. REQUIRES: an entry somewhere that is not used.
        [[nodiscard]] Entry room_for(Key key) noexcept;
        void put(Entry entry, Key key, LearnedSets sets) noexcept;
        [[nodiscard]] std::uint8_t number_of(NameSetBits sets) noexcept;
    };

    explicit LearnedTable(GracePeriods& grace) : grace_(grace) {}

    template <class ViewOf, class Further>
    static void answer(ViewOf&& view_of, Further&& look_further, std::span<const Address> addresses,
                       std::span<LearnedSets> sets) noexcept {
        std::array<Key, kBurstSizeMax> keys;
        std::array<const LearnedBucket*, kBurstSizeMax> homes;
        const auto fetch = [&](std::size_t k) noexcept {
            const View view = view_of(k);
            keys[k] = view.key_of(addresses[k]);
            homes[k] = &view.buckets[view.home_of(keys[k])];
            __builtin_prefetch(homes[k]);
        };
        const auto read = [&](std::size_t k) noexcept {
            const View view = view_of(k);
            const std::uint8_t number = homes[k]->answer(keys[k]).sets;
            sets[k] = LearnedSets(view.by_number[number]);
            if (number == kElsewhere) [[unlikely]]
                sets[k] = look_further(k, keys[k]);
        };
        const std::size_t ahead = std::min(kAhead, addresses.size());
        for (std::size_t k = 0; k < ahead; ++k) fetch(k);
        for (std::size_t k = ahead; k < addresses.size(); ++k) {
            fetch(k);
            read(k - ahead);
        }
        for (std::size_t k = addresses.size() - ahead; k < addresses.size(); ++k) read(k);
    }
    [[nodiscard]] static Result<std::unique_ptr<Table>> make_table(
        std::size_t buckets, const std::array<std::uint64_t, 2>& seeds);
    [[nodiscard]] Status rebuild();

    GracePeriods& grace_;
    std::atomic<Table*> current_{nullptr};
    std::vector<std::pair<std::uint64_t, std::unique_ptr<Table>>> retired_;
    std::size_t known_ = 0;
    std::size_t used_ = 0;  // and those that are forgotten
};

// Its low 32 bits are a permutation of the address.
template <>
inline auto LearnedTable<Ipv4Address>::View::key_of(Ipv4Address address) const noexcept -> Key {
    return (address.value() ^ seeds[0]) * 0x9e37'79b9'7f4a'7c15;
}

// A product of 128 bits, folded: all bits of the address and of the seeds are in all of the key's.
template <>
inline auto LearnedTable<Ipv6Address>::View::key_of(Ipv6Address address) const noexcept -> Key {
    const Uint128 product = Uint128{address.high() ^ seeds[0]} * (address.low() ^ seeds[1]);
    return static_cast<Key>(product ^ product >> 64);
}

extern template class LearnedTable<Ipv4Address>;
extern template class LearnedTable<Ipv6Address>;

}  // namespace causeway
