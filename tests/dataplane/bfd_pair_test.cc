// SPDX-License-Identifier: Apache-2.0
//
// Two BFD sessions against each other over a wire that loses, delays and reorders, in virtual time.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>

#include "dataplane/bfd/session.h"
#include "tests/support/seed.h"

namespace causeway::test {
namespace {

constexpr std::uint64_t kMs = 1'000'000;

struct Wire {
    unsigned loss_percent = 0;
    std::uint64_t delay_max_ns = 0;
};

class Pair {
  public:
    explicit Pair(SeededRandom& random) : random_(random) {
        for (std::size_t end = 0; end < 2; ++end) restart(end);
    }

    [[nodiscard]] const BfdSession& session(std::size_t end) const { return *ends_[end].session; }
    [[nodiscard]] bool is_up() const {
        return session(0).state() == BfdState::kUp && session(1).state() == BfdState::kUp;
    }
    [[nodiscard]] std::uint64_t now() const { return now_; }
    [[nodiscard]] std::size_t changes() const { return changes_; }

    [[nodiscard]] BfdParameters any_parameters() {
        constexpr std::array kIntervals{10'000U, 50'000U, 300'000U, 750'000U, 1'500'000U};
        return {.desired_min_tx_us = kIntervals[random_.below(kIntervals.size())],
                .required_min_rx_us = kIntervals[random_.below(kIntervals.size())],
                .multiplier = static_cast<std::uint8_t>(2 + random_.below(4))};
    }
    // A box that starts anew: other discriminator, and packets of before still on the wire.
    void restart(std::size_t end) {
        const BfdDiscriminator mine(next_discriminator_++);
        ends_[end].session.emplace(mine, any_parameters(), random_(), now_);
        ends_[end].expected_down_ns.reset();
    }
    void change(std::size_t end) {
        ends_[end].session->set_parameters(any_parameters(), now_);
        ends_[end].expected_down_ns.reset();
        has_new_parameters_ = true;
    }

    void run(std::uint64_t duration_ns, const Wire& wire) {
        const std::uint64_t until = now_ + duration_ns;
        while (true) {
            std::uint64_t next = std::min(session(0).next_event_ns(), session(1).next_event_ns());
            const bool is_arrival = !flying_.empty() && flying_.begin()->first <= next;
            if (is_arrival) next = flying_.begin()->first;
            if (next > until) break;
            // In the past only where new parameters made a detection time shorter at once.
            if (!has_new_parameters_) {
                ASSERT_GE(next, now_);
            }
            has_new_parameters_ = false;
            now_ = std::max(now_, next);
            if (is_arrival) {
                const Flying flying = flying_.begin()->second;
                flying_.erase(flying_.begin());
                arrive(flying, wire);
            } else {
                advance(session(0).next_event_ns() == next ? 0 : 1, wire);
            }
            if (testing::Test::HasFatalFailure()) return;
        }
        now_ = until;
    }

  private:
    struct Flying {
        std::size_t to = 0;
        BfdControlPacket packet;
    };
    struct End {
        std::optional<BfdSession> session;
        // When it must notice that nothing comes any more, by its own parameters and the last
        // packet; nothing: not certain, for a poll sequence is under way.
        std::optional<std::uint64_t> expected_down_ns{};
    };

    void send(std::size_t from, const BfdOutcome& outcome, const Wire& wire) {
        changes_ += outcome.has_changed ? 1 : 0;
        if (!outcome.packet || random_.below(100) < wire.loss_percent) return;
        const std::uint64_t copies = wire.loss_percent != 0 && random_.below(20) == 0 ? 2 : 1;
        for (std::uint64_t i = 0; i < copies; ++i)
            flying_.emplace(now_ + random_.below(wire.delay_max_ns + 1),
                            Flying{1 - from, *outcome.packet});
    }

    void arrive(const Flying& flying, const Wire& wire) {
        End& end = ends_[flying.to];
        BfdSession& session = *end.session;
        // What BfdSessions does, too: another session's packets are not for this one.
        const bool is_addressed = flying.packet.yours != BfdDiscriminator();
        if (is_addressed && flying.packet.yours != session.local_discriminator()) return;
        if (!is_addressed && flying.packet.state > BfdState::kDown) return;
        const bool was_up = session.state() == BfdState::kUp;
        const BfdOutcome outcome = session.receive(flying.packet, now_);
        ASSERT_TRUE(is_addressed || was_up || session.state() != BfdState::kUp);
        ASSERT_EQ(session.remote_discriminator(), flying.packet.mine);
        end.expected_down_ns.reset();
        if (!session.is_polling()) {
            const std::uint64_t interval_us =
                std::max(session.parameters().required_min_rx_us, flying.packet.desired_min_tx_us);
            end.expected_down_ns = now_ + flying.packet.multiplier * interval_us * 1'000;
        }
        send(flying.to, outcome, wire);
    }

