// SPDX-License-Identifier: Apache-2.0
//
// The session table against a dictionary, its timers against a clock that jumps, and a reader
// beside the owner.
#include "nat/session_table.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <map>
#include <thread>
#include <utility>
#include <vector>

#include "nat/shared_map.h"
#include "tests/support/seed.h"

namespace causeway {
namespace {

FlowKey inside_key(std::uint32_t number) {
    return FlowKey::inside(NatPoolId(1), NatProtocol::kUdp, {Ipv4Address(number), 1},
                           {Ipv4Address(7), 53});
}
FlowKey outside_key(std::uint32_t number) {
    return FlowKey::outside(NatProtocol::kUdp, {Ipv4Address(~number), 2}, {Ipv4Address(7), 53});
}

std::unique_ptr<SessionTable> make_table(std::uint32_t sessions_max, NatSeconds now = 0) {
    return std::move(
        SessionTable::create(
            {.sessions_max = sessions_max, .secret = {}, .now = now, .pages = PageSize::kSmall})
            .value());
}

std::uint32_t find(const SessionTable& table, NatDirection direction, FlowKey key) {
    std::uint32_t found = 0;
    table.lookup(direction, {&key, 1}, {&found, 1});
    return found;
}

std::uint32_t enter(SessionTable& table, const SessionTable::NewSession& wanted) {
    return table.insert(wanted, table.hash_of(wanted.inside));
}

TEST(SessionTable, ten_million_sessions_fit) {
    // The other half of the 1.5 GiB is for what all workers share: docs/design/nat.md.
    EXPECT_LT(SessionTable::bytes_for(10'000'000), std::size_t{900} << 20);
}

TEST(SessionTable, key_says_what_it_was_made_of) {
    const Endpoint own{Ipv4Address(0x0a000001), 65'535};
    const Endpoint remote{Ipv4Address(0xffffffff), 443};
    const FlowKey key = FlowKey::inside(NatPoolId(8'191), NatProtocol::kIcmp, own, remote);
    EXPECT_EQ(key.own(), own);
    EXPECT_EQ(key.remote(), remote);
    EXPECT_EQ(key.protocol(), NatProtocol::kIcmp);
    EXPECT_EQ(key.pool(), NatPoolId(8'191));
    EXPECT_NE(key, FlowKey::outside(NatProtocol::kIcmp, own, remote));
}

TEST(SessionTable, fills_to_the_last_place_and_empties) {
    constexpr std::uint32_t kSessions = 100'000;
    const auto table = make_table(kSessions);
    for (std::uint32_t i = 0; i < kSessions; ++i) {
        ASSERT_NE(enter(*table, {.inside = inside_key(i), .outside = outside_key(i)}), kNoSession)
            << i;
    }
    EXPECT_EQ(enter(*table, {.inside = inside_key(kSessions), .outside = outside_key(kSessions)}),
              kNoSession);
    for (std::uint32_t i = 0; i < kSessions; ++i) {
        const std::uint32_t session = find(*table, NatDirection::kOutbound, inside_key(i));
        ASSERT_NE(session, kNoSession);
        ASSERT_EQ(session, find(*table, NatDirection::kInbound, outside_key(i)));
        table->erase(table->hashed(session));
        ASSERT_EQ(find(*table, NatDirection::kInbound, outside_key(i)), kNoSession);
    }
    EXPECT_EQ(table->size(), 0U);
}

// What the table should hold: deadlines by number.
class Twin {
  public:
    explicit Twin(std::uint32_t sessions_max) : table_(make_table(sessions_max, 1'000)) {}

    void insert(std::uint32_t number, NatSeconds lifetime) {
        if (deadlines_.contains(number)) return;
        const bool is_full = deadlines_.size() == table_->sessions_max();
        const std::uint32_t session = enter(*table_, {.inside = inside_key(number),
                                                      .outside = outside_key(number),
                                                      .mapping = number,
                                                      .created = now_,
                                                      .deadline = now_ + lifetime});
        ASSERT_EQ(session == kNoSession, is_full);
        if (!is_full) deadlines_[number] = now_ + lifetime;
    }
    void touch(std::uint32_t number, NatSeconds lifetime) {
        const auto found = deadlines_.find(number);
        const std::uint32_t session = find(*table_, NatDirection::kOutbound, inside_key(number));
        ASSERT_EQ(session != kNoSession, found != deadlines_.end());
        if (session == kNoSession) return;
        table_->touch(session, now_ + lifetime, 0);
        found->second = now_ + lifetime;
    }
    void erase(std::uint32_t number) {
        if (deadlines_.erase(number) == 0) return;
        table_->erase(table_->hashed(find(*table_, NatDirection::kInbound, outside_key(number))));
    }
    // All that is over is gone after this, and nothing else.
    void pass(NatSeconds seconds) {
        now_ += seconds;
        std::array<SessionTable::Hashed, kWheelLanes> due;
        while (table_->is_behind(now_)) {
            const std::size_t count = table_->take_due(now_, due);
            for (std::size_t i = 0; i < count; ++i) {
                const std::uint32_t number = (*table_)[due[i].session].mapping;
                ASSERT_EQ(deadlines_.count(number), 1U);
                ASSERT_LE(deadlines_[number], now_);
                deadlines_.erase(number);
                table_->erase(due[i]);
            }
        }
        for (const auto& [number, deadline] : deadlines_) ASSERT_GT(deadline, now_);
        ASSERT_EQ(table_->size(), deadlines_.size());
    }
    [[nodiscard]] std::size_t readable() const {
        std::size_t count = 0;
        for (std::uint32_t i = 1; i <= table_->sessions_max(); ++i) {
            const auto reading = table_->read(i);
            if (!reading) continue;
            ++count;
            EXPECT_EQ(deadlines_.at(reading->mapping), reading->deadline);
        }
        return count;
    }
    [[nodiscard]] std::size_t size() const { return deadlines_.size(); }

  private:
    std::unique_ptr<SessionTable> table_;
    std::map<std::uint32_t, NatSeconds> deadlines_;
    NatSeconds now_ = 1'000;
};

TEST(SessionTable, holds_what_a_dictionary_holds_while_the_clock_jumps) {
    test::SeededRandom random;
    Twin twin(500);
    const auto lifetime = [&] {  // some longer than the wheel is round
        return static_cast<NatSeconds>(random.below(50) == 0 ? random.below(30'000)
                                                             : 1 + random.below(300));
    };
    for (std::size_t i = 0; i < test::rounds(100'000) && !::testing::Test::HasFatalFailure(); ++i) {
        const auto number = static_cast<std::uint32_t>(random.below(800));
        switch (random.below(5)) {
            case 0:
            case 1:
                twin.insert(number, lifetime());
                break;
            case 2:
                twin.touch(number, lifetime());
                break;
            case 3:
                if (random.below(4) == 0) twin.erase(number);
                break;
            default:
                if (random.below(8) != 0) break;
                twin.pass(static_cast<NatSeconds>(random.below(500) == 0 ? random.below(20'000)
                                                                         : random.below(8)));
        }
    }
    EXPECT_EQ(twin.readable(), twin.size());
}

TEST(SessionTable, a_second_of_wheel_is_taken_in_short_pieces) {
    const auto table = make_table(10'000);
    for (std::uint32_t i = 0; i < 10'000; ++i) {
        ASSERT_NE(
            enter(*table, {.inside = inside_key(i), .outside = outside_key(i), .deadline = 5}),
            kNoSession);
    }
    std::array<SessionTable::Hashed, kWheelLanes> due;
    while (table->is_behind(4)) ASSERT_EQ(table->take_due(4, due), 0U);
    std::size_t pieces = 0;
    for (; table->size() != 0; ++pieces) {
        const std::size_t count = table->take_due(5, due);
        for (std::size_t i = 0; i < count; ++i) table->erase(due[i]);
    }
    EXPECT_GE(pieces, 10'000 / kWheelLanes);
}

// A reader never sees the keys of two sessions as one's. Here key and mapping tell of each other.
TEST(SessionTable, a_reader_beside_the_owner_sees_whole_sessions) {
    const auto table = make_table(64);
    std::atomic<bool> stop = false;
    std::atomic<std::uint64_t> seen = 0;
    std::thread reader([&] {
        while (!stop) {
            for (std::uint32_t i = 1; i <= 64; ++i) {
                const auto reading = table->read(i);
                if (!reading) continue;
                seen.fetch_add(1);
                ASSERT_EQ(reading->inside, inside_key(reading->mapping));
                ASSERT_EQ(reading->outside, outside_key(reading->mapping));
            }
        }
    });
    std::array<std::uint32_t, 48> live{};
    for (std::uint32_t i = 0; i < 200'000 || seen < 1'000; ++i) {
        std::uint32_t& session = live[i % live.size()];
        if (session != 0) table->erase(table->hashed(session));
        session = enter(
            *table,
            {.inside = inside_key(i), .outside = outside_key(i), .mapping = i, .deadline = 100});
    }
    stop = true;
    reader.join();
}

// With a port for each session, and filtering by address.
TEST(SessionTable, ten_million_sessions_and_all_that_they_need_fit_a_gibibyte_and_a_half) {
    constexpr std::size_t kMany = 10'000'000;
    constexpr std::size_t kPortsOfAddress = 65'536 - 1'024;
    constexpr std::size_t kBytesOfPort = sizeof(std::uint64_t) + 1;  // its use, and bits
    const std::size_t addresses = kMany / kPortsOfAddress + 1;
    const std::size_t ports = addresses * 65'536 * kNatProtocols * kBytesOfPort;
    const std::size_t all =
        SessionTable::bytes_for(kMany) + 2 * SharedMap::bytes_for(kMany) + ports;
    EXPECT_LE(all, std::size_t{3} << 29);
}

}  // namespace
}  // namespace causeway
