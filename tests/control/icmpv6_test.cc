// SPDX-License-Identifier: Apache-2.0
//
// Bytes to bytes, without a router; the rest of what the slow path does with them is in
// slow_path_icmpv6_test.cc.
#include "control/slow_path/icmpv6.h"

#include "tests/control/ipv6_packets.h"

namespace causeway::test {
namespace {

constexpr const char* kHost = "2001:db8:1::10";
constexpr const char* kOther = "2001:db8:3::10";

Frame packet_of(std::size_t payload, std::uint8_t next_header = 17) {
    return Ipv6Packet{kHost, kOther, next_header, 64, Frame(payload, 0xab)}.bytes();
}

// A fragment header before `payload`.
Frame fragment(std::uint16_t offset_units, std::uint8_t next_header, const Frame& payload) {
    Frame bytes;
    lay(bytes, Ipv6FragmentHeader{.next_header = next_header,
                                  .reserved = 0,
                                  .offset_more = Be16(static_cast<std::uint16_t>(offset_units * 8)),
                                  .identification = Be32(1)});
    for (const std::uint8_t byte : payload) bytes.push_back(byte);
    return Ipv6Packet{kHost, kOther, 44, 64, bytes}.bytes();
}

TEST(Icmpv6, an_error_takes_at_most_1280_bytes_and_says_how_many) {
    for (const std::size_t payload : {0U, 100U, 1'191U, 1'192U, 1'193U, 1'400U}) {
        const Frame about = packet_of(payload);
        Frame room(kIcmpv6ErrorBytesMax, 0xee);
        const std::size_t bytes =
            write_icmpv6_error(room, IcmpError::kHostUnreachable, 0, v6("2001:db8:15::2"), about);
        EXPECT_EQ(bytes, std::min<std::size_t>(48 + about.size(), 1'280));
        const Frame error(room.begin(), room.begin() + static_cast<std::ptrdiff_t>(bytes));
        EXPECT_EQ(icmpv6_sum(error), 0xffffU);
        EXPECT_TRUE(std::equal(error.begin() + 48, error.end(), about.begin()));
        for (std::size_t i = bytes; i < room.size(); ++i) ASSERT_EQ(room[i], 0xee);
    }
}

TEST(Icmpv6, a_broken_payload_length_does_not_read_beyond_the_packet) {
    Frame about = packet_of(20);
    about[4] = 0xea;
    Frame room(kIcmpv6ErrorBytesMax);
    EXPECT_EQ(write_icmpv6_error(room, IcmpError::kTimeExceeded, 0, v6("2001:db8:15::2"), about),
              48 + about.size());
}

TEST(Icmpv6, each_error_has_its_type_and_code) {
    const struct {
        IcmpError error;
        std::uint8_t type;
        std::uint8_t code;
        std::uint32_t rest;
    } cases[] = {
        {IcmpError::kNetworkUnreachable, 1, 0, 0},   {IcmpError::kProhibited, 1, 1, 0},
        {IcmpError::kHostUnreachable, 1, 3, 0},      {IcmpError::kPortUnreachable, 1, 4, 0},
        {IcmpError::kTooBig, 2, 0, 1'400},           {IcmpError::kTimeExceeded, 3, 0, 0},
        {IcmpError::kProtocolUnreachable, 4, 1, 40},  // points at the second next header
    };
    // A hop-by-hop header, then a protocol that nobody speaks.
    const Frame about = Ipv6Packet{kHost, kOther, 0, 64, Frame{253, 0, 1, 4, 0, 0, 0, 0}}.bytes();
    for (const auto& each : cases) {
        Frame room(kIcmpv6ErrorBytesMax);
        (void)write_icmpv6_error(room, each.error, 1'400, v6("2001:db8:15::2"), about);
        Icmpv6Header icmp;
        std::memcpy(&icmp, room.data() + 40, sizeof icmp);
        EXPECT_EQ(icmp.type, each.type);
        EXPECT_EQ(icmp.code, each.code);
        EXPECT_EQ(icmp.rest.host(), each.rest) << unsigned{each.type};
    }
}

// RFC 4443 2.4 (e).
TEST(Icmpv6, some_packets_no_error_may_answer) {
    const auto from_to = [](const char* source, const char* destination) {
        return Ipv6Packet{source, destination}.bytes();
    };
    const struct {
        const char* says;
        Frame packet;
        bool may;
    } cases[] = {
        {"UDP", packet_of(40), true},
        {"an echo request", icmpv6_packet(kHost, kOther, 128), true},
        {"unreachable", icmpv6_packet(kHost, kOther, 1), false},
        {"an error nobody knows yet", icmpv6_packet(kHost, kOther, 127), false},
        {"a redirect", icmpv6_packet(kHost, kOther, 137), false},
        {"ICMPv6 of no bytes", packet_of(0, 58), false},
        {"to a group", from_to(kHost, "ff0e::1"), false},
        {"from nobody", from_to("::", kOther), false},
        {"from a group", from_to("ff02::1", kOther), false},
        {"from loopback", from_to("::1", kOther), false},
        {"cut short", Frame(39), false},
        {"the first fragment", fragment(0, 17, Frame(16)), true},
        {"the first fragment of an error", fragment(0, 58, {1, 0, 0, 0}), false},
        {"a later fragment of UDP", fragment(8, 17, Frame(16)), true},
        {"a later fragment of ICMPv6", fragment(8, 58, {128, 0, 0, 0}), false},
        {"a later fragment of who knows what", fragment(8, 60, Frame(16)), false},
        {"an extension that is cut", Ipv6Packet{kHost, kOther, 60, 64, {58, 9, 0, 0}}.bytes(),
         false},
        {"an error behind an extension",
         Ipv6Packet{kHost, kOther, 60, 64, {58, 0, 1, 4, 0, 0, 0, 0, 3, 0, 0, 0}}.bytes(), false},
    };
    for (const auto& each : cases) {
        EXPECT_EQ(may_be_answered_with_icmpv6_error(each.packet, IcmpError::kTimeExceeded),
                  each.may)
            << each.says;
    }
    EXPECT_TRUE(may_be_answered_with_icmpv6_error(from_to(kHost, "ff0e::1"), IcmpError::kTooBig))
        << "path MTU discovery works for groups too";
}

TEST(Icmpv6, an_echo_request_is_whole_and_unbroken) {
    const Frame good = icmpv6_packet(kHost, kOther, 128, 60);
    Frame bad_sum = good;
    bad_sum[42] ^= 1;
    Frame code = good;
    code[41] = 1;
    seal_icmpv6(code);
    Frame cut = good;
    cut.resize(45);
    const struct {
        const char* says;
        Frame packet;
        bool is_request;
    } cases[] = {{"whole", good, true},
                 {"a reply", icmpv6_packet(kHost, kOther, 129), false},
                 {"with a bad sum", bad_sum, false},
                 {"with a code", code, false},
                 {"cut", cut, false},
                 {"UDP", packet_of(40), false},
                 {"in fragments", fragment(0, 58, {128, 0, 0, 0, 0, 0, 0, 0}), false}};
    for (const auto& each : cases) {
        EXPECT_EQ(is_icmpv6_echo_request(each.packet), each.is_request) << each.says;
    }
}

TEST(Icmpv6, a_reply_is_the_request_the_other_way) {
    for (const std::size_t body : {4U, 5U, 60U, 1'400U}) {
        const Frame request = icmpv6_packet(kHost, kOther, 128, body, 3);
        Frame reply = request;
        turn_into_icmpv6_echo_reply(reply);
        EXPECT_EQ(icmpv6_sum(reply), 0xffffU);
        EXPECT_EQ(reply, icmpv6_packet(kOther, kHost, 129, body, 64));
    }
}

}  // namespace
}  // namespace causeway::test