    void advance(std::size_t index, const Wire& wire) {
        End& end = ends_[index];
        const BfdState before = end.session->state();
        if (end.session->is_polling()) end.expected_down_ns.reset();
        const BfdOutcome outcome = end.session->advance(now_);
        ASSERT_TRUE(outcome.packet.has_value() ||
                    end.session->remote_discriminator() == BfdDiscriminator());
        if (outcome.has_changed) {
            ASSERT_EQ(end.session->state(), BfdState::kDown);
            ASSERT_TRUE(before == BfdState::kUp || before == BfdState::kInit);
            ASSERT_EQ(end.session->diagnostic(), BfdDiagnostic::kDetectionTimeExpired);
            ASSERT_EQ(now_, end.expected_down_ns.value_or(now_));
        } else if (end.expected_down_ns && before >= BfdState::kInit) {
            ASSERT_LT(now_, *end.expected_down_ns);
        }
        send(index, outcome, wire);
    }

    SeededRandom& random_;
    std::uint64_t now_ = 1'000 * kMs;
    std::uint32_t next_discriminator_ = 1;
    std::array<End, 2> ends_;
    std::multimap<std::uint64_t, Flying> flying_;
    std::size_t changes_ = 0;
    bool has_new_parameters_ = false;
};

constexpr Wire kGood{.loss_percent = 0, .delay_max_ns = 1 * kMs};

void expect_agreement(const Pair& pair) {
    ASSERT_TRUE(pair.is_up());
    for (std::size_t end = 0; end < 2; ++end) {
        const BfdSession& mine = pair.session(end);
        const BfdSession& other = pair.session(1 - end);
        ASSERT_EQ(mine.remote_discriminator(), other.local_discriminator());
        ASSERT_FALSE(mine.is_polling());
        ASSERT_EQ(mine.transmit_interval_ns(),
                  1'000ULL * std::max(mine.parameters().desired_min_tx_us,
                                      other.parameters().required_min_rx_us));
        ASSERT_EQ(mine.detection_time_ns(), 1'000ULL * other.parameters().multiplier *
                                                std::max(mine.parameters().required_min_rx_us,
                                                         other.parameters().desired_min_tx_us));
    }
}

// Through phases of bad wires, cuts, restarts: on a good wire they always come up and agree.
TEST(BfdPairProperty, comes_up_on_a_good_wire_whatever_was_before) {
    SeededRandom random;
    for (std::size_t round = 0; round < rounds(60); ++round) {
        Pair pair(random);
        for (std::size_t phase = random.below(6); phase > 0; --phase) {
            const std::size_t end = random.below(2);
            if (random.below(3) == 0) pair.restart(end);
            if (random.below(3) == 0) pair.change(end);
            const Wire wire{.loss_percent = static_cast<unsigned>(random.below(101)),
                            .delay_max_ns = random.below(500 * kMs)};
            pair.run(random.below(20'000 * kMs), wire);
            if (HasFatalFailure()) return;
        }
        // The longest detection time of before, and then some exchanges at the slow rate.
        pair.run(20'000 * kMs, kGood);
        if (HasFatalFailure()) return;
        expect_agreement(pair);
        if (HasFatalFailure()) return;
    }
}

// While the wire is good no change of parameters takes a session down: what 6.8.3 is for.
TEST(BfdPairProperty, stays_up_while_parameters_change) {
    SeededRandom random;
    for (std::size_t round = 0; round < rounds(60); ++round) {
        Pair pair(random);
        pair.run(10'000 * kMs, kGood);
        if (HasFatalFailure()) return;
        ASSERT_TRUE(pair.is_up());
        const std::size_t before = pair.changes();
        for (std::size_t i = 0; i < 30; ++i) {
            pair.change(random.below(2));
            pair.run(random.below(2'000 * kMs), kGood);
            if (HasFatalFailure()) return;
            ASSERT_EQ(pair.changes(), before);
        }
        pair.run(10'000 * kMs, kGood);
        expect_agreement(pair);
        if (HasFatalFailure()) return;
    }
}

// A cut is noticed by both within their detection times; the exact moment is checked on the way.
TEST(BfdPairProperty, notices_a_cut_in_its_detection_time) {
    SeededRandom random;
    for (std::size_t round = 0; round < rounds(100); ++round) {
        Pair pair(random);
        pair.run(10'000 * kMs + random.below(1'000 * kMs), kGood);
        if (HasFatalFailure()) return;
        expect_agreement(pair);
        if (HasFatalFailure()) return;
        const std::uint64_t longest =
            std::max(pair.session(0).detection_time_ns(), pair.session(1).detection_time_ns());
        pair.run(longest + kGood.delay_max_ns, {.loss_percent = 100, .delay_max_ns = 0});
        if (HasFatalFailure()) return;
        ASSERT_EQ(pair.session(0).state(), BfdState::kDown);
        ASSERT_EQ(pair.session(1).state(), BfdState::kDown);
    }
}

}  // namespace
}  // namespace causeway::test
