// SPDX-License-Identifier: Apache-2.0
//
// Tally: packets and bytes of a burst by row, so that each row's counters are written once for all
// its packets. To add to them packet by packet, where rows are only just known, costs 3.4 cycles
// more (docs/design/walk.md): the loads that look up the next packets' rows wait for those adds.
//
// Theory of operation
//   A Writer notes rows and bytes in columns. settle() compares the first packet's row with all at
//   once, counts its packets and adds up their bytes, and goes on with the first of those who are
//   left. Where a row had few, there are probably many rows, and the rest is told one by one.
//   Settle late: to read as a vector what has just been stored in parts is to wait for the stores.
//
// Thread safety: one thread.
#pragma once

#include <immintrin.h>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "base/check.h"
#include "base/limits.h"
#include "base/types.h"

namespace causeway {

class Tally {
  public:
    // Notes packets; what it has noted is there when it is gone. One at a time.
    class Writer {
      public:
        explicit Writer(Tally& tally) noexcept : tally_(tally) { tally.clear(); }
        Writer(const Writer&) = delete;
        Writer& operator=(const Writer&) = delete;
        ~Writer() { tally_.count_ = count_; }
        // Up to kBurstSizeMax packets.
        void add(AttachmentId row, std::uint16_t bytes) noexcept {
            DCHECK(count_ < kBurstSizeMax);
            tally_.rows_[count_] = row.value();
            tally_.bytes_[count_++] = bytes;
        }

      private:
        Tally& tally_;
        unsigned count_ = 0;
    };

    // Calls count(row, packets, bytes) for all that were noted; for a row once or several times.
    template <class Count>
    requires std::is_nothrow_invocable_v<Count, AttachmentId, std::uint64_t, std::uint64_t>
    void settle(Count&& count) noexcept {
        if (count_ == 0) return;
        std::uint64_t left = ~std::uint64_t{0} >> (kBurstSizeMax - count_);
        count_ = 0;
        while (left != 0) {
            const std::uint16_t row = rows_[first_of(left)];
            const Sum sum = sum_of(row);
            const std::uint64_t same = sum.places & left;
            const int packets = std::popcount(same);
            count(AttachmentId(row), static_cast<std::uint64_t>(packets), sum.bytes);
            left &= ~same;
            if (packets < kFew) break;
        }
        for (; left != 0; left &= left - 1) {
            const std::size_t place = first_of(left);
            count(AttachmentId(rows_[place]), std::uint64_t{1}, std::uint64_t{bytes_[place]});
        }
    }

  private:
    using Column = std::array<std::uint16_t, kBurstSizeMax>;
    static constexpr int kFew = 4;
    static_assert(kBurstSizeMax == 64, "a bit a packet");

    // As vectors: g++ 12 makes a string instruction of it, which takes longer than the whole tally.
    void clear() noexcept {
        auto* const vectors = reinterpret_cast<__m256i*>(bytes_.data());
        for (std::size_t k = 0; k < 4; ++k) _mm256_store_si256(vectors + k, _mm256_setzero_si256());
    }

    [[nodiscard]] static std::size_t first_of(std::uint64_t places) noexcept {
        return static_cast<std::size_t>(std::countr_zero(places));
    }

    struct Sum {
        std::uint64_t places;  // bit k: the k-th has this row, if there is a k-th
        std::uint64_t bytes;   // those beyond the last have none
    };

    [[nodiscard]] Sum sum_of(std::uint16_t row) const noexcept {
        const __m256i wanted = _mm256_set1_epi16(static_cast<short>(row));
        std::array<std::uint32_t, 2> places;
        __m256i bytes = _mm256_setzero_si256();
        for (std::size_t half = 0; half < 2; ++half) {
            const __m256i low = _mm256_cmpeq_epi16(at(rows_, 2 * half), wanted);
            const __m256i high = _mm256_cmpeq_epi16(at(rows_, 2 * half + 1), wanted);
            // Packing works on halves of vectors, and leaves those in the order 0, 2, 1, 3.
            const __m256i both =
                _mm256_permute4x64_epi64(_mm256_packs_epi16(low, high), 0b11'01'10'00);
            places[half] = static_cast<std::uint32_t>(_mm256_movemask_epi8(both));
            add_pairs(bytes, _mm256_and_si256(at(bytes_, 2 * half), low));
            add_pairs(bytes, _mm256_and_si256(at(bytes_, 2 * half + 1), high));
        }
        return {.places = places[0] | std::uint64_t{places[1]} << 32, .bytes = sum_of_all(bytes)};
    }
    [[nodiscard]] static __m256i at(const Column& column, std::size_t vector) noexcept {
        return _mm256_load_si256(reinterpret_cast<const __m256i*>(column.data()) + vector);
    }
    static void add_pairs(__m256i& sums, __m256i values) noexcept {
        sums = _mm256_add_epi32(sums, _mm256_srli_epi32(values, 16));
        sums = _mm256_add_epi32(sums, _mm256_and_si256(values, _mm256_set1_epi32(0xffff)));
    }
    [[nodiscard]] static std::uint32_t sum_of_all(__m256i words) noexcept {
        __m128i sum =
            _mm_add_epi32(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
        sum = _mm_add_epi32(sum, _mm_unpackhi_epi64(sum, sum));
        sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 1));
        return static_cast<std::uint32_t>(_mm_cvtsi128_si32(sum));
    }

    alignas(32) Column rows_{};
    alignas(32) Column bytes_{};
    unsigned count_ = 0;
};

}  // namespace causeway
