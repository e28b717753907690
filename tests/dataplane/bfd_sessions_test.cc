// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <map>
#include <set>
#include <vector>

#include "dataplane/bfd/sessions.h"
#include "tests/support/seed.h"

namespace causeway::test {
namespace {

constexpr std::uint64_t kMs = 1'000'000;
using Payload = std::vector<std::uint8_t>;

BfdPeer peer(std::uint16_t attachment, std::uint32_t host = 1) {
    return {AttachmentId(attachment), Ipv4Address(0x0a00'0000U + host)};
}

BfdControlPacket good() {
    return {.diagnostic = BfdDiagnostic::kPathDown,
            .state = BfdState::kDown,
            .sequence = BfdSequence::kPoll,
            .multiplier = 3,
            .mine = BfdDiscriminator(0x0102'0304),
            .yours = BfdDiscriminator(0),
            .desired_min_tx_us = 1'000'000,
            .required_min_rx_us = 300'000};
}

Payload payload_of(const BfdControlPacket& packet) {
    const auto bytes = write_bfd(packet);
    return {bytes.begin(), bytes.end()};
}

// RFC 5880 4.1, byte by byte.
TEST(BfdControlPacket, is_written_as_the_rfc_draws_it) {
    const Payload expected{0x25, 0x60, 3,    24,   1, 2,    3,    4,    0, 0, 0, 0,
                           0,    0x0f, 0x42, 0x40, 0, 0x04, 0x93, 0xe0, 0, 0, 0, 0};
    EXPECT_EQ(payload_of(good()), expected);
    EXPECT_EQ(std::get<BfdControlPacket>(parse_bfd(expected)), good());
}

TEST(BfdControlPacketProperty, comes_back_as_it_was_written) {
    SeededRandom random;
    for (std::size_t i = 0; i < rounds(2'000); ++i) {
        const auto number = [&] { return static_cast<std::uint32_t>(random()); };
        const BfdControlPacket packet{
            .diagnostic = static_cast<BfdDiagnostic>(random.below(32)),
            .state = static_cast<BfdState>(random.below(4)),
            .sequence = static_cast<BfdSequence>(random.below(3)),
            .is_demand = random.below(2) == 0,
            .multiplier = static_cast<std::uint8_t>(1 + random.below(255)),
            .mine = BfdDiscriminator(number() | 1),
            .yours = BfdDiscriminator(number()),
            .desired_min_tx_us = number(),
            .required_min_rx_us = number()};
        Payload bytes = payload_of(packet);
        bytes.resize(bytes.size() + random.below(3));  // padding behind it does not matter
        ASSERT_EQ(std::get<BfdControlPacket>(parse_bfd(bytes)), packet);
    }
}

class BfdSessionsTest : public testing::Test {
  protected:
    BfdDiscard discard_of(const Payload& payload, const BfdPeer& from, std::uint8_t ttl = kBfdTtl) {
        const auto received = sessions_.receive(payload, from, ttl, now_);
        const auto* discard = std::get_if<BfdDiscard>(&received);
        return discard != nullptr ? *discard : BfdDiscard::kCount;
    }

    std::uint64_t now_ = 1'000 * kMs;
    BfdSessions sessions_{{.sessions_max = 4, .seed = 1}, now_};
};

TEST_F(BfdSessionsTest, discards_by_the_first_rule_that_is_broken) {
    const BfdDiscriminator mine = sessions_.add(peer(1), {}, now_).value();
    ASSERT_TRUE(sessions_.add(peer(2), {}, now_).has_value());
    struct Row {
        BfdDiscard discard;
        std::function<void(Payload&)> damage;
    };
    const auto set = [](std::size_t at, std::uint8_t value) {
        return [at, value](Payload& bytes) { bytes[at] = value; };
    };
    // From the last rule to the first: each damage is added to those below it.
    const std::vector<Row> rows{
        {BfdDiscard::kPollAndFinal, set(1, 0x70)},
        {BfdDiscard::kNoDiscriminator, [](Payload& b) { std::fill_n(b.begin() + 4, 4, 0); }},
        {BfdDiscard::kMultipoint, set(1, 0x71)},
        {BfdDiscard::kZeroMultiplier, set(2, 0)},
        {BfdDiscard::kBeyondPayload, set(3, 25)},
        {BfdDiscard::kBadLength, set(3, 23)},
        {BfdDiscard::kBadVersion, set(0, 0x45)},
        {BfdDiscard::kTruncated, [](Payload& b) { b.resize(23); }},
    };
    Payload bytes = payload_of(good());
    for (const Row& row : rows) {
        row.damage(bytes);
        EXPECT_EQ(discard_of(bytes, peer(1)), row.discard);
    }
    EXPECT_EQ(discard_of(bytes, peer(1), 254), BfdDiscard::kWrongTtl);

    BfdControlPacket packet = good();
    EXPECT_EQ(discard_of(payload_of(packet), peer(3)), BfdDiscard::kUnknownPeer);
    EXPECT_EQ(discard_of(payload_of(packet), peer(1, 2)), BfdDiscard::kUnknownPeer);
    packet.state = BfdState::kUp;
    EXPECT_EQ(discard_of(payload_of(packet), peer(1)), BfdDiscard::kNotAddressed);
    packet.yours = mine;
    EXPECT_EQ(discard_of(payload_of(packet), peer(2)), BfdDiscard::kWrongPeer);
    packet.yours = BfdDiscriminator(mine.value() + 0x1'0000);
    EXPECT_EQ(discard_of(payload_of(packet), peer(1)), BfdDiscard::kUnknownDiscriminator);
    packet.yours = BfdDiscriminator(0xffff);
    EXPECT_EQ(discard_of(payload_of(packet), peer(1)), BfdDiscard::kUnknownDiscriminator);
    packet.yours = mine;
    Payload authenticated = payload_of(packet);
    authenticated[1] |= 0x04;
    EXPECT_EQ(discard_of(authenticated, peer(1)), BfdDiscard::kBadLength);
    authenticated[3] = 26;
    authenticated.resize(26);
    EXPECT_EQ(discard_of(authenticated, peer(1)), BfdDiscard::kAuthenticated);
    static_cast<void>(sessions_.disable(mine, now_));
    EXPECT_EQ(discard_of(payload_of(packet), peer(1)), BfdDiscard::kAdminDown);
    static_cast<void>(sessions_.enable(mine, now_));
    EXPECT_EQ(discard_of(payload_of(packet), peer(1)), BfdDiscard::kCount);  // taken
}

TEST_F(BfdSessionsTest, no_discriminator_comes_back_soon) {
    std::set<BfdDiscriminator> seen;
    for (int i = 0; i < 1'000; ++i) {
        const BfdDiscriminator session = sessions_.add(peer(1), {}, now_).value();
        EXPECT_NE(session, BfdDiscriminator());
        EXPECT_TRUE(seen.insert(session).second);
        EXPECT_EQ(sessions_.find(peer(1)), session);
        sessions_.remove(session);
        EXPECT_EQ(sessions_.find(session), nullptr);
    }
}

TEST_F(BfdSessionsTest, refuses_a_second_session_with_a_peer_and_one_too_many) {
    for (std::uint16_t i = 0; i < 4; ++i) ASSERT_TRUE(sessions_.add(peer(i), {}, now_));
    EXPECT_EQ(sessions_.add(peer(0), {}, now_).error().code, ErrorCode::kExists);
    EXPECT_EQ(sessions_.add(peer(9), {}, now_).error().code, ErrorCode::kFull);
}

// Nothing is given out early, nothing later than two ticks, nothing twice.
TEST(TimerWheelProperty, gives_each_thing_out_in_its_time) {
    SeededRandom random;
    constexpr std::uint32_t kThings = 50;
    for (std::size_t round = 0; round < rounds(50); ++round) {
        std::uint64_t now = random.below(std::uint64_t{1} << 40);
        TimerWheel wheel(kThings, now);
        std::map<std::uint32_t, std::uint64_t> deadlines;
        std::uint64_t asked = now;
        for (std::size_t step = 0; step < 2'000; ++step) {
            const auto thing = static_cast<std::uint32_t>(random.below(kThings));
            if (random.below(4) == 0) {
                wheel.clear(thing);
                deadlines.erase(thing);
            } else {
                deadlines[thing] =
                    now + random.below(random.below(5) == 0 ? 5'000 * kMs : 20 * kMs);
                wheel.set(thing, deadlines[thing]);
            }
            now += random.below(random.below(50) == 0 ? 3'000 * kMs : kMs);
            if (random.below(3) == 0) continue;
            // Sometimes only some are taken, and others are set meanwhile.
            for (std::uint64_t left = random.below(4) == 0 ? 2 : UINT64_MAX; left > 0; --left) {
                const auto due = wheel.next_due(now);
                if (!due) {
                    asked = now;
                    for (const auto& [waiting, deadline] : deadlines)
                        ASSERT_GT(deadline + 2 * TimerWheel::kTickNs, asked);
                    break;
                }
                ASSERT_TRUE(deadlines.contains(*due));
                ASSERT_LE(deadlines[*due], now);
                deadlines.erase(*due);
            }
        }
    }
}

// Two sets of sessions, one with the other over a perfect wire: all come up, and a cut of some is
// seen in time by those alone.
TEST(BfdSessionsProperty, many_sessions_do_not_disturb_each_other) {
    SeededRandom random;
    constexpr std::uint16_t kSessions = 300;
    std::uint64_t now = 0;
    std::array<BfdSessions, 2> ends{
        BfdSessions({.sessions_max = kSessions, .seed = random()}, now),
        BfdSessions({.sessions_max = kSessions, .seed = random()}, now)};
    for (std::uint16_t i = 0; i < kSessions; ++i) {
        for (BfdSessions& end : ends) ASSERT_TRUE(end.add(peer(i), {}, now));
    }
    std::set<std::uint16_t> cut;
    const auto deliver = [&](const BfdEvent& first, std::size_t from) {
        BfdEvent event = first;
        while (event.outcome.packet) {  // and the answers, at once
            const BfdPeer at = ends[from].peer(event.session);
            if (cut.contains(at.attachment.value())) return;
            const auto received =
                ends[1 - from].receive(payload_of(*event.outcome.packet), at, kBfdTtl, now);
            if (!std::holds_alternative<BfdEvent>(received)) return;
            event = std::get<BfdEvent>(received);
            from = 1 - from;
        }
    };
    const auto run = [&](std::uint64_t duration) {
        std::array<BfdEvent, 7> events;
        for (const std::uint64_t until = now + duration; now < until; now += kMs) {
            for (std::size_t end = 0; end < 2; ++end) {
                std::size_t count = events.size();
                while (count == events.size()) {
                    count = ends[end].poll(now, events);
                    for (std::size_t i = 0; i < count; ++i) deliver(events[i], end);
                }
            }
        }
    };
    const auto state_of = [&](std::size_t end, std::uint16_t i) {
        return ends[end].find(*ends[end].find(peer(i)))->state();
    };
    run(5'000 * kMs);
    for (std::uint16_t i = 0; i < kSessions; ++i) {
        ASSERT_EQ(state_of(0, i), BfdState::kUp);
        ASSERT_EQ(state_of(1, i), BfdState::kUp);
    }
    while (cut.size() < 20) cut.insert(static_cast<std::uint16_t>(random.below(kSessions)));
    run(902 * kMs);
    for (std::uint16_t i = 0; i < kSessions; ++i) {
        const BfdState expected = cut.contains(i) ? BfdState::kDown : BfdState::kUp;
        ASSERT_EQ(state_of(0, i), expected);
        ASSERT_EQ(state_of(1, i), expected);
    }
}

}  // namespace
}  // namespace causeway::test
