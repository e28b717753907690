// SPDX-License-Identifier: Apache-2.0
//
// What the translator does to packets, case by case, by the RFCs' numbers.
#include "nat/translator.h"

#include <gtest/gtest.h>

#include "tests/nat/ipv4_packets.h"
#include "tests/nat/nat_workers.h"
#include "tests/support/seed.h"

namespace causeway {
namespace {

using test::build;
using test::build_error;
using test::Bytes;
using test::fragments_of;
using test::kAck;
using test::kFinAck;
using test::kPool;
using test::kPublic;
using test::kRst;
using test::kSyn;
using test::kSynAck;
using test::NatWorkers;
using test::PacketSpec;
using test::source_of;
using test::word;

constexpr Endpoint kInside{Ipv4Address(0x0a000005), 40'000};
constexpr Endpoint kOther{Ipv4Address(0x0a000006), 50'001};
constexpr Endpoint kRemote{Ipv4Address(0x0d6b0203), 443};

// Sends a packet out and gives the public endpoint; checks every byte.
Endpoint go_out(NatWorkers& nat, PacketSpec spec) {
    const NatWorkers::Sent sent = nat.outbound(build(spec));
    EXPECT_EQ(sent.outcome, NatOutcome::kTranslated);
    if (sent.leaving.size() != 1) return {};
    const Endpoint outside = source_of(sent.leaving[0]);
    spec.source = outside;
    EXPECT_EQ(sent.leaving[0], build(spec));
    return outside;
}
// Sends a packet in, which must reach the inside endpoint with every byte right.
void come_in(NatWorkers& nat, PacketSpec spec, Endpoint inside) {
    const NatWorkers::Sent sent = nat.inbound(build(spec));
    EXPECT_EQ(sent.outcome, NatOutcome::kTranslated);
    if (sent.leaving.size() != 1) return;
    spec.destination = inside;
    EXPECT_EQ(sent.leaving[0], build(spec));
}

TEST(Translator, udp_goes_out_and_its_answer_comes_in) {
    NatWorkers nat({}, 2);
    for (const bool has_checksum : {true, false}) {
        const Endpoint outside =
            go_out(nat, {.source = kInside, .destination = kRemote, .has_checksum = has_checksum});
        EXPECT_EQ(outside.address, kPublic);
        come_in(nat, {.source = kRemote, .destination = outside, .has_checksum = has_checksum},
                kInside);
    }
    EXPECT_EQ(nat.sessions(), 1U);
}

TEST(Translator, ping_and_its_answer) {  // RFC 5508 3
    NatWorkers nat({}, 4);
    const Endpoint outside = go_out(nat, {.protocol = NatProtocol::kIcmp,
                                          .source = kInside,
                                          .destination = {kRemote.address, 0},
                                          .kind = 8});
    come_in(nat,
            {.protocol = NatProtocol::kIcmp,
             .source = {kRemote.address, 0},
             .destination = outside,
             .kind = 0},
            kInside);
}

TEST(Translator, a_udp_checksum_that_becomes_zero_is_sent_as_ones) {  // RFC 768
    test::SeededRandom random;
    NatWorkers nat({}, 1);
    PacketSpec spec{.source = kInside, .destination = kRemote};
    const Endpoint outside = go_out(nat, spec);
    std::size_t ones = 0;
    for (std::uint32_t id = 0; id < 0x10000 && ones < 1; ++id) {
        spec.identification = static_cast<std::uint16_t>(id);
        PacketSpec after = spec;
        after.source = outside;
        if (word(build(after), 26) != 0xffff) continue;
        ++ones;
        go_out(nat, spec);
    }
    // The payload changes with the identification, so some sum is all ones, or the test is no test.
    spec.payload_bytes = 2;
    Bytes packet = build(spec);
    PacketSpec after = spec;
    after.source = outside;
    const Bytes translated = build(after);
    const std::uint32_t missing = word(translated, 26);  // add it to the payload
    std::uint32_t payload = word(packet, 28) + missing;
    payload = (payload & 0xffff) + (payload >> 16);
    packet[28] = static_cast<std::uint8_t>(payload >> 8);
    packet[29] = static_cast<std::uint8_t>(payload);
    std::uint32_t before = static_cast<std::uint32_t>(word(packet, 26)) + (0xffff ^ missing);
    before = (before & 0xffff) + (before >> 16);
    packet[26] = static_cast<std::uint8_t>(before >> 8);
    packet[27] = static_cast<std::uint8_t>(before);
    const NatWorkers::Sent sent = nat.outbound(packet);
    ASSERT_EQ(sent.leaving.size(), 1U);
    EXPECT_EQ(word(sent.leaving[0], 26), 0xffff);
}

TEST(Translator, tcp_lives_by_its_states) {  // RFC 5382 REQ-5, RFC 7857 2
    NatWorkers nat({}, 2);
    const auto out = [&](std::uint8_t flags) {
        return nat
            .outbound(build({.protocol = NatProtocol::kTcp,
                             .source = kInside,
                             .destination = kRemote,
                             .kind = flags}))
            .outcome;
    };
    EXPECT_EQ(out(kAck), NatOutcome::kMidFlow);
    const Endpoint outside = go_out(
        nat,
        {.protocol = NatProtocol::kTcp, .source = kInside, .destination = kRemote, .kind = kSyn});
    const auto in = [&](std::uint8_t flags) {
        come_in(nat,
                {.protocol = NatProtocol::kTcp,
                 .source = kRemote,
                 .destination = outside,
                 .kind = flags},
                kInside);
    };
    nat.pass(239);
    EXPECT_EQ(nat.sessions(), 1U) << "a half-open connection lives for four minutes";
    in(kSynAck);
    EXPECT_EQ(out(kAck), NatOutcome::kTranslated);
    nat.pass(7'439);
    EXPECT_EQ(nat.sessions(), 1U) << "an idle one for two hours and four minutes";
    EXPECT_EQ(out(kFinAck), NatOutcome::kTranslated);
    nat.pass(1'000);
    EXPECT_EQ(nat.sessions(), 1U) << "a half-closed one, too";
    in(kFinAck);
    nat.pass(239);
    EXPECT_EQ(out(kAck), NatOutcome::kTranslated);
    nat.pass(1);
    EXPECT_EQ(nat.sessions(), 0U) << "a closed one for four minutes, whatever it sends";
    EXPECT_EQ(out(kAck), NatOutcome::kMidFlow);
}

TEST(Translator, a_reset_that_was_forged_does_not_end_a_connection) {  // RFC 7857 2.2
    NatWorkers nat({}, 1);
    const PacketSpec syn{
        .protocol = NatProtocol::kTcp, .source = kInside, .destination = kRemote, .kind = kSyn};
    const Endpoint outside = go_out(nat, syn);
    PacketSpec back{
        .protocol = NatProtocol::kTcp, .source = kRemote, .destination = outside, .kind = kSynAck};
    come_in(nat, back, kInside);
    back.kind = kRst;
    come_in(nat, back, kInside);
    nat.pass(200);
    PacketSpec data = syn;
    data.kind = kAck;
    go_out(nat, data);
    nat.pass(7'439);
    EXPECT_EQ(nat.sessions(), 1U);
    come_in(nat, back, kInside);
    nat.pass(240);
    EXPECT_EQ(nat.sessions(), 0U);
}

TEST(Translator, filtering_and_refresh_are_the_operators_choice) {  // RFC 4787 REQ-6, REQ-8
    NatWorkers nat(
        {.filtering = NatFiltering::kAddressDependent, .refresh = NatRefresh::kOutboundOnly}, 4);
    const Endpoint outside = go_out(nat, {.source = kInside, .destination = kRemote});
    const PacketSpec stranger{.source = {Ipv4Address(0x08080808), 53}, .destination = outside};
    EXPECT_EQ(nat.inbound(build(stranger)).outcome, NatOutcome::kFiltered);
    const PacketSpec friendly{.source = {kRemote.address, 9}, .destination = outside};
    come_in(nat, friendly, kInside);
    nat.pass(299);
    come_in(nat, friendly, kInside);
    nat.pass(1);
    EXPECT_EQ(nat.sessions(), 0U);
}

TEST(Translator, hairpins_with_public_endpoints_on_both_ends) {  // RFC 4787 REQ-9
    for (const std::size_t workers : {1U, 2U, 8U}) {
        NatWorkers nat({}, workers);
        const Endpoint first = go_out(nat, {.source = kInside, .destination = kRemote});
        const Endpoint second = go_out(nat, {.source = kOther, .destination = kRemote});
        const auto sent = nat.outbound(build({.source = kInside, .destination = second}));
        ASSERT_EQ(sent.outcome, NatOutcome::kTranslated);
        EXPECT_EQ(sent.leaving[0], build({.source = first, .destination = kOther}));
        EXPECT_EQ(sent.hand_overs, 0) << "both ways belong to one worker";
        const auto back = nat.outbound(build({.source = kOther, .destination = first}));
        ASSERT_EQ(back.outcome, NatOutcome::kTranslated);
        EXPECT_EQ(back.leaving[0], build({.source = second, .destination = kInside}));
    }
}

TEST(Translator, errors_from_outside_are_rewritten_with_what_they_quote) {  // RFC 5508 REQ-4
    NatWorkers nat({}, 4);
    for (const NatProtocol protocol : {NatProtocol::kUdp, NatProtocol::kTcp, NatProtocol::kIcmp}) {
        PacketSpec spec{.protocol = protocol,
                        .source = kInside,
                        .destination = kRemote,
                        .kind = protocol == NatProtocol::kTcp ? kSyn : std::uint8_t{8}};
        const Endpoint outside = go_out(nat, spec);
        const Bytes inside_view = build(spec);
        spec.source = outside;
        for (const std::size_t quoted : {28U, 48U, 1'000U}) {
            const Ipv4Address router(0xcb007101);
            const auto sent = nat.inbound(build_error(router, 3, build(spec), quoted));
            ASSERT_EQ(sent.outcome, NatOutcome::kTranslated);
            EXPECT_EQ(sent.leaving[0], build_error(router, 3, inside_view, quoted));
        }
        nat.pass(30);
        EXPECT_EQ(nat.inbound(build_error(kRemote.address, 5, build(spec), 28)).outcome,
                  NatOutcome::kForeign)
            << "a redirect is for routers";
    }
    PacketSpec never{.source = {kPublic, 9}, .destination = kRemote};
    EXPECT_EQ(nat.inbound(build_error(kRemote.address, 3, build(never), 28)).outcome,
              NatOutcome::kIcmpUnmatched);
}

TEST(Translator, errors_from_inside_are_rewritten_and_hide_inner_routers) {  // RFC 5508 REQ-5
    NatWorkers nat({}, 4);
    const Endpoint outside = go_out(nat, {.source = kInside, .destination = kRemote});
    const Bytes seen_inside = build({.source = kRemote, .destination = kInside});
    const Bytes seen_outside = build({.source = kRemote, .destination = outside});
    for (const Ipv4Address router : {kInside.address, Ipv4Address(0x0a0000fe)}) {
        const auto sent = nat.outbound(build_error(router, 3, seen_inside, 28));
        ASSERT_EQ(sent.outcome, NatOutcome::kTranslated);
        EXPECT_EQ(sent.leaving[0], build_error(kPublic, 3, seen_outside, 28));
    }
}

TEST(Translator, errors_neither_refresh_nor_end_a_session) {  // RFC 5508 REQ-7, RFC 4787 REQ-12
    NatWorkers nat({}, 1);
    const Endpoint outside = go_out(nat, {.source = kInside, .destination = kRemote});
    const Bytes about = build({.source = outside, .destination = kRemote});
    nat.pass(200);
    EXPECT_EQ(nat.inbound(build_error(kRemote.address, 3, about, 28)).outcome,
              NatOutcome::kTranslated);
    nat.pass(99);
    EXPECT_EQ(nat.sessions(), 1U);
    nat.pass(1);
    EXPECT_EQ(nat.sessions(), 0U);
}

TEST(Translator, fragments_follow_the_first_in_any_order) {  // RFC 4787 REQ-14
    test::SeededRandom random;
    for (const std::size_t workers : {1U, 2U, 8U}) {
        NatWorkers nat({}, workers);
        for (std::uint16_t id = 0; id < 200; ++id) {
            PacketSpec spec{.source = {kInside.address, static_cast<std::uint16_t>(id % 7 + 1)},
                            .destination = kRemote,
                            .identification = id,
                            .payload_bytes = 100};
            std::vector<Bytes> fragments = fragments_of(build(spec), 24);
            std::shuffle(fragments.begin(), fragments.end(), random);
            std::vector<Bytes> leaving;
            for (const Bytes& fragment : fragments) {
                for (Bytes& left : nat.outbound(fragment).leaving) leaving.push_back(left);
            }
            ASSERT_EQ(leaving.size(), fragments.size());
            const auto first = std::find_if(leaving.begin(), leaving.end(), [](const Bytes& bytes) {
                return word(bytes, 6) == 0x2000;
            });
            ASSERT_NE(first, leaving.end());
            spec.source = source_of(*first);
            auto expected = fragments_of(build(spec), 24);
            std::sort(expected.begin(), expected.end());
            std::sort(leaving.begin(), leaving.end());
            ASSERT_EQ(leaving, expected);
            ASSERT_EQ(nat.held(), 0U);
        }
    }
}

TEST(Translator, fragments_without_a_first_are_bounded_and_end) {
    NatWorkers nat({}, 1);
    for (std::uint16_t id = 0; id < 1'000; ++id) {
        const auto fragments = fragments_of(build({.source = kInside,
                                                   .destination = kRemote,
                                                   .identification = id,
                                                   .payload_bytes = 200}),
                                            8);
        for (std::size_t i = 1; i < fragments.size(); ++i) (void)nat.outbound(fragments[i]);
    }
    EXPECT_EQ(nat.held(), Datagram::kHeldMax) << "one sender's share";
    EXPECT_GT(nat.translators[0]->counter(NatOutcome::kFragmentsFull), 20'000U);
    nat.pass(5);
    EXPECT_EQ(nat.held(), 0U);
    const auto good =
        fragments_of(build({.source = kInside, .destination = kRemote, .payload_bytes = 100}), 64);
    EXPECT_EQ(nat.outbound(good[1]).outcome, NatOutcome::kHeld);
    EXPECT_EQ(nat.outbound(good[0]).leaving.size(), 2U);
}

TEST(Translator, published_services_need_no_session) {
    NatWorkers nat({}, 4);
    const Endpoint published{Ipv4Address(0xcb007105), 443};
    const Ipv4Address whole(0xcb007106);
    const std::vector<StaticMapping> mappings{
        {.pool = kPool, .protocol = NatProtocol::kTcp, .inside = kInside, .outside = published},
        {.pool = kPool, .protocol = {}, .inside = {kOther.address, 0}, .outside = {whole, 0}}};
    nat.statics = StaticMappings::create(mappings).value();
    come_in(
        nat,
        {.protocol = NatProtocol::kTcp, .source = kRemote, .destination = published, .kind = kSyn},
        kInside);
    EXPECT_EQ(go_out(nat, {.protocol = NatProtocol::kTcp,
                           .source = kInside,
                           .destination = kRemote,
                           .kind = kSynAck}),
              published);
    come_in(nat, {.source = kRemote, .destination = {whole, 77}}, {kOther.address, 77});
    EXPECT_EQ(go_out(nat, {.source = kOther, .destination = kRemote}),
              (Endpoint{whole, kOther.port}));
    const auto inner = nat.outbound(build(
        {.protocol = NatProtocol::kTcp, .source = kOther, .destination = published, .kind = kSyn}));
    ASSERT_EQ(inner.outcome, NatOutcome::kTranslated);
    EXPECT_EQ(inner.leaving[0], build({.protocol = NatProtocol::kTcp,
                                       .source = {whole, kOther.port},
                                       .destination = kInside,
                                       .kind = kSyn}));
    EXPECT_EQ(nat.inbound(build({.source = kRemote, .destination = published})).outcome,
              NatOutcome::kNoMapping);
    const auto error = nat.inbound(build_error(
        kRemote.address, 11, build({.source = {whole, 5}, .destination = kRemote}), 28));
    ASSERT_EQ(error.outcome, NatOutcome::kTranslated);
    EXPECT_EQ(error.leaving[0],
              build_error(kRemote.address, 11,
                          build({.source = {kOther.address, 5}, .destination = kRemote}), 28));
    EXPECT_EQ(nat.sessions(), 0U);
}

TEST(Translator, static_mappings_do_not_clash) {
    const StaticMapping one{
        .pool = kPool, .protocol = NatProtocol::kTcp, .inside = kInside, .outside = {kPublic, 1}};
    StaticMapping same_outside = one;
    same_outside.inside.port = 1;
    StaticMapping same_inside = one;
    same_inside.outside.port = 2;
    EXPECT_FALSE(StaticMappings::create(std::vector{one, same_outside}).has_value());
    EXPECT_FALSE(StaticMappings::create(std::vector{one, same_inside}).has_value());
    EXPECT_EQ(StaticMappings::create(std::vector{one}).value().size(), 1U);
    EXPECT_FALSE(StaticMappings().inside_of(NatProtocol::kTcp, {kPublic, 1}).has_value());
}

TEST(Translator, what_is_not_for_the_nat_is_left_alone_or_refused) {
    NatWorkers nat({}, 1);
    const PacketSpec transit{.source = kRemote, .destination = {Ipv4Address(0x0b000001), 1}};
    EXPECT_EQ(nat.inbound(build(transit)).outcome, NatOutcome::kUntouched);
    EXPECT_EQ(nat.inbound(build({.source = kRemote, .destination = {kPublic, 5'555}})).outcome,
              NatOutcome::kNoMapping);
    EXPECT_EQ(
        nat.outbound(build({.source = kInside, .destination = kRemote}), NatPoolId(9)).outcome,
        NatOutcome::kNoPool);
    Bytes esp = build({.source = kInside, .destination = kRemote});
    esp[9] = 50;
    EXPECT_EQ(nat.outbound(esp).outcome, NatOutcome::kForeign);
    Bytes cut = build({.source = kInside, .destination = kRemote});
    cut.resize(24);
    EXPECT_EQ(nat.outbound(cut).outcome, NatOutcome::kMalformed);
}

TEST(Translator, a_syn_flood_of_one_host_leaves_the_others_their_ports) {
    NatWorkers nat({.host_blocks_max = 2}, 1);
    for (std::uint32_t i = 0; i < 5'000; ++i) {
        const Endpoint from{kInside.address, static_cast<std::uint16_t>(i)};
        (void)nat.outbound(build({.protocol = NatProtocol::kTcp,
                                  .source = from,
                                  .destination = {Ipv4Address(i * 77 + 1), 80},
                                  .kind = kSyn}));
    }
    EXPECT_EQ(nat.sessions(), 512U);
    EXPECT_EQ(nat.translators[0]->counter(NatOutcome::kHostPorts), 5'000U - 512U);
    go_out(nat,
           {.protocol = NatProtocol::kTcp, .source = kOther, .destination = kRemote, .kind = kSyn});
    nat.pass(240);
    EXPECT_EQ(nat.sessions(), 0U);
}

TEST(Translator, clears_the_session_that_was_read_and_no_other) {
    NatWorkers nat({}, 1);
    Translator& translator = *nat.translators[0];
    go_out(nat, {.source = kInside, .destination = kRemote});
    const auto reading = translator.sessions().read(1);
    ASSERT_TRUE(reading.has_value());
    EXPECT_TRUE(translator.clear(1, reading->version));
    EXPECT_EQ(nat.sessions(), 0U);
    go_out(nat, {.source = kOther, .destination = kRemote});
    EXPECT_TRUE(translator.clear(1, reading->version));
    EXPECT_EQ(nat.sessions(), 1U);
}

}  // namespace
}  // namespace causeway
