// SPDX-License-Identifier: Apache-2.0
//
// TimerWheel: one deadline for each of a fixed number of things, in O(1) to set, to clear and to
// ask (Varghese and Lauck, SOSP 1987, scheme 6). Allocates nothing after its construction.
//
//   deadline in ticks, modulo kSlots: the slot; each slot is a doubly linked list of things.
//
// A thing is given out when the tick of its deadline has passed as a whole: late by two ticks at
// most, never early. Deadlines beyond one turn of the wheel share slots with nearer ones and are
// passed over until their turn.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/check.h"

namespace causeway {

class TimerWheel {
  public:
    static constexpr unsigned kTickBits = 16;  // of nanoseconds: 66 us
    static constexpr std::uint64_t kTickNs = std::uint64_t{1} << kTickBits;
    static constexpr std::uint64_t kSlots = 1 << 14;  // a turn: 1.07 s

    TimerWheel(std::uint32_t things, std::uint64_t now_ns)
        : heads_(kSlots, kNone), things_(things), current_(now_ns >> kTickBits) {}

    // UINT64_MAX: never.
    void set(std::uint32_t thing, std::uint64_t deadline_ns) noexcept {
        clear(thing);
        if (deadline_ns == UINT64_MAX) return;
        Thing& entry = things_[thing];
        // The slot of the current tick may be half gone through.
        entry.tick = deadline_ns >> kTickBits;
        if (entry.tick <= current_) entry.tick = current_ + 1;
        std::uint32_t& head = heads_[entry.tick % kSlots];
        entry.next = head;
        entry.previous = kNone;
        if (head != kNone) things_[head].previous = thing;
        head = thing;
        entry.is_set = true;
    }

    void clear(std::uint32_t thing) noexcept {
        Thing& entry = things_[thing];
        if (!entry.is_set) return;
        if (cursor_ == thing) cursor_ = entry.next;
        if (entry.next != kNone) things_[entry.next].previous = entry.previous;
        if (entry.previous != kNone) {
            things_[entry.previous].next = entry.next;
        } else {
            heads_[entry.tick % kSlots] = entry.next;
        }
        entry.is_set = false;
    }

    // A thing whose deadline has passed, cleared; to be asked until there is none.
    [[nodiscard]] std::optional<std::uint32_t> next_due(std::uint64_t now_ns) noexcept {
        const std::uint64_t end = now_ns >> kTickBits;
        if (current_ + kSlots < end) start_slot(end - kSlots);
        while (current_ < end) {
            while (cursor_ != kNone) {
                const std::uint32_t thing = cursor_;
                cursor_ = things_[thing].next;
                if (things_[thing].tick > current_) continue;
                clear(thing);
                return thing;
            }
            start_slot(current_ + 1);
        }
        return std::nullopt;
    }

    // Whether its deadline is set, and no later than this.
    [[nodiscard]] bool is_set_by(std::uint32_t thing, std::uint64_t deadline_ns) const noexcept {
        return things_[thing].is_set && things_[thing].tick <= deadline_ns >> kTickBits;
    }

  private:
    static constexpr std::uint32_t kNone = UINT32_MAX;
    struct Thing {
        std::uint64_t tick = 0;
        std::uint32_t next = kNone;
        std::uint32_t previous = kNone;
        bool is_set = false;
    };

    void start_slot(std::uint64_t tick) noexcept {
        current_ = tick;
        cursor_ = heads_[tick % kSlots];
    }

    std::vector<std::uint32_t> heads_;  // by tick % kSlots
    std::vector<Thing> things_;
    std::uint64_t current_;         // all ticks before it have passed
    std::uint32_t cursor_ = kNone;  // what to look at next in the slot of current_
};

}  // namespace causeway
