// SPDX-License-Identifier: Apache-2.0
#include "control/api/event_loop.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string>

#include "base/check.h"

namespace causeway {
namespace {

// Events taken from the kernel in one turn; the others come with the next, so nothing starves.
constexpr int kEventsPerTurnMax = 128;

Unexpected system_error(const char* call) {
    return {ErrorCode::kUnavailable, std::string(call) + ": " + std::strerror(errno)};
}

std::uint64_t token_of(int descriptor, std::uint32_t generation) {
    return std::uint64_t{generation} << 32 | static_cast<std::uint32_t>(descriptor);
}

}  // namespace

Result<std::unique_ptr<EventLoop>> EventLoop::create() {
    const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
    if (epoll < 0) return system_error("epoll_create1");
    const int wakeup = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (wakeup < 0) {
        const Unexpected error = system_error("eventfd");
        ::close(epoll);
        return error;
    }
    std::unique_ptr<EventLoop> loop(new EventLoop(epoll, wakeup));
    const Status added = loop->add(wakeup, EPOLLIN, [raw = loop.get()](Events) {
        std::uint64_t count = 0;
        raw->is_stopped_ = ::read(raw->wakeup_, &count, sizeof count) == sizeof count;
    });
    if (!added) return Unexpected(added.error());
    return loop;
}

EventLoop::~EventLoop() {
    ::close(wakeup_);
    ::close(epoll_);
}

Status EventLoop::add(int descriptor, Events events, DescriptorCallback callback) {
    CHECK(!descriptors_.contains(descriptor));
    const std::uint32_t generation = next_generation_++;
    epoll_event event{};
    event.events = events;
    event.data.u64 = token_of(descriptor, generation);
    if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event) < 0)
        return system_error("epoll_ctl");
    descriptors_.emplace(descriptor,
                         std::make_shared<Descriptor>(Descriptor{std::move(callback), generation}));
    return ok();
}

void EventLoop::modify(int descriptor, Events events) {
    const auto found = descriptors_.find(descriptor);
    CHECK(found != descriptors_.end());
    epoll_event event{};
    event.events = events;
    event.data.u64 = token_of(descriptor, found->second->generation);
    CHECK(::epoll_ctl(epoll_, EPOLL_CTL_MOD, descriptor, &event) == 0);
}

void EventLoop::remove(int descriptor) {
    CHECK(descriptors_.erase(descriptor) == 1);
    CHECK(::epoll_ctl(epoll_, EPOLL_CTL_DEL, descriptor, nullptr) == 0);
}

EventLoop::TimerId EventLoop::start(Clock::duration delay, Timer timer) {
    const TimerId id = next_id_++;
    const Clock::time_point deadline = Clock::now() + delay;
    timers_.emplace(Deadline{deadline, id}, std::make_shared<Timer>(std::move(timer)));
    deadlines_.emplace(id, deadline);
    return id;
}

EventLoop::TimerId EventLoop::after(Clock::duration delay, Callback callback) {
    return start(delay, Timer{{}, std::move(callback)});
}

EventLoop::TimerId EventLoop::every(Clock::duration period, Callback callback) {
    CHECK(period > Clock::duration::zero());
    return start(period, Timer{period, std::move(callback)});
}

void EventLoop::cancel(TimerId timer) {
    const auto found = deadlines_.find(timer);
    if (found == deadlines_.end()) return;
    timers_.erase({found->second, timer});
    deadlines_.erase(found);
}

EventLoop::TurnId EventLoop::every_turn(Callback callback) {
    const TurnId id = next_id_++;
    turns_.emplace(id, std::make_shared<Callback>(std::move(callback)));
    return id;
}

void EventLoop::cancel_turn(TurnId turn) {
    turns_.erase(turn);
}

void EventLoop::run() {
    while (!is_stopped_) run_once(Clock::duration::max());
    is_stopped_ = false;
}

void EventLoop::run_once(Clock::duration wait_max) {
    dispatch(wait_max);
    run_timers();
    run_turns();
}

void EventLoop::stop() noexcept {
    // Fails only when the counter is at its end, and then the loop is about to stop anyway.
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(wakeup_, &one, sizeof one);
}

EventLoop::Clock::duration EventLoop::wait_time(Clock::duration wait_max) const {
    if (is_in_hurry_) return Clock::duration::zero();
    Clock::duration wait = wait_max;
    if (!turns_.empty()) wait = std::min<Clock::duration>(wait, kTurnWaitMax);
    if (!timers_.empty()) wait = std::min(wait, timers_.begin()->first.first - Clock::now());
    return std::max(wait, Clock::duration::zero());
}

void EventLoop::dispatch(Clock::duration wait_max) {
    // Rounded up, for a wait rounded down would spin until the timer is due; and at most an hour,
    // which fits an int.
    const auto wait = std::min<Clock::duration>(wait_time(wait_max), std::chrono::hours(1));
    const auto wait_ms = std::chrono::ceil<std::chrono::milliseconds>(wait).count();
    is_in_hurry_ = false;
    std::array<epoll_event, kEventsPerTurnMax> events;
    const int count =
        ::epoll_wait(epoll_, events.data(), kEventsPerTurnMax, static_cast<int>(wait_ms));
    CHECK(count >= 0 || errno == EINTR);
    for (int i = 0; i < count; ++i) {
        const epoll_event& event = events[static_cast<std::size_t>(i)];
        const std::uint64_t token = event.data.u64;
        const auto found = descriptors_.find(static_cast<int>(token & 0xffffffffU));
        if (found == descriptors_.end() || found->second->generation != token >> 32) continue;
        const std::shared_ptr<Descriptor> descriptor = found->second;
        descriptor->callback(event.events);
    }
}

void EventLoop::run_timers() {
    // Against one reading of the clock: a timer that restarts itself cannot keep the loop here.
    const Clock::time_point now = Clock::now();
    while (!timers_.empty() && timers_.begin()->first.first <= now) {
        const TimerId id = timers_.begin()->first.second;
        const std::shared_ptr<Timer> timer = timers_.begin()->second;
        timers_.erase(timers_.begin());
        if (timer->period == Clock::duration::zero()) {
            deadlines_.erase(id);
        } else {
            const Clock::time_point next = Clock::now() + timer->period;
            timers_.emplace(Deadline{next, id}, timer);
            deadlines_[id] = next;
        }
        timer->callback();
    }
}

void EventLoop::run_turns() {
    // By id, because a callback may add and cancel; one added now runs from the next turn on.
    const TurnId end = next_id_;
    for (auto turn = turns_.begin(); turn != turns_.end() && turn->first < end;) {
        const TurnId id = turn->first;
        const std::shared_ptr<Callback> callback = turn->second;
        (*callback)();
        turn = turns_.upper_bound(id);
    }
}

}  // namespace causeway
