// SPDX-License-Identifier: Apache-2.0
//
// Bytes to bytes, without a router; the rest of what the slow path does with them is in
// slow_path_icmp_test.cc.
#include "control/slow_path/icmp.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>

#include "base/headers.h"
#include "tests/control/slow_path_fixture.h"

namespace causeway::test {
namespace {

Frame packet(const FrameBuilder& frame) {
    const Frame bytes = frame.bytes();
    return {bytes.begin() + 14, bytes.end()};
}
FrameBuilder ping() {
    return frame().ipv4("10.1.0.10", "192.168.0.2").echo_request(0x1234, 1);
}

TEST(Icmp, an_error_takes_at_most_576_bytes_and_says_how_many) {
    for (const std::size_t payload : {0U, 100U, 519U, 520U, 521U, 1'400U}) {
        const Frame about =
            packet(frame().ipv4("10.1.0.10", "10.2.0.10").udp(1, 2).payload(payload));
        Frame room(kIcmpErrorBytesMax, 0xee);
        const std::size_t bytes =
            write_icmp_error(room, IcmpError::kHostUnreachable, 0, ip("192.168.0.2"), about);
        EXPECT_EQ(bytes, std::min<std::size_t>(28 + about.size(), 576));
        EXPECT_TRUE(sums_up(std::span(room).first(20)));
        EXPECT_TRUE(sums_up(std::span(room).subspan(20, bytes - 20)));
        for (std::size_t i = bytes; i < room.size(); ++i) ASSERT_EQ(room[i], 0xee);
    }
}

TEST(Icmp, a_broken_total_length_does_not_read_beyond_the_packet) {
    Frame about = packet(frame().ipv4("10.1.0.10", "10.2.0.10").udp(1, 2).total_length(60'000));
    Frame room(kIcmpErrorBytesMax);
    EXPECT_EQ(write_icmp_error(room, IcmpError::kTimeExceeded, 0, ip("192.168.0.2"), about),
              28 + about.size());
}

TEST(Icmp, an_echo_request_is_whole_and_unbroken) {
    struct Case {
        const char* says;
        Frame packet;
        bool is_request;
    };
    Frame other_code = packet(ping());
    other_code[21] = 1;
    Frame bad_sum = packet(ping());
    bad_sum[22] ^= 0xff;
    Frame short_one = packet(frame().ipv4("10.1.0.10", "192.168.0.2").payload(7));
    short_one[9] = 1;
    short_one[20] = 8;
    const Case cases[] = {
        {"a ping", packet(ping()), true},
        {"with payload", packet(ping().payload(1'000)), true},
        {"of an odd length", packet(ping().payload(33)), true},
        {"with options", packet(ping().options(8)), true},
        {"not to be fragmented", packet(ping().dont_fragment()), true},
        {"a first fragment", packet(ping().fragment(0, Ipv4Header::kMoreFragments)), false},
        {"a later fragment", packet(ping().fragment(8, 0)), false},
        {"another code", other_code, false},
        {"a wrong checksum", bad_sum, false},
        {"seven bytes of it", short_one, false},
        {"UDP", packet(frame().ipv4("10.1.0.10", "192.168.0.2").udp(8, 0)), false},
        {"nineteen bytes", Frame(19, 0x45), false},
        {"nothing", {}, false},
    };
    for (const Case& each : cases) {
        EXPECT_EQ(is_echo_request(each.packet), each.is_request) << each.says;
    }
}

TEST(Icmp, a_reply_keeps_options_identifier_and_data) {
    Frame bytes = packet(ping().options(12).payload(5).ttl(1));
    const Frame before = bytes;
    ASSERT_TRUE(is_echo_request(bytes));
    turn_into_echo_reply(bytes);
    EXPECT_EQ(bytes[8], 64);
    EXPECT_TRUE(std::equal(bytes.begin() + 12, bytes.begin() + 16, before.begin() + 16));
    EXPECT_TRUE(std::equal(bytes.begin() + 16, bytes.begin() + 20, before.begin() + 12));
    EXPECT_EQ(bytes[32], 0);
    EXPECT_TRUE(std::equal(bytes.begin() + 36, bytes.end(), before.begin() + 36));
    EXPECT_TRUE(sums_up(std::span(bytes).first(32)));
    EXPECT_TRUE(sums_up(std::span(bytes).subspan(32)));
}

// RFC 1624 4: a carry over the top of the sum.
TEST(Icmp, a_replys_checksum_is_right_for_every_identifier) {
    for (unsigned identifier = 0; identifier < 65'536; ++identifier) {
        Frame bytes = packet(frame()
                                 .ipv4("10.1.0.10", "192.168.0.2")
                                 .echo_request(static_cast<std::uint16_t>(identifier), 0));
        ASSERT_TRUE(is_echo_request(bytes)) << identifier;
        turn_into_echo_reply(bytes);
        std::uint32_t sum = 0;
        for (std::size_t i = 20; i < 28; i += 2) {
            sum += static_cast<std::uint32_t>(bytes[i] << 8 | bytes[i + 1]);
        }
        sum = (sum & 0xffff) + (sum >> 16);
        ASSERT_EQ((sum & 0xffff) + (sum >> 16), 0xffffU) << identifier;
    }
}

}  // namespace
}  // namespace causeway::test
