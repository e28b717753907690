// SPDX-License-Identifier: Apache-2.0
//
// BFD past the queue of an AF_XDP port: what the kernel's filter takes out for us, what it does
// not, and that a forwarder which does not keep up loses none of it.
#include <gtest/gtest.h>

#include <chrono>
#include <cstring>
#include <functional>
#include <string_view>
#include <thread>

#include "dataplane/bfd/datagram.h"
#include "tests/dataplane/port_lab.h"

namespace causeway {
namespace {

using namespace std::chrono_literals;

constexpr AttachmentId kAttachment{77};
constexpr std::size_t kIpAt = 22;  // behind two tags
constexpr std::size_t kTtlAt = kIpAt + 8;
constexpr std::size_t kHopLimitAt = kIpAt + 7;
constexpr Ipv4Address kPeer4{0xc0a8'0f11};
constexpr Ipv4Address kOurs4{0xc0a8'0f12};
constexpr Ipv6Address kPeer6{0x2001'0db8'0000'0000, 1};
constexpr Ipv6Address kOurs6{0x2001'0db8'0000'0000, 2};

// The neighbour is at the far end.
class XdpBfd : public AfXdpLab {
  protected:
    void SetUp() override {
        const std::array provisioned = {tags(100, 10), tags(100, 11), tags(200)};
        ASSERT_NO_FATAL_FAILURE(open_near(provisioned));
        ASSERT_TRUE(port_->tag_filter()->set_bfd_neighbours(neighbours()));
    }

    std::vector<BfdNeighbour> neighbours() {
        return {{tags(100, 10), port_->mac(), kPeer4, kOurs4, kAttachment},
                {tags(100, 10), port_->mac(), kPeer6, kOurs6, kAttachment}};
    }

    // A whole frame from the neighbour, with two tags.
    Frame from(const IpAddress& source, const IpAddress& destination) {
        const bool is_ipv4 = std::holds_alternative<Ipv4Address>(source);
        BfdFrame frame;
        const std::array<std::uint8_t, 10> behind_macs = {0x88,
                                                          0xa8,
                                                          0,
                                                          100,
                                                          0x81,
                                                          0,
                                                          0,
                                                          10,
                                                          std::uint8_t(is_ipv4 ? 0x08 : 0x86),
                                                          std::uint8_t(is_ipv4 ? 0x00 : 0xdd)};
        std::memcpy(frame.bytes.data(), port_->mac().bytes.data(), 6);
        std::memcpy(frame.bytes.data() + 12, behind_macs.data(), behind_macs.size());
        frame.size = kIpAt;
        const auto payload = write_bfd({.multiplier = 3, .mine = BfdDiscriminator(++serial_)});
        append_bfd_datagram(frame, {source, destination, 49'152}, payload);
        return {frame.view().begin(), frame.view().end()};
    }
    Frame from_peer4() { return from(kPeer4, kOurs4); }

    std::optional<BfdFrame> await_arrival() {
        const auto end = std::chrono::steady_clock::now() + kPatience;
        BfdFrame arrived;
        while (std::chrono::steady_clock::now() < end) {
            if (port_->tag_filter()->bfd_arrivals().take(arrived)) return arrived;
        }
        return std::nullopt;
    }
    bool comes_to_the_port(const Frame& frame) {
        const auto end = std::chrono::steady_clock::now() + kPatience;
        while (std::chrono::steady_clock::now() < end) {
            for (const Frame& one : receive_burst(*port_)) {
                if (one == frame) return true;
            }
        }
        return false;
    }
    bool has_arrivals() {
        BfdFrame arrived;
        return port_->tag_filter()->bfd_arrivals().take(arrived);
    }

    std::uint32_t serial_ = 0;
};

TEST_F(XdpBfd, TakesANeighboursPacketsPastTheQueue) {
    for (const Frame& sent : {from(kPeer4, kOurs4), from(kPeer6, kOurs6)}) {
        ASSERT_TRUE(host_->send(sent));
        const auto arrived = await_arrival();
        ASSERT_TRUE(arrived);
        EXPECT_EQ(arrived->attachment, kAttachment);
        EXPECT_EQ(Frame(arrived->view().begin(), arrived->view().end()),
                  Frame(sent.begin() + kIpAt, sent.end()));
    }
    EXPECT_EQ(port_->tag_filter()->counters()->bfd, 2U);
    EXPECT_TRUE(receive_burst(*port_).empty());
}

TEST_F(XdpBfd, LeavesAllElseToTheForwarder) {
    const struct {
        std::string_view what;
        std::function<void(Frame&)> spoil;
    } rows[] = {
        {"over a router", [](Frame& f) { f[kTtlAt] = 254; }},
        {"another port", [](Frame& f) { ++f[kIpAt + 23]; }},
        {"TCP", [](Frame& f) { f[kIpAt + 9] = 6; }},
        {"from somebody else", [](Frame& f) { ++f[kIpAt + 15]; }},
        {"to somebody else", [](Frame& f) { ++f[kIpAt + 19]; }},
        {"on another attachment", [](Frame& f) { f[19] = 11; }},
        {"to another station", [](Frame& f) { f[5] ^= 1; }},
        {"a fragment", [](Frame& f) { f[kIpAt + 6] = 0x20; }},
        {"with options", [](Frame& f) { f[kIpAt] = 0x46; }},
        {"longer than it is", [](Frame& f) { ++f[kIpAt + 3]; }},
        {"longer", [](Frame& f) { f.push_back(0), ++f[kIpAt + 3], ++f[kIpAt + 25]; }},
        {"cut off", [](Frame& f) { f.pop_back(); }},
    };
    for (const auto& row : rows) {
        SCOPED_TRACE(row.what);
        Frame frame = from_peer4();
        row.spoil(frame);
        ASSERT_TRUE(host_->send(frame));
        EXPECT_TRUE(comes_to_the_port(frame));
    }
    Frame ipv6 = from(kPeer6, kOurs6);
    ipv6[kHopLimitAt] = 254;
    ASSERT_TRUE(host_->send(ipv6));
    EXPECT_TRUE(comes_to_the_port(ipv6));
    EXPECT_FALSE(has_arrivals());
    EXPECT_EQ(port_->tag_filter()->counters()->bfd, 0U);
}

TEST_F(XdpBfd, FollowsTheNeighboursThatThereAre) {
    std::vector<BfdNeighbour> others = neighbours();
    others[0].attachment = AttachmentId(78);
    others.pop_back();
    ASSERT_TRUE(port_->tag_filter()->set_bfd_neighbours(others));
    const Frame gone = from(kPeer6, kOurs6);
    ASSERT_TRUE(host_->send(gone));
    EXPECT_TRUE(comes_to_the_port(gone));
    ASSERT_TRUE(host_->send(from_peer4()));
    const auto arrived = await_arrival();
    ASSERT_TRUE(arrived);
    EXPECT_EQ(arrived->attachment, AttachmentId(78));

    ASSERT_TRUE(port_->tag_filter()->set_bfd_neighbours({}));
    const Frame last = from_peer4();
    ASSERT_TRUE(host_->send(last));
    EXPECT_TRUE(comes_to_the_port(last));
}

// Nobody polls the port: its queue is full, and then a whole burst of data is lost.
TEST_F(XdpBfd, LosesNoneWhereTheForwarderDoesNotKeepUp) {
    constexpr int kRounds = 60;
    constexpr int kDataEach = 100;
    const Tag pair[] = {{0x88a8, 100}, {0x8100, 10}};
    for (int round = 1; round <= kRounds; ++round) {
        for (int data = 0; data < kDataEach; ++data) {
            ASSERT_TRUE(host_->send(make_frame(pair, 1)));
        }
        const Frame sent = from_peer4();
        ASSERT_TRUE(host_->send(sent));
        const auto got = await_arrival();
        ASSERT_TRUE(got) << "in round " << round;
        EXPECT_EQ(Frame(got->view().begin(), got->view().end()),
                  Frame(sent.begin() + kIpAt, sent.end()));
        std::this_thread::sleep_for(1ms);  // what xdp/tag_filter.h allows in the long run
    }
    std::size_t received = 0;
    for (std::size_t burst = 1; burst != 0; received += burst) {
        burst = receive_burst(*port_).size();
    }
    EXPECT_LT(received, kRounds * kDataEach / 2) << "the queue was never full";
}

TEST_F(XdpBfd, BoundsWhatOneNeighbourMaySend) {
    constexpr std::size_t kFlood = 400;
    const auto begin = std::chrono::steady_clock::now();
    for (std::size_t i = 0; i < kFlood; ++i) ASSERT_TRUE(host_->send(from_peer4()));
    const auto took = std::chrono::steady_clock::now() - begin;
    std::this_thread::sleep_for(50ms);
    std::size_t taken = 0;
    while (has_arrivals()) ++taken;
    // xdp/tag_filter.h: 32 at once, and then one a millisecond.
    EXPECT_GE(taken, 32U);
    EXPECT_LE(taken, 32U + 2U + static_cast<std::size_t>(took / 1ms));
    std::size_t by_the_queue = 0;
    for (std::size_t burst = 1; burst != 0; by_the_queue += burst) {
        burst = receive_burst(*port_).size();
    }
    EXPECT_EQ(taken + by_the_queue, kFlood);
}

}  // namespace
}  // namespace causeway
