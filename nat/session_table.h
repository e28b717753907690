// SPDX-License-Identifier: Apache-2.0
//
// SessionTable: the flows that one worker translates. Fixed in size from the start: a cache line a
// session, two indices by which packets of either direction find it, and a timer wheel. The lines
// may lie in a file (session_file.h): all else can be made again from them.
//
// Thread safety
//   everything but read()   the owner: one worker.
//   read()                  any thread, at any time; it never makes the owner wait.
//
// Invariants
//   (1) A session's `version` is odd while it is free or being written, and even while it lives; it
//       never repeats within 2^31 lives of a place. A reader who saw the same even version before
//       and after has one session's keys.
//   (2) A live session is on the wheel at its `alarm`, which is never later than its deadline
//       unless the deadline has been brought forward, which moves it.
//   (3) A deadline that is put off, as most packets do, touches nothing but the session's own line;
//       the wheel finds out at the alarm.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "base/check.h"
#include "base/limits.h"
#include "base/mapping.h"
#include "base/prefetch.h"
#include "base/result.h"
#include "nat/flow.h"
#include "nat/keyed_hash.h"
#include "nat/session_index.h"

namespace causeway {

struct alignas(kCacheLine) Session {
    FlowKey inside;
    FlowKey outside;
    std::uint32_t version;
    NatSeconds deadline;     // it is over at this second
    NatSeconds alarm;        // when the wheel looks at it
    std::uint32_t next;      // on the wheel
    std::uint32_t previous;  // on the wheel; of the first: kNoSession
    std::uint32_t mapping;   // what holds its outside endpoint; the table does not care
    NatSeconds created;
    std::uint8_t state;   // likewise
    std::uint8_t flags;   // likewise
    std::uint16_t check;  // of what stays as it is while the session lives

    [[nodiscard]] bool is_free() const noexcept { return version % 2 != 0; }
    [[nodiscard]] std::uint16_t right_check() const noexcept {
        const std::uint64_t hash = keyed_hash(
            inside.addresses ^ std::rotl(outside.addresses, 17),
            inside.rest + std::rotl(outside.rest, 29) + (std::uint64_t{created} << 8 | flags), {});
        return static_cast<std::uint16_t>(hash);
    }
};
static_assert(sizeof(Session) == kCacheLine);

// Where a session's alarms lie: a list for each second, in lanes, because a list is a chain of
// cache misses and sixteen of them are walked at once.
inline constexpr std::size_t kWheelSeconds = 8'192;
inline constexpr std::size_t kWheelLanes = 16;

class SessionTable {
  public:
    struct Options {
        std::uint32_t sessions_max = 0;
        // Where the sessions lie, sessions_max + 1 lines that outlive the table; none: in memory of
        // its own.
        std::span<Session> lines;
        HashSecret secret;
        NatSeconds now = 0;  // nothing is due before
        PageSize pages = PageSize::kHuge;
    };
    struct NewSession {
        FlowKey inside;
        FlowKey outside;
        std::uint32_t mapping = 0;
        NatSeconds created = 0;
        NatSeconds deadline = 0;
        std::uint8_t state = 0;
        std::uint8_t flags = 0;
    };
    // A session and the hashes of its keys, by NatDirection.
    struct Hashed {
        std::uint32_t session;
        std::array<std::uint64_t, 2> hashes;
    };
    // What read() says of a session.
    struct Reading {
        FlowKey inside;
        FlowKey outside;
        std::uint32_t version;
        NatSeconds deadline;
        NatSeconds created;
        std::uint32_t mapping;
        std::uint8_t state;
    };

    [[nodiscard]] static Result<std::unique_ptr<SessionTable>> create(const Options& options);
    [[nodiscard]] static std::size_t bytes_for(std::uint32_t sessions_max) noexcept;

    // Of each key the session that has it, or kNoSession.
    void lookup(NatDirection direction, std::span<const FlowKey> keys,
                std::span<std::uint32_t> found) const noexcept;

    // The same in its steps, each of loads that do not depend on each other, for a caller who has
    // something to do between them: hash all keys of a burst, then guess all, then confirm all.
    [[nodiscard]] std::uint64_t hash_of(const FlowKey& key) const noexcept {
        return keyed_hash(key.addresses, key.rest, secret_);
    }
    template <NatDirection direction>
    [[nodiscard]] std::uint64_t hash_and_prefetch(const FlowKey& key) const noexcept {
        const std::uint64_t hash = hash_of(key);
        prefetch_key<direction>(hash);
        return hash;
    }
    template <NatDirection direction>
    [[nodiscard]] std::uint32_t guess_and_prefetch(std::uint64_t hash) const noexcept {
        const std::uint32_t session = index<direction>().guess(hash);
        prefetch_line(&sessions_[session]);
        return session;
    }
    // Where the key's lines have come already.
    template <NatDirection direction>
    [[nodiscard]] std::uint32_t find(std::uint64_t hash, const FlowKey& key) const noexcept {
        return confirm<direction>(index<direction>().guess(hash), hash, key);
    }
    template <NatDirection direction>
    [[nodiscard]] std::uint32_t confirm(std::uint32_t guess, std::uint64_t hash,
                                        const FlowKey& key) const noexcept {
        if (key_of(sessions_[guess], direction) == key && guess != kNoSession) [[likely]]
            return guess;
        if (!index<direction>().is_uncertain(hash)) return kNoSession;
        return index<direction>().find(hash, [&](std::uint32_t session) {
            return key_of(sessions_[session], direction) == key;
        });
    }

