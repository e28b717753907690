// SPDX-License-Identifier: Apache-2.0
//
// Who may take the control thread's time: classes, buckets, and the preference of established BGP
// sessions, on a clock of the test's.
#include "dataplane/punt_police.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/frame_builder.h"
#include "tests/support/seed.h"

namespace causeway::test {
namespace {

constexpr std::uint64_t kHz = 1'000'000'000;  // a tick is a nanosecond
constexpr std::uint64_t kMillisecond = kHz / 1'000;
constexpr AttachmentId kEdge{16};
constexpr AttachmentId kOther{17};
constexpr AttachmentId kCore{18};
constexpr std::size_t kHeaderBytes = 14;

constexpr PuntLimits kSmall = [] {
    PuntLimits limits;
    limits.fill({.attachment = {.per_second = 100, .burst = 10},
                 .total = {.per_second = 1'000, .burst = 25}});
    return limits;
}();

// A packet that has left the walk.
struct Punted {
    std::vector<std::uint8_t> bytes;
    PacketMeta meta{};

    Punted(const FrameBuilder& builder, AttachmentId in, Exit exit) : bytes(builder.bytes()) {
        meta.frame = bytes.data() + kHeaderBytes;
        meta.packet_bytes = static_cast<std::uint16_t>(bytes.size() - kHeaderBytes);
        meta.attachment = in;
        meta.exit = exit;
    }
    Punted(const Punted&) = delete;
    Punted& operator=(const Punted&) = delete;
};

class PuntPoliceTest : public testing::Test {
  protected:
    PuntPoliceTest() {
        const PuntParties customer{
            .ipv4 = {{ip("192.168.0.2"), prefix("192.168.0.1/32")}},
            .ipv6 = {{ip6("2001:db8:15::2"), prefix6("2001:db8:15::1/128")}}};
        police_.begin(kEdge, customer);
        police_.begin(kOther, customer);
        police_.begin(kCore, {.ipv4 = {{ip("10.2.0.1"), prefix("10.2.0.0/24")}}, .ipv6 = {}});
    }
    static FrameBuilder from_customer() { return frame().ipv4("192.168.0.1", "192.168.0.2"); }
    static FrameBuilder from_customer6() {
        return frame().ipv6("2001:db8:15::1", "2001:db8:15::2");
    }
    PuntClass local(const FrameBuilder& builder, AttachmentId in = kEdge) {
        return police_.class_of(Punted(builder, in, Exit::kLocal).meta);
    }
    // How many of so many such packets pass at this moment.
    unsigned pass(const FrameBuilder& builder, unsigned count, AttachmentId in = kEdge,
                  Exit exit = Exit::kLocal) {
        unsigned passed = 0;
        const Punted packet(builder, in, exit);
        for (unsigned k = 0; k < count; ++k) passed += police_.admit(packet.meta, now_) ? 1 : 0;
        return passed;
    }

    PuntPolice police_{kHz, kSmall};
    std::uint64_t now_ = 77 * kHz;
};

TEST_F(PuntPoliceTest, what_is_not_for_us_is_told_by_its_exit) {
    const FrameBuilder any = frame().ipv4("10.1.0.1", "10.2.0.1").tcp(1, 179);
    for (const ExitInfo& info : kExits) {
        if (info.fate != Fate::kPunt || info.exit == Exit::kLocal) continue;
        const bool is_neighbours =
            info.exit == Exit::kArp || info.exit == Exit::kNeighbourDiscovery;
        EXPECT_EQ(police_.class_of(Punted(any, kEdge, info.exit).meta),
                  is_neighbours ? PuntClass::kNeighbour : PuntClass::kTransit)
            << info.name;
    }
}

TEST_F(PuntPoliceTest, bgp_and_bfd_are_the_configured_peers) {
    EXPECT_EQ(local(from_customer().tcp(4'000, 179)), PuntClass::kBgpNew);
    EXPECT_EQ(local(from_customer().tcp(179, 4'000)), PuntClass::kBgpNew);
    EXPECT_EQ(local(from_customer6().tcp(4'000, 179)), PuntClass::kBgpNew);
    EXPECT_EQ(local(from_customer().ttl(255).udp(49'152, 3'784)), PuntClass::kBfd);
    EXPECT_EQ(local(from_customer6().ttl(255).udp(49'152, 3'784)), PuntClass::kBfd);
    EXPECT_EQ(local(from_customer().ttl(255).udp(49'152, 3'785)), PuntClass::kBfd);

    EXPECT_EQ(local(from_customer().ttl(254).udp(49'152, 3'784)), PuntClass::kRest) << "routed";
    EXPECT_EQ(local(frame().ipv4("10.1.0.1", "192.168.0.2").tcp(4'000, 179)), PuntClass::kRest);
    EXPECT_EQ(local(frame().ipv4("192.168.0.1", "10.2.0.1").tcp(4'000, 179)), PuntClass::kRest)
        << "another address of ours";
    EXPECT_EQ(local(frame().ipv4("10.1.0.1", "192.168.0.2").ttl(255).udp(1, 3'784)),
              PuntClass::kRest);
    EXPECT_EQ(local(frame().ipv6("2001:db8:1::1", "2001:db8:15::2").tcp(4'000, 179)),
              PuntClass::kRest);
    EXPECT_EQ(local(from_customer6().tcp(4'000, 179), kCore), PuntClass::kRest)
        << "the core has no IPv6";
    EXPECT_EQ(local(frame().ipv4("10.2.0.77", "10.2.0.1").tcp(179, 1), kCore), PuntClass::kBgpNew)
        << "anybody of a core's subnet";
    EXPECT_EQ(local(frame().ipv4("10.3.0.77", "10.2.0.1").tcp(179, 1), kCore), PuntClass::kRest);
}

TEST_F(PuntPoliceTest, the_rest_is_icmp_or_rest) {
    EXPECT_EQ(local(from_customer().echo_request(1, 1)), PuntClass::kIcmp);
    EXPECT_EQ(local(from_customer6().icmpv6(Icmpv6Type::kEchoRequest)), PuntClass::kIcmp);
    EXPECT_EQ(local(from_customer().tcp(4'000, 22)), PuntClass::kRest);
    EXPECT_EQ(local(from_customer().udp(179, 179)), PuntClass::kRest) << "BGP is TCP";
    EXPECT_EQ(local(from_customer()), PuntClass::kRest) << "nothing behind the header";
    EXPECT_EQ(local(from_customer().tcp(4'000, 179).fragment(0, 0x2000)), PuntClass::kRest);
    EXPECT_EQ(local(from_customer6().extension(IpProtocol::kHopByHopOptions).tcp(1, 179)),
              PuntClass::kRest)
        << "no peer hides its session behind options";
}

TEST_F(PuntPoliceTest, an_established_session_is_known_by_address_and_ports) {
    police_.note_session(kEdge, {ip("192.168.0.1"), 4'000, 179});
    police_.note_session(kEdge, {ip6("2001:db8:15::1"), 179, 5'000});
    EXPECT_EQ(local(from_customer().tcp(4'000, 179)), PuntClass::kBgp);
    EXPECT_EQ(local(from_customer6().tcp(179, 5'000)), PuntClass::kBgp);
    EXPECT_EQ(local(from_customer().tcp(4'001, 179)), PuntClass::kBgpNew);
    EXPECT_EQ(local(from_customer().tcp(179, 4'000)), PuntClass::kBgpNew);
    EXPECT_EQ(local(from_customer6().tcp(4'000, 179)), PuntClass::kBgpNew);
    EXPECT_EQ(local(from_customer().tcp(4'000, 179), kOther), PuntClass::kBgpNew)
        << "sessions are an attachment's own";
    EXPECT_EQ(local(frame().ipv4("10.1.0.1", "192.168.0.2").tcp(4'000, 179)), PuntClass::kRest);
}

TEST_F(PuntPoliceTest, the_oldest_session_makes_room) {
    const auto note = [&](std::uint16_t port) {
        police_.note_session(kEdge, {ip("192.168.0.1"), port, 179});
    };
    for (std::uint16_t k = 0; k < PuntPolice::kSessionsMax; ++k) note(4'000 + k);
    for (int again = 0; again < 100; ++again) note(4'007);  // is known, and takes no room
    EXPECT_EQ(local(from_customer().tcp(4'000, 179)), PuntClass::kBgp);
    note(5'000);
    EXPECT_EQ(local(from_customer().tcp(4'000, 179)), PuntClass::kBgpNew);
    EXPECT_EQ(local(from_customer().tcp(4'001, 179)), PuntClass::kBgp);
}

TEST_F(PuntPoliceTest, a_class_has_its_burst_and_its_rate) {
    const FrameBuilder ssh = from_customer().tcp(4'000, 22);
    EXPECT_EQ(pass(ssh, 1'000), 10U);
    now_ += 100 * kMillisecond;
    EXPECT_EQ(pass(ssh, 1'000), 10U);
    now_ += 50 * kMillisecond;
    EXPECT_EQ(pass(ssh, 1'000), 5U);
    now_ += 3'600 * kHz;
    EXPECT_EQ(pass(ssh, 1'000), 10U) << "never more than the burst";
    const PuntCounts counts = police_.counts(kEdge, PuntClass::kRest);
    EXPECT_EQ(counts.passed, 35U);
    EXPECT_EQ(counts.over_attachment, 4'000U - 35U);
    EXPECT_EQ(counts.over_total, 0U);
}

TEST_F(PuntPoliceTest, a_flood_leaves_the_other_classes_and_attachments_alone) {
    police_.note_session(kEdge, {ip("192.168.0.1"), 4'000, 179});
    EXPECT_EQ(pass(from_customer().tcp(6'666, 179), 1'000'000), 10U);
    EXPECT_EQ(pass(from_customer().tcp(6'666, 80), 1'000'000), 10U);
    EXPECT_EQ(pass(from_customer().echo_request(1, 1), 1'000'000), 10U);
    EXPECT_EQ(pass(from_customer().tcp(4'000, 179), 10), 10U) << "the session";
    EXPECT_EQ(pass(from_customer().ttl(255).udp(1, 3'784), 10), 10U);
    EXPECT_EQ(pass(from_customer(), 10, kEdge, Exit::kArp), 10U);
    EXPECT_EQ(pass(from_customer(), 10, kEdge, Exit::kTtlExpired), 10U);
    EXPECT_EQ(pass(from_customer().tcp(6'666, 179), 10, kOther), 10U);
}

TEST_F(PuntPoliceTest, all_attachments_together_have_a_bucket_too) {
    const FrameBuilder ssh = from_customer().tcp(4'000, 22);
    EXPECT_EQ(pass(ssh, 100), 10U);
    EXPECT_EQ(pass(ssh, 100, kOther), 10U);
    EXPECT_EQ(pass(ssh, 100, kCore), 5U);
    EXPECT_EQ(police_.counts(kCore, PuntClass::kRest).over_total, 95U);
    EXPECT_EQ(police_.counts(kCore, PuntClass::kRest).over_attachment, 0U)
        << "what all together refuse costs the attachment nothing";
    now_ += 5 * kMillisecond;
    EXPECT_EQ(pass(ssh, 100, kCore), 5U);
}

TEST_F(PuntPoliceTest, limits_change_while_we_run) {
    const FrameBuilder ssh = from_customer().tcp(4'000, 22);
    EXPECT_EQ(pass(ssh, 100), 10U);
    PuntLimits limits = kSmall;
    limits[static_cast<std::size_t>(PuntClass::kRest)] = {{1'000, 20}, {1'000, 25}};
    police_.set_limits(limits);
    EXPECT_EQ(police_.limits(), limits);
    now_ += kHz;
    EXPECT_EQ(pass(ssh, 100), 20U);
}

TEST_F(PuntPoliceTest, a_new_owner_of_a_row_begins_with_nothing) {
    police_.note_session(kEdge, {ip("192.168.0.1"), 4'000, 179});
    (void)pass(from_customer().tcp(4'000, 22), 100);
    police_.begin(kEdge, {});
    EXPECT_EQ(police_.counts(kEdge, PuntClass::kRest).passed, 0U);
    EXPECT_EQ(local(from_customer().tcp(4'000, 179)), PuntClass::kRest) << "it has no peer";
    EXPECT_EQ(local(frame().ipv4("192.168.0.1", "0.0.0.0").tcp(4'000, 179)), PuntClass::kRest);
    EXPECT_EQ(pass(from_customer().tcp(4'000, 22), 100), 10U);
}

// Against a twin in floating point, at random times: the same packets pass, give or take the one
// that rounding decides.
TEST_F(PuntPoliceTest, buckets_are_those_of_the_slow_twin) {
    SeededRandom random;
    for (int round = 0; round < 20; ++round) {
        PuntLimits limits = kSmall;
        const auto rate = static_cast<std::uint32_t>(1 + random.below(100'000));
        const auto burst = static_cast<std::uint32_t>(1 + random.below(1'000));
        limits[static_cast<std::size_t>(PuntClass::kRest)] = {{rate, burst},
                                                              {10'000'000, 1'000'000}};
        PuntPolice police(kHz, limits);
        const Punted packet(from_customer().tcp(4'000, 22), kEdge, Exit::kLocal);
        double tokens = burst;
        std::uint64_t now = random() >> 8;
        long difference = 0;
        for (int k = 0; k < 20'000; ++k) {
            const std::uint64_t step = random.below(2 * kHz / rate);
            now += step;
            tokens = std::min<double>(burst, tokens + static_cast<double>(step) * rate / kHz);
            const bool twin = tokens >= 1;
            if (twin) tokens -= 1;
            difference += (police.admit(packet.meta, now) ? 1 : 0) - (twin ? 1 : 0);
            ASSERT_LE(std::abs(difference), 2) << "rate " << rate << ", burst " << burst;
        }
    }
}

}  // namespace
}  // namespace causeway::test
