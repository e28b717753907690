// SPDX-License-Identifier: Apache-2.0
//
// LearnedBucket: one cache line of LearnedTable. All zero when it is new.
//
//   10 x | key's low 32 |, 10 x | key's next 8 |, 10 x | sets' number (8) |, | else (8) |,
//   | used (8) |, | 0 (16) |
//
// A key is a hash of 64 bits with a seed that nobody knows; where the line lies says the rest of
// it. An entry whose sets have number 0 is of an address that was forgotten. The byte behind the
// entries' numbers is what a key gets that is none of theirs.
//
// Thread safety: answer() by any thread, at any time; everything else by one thread. An answer that
// overlaps one change is from before or from after it: an entry has its key for good, and its sets'
// number is one byte, which is put last.
#pragma once

#include <immintrin.h>

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "base/limits.h"

namespace causeway {

class alignas(kCacheLine) LearnedBucket {
  public:
    static constexpr std::size_t kEntries = 10;
    // Of a key; what is above them says where the line is.
    static constexpr unsigned kKeyBits = 40;
    // The number of all sets that have none of their own, and the answer to whoever may have an
    // entry in the next bucket.
    static constexpr std::uint8_t kElsewhere = 255;

    struct Answer {
        std::size_t index;  // kEntries: there is none
        std::uint8_t sets;  // number
    };

    // No branch, as half of what is asked may be known.
    [[nodiscard]] Answer answer(std::uint64_t key) const noexcept {
        // What is found behind the words, and behind the bytes, comes after kEntries.
        const auto* const words = reinterpret_cast<const __m256i*>(low_.data());
        const auto* const bytes = reinterpret_cast<const __m128i*>(high_.data());
        const __m256i low = _mm256_set1_epi32(static_cast<int>(key));
        const __m128i high = _mm_set1_epi8(static_cast<char>(key >> 32));
        const std::uint64_t is_low = mask_of(_mm256_cmpeq_epi32(_mm256_load_si256(words), low)) |
                                     mask_of(_mm256_cmpeq_epi32(_mm256_load_si256(words + 1), low))
                                         << 8;
        const auto is_high =
            static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_loadu_si128(bytes), high)));
        constexpr std::uint64_t kNone = std::uint64_t{1} << kEntries;
        const auto at = static_cast<std::size_t>(std::countr_zero((is_low & is_high) | kNone));
        return {at, load(sets_[at])};
    }

    [[nodiscard]] std::size_t used() const noexcept { return load(used_); }
    [[nodiscard]] bool is_full() const noexcept { return used() == kEntries; }
    // Addresses that belong here may lie behind it.
    [[nodiscard]] bool is_passed() const noexcept { return load(sets_[kEntries]) == kElsewhere; }
    // Before something is put behind it.
    void pass() noexcept { store(sets_[kEntries], kElsewhere); }
    // REQUIRES: the first entry that is not used, or this key's.
    void put(std::size_t i, std::uint64_t key, std::uint8_t sets) noexcept {
        if (i == used()) {
            store(high_[i], static_cast<std::uint8_t>(key >> 32));
            store(low_[i], static_cast<std::uint32_t>(key));
            store(used_, static_cast<std::uint8_t>(i + 1));
        }
        store(sets_[i], sets);
    }

  private:
    // A bit for each of the words.
    [[nodiscard]] static std::uint64_t mask_of(__m256i words) noexcept {
        return static_cast<unsigned>(_mm256_movemask_ps(_mm256_castsi256_ps(words)));
    }
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
    std::array<std::uint8_t, kEntries + 1> sets_{};
    std::uint8_t used_{};
};

static_assert(sizeof(LearnedBucket) == kCacheLine);

}  // namespace causeway
