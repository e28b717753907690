// SPDX-License-Identifier: Apache-2.0
#include "vlan/tag_stack.h"

#include <gtest/gtest.h>

#include <array>
#include <ostream>
#include <string_view>
#include <vector>

#include "tests/support/seed.h"

namespace causeway {

std::ostream& operator<<(std::ostream& out, const TagStack& stack) {
    return out << "outer " << stack.outer << ", inner " << stack.inner << ", header "
               << int{stack.header_bytes} << " bytes, fault " << static_cast<int>(stack.fault)
               << ", type 0x" << std::hex << stack.ether_type.host() << std::dec;
}

namespace test {
namespace {

constexpr std::uint16_t kQ = 0x8100;
constexpr std::uint16_t kAd = 0x88a8;
constexpr std::uint16_t kIp = 0x0800;
constexpr PortTpids kBothQ{};
constexpr PortTpids kOuterAd{.outer = Tpid::kDot1ad, .inner = Tpid::kDot1q};
constexpr PortTpids kInnerAd{.outer = Tpid::kDot1q, .inner = Tpid::kDot1ad};
constexpr PortTpids kBothAd{.outer = Tpid::kDot1ad, .inner = Tpid::kDot1ad};
constexpr std::array kSettings{kBothQ, kOuterAd, kInnerAd, kBothAd};

// A frame of these 16-bit words behind two MAC addresses, and nothing more.
std::vector<std::uint8_t> frame_of(std::initializer_list<std::uint16_t> words) {
    std::vector<std::uint8_t> frame(12, 0x02);
    for (const std::uint16_t word : words) {
        frame.push_back(static_cast<std::uint8_t>(word >> 8));
        frame.push_back(static_cast<std::uint8_t>(word));
    }
    return frame;
}

constexpr MacAddress kMac{{0x02, 0x02, 0x02, 0x02, 0x02, 0x02}};

// What the short cut wants to be able to read, whatever the frame's length.
constexpr std::size_t kReadable = 32;
std::vector<std::uint8_t> readable(std::vector<std::uint8_t> frame) {
    if (frame.size() < kReadable) frame.resize(kReadable, 0xee);
    return frame;
}

// By the short cuts, where they may be taken. They say nothing of VIDs that no attachment has:
// FindAttachment asks fault_of_vids(), as is done here.
TagStack parse_tags(const std::uint8_t* frame, std::size_t bytes, PortTpids port) {
    const FramePattern::Difference difference = FramePattern(port, kMac).compare(frame);
    const DoubleTags tags(frame);
    if (difference.has_tags() && tags.are_all(bytes)) {
        return {tags.outer(), tags.inner(), DoubleTags::kBytes,
                fault_of_vids(tags.outer(), tags.inner()), tags.ether_type()};
    }
    const SingleTag tag(frame);
    if (difference.has_outer_tag() && tag.is_all(bytes)) {
        return {tag.vid(), 0, SingleTag::kBytes, fault_of_vids(tag.vid(), 0), tag.ether_type()};
    }
    return parse_any_tags(frame, bytes, port);
}

TagStack good(std::uint16_t outer, std::uint16_t inner) {
    return {.outer = outer,
            .inner = inner,
            .header_bytes = static_cast<std::uint8_t>(inner == 0 ? 18 : 22),
            .fault = TagFault::kNone,
            .ether_type = Be16(kIp)};
}

void expect_same(const TagStack& got, const TagStack& wanted, std::string_view says) {
    EXPECT_EQ(got.fault, wanted.fault) << says << ": " << got;
    if (wanted.fault != TagFault::kNone) return;  // the rest means nothing then
    EXPECT_EQ(got.outer, wanted.outer) << says;
    EXPECT_EQ(got.inner, wanted.inner) << says;
    EXPECT_EQ(got.header_bytes, wanted.header_bytes) << says;
    EXPECT_EQ(got.ether_type, wanted.ether_type) << says;
}

struct Case {
    std::string_view says;
    PortTpids port;
    std::initializer_list<std::uint16_t> words;
    TagStack wanted;
};

TagStack faulty(TagFault fault) {
    return {.fault = fault};
}

TEST(TagStack, reads_what_the_table_says) {
    const Case cases[] = {
        {"two tags", kBothQ, {kQ, 10, kQ, 100, kIp}, good(10, 100)},
        {"one tag", kBothQ, {kQ, 10, kIp}, good(10, 0)},
        {"the same VID twice", kBothQ, {kQ, 7, kQ, 7, kIp}, good(7, 7)},
        {"lowest VIDs", kBothQ, {kQ, 1, kQ, 1, kIp}, good(1, 1)},
        {"highest VIDs", kBothQ, {kQ, 4094, kQ, 4094, kIp}, good(4094, 4094)},
        {"priority bits and DEI are no VID", kBothQ, {kQ, 0xf00a, kQ, 0xe064, kIp}, good(10, 100)},
        {"802.1ad outside", kOuterAd, {kAd, 10, kQ, 100, kIp}, good(10, 100)},
        {"802.1ad inside", kInnerAd, {kQ, 10, kAd, 100, kIp}, good(10, 100)},
        {"802.1ad both", kBothAd, {kAd, 10, kAd, 100, kIp}, good(10, 100)},
        {"802.1ad alone", kOuterAd, {kAd, 10, kIp}, good(10, 0)},
        {"no tag", kBothQ, {kIp, 0x4500, 0, 0, 0}, faulty(TagFault::kUntagged)},
        {"a length, as IEEE 802.3 has it", kBothQ, {46, 0, 0, 0, 0}, faulty(TagFault::kUntagged)},
        {"0x9100 is no tag we know", kBothQ, {0x9100, 10, kIp, 0, 0}, faulty(TagFault::kUntagged)},
        {"0x9100 inside is an EtherType",
         kBothQ,
         {kQ, 10, 0x9100, 100, kIp},
         {.outer = 10, .header_bytes = 18, .ether_type = Be16(0x9100)}},
        {"outer VID 0", kBothQ, {kQ, 0, kQ, 100, kIp}, faulty(TagFault::kPriorityTagged)},
        {"inner VID 0", kBothQ, {kQ, 10, kQ, 0, kIp}, faulty(TagFault::kPriorityTagged)},
        {"single VID 0", kBothQ, {kQ, 0xe000, kIp, 0, 0}, faulty(TagFault::kPriorityTagged)},
        {"outer VID 4095", kBothQ, {kQ, 4095, kQ, 100, kIp}, faulty(TagFault::kReservedVid)},
        {"inner VID 4095", kBothQ, {kQ, 10, kQ, 4095, kIp}, faulty(TagFault::kReservedVid)},
        {"single VID 4095", kBothQ, {kQ, 4095, kIp, 0, 0}, faulty(TagFault::kReservedVid)},
        {"three tags", kBothQ, {kQ, 1, kQ, 2, kQ, 3, kIp}, faulty(TagFault::kTripleTagged)},
        {"a third of the other type",
         kBothQ,
         {kQ, 1, kQ, 2, kAd, 3, kIp},
         faulty(TagFault::kTripleTagged)},
    };
    for (const Case& one : cases) {
        const auto frame = readable(frame_of(one.words));
        expect_same(parse_tags(frame.data(), frame.size(), one.port), one.wanted, one.says);
        expect_same(parse_any_tags(frame.data(), frame.size(), one.port), one.wanted, one.says);
    }
}

TEST(TagStack, takes_exactly_the_tag_types_that_the_port_is_set_to) {
    for (const PortTpids port : kSettings) {
        for (const PortTpids sent : kSettings) {
            const auto frame =
                readable(frame_of({static_cast<std::uint16_t>(sent.outer), 10,
                                   static_cast<std::uint16_t>(sent.inner), 100, kIp}));
            const bool same = sent.outer == port.outer && sent.inner == port.inner;
            expect_same(parse_tags(frame.data(), frame.size(), port),
                        same ? good(10, 100) : faulty(TagFault::kWrongTpid), "of both types");
        }
    }
}

TEST(TagStack, a_frame_cut_anywhere_within_its_tags_is_truncated) {
    const auto whole = frame_of({kQ, 10, kQ, 100, kIp, 0x4500});
    for (std::size_t bytes = 0; bytes <= whole.size(); ++bytes) {
        const std::vector<std::uint8_t> cut(whole.begin(),
                                            whole.begin() + static_cast<std::ptrdiff_t>(bytes));
        const auto buffer = readable(cut);
        const TagStack stack = parse_tags(buffer.data(), bytes, kBothQ);
        expect_same(stack, bytes < 22 ? faulty(TagFault::kTruncated) : good(10, 100),
                    std::to_string(bytes) + " bytes");
    }
}

TEST(TagStack, what_lies_behind_a_short_frame_in_its_buffer_is_not_read_as_tags) {
    // The buffer held a longer frame before: its tags are still there.
    const auto stale = readable(frame_of({kQ, 10, kQ, 100, kIp}));
    for (std::size_t bytes = 0; bytes < 22; ++bytes) {
        EXPECT_EQ(parse_tags(stale.data(), bytes, kBothQ).fault, TagFault::kTruncated)
            << bytes << " bytes";
    }
    const auto single = readable(frame_of({kQ, 10, kIp, 100, kIp}));
    expect_same(parse_tags(single.data(), 18, kBothQ), good(10, 0), "18 bytes");
}

// Bit by bit: what of a usual frame may be otherwise, and what else it is then.
TEST(FramePattern, tells_frames_to_us_with_their_tags_and_a_plain_ipv4_header) {
    const auto usual = readable(
        frame_of({kAd, 0x600a, kQ, 0x2064, kIp, 0x4500, 46, 0x1234, 0x4000, 0x4011, 0xabcd}));
    const FramePattern pattern(kOuterAd, kMac);
    const auto is_of_outer_tag = [](std::size_t byte) {
        return byte < 6 || byte == 12 || byte == 13;
    };
    const auto is_of_tags = [&](std::size_t byte) {
        return is_of_outer_tag(byte) || byte == 16 || byte == 17;
    };
    const auto is_of_layer3 = [](std::size_t bit) {
        const std::size_t byte = bit / 8;
        const bool is_do_not_fragment = byte == 28 && bit % 8 == 6;
        const bool is_reserved = byte == 28 && bit % 8 == 7;
        return (byte >= 20 && byte <= 22) ||
               ((byte == 28 || byte == 29) && !is_do_not_fragment && !is_reserved);
    };
    EXPECT_TRUE(pattern.compare(usual.data()).is_usual());
    for (std::size_t bit = 0; bit < 8 * kReadable; ++bit) {
        auto other = usual;
        other[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
        const FramePattern::Difference difference = pattern.compare(other.data());
        EXPECT_EQ(difference.has_outer_tag(), !is_of_outer_tag(bit / 8)) << "bit " << bit;
        EXPECT_EQ(difference.has_tags(), !is_of_tags(bit / 8)) << "bit " << bit;
        EXPECT_EQ(difference.is_usual(), !is_of_tags(bit / 8) && !is_of_layer3(bit))
            << "bit " << bit;
    }
    EXPECT_FALSE(FramePattern(kBothQ, kMac).compare(usual.data()).has_tags());
}

// The short cut and the complete reading agree, on bytes that look like tags often enough.
TEST(TagStackProperty, the_short_cuts_read_as_the_complete_reading_does) {
    SeededRandom random;
    constexpr std::array<std::uint16_t, 8> kWords{kQ, kAd, kIp, 0, 4095, 0x0fff, 10, 0xf064};
    std::array<std::size_t, 7> seen{};
    const std::size_t tries = rounds(2'000'000);
    for (std::size_t i = 0; i < tries; ++i) {
        std::array<std::uint8_t, kReadable> buffer;
        buffer.fill(kMac.bytes[0]);
        for (std::size_t at = 12; at < buffer.size(); at += 2) {
            const std::uint64_t draw = random();
            const std::uint16_t word =
                (draw & 3) != 0 ? kWords[draw >> 8 & 7] : static_cast<std::uint16_t>(draw >> 16);
            buffer[at] = static_cast<std::uint8_t>(word >> 8);
            buffer[at + 1] = static_cast<std::uint8_t>(word);
        }
        const PortTpids port = kSettings[random.below(4)];
        const std::size_t bytes = random.below(4) == 0 ? random.below(27) : buffer.size();
        const TagStack fast = parse_tags(buffer.data(), bytes, port);
        const TagStack slow = parse_any_tags(buffer.data(), bytes, port);
        ++seen[static_cast<std::size_t>(slow.fault)];
        ASSERT_EQ(fast.fault, slow.fault) << "round " << i;
        if (slow.fault != TagFault::kNone) continue;  // the rest means nothing then
        ASSERT_EQ(fast.outer, slow.outer) << "round " << i;
        ASSERT_EQ(fast.inner, slow.inner) << "round " << i;
        ASSERT_EQ(fast.header_bytes, slow.header_bytes) << "round " << i;
        ASSERT_EQ(fast.ether_type, slow.ether_type) << "round " << i;
    }
    for (const std::size_t count : seen) EXPECT_GT(count, tries / 10'000) << "hardly tried";
}

}  // namespace
}  // namespace test
}  // namespace causeway