    // REQUIRES: neither key is there; the hash of the inside one. kNoSession where the table is
    // full, or, which a hash does to one in a million when it nearly is, where both buckets of a
    // key are.
    [[nodiscard]] std::uint32_t insert(const NewSession& session, std::uint64_t hash) noexcept;
    // Fetches what the next `count` insertions will write, as far as it does not depend on keys.
    void prefetch_free(std::size_t count) const noexcept;
    template <NatDirection direction>
    void prefetch_key(std::uint64_t hash) const noexcept {
        index<direction>().prefetch(hash);
    }
    [[nodiscard]] Hashed hashed(std::uint32_t session) const noexcept {
        const Session& entry = sessions_[session];
        return {session, {hash_of(entry.inside), hash_of(entry.outside)}};
    }
    void erase(const Hashed& over) noexcept;

    [[nodiscard]] const Session& operator[](std::uint32_t session) const noexcept {
        return sessions_[session];
    }
    [[nodiscard]] std::uint32_t size() const noexcept {
        return size_.load(std::memory_order_relaxed);
    }
    [[nodiscard]] std::uint32_t sessions_max() const noexcept { return sessions_max_; }

    // The second until which the owner has asked for what is over. It is the deadline of line 0,
    // which is no session's, so that it lies with the sessions.
    [[nodiscard]] NatSeconds clock() const noexcept { return sessions_[kNoSession].deadline; }
    void set_clock(NatSeconds now) noexcept { store(sessions_[kNoSession].deadline, now); }

    // After a packet of the session. Also brings the wheel's alarm forward where it must be. What
    // is as it was is not written: of a flow's packets, most are not the first of their second, and
    // their lines need not go back to memory.
    void touch(std::uint32_t session, NatSeconds deadline, std::uint8_t state) noexcept {
        Session& entry = sessions_[session];
        if (entry.state != state) [[unlikely]]
            store(entry.state, state);
        if (entry.deadline == deadline) return;
        store(entry.deadline, deadline);
        if (deadline < entry.alarm) [[unlikely]]
            rewind(session, deadline);
    }

    // Sessions that are over at `now`, at most as many as there is room for, with all that erase()
    // needs of their lines on its way to the cache. The caller erases or postpones each of them;
    // until it does they are on no list. Looks at no more than kWheelLanes of them, so it is short.
    // Zero does not mean that nothing is left, is_behind() does.
    [[nodiscard]] std::size_t take_due(NatSeconds now, std::span<Hashed, kWheelLanes> due) noexcept;
    void postpone(std::uint32_t session, NatSeconds deadline) noexcept;
    [[nodiscard]] bool is_behind(NatSeconds now) const noexcept { return cursor_ <= now; }

    // Sessions are numbered from 1 to sessions_max(). Nothing where there is none of this number,
    // or while it changes hands.
    [[nodiscard]] std::optional<Reading> read(std::uint32_t session) const noexcept;

  private:
    using Wheel = std::array<std::array<std::uint32_t, kWheelLanes>, kWheelSeconds>;

    SessionTable(Mapping memory, std::span<Session> lines, const Options& options) noexcept;

    // The owner's stores of what others may read meanwhile.
    template <class T>
    static void store(T& field, T value) noexcept {
        std::atomic_ref<T>(field).store(value, std::memory_order_relaxed);
    }
    [[nodiscard]] static const FlowKey& key_of(const Session& session,
                                               NatDirection direction) noexcept {
        return direction == NatDirection::kOutbound ? session.inside : session.outside;
    }
    template <NatDirection direction>
    [[nodiscard]] const SessionIndex& index() const noexcept {
        return indices_[static_cast<std::size_t>(direction)];
    }
    template <NatDirection direction>
    void look_up(std::span<const FlowKey> keys, std::span<std::uint32_t> found) const noexcept;
    template <NatDirection direction>
    [[nodiscard]] bool enter(std::uint64_t hash, std::uint32_t session) noexcept;

    void set_alarm(std::uint32_t session, NatSeconds deadline) noexcept;
    void leave_wheel(std::uint32_t session) noexcept;
    void rewind(std::uint32_t session, NatSeconds deadline) noexcept;
    [[nodiscard]] std::uint32_t& head(std::uint32_t session, NatSeconds alarm) noexcept {
        return (*wheel_)[alarm % kWheelSeconds][session % kWheelLanes];
    }

    Mapping memory_;
    std::uint32_t sessions_max_;
    HashSecret secret_;
    Session* sessions_;
    std::uint32_t* free_;  // a stack; the next one to be given out is the last
    Wheel* wheel_;
    std::array<SessionIndex, 2> indices_;  // by NatDirection
    std::atomic<std::uint32_t> size_ = 0;
    NatSeconds cursor_ = 0;  // all alarms before this second have been looked at
};

}  // namespace causeway
