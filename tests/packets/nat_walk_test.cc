// SPDX-License-Identifier: Apache-2.0
//
// NAT44 in the walk: what goes out by one customer's NAT comes back to that customer, exact to the
// byte, by whichever link; and what happens to all else.
#include <gtest/gtest.h>
#include <rte_cycles.h>

#include <algorithm>
#include <utility>

#include "dataplane/name_policy.h"
#include "dataplane/policer.h"
#include "tests/packets/nat_world.h"
#include "tests/support/frame_builder.h"

namespace causeway::test {
namespace {

Endpoint at(std::string_view address, std::uint16_t port) {
    return {ip(address), port};
}
Bytes with_ttl(Bytes packet, std::uint8_t ttl) {
    packet[8] = static_cast<std::uint8_t>(ttl + 1);
    return hop(std::move(packet));
}

const Endpoint kClient = at("10.0.0.5", 40'000);

class NatWalkTest : public testing::Test {
  protected:
    // Of the one packet that left.
    static Bytes only(const std::vector<NatWorld::Sent>& sent) {
        EXPECT_EQ(sent.size(), 1U);
        return sent.empty() ? Bytes(64) : sent.front().packet;
    }
    ~NatWalkTest() override { EXPECT_EQ(world_.bed().unaccounted(), ""); }

    NatWorld world_;
};

TEST_F(NatWalkTest, a_flow_goes_out_and_comes_back_over_either_link) {
    const auto first = world_.out(Customer::kContoso, tcp(kClient, kServer, kSyn), kNatPrimary);
    ASSERT_EQ(first.size(), 1U);
    EXPECT_EQ(first[0].port, kNatCore);
    const Endpoint outside = source_of(first[0].packet);
    EXPECT_TRUE(outside.address == ip("198.51.100.1") || outside.address == ip("198.51.100.2"));
    EXPECT_EQ(first[0].packet, hop(tcp(outside, kServer, kSyn)));

    const auto answer = world_.in(tcp(kServer, outside, kSynAck));
    ASSERT_EQ(answer.size(), 1U);
    EXPECT_EQ(answer[0].outer_tag, 10);
    EXPECT_EQ(answer[0].packet, hop(tcp(kServer, kClient, kSynAck)));

    const auto other_link =
        world_.out(Customer::kContoso, tcp(kClient, kServer, kSynAck), kNatSecondary);
    EXPECT_EQ(only(other_link), hop(tcp(outside, kServer, kSynAck)));
    EXPECT_EQ(world_.sessions(), 1U);
}

// It is known by the flow of the customer, whose VRF and port the service never sees.
TEST_F(NatWalkTest, what_comes_back_of_a_steered_name_is_held_by_its_class) {
    ImmediateGrace grace;
    const auto learned = std::move(LearnedAddresses::create(grace)).value();
    ASSERT_TRUE(
        learned->learn(kServer.address, NameSetBits{1}, 60, *Hostname::from("a.example.com"), 0));
    Policer out(rte_get_tsc_hz(), {.bytes_per_second = 1, .burst_bytes = 1}, rte_rdtsc());
    NamePolicy policy;
    const AttachmentId leg = world_.leg(Customer::kContoso, kNatPrimary);
    // Steered to where the routes lead, too.
    TestBed& bed = world_.bed();
    const NextHopId service = bed.neighbour(world_.core(), ip("192.0.2.9"), kCustomerMac);
    policy.rules.push_back({.sets = 1,
                            .outcome = {.steer = {.ipv4 = bed.group({&service, 1}), .ipv6 = {}}},
                            .police = {.in = nullptr, .out = &out}});
    bed.set_policy(leg, {.names = &policy, .name_classes = &policy, .learned = learned.get()});
    world_.republish();
    const Bytes first = only(world_.out(Customer::kContoso, udp(kClient, kServer), kNatPrimary));
    EXPECT_EQ(bed.worker().names().flows_begun.read(), 1U);
    EXPECT_EQ(world_.in(udp(kServer, source_of(first))).size(), 0U);
    EXPECT_EQ(out.dropped_packets(), 1U);
}

TEST_F(NatWalkTest, customers_with_the_same_addresses_do_not_meet) {
    const Bytes ours = only(world_.out(Customer::kContoso, udp(kClient, kServer)));
    const Bytes theirs = only(world_.out(Customer::kAdatum, udp(kClient, kServer)));
    EXPECT_EQ(source_of(theirs).address, ip("203.0.113.1"));
    EXPECT_NE(source_of(ours).address, source_of(theirs).address);
    const auto to_adatum = world_.in(udp(kServer, source_of(theirs)));
    ASSERT_EQ(to_adatum.size(), 1U);
    EXPECT_EQ(to_adatum[0].outer_tag, 20);
    EXPECT_EQ(to_adatum[0].packet, hop(udp(kServer, kClient)));
}

TEST_F(NatWalkTest, a_published_service_is_reached_and_answers) {
    const Endpoint server = at("10.0.0.80", 8'080);
    const Endpoint published = at("198.51.100.1", 80);
    EXPECT_EQ(only(world_.in(tcp(kServer, published, kSyn))), hop(tcp(kServer, server, kSyn)));
    EXPECT_EQ(only(world_.out(Customer::kContoso, tcp(server, kServer, kSynAck))),
              hop(tcp(published, kServer, kSynAck)));
    EXPECT_EQ(world_.sessions(), 0U);
}

TEST_F(NatWalkTest, a_whole_address_is_published) {
    const Endpoint inside = at("10.0.0.99", 22);
    const Endpoint outside = at("198.51.100.200", 22);
    EXPECT_EQ(only(world_.in(tcp(kServer, outside, kSyn))), hop(tcp(kServer, inside, kSyn)));
    EXPECT_EQ(
        only(world_.out(Customer::kContoso, echo({inside.address, 7}, kServer, kEchoRequest))),
        hop(echo({outside.address, 7}, kServer, kEchoRequest)));
}

TEST_F(NatWalkTest, an_exception_is_not_translated) {
    const Bytes packet = udp(kClient, at("198.19.0.1", 53));
    EXPECT_EQ(only(world_.out(Customer::kContoso, packet)), hop(packet));
    EXPECT_NE(only(world_.out(Customer::kAdatum, packet)), hop(packet));  // it has no exception
}

TEST_F(NatWalkTest, what_is_not_inside_and_what_is_not_ours_passes_as_it_is) {
    const Bytes public_source = udp(at("192.0.2.5", 1), kServer);
    EXPECT_EQ(only(world_.out(Customer::kContoso, public_source)), hop(public_source));
    const Bytes transit = udp(at("192.0.2.5", 1), at("198.18.77.1", 2));
    EXPECT_EQ(only(world_.in(transit)), hop(transit));
    EXPECT_EQ(world_.sessions(), 0U);
}

// RFC 4787 REQ-9, with the external source address and port.
TEST_F(NatWalkTest, two_hosts_inside_meet_by_their_public_endpoints) {
    const Endpoint peer = at("10.0.0.6", 50'000);
    const Endpoint ours = source_of(only(world_.out(Customer::kContoso, udp(kClient, kServer))));
    const Endpoint theirs = source_of(only(world_.out(Customer::kContoso, udp(peer, kServer))));
    const auto sent = world_.out(Customer::kContoso, udp(kClient, theirs));
    ASSERT_EQ(sent.size(), 1U);
    EXPECT_EQ(sent[0].outer_tag, 10);
    EXPECT_EQ(sent[0].packet, hop(udp(ours, peer)));

    const Endpoint stranger = source_of(only(world_.out(Customer::kAdatum, udp(kClient, kServer))));
    const auto across = world_.out(Customer::kAdatum, udp(kClient, theirs));
    ASSERT_EQ(across.size(), 1U);
    EXPECT_EQ(across[0].outer_tag, 10);
    EXPECT_EQ(across[0].packet, hop(udp(stranger, peer)));
}

TEST_F(NatWalkTest, pings_go_and_come) {
    const Endpoint client{kClient.address, 77};
    const Bytes request = only(world_.out(Customer::kContoso, echo(client, kServer, kEchoRequest)));
    const Endpoint outside = source_of(request);
    EXPECT_EQ(request, hop(echo(outside, kServer, kEchoRequest)));
    const Bytes reply = echo({kServer.address, 0}, outside, kEchoReply);
    EXPECT_EQ(only(world_.in(reply)), hop(echo({kServer.address, 0}, client, kEchoReply)));
}

TEST_F(NatWalkTest, an_icmp_error_comes_with_what_it_is_about) {
    const Bytes request = udp(kClient, kServer);
    const Bytes outside = only(world_.out(Customer::kContoso, request));
    const Ipv4Address router = ip("198.18.5.5");
    const Bytes inside = only(world_.in(build_error(router, 3, outside, 28)));
    EXPECT_EQ(inside, hop(build_error(router, 3, hop(request), 28)));
}

TEST_F(NatWalkTest, a_router_with_an_address_of_its_own_may_say_something_about_a_packet_inside) {
    const Bytes outside = only(world_.out(Customer::kContoso, udp(kClient, kServer)));
    const Endpoint ours = source_of(outside);
    const Bytes answer = udp(kServer, ours);
    const Bytes inside = only(world_.in(answer));
    const Bytes error = build_error(ip("192.168.0.1"), 11, inside, 28);
    EXPECT_EQ(only(world_.out(Customer::kContoso, error)),
              hop(build_error(ours.address, 11, hop(answer), 28)));
    const Bytes about_others =
        build_error(ip("192.168.0.1"), 11, udp(kServer, at("192.0.2.1", 1)), 28);
    EXPECT_EQ(only(world_.out(Customer::kContoso, about_others)), hop(about_others));
}

TEST_F(NatWalkTest, fragments_follow_their_first_in_any_order) {
    const Endpoint remote = at("198.18.0.9", 9'000);
    const auto pieces = fragments_of(udp(kClient, remote, 300), 128);
    ASSERT_EQ(pieces.size(), 3U);
    world_.from_inside(Customer::kContoso, kNatPrimary, pieces[2]);
    world_.from_inside(Customer::kContoso, kNatSecondary, pieces[1]);
    EXPECT_TRUE(world_.run().empty());
    auto sent = world_.out(Customer::kContoso, pieces[0]);
    ASSERT_EQ(sent.size(), 3U);
    const auto first = std::ranges::find_if(
        sent, [](const auto& one) { return (word(one.packet, 6) & 0x1fff) == 0; });
    ASSERT_NE(first, sent.end());
    auto expected = fragments_of(udp(source_of(first->packet), remote, 300), 128);
    std::vector<Bytes> got;
    for (auto& one : sent) got.push_back(one.packet);
    for (Bytes& piece : expected) piece = hop(piece);
    std::ranges::sort(got);
    std::ranges::sort(expected);
    EXPECT_EQ(got, expected);
}

TEST_F(NatWalkTest, fragments_that_nobody_completes_are_bounded_and_go) {
    for (std::uint16_t id = 1; id <= 200; ++id) {
        const auto pieces = fragments_of(build({.protocol = NatProtocol::kUdp,
                                                .source = kClient,
                                                .destination = kServer,
                                                .identification = id,
                                                .payload_bytes = 300}),
                                         128);
        world_.from_inside(Customer::kContoso, kNatPrimary, pieces[1]);
    }
    EXPECT_TRUE(world_.run().empty());
    const AttachmentId leg = world_.leg(Customer::kContoso, kNatPrimary);
    const std::uint64_t refused = world_.exits(leg, Exit::kNatFragmentsFull);
    EXPECT_GE(refused, 200U - 32);
    EXPECT_EQ(rte_mempool_in_use_count(world_.bed().pool()), 200 - refused);
    world_.pass(6);
    EXPECT_EQ(world_.exits(leg, Exit::kNatFragmentLost), 200 - refused);
    EXPECT_EQ(rte_mempool_in_use_count(world_.bed().pool()), 0U);
}

// What the control thread answers, it sees as it came, because its error quotes it.
TEST_F(NatWalkTest, what_goes_up_to_be_answered_goes_up_as_it_came) {
    const Bytes outside = only(world_.out(Customer::kContoso, udp(kClient, kServer)));
    const Bytes expiring_out = with_ttl(udp(kClient, kServer), 1);
    const Bytes expiring_in = with_ttl(udp(kServer, source_of(outside)), 1);
    const Bytes lost = udp(kClient, at("192.0.2.1", 5));
    const Bytes for_us = echo({kClient.address, 5}, at("192.168.0.2", 0), kEchoRequest);
    Bytes big = udp(kClient, kServer, 1'450);
    big[6] |= 0x40;
    big = hop(std::move(big));
    const struct {
        Bytes packet;
        Exit exit;
    } outbound[] = {{expiring_out, Exit::kTtlExpired},
                    {lost, Exit::kNoRoute},
                    {for_us, Exit::kLocal},
                    {big, Exit::kTooBig}};
    for (const auto& [packet, exit] : outbound) {
        EXPECT_TRUE(world_.out(Customer::kContoso, packet).empty());
        auto punted = world_.bed().punted();
        ASSERT_EQ(punted.size(), 1U) << info_of(exit).name;
        EXPECT_EQ(punted[0].note().exit, exit);
        punted[0].strip(punted[0].note().header_bytes);
        EXPECT_EQ(Bytes(punted[0].bytes().begin(), punted[0].bytes().end()), packet)
            << info_of(exit).name;
    }
    EXPECT_TRUE(world_.in(expiring_in).empty());
    auto punted = world_.bed().punted();
    ASSERT_EQ(punted.size(), 1U);
    punted[0].strip(punted[0].note().header_bytes);
    EXPECT_EQ(Bytes(punted[0].bytes().begin(), punted[0].bytes().end()), expiring_in);
    EXPECT_NE(punted[0].note().vrf, world_.inside_vrf(Customer::kContoso));
}

TEST_F(NatWalkTest, what_goes_up_to_be_sent_on_goes_up_translated) {
    const Bytes big = udp(kClient, kServer, 1'450);
    EXPECT_TRUE(world_.out(Customer::kContoso, big).empty());
    auto punted = world_.bed().punted();
    ASSERT_EQ(punted.size(), 1U);
    EXPECT_EQ(punted[0].note().exit, Exit::kTooBig);
    punted[0].strip(punted[0].note().header_bytes);
    const Bytes up(punted[0].bytes().begin(), punted[0].bytes().end());
    EXPECT_EQ(up, udp(source_of(up), kServer, 1'450));
    EXPECT_NE(source_of(up).address, kClient.address);
}

TEST_F(NatWalkTest, a_session_ends_at_an_operators_word_and_by_its_timer) {
    (void)world_.out(Customer::kContoso, udp(kClient, kServer));
    (void)world_.out(Customer::kContoso, tcp(kClient, kServer, kSyn));
    ASSERT_EQ(world_.sessions(), 2U);
    const SessionTable& table = world_.engine().translator(0).sessions();
    std::uint32_t udp_session = 0;
    for (std::uint32_t k = 1; k <= table.sessions_max(); ++k) {
        const auto reading = table.read(k);
        if (!reading || reading->inside.protocol() != NatProtocol::kUdp) continue;
        udp_session = k;
        ASSERT_TRUE(
            world_.bed().nat_lane(0).ask_to_clear({.session = k, .version = reading->version}));
    }
    ASSERT_NE(udp_session, 0U);
    (void)world_.run();
    EXPECT_EQ(world_.sessions(), 1U);
    EXPECT_EQ(world_.bed().worker().nat().cleared(), 1U);
    world_.pass(239);
    EXPECT_EQ(world_.sessions(), 1U);
    world_.pass(2);
    EXPECT_EQ(world_.sessions(), 0U);
}

}  // namespace
}  // namespace causeway::test
