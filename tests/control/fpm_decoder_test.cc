// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "base/limits.h"
#include "base/text.h"
#include "control/fpm/frame_reader.h"
#include "control/fpm/netlink_decoder.h"
#include "tests/support/fpm_frames.h"
#include "tests/support/seed.h"

namespace causeway::test {
namespace {

constexpr std::uint8_t kBgp = 186;  // RTPROT_BGP

IpPrefix prefix(const char* text) {
    return parse_ip_prefix(text).value();
}
IpAddress address(const char* text) {
    return parse_ip_address(text).value();
}
FpmWay forward(std::vector<FpmHop> hops) {
    return {.action = FpmAction::kForward, .hops = std::move(hops)};
}

struct Decoded {
    std::vector<FpmMessage> messages;
    FpmCounters counters;
};

// What is in the netlink part of a frame.
Decoded decode(const WireBytes& netlink_bytes) {
    Decoded decoded;
    decode_netlink(netlink_bytes, decoded.messages, decoded.counters);
    return decoded;
}

// The messages as they come back from their own encoding.
void expect_roundtrip(const FpmMessage& message) {
    const Decoded decoded = decode(encode(message));
    ASSERT_EQ(decoded.messages.size(), 1U);
    EXPECT_TRUE(decoded.messages[0] == message);
}

TEST(NetlinkDecoder, understands_routes_of_each_kind) {
    const FpmRouteKey ipv4{.table = 254, .prefix = prefix("10.1.0.0/16")};
    const FpmRouteKey ipv6{.table = 100'001, .prefix = prefix("2001:db8::/32")};
    const FpmRouteKey default4{.table = 10, .prefix = prefix("0.0.0.0/0")};
    const FpmRouteKey default6{.table = 10, .prefix = prefix("::/0")};
    for (const FpmRouteKey& key : {ipv4, ipv6, default4, default6}) {
        const auto set = [&](std::variant<FpmWay, NextHopObjectId> via) {
            return FpmSetRoute{.key = key, .protocol = kBgp, .metric = 20, .via = std::move(via)};
        };
        expect_roundtrip(set(NextHopObjectId(77)));
        expect_roundtrip(set(forward({{.gateway = address("192.0.2.1"), .interface = 5}})));
        expect_roundtrip(set(forward({{.gateway = address("2001:db8::1"), .interface = 5}})));
        expect_roundtrip(set(forward({{.gateway = std::nullopt, .interface = 9}})));
        expect_roundtrip(set(forward({{.gateway = address("192.0.2.1"), .weight = 256},
                                      {.gateway = address("fe80::1"), .interface = 4},
                                      {.gateway = std::nullopt, .interface = 3, .weight = 7}})));
        for (const FpmAction action :
             {FpmAction::kBlackhole, FpmAction::kUnreachable, FpmAction::kProhibit})
            expect_roundtrip(set(FpmWay{.action = action, .hops = {}}));
        expect_roundtrip(FpmDeleteRoute{.key = key, .protocol = kBgp, .metric = 20});
    }
}

TEST(NetlinkDecoder, understands_next_hop_objects) {
    const NextHopObjectId id(4'000'000'000);
    expect_roundtrip(FpmSetNextHop{id, forward({{.gateway = address("192.0.2.1")}})});
    expect_roundtrip(FpmSetNextHop{id, forward({{.gateway = address("fe80::1"), .interface = 4}})});
    expect_roundtrip(FpmSetNextHop{id, forward({{.gateway = std::nullopt, .interface = 4}})});
    expect_roundtrip(FpmSetNextHop{id, FpmWay{.action = FpmAction::kBlackhole, .hops = {}}});
    expect_roundtrip(
        FpmSetNextHop{id, FpmGroupMembers{{NextHopObjectId(1), 1}, {NextHopObjectId(2), 256}}});
    expect_roundtrip(FpmDeleteNextHop{id});
}

// The bytes of zebra 8.4's frame for 10.0.0.0/8 by next hop 15, written out by hand: so that
// encoder and decoder of these tests do not merely agree with each other.
TEST(NetlinkDecoder, reads_known_bytes) {
    const WireBytes bytes{
        52, 0, 0,  0, 24, 0,   1, 5, 0, 0, 0, 0, 0, 0, 0, 0,  // RTM_NEWROUTE, little-endian
        2,  8, 0,  0, 10, 186, 0, 1, 0, 0, 0, 0,              // AF_INET, /8, table 10, BGP
        8,  0, 1,  0, 10, 0,   0, 0,                          // RTA_DST
        8,  0, 6,  0, 20, 0,   0, 0,                          // RTA_PRIORITY
        8,  0, 30, 0, 15, 0,   0, 0,                          // RTA_NH_ID
    };
    const Decoded decoded = decode(bytes);
    ASSERT_EQ(decoded.messages.size(), 1U);
    EXPECT_TRUE(decoded.messages[0] ==
                FpmMessage(FpmSetRoute{.key = {.table = 10, .prefix = prefix("10.0.0.0/8")},
                                       .protocol = kBgp,
                                       .metric = 20,
                                       .via = NextHopObjectId(15)}));
}

TEST(NetlinkDecoder, folds_a_deletion_and_the_addition_behind_it) {
    const FpmRouteKey key{.table = 10, .prefix = prefix("10.0.0.0/8")};
    const FpmRouteKey other{.table = 11, .prefix = prefix("10.0.0.0/8")};
    const FpmMessage deletion = FpmDeleteRoute{.key = key, .protocol = kBgp, .metric = 20};
    const FpmMessage addition =
        FpmSetRoute{.key = key, .protocol = kBgp, .metric = 10, .via = NextHopObjectId(1)};
    const auto together = [](const FpmMessage& first, const FpmMessage& second) {
        WireBytes bytes = encode(first);
        const WireBytes more = encode(second);
        bytes.insert(bytes.end(), more.begin(), more.end());
        return decode(bytes).messages;
    };
    const auto folded = together(deletion, addition);
    ASSERT_EQ(folded.size(), 1U);
    EXPECT_TRUE(folded[0] == addition);
    EXPECT_EQ(together(addition, deletion).size(), 2U);
    EXPECT_EQ(together(FpmDeleteRoute{.key = other}, addition).size(), 2U);
    // Not across frames: the one before may have been passed on.
    Decoded decoded;
    decode_netlink(encode(deletion), decoded.messages, decoded.counters);
    decode_netlink(encode(addition), decoded.messages, decoded.counters);
    EXPECT_EQ(decoded.messages.size(), 2U);
}

struct Wrong {
    const char* what;
    WireBytes bytes;
    FpmEvent event;
};

WireBytes route_with(const std::function<void(rtmsg&)>& change,
                     const std::function<void(WireBytes&)>& add) {
    WireBytes body =
        route_body({.table = 10, .prefix = prefix("10.0.0.0/8")}, kBgp, RTN_UNICAST, 20);
    rtmsg head;
    std::memcpy(&head, body.data(), sizeof head);
    change(head);
    std::memcpy(body.data(), &head, sizeof head);
    add(body);
    return netlink(RTM_NEWROUTE, body);
}

WireBytes object_with(const std::function<void(WireBytes&)>& add) {
    WireBytes body = next_hop_body(AF_INET, NextHopObjectId(3));
    add(body);
    return netlink(RTM_NEWNEXTHOP, body);
}

std::vector<Wrong> wrong_routes() {
    const auto as_is = [](auto&) {};
    const auto by_object = [](WireBytes& body) { put_attribute(body, RTA_NH_ID, wire(1)); };
    return {
        {"no rtmsg", netlink(RTM_NEWROUTE, {2, 8}), FpmEvent::kShortMessage},
        {"no way out", route_with(as_is, as_is), FpmEvent::kBadNextHop},
        {"MPLS", route_with([](rtmsg& head) { head.rtm_family = AF_MPLS; }, by_object),
         FpmEvent::kUnsupported},
        {"multicast", route_with([](rtmsg& head) { head.rtm_type = RTN_MULTICAST; }, by_object),
         FpmEvent::kUnsupported},
        {"by source", route_with([](rtmsg& head) { head.rtm_src_len = 8; }, by_object),
         FpmEvent::kUnsupported},
        {"TOS", route_with([](rtmsg& head) { head.rtm_tos = 8; }, by_object),
         FpmEvent::kUnsupported},
        {"33 bits", route_with([](rtmsg& head) { head.rtm_dst_len = 33; }, by_object),
         FpmEvent::kBadPrefix},
        {"host bits", route_with([](rtmsg& head) { head.rtm_dst_len = 6; }, by_object),
         FpmEvent::kBadPrefix},
        {"another family's destination",
         route_with([](rtmsg& head) { head.rtm_family = AF_INET6; }, by_object),
         FpmEvent::kBadAttribute},
        {"a short id", route_with(as_is, [](WireBytes& b) { put_attribute(b, RTA_NH_ID, {}); }),
         FpmEvent::kBadAttribute},
        {"a short gateway",
         route_with(as_is, [](WireBytes& b) { put_attribute(b, RTA_GATEWAY, WireBytes(3)); }),
         FpmEvent::kBadAttribute},
        {"an empty via", route_with(as_is, [](WireBytes& b) { put_attribute(b, RTA_VIA, {}); }),
         FpmEvent::kBadAttribute},
        {"an attribute cut off",
         route_with(as_is, [](WireBytes& b) { put(b, rtattr{.rta_len = 9, .rta_type = RTA_OIF}); }),
         FpmEvent::kBadAttribute},
        {"an attribute of nothing",
         route_with(as_is, [](WireBytes& b) { put(b, rtattr{.rta_len = 3, .rta_type = RTA_OIF}); }),
         FpmEvent::kBadAttribute},
        {"VXLAN",
         route_with(as_is,
                    [](WireBytes& b) {
                        put_attribute(b, RTA_ENCAP_TYPE, WireBytes{8, 0});
                    }),
         FpmEvent::kUnsupported},
        {"no hops", route_with(as_is, [](WireBytes& b) { put_attribute(b, RTA_MULTIPATH, {}); }),
         FpmEvent::kBadNextHop},
        {"half a hop",
         route_with(as_is, [](WireBytes& b) { put_attribute(b, RTA_MULTIPATH, WireBytes(7)); }),
         FpmEvent::kBadAttribute},
        {"65 hops",
         route_with(as_is,
                    [](WireBytes& b) {
                        put_hops(b, AF_INET,
                                 forward(std::vector<FpmHop>(kGroupMembersMax + 1,
                                                             {.gateway = Ipv4Address(1)})));
                    }),
         FpmEvent::kTooManyHops},
    };
}

std::vector<Wrong> wrong_objects() {
    WireBytes no_id;
    put(no_id, nhmsg{});
    return {
        {"no nhmsg", netlink(RTM_DELNEXTHOP, {1}), FpmEvent::kShortMessage},
        {"no id", netlink(RTM_NEWNEXTHOP, no_id), FpmEvent::kBadNextHop},
        {"nothing but an id", object_with([](WireBytes&) {}), FpmEvent::kBadNextHop},
        {"an empty group", object_with([](WireBytes& b) { put_attribute(b, NHA_GROUP, {}); }),
         FpmEvent::kBadNextHop},
        {"half a member",
         object_with([](WireBytes& b) { put_attribute(b, NHA_GROUP, WireBytes(4)); }),
         FpmEvent::kBadAttribute},
        {"member 0", object_with([](WireBytes& b) { put_attribute(b, NHA_GROUP, WireBytes(8)); }),
         FpmEvent::kBadNextHop},
        {"65 members",
         object_with([](WireBytes& b) { put_attribute(b, NHA_GROUP, WireBytes(65 * 8)); }),
         FpmEvent::kTooManyHops},
        {"a gateway of the other family",
         object_with([](WireBytes& b) { put_attribute(b, NHA_GATEWAY, WireBytes(16)); }),
         FpmEvent::kBadAttribute},
        {"encapsulation", object_with([](WireBytes& b) {
             put_attribute(b, NHA_ENCAP_TYPE, WireBytes{8, 0});
         }),
         FpmEvent::kUnsupported},
        {"a link", netlink(RTM_NEWLINK, WireBytes(16)), FpmEvent::kOtherMessage},
    };
}

// Each is counted by its name and passed over; the message behind it is read.
TEST(NetlinkDecoder, passes_over_what_is_wrong) {
    std::vector<Wrong> all = wrong_routes();
    for (Wrong& wrong : wrong_objects()) all.push_back(std::move(wrong));
    const FpmMessage good = FpmDeleteNextHop{NextHopObjectId(9)};
    for (const Wrong& wrong : all) {
        WireBytes bytes = wrong.bytes;
        const WireBytes more = encode(good);
        bytes.insert(bytes.end(), more.begin(), more.end());
        const Decoded decoded = decode(bytes);
        EXPECT_EQ(decoded.counters.read(wrong.event), 1U) << wrong.what;
        ASSERT_EQ(decoded.messages.size(), 1U) << wrong.what;
        EXPECT_TRUE(decoded.messages[0] == good) << wrong.what;
    }
}

TEST(NetlinkDecoder, gives_up_a_frame_whose_messages_do_not_fit) {
    const WireBytes good = encode(FpmDeleteNextHop{NextHopObjectId(9)});
    for (const std::uint32_t length : {0U, 15U, 25U, 0xffffffffU}) {
        WireBytes bytes = good;
        const std::size_t second = bytes.size();
        bytes.insert(bytes.end(), good.begin(), good.end());
        std::memcpy(bytes.data() + second, &length, sizeof length);
        const Decoded decoded = decode(bytes);
        EXPECT_EQ(decoded.messages.size(), 1U);
        EXPECT_EQ(decoded.counters.read(FpmEvent::kBadMessageLength), 1U);
    }
    WireBytes trailing = good;
    trailing.resize(good.size() + 15);
    EXPECT_EQ(decode(trailing).counters.read(FpmEvent::kBadMessageLength), 1U);
}

TEST(FpmFrameReader, closes_on_headers_that_are_none) {
    const auto error_of = [](const WireBytes& bytes) {
        FpmFrameReader reader;
        reader.append(bytes);
        EXPECT_FALSE(reader.next().has_value());
        reader.append(frame(FpmDeleteNextHop{NextHopObjectId(9)}));
        EXPECT_FALSE(reader.next().has_value());
        return reader.error();
    };
    EXPECT_EQ(error_of({2, 1, 0, 20}), FpmEvent::kBadVersion);
    EXPECT_EQ(error_of({1, 2, 0, 20}), FpmEvent::kNotNetlink);
    EXPECT_EQ(error_of({1, 1, 0, 3}), FpmEvent::kShortFrame);
    EXPECT_EQ(error_of({1, 1, 0x80, 1}), FpmEvent::kOversizeFrame);
}

// However the stream is split, the frames are the same; an error comes behind all before it.
TEST(FpmFrameReaderProperty, gives_the_same_frames_however_split) {
    SeededRandom random;
    for (std::size_t round = 0; round < rounds(300); ++round) {
        WireBytes stream;
        std::vector<WireBytes> sent;
        for (std::size_t i = random.below(40); i > 0; --i) {
            WireBytes body(random.below(8) == 0 ? random.below(kFpmFrameBytesMax - 3)
                                                : random.below(200));
            for (std::uint8_t& byte : body) byte = static_cast<std::uint8_t>(random());
            const WireBytes framed = frame({&body, 1});
            stream.insert(stream.end(), framed.begin(), framed.end());
            sent.push_back(std::move(body));
        }
        const bool ends_wrong = random.below(2) == 0;
        if (ends_wrong) stream.insert(stream.end(), {7, 7, 7, 7});
        FpmFrameReader reader;
        std::vector<WireBytes> received;
        for (std::size_t at = 0; at < stream.size();) {
            const std::size_t size = std::min(stream.size() - at, 1 + random.below(3'000));
            reader.append(std::span<const std::uint8_t>(stream).subspan(at, size));
            at += size;
            if (random.below(3) == 0) continue;  // several pieces before one look
            while (const auto next = reader.next())
                received.emplace_back(next->begin(), next->end());
        }
        while (const auto next = reader.next()) received.emplace_back(next->begin(), next->end());
        ASSERT_EQ(received, sent);
        ASSERT_EQ(reader.error().has_value(), ends_wrong);
    }
}

}  // namespace
}  // namespace causeway::test
