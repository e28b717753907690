// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "control/api/event_loop.h"

namespace causeway {
namespace {

using namespace std::chrono_literals;

class EventLoopTest : public testing::Test {
  protected:
    std::unique_ptr<EventLoop> loop_ = std::move(EventLoop::create().value());
};

// A descriptor that is readable as soon as it is made.
class Readable {
  public:
    Readable() : descriptor_(::eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC)) {}
    ~Readable() { ::close(descriptor_); }
    Readable(const Readable&) = delete;
    Readable& operator=(const Readable&) = delete;
    [[nodiscard]] int descriptor() const { return descriptor_; }

  private:
    int descriptor_;
};

TEST_F(EventLoopTest, CallsWhenADescriptorIsReady) {
    const Readable readable;
    EventLoop::Events seen = 0;
    ASSERT_TRUE(loop_->add(readable.descriptor(), EPOLLIN,
                           [&](EventLoop::Events events) { seen = events; }));
    loop_->run_once(0ms);
    EXPECT_EQ(seen, EPOLLIN);
}

TEST_F(EventLoopTest, ModifyChangesWhatIsWaitedFor) {
    const Readable readable;
    int calls = 0;
    ASSERT_TRUE(loop_->add(readable.descriptor(), EPOLLIN, [&](EventLoop::Events) { ++calls; }));
    loop_->modify(readable.descriptor(), 0);
    loop_->run_once(0ms);
    EXPECT_EQ(calls, 0);
    loop_->modify(readable.descriptor(), EPOLLIN);
    loop_->run_once(0ms);
    EXPECT_EQ(calls, 1);
}

TEST_F(EventLoopTest, AddingAClosedDescriptorIsAnError) {
    const Status added = loop_->add(1'000'000, EPOLLIN, [](EventLoop::Events) {});
    ASSERT_FALSE(added);
    EXPECT_EQ(added.error().code, ErrorCode::kUnavailable);
}

// Both are ready in the same turn, and whichever comes first removes the other.
TEST_F(EventLoopTest, ARemovedDescriptorIsNotCalledAgainInItsTurn) {
    const Readable first;
    const Readable second;
    int calls = 0;
    const auto remove_both = [&](EventLoop::Events) {
        ++calls;
        loop_->remove(first.descriptor());
        loop_->remove(second.descriptor());
    };
    ASSERT_TRUE(loop_->add(first.descriptor(), EPOLLIN, remove_both));
    ASSERT_TRUE(loop_->add(second.descriptor(), EPOLLIN, remove_both));
    loop_->run_once(0ms);
    EXPECT_EQ(calls, 1);
}

TEST_F(EventLoopTest, OneShotTimerRunsOnceAndNotEarly) {
    const auto begin = EventLoop::Clock::now();
    EventLoop::Clock::time_point ran;
    int calls = 0;
    loop_->after(20ms, [&] {
        ran = EventLoop::Clock::now();
        ++calls;
    });
    while (EventLoop::Clock::now() - begin < 50ms) loop_->run_once(5ms);
    EXPECT_EQ(calls, 1);
    EXPECT_GE(ran - begin, 20ms);
}

TEST_F(EventLoopTest, TimersRunInTheOrderOfTheirDeadlines) {
    std::vector<int> order;
    loop_->after(8ms, [&] { order.push_back(2); });
    loop_->after(4ms, [&] { order.push_back(1); });
    loop_->after(8ms, [&] { order.push_back(3); });
    const auto end = EventLoop::Clock::now() + 30ms;
    while (EventLoop::Clock::now() < end) loop_->run_once(5ms);
    EXPECT_EQ(order, (std::vector{1, 2, 3}));
}

TEST_F(EventLoopTest, PeriodicTimerRunsUntilItCancelsItself) {
    int calls = 0;
    EventLoop::TimerId timer = 0;
    timer = loop_->every(1ms, [&] {
        if (++calls == 3) loop_->cancel(timer);
    });
    const auto end = EventLoop::Clock::now() + 50ms;
    while (EventLoop::Clock::now() < end) loop_->run_once(5ms);
    EXPECT_EQ(calls, 3);
}

TEST_F(EventLoopTest, ATimerThatIsGoneMayBeCancelled) {
    const EventLoop::TimerId timer = loop_->after(0ms, [] {});
    loop_->run_once(0ms);
    loop_->cancel(timer);
    loop_->cancel(timer);
}

// A timer that starts the next at once must leave the loop its descriptors.
TEST_F(EventLoopTest, ATimerThatRestartsItselfLeavesTheLoopItsTurn) {
    int calls = 0;
    std::function<void()> restart = [&] {
        ++calls;
        loop_->after(0ms, restart);
    };
    loop_->after(0ms, restart);
    loop_->run_once(0ms);
    loop_->run_once(0ms);
    EXPECT_LE(calls, 2);
    EXPECT_GE(calls, 1);
}

TEST_F(EventLoopTest, EveryTurnBoundsTheWait) {
    int turns = 0;
    loop_->every_turn([&] { ++turns; });
    const auto begin = EventLoop::Clock::now();
    for (int i = 0; i < 20; ++i) loop_->run_once(1h);
    EXPECT_EQ(turns, 20);
    EXPECT_LT(EventLoop::Clock::now() - begin, 5s);  // 20 ms, and a busy machine
}

TEST_F(EventLoopTest, ATurnThatWasHurriedWaitsForNothingAndTheNextOneDoes) {
    bool is_due = false;
    loop_->after(200ms, [&] { is_due = true; });
    loop_->hurry();
    loop_->run_once(1h);
    EXPECT_FALSE(is_due);
    loop_->run_once(1h);
    EXPECT_TRUE(is_due);
}

TEST_F(EventLoopTest, ATurnMayCancelItself) {
    int turns = 0;
    EventLoop::TurnId turn = 0;
    turn = loop_->every_turn([&] {
        ++turns;
        loop_->cancel_turn(turn);
    });
    loop_->run_once(0ms);
    loop_->run_once(0ms);
    EXPECT_EQ(turns, 1);
}

TEST_F(EventLoopTest, StopEndsRunFromAnotherThread) {
    std::thread stopper([&] {
        std::this_thread::sleep_for(5ms);
        loop_->stop();
    });
    loop_->run();
    stopper.join();
}

TEST_F(EventLoopTest, StopBeforeRunIsNotLost) {
    loop_->stop();
    loop_->run();
}

}  // namespace
}  // namespace causeway
