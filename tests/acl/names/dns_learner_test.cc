// SPDX-License-Identifier: Apache-2.0
//
// What resolvers say becomes learned addresses, over UDP and TCP; what others say does not.
#include "acl/names/dns_learner.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/text.h"
#include "tests/support/frame_builder.h"
#include "tests/support/seed.h"

namespace causeway {
namespace {

using Bytes = std::vector<std::uint8_t>;
using Event = DnsLearner::Event;

constexpr std::uint8_t kSynAck = 0x12;
constexpr std::uint8_t kAck = 0x10;
constexpr std::uint8_t kFin = 0x11;

Bytes name_of(std::string_view text) {
    Bytes bytes;
    while (!text.empty()) {
        const std::string_view label = text.substr(0, text.find('.'));
        bytes.push_back(static_cast<std::uint8_t>(label.size()));
        bytes.insert(bytes.end(), label.begin(), label.end());
        text.remove_prefix(std::min(text.size(), label.size() + 1));
    }
    bytes.push_back(0);
    return bytes;
}

// An answer with one A record of 192.0.2.N.
Bytes answer(std::string_view name, std::uint8_t last, std::uint8_t ttl = 60) {
    Bytes bytes{0, 1, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0};
    const Bytes owner = name_of(name);
    bytes.insert(bytes.end(), owner.begin(), owner.end());
    for (const int byte : {0, 1, 0, 1, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0}) {
        bytes.push_back(static_cast<std::uint8_t>(byte));
    }
    for (const std::uint8_t byte : {ttl, std::uint8_t{0}, std::uint8_t{4}, std::uint8_t{192},
                                    std::uint8_t{0}, std::uint8_t{2}, last}) {
        bytes.push_back(byte);
    }
    return bytes;
}

class DnsLearnerTest : public ::testing::Test {
  protected:
    DnsLearnerTest() {
        NameSet set{.name = "s", .members = {}, .exceptions = {}, .payloads = {}};
        set.members.push_back(std::move(NamePattern::from("*.example.com")).value());
        matcher_ = std::make_unique<NameMatcher>(std::span(&set, 1), PatternPlan{}, nullptr);
        learner_.set_matcher(matcher_.get(), PatternScratch());
        learner_.set_resolvers({*parse_ip_address("10.2.0.53"), *parse_ip_address("2001:db8::53")});
    }
    // Behind the Ethernet header, with the payload at the end.
    static Bytes packet(test::FrameBuilder builder, const Bytes& payload) {
        Bytes bytes = builder.payload(payload.size()).bytes();
        std::ranges::copy(payload, bytes.end() - static_cast<std::ptrdiff_t>(payload.size()));
        bytes.erase(bytes.begin(), bytes.begin() + 14);
        return bytes;
    }
    static Bytes udp(const Bytes& payload, std::string_view source = "10.2.0.53",
                     std::uint16_t port = 53) {
        return packet(test::frame().ipv4(source, "10.1.0.9").udp(port, 4'000), payload);
    }
    static Bytes tcp(std::uint32_t sequence, std::uint8_t flags, const Bytes& payload = {},
                     std::uint16_t client = 4'000) {
        Bytes bytes = packet(test::frame().ipv4("10.2.0.53", "10.1.0.9").tcp(53, client), payload);
        for (std::size_t i = 0; i < 4; ++i) {
            bytes[24 + i] = static_cast<std::uint8_t>(sequence >> (24 - 8 * i));
        }
        bytes[33] = flags;
        return bytes;
    }
    bool is_learned(std::uint8_t last) {
        const Ipv4Address address(0xc000'0200U | last);
        LearnedSets sets;
        learned_->table<Ipv4Address>().lookup({&address, 1}, {&sets, 1});
        return sets.now() != 0;
    }
    ImmediateGrace grace_;
    std::unique_ptr<LearnedAddresses> learned_ =
        std::move(LearnedAddresses::create(grace_, 100)).value();
    std::unique_ptr<const NameMatcher> matcher_;
    DnsLearner learner_;
};

TEST_F(DnsLearnerTest, LearnsFromResolversOnly) {
    learner_.take(*learned_, udp(answer("a.example.com", 1)), 0);
    learner_.take(*learned_, udp(answer("a.example.com", 2), "10.2.0.54"), 0);
    learner_.take(*learned_, udp(answer("a.example.com", 3), "10.2.0.53", 54), 0);
    learner_.take(*learned_, udp(answer("a.example.org", 4)), 0);
    learner_.take(*learned_,
                  packet(test::frame().ipv6("2001:db8::53", "2001:db8::9").udp(53, 4'000),
                         answer("a.example.com", 5)),
                  0);
    EXPECT_TRUE(is_learned(1));
    EXPECT_FALSE(is_learned(2));
    EXPECT_FALSE(is_learned(3));
    EXPECT_FALSE(is_learned(4));
    EXPECT_TRUE(is_learned(5));
    EXPECT_EQ(learner_.count(Event::kLearned), 2U);
    EXPECT_EQ(learner_.count(Event::kNotOfResolver), 2U);
    EXPECT_EQ(learner_.count(Event::kInNoSet), 1U);
    learned_->expire(60);
    EXPECT_FALSE(is_learned(1));
}

TEST_F(DnsLearnerTest, NamesWhatItCannotRead) {
    Bytes whole = answer("a.example.com", 1);
    whole.pop_back();
    learner_.take(*learned_, udp(whole), 0);
    learner_.take(*learned_, {}, 0);
    learner_.take(*learned_,
                  packet(test::frame().ipv4("10.2.0.53", "10.1.0.9").fragment(8, 0).udp(53, 9), {}),
                  0);
    EXPECT_EQ(learner_.count(Event::kCut), 1U);
    EXPECT_EQ(learner_.count(Event::kUnreadable), 1U);
    EXPECT_EQ(learner_.count(Event::kFragment), 1U);
    EXPECT_EQ(learned_->size(), 0U);
}

TEST_F(DnsLearnerTest, MessagesOverTcpInAnySegments) {
    test::SeededRandom random;
    for (std::size_t round = 0; round < test::rounds(300); ++round) {
        learned_->forget_all();
        Bytes stream;
        const std::size_t messages = 1 + random.below(4);
        for (std::uint8_t i = 1; i <= messages; ++i) {
            const Bytes message = answer("a.example.com", i);
            stream.push_back(0);
            stream.push_back(static_cast<std::uint8_t>(message.size()));
            stream.insert(stream.end(), message.begin(), message.end());
        }
        const auto first = static_cast<std::uint32_t>(random());
        std::vector<Bytes> packets;
        for (std::size_t at = 0; at < stream.size();) {
            const std::size_t size = std::min(stream.size() - at, 20 + random.below(60));
            const auto begin = stream.begin() + static_cast<std::ptrdiff_t>(at);
            packets.push_back(tcp(first + 1 + static_cast<std::uint32_t>(at), kAck,
                                  Bytes(begin, begin + static_cast<std::ptrdiff_t>(size))));
            at += size;
        }
        std::shuffle(packets.begin(), packets.end(), random);
        learner_.take(*learned_, tcp(first, kSynAck), 0);
        EXPECT_EQ(learner_.streams(), 1U);
        for (const Bytes& some : packets) learner_.take(*learned_, some, 0);
        for (std::uint8_t i = 1; i <= messages; ++i) ASSERT_TRUE(is_learned(i));
        learner_.take(*learned_, tcp(first + 1 + static_cast<std::uint32_t>(stream.size()), kFin),
                      0);
        ASSERT_EQ(learner_.streams(), 0U);
    }
    EXPECT_EQ(learner_.count(Event::kStreamLost), 0U);
}

// Overlapping customers have the same addresses and ports, and may have as many connections as they
// like.
TEST_F(DnsLearnerTest, ConnectionsOfOneVrfDoNotPushOutOthers) {
    const auto theirs = std::move(LearnedAddresses::create(grace_, 100)).value();
    learner_.take(*theirs, tcp(0, kSynAck, {}, 1), 0);
    for (std::uint16_t client = 1; client <= DnsLearner::kStreamsMax + 10; ++client) {
        learner_.take(*learned_, tcp(100, kSynAck, {}, client), 0);
    }
    EXPECT_EQ(learner_.streams(), DnsLearner::kStreamsMax);
    Bytes message = answer("a.example.com", 1);
    message.insert(message.begin(), {0, static_cast<std::uint8_t>(message.size())});
    learner_.take(*theirs, tcp(1, kAck, message, 1), 0);
    EXPECT_EQ(theirs->size(), 1U);
    EXPECT_EQ(learned_->size(), 0U);
    EXPECT_EQ(learner_.count(Event::kStreamLost), 0U);
    learner_.forget(*theirs);
    EXPECT_EQ(learner_.streams(), DnsLearner::kStreamsMax - 1);
    learner_.take(*theirs, tcp(1 + static_cast<std::uint32_t>(message.size()), kAck, message, 1),
                  0);
    EXPECT_EQ(learner_.count(Event::kStreamLost), 1U);
}

TEST_F(DnsLearnerTest, ConnectionsAreBounded) {
    for (std::uint16_t client = 1; client <= DnsLearner::kStreamsMax + 1; ++client) {
        learner_.take(*learned_, tcp(0, kSynAck, {}, client), 0);
    }
    EXPECT_EQ(learner_.streams(), DnsLearner::kStreamsMax);
    Bytes message = answer("a.example.com", 1);
    message.insert(message.begin(), {0, static_cast<std::uint8_t>(message.size())});
    learner_.take(*learned_, tcp(1, kAck, message, 1), 0);  // the oldest, which had to go
    EXPECT_FALSE(is_learned(1));
    EXPECT_EQ(learner_.count(Event::kStreamLost), 1U);
    learner_.take(*learned_, tcp(1, kAck, message, 2), 0);
    EXPECT_TRUE(is_learned(1));
    learner_.take(*learned_, tcp(1, kAck, {0xff, 0xff, 0}, 3), 0);
    EXPECT_EQ(learner_.count(Event::kTooLong), 1U);
    EXPECT_EQ(learner_.streams(), DnsLearner::kStreamsMax - 1);
}

}  // namespace
}  // namespace causeway
