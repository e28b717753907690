// SPDX-License-Identifier: Apache-2.0
//
// LearnedBucket: one cache line of LearnedTable. All zero when it is new.
//
//   IPv4   8 x | sets (32) | address (32) |
//   IPv6   5 x | key (64) |, 5 x | sets (32) |, | state (32) |
//
// An address of IPv4 is its own key; of IPv6 it is a hash of 64 bits, never 0, with a seed that
// nobody knows. An entry of no sets is free, or of an address that was forgotten.
//
// Thread safety: answer() by any thread, at any time; everything else by one thread. An answer that
// overlaps one change is from before or from after it: an entry of IPv4 is one word; one of IPv6
// has its key for good, and its sets are another. An aligned word is loaded whole, by itself or
// with others (AMD64 manual volume 2 section 7.3.2, Intel SDM volume 3A section 9.1.1).
#pragma once

#include <immintrin.h>

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "acl/names/name_set.h"
#include "base/limits.h"
#include "base/types.h"

namespace causeway {

struct LearnedAnswer {
    NameSetBits sets;
    bool is_last;  // else what is asked for may lie in the next bucket
};

template <class Address>
class LearnedBucket;

template <>
class alignas(kCacheLine) LearnedBucket<Ipv4Address> {
  public:
    using Key = std::uint32_t;
    static constexpr std::size_t kEntries = 8;

    [[nodiscard]] LearnedAnswer answer(Key address) const noexcept {
        const __m256i addresses = _mm256_set1_epi32(static_cast<int>(address));
        const auto* const line = reinterpret_cast<const __m256i*>(entries_.data());
        const __m256i low = _mm256_load_si256(line);
        const __m256i high = _mm256_load_si256(line + 1);
        // Where an entry's address is this one, its sets: shifted, the answer lies over them.
        const __m256i is_low = _mm256_srli_epi64(_mm256_cmpeq_epi32(low, addresses), 32);
        const __m256i is_high = _mm256_srli_epi64(_mm256_cmpeq_epi32(high, addresses), 32);
        const __m256i all =
            _mm256_or_si256(_mm256_and_si256(low, is_low), _mm256_and_si256(high, is_high));
        const __m128i half =
            _mm_or_si128(_mm256_castsi256_si128(all), _mm256_extracti128_si256(all, 1));
        const __m256i zero = _mm256_setzero_si256();
        const __m256i end = _mm256_or_si256(
            _mm256_or_si256(is_low, is_high),
            _mm256_or_si256(_mm256_cmpeq_epi64(low, zero), _mm256_cmpeq_epi64(high, zero)));
        return {static_cast<NameSetBits>(_mm_cvtsi128_si32(half) | _mm_extract_epi32(half, 2)),
                _mm256_testz_si256(end, end) == 0};
    }

    [[nodiscard]] std::optional<std::size_t> find(Key wanted) const noexcept {
        for (std::size_t i = 0; i < kEntries; ++i) {
            if (entries_[i] != 0 && key(i) == wanted) return i;
        }
        return std::nullopt;
    }
    // Where there is room for one more; a forgotten one's room is as good as any.
    [[nodiscard]] std::optional<std::size_t> room() const noexcept {
        for (std::size_t i = 0; i < kEntries; ++i) {
            if (sets(i) == 0) return i;
        }
        return std::nullopt;
    }
    [[nodiscard]] bool is_new(std::size_t i) const noexcept { return entries_[i] == 0; }
    // Addresses that belong here may lie behind it.
    [[nodiscard]] bool is_passed() const noexcept {
        for (std::size_t i = 0; i < kEntries; ++i) {
            if (is_new(i)) return false;
        }
        return true;
    }
    void pass() noexcept {}
    [[nodiscard]] Key key(std::size_t i) const noexcept {
        return static_cast<Key>(entries_[i] >> 32);
    }
    [[nodiscard]] NameSetBits sets(std::size_t i) const noexcept {
        return static_cast<NameSetBits>(entries_[i]);
    }
    void put(std::size_t i, Key address, NameSetBits sets) noexcept {
        std::atomic_ref(entries_[i])
            .store(std::uint64_t{address} << 32 | sets, std::memory_order_release);
    }

  private:
    std::array<std::uint64_t, kEntries> entries_{};
};

template <>
class alignas(kCacheLine) LearnedBucket<Ipv6Address> {
  public:
    using Key = std::uint64_t;
    static constexpr std::size_t kEntries = 5;

    [[nodiscard]] LearnedAnswer answer(Key wanted) const noexcept {
        static_assert(kEntries == 5, "four at once, and one");
        const auto* const four = reinterpret_cast<const __m256i*>(keys_.data());
        const __m256i is_one = _mm256_cmpeq_epi64(
            _mm256_load_si256(four), _mm256_set1_epi64x(static_cast<long long>(wanted)));
        const auto is = static_cast<unsigned>(_mm256_movemask_pd(_mm256_castsi256_pd(is_one))) |
                        static_cast<unsigned>(load(keys_[4]) == wanted) << 4;
        const auto at = static_cast<unsigned>(std::countr_zero(is | 1U << kEntries));
        const NameSetBits sets = load(tail_[at]) & (0U - static_cast<unsigned>(is != 0));
        const std::uint32_t is_not_passed = ~load(tail_[kEntries]) >> 31;
        return {sets, (sets | is_not_passed) != 0};
    }

    [[nodiscard]] std::optional<std::size_t> find(Key wanted) const noexcept {
        for (std::size_t i = 0; i < used(); ++i) {
            if (keys_[i] == wanted) return i;
        }
        return std::nullopt;
    }
    [[nodiscard]] std::optional<std::size_t> room() const noexcept {
        return used() < kEntries ? std::optional(used()) : std::nullopt;
    }
    [[nodiscard]] bool is_new(std::size_t i) const noexcept { return i >= used(); }
    [[nodiscard]] bool is_passed() const noexcept { return (tail_[kEntries] & kPassed) != 0; }
    // Before something is put behind it.
    void pass() noexcept { store(tail_[kEntries], tail_[kEntries] | kPassed); }
    [[nodiscard]] Key key(std::size_t i) const noexcept { return keys_[i]; }
    [[nodiscard]] NameSetBits sets(std::size_t i) const noexcept { return tail_[i]; }
    // REQUIRES: a new entry, or this key's.
    void put(std::size_t i, Key key, NameSetBits sets) noexcept {
        if (is_new(i)) {
            store(keys_[i], key);
            store(tail_[kEntries], tail_[kEntries] + 1);
        }
        store(tail_[i], sets);
    }

  private:
    static constexpr std::uint32_t kPassed = std::uint32_t{1} << 31;

    [[nodiscard]] std::size_t used() const noexcept { return tail_[kEntries] & ~kPassed; }
    template <class Word>
    [[nodiscard]] static Word load(const Word& word) noexcept {
        // C++20's atomic_ref takes no const.
        return std::atomic_ref(const_cast<Word&>(word)).load(std::memory_order_acquire);
    }
    template <class Word>
    static void store(Word& word, Word value) noexcept {
        std::atomic_ref(word).store(value, std::memory_order_release);
    }

    std::array<Key, kEntries> keys_{};                // the first `used` are
    std::array<std::uint32_t, kEntries + 1> tail_{};  // their sets; how many are used, and kPassed
};

static_assert(sizeof(LearnedBucket<Ipv4Address>) == kCacheLine);
static_assert(sizeof(LearnedBucket<Ipv6Address>) == kCacheLine);

}  // namespace causeway
