// SPDX-License-Identifier: Apache-2.0
#include <immintrin.h>

#include <algorithm>
#include <atomic>

#include "fib/fib6_kernel.h"

namespace causeway {
namespace {

constexpr std::size_t kLanes = 8;

__m512i lanes_of(std::uint64_t value) noexcept {
    return _mm512_set1_epi64(static_cast<long long>(value));
}

// Eight keys on their way down, a lane each: the next bits of the address on top, and the entry.
struct Walk {
    __m512i bits;
    __m512i entries;
};

__mmask8 nodes_in(__m512i entries) noexcept {
    return _mm512_test_epi64_mask(entries, lanes_of(kFib6NodeBit));
}

__m512i lines_of(__m512i entries) noexcept {
    return _mm512_and_si512(entries, lanes_of(kFib6LineMask));
}

// The lanes that begin with the low half of the address take it up.
void take_up_low_halves(const RouteKey6* keys, Walk& walk) noexcept {
    const __mmask8 lanes = _mm512_test_epi64_mask(walk.entries, lanes_of(kFib6LowBit));
    if (lanes == 0) return;
    constexpr auto kStep = static_cast<long long>(sizeof(RouteKey6));
    const __m512i offsets = _mm512_setr_epi64(0, kStep, 2 * kStep, 3 * kStep, 4 * kStep, 5 * kStep,
                                              6 * kStep, 7 * kStep);
    const auto* const lows = reinterpret_cast<const std::byte*>(keys) +
                             offsetof(RouteKey6, destination) + sizeof(std::uint64_t);
    walk.bits = _mm512_mask_i64gather_epi64(walk.bits, lanes, offsets, lows, 1);
    walk.entries = _mm512_andnot_si512(lanes_of(kFib6LowBit), walk.entries);
}

// Passes skips until no lane is at one, nor at a low half that it has not taken up.
void pass_specials(const Fib6Tables& tables, const RouteKey6* keys, Walk& walk) noexcept {
    for (;;) {
        take_up_low_halves(keys, walk);
        const __mmask8 skips = _mm512_test_epi64_mask(walk.entries, lanes_of(kFib6SkipBit));
        if (skips == 0) return;
        const __m512i at = _mm512_slli_epi64(lines_of(walk.entries), 6);
        static_assert(kFib6LineBytes == 1U << 6);
        const auto gather = [&](std::size_t field) noexcept {
            return _mm512_mask_i64gather_epi64(_mm512_setzero_si512(), skips, at,
                                               tables.lines + field, 1);
        };
        const __m512i others = _mm512_xor_si512(walk.bits, gather(offsetof(Fib6Skip, expected)));
        const __mmask8 outside =
            _mm512_mask_test_epi64_mask(skips, others, gather(offsetof(Fib6Skip, mask)));
        const auto inside = static_cast<__mmask8>(skips & ~outside);
        // Fields of 32 bits come in pairs: the one asked for and, in the high half, the next.
        const __m512i ways = gather(offsetof(Fib6Skip, outside));
        const __m512i shift = _mm512_srli_epi64(gather(offsetof(Fib6Skip, length)), 32);
        walk.bits = _mm512_mask_sllv_epi64(walk.bits, inside, walk.bits, shift);
        walk.entries = _mm512_mask_srli_epi64(walk.entries, inside, ways, 32);
        walk.entries = _mm512_mask_and_epi64(walk.entries, outside, ways, lanes_of(0xffff'ffff));
    }
}

// One level down, for the lanes that are at nodes.
void step(const Fib6Tables& tables, const RouteKey6* keys, Walk& walk, __mmask8 nodes) noexcept {
    const __m512i special = lanes_of(kFib6SkipBit | kFib6LowBit);
    if (_mm512_test_epi64_mask(walk.entries, special) != 0) [[unlikely]] {
        pass_specials(tables, keys, walk);
        nodes = nodes_in(walk.entries);
    }
    const __m512i code =
        _mm512_and_si512(_mm512_srli_epi64(walk.entries, kFib6StrideShift), lanes_of(3));
    const __m512i stride = _mm512_sllv_epi64(lanes_of(4), code);
    const __m512i index = _mm512_srlv_epi64(walk.bits, _mm512_sub_epi64(lanes_of(64), stride));
    const __m512i at = _mm512_add_epi64(_mm512_slli_epi64(lines_of(walk.entries), 4), index);
    static_assert(kFib6LineBytes / sizeof(Fib6Entry) == 1U << 4);
    const __m256i entries = _mm512_mask_i64gather_epi32(_mm512_cvtepi64_epi32(walk.entries), nodes,
                                                        at, tables.lines, sizeof(Fib6Entry));
    walk.bits = _mm512_sllv_epi64(walk.bits, stride);
    walk.entries = _mm512_cvtepu32_epi64(entries);
}

// Eight keys are 24 words: of each the VRF, the high and the low half.
struct EightKeys {
    __m512i words[3];

    explicit EightKeys(const RouteKey6* keys) noexcept {
        const auto* const bytes = reinterpret_cast<const std::byte*>(keys);
        for (std::size_t i = 0; i < 3; ++i) words[i] = _mm512_loadu_si512(bytes + 64 * i);
    }
    [[nodiscard]] __m512i vrfs() const noexcept {
        const __m512i six = _mm512_permutex2var_epi64(
            words[0], _mm512_setr_epi64(0, 3, 6, 9, 12, 15, 0, 0), words[1]);
        const __m512i all = _mm512_permutex2var_epi64(
            six, _mm512_setr_epi64(0, 1, 2, 3, 4, 5, 8 + 2, 8 + 5), words[2]);
        return _mm512_and_si512(all, lanes_of(0xffff));
    }
    [[nodiscard]] __m512i highs() const noexcept {
        const __m512i five = _mm512_permutex2var_epi64(
            words[0], _mm512_setr_epi64(1, 4, 7, 10, 13, 0, 0, 0), words[1]);
        return _mm512_permutex2var_epi64(
            five, _mm512_setr_epi64(0, 1, 2, 3, 4, 8 + 0, 8 + 3, 8 + 6), words[2]);
    }
};

// Up to 64 keys, eight to a walk.
struct Part {
    Walk walks[kBurstSizeMax / kLanes];
    __m512i vrfs[kBurstSizeMax / kLanes];
    std::size_t count = 0;  // of walks
    bool is_mixed = false;

    Part(const Fib6Tables& tables, const RouteKey6* keys, std::size_t keys_count) noexcept {
        const __m512i vrfs_max = lanes_of(tables.vrfs_max);
        const __m512i first = _mm512_min_epu64(lanes_of(keys[0].vrf.value()), vrfs_max);
        __mmask8 others = 0;
        for (; count < keys_count / kLanes; ++count) {
            const EightKeys eight(keys + count * kLanes);
            vrfs[count] = _mm512_min_epu64(eight.vrfs(), vrfs_max);
            walks[count].bits = eight.highs();
            others |= _mm512_cmpneq_epi64_mask(vrfs[count], first);
        }
        is_mixed = others != 0;
    }
};

// Roots and defaults when all lanes ask the same VRF, as is usual: loaded once.
class OneVrf {
  public:
    OneVrf(const Fib6Tables& tables, const Part& part) noexcept
        : tables_(tables),
          vrf_(static_cast<std::size_t>(_mm_cvtsi128_si64(_mm512_castsi512_si128(part.vrfs[0])))) {}

    [[nodiscard]] __m512i roots(__m512i) const noexcept {
        return lanes_of(__atomic_load_n(tables_.roots + vrf_, __ATOMIC_ACQUIRE));
    }
    [[nodiscard]] __m512i defaults(__m512i, __mmask8) const noexcept {
        // Not before the entries are: the default is the last to be read (fib6.h).
        std::atomic_signal_fence(std::memory_order_seq_cst);
        return lanes_of(__atomic_load_n(tables_.defaults + vrf_, __ATOMIC_ACQUIRE));
    }

  private:
    const Fib6Tables& tables_;
    std::size_t vrf_;
};

class MixedVrfs {
  public:
    MixedVrfs(const Fib6Tables& tables, const Part&) noexcept : tables_(tables) {}

    [[nodiscard]] __m512i roots(__m512i vrfs) const noexcept {
        return _mm512_cvtepu32_epi64(
            _mm512_i64gather_epi32(vrfs, tables_.roots, sizeof(Fib6Entry)));
    }
    [[nodiscard]] __m512i defaults(__m512i vrfs, __mmask8 unset) const noexcept {
        const __m256i gathered = _mm512_mask_i64gather_epi32(_mm256_setzero_si256(), unset, vrfs,
                                                             tables_.defaults, sizeof(FibEntry));
        return _mm512_and_si512(_mm512_cvtepu32_epi64(gathered), lanes_of(0xffff));
    }

  private:
    const Fib6Tables& tables_;
};

// All walks go down one level at a time: their gathers wait for memory together. Returns whether it
// has done so: the many steps and skips of small VRFs are the scalar kernel's, which is twice as
// fast at them.
template <class Vrfs>
bool look_up_part(const Fib6Tables& tables, const RouteKey6* keys, Part& part,
                  GroupId* groups) noexcept {
    const Vrfs vrfs(tables, part);
    const __m512i root_code = lanes_of(kFib6RootCode << kFib6StrideShift);
    __mmask8 small = 0;
    for (std::size_t i = 0; i < part.count; ++i) {
        part.walks[i].entries = vrfs.roots(part.vrfs[i]);
        small |= _mm512_testn_epi64_mask(part.walks[i].entries, root_code);
    }
    if (small != 0) return false;
    for (bool is_walking = true; is_walking;) {
        is_walking = false;
        for (std::size_t i = 0; i < part.count; ++i) {
            const __mmask8 nodes = nodes_in(part.walks[i].entries);
            if (nodes == 0) continue;
            step(tables, keys + i * kLanes, part.walks[i], nodes);
            is_walking = true;
        }
    }
    for (std::size_t i = 0; i < part.count; ++i) {
        __m512i entries = part.walks[i].entries;
        const __mmask8 unset = _mm512_testn_epi64_mask(entries, entries);
        if (unset != 0) {
            entries = _mm512_mask_mov_epi64(entries, unset, vrfs.defaults(part.vrfs[i], unset));
        }
        _mm_storeu_si128(reinterpret_cast<__m128i*>(groups + i * kLanes),
                         _mm512_cvtepi64_epi16(entries));
    }
    return true;
}

}  // namespace

void fib6_lookup_avx512(const Fib6Tables& shared, std::span<const RouteKey6> keys,
                        std::span<GroupId> groups) noexcept {
    const Fib6Tables tables = shared;  // in registers, or each fence would fetch them again
    std::size_t done = 0;
    while (const std::size_t count =
               std::min(kBurstSizeMax, keys.size() - done) / kLanes * kLanes) {
        const RouteKey6* const first = keys.data() + done;
        Part part(tables, first, count);
        GroupId* const found = groups.data() + done;
        const bool is_done = part.is_mixed ? look_up_part<MixedVrfs>(tables, first, part, found)
                                           : look_up_part<OneVrf>(tables, first, part, found);
        if (!is_done) fib6_lookup_scalar(tables, {first, count}, {found, count});
        done += count;
    }
    if (done < keys.size()) fib6_lookup_scalar(tables, keys.subspan(done), groups.subspan(done));
}

}  // namespace causeway
