// SPDX-License-Identifier: Apache-2.0
//
// The thread that runs BFD, against another one: their posts are joined as workers would, by a
// thread that does nothing else.
#include <gtest/gtest.h>
#include <poll.h>

#include <chrono>
#include <cstring>
#include <memory>
#include <thread>
#include <vector>

#include "control/bfd/runner.h"

namespace causeway::test {
namespace {

using namespace std::chrono_literals;

constexpr AttachmentId kAttachment{40};
constexpr std::size_t kLinkBytes = 22;
const IpAddress kNear = Ipv4Address(0xc0a8'0002);
const IpAddress kFar = Ipv4Address(0xc0a8'0001);

class BfdRunnerTest : public testing::Test {
  protected:
    struct End {
        std::unique_ptr<BfdPost> post = std::make_unique<BfdPost>();
        BfdRunner runner{{.sessions_max = 16, .seed = 3, .workers = {post.get()}}};
    };

    static BfdDiscriminator add(End& end, const IpAddress& local, const IpAddress& far) {
        return end.runner.ask([&](BfdEngine& engine, std::uint64_t now) {
            const BfdParameters fast{.desired_min_tx_us = 20'000, .required_min_rx_us = 20'000};
            const auto id = engine.add({{kAttachment, far}, local, PortId(1), fast}, now);
            engine.set_link(*id, std::vector<std::uint8_t>(kLinkBytes));
            return *id;
        });
    }
    // What one end sent arrives at the other.
    static void carry(End& from, End& to) {
        auto& down = from.post->down;
        for (const BfdFrame* frame = down.front(); frame != nullptr; frame = down.front()) {
            if (BfdFrame* const room = to.post->up.room()) {
                *room = *frame;
                room->size = static_cast<std::uint8_t>(frame->size - kLinkBytes);
                std::memmove(room->bytes.data(), frame->bytes.data() + kLinkBytes, room->size);
                to.post->up.push();
            }
            down.pop();
        }
    }
    // The state of the next change of the near end's; none within the time is kAdminDown.
    BfdState next_change(std::chrono::milliseconds time) {
        const auto deadline = std::chrono::steady_clock::now() + time;
        while (std::chrono::steady_clock::now() < deadline) {
            if (!is_cut_) {
                carry(near_, far_);
                carry(far_, near_);
            }
            pollfd changed{near_.runner.fd(), POLLIN, 0};
            if (::poll(&changed, 1, 1) == 0) continue;
            const auto rows = near_.runner.take_changes();
            if (!rows.empty()) return rows.front().state;
        }
        return BfdState::kAdminDown;
    }

    End near_;
    End far_;
    bool is_cut_ = false;
};

TEST_F(BfdRunnerTest, brings_a_session_up_and_down_and_wakes_who_waits) {
    const BfdDiscriminator mine = add(near_, kNear, kFar);
    (void)add(far_, kFar, kNear);
    near_.runner.start();
    far_.runner.start();
    BfdState state = BfdState::kDown;
    while (state == BfdState::kDown || state == BfdState::kInit) state = next_change(10s);
    ASSERT_EQ(state, BfdState::kUp);
    is_cut_ = true;
    const auto cut = std::chrono::steady_clock::now();
    EXPECT_EQ(next_change(10s), BfdState::kDown);
    // Slow intervals are in use until both ends know that the other is up, so up to 3 s.
    EXPECT_LT(std::chrono::steady_clock::now() - cut, 4s);
    const auto status =
        near_.runner.ask([&](BfdEngine& engine, auto) { return *engine.status(mine); });
    EXPECT_EQ(status.verdict, BfdVerdict::kFailed);
}

TEST_F(BfdRunnerTest, counts_what_no_worker_takes) {
    const BfdDiscriminator mine = add(near_, kNear, kFar);
    for (std::size_t i = 0; i < kBfdPostSize; ++i) {
        ASSERT_NE(near_.post->down.room(), nullptr);
        near_.post->down.push();
    }
    std::this_thread::sleep_for(1100ms);
    near_.runner.turn();
    const auto status =
        near_.runner.ask([&](BfdEngine& engine, auto) { return *engine.status(mine); });
    EXPECT_EQ(status.traffic.tx_packets, 0U);
    EXPECT_EQ(status.tx_lost, 1U);
}

}  // namespace
}  // namespace causeway::test
