// SPDX-License-Identifier: Apache-2.0
//
// LearnedBucket: one cache line of LearnedTable. All zero when it is new.
//
//   IPv4   8 x | sets (32) | address (32) |
//   IPv6   7 x | key's low 32 |, 7 x | key's next 8 |, | state (8) |, 7 x | sets (32) |
//
// An address of IPv4 is its own key; of IPv6 it is a hash with a seed that nobody knows, of which
// the bucket holds 40 bits. An entry of no sets is free, or of an address that was forgotten.
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
    static constexpr std::size_t kEntries = 7;

    [[nodiscard]] LearnedAnswer answer(Key wanted) const noexcept {
        // Eight words, of which the last is the first bytes of what follows; eight bytes, of which
        // the last is the state.
        const __m256i words = _mm256_load_si256(reinterpret_cast<const __m256i*>(low_.data()));
        const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(high_.data()));
        const __m256i is_low = _mm256_cmpeq_epi32(words, _mm256_set1_epi32(low(wanted)));
        const __m128i is_high = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(high(wanted)));
        const auto is = static_cast<unsigned>(_mm256_movemask_ps(_mm256_castsi256_ps(is_low))) &
                        static_cast<unsigned>(_mm_movemask_epi8(is_high)) & (kPassed - 1U);
        // No branch, as half of what is asked may be known.
        const auto at = static_cast<unsigned>(std::countr_zero(is | 1U << (kEntries - 1)));
        const NameSetBits sets = load(sets_[at]) & (0U - static_cast<unsigned>(is != 0));
        const auto is_not_passed = static_cast<unsigned>(~load(state_) & kPassed);
        return {sets, (sets | is_not_passed) != 0};
    }

    // Where there is room for one more.
    [[nodiscard]] std::optional<std::size_t> room() const noexcept {
        return used() < kEntries ? std::optional(used()) : std::nullopt;
    }
    [[nodiscard]] bool is_new(std::size_t i) const noexcept { return i >= used(); }
    // Addresses that belong here may lie behind it.
    [[nodiscard]] bool is_passed() const noexcept { return (load(state_) & kPassed) != 0; }
    // Before something is put behind it.
    void pass() noexcept { store(state_, static_cast<std::uint8_t>(state_ | kPassed)); }
    [[nodiscard]] NameSetBits sets(std::size_t i) const noexcept { return sets_[i]; }
    // REQUIRES: a new entry, or this key's.
    void put(std::size_t i, Key key, NameSetBits sets) noexcept {
        if (is_new(i)) {
            store(high_[i], static_cast<std::uint8_t>(high(key)));
            store(low_[i], static_cast<std::uint32_t>(low(key)));
            store(state_, static_cast<std::uint8_t>(state_ + 1));
        }
        store(sets_[i], sets);
    }

  private:
    static constexpr std::uint8_t kPassed = 1U << kEntries;

    [[nodiscard]] static int low(Key key) noexcept { return static_cast<int>(key); }
    [[nodiscard]] static char high(Key key) noexcept { return static_cast<char>(key >> 32); }
    [[nodiscard]] std::size_t used() const noexcept { return state_ & (kPassed - 1U); }
    template <class Word>
    [[nodiscard]] static Word load(const Word& word) noexcept {
        // C++20's atomic_ref takes no const.
        return std::atomic_ref(const_cast<Word&>(word)).load(std::memory_order_acquire);
    }
    template <class Word>
    static void store(Word& word, Word value) noexcept {
        std::atomic_ref(word).store(value, std::memory_order_release);
    }

    std::array<std::uint32_t, kEntries> low_{};
    std::array<std::uint8_t, kEntries> high_{};
    std::uint8_t state_{};  // how many are used, the first of them; and kPassed
    std::array<NameSetBits, kEntries> sets_{};
};

static_assert(sizeof(LearnedBucket<Ipv4Address>) == kCacheLine);
static_assert(sizeof(LearnedBucket<Ipv6Address>) == kCacheLine);

}  // namespace causeway
