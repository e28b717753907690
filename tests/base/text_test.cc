// SPDX-License-Identifier: Apache-2.0
#include "base/text.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "tests/support/seed.h"

namespace causeway {
namespace {

TEST(Text, WritesAddresses) {
    EXPECT_EQ(to_string(Ipv4Address(0)), "0.0.0.0");
    EXPECT_EQ(to_string(Ipv4Address(0xcb0071ff)), "203.0.113.255");
    EXPECT_EQ(to_string(Ipv4Prefix()), "0.0.0.0/0");
    EXPECT_EQ(to_string(Ipv4Prefix::of(Ipv4Address(0xc0000207), 30)), "192.0.2.4/30");
    EXPECT_EQ(to_string(MacAddress{{0x02, 0xca, 0, 0x0f, 0xf0, 0xff}}), "02:ca:00:0f:f0:ff");
}

TEST(Text, WritesIpv6AddressesByRfc5952) {
    EXPECT_EQ(to_string(Ipv6Address()), "::");
    EXPECT_EQ(to_string(Ipv6Address(0, 1)), "::1");
    EXPECT_EQ(to_string(Ipv6Address(0x20010db800000000, 0x00000000000a0001)), "2001:db8::a:1");
    EXPECT_EQ(to_string(Ipv6Prefix::of(Ipv6Address(0x20010db8ffffffff, ~0ULL), 36)),
              "2001:db8:f000::/36");
    EXPECT_EQ(to_string(Ipv6Prefix()), "::/0");
}

TEST(Text, ReadsIpv6AsRfc4291SpellsIt) {
    EXPECT_EQ(parse_ipv6_address("2001:DB8:0:0::a:1"),
              Ipv6Address(0x20010db800000000, 0x00000000000a0001));
    EXPECT_EQ(parse_ipv6_address("::ffff:192.0.2.1"), Ipv6Address(0, 0xffffc0000201));
    EXPECT_EQ(parse_ipv6_prefix("2001:db8::/32"),
              Ipv6Prefix::of(Ipv6Address(0x20010db800000000, 0), 32));
    EXPECT_EQ(parse_ipv6_prefix("::/0"), Ipv6Prefix());
    EXPECT_EQ(parse_ip_prefix("::/0"), IpPrefix(Ipv6Prefix()));
    EXPECT_EQ(parse_ip_prefix("0.0.0.0/0"), IpPrefix(Ipv4Prefix()));
    EXPECT_EQ(parse_ip_address("1.2.3.4"), IpAddress(Ipv4Address(0x01020304)));
    constexpr std::array<std::string_view, 9> kNoPrefixes{
        "2001:db8::",     "2001:db8::/129", "2001:db8::1/32", "2001::db8::/48",       "/64",
        "2001:db8::/ 32", "fe80::1%1/128",  "10.0.0.0/8",     "1:2:3:4:5:6:7:8:9/128"};
    for (const std::string_view text : kNoPrefixes) EXPECT_FALSE(parse_ipv6_prefix(text)) << text;
    EXPECT_FALSE(parse_ipv6_address(std::string_view("::1\0", 4)));
    EXPECT_FALSE(parse_ipv6_address(std::string(100, ':')));
}

TEST(Text, WritesTheWordsOfTheTrade) {
    EXPECT_EQ(to_string(Link::kPrimary), "primary");
    EXPECT_EQ(to_string(Link::kSecondary), "secondary");
    EXPECT_EQ(to_string(PeeringType::kPrivate), "private");
    EXPECT_EQ(to_string(PeeringType::kMicrosoft), "microsoft");
    EXPECT_EQ(to_string(PortRole::kEdge), "edge");
    EXPECT_EQ(to_string(PortRole::kCore), "core");
}

TEST(Text, RefusesWhatIsNotAnAddress) {
    constexpr std::array<std::string_view, 17> kNoAddresses{
        "",         "1",        "1.2.3",     "1.2.3.4.5", "1.2.3.4 ",         " 1.2.3.4",
        "1.2.3.",   ".1.2.3",   "1..2.3",    "256.0.0.1", "01.2.3.4",         "1.2.3.00",
        "1.2.3.-4", "1.2.3.+4", "0x1.2.3.4", "1.2.3.4/8", "4294967297.0.0.0",
    };
    for (const std::string_view text : kNoAddresses) {
        EXPECT_FALSE(parse_ipv4_address(text)) << text;
    }
    EXPECT_FALSE(parse_ipv4_address(std::string_view("1.2.3.4\0", 8)));
}

TEST(Text, RefusesWhatIsNotAPrefix) {
    constexpr std::array<std::string_view, 9> kNoPrefixes{
        "10.0.0.0",    "10.0.0.0/",   "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/08",
        "10.0.0.1/24", "10.0.0.0/ 8", "10.0.0.0/8x", "/8",
    };
    for (const std::string_view text : kNoPrefixes) EXPECT_FALSE(parse_ipv4_prefix(text)) << text;
}

TEST(Text, RefusesWhatIsNotAMac) {
    constexpr std::array<std::string_view, 8> kNoMacs{
        "",
        "02:ca:00:00:00",
        "02:ca:00:00:00:01:02",
        "2:ca:00:00:00:01",
        "02-ca-00-00-00-01",
        "02:ca:00:00:00:0g",
        "02:ca:00:00:00:-1",
        "02:ca:00:00:00:01 ",
    };
    for (const std::string_view text : kNoMacs) EXPECT_FALSE(parse_mac(text)) << text;
}

TEST(TextProperty, WhatIsWrittenIsReadAgain) {
    test::SeededRandom random;
    for (std::size_t round = 0; round < test::rounds(100'000); ++round) {
        const Ipv4Address address(static_cast<std::uint32_t>(random()));
        ASSERT_EQ(parse_ipv4_address(to_string(address)), address);

        const Ipv4Prefix prefix = Ipv4Prefix::of(address, static_cast<int>(random.below(33)));
        ASSERT_EQ(parse_ipv4_prefix(to_string(prefix)), prefix);

        const Ipv6Prefix prefix6 =
            Ipv6Prefix::of(Ipv6Address(random(), random()), static_cast<int>(random.below(129)));
        ASSERT_EQ(parse_ipv6_prefix(to_string(prefix6)), prefix6);

        MacAddress mac;
        for (std::uint8_t& byte : mac.bytes) byte = static_cast<std::uint8_t>(random());
        ASSERT_EQ(parse_mac(to_string(mac)), mac);
    }
}

// One byte of a good text is changed: what is still read must write itself exactly so.
TEST(TextProperty, WhatIsReadIsCanonical) {
    test::SeededRandom random;
    constexpr std::string_view kBytes = "0123456789./ -+x";
    for (std::size_t round = 0; round < test::rounds(100'000); ++round) {
        const Ipv4Address address(static_cast<std::uint32_t>(random()));
        std::string text = to_string(Ipv4Prefix::of(address, static_cast<int>(random.below(33))));
        text[random.below(text.size())] = kBytes[random.below(kBytes.size())];
        if (const auto prefix = parse_ipv4_prefix(text)) {
            ASSERT_EQ(to_string(*prefix), text);
        }
    }
}

}  // namespace
}  // namespace causeway
