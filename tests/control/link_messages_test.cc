// SPDX-License-Identifier: Apache-2.0
//
// What rtnetlink(7) says of interfaces, byte by byte.
#include "control/links/link_messages.h"

#include <gtest/gtest.h>
#include <linux/if.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include <cerrno>
#include <cstring>
#include <limits>
#include <string_view>
#include <vector>

namespace causeway {
namespace {

using Bytes = std::vector<std::uint8_t>;

template <class T>
void append(Bytes& bytes, const T& value) {
    const std::size_t before = bytes.size();
    bytes.resize(before + sizeof value);
    std::memcpy(&bytes[before], &value, sizeof value);
}

// With no padding behind it.
Bytes message(std::uint16_t type, const Bytes& payload, std::uint16_t flags = 0) {
    Bytes bytes;
    append(bytes, nlmsghdr{.nlmsg_len = static_cast<std::uint32_t>(NLMSG_HDRLEN + payload.size()),
                           .nlmsg_type = type,
                           .nlmsg_flags = flags,
                           .nlmsg_seq = 0,
                           .nlmsg_pid = 0});
    bytes.insert(bytes.end(), payload.begin(), payload.end());
    return bytes;
}

Bytes attribute(std::uint16_t type, std::string_view text) {
    Bytes bytes;
    append(bytes, rtattr{.rta_len = static_cast<std::uint16_t>(sizeof(rtattr) + text.size()),
                         .rta_type = type});
    bytes.insert(bytes.end(), text.begin(), text.end());
    return bytes;
}

Bytes link(int index, unsigned flags, const Bytes& attributes = {}) {
    ifinfomsg info{};
    info.ifi_index = index;
    info.ifi_flags = flags;
    Bytes bytes;
    append(bytes, info);
    bytes.insert(bytes.end(), attributes.begin(), attributes.end());
    return bytes;
}

Bytes error(int number) {
    nlmsgerr answer{};
    answer.error = number;
    Bytes bytes;
    append(bytes, answer);
    return bytes;
}

// A heap block of exactly this size, so that a sanitizer sees a byte too many.
std::vector<LinkNews> read(const Bytes& bytes) {
    static Bytes kept;
    kept = bytes;
    kept.shrink_to_fit();
    return read_link_messages(kept);
}

constexpr unsigned kAlive = IFF_UP | IFF_RUNNING | IFF_LOWER_UP;

TEST(LinkMessages, a_link_has_a_name_and_a_state) {
    Bytes both = message(RTM_NEWLINK, link(3, kAlive, attribute(IFLA_IFNAME, {"eth0\0\0\0", 8})));
    const Bytes down = message(RTM_NEWLINK, link(4, IFF_UP), NLM_F_DUMP_INTR);
    both.insert(both.end(), down.begin(), down.end());
    const auto news = read(both);
    ASSERT_EQ(news.size(), 2U);
    EXPECT_EQ(news[0].kind, LinkNews::Kind::kLink);
    EXPECT_EQ(news[0].index, 3);
    EXPECT_EQ(news[0].name, "eth0");
    EXPECT_EQ(news[0].state, CarrierState::kRunning);
    EXPECT_FALSE(news[0].is_dump_interrupted);
    EXPECT_EQ(news[1].index, 4);
    EXPECT_EQ(news[1].state, CarrierState::kDown);
    EXPECT_TRUE(news[1].is_dump_interrupted);
}

TEST(LinkMessages, one_that_is_gone_and_the_end_of_a_dump) {
    EXPECT_EQ(read(message(RTM_DELLINK, link(3, kAlive)))[0].state, CarrierState::kGone);
    EXPECT_EQ(read(message(NLMSG_DONE, {}))[0].kind, LinkNews::Kind::kDumpEnds);
    EXPECT_EQ(read(message(NLMSG_DONE, Bytes(4)))[0].kind, LinkNews::Kind::kDumpEnds);
    Bytes failed;
    append(failed, -ENOBUFS);
    const auto half = read(message(NLMSG_DONE, failed));
    EXPECT_EQ(half[0].kind, LinkNews::Kind::kRefused);
    EXPECT_EQ(half[0].error, ENOBUFS);
}

TEST(LinkMessages, a_refusal_says_why) {
    EXPECT_EQ(read(message(NLMSG_ERROR, error(0)))[0].kind, LinkNews::Kind::kOther);
    const auto why = [](const Bytes& payload) {
        const auto news = read(message(NLMSG_ERROR, payload));
        EXPECT_EQ(news[0].kind, LinkNews::Kind::kRefused);
        return news[0].error;
    };
    EXPECT_EQ(why(error(-EPERM)), EPERM);
    EXPECT_EQ(why({}), EPROTO);
    EXPECT_EQ(why(error(std::numeric_limits<int>::min())), EPROTO);  // has no other sign
}

// Whoever steps over padding that is not there goes on behind the end.
TEST(LinkMessages, a_last_message_without_padding_is_the_last) {
    const Bytes odd = message(RTM_NEWLINK, link(3, kAlive, attribute(IFLA_IFNAME, "a")));
    ASSERT_NE(odd.size() % NLMSG_ALIGNTO, 0U);
    const auto news = read(odd);
    ASSERT_EQ(news.size(), 1U);
    EXPECT_EQ(news[0].name, "a");
    EXPECT_EQ(read(message(NLMSG_NOOP, {0})).size(), 1U);
    EXPECT_EQ(read(message(RTM_NEWLINK, link(3, 0, attribute(IFLA_ADDRESS, "123"))))[0].name, "");
}

TEST(LinkMessages, what_is_cut_is_left_alone) {
    const Bytes whole = message(RTM_NEWLINK, link(3, kAlive, attribute(IFLA_IFNAME, "eth0")));
    for (std::size_t size = 0; size < whole.size(); ++size) {
        EXPECT_TRUE(read(Bytes(whole.begin(), whole.begin() + static_cast<long>(size))).empty());
    }
    EXPECT_EQ(read(message(RTM_NEWLINK, {1, 2, 3}))[0].kind, LinkNews::Kind::kOther);
}

}  // namespace
}  // namespace causeway
