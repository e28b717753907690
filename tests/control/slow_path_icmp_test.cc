// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "control/slow_path/icmp.h"
#include "tests/control/slow_path_fixture.h"

namespace causeway::test {
namespace {

class SlowPathIcmp : public SlowPathFixture {
  protected:
    SlowPathIcmp() { resolve_customer(); }

    static FrameBuilder packet(const char* source = "10.1.0.10") {
        return from_customer().ipv4(source, "10.3.0.10").udp(4'000, 53).payload(40);
    }
    static Frame layer3(const FrameBuilder& frame) {
        const Frame bytes = frame.bytes();
        return {bytes.begin() + 22, bytes.end()};
    }
    // RFC 1812 4.3: the error quotes as much as fits in 576 bytes, comes from the address of the
    // link that the packet came by, and goes to its source.
    void expect_error(const Frame& about, std::uint8_t type, std::uint8_t code,
                      std::uint16_t mtu = 0) {
        const Heard error = hear_one();
        ASSERT_GE(error.packet.size(), 28U);
        EXPECT_EQ(error.out, kEdge);
        EXPECT_EQ(error.to, kNeighbourMac);
        const Ipv4Header header = error.ipv4();
        EXPECT_EQ(header.version_ihl, 0x45);
        EXPECT_EQ(header.dscp_ecn, 0xc0);
        EXPECT_EQ(header.total_length.host(), error.packet.size());
        EXPECT_EQ(header.ttl, 64);
        EXPECT_EQ(header.protocol, 1);
        EXPECT_EQ(header.source.host(), ip("192.168.0.2").value());
        EXPECT_EQ(header.destination.host(), ip("10.1.0.10").value());
        EXPECT_TRUE(sums_up(std::span(error.packet).first(20)));
        EXPECT_TRUE(sums_up(std::span(error.packet).subspan(20)));
        EXPECT_EQ(error.icmp().type, type);
        EXPECT_EQ(error.icmp().code, code);
        EXPECT_EQ(error.icmp().rest_high.host(), 0);
        EXPECT_EQ(error.icmp().rest_low.host(), mtu);
        const Frame quoted(error.packet.begin() + 28, error.packet.end());
        const Frame wanted(
            about.begin(),
            about.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(about.size(), 548)));
        EXPECT_EQ(quoted, wanted) << "the packet as it came";
        EXPECT_EQ(bed_.count(SlowEvent::kErrorSent), 1U);
    }
};

struct ErrorCase {
    const char* says;
    Exit exit;
    std::uint8_t type;
    std::uint8_t code;
};

class SlowPathError : public SlowPathIcmp, public testing::WithParamInterface<ErrorCase> {};

TEST_P(SlowPathError, is_answered_by_the_error_of_its_kind) {
    const FrameBuilder frame = packet();
    bed_.handle(kEdge, GetParam().exit, frame.bytes());
    expect_error(layer3(frame), GetParam().type, GetParam().code);
}

INSTANTIATE_TEST_SUITE_P(Kinds, SlowPathError,
                         testing::Values(ErrorCase{"expired", Exit::kTtlExpired, 11, 0},
                                         ErrorCase{"no_route", Exit::kNoRoute, 3, 0},
                                         ErrorCase{"unreachable", Exit::kUnreachable, 3, 1},
                                         ErrorCase{"next_hop_down", Exit::kNextHopDown, 3, 1},
                                         ErrorCase{"prohibited", Exit::kProhibit, 3, 13},
                                         ErrorCase{"nobody_listens_on_the_port", Exit::kLocal, 3,
                                                   3}),
                         [](const auto& each) { return std::string(each.param.says); });

TEST_F(SlowPathIcmp, a_long_packet_is_quoted_to_576_bytes) {
    const FrameBuilder frame = packet().payload(1'400);
    bed_.handle(kEdge, Exit::kTtlExpired, frame.bytes());
    expect_error(layer3(frame), 11, 0);
}

TEST_F(SlowPathIcmp, padding_is_not_quoted) {
    const FrameBuilder frame = from_customer().ipv4("10.1.0.10", "10.3.0.10").udp(1, 2);
    Frame padded = frame.bytes();
    padded.resize(64, 0xaa);
    bed_.handle(kEdge, Exit::kNoRoute, padded);
    expect_error(layer3(frame), 3, 0);
}

TEST_F(SlowPathIcmp, to_us_but_of_a_protocol_we_do_not_speak) {
    const FrameBuilder frame = from_customer().ipv4("10.1.0.10", "192.168.0.2").payload(8);
    bed_.handle(kEdge, Exit::kLocal, frame.bytes());
    expect_error(layer3(frame), 3, 2);
}

TEST_F(SlowPathIcmp, too_big_and_not_to_be_fragmented_names_the_mtu_of_the_way_out) {
    resolve_core();
    const FrameBuilder frame = packet().payload(1'400).dont_fragment();
    bed_.handle(kEdge, Exit::kTooBig, frame.bytes());
    expect_error(layer3(frame), 3, 4, 1'400);
}

TEST_F(SlowPathIcmp, too_big_with_no_way_out_any_more_is_let_go) {
    bed_.handle(kEdge, Exit::kTooBig, packet().payload(1'400).dont_fragment().bytes());
    expect_silence(SlowEvent::kNoWayOut);
}

TEST_F(SlowPathIcmp, some_packets_no_error_may_answer) {
    const auto icmp = [](std::uint8_t type) {
        Frame frame = from_customer().ipv4("10.1.0.10", "10.3.0.10").echo_request(1, 1).bytes();
        frame[22 + 20] = type;
        return frame;
    };
    struct Case {
        const char* says;
        Frame frame;
    };
    const Case cases[] = {
        {"unreachable", icmp(3)},
        {"source quench", icmp(4)},
        {"redirect", icmp(5)},
        {"time exceeded", icmp(11)},
        {"parameter problem", icmp(12)},
        {"ICMP of no bytes",
         [] {
             Frame frame = from_customer().ipv4("10.1.0.10", "10.3.0.10").bytes();
             frame[22 + 9] = 1;
             return frame;
         }()},
        {"a later fragment", packet().fragment(64, 0).bytes()},
        {"from this host", packet("0.1.2.3").bytes()},
        {"from loopback", packet("127.0.0.1").bytes()},
        {"from a group", packet("224.0.0.5").bytes()},
        {"from class E", packet("250.0.0.1").bytes()},
    };
    std::uint64_t forbidden = 0;
    for (const Case& each : cases) {
        SCOPED_TRACE(each.says);
        bed_.handle(kEdge, Exit::kTtlExpired, each.frame);
        expect_silence(SlowEvent::kErrorForbidden, ++forbidden);
    }
    bed_.handle(kEdge, Exit::kTtlExpired, icmp(8));
    EXPECT_EQ(hear().size(), 1U) << "an echo request may be answered with an error";
    bed_.handle(kEdge, Exit::kTtlExpired, packet().fragment(0, Ipv4Header::kMoreFragments).bytes());
    EXPECT_EQ(hear().size(), 1U) << "so may the first fragment";
}

TEST_F(SlowPathIcmp, a_ping_of_our_address_is_answered) {
    const Frame request = from_customer()
                              .ipv4("10.1.0.10", "192.168.0.2")
                              .echo_request(0x1234, 7)
                              .payload(57)
                              .ttl(3)
                              .bytes();
    Frame with_checksum = request;  // the builder sums before the payload, which is zeros
    bed_.handle(kEdge, Exit::kLocal, with_checksum);
    const Heard reply = hear_one();
    EXPECT_EQ(reply.out, kEdge);
    EXPECT_EQ(reply.ipv4().source.host(), ip("192.168.0.2").value());
    EXPECT_EQ(reply.ipv4().destination.host(), ip("10.1.0.10").value());
    EXPECT_EQ(reply.ipv4().ttl, 64);
    EXPECT_TRUE(sums_up(std::span(reply.packet).first(20)));
    EXPECT_TRUE(sums_up(std::span(reply.packet).subspan(20)));
    EXPECT_EQ(reply.icmp().type, 0);
    EXPECT_EQ(reply.icmp().rest_high.host(), 0x1234);
    EXPECT_EQ(reply.icmp().rest_low.host(), 7);
    EXPECT_TRUE(std::equal(reply.packet.begin() + 24, reply.packet.end(), request.begin() + 46));
}

TEST_F(SlowPathIcmp, a_broken_ping_or_another_message_to_us_is_ignored) {
    Frame broken = from_customer().ipv4("10.1.0.10", "192.168.0.2").echo_request(1, 1).bytes();
    broken.back() ^= 1;
    bed_.handle(kEdge, Exit::kLocal, broken);
    Frame reply = from_customer().ipv4("10.1.0.10", "192.168.0.2").echo_request(1, 1).bytes();
    reply[22 + 20] = 0;
    bed_.handle(kEdge, Exit::kLocal, reply);
    expect_silence(SlowEvent::kLocalIgnored, 2);
}

TEST_F(SlowPathIcmp, a_full_ring_to_the_worker_is_counted) {
    bed_.transmitter.refuse();
    bed_.handle(kEdge, Exit::kNoRoute, packet().bytes());
    expect_silence(SlowEvent::kInjectFull);
}

TEST_F(SlowPathIcmp, an_empty_pool_is_counted) {
    Packet waiting = bed_.punted(kEdge, Exit::kNoRoute, packet().bytes());
    std::vector<Packet> all;
    while (auto packet = bed_.transmitter.make_packet()) all.push_back(std::move(*packet));
    bed_.slow_path.handle(std::move(waiting), bed_.now_ns);
    expect_silence(SlowEvent::kNoBuffer);
}

TEST_F(SlowPathIcmp, an_error_to_where_no_route_leads_is_let_go) {
    bed_.handle(kEdge, Exit::kTtlExpired, packet("203.0.113.9").bytes());
    EXPECT_TRUE(hear().empty());
    EXPECT_EQ(bed_.count(SlowEvent::kNoWayOut), 1U);
}

// Each attachment and each kind of answer has a bucket of its own.
class SlowPathRates : public SlowPathFixture {
  protected:
    SlowPathRates()
        : SlowPathFixture({.echo = {.per_second = 10, .burst = 5},
                           .time_exceeded = {.per_second = 1, .burst = 3},
                           .unreachable = {.per_second = 2, .burst = 2},
                           .too_big = {.per_second = 4, .burst = 4}}) {
        resolve_customer();
        resolve_core();
    }
    std::size_t answers_to(AttachmentId in, Exit exit, const Frame& frame, unsigned times) {
        for (unsigned i = 0; i < times; ++i) bed_.handle(in, exit, frame);
        return hear().size();
    }
    const Frame customers_ =
        from_customer().ipv4("10.1.0.10", "10.3.0.10").udp(1, 2).payload(1'400).bytes();
    const Frame clouds_ = from_core().ipv4("10.3.0.10", "10.1.0.10").udp(1, 2).bytes();
    const Frame too_big_ = from_customer()
                               .ipv4("10.1.0.10", "10.3.0.10")
                               .udp(1, 2)
                               .payload(1'400)
                               .dont_fragment()
                               .bytes();
    const Frame ping_ = from_customer().ipv4("10.1.0.10", "192.168.0.2").echo_request(1, 1).bytes();
};

TEST_F(SlowPathRates, a_flood_of_one_kind_silences_no_other_kind_and_nobody_else) {
    EXPECT_EQ(answers_to(kEdge, Exit::kTtlExpired, customers_, 100), 3U);
    EXPECT_EQ(bed_.count(SlowEvent::kErrorLimited), 97U);
    EXPECT_EQ(answers_to(kEdge, Exit::kNoRoute, customers_, 100), 2U);
    EXPECT_EQ(answers_to(kEdge, Exit::kTooBig, too_big_, 100), 4U);
    EXPECT_EQ(answers_to(kEdge, Exit::kLocal, ping_, 100), 5U);
    EXPECT_EQ(bed_.count(SlowEvent::kEchoLimited), 95U);
    EXPECT_EQ(answers_to(kCore, Exit::kTtlExpired, clouds_, 100), 3U);
}

TEST_F(SlowPathRates, time_brings_answers_back_at_the_rate) {
    EXPECT_EQ(answers_to(kEdge, Exit::kTtlExpired, customers_, 10), 3U);
    bed_.now_ns += kSecond - 1;
    EXPECT_EQ(answers_to(kEdge, Exit::kTtlExpired, customers_, 10), 0U);
    bed_.now_ns += 1;
    EXPECT_EQ(answers_to(kEdge, Exit::kTtlExpired, customers_, 10), 1U);
    bed_.now_ns += 3'600 * kSecond;
    EXPECT_EQ(answers_to(kEdge, Exit::kTtlExpired, customers_, 10), 3U) << "never above the burst";
}

}  // namespace
}  // namespace causeway::test
