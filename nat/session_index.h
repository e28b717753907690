// SPDX-License-Identifier: Apache-2.0
//
// SessionIndex: from the hash of a key to the sessions that may have it. One for each direction;
// the keys are in the sessions.
//
// A bucket is a cache line of ten places. A session's place is in its first bucket, and only where
// that is full in its second one; the first one then counts it as overflowed, so that a key which
// is not there usually costs one line. Where both are full, one that lies there moves to its other
// bucket.
//
// Thread safety: one thread's, the owner's.
#pragma once

#include <immintrin.h>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "base/limits.h"
#include "base/prefetch.h"
#include "nat/keyed_hash.h"

namespace causeway {

// Sessions are named by their place in the table. Zero is none.
inline constexpr std::uint32_t kNoSession = 0;

struct alignas(kCacheLine) SessionBucket {
    static constexpr std::size_t kPlaces = 10;

    std::array<std::uint16_t, kPlaces> tags;  // zero: free
    std::uint16_t overflowed;                 // whose first bucket this is and who are elsewhere
    std::uint16_t unused;
    std::array<std::uint32_t, kPlaces> sessions;

    // Bit 2i: place i has this tag. The sixteen lanes that are read end within the bucket.
    [[nodiscard]] std::uint32_t matches(std::uint16_t tag) const noexcept {
        const __m256i lanes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(tags.data()));
        const __m256i equal = _mm256_cmpeq_epi16(lanes, _mm256_set1_epi16(static_cast<short>(tag)));
        return static_cast<std::uint32_t>(_mm256_movemask_epi8(equal)) & 0x5'5555U;
    }
};
static_assert(sizeof(SessionBucket) == kCacheLine && offsetof(SessionBucket, tags) == 0);
static_assert(2 * SessionBucket::kPlaces == 20, "matches() masks twenty bits");

class SessionIndex {
  public:
    // Buckets so many that they are two thirds full when all sessions are there.
    [[nodiscard]] static constexpr std::uint32_t buckets_for(std::uint32_t sessions) noexcept {
        return sessions / 13 * 2 + 2;
    }

    SessionIndex(SessionBucket* buckets, std::uint32_t count) noexcept
        : buckets_(buckets), count_(count) {}

    void prefetch(std::uint64_t hash) const noexcept { prefetch_line(&first(hash)); }

    // A session that may have the key of this hash: the first with its tag. Look at its key, and
    // where it is not it, ask find().
    [[nodiscard]] std::uint32_t guess(std::uint64_t hash) const noexcept {
        const SessionBucket& bucket = first(hash);
        const std::uint32_t matches = bucket.matches(tag_of(hash));
        if (matches == 0) [[unlikely]]
            return kNoSession;
        return bucket.sessions[place_of(matches)];
    }
    // Whether a key that guess() did not find may be there all the same.
    [[nodiscard]] bool is_uncertain(std::uint64_t hash) const noexcept {
        const SessionBucket& bucket = first(hash);
        const std::uint32_t matches = bucket.matches(tag_of(hash));
        return bucket.overflowed != 0 || (matches & (matches - 1)) != 0;
    }

    // `is_it(session)` says whether a session has the key.
    template <class IsIt>
    [[nodiscard]] std::uint32_t find(std::uint64_t hash, IsIt&& is_it) const noexcept {
        const std::uint32_t found = find_in(first(hash), tag_of(hash), is_it);
        if (found != kNoSession || first(hash).overflowed == 0) return found;
        return find_in(second(hash), tag_of(hash), is_it);
    }

    // `hash_of(session)` is the hash of one that is already there. False where there is no place.
    template <class HashOf>
    [[nodiscard]] bool insert(std::uint64_t hash, std::uint32_t session,
                              HashOf&& hash_of) noexcept {
        if (put(first(hash), hash, session) || put_second(hash, session)) return true;
        for (SessionBucket* const bucket : {&first(hash), &second(hash)}) {
            if (!move_one_away(*bucket, hash_of)) continue;
            return put(first(hash), hash, session) || put_second(hash, session);
        }
        return false;
    }

    void erase(std::uint64_t hash, std::uint32_t session) noexcept {
        if (take(first(hash), hash, session)) return;
        if (take(second(hash), hash, session)) --first(hash).overflowed;
    }

  private:
    [[nodiscard]] static std::uint16_t tag_of(std::uint64_t hash) noexcept {
        const auto tag = static_cast<std::uint16_t>(hash >> 24);
        return tag == 0 ? std::uint16_t{1} : tag;
    }
    [[nodiscard]] static std::size_t place_of(std::uint32_t matches) noexcept {
        return static_cast<std::size_t>(std::countr_zero(matches)) / 2;
    }
    [[nodiscard]] SessionBucket& first(std::uint64_t hash) const noexcept {
        return buckets_[scaled(static_cast<std::uint32_t>(hash >> 32), count_)];
    }
    [[nodiscard]] SessionBucket& second(std::uint64_t hash) const noexcept {
        const auto turned = static_cast<std::uint32_t>(std::rotl(hash, 20) * 0x85eb'ca6bU >> 16);
        return buckets_[scaled(turned, count_)];
    }

    template <class IsIt>
    [[nodiscard]] static std::uint32_t find_in(const SessionBucket& bucket, std::uint16_t tag,
                                               IsIt& is_it) noexcept {
        for (std::uint32_t left = bucket.matches(tag); left != 0; left &= left - 1) {
            const std::uint32_t session = bucket.sessions[place_of(left)];
            if (is_it(session)) return session;
        }
        return kNoSession;
    }
    static bool put(SessionBucket& bucket, std::uint64_t hash, std::uint32_t session) noexcept {
        const std::uint32_t free = bucket.matches(0);
        if (free == 0) return false;
        bucket.tags[place_of(free)] = tag_of(hash);
        bucket.sessions[place_of(free)] = session;
        return true;
    }
    bool put_second(std::uint64_t hash, std::uint32_t session) noexcept {
        if (first(hash).overflowed == 0xffffU) return false;
        if (!put(second(hash), hash, session)) return false;
        ++first(hash).overflowed;
        return true;
    }
    static bool take(SessionBucket& bucket, std::uint64_t hash, std::uint32_t session) noexcept {
        for (std::uint32_t left = bucket.matches(tag_of(hash)); left != 0; left &= left - 1) {
            const std::size_t place = place_of(left);
            if (bucket.sessions[place] != session) continue;
            bucket.tags[place] = 0;
            return true;
        }
        return false;
    }
    // Makes a place in a full bucket whose sessions have another one.
    template <class HashOf>
    bool move_one_away(SessionBucket& bucket, HashOf& hash_of) noexcept {
        for (std::size_t place = 0; place < SessionBucket::kPlaces; ++place) {
            const std::uint64_t hash = hash_of(bucket.sessions[place]);
            const std::uint32_t session = bucket.sessions[place];
            if (&first(hash) == &second(hash)) continue;
            if (&first(hash) == &bucket) {
                if (!put_second(hash, session)) continue;
            } else {
                if (!put(first(hash), hash, session)) continue;
                --first(hash).overflowed;
            }
            bucket.tags[place] = 0;
            return true;
        }
        return false;
    }

    SessionBucket* buckets_;
    std::uint32_t count_;
};

}  // namespace causeway
