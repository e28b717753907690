// SPDX-License-Identifier: Apache-2.0
//
// bfdd's sessions and ours, translated into each other.
#include <gtest/gtest.h>

#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "control/bfddp/session_map.h"
#include "tests/control/bfddp_talk.h"
#include "tests/support/seed.h"

namespace causeway::test {
namespace {

// One link, whatever interface bfdd says that it is.
class OneLinkHost final : public BfdHost {
  public:
    Result<BfdDiscriminator> open(const BfddpSession&) override { return BfdDiscriminator(7); }
    Result<BfdDiscriminator> update(BfdDiscriminator, const BfddpSession& session) override {
        return open(session);
    }
    void close(BfdDiscriminator) override {}
    [[nodiscard]] BfddpState state(BfdDiscriminator) const override { return {.state = now}; }
    [[nodiscard]] BfdTraffic traffic(BfdDiscriminator) const override { return {}; }

    BfdState now = BfdState::kDown;
};

class BfddpSessionMapTest : public testing::Test {
  protected:
    ReadAll hear(const BfddpMessage& message) {
        map_.hear(message, now_);
        const ReadAll said = read_all(map_.output());
        map_.output().clear();
        return said;
    }
    FakeHost host_;
    BfddpCounters counters_;
    std::uint64_t now_ = 1;
    BfddpSessionMap map_{host_, counters_, {.quiet_ns = 10, .sweep_after_ns = 100}};
};

TEST_F(BfddpSessionMapTest, answers_at_once_whatever_it_is_asked) {
    map_.begin_connection(now_);
    const auto added = hear(BfddpAdd{session(77)});
    ASSERT_EQ(added.messages.size(), 1U);
    EXPECT_EQ(std::get<BfddpState>(added.messages[0]).id, BfddpSessionId(77));
    const auto counted = hear(BfddpCountersRequest{5, BfddpSessionId(77)});
    EXPECT_EQ(counted.messages,
              std::vector<BfddpMessage>({BfddpTraffic{
                  .message_id = 5, .id = BfddpSessionId(77), .control = {.rx_packets = 1}}}));
    const auto unknown = hear(BfddpCountersRequest{6, BfddpSessionId(78)});
    EXPECT_EQ(unknown.messages,
              std::vector<BfddpMessage>({BfddpTraffic{.message_id = 6, .id = BfddpSessionId(78)}}));
    const auto echoed = hear(BfddpEcho{.message_id = 9, .bfdd_time = 4});
    EXPECT_EQ(echoed.messages,
              std::vector<BfddpMessage>(
                  {BfddpEcho{.kind = BfddpEchoKind::kReply, .message_id = 9, .bfdd_time = 4}}));
    EXPECT_TRUE(hear(BfddpState{}).messages.empty());
    EXPECT_EQ(counters_.read(BfddpEvent::kWrongDirection), 1U);
}

TEST_F(BfddpSessionMapTest, refuses_by_name) {
    map_.begin_connection(now_);
    BfddpSession far = session(1);
    far.path = BfddpPath::kSeveralHops;
    EXPECT_TRUE(hear(BfddpAdd{far}).messages.empty());
    EXPECT_EQ(counters_.read(BfddpEvent::kMultihop), 1U);
    host_.sessions_max = 0;
    EXPECT_TRUE(hear(BfddpAdd{session(1)}).messages.empty());
    EXPECT_EQ(counters_.read(BfddpEvent::kRefused), 1U);
    hear(BfddpDelete{session(1)});
    EXPECT_EQ(counters_.read(BfddpEvent::kUnknownSession), 1U);
    EXPECT_EQ(map_.size(), 0U);
}

// A bfdd that comes back has new numbers for old sessions: they go on.
TEST_F(BfddpSessionMapTest, sessions_outlive_bfdd_and_those_not_repeated_are_closed) {
    map_.begin_connection(now_);
    hear(BfddpAdd{session(1, 1)});
    hear(BfddpAdd{session(2, 2)});
    host_.sessions.at(BfdDiscriminator(1)).second = BfdState::kUp;
    map_.end_connection();
    map_.tick(now_ += 1'000);
    EXPECT_EQ(host_.sessions.size(), 2U);
    map_.begin_connection(now_);
    map_.tick(now_ += 1'000);
    EXPECT_EQ(host_.sessions.size(), 2U);              // it has said nothing yet
    const auto again = hear(BfddpAdd{session(2, 1)});  // the number of the other, before
    EXPECT_EQ(std::get<BfddpState>(again.messages.at(0)).state, BfdState::kUp);
    map_.tick(now_ += 9);
    EXPECT_EQ(host_.sessions.size(), 2U);
    map_.tick(now_ += 1);
    EXPECT_EQ(host_.sessions.size(), 1U);
    EXPECT_TRUE(host_.sessions.contains(BfdDiscriminator(1)));
}

TEST(BfddpSessionMap, one_session_of_ours_is_one_of_bfdds) {
    OneLinkHost host;
    BfddpCounters counters;
    BfddpSessionMap map(host, counters, {});
    map.begin_connection(0);
    for (std::uint32_t id = 1; id <= 100; ++id) {
        BfddpSession one = session(id);
        one.interface = "edge" + std::to_string(id);
        map.hear(BfddpAdd{one}, 0);
    }
    EXPECT_EQ(map.size(), 1U);
    map.output().clear();
    host.now = BfdState::kUp;
    map.state_changed(BfdDiscriminator(7));
    const auto said = read_all(map.output());
    ASSERT_EQ(said.messages.size(), 1U);
    EXPECT_EQ(std::get<BfddpState>(said.messages[0]).id, BfddpSessionId(100));
    EXPECT_EQ(std::get<BfddpState>(said.messages[0]).state, BfdState::kUp);
}

TEST_F(BfddpSessionMapTest, a_session_that_was_replaced_is_followed) {
    map_.begin_connection(now_);
    hear(BfddpAdd{session(1, 1)});
    host_.sessions.at(BfdDiscriminator(1)).second = BfdState::kUp;
    host_.replace(BfdDiscriminator(1));
    map_.host_changed();
    const auto said = read_all(map_.output());
    map_.output().clear();
    ASSERT_EQ(said.messages.size(), 1U);
    EXPECT_EQ(std::get<BfddpState>(said.messages[0]).state, BfdState::kDown);
    host_.sessions.at(BfdDiscriminator(2)).second = BfdState::kUp;
    map_.state_changed(BfdDiscriminator(2));
    EXPECT_EQ(read_all(map_.output()).messages.size(), 1U);
    map_.output().clear();
    map_.host_changed();
    EXPECT_TRUE(map_.output().empty());
    hear(BfddpDelete{session(1, 1)});
    EXPECT_TRUE(host_.sessions.empty());
}

// The host has the session, once, and its state is what bfdd was told.
void expect_known(const FakeHost& host, const BfddpSession& wanted,
                  const std::map<BfddpSessionId, BfdState>& known) {
    std::size_t found = 0;
    for (const auto& [ours, entry] : host.sessions) {
        if (entry.first != wanted) continue;
        ++found;
        ASSERT_EQ(known.at(wanted.id), entry.second);
    }
    ASSERT_EQ(found, 1U);
}

// Whatever is said in whichever order, bfdd knows of each of its sessions what is true of ours.
class BfddpSessionMapProperty : public testing::Test {
  protected:
    void begin() {
        host_ = FakeHost();
        map_.emplace(host_, counters_,
                     BfddpSessionMap::Options{.quiet_ns = 10, .sweep_after_ns = 10});
        map_->begin_connection(now_ = 0);
        wanted_.clear();
        known_.clear();
        open_.clear();
        next_id_ = 1;
    }
    void step() {
        const auto at = static_cast<std::uint32_t>(random_.below(8));
        switch (random_.below(13)) {
            case 0:
                return remove(at);
            case 1:
                return restart_bfdd();
            case 2:
                map_->hear(BfddpEcho{.kind = BfddpEchoKind::kReply}, now_);
                map_->tick(now_ += 10);
                open_.clear();
                for (const auto& [host_number, id] : wanted_) open_.insert(host_number);
                return;
            case 3:
            case 4:
            case 5:
                if (host_.sessions.empty()) return;
                any_session().second.second = static_cast<BfdState>(random_.below(4));
                return map_->state_changed(last_);
            case 6:
                if (host_.sessions.empty()) return;
                (void)any_session();
                host_.replace(last_);
                return map_->host_changed();
            default:
                if (!wanted_.contains(at)) wanted_[at] = next_id_++;
                map_->hear(BfddpAdd{session(wanted_[at], at)}, now_);
                open_.insert(at);
        }
    }
    void remove(std::uint32_t at) {
        if (!wanted_.contains(at)) return;
        map_->hear(BfddpDelete{session(wanted_[at], at)}, now_);
        known_.erase(BfddpSessionId(wanted_[at]));
        wanted_.erase(at);
        open_.erase(at);
    }
    // It is born again, with other numbers.
    void restart_bfdd() {
        map_->end_connection();
        map_->begin_connection(now_);
        known_.clear();
        wanted_.clear();
        next_id_ = random_.below(2) == 0 ? 1 : next_id_;
    }
    FakeHost::Sessions::reference any_session() {
        auto one = host_.sessions.begin();
        std::advance(one, random_.below(host_.sessions.size()));
        last_ = one->first;
        return *one;
    }
    void listen() {
        for (const BfddpMessage& said : read_all(map_->output()).messages)
            known_[std::get<BfddpState>(said).id] = std::get<BfddpState>(said).state;
        map_->output().clear();
    }
    void check() {
        ASSERT_EQ(host_.sessions.size(), open_.size());
        ASSERT_EQ(map_->size(), open_.size());
        for (const auto& [host_number, id] : wanted_)
            expect_known(host_, session(id, host_number), known_);
    }

    SeededRandom random_;
    FakeHost host_;
    BfddpCounters counters_;
    std::optional<BfddpSessionMap> map_;
    std::uint64_t now_ = 0;
    std::map<std::uint32_t, std::uint32_t> wanted_;  // by host: the number
    std::map<BfddpSessionId, BfdState> known_;       // to bfdd
    std::set<std::uint32_t> open_;                   // hosts, stale ones included
    std::uint32_t next_id_ = 1;
    BfdDiscriminator last_;  // that any_session() gave
};

TEST_F(BfddpSessionMapProperty, bfdd_knows_what_is_true) {
    for (std::size_t round = 0; round < rounds(100); ++round) {
        begin();
        for (std::size_t i = 0; i < 200; ++i) {
            step();
            listen();
            check();
            if (HasFatalFailure()) return;
        }
    }
}

}  // namespace
}  // namespace causeway::test
