// SPDX-License-Identifier: Apache-2.0
#include "control/route_files/route_reader.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "control/route_files/mrt_reader.h"
#include "tests/control/memory_source.h"
#include "tests/control/mrt_builder.h"
#include "tests/support/seed.h"

namespace causeway {
namespace {

using test::attribute;
using test::Bytes;
using test::mp_reach_attribute;
using test::MrtBuilder;
using test::next_hop_attribute;

IpAddress ip(const char* text) {
    return *parse_ip_address(text);
}
Ipv4Address ip4(const char* text) {
    return *parse_ipv4_address(text);
}
IpPrefix net(const char* text) {
    return *parse_ip_prefix(text);
}

struct ReadAll {
    std::vector<std::string> routes;  // "10.0.0.0/8 192.0.2.1 at 3"
    std::string error;                // "PLACE: MESSAGE"; empty: read to the end
    std::uint64_t passed_over = 0;
};

ReadAll read_all(std::span<const std::uint8_t> bytes, const PeerChoice& peer = {},
                 std::size_t at_once = 4'096) {
    test::MemorySource source(bytes, at_once);
    const auto reader = read_routes(source, peer);
    ReadAll all;
    while (true) {
        const auto route = (*reader)->next();
        all.passed_over = (*reader)->passed_over();
        if (!route) {
            all.error = route.error().field + ": " + route.error().message;
            return all;
        }
        if (!route->has_value()) return all;
        const FileRoute& one = **route;
        const auto* word = std::get_if<std::string_view>(&one.way);
        all.routes.push_back(
            to_string(one.prefix) + ' ' +
            (word != nullptr ? std::string(*word) : to_string(std::get<IpAddress>(one.way))) +
            " at " + (*reader)->place(one.place));
    }
}

ReadAll read_all(std::string_view text, std::size_t at_once = 4'096) {
    return read_all({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}, {}, at_once);
}

// Two peers, routes of both families, records of other kinds between them.
MrtBuilder small_dump() {
    MrtBuilder mrt;
    mrt.peers({ip("192.0.2.1"), ip("2001:db8::2")});
    mrt.rib(
        2, net("10.0.0.0/8"),
        {{0, next_hop_attribute(ip4("192.0.2.11"))}, {1, next_hop_attribute(ip4("192.0.2.12"))}});
    mrt.rib(3, net("10.0.0.0/8"), {{0, next_hop_attribute(ip4("192.0.2.13"))}});
    mrt.rib(4, net("2001:db8:1::/48"), {{1, mp_reach_attribute({ip("2001:db8::2")})}});
    mrt.rib(2, net("0.0.0.0/0"), {{1, next_hop_attribute(ip4("192.0.2.12"))}});
    return mrt;
}

TEST(MrtReaderTest, TakesTheFirstRouteOfEachPrefix) {
    const ReadAll all = read_all(small_dump().bytes());
    EXPECT_EQ(all.error, "");
    EXPECT_EQ(all.routes, (std::vector<std::string>{"10.0.0.0/8 192.0.2.11 at record 2",
                                                    "2001:db8:1::/48 2001:db8::2 at record 4",
                                                    "0.0.0.0/0 192.0.2.12 at record 5"}));
    EXPECT_EQ(all.passed_over, 1U) << "the multicast route";
}

TEST(MrtReaderTest, TakesTheRoutesOfTheChosenPeer) {
    const std::vector<std::string> second{"10.0.0.0/8 192.0.2.12 at record 2",
                                          "2001:db8:1::/48 2001:db8::2 at record 4",
                                          "0.0.0.0/0 192.0.2.12 at record 5"};
    const MrtBuilder mrt = small_dump();
    EXPECT_EQ(read_all(mrt.bytes(), std::uint16_t{1}).routes, second);
    EXPECT_EQ(read_all(mrt.bytes(), ip("2001:db8::2")).routes, second);
    const ReadAll first = read_all(mrt.bytes(), std::uint16_t{0});
    EXPECT_EQ(first.routes, std::vector<std::string>{"10.0.0.0/8 192.0.2.11 at record 2"});
    EXPECT_EQ(first.passed_over, 3U) << "the multicast route and two of the other peer alone";
    EXPECT_EQ(read_all(mrt.bytes(), std::uint16_t{2}).error,
              "record 1 at byte 0: there is no peer 2 among the dump's 2: 0 is 192.0.2.1, 1 is "
              "2001:db8::2");
    EXPECT_NE(read_all(mrt.bytes(), ip("192.0.2.9")).error.find("no peer 192.0.2.9"),
              std::string::npos);
}

TEST(MrtReaderTest, KnowsAdditionalPaths) {
    MrtBuilder mrt;
    mrt.peers({ip("192.0.2.1")});
    mrt.rib(
        8, net("10.0.0.0/8"),
        {{0, next_hop_attribute(ip4("192.0.2.11"))}, {0, next_hop_attribute(ip4("192.0.2.12"))}});
    mrt.rib(10, net("2001:db8::/32"), {{0, mp_reach_attribute({ip("2001:db8::1")})}});
    const ReadAll all = read_all(mrt.bytes());
    EXPECT_EQ(all.error, "");
    EXPECT_EQ(all.routes, (std::vector<std::string>{"10.0.0.0/8 192.0.2.11 at record 2",
                                                    "2001:db8::/32 2001:db8::1 at record 3"}));
}

TEST(MrtReaderTest, FindsTheNextHopAmongTheAttributes) {
    const Bytes path = attribute(2, Bytes(1'000, 7));  // two bytes of length
    Bytes first_path = path;
    test::put(first_path, next_hop_attribute(ip4("192.0.2.11")));
    Bytes whole{0, 2, 1, 16};  // family, subsequent family, length of the next hop
    test::put(whole, ip("2001:db8::7"));
    test::put(whole, Bytes{0, 32, 0x20, 0x01, 0x0d, 0xb8});
    const struct {
        IpPrefix prefix;
        Bytes attributes;
        const char* next_hop;
    } kCases[] = {
        {net("10.0.0.0/8"), first_path, "192.0.2.11"},
        {net("10.0.0.0/8"), path, "192.0.2.1"},  // none: the peer itself
        {net("2001:db8::/32"), mp_reach_attribute({ip("2001:db8::7"), ip("fe80::7")}),
         "2001:db8::7"},
        {net("2001:db8::/32"), attribute(14, whole), "2001:db8::7"},
        {net("10.0.0.0/8"), mp_reach_attribute({ip("2001:db8::7")}), "2001:db8::7"},  // RFC 8950
    };
    for (const auto& row : kCases) {
        MrtBuilder mrt;
        mrt.peers({ip("192.0.2.1")});
        const std::uint16_t subtype = std::holds_alternative<Ipv4Prefix>(row.prefix) ? 2 : 4;
        mrt.rib(subtype, row.prefix, {{0, row.attributes}});
        const ReadAll all = read_all(mrt.bytes());
        EXPECT_EQ(all.error, "");
        EXPECT_EQ(all.routes, std::vector<std::string>{to_string(row.prefix) + ' ' + row.next_hop +
                                                       " at record 2"});
    }
}

TEST(MrtReaderTest, SaysWhatIsWrongAndWhere) {
    const Bytes next_hop = next_hop_attribute(ip4("192.0.2.11"));
    const IpPrefix prefix = net("10.0.0.0/8");
    const MrtBuilder begin = MrtBuilder().peers({ip("192.0.2.1")});
    const std::string here = "record 2 at byte " + std::to_string(begin.bytes().size()) + ": ";
    Bytes long_prefix(20, 0);
    long_prefix[4] = 33;
    const struct {
        MrtBuilder mrt;
        std::string error;
    } kCases[] = {
        {MrtBuilder().rib(2, prefix, {{0, next_hop}}),
         "record 1 at byte 0: a route of peer 0; the dump has 0 peers before it"},
        {MrtBuilder(begin).rib(2, prefix, {{1, next_hop}}),
         here + "a route of peer 1; the dump has 1 peers before it"},
        {MrtBuilder(begin).record(4, {}, 16),
         here + "MRT type 16 is not TABLE_DUMP_V2 (13), which alone holds a table"},
        {MrtBuilder(begin).record(13, {}), here + "TABLE_DUMP_V2 has no subtype 13"},
        {MrtBuilder(begin).record(2, long_prefix), here + "a prefix of 33 bits; an address has 32"},
        {MrtBuilder(begin).record(2, Bytes(30, 0)),
         here + "the routes of a prefix are not as long as their record"},
        {MrtBuilder(begin).record(1, Bytes(9, 0)),
         here + "the table of peers is not as long as its record"},
        {MrtBuilder(begin).rib(2, prefix, {{0, attribute(3, Bytes(5, 0))}}),
         here + "the attributes of a route are damaged"},
        {MrtBuilder(begin).rib(2, prefix, {{0, attribute(14, Bytes(5, 5))}}),
         here + "the attributes of a route are damaged"},
        {MrtBuilder(begin).rib(2, prefix, {{0, Bytes{0x40, 3, 4, 1}}}),
         here + "the attributes of a route are damaged"},
    };
    for (const auto& row : kCases) EXPECT_EQ(read_all(row.mrt.bytes()).error, row.error);
}

TEST(MrtReaderTest, RefusesARecordBeyondTheLimitBeforeItIsRead) {
    Bytes bytes = small_dump().bytes();
    for (std::size_t i = 8; i < 12; ++i) bytes[i] = 0xff;
    EXPECT_EQ(read_all(bytes).error,
              "record 1 at byte 0: a record of 4294967295 bytes; the limit is 16777216");
}

// Cut anywhere but between two records, a dump gives the routes before the cut, and an error.
TEST(MrtReaderTest, EveryTruncationIsFound) {
    const MrtBuilder mrt = small_dump();
    const Bytes& whole = mrt.bytes();
    std::size_t clean_ends = 0;
    for (std::size_t size = 0; size < whole.size(); ++size) {
        const ReadAll all = read_all(std::span(whole).first(size));
        EXPECT_LT(all.routes.size(), 3U) << size;
        clean_ends += all.error.empty() ? 1 : 0;
    }
    EXPECT_EQ(clean_ends, 5U) << "the empty file, and one end behind each record but the last";
}

TEST(MrtReaderTest, PiecesOfAnySizeGiveTheSame) {
    const MrtBuilder mrt = small_dump();
    const ReadAll whole = read_all(mrt.bytes());
    for (std::size_t at_once = 1; at_once < mrt.bytes().size(); ++at_once)
        EXPECT_EQ(read_all(mrt.bytes(), {}, at_once).routes, whole.routes) << at_once;
}

// A damaged dump is refused or read as other routes, and nothing else happens.
TEST(MrtReaderTest, AnyDamageEndsInRoutesOrAnError) {
    test::SeededRandom random;
    const Bytes whole = small_dump().bytes();
    std::size_t refused = 0;
    const std::size_t rounds = test::rounds(20'000);
    for (std::size_t i = 0; i < rounds; ++i) {
        Bytes bytes = whole;
        for (std::uint64_t changes = 1 + random.below(4); changes > 0; --changes)
            bytes[random.below(bytes.size())] = static_cast<std::uint8_t>(random());
        const ReadAll all = read_all(bytes, {}, 1 + random.below(64));
        EXPECT_LE(all.routes.size(), 5U);
        refused += all.error.empty() ? 0 : 1;
    }
    EXPECT_GT(refused, rounds / 4);
    EXPECT_LT(refused, rounds) << "bytes of an address may change unnoticed";
}

TEST(TextReaderTest, ReadsALineARoute) {
    const ReadAll all = read_all(
        "# a table\n\n10.0.0.0/8 192.0.2.1,192.0.2.5@2\r\n\t2001:db8::/32\tfe80::1 # why\n"
        "10.1.0.0/16");
    EXPECT_EQ(all.error, "");
    EXPECT_EQ(all.routes,
              (std::vector<std::string>{"10.0.0.0/8 192.0.2.1,192.0.2.5@2 at 3",
                                        "2001:db8::/32 fe80::1 at 4", "10.1.0.0/16  at 5"}));
}

TEST(TextReaderTest, PiecesOfAnySizeGiveTheSame) {
    const std::string text =
        "10.0.0.0/8 192.0.2.1\n\n# nothing\n10.1.0.0/16 192.0.2.5\n11.0.0.0/8 x";
    const ReadAll whole = read_all(text);
    EXPECT_EQ(whole.routes.size(), 3U);
    for (std::size_t at_once = 1; at_once < text.size(); ++at_once)
        EXPECT_EQ(read_all(text, at_once).routes, whole.routes) << at_once;
}

TEST(TextReaderTest, SaysWhatIsWrongAndWhere) {
    const struct {
        std::string text;
        const char* error;
    } kCases[] = {
        {"10.0.0.0/8 x\n10.0.0.1/8 x\n",
         "2: \"10.0.0.1/8\" is no prefix without host bits, as in 10.0.0.0/8"},
        {"2001:db8::1/32 x", "1: \"2001:db8::1/32\" is no prefix without host bits"},
        {"10.0.0.0/33 x", "1: \"10.0.0.0/33\" is no prefix"},
        {"2001:db8::/129 x", "1: \"2001:db8::/129\" is no prefix"},
        {"10.0.0.0/8 a b", "1: \"b\" is one word too many"},
        {"\n" + std::string(70'000, 'x'), "2: is longer than 65536 bytes"},
    };
    for (const auto& row : kCases) {
        const ReadAll all = read_all(row.text);
        EXPECT_TRUE(all.error.starts_with(row.error)) << all.error;
    }
}

TEST(RouteReaderTest, AnEmptyFileHasNoRoutes) {
    const ReadAll all = read_all(std::string_view());
    EXPECT_EQ(all.error, "");
    EXPECT_TRUE(all.routes.empty());
}

}  // namespace
}  // namespace causeway
