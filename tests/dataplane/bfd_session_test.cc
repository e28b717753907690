// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "dataplane/bfd/session.h"
#include "tests/support/seed.h"

namespace causeway::test {
namespace {

constexpr std::uint64_t kMs = 1'000'000;
constexpr BfdDiscriminator kLocal(11);
constexpr BfdDiscriminator kRemote(22);

class BfdSessionTest : public testing::Test {
  protected:
    BfdControlPacket from_remote(BfdState state, BfdSequence sequence = BfdSequence::kNeither) {
        return {.state = state,
                .sequence = sequence,
                .multiplier = remote_.multiplier,
                .mine = kRemote,
                .yours = kLocal,
                .desired_min_tx_us = remote_.desired_min_tx_us,
                .required_min_rx_us = remote_.required_min_rx_us};
    }
    BfdOutcome hear(BfdState state, BfdSequence sequence = BfdSequence::kNeither) {
        return session_.receive(from_remote(state, sequence), now_);
    }
    // Up, with the intervals of both in force.
    void come_up() {
        hear(BfdState::kDown);
        hear(BfdState::kUp);
        hear(BfdState::kUp, BfdSequence::kFinal);
        ASSERT_EQ(session_.state(), BfdState::kUp);
        ASSERT_FALSE(session_.is_polling());
    }

