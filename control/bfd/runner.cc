// SPDX-License-Identifier: Apache-2.0
#include "control/bfd/runner.h"

#include <pthread.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <chrono>

#include "base/check.h"

namespace causeway {
namespace {

// Often enough for intervals of 10 ms, and little to wake up for.
constexpr std::chrono::milliseconds kTurnPeriod{1};

// Before everybody who is not of a real-time class on this core, the control thread included. That
// needs a privilege; without it the scheduler's fairness must do.
void prefer_this_thread() noexcept {
    const sched_param lowest{.sched_priority = sched_get_priority_min(SCHED_FIFO)};
    (void)pthread_setschedparam(pthread_self(), SCHED_FIFO, &lowest);
    (void)pthread_setname_np(pthread_self(), "bfd");
}

}  // namespace

std::uint64_t BfdRunner::now_ns() noexcept {
    return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch() /
                                      std::chrono::nanoseconds(1));
}

BfdRunner::BfdRunner(const Options& options)
    : options_(options),
      changed_fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      engine_({.sessions_max = options.sessions_max, .seed = options.seed}, *this, now_ns()) {
    CHECK(changed_fd_ >= 0);
}

BfdRunner::~BfdRunner() {
    thread_ = {};  // stops and joins
    ::close(changed_fd_);
}

void BfdRunner::start() {
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

void BfdRunner::run(const std::stop_token& stop) {
    prefer_this_thread();
    while (!stop.stop_requested()) {
        turn();
        std::this_thread::sleep_for(kTurnPeriod);
    }
}

// All that has come is heard before any session is found to be late: when this thread is late
// itself, no neighbour is taken for dead.
void BfdRunner::turn() {
    const std::scoped_lock lock(mutex_);
    const std::uint64_t now = now_ns();
    for (BfdPost* const worker : options_.workers) {
        auto& up = worker->up;
        for (std::size_t k = 0; k < kBfdPostSize; ++k) {
            const BfdFrame* const frame = up.front();
            if (frame == nullptr) break;
            engine_.receive(*frame, now);
            up.pop();
        }
    }
    for (BfdArrivals* const arrivals : options_.past_workers) {
        BfdFrame frame;
        for (std::size_t k = 0; k < kBfdPostSize && arrivals->take(frame); ++k) {
            engine_.receive(frame, now);
        }
    }
    engine_.poll(now);
    if (!engine_.has_changes()) return;
    const std::uint64_t one = 1;
    (void)!::write(changed_fd_, &one, sizeof one);  // full: readable already
}

bool BfdRunner::send(const BfdFrame& frame) {
    if (options_.workers.empty()) return false;
    auto& down = options_.workers.front()->down;
    BfdFrame* const room = down.room();
    if (room == nullptr) return false;
    *room = frame;
    down.push();
    return true;
}

std::vector<BfdSessionStatus> BfdRunner::take_changes() {
    std::uint64_t count = 0;
    (void)!::read(changed_fd_, &count, sizeof count);
    const std::scoped_lock lock(mutex_);
    std::vector<BfdSessionStatus> rows;
    for (const BfdDiscriminator id : engine_.take_changes()) rows.push_back(*engine_.status(id));
    return rows;
}

}  // namespace causeway
