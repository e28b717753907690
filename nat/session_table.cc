// SPDX-License-Identifier: Apache-2.0
#include "nat/session_table.h"

#include <algorithm>
#include <utility>

namespace causeway {
namespace {

// Where the parts of the table lie in its memory, one behind the other; the sessions, which may lie
// elsewhere, are the last.
struct Layout {
    explicit Layout(std::uint32_t sessions_max) noexcept
        : buckets(SessionIndex::buckets_for(sessions_max)) {
        const auto place = [this](std::size_t size) {
            const std::size_t offset = bytes;
            bytes += (size + kCacheLine - 1) / kCacheLine * kCacheLine;
            return offset;
        };
        outbound = place(buckets * sizeof(SessionBucket));
        inbound = place(buckets * sizeof(SessionBucket));
        free = place(sessions_max * sizeof(std::uint32_t));
        wheel = place(kWheelSeconds * kWheelLanes * sizeof(std::uint32_t));
        sessions = place((std::size_t{sessions_max} + 1) * sizeof(Session));
    }

    std::size_t bytes = 0;
    std::uint32_t buckets;
    std::size_t outbound, inbound, free, wheel, sessions;
};

template <class T>
T* at(const Mapping& memory, std::size_t offset) noexcept {
    return reinterpret_cast<T*>(memory.data() + offset);
}

constexpr std::uint32_t kSessionsMost = 1U << 30;

}  // namespace

std::size_t SessionTable::bytes_for(std::uint32_t sessions_max) noexcept {
    return Layout(sessions_max).bytes;
}

Result<std::unique_ptr<SessionTable>> SessionTable::create(const Options& options) {
    if (options.sessions_max == 0 || options.sessions_max > kSessionsMost) {
        return Unexpected(ErrorCode::kInvalid, "a session table holds 1 to 2^30 sessions");
    }
    const Layout layout(options.sessions_max);
    const std::size_t lines = std::size_t{options.sessions_max} + 1;
    const bool is_elsewhere = !options.lines.empty();
    DCHECK(!is_elsewhere || options.lines.size() == lines);
    Result<Mapping> memory =
        Mapping::allocate(is_elsewhere ? layout.sessions : layout.bytes, options.pages);
    if (!memory) return Unexpected(memory.error());
    const std::span<Session> places =
        is_elsewhere ? options.lines : std::span(at<Session>(*memory, layout.sessions), lines);
    return std::unique_ptr<SessionTable>(
        new SessionTable(std::move(memory).value(), places, options));
}

SessionTable::SessionTable(Mapping memory, std::span<Session> lines,
                           const Options& options) noexcept
    : memory_(std::move(memory)),
      sessions_max_(options.sessions_max),
      secret_(options.secret),
      sessions_(lines.data()),
      free_(at<std::uint32_t>(memory_, Layout(sessions_max_).free)),
      wheel_(at<Wheel>(memory_, Layout(sessions_max_).wheel)),
      indices_{SessionIndex(at<SessionBucket>(memory_, Layout(sessions_max_).outbound),
                            Layout(sessions_max_).buckets),
               SessionIndex(at<SessionBucket>(memory_, Layout(sessions_max_).inbound),
                            Layout(sessions_max_).buckets)},
      cursor_(options.now) {
    // Also touches every page now, so that no packet waits for the system.
    for (std::uint32_t i = 0; i < sessions_max_; ++i) {
        free_[i] = sessions_max_ - i;
        sessions_[i + 1].version = 1;
    }
    sessions_[kNoSession] = {.version = 1, .deadline = options.now};
    std::fill_n(memory_.data() + Layout(sessions_max_).outbound,
                Layout(sessions_max_).free - Layout(sessions_max_).outbound, std::byte{0});
}

void SessionTable::lookup(NatDirection direction, std::span<const FlowKey> keys,
                          std::span<std::uint32_t> found) const noexcept {
    if (direction == NatDirection::kOutbound) {
        look_up<NatDirection::kOutbound>(keys, found);
    } else {
        look_up<NatDirection::kInbound>(keys, found);
    }
}

template <NatDirection direction>
void SessionTable::look_up(std::span<const FlowKey> keys,
                           std::span<std::uint32_t> found) const noexcept {
    DCHECK(keys.size() <= kBurstSizeMax && keys.size() == found.size());
    std::array<std::uint64_t, kBurstSizeMax> hashes;
    for (std::size_t i = 0; i < keys.size(); ++i) hashes[i] = hash_and_prefetch<direction>(keys[i]);
    for (std::size_t i = 0; i < keys.size(); ++i) {
        found[i] = guess_and_prefetch<direction>(hashes[i]);
    }
    for (std::size_t i = 0; i < keys.size(); ++i) {
        found[i] = confirm<direction>(found[i], hashes[i], keys[i]);
    }
}

template <NatDirection direction>
bool SessionTable::enter(std::uint64_t hash, std::uint32_t session) noexcept {
    return indices_[static_cast<std::size_t>(direction)].insert(
        hash, session,
        [this](std::uint32_t other) { return hash_of(key_of(sessions_[other], direction)); });
}

std::uint32_t SessionTable::insert(const NewSession& wanted, std::uint64_t hash) noexcept {
    const std::uint32_t size = this->size();
    if (size == sessions_max_) return kNoSession;
    const std::uint32_t session = free_[sessions_max_ - 1 - size];
    Session& entry = sessions_[session];
    // Odd already, since the place was free; what follows must not be seen before it was.
    std::atomic_thread_fence(std::memory_order_release);
    store(entry.inside.addresses, wanted.inside.addresses);
    store(entry.inside.rest, wanted.inside.rest);
    store(entry.outside.addresses, wanted.outside.addresses);
    store(entry.outside.rest, wanted.outside.rest);
    DCHECK(hash == hash_of(wanted.inside));
    if (!enter<NatDirection::kOutbound>(hash, session)) return kNoSession;
    if (!enter<NatDirection::kInbound>(hash_of(wanted.outside), session)) {
        indices_[0].erase(hash, session);
        return kNoSession;
    }
    store(entry.deadline, wanted.deadline);
    store(entry.mapping, wanted.mapping);
    store(entry.created, wanted.created);
    store(entry.state, wanted.state);
    entry.flags = wanted.flags;
    entry.check = entry.right_check();
    std::atomic_ref(entry.version).store(entry.version + 1, std::memory_order_release);
    size_.store(size + 1, std::memory_order_relaxed);
    set_alarm(session, wanted.deadline);
    return session;
}

void SessionTable::prefetch_free(std::size_t count) const noexcept {
    const std::size_t left = sessions_max_ - size();
    for (std::size_t i = 1; i <= std::min(count, left); ++i) {
        prefetch_line(&sessions_[free_[left - i]]);
    }
}

void SessionTable::erase(const Hashed& over) noexcept {
    const std::uint32_t session = over.session;
    Session& entry = sessions_[session];
    DCHECK(entry.version % 2 == 0);
    DCHECK(over.hashes == hashed(session).hashes);
    if (entry.alarm != 0) leave_wheel(session);
    indices_[0].erase(over.hashes[0], session);
    indices_[1].erase(over.hashes[1], session);
    std::atomic_ref(entry.version).store(entry.version + 1, std::memory_order_release);
    const std::uint32_t size = this->size() - 1;
    size_.store(size, std::memory_order_relaxed);
    free_[sessions_max_ - 1 - size] = session;
}

// The wheel. An alarm is never zero, so that zero can say that a session is on no list, and never
// before the cursor, which has passed there, nor a whole turn after it.
void SessionTable::set_alarm(std::uint32_t session, NatSeconds deadline) noexcept {
    Session& entry = sessions_[session];
    const NatSeconds latest = cursor_ + static_cast<NatSeconds>(kWheelSeconds) - 1;
    entry.alarm = std::max(std::clamp(deadline, cursor_, latest), NatSeconds{1});
    std::uint32_t& first = head(session, entry.alarm);
    entry.next = first;
    entry.previous = kNoSession;
    if (first != kNoSession) sessions_[first].previous = session;
    first = session;
}

void SessionTable::leave_wheel(std::uint32_t session) noexcept {
    Session& entry = sessions_[session];
    if (entry.previous != kNoSession) {
        sessions_[entry.previous].next = entry.next;
    } else {
        head(session, entry.alarm) = entry.next;
    }
    if (entry.next != kNoSession) sessions_[entry.next].previous = entry.previous;
    entry.alarm = 0;
}

void SessionTable::rewind(std::uint32_t session, NatSeconds deadline) noexcept {
    leave_wheel(session);
    set_alarm(session, deadline);
}

void SessionTable::postpone(std::uint32_t session, NatSeconds deadline) noexcept {
    store(sessions_[session].deadline, deadline);
    set_alarm(session, deadline);
}

std::size_t SessionTable::take_due(NatSeconds now, std::span<Hashed, kWheelLanes> due) noexcept {
    std::size_t count = 0;
    std::size_t looked_at = 0;
    // Empty seconds are passed quickly, yet not more of them at once than a burst's time allows.
    for (std::size_t seconds = 0; looked_at == 0 && cursor_ <= now && seconds < 64; ++seconds) {
        auto& lanes = (*wheel_)[cursor_ % kWheelSeconds];
        for (std::uint32_t& first : lanes) {
            const std::uint32_t session = first;
            if (session == kNoSession) continue;
            ++looked_at;
            Session& entry = sessions_[session];
            first = entry.next;
            entry.alarm = 0;
            if (first != kNoSession) {
                sessions_[first].previous = kNoSession;
                prefetch_line(&sessions_[sessions_[first].next]);
            }
            if (entry.deadline > cursor_) {
                set_alarm(session, entry.deadline);
                continue;
            }
            const Hashed& over = due[count++] = hashed(session);
            prefetch_key<NatDirection::kOutbound>(over.hashes[0]);
            prefetch_key<NatDirection::kInbound>(over.hashes[1]);
        }
        if (looked_at == 0) ++cursor_;
    }
    return count;
}

std::optional<SessionTable::Reading> SessionTable::read(std::uint32_t session) const noexcept {
    // The owner writes these; const_cast because atomic_ref of const is not in C++20.
    auto& entry = const_cast<Session&>(sessions_[session]);
    const auto load = [](auto& field) {
        return std::atomic_ref(field).load(std::memory_order_relaxed);
    };
    const std::uint32_t before = std::atomic_ref(entry.version).load(std::memory_order_acquire);
    if (before % 2 != 0) return std::nullopt;
    const Reading reading{
        .inside = {load(entry.inside.addresses), load(entry.inside.rest)},
        .outside = {load(entry.outside.addresses), load(entry.outside.rest)},
        .version = before,
        .deadline = load(entry.deadline),
        .created = load(entry.created),
        .mapping = load(entry.mapping),
        .state = load(entry.state),
    };
    std::atomic_thread_fence(std::memory_order_acquire);
    if (load(entry.version) != before) return std::nullopt;
    return reading;
}

}  // namespace causeway