    std::uint64_t now_ = 5'000 * kMs;
    BfdParameters remote_{.desired_min_tx_us = 300'000, .required_min_rx_us = 300'000};
    BfdSession session_{kLocal, {}, 1, now_};
};

// RFC 5880 6.8.6, row by row: state, what is received, next state.
TEST(BfdStateMachine, is_that_of_the_rfc) {
    using enum BfdState;
    struct Row {
        BfdState state, received, next;
    };
    constexpr std::array kRows{
        Row{kAdminDown, kAdminDown, kAdminDown},
        Row{kAdminDown, kDown, kAdminDown},
        Row{kAdminDown, kInit, kAdminDown},
        Row{kAdminDown, kUp, kAdminDown},
        Row{kDown, kAdminDown, kDown},
        Row{kDown, kDown, kInit},
        Row{kDown, kInit, kUp},
        Row{kDown, kUp, kDown},
        Row{kInit, kAdminDown, kDown},
        Row{kInit, kDown, kInit},
        Row{kInit, kInit, kUp},
        Row{kInit, kUp, kUp},
        Row{kUp, kAdminDown, kDown},
        Row{kUp, kDown, kDown},
        Row{kUp, kInit, kUp},
        Row{kUp, kUp, kUp},
    };
    for (const Row& row : kRows) {
        BfdSession session(kLocal, {}, 1, 0);
        BfdControlPacket packet{.multiplier = 3,
                                .mine = kRemote,
                                .yours = kLocal,
                                .desired_min_tx_us = 1,
                                .required_min_rx_us = 1};
        const auto hear = [&](BfdState state) {
            packet.state = state;
            return session.receive(packet, 1);
        };
        if (row.state == kAdminDown) static_cast<void>(session.disable(0));
        if (row.state == kInit) hear(kDown);
        if (row.state == kUp) hear(kInit);
        ASSERT_EQ(session.state(), row.state);
        const BfdOutcome outcome = hear(row.received);
        EXPECT_EQ(session.state(), row.next)
            << to_string(row.state) << " hears " << to_string(row.received);
        EXPECT_EQ(outcome.has_changed, row.state != row.next);
        EXPECT_EQ(outcome.packet.has_value(), row.state != row.next);
        if (!outcome.packet) continue;
        EXPECT_EQ(outcome.packet->state, row.next);
        EXPECT_EQ(outcome.packet->diagnostic,
                  row.next == kDown ? BfdDiagnostic::kNeighbourSignaledDown : BfdDiagnostic::kNone);
    }
}

TEST_F(BfdSessionTest, announces_a_second_until_it_is_up_and_then_polls) {
    const BfdOutcome init = hear(BfdState::kDown);
    EXPECT_EQ(init.packet->desired_min_tx_us, 1'000'000U);
    EXPECT_EQ(init.packet->required_min_rx_us, 300'000U);
    EXPECT_EQ(init.packet->yours, kRemote);
    const BfdOutcome up = hear(BfdState::kInit);
    EXPECT_EQ(up.packet->desired_min_tx_us, 300'000U);
    EXPECT_EQ(up.packet->sequence, BfdSequence::kPoll);
    EXPECT_TRUE(session_.is_polling());
    now_ = session_.next_event_ns();
    EXPECT_EQ(session_.advance(now_).packet->sequence, BfdSequence::kPoll);
    hear(BfdState::kUp, BfdSequence::kFinal);
    EXPECT_FALSE(session_.is_polling());
    now_ = session_.next_event_ns();
    EXPECT_EQ(session_.advance(now_).packet->sequence, BfdSequence::kNeither);
}

TEST_F(BfdSessionTest, answers_a_poll_at_once_without_asking_itself) {
    come_up();
    const std::uint64_t next = session_.next_event_ns();
    now_ += kMs;
    const BfdOutcome answer = hear(BfdState::kUp, BfdSequence::kPoll);
    EXPECT_EQ(answer.packet->sequence, BfdSequence::kFinal);
    EXPECT_EQ(session_.next_event_ns(), next);  // the rhythm goes on
    session_.set_parameters({.desired_min_tx_us = 500'000}, now_);
    EXPECT_TRUE(session_.is_polling());
    EXPECT_EQ(hear(BfdState::kUp, BfdSequence::kPoll).packet->sequence, BfdSequence::kFinal);
}

TEST_F(BfdSessionTest, is_down_exactly_when_the_detection_time_has_passed) {
    remote_ = {.desired_min_tx_us = 400'000, .required_min_rx_us = 1'000, .multiplier = 5};
    come_up();
    const std::uint64_t deadline = now_ + 5 * 400 * kMs;
    while (session_.next_event_ns() < deadline) {
        now_ = session_.next_event_ns();
        ASSERT_FALSE(session_.advance(now_).has_changed);
    }
    EXPECT_EQ(session_.next_event_ns(), deadline);
    EXPECT_FALSE(session_.advance(deadline - 1).has_changed);
    const BfdOutcome down = session_.advance(deadline);
    EXPECT_TRUE(down.has_changed);
    EXPECT_EQ(session_.state(), BfdState::kDown);
    EXPECT_EQ(down.packet->diagnostic, BfdDiagnostic::kDetectionTimeExpired);
    EXPECT_EQ(down.packet->desired_min_tx_us, 1'000'000U);
    EXPECT_EQ(down.packet->yours, BfdDiscriminator());
}

TEST_F(BfdSessionTest, slows_down_and_gets_stricter_only_when_the_neighbour_knows) {
    come_up();
    session_.set_parameters({.desired_min_tx_us = 800'000, .required_min_rx_us = 100'000}, now_);
    EXPECT_EQ(session_.transmit_interval_ns(), 300 * kMs);
    EXPECT_EQ(session_.detection_time_ns(), 900 * kMs);
    remote_.desired_min_tx_us = 100'000;
    hear(BfdState::kUp, BfdSequence::kFinal);
    EXPECT_EQ(session_.transmit_interval_ns(), 800 * kMs);
    EXPECT_EQ(session_.detection_time_ns(), 300 * kMs);
}

TEST_F(BfdSessionTest, speeds_up_at_once_when_either_end_asks) {
    come_up();
    remote_.required_min_rx_us = 10'000;
    session_.set_parameters({.desired_min_tx_us = 50'000}, now_);
    EXPECT_EQ(session_.transmit_interval_ns(), 300 * kMs);  // what the neighbour bears
    hear(BfdState::kUp);
    EXPECT_EQ(session_.transmit_interval_ns(), 50 * kMs);
    EXPECT_LE(session_.next_event_ns(), now_ + 50 * kMs);
}

// Two changes, and the answer to the first does not confirm the second.
TEST_F(BfdSessionTest, polls_again_for_what_changed_meanwhile) {
    come_up();
    session_.set_parameters({.desired_min_tx_us = 400'000}, now_);
    session_.set_parameters({.desired_min_tx_us = 500'000}, now_);
    hear(BfdState::kUp, BfdSequence::kFinal);
    EXPECT_TRUE(session_.is_polling());
    EXPECT_EQ(session_.transmit_interval_ns(), 300 * kMs);
    hear(BfdState::kUp, BfdSequence::kFinal);
    EXPECT_FALSE(session_.is_polling());
    EXPECT_EQ(session_.transmit_interval_ns(), 500 * kMs);
}

TEST_F(BfdSessionTest, is_silent_where_the_neighbour_wants_no_packets) {
    remote_.required_min_rx_us = 0;
    come_up();
    const std::uint64_t detection = now_ + session_.detection_time_ns();
    EXPECT_EQ(session_.next_event_ns(), detection);
    EXPECT_TRUE(session_.advance(detection).has_changed);
    EXPECT_NE(session_.next_event_ns(), BfdSession::kNever);  // but looks for it again
}

TEST_F(BfdSessionTest, sends_nothing_but_polls_to_a_neighbour_in_demand_mode) {
    come_up();
    BfdControlPacket packet = from_remote(BfdState::kUp);
    packet.is_demand = true;
    static_cast<void>(session_.receive(packet, now_));
    EXPECT_EQ(session_.next_event_ns(), now_ + session_.detection_time_ns());
    session_.set_parameters({.required_min_rx_us = 200'000}, now_);
    EXPECT_LT(session_.next_event_ns(), now_ + 300 * kMs);
}

TEST_F(BfdSessionTest, administratively_down_says_so_and_hears_nothing) {
    come_up();
    const BfdOutcome down = session_.disable(now_);
    EXPECT_TRUE(down.has_changed);
    EXPECT_EQ(down.packet->state, BfdState::kAdminDown);
    EXPECT_EQ(down.packet->diagnostic, BfdDiagnostic::kAdministrativelyDown);
    EXPECT_FALSE(session_.disable(now_).has_changed);
    EXPECT_FALSE(hear(BfdState::kUp, BfdSequence::kPoll).packet.has_value());
    now_ = session_.next_event_ns();
    EXPECT_EQ(session_.advance(now_).packet->state, BfdState::kAdminDown);
    EXPECT_EQ(session_.enable(now_).packet->state, BfdState::kDown);
    EXPECT_FALSE(session_.enable(now_).has_changed);
    come_up();
}

// 6.8.7: 75 to 90 % of the interval, and not always the same.
TEST_F(BfdSessionTest, transmits_with_jitter) {
    std::uint64_t least = UINT64_MAX;
    std::uint64_t most = 0;
    std::uint64_t last = now_;
    for (int i = 0; i < 2'000; ++i) {
        now_ = session_.next_event_ns();
        ASSERT_TRUE(session_.advance(now_).packet.has_value());
        least = std::min(least, now_ - last);
        most = std::max(most, now_ - last);
        last = now_;
    }
    EXPECT_GE(least, 750 * kMs);
    EXPECT_LT(least, 755 * kMs);
    EXPECT_LE(most, 900 * kMs);
    EXPECT_GT(most, 895 * kMs);
}

}  // namespace
}  // namespace causeway::test
