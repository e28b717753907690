// SPDX-License-Identifier: Apache-2.0
//
// Two routers' BFD engines against each other by whole frames, in virtual time.
#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <deque>
#include <vector>

#include "control/bfd/engine.h"
#include "tests/support/seed.h"

namespace causeway::test {
namespace {

constexpr std::uint64_t kMs = 1'000'000;
constexpr std::size_t kLinkBytes = 22;
constexpr AttachmentId kAttachment{40};
const IpAddress kNearIpv4 = Ipv4Address(0xc0a8'0002);
const IpAddress kFarIpv4 = Ipv4Address(0xc0a8'0001);
const IpAddress kNearIpv6 = Ipv6Address(0x2001'0db8'0000'0000, 2);
const IpAddress kFarIpv6 = Ipv6Address(0x2001'0db8'0000'0000, 1);

using Payload = std::array<std::uint8_t, kBfdPacketBytes>;

BfdFrame packet_of(const BfdPath& path, const Payload& payload) {
    BfdFrame frame{.attachment = kAttachment};
    append_bfd_datagram(frame, path, payload);
    return frame;
}

Payload random_payload(SeededRandom& random) {
    Payload payload;
    for (std::uint8_t& byte : payload) byte = static_cast<std::uint8_t>(random());
    return payload;
}

TEST(BfdDatagramProperty, comes_back_as_it_was_written_and_not_otherwise) {
    SeededRandom random;
    for (std::size_t i = 0; i < rounds(2'000); ++i) {
        const bool is_ipv4 = random.below(2) == 0;
        const BfdPath path{.source = is_ipv4 ? kNearIpv4 : kNearIpv6,
                           .destination = is_ipv4 ? kFarIpv4 : kFarIpv6,
                           .source_port = static_cast<std::uint16_t>(random())};
        const Payload payload = random_payload(random);
        BfdFrame frame = packet_of(path, payload);
        const std::size_t bytes = frame.size;
        frame.size = static_cast<std::uint8_t>(bytes + random.below(4));  // padding
        const auto parsed = parse_bfd_datagram(frame.view());
        const auto* datagram = std::get_if<BfdDatagram>(&parsed);
        ASSERT_NE(datagram, nullptr);
        EXPECT_EQ(datagram->path.source, path.source);
        EXPECT_EQ(datagram->path.destination, path.destination);
        EXPECT_EQ(datagram->path.source_port, path.source_port);
        EXPECT_EQ(datagram->ttl, 255);
        EXPECT_TRUE(std::ranges::equal(datagram->payload, payload));

        // One bit of what a checksum covers: all of it, but for the fixed header of IPv6.
        const std::size_t first = is_ipv4 ? 0 : offsetof(Ipv6Header, source);
        const std::size_t where = first + random.below(bytes - first);
        frame.bytes[where] ^= static_cast<std::uint8_t>(1U << random.below(8));
        EXPECT_TRUE(std::holds_alternative<BfdDiscard>(parse_bfd_datagram(frame.view()))) << where;
        frame.size = static_cast<std::uint8_t>(random.below(bytes));
        EXPECT_TRUE(std::holds_alternative<BfdDiscard>(parse_bfd_datagram(frame.view())));
    }
}

TEST(BfdDatagram, may_lack_a_checksum_in_ipv4_alone) {
    for (const bool is_ipv4 : {true, false}) {
        const BfdPath path{.source = is_ipv4 ? kNearIpv4 : kNearIpv6,
                           .destination = is_ipv4 ? kFarIpv4 : kFarIpv6,
                           .source_port = 50'000};
        BfdFrame frame = packet_of(path, {});
        const std::size_t udp = is_ipv4 ? sizeof(Ipv4Header) : sizeof(Ipv6Header);
        frame.bytes[udp + 6] = frame.bytes[udp + 7] = 0;
        EXPECT_EQ(std::holds_alternative<BfdDatagram>(parse_bfd_datagram(frame.view())), is_ipv4);
    }
}

// One end of the wire: what it sends waits in `sent`.
class End final : public BfdTransmitter {
  public:
    explicit End(std::uint32_t sessions_max = 4)
        : engine({.sessions_max = sessions_max, .seed = 7}, *this, 0) {}
    bool send(const BfdFrame& frame) override {
        if (refuses) return false;
        sent.push_back(frame);
        return true;
    }

    BfdEngine engine;
    std::deque<BfdFrame> sent;
    bool refuses = false;
};

class BfdEngineTest : public testing::Test {
  protected:
    BfdDiscriminator add(End& end, const IpAddress& local, const IpAddress& far,
                         const BfdParameters& parameters = {}) {
        const BfdDiscriminator id =
            end.engine.add({{kAttachment, far}, local, PortId(1), parameters}, now_).value();
        end.engine.set_link(id, header_);
        return id;
    }
    void connect(const BfdParameters& parameters = {}) {
        mine_ = add(near_, kNearIpv4, kFarIpv4, parameters);
        its_ = add(far_, kFarIpv4, kNearIpv4);
    }
    void carry(End& from, End& to) {
        for (; !from.sent.empty(); from.sent.pop_front()) {
            BfdFrame frame = from.sent.front();
            ASSERT_EQ(std::memcmp(frame.bytes.data(), header_.data(), kLinkBytes), 0);
            std::memmove(frame.bytes.data(), frame.bytes.data() + kLinkBytes,
                         frame.size - kLinkBytes);
            frame.size = static_cast<std::uint8_t>(frame.size - kLinkBytes);
            if (is_cut_) continue;
            to.engine.receive(frame, now_);
        }
    }
    void run(std::uint64_t milliseconds) {
        for (std::uint64_t i = 0; i < milliseconds; ++i) {
            now_ += kMs;
            carry(near_, far_);
            carry(far_, near_);
            near_.engine.poll(now_);
            far_.engine.poll(now_);
        }
    }
    // Milliseconds until it has this state; 5,000 if never.
    std::uint64_t time_to(End& end, BfdDiscriminator id, BfdState state) {
        std::uint64_t passed = 0;
        while (end.engine.status(id)->state != state && passed < 5'000) {
            run(1);
            ++passed;
        }
        return passed;
    }

    std::uint64_t now_ = 5'000 * kMs;
    std::array<std::uint8_t, kLinkBytes> header_{1, 2, 3};
    bool is_cut_ = false;
    End near_;
    End far_;
    BfdDiscriminator mine_;
    BfdDiscriminator its_;
};

TEST_F(BfdEngineTest, comes_up_and_tells_once) {
    connect();
    EXPECT_EQ(near_.engine.status(mine_)->verdict, BfdVerdict::kNone);
    run(4'000);
    const BfdSessionStatus status = *near_.engine.status(mine_);
    EXPECT_EQ(status.state, BfdState::kUp);
    EXPECT_EQ(status.verdict, BfdVerdict::kAlive);
    EXPECT_EQ(status.remote, its_);
    EXPECT_EQ(status.transmit_interval_ns, 300 * kMs);
    EXPECT_EQ(status.detection_time_ns, 900 * kMs);
    EXPECT_GT(status.traffic.rx_packets, 3U);
    EXPECT_EQ(status.traffic.tx_bytes, status.traffic.tx_packets * kBfdPacketBytes);
    EXPECT_EQ(near_.engine.take_changes(), std::vector{mine_});
    EXPECT_FALSE(near_.engine.has_changes());
}

TEST_F(BfdEngineTest, fails_within_the_detection_time) {
    connect();
    run(4'000);
    is_cut_ = true;
    const std::uint64_t passed = time_to(near_, mine_, BfdState::kDown);
    // The last packet came up to an interval ago.
    EXPECT_GE(passed, 600U);
    EXPECT_LE(passed, 901U);
    EXPECT_EQ(near_.engine.status(mine_)->verdict, BfdVerdict::kFailed);
    EXPECT_EQ(near_.engine.status(mine_)->diagnostic, BfdDiagnostic::kDetectionTimeExpired);
    EXPECT_EQ(near_.engine.status(mine_)->downs, 1U);
    run(5'000);
    EXPECT_EQ(near_.engine.status(mine_)->verdict, BfdVerdict::kFailed);
    is_cut_ = false;
    EXPECT_LT(time_to(near_, mine_, BfdState::kUp), 3'000U);
    EXPECT_EQ(near_.engine.status(mine_)->verdict, BfdVerdict::kAlive);
    EXPECT_EQ(near_.engine.status(mine_)->downs, 1U);
}

// RFC 5882 3.2: who shuts BFD down says nothing of the way.
TEST_F(BfdEngineTest, has_no_verdict_when_either_end_shuts_it_down) {
    connect();
    run(4'000);
    far_.engine.shut_down(its_, now_);
    run(10);
    EXPECT_EQ(near_.engine.status(mine_)->state, BfdState::kDown);
    EXPECT_EQ(near_.engine.status(mine_)->verdict, BfdVerdict::kNone);
    run(5'000);  // its words become fewer, and stop
    EXPECT_EQ(near_.engine.status(mine_)->verdict, BfdVerdict::kNone);
    far_.engine.open_up(its_, now_);
    run(4'000);
    EXPECT_EQ(near_.engine.status(mine_)->verdict, BfdVerdict::kAlive);
    near_.engine.shut_down(mine_, now_);
    EXPECT_EQ(near_.engine.status(mine_)->verdict, BfdVerdict::kNone);
    EXPECT_EQ(near_.engine.status(mine_)->downs, 2U);
}

TEST_F(BfdEngineTest, tells_its_neighbour_that_it_goes) {
    connect();
    run(4'000);
    near_.engine.remove(mine_, now_);
    EXPECT_EQ(near_.engine.size(), 0U);
    EXPECT_FALSE(near_.engine.has_changes() && near_.engine.take_changes()[0] == mine_);
    run(2);
    EXPECT_EQ(far_.engine.status(its_)->remote_state, BfdState::kAdminDown);
    EXPECT_EQ(far_.engine.status(its_)->verdict, BfdVerdict::kNone);
}

TEST_F(BfdEngineTest, is_silent_without_a_link) {
    connect();
    near_.engine.set_link(mine_, {});
    run(3'000);
    EXPECT_EQ(near_.engine.status(mine_)->traffic.tx_packets, 0U);
    EXPECT_GT(near_.engine.status(mine_)->tx_lost, 0U);
    EXPECT_EQ(far_.engine.status(its_)->state, BfdState::kDown);
    near_.engine.set_link(mine_, header_);
    EXPECT_LT(time_to(near_, mine_, BfdState::kUp), 3'000U);
    near_.refuses = true;  // a full ring is a lost packet
    const std::uint64_t lost = near_.engine.status(mine_)->tx_lost;
    run(300);
    EXPECT_GT(near_.engine.status(mine_)->tx_lost, lost);
}

TEST_F(BfdEngineTest, counts_what_it_does_not_take) {
    connect();
    const Payload payload = write_bfd({.multiplier = 3, .mine = BfdDiscriminator(9)});
    const auto reasons = [&](const BfdFrame& frame, BfdDiscard reason) {
        const std::uint64_t before = near_.engine.discarded(reason);
        near_.engine.receive(frame, now_);
        return near_.engine.discarded(reason) - before;
    };
    const BfdPath good{.source = kFarIpv4, .destination = kNearIpv4, .source_port = 50'000};
    BfdFrame stranger = packet_of(good, payload);
    stranger.attachment = AttachmentId(41);
    EXPECT_EQ(reasons(stranger, BfdDiscard::kUnknownPeer), 1U);
    EXPECT_EQ(reasons(packet_of({.source = kFarIpv6, .destination = kNearIpv6}, payload),
                      BfdDiscard::kUnknownPeer),
              1U);
    const BfdPath elsewhere{.source = kFarIpv4, .destination = Ipv4Address(0x0a02'0001)};
    EXPECT_EQ(reasons(packet_of(elsewhere, payload), BfdDiscard::kWrongPeer), 1U);
    EXPECT_EQ(reasons({.attachment = kAttachment, .size = 20}, BfdDiscard::kBadUdp), 1U);
    EXPECT_EQ(reasons(packet_of(good, {}), BfdDiscard::kBadVersion), 1U);
    BfdFrame routed = packet_of(good, payload);
    routed.bytes[8] = 254;
    routed.bytes[10] = static_cast<std::uint8_t>(routed.bytes[10] + 1);  // its checksum
    EXPECT_EQ(reasons(routed, BfdDiscard::kWrongTtl), 1U);
    EXPECT_EQ(near_.engine.status(mine_)->traffic.rx_packets, 0U);
    near_.engine.receive(packet_of(good, payload), now_);
    EXPECT_EQ(near_.engine.status(mine_)->traffic.rx_packets, 1U);
}

TEST_F(BfdEngineTest, has_a_session_for_each_family) {
    connect();
    const BfdDiscriminator mine6 = add(near_, kNearIpv6, kFarIpv6);
    (void)add(far_, kFarIpv6, kNearIpv6);
    run(4'000);
    ASSERT_EQ(near_.engine.all().size(), 2U);
    EXPECT_EQ(near_.engine.all()[0].id, mine_);
    EXPECT_EQ(near_.engine.all()[1].id, mine6);
    for (const BfdSessionStatus& status : near_.engine.all())
        EXPECT_EQ(status.state, BfdState::kUp);
    EXPECT_EQ(near_.engine.take_changes().size(), 2U);
}

}  // namespace
}  // namespace causeway::test
