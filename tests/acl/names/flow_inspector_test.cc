// SPDX-License-Identifier: Apache-2.0
//
// What flows say of themselves, in however many pieces it comes.
#include "acl/names/flow_inspector.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/seed.h"

namespace causeway {
namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr std::uint8_t kSyn = TcpSegment::kSyn;
constexpr std::uint8_t kAck = TcpSegment::kAck;

void put16(Bytes& bytes, std::size_t value) {
    bytes.push_back(static_cast<std::uint8_t>(value >> 8));
    bytes.push_back(static_cast<std::uint8_t>(value));
}

// A ClientHello with a server_name (RFC 8446 4.1.2, RFC 6066 3) behind an extension that pads.
Bytes client_hello(std::string_view name, std::size_t padding) {
    Bytes extensions;
    put16(extensions, 21);
    put16(extensions, padding);
    extensions.insert(extensions.end(), padding, 0);
    put16(extensions, 0);
    put16(extensions, name.size() + 5);
    put16(extensions, name.size() + 3);
    extensions.push_back(0);
    put16(extensions, name.size());
    extensions.insert(extensions.end(), name.begin(), name.end());
    Bytes body{3, 3};
    body.insert(body.end(), 32, 7);
    for (const int byte : {0, 0, 2, 0x13, 0x01, 1, 0}) {
        body.push_back(static_cast<std::uint8_t>(byte));
    }
    put16(body, extensions.size());
    body.insert(body.end(), extensions.begin(), extensions.end());
    Bytes record{22, 3, 1};
    put16(record, body.size() + 4);
    record.insert(record.end(), {1, 0});
    put16(record, body.size());
    record.insert(record.end(), body.begin(), body.end());
    return record;
}

Bytes text(std::string_view words) {
    return {words.begin(), words.end()};
}

class FlowInspectorTest : public ::testing::Test {
  protected:
    FlowInspectorTest() {
        std::vector<NameSet> sets(2);
        sets[0].name = "cdn";
        sets[0].members.push_back(NamePattern::from("*.cdn.example").value());
        sets[1].name = "crl";
        sets[1].payloads = {"^GET /[^ ]*[.]crl "};
        PatternPlan plan = plan_patterns(sets);
        auto patterns = PatternDatabase::compile(plan.patterns).value();
        matcher_ = std::make_unique<NameMatcher>(sets, plan, std::move(patterns));
        scratch_ = matcher_->make_scratch().value();
        inspector_ = FlowInspector::create().value();
    }
    std::optional<NameSetBits> take(std::uint64_t key, std::uint32_t sequence, std::uint8_t flags,
                                    const Bytes& payload = {}) {
        return inspector_->take(
            key, TcpSegment{.sequence = sequence, .flags = flags, .payload = payload},
            {*matcher_, scratch_});
    }
    std::unique_ptr<NameMatcher> matcher_;
    PatternScratch scratch_;
    std::unique_ptr<FlowInspector> inspector_;
};

TEST_F(FlowInspectorTest, HearsANameInOneSegment) {
    EXPECT_FALSE(take(1, 99, kSyn));
    EXPECT_EQ(take(1, 100, kAck, client_hello("img.cdn.example", 10)), 1U);
    EXPECT_FALSE(take(1, 400, kAck, text("more"))) << "it is told once";
    EXPECT_FALSE(take(2, 99, kSyn));
    EXPECT_EQ(take(2, 100, kAck, client_hello("other.example", 10)), 0U);
    EXPECT_FALSE(take(3, 100, kAck, client_hello("img.cdn.example", 10))) << "no SYN was seen";
}

TEST_F(FlowInspectorTest, HearsHostsAndPayloads) {
    (void)take(1, 99, kSyn);
    EXPECT_EQ(take(1, 100, kAck, text("GET / HTTP/1.1\r\nHost: img.cdn.example\r\n\r\n")), 1U);
    (void)take(2, 99, kSyn);
    EXPECT_EQ(take(2, 100, kAck, text("GET /a.crl HTTP/1.1\r\nHost: img.cdn.example\r\n\r\n")), 3U);
    (void)take(3, 99, kSyn);
    EXPECT_EQ(take(3, 100, kAck, text("SSH-2.0-x\r\n")), 0U);
    EXPECT_EQ(inspector_->take(4, text("GET /a.crl "), {*matcher_, scratch_}), 2U);
}

// Of any seed: the answer comes with the segment that completes the hello, and it is right.
TEST_F(FlowInspectorTest, PiecesMayComeInAnyOrder) {
    test::SeededRandom random;
    for (std::size_t round = 0; round < test::rounds(500); ++round) {
        const Bytes hello = client_hello("img.cdn.example", random.below(1'500));
        const auto first = static_cast<std::uint32_t>(random());
        const std::size_t cuts = 1 + random.below(FlowInspector::kPacketsMax - 1);
        std::vector<std::size_t> ends{hello.size()};
        for (std::size_t k = 1; k < cuts; ++k) ends.push_back(1 + random.below(hello.size()));
        std::ranges::sort(ends);
        ends.erase(std::unique(ends.begin(), ends.end()), ends.end());
        std::vector<std::pair<std::size_t, Bytes>> pieces;
        std::size_t at = 0;
        for (const std::size_t end : ends) {
            pieces.emplace_back(at, Bytes(hello.begin() + static_cast<std::ptrdiff_t>(at),
                                          hello.begin() + static_cast<std::ptrdiff_t>(end)));
            at = end;
        }
        std::shuffle(pieces.begin(), pieces.end(), random);
        const std::uint64_t key = random() | 1;
        ASSERT_FALSE(take(key, first - 1, kSyn));
        std::optional<NameSetBits> found;
        for (const auto& [offset, bytes] : pieces) {
            ASSERT_FALSE(found);
            found = take(key, first + static_cast<std::uint32_t>(offset), kAck, bytes);
        }
        ASSERT_EQ(found, 1U);
    }
}

TEST_F(FlowInspectorTest, FlowsAndTheirPacketsAreBounded) {
    (void)take(1, 99, kSyn);
    for (unsigned packet = 1; packet < FlowInspector::kPacketsMax; ++packet) {
        EXPECT_FALSE(take(1, 100, kAck, text("\x16"))) << "a record's first byte, again";
    }
    EXPECT_EQ(take(1, 100, kAck, text("\x16")), 0U);
    // More begin at one place than it has room for: the one silent longest goes.
    for (std::uint64_t flow = 0; flow <= FlowInspector::kProbes; ++flow) {
        (void)take(2 + flow * FlowInspector::kFlowsMax, 99, kSyn);
    }
    EXPECT_FALSE(take(2, 100, kAck, client_hello("img.cdn.example", 1)));
    EXPECT_EQ(take(2 + FlowInspector::kFlowsMax, 100, kAck, client_hello("img.cdn.example", 1)),
              1U);
}

}  // namespace
}  // namespace causeway
