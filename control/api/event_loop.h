// SPDX-License-Identifier: Apache-2.0
//
// EventLoop: the one place where the control thread waits. It polls descriptors (epoll), runs
// timers that are due, and calls the functions that poll the workers' rings, turn after turn.
//
// Thread safety: one thread makes it, runs it and calls all of it, except stop(), which any thread
// and any signal handler may call.
//
// Invariants
//   (1) A callback may add, change and remove anything, itself included: a removed one is not
//       called again, not even with an event of the same turn.
//   (2) With at least one every_turn() a turn waits kTurnWaitMax at most, so a ring is never left
//       alone for longer than that and the longest callback.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/result.h"

namespace causeway {

class EventLoop {
  public:
    using Clock = std::chrono::steady_clock;
    using TimerId = std::uint64_t;
    using TurnId = std::uint64_t;
    static constexpr std::chrono::milliseconds kTurnWaitMax{1};

    // What a descriptor waits for, and what happened to it: EPOLLIN, EPOLLOUT, EPOLLHUP, EPOLLERR.
    using Events = std::uint32_t;
    using DescriptorCallback = std::function<void(Events)>;
    using Callback = std::function<void()>;

    [[nodiscard]] static Result<std::unique_ptr<EventLoop>> create();
    ~EventLoop();
    EventLoop(const EventLoop&) = delete;
    EventLoop& operator=(const EventLoop&) = delete;

    // The descriptor stays the caller's, who removes it before closing it.
    [[nodiscard]] Status add(int descriptor, Events events, DescriptorCallback callback);
    void modify(int descriptor, Events events);
    void remove(int descriptor);

    TimerId after(Clock::duration delay, Callback callback);
    // First after one period. A late turn runs it once and does not make up for missed ones.
    TimerId every(Clock::duration period, Callback callback);
    void cancel(TimerId timer);  // of a timer that is gone: does nothing

    TurnId every_turn(Callback callback);
    void cancel_turn(TurnId turn);
    // The next turn waits for nothing: who calls has left work to it.
    void hurry() noexcept { is_in_hurry_ = true; }

    // Until stop(). A stop() before run() makes it return after one turn.
    void run();
    // One turn: waits no longer than until the next timer, or `wait_max`.
    void run_once(Clock::duration wait_max);
    void stop() noexcept;

  private:
    struct Descriptor {
        DescriptorCallback callback;
        std::uint32_t generation = 0;  // tells a reused descriptor number from its predecessor
    };
    struct Timer {
        Clock::duration period{};  // zero: once
        Callback callback;
    };
    using Deadline = std::pair<Clock::time_point, TimerId>;  // the id keeps equal times apart

    EventLoop(int epoll, int wakeup) : epoll_(epoll), wakeup_(wakeup) {}
    [[nodiscard]] Clock::duration wait_time(Clock::duration wait_max) const;
    void dispatch(Clock::duration wait_max);
    void run_timers();
    void run_turns();
    TimerId start(Clock::duration delay, Timer timer);

    int epoll_;
    int wakeup_;  // an eventfd: stop() makes it readable
    bool is_stopped_ = false;
    bool is_in_hurry_ = false;
    std::uint32_t next_generation_ = 0;
    std::uint64_t next_id_ = 1;
    // Callbacks are shared: one that removes itself must outlive its own call.
    std::unordered_map<int, std::shared_ptr<Descriptor>> descriptors_;
    std::map<Deadline, std::shared_ptr<Timer>> timers_;
    std::unordered_map<TimerId, Clock::time_point> deadlines_;
    std::map<TurnId, std::shared_ptr<Callback>> turns_;
};

}  // namespace causeway
