// SPDX-License-Identifier: Apache-2.0
//
// LearnedBucket: one cache line of LearnedTable. All zero when it is new.
//
//   IPv4   8 x | sets (32) | address (32) |
//   IPv6   3 x | address (128) |, 3 x | sets (32) |, | state (32) |
//
// An entry of no sets is free, or of an address that was forgotten.
//
// Thread safety: answer() by any thread, at any time; everything else by one thread. An answer that
// overlaps one change is from before or from after it: an entry of IPv4 is one word; one of IPv6
// has its address for good, and that is one store. What lies in an aligned 16 bytes is loaded and
// stored at once where there is AVX (AMD64 manual volume 2 section 7.3.2, Intel SDM volume 3A
// section 9.1.1), and a load of 32 is two of them.
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
    static constexpr std::size_t kEntries = 8;

    [[nodiscard]] LearnedAnswer answer(Ipv4Address address) const noexcept {
        const __m256i addresses = _mm256_set1_epi32(static_cast<int>(address.value()));
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

    [[nodiscard]] std::optional<std::size_t> find(Ipv4Address wanted) const noexcept {
        for (std::size_t i = 0; i < kEntries; ++i) {
            if (entries_[i] != 0 && address(i) == wanted) return i;
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
    [[nodiscard]] Ipv4Address address(std::size_t i) const noexcept {
        return Ipv4Address(static_cast<std::uint32_t>(entries_[i] >> 32));
    }
    [[nodiscard]] NameSetBits sets(std::size_t i) const noexcept {
        return static_cast<NameSetBits>(entries_[i]);
    }
    void put(std::size_t i, Ipv4Address address, NameSetBits sets) noexcept {
        std::atomic_ref(entries_[i])
            .store(std::uint64_t{address.value()} << 32 | sets, std::memory_order_release);
    }

  private:
    std::array<std::uint64_t, kEntries> entries_{};
};

template <>
class alignas(kCacheLine) LearnedBucket<Ipv6Address> {
  public:
    static constexpr std::size_t kEntries = 3;

    [[nodiscard]] LearnedAnswer answer(Ipv6Address address) const noexcept {
        const __m256i wanted = _mm256_broadcastsi128_si256(_mm_set_epi64x(
            static_cast<long long>(address.low()), static_cast<long long>(address.high())));
        const auto* const line = reinterpret_cast<const __m256i*>(addresses_.data());
        const auto halves = [wanted](const __m256i* two) noexcept {
            return static_cast<unsigned>(_mm256_movemask_pd(
                _mm256_castsi256_pd(_mm256_cmpeq_epi64(_mm256_load_si256(two), wanted))));
        };
        // Two bits an address, and two of what is no address.
        const unsigned equal = halves(line) | halves(line + 1) << 4;
        const unsigned is = equal & equal >> 1 & 0b01'01'01U;
        const auto at = static_cast<unsigned>(std::countr_zero(is | 0b01'00'00'00U)) / 2;
        const NameSetBits sets = load(tail_[at]) & (0U - static_cast<unsigned>(is != 0));
        const std::uint32_t is_not_passed = ~load(tail_[kEntries]) >> 31;
        return {sets, (sets | is_not_passed) != 0};
    }

    [[nodiscard]] std::optional<std::size_t> find(Ipv6Address wanted) const noexcept {
        for (std::size_t i = 0; i < used(); ++i) {
            if (addresses_[i] == wanted) return i;
        }
        return std::nullopt;
    }
    [[nodiscard]] std::optional<std::size_t> room() const noexcept {
        return used() < kEntries ? std::optional(used()) : std::nullopt;
    }
    [[nodiscard]] bool is_new(std::size_t i) const noexcept { return i >= used(); }
    [[nodiscard]] bool is_passed() const noexcept { return (tail_[kEntries] & kPassed) != 0; }
    // Before something is put behind it.
    void pass() noexcept { store(kEntries, tail_[kEntries] | kPassed); }
    [[nodiscard]] Ipv6Address address(std::size_t i) const noexcept { return addresses_[i]; }
    [[nodiscard]] NameSetBits sets(std::size_t i) const noexcept { return tail_[i]; }
    // REQUIRES: a new entry, or this address's.
    void put(std::size_t i, Ipv6Address address, NameSetBits sets) noexcept {
        if (is_new(i)) {
            // Whole at once, as it is read.
            _mm_store_si128(reinterpret_cast<__m128i*>(&addresses_[i]),
                            _mm_set_epi64x(static_cast<long long>(address.low()),
                                           static_cast<long long>(address.high())));
            store(kEntries, tail_[kEntries] + 1);
        }
        store(i, sets);
    }

  private:
    static constexpr std::uint32_t kPassed = std::uint32_t{1} << 31;

    [[nodiscard]] std::size_t used() const noexcept { return tail_[kEntries] & ~kPassed; }
    [[nodiscard]] static std::uint32_t load(const std::uint32_t& word) noexcept {
        // C++20's atomic_ref takes no const.
        return std::atomic_ref(const_cast<std::uint32_t&>(word)).load(std::memory_order_acquire);
    }
    void store(std::size_t i, std::uint32_t word) noexcept {
        std::atomic_ref(tail_[i]).store(word, std::memory_order_release);
    }

    std::array<Ipv6Address, kEntries> addresses_{};   // the first `used` are
    std::array<std::uint32_t, kEntries + 1> tail_{};  // their sets; how many are used, and kPassed
};

static_assert(sizeof(LearnedBucket<Ipv4Address>) == kCacheLine);
static_assert(sizeof(LearnedBucket<Ipv6Address>) == kCacheLine);

}  // namespace causeway
