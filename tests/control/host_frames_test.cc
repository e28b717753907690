// SPDX-License-Identifier: Apache-2.0
//
// Between our own kernel and the slow path: what goes up, what the kernel sends, and what it is
// told of neighbours.
#include "control/host/host_frames.h"

#include "control/slow_path/neighbour_discovery.h"
#include "tests/control/ipv6_packets.h"

namespace causeway::test {
namespace {

class FakeHost final : public HostStack {
  public:
    [[nodiscard]] bool has(AttachmentId attachment) const noexcept override {
        return attachment == kEdge || attachment == kCore;
    }
    [[nodiscard]] std::vector<Frame> take() { return std::exchange(frames_, {}); }
    void refuse() { refuses_ = true; }

  private:
    bool deliver(AttachmentId, Packet frame) override {
        if (refuses_) return false;
        const auto bytes = frame.bytes();
        frames_.emplace_back(bytes.begin(), bytes.end());
        return true;
    }
    std::vector<Frame> frames_;
    bool refuses_ = false;
};

constexpr MacAddress kSolicitedNode{{0x33, 0x33, 0xff, 0, 0, 0x01}};

class HostFramesTest : public DualStackFixture {
  protected:
    HostFramesTest() {
        bed_.slow_path.attach(host_);
        bed_.neighbours.on_mac([this](const NeighbourKey& key, const MacAddress& mac) {
            frames_.tell(*bed_.attachments.find(key.attachment), key.address, mac);
        });
    }
    // What the kernel sends: untagged, from our own MAC address.
    static FrameBuilder from_kernel(MacAddress to = kNeighbourMac) {
        return frame().to(to).from(kRouterMac);
    }
    void send(const Frame& bytes, AttachmentId out = kEdge) {
        auto packet = Packet::make(bed_.transmitter.pool());
        ASSERT_TRUE(packet && packet->resize(bytes.size()));
        std::memcpy(packet->bytes().data(), bytes.data(), bytes.size());
        frames_.take(std::move(*packet), *bed_.attachments.find(out), bed_.now_ns);
    }
    static Frame in_ethernet(const Frame& packet, MacAddress to = kSolicitedNode) {
        Frame bytes;
        lay(bytes, EthernetHeader{to, kRouterMac, Be16(0x86dd)});
        bytes.insert(bytes.end(), packet.begin(), packet.end());
        return bytes;
    }
    Frame hear_kernel() {
        std::vector<Frame> frames = host_.take();
        EXPECT_EQ(frames.size(), 1U);
        return frames.empty() ? Frame(64) : frames.front();
    }
    template <class T>
    static T at(const Frame& bytes, std::size_t offset) {
        T value{};
        EXPECT_LE(offset + sizeof value, bytes.size());
        std::memcpy(&value, bytes.data() + offset, sizeof value);
        return value;
    }

    FakeHost host_;
    HostFrames frames_{host_, bed_.neighbours, bed_.transmitter, bed_.counters};
};

TEST_F(HostFramesTest, what_is_for_us_goes_up_without_its_tags) {
    const Frame sent = from_customer()
                           .from(kNeighbourMac)
                           .ipv4("192.168.0.1", "192.168.0.2")
                           .tcp(4'000, 179)
                           .bytes();
    bed_.handle(kEdge, Exit::kLocal, sent);
    const Frame heard = hear_kernel();
    const auto header = at<EthernetHeader>(heard, 0);
    EXPECT_EQ(header.destination, kRouterMac);
    EXPECT_EQ(header.source, kNeighbourMac);
    EXPECT_EQ(header.type, Be16(0x0800));
    EXPECT_TRUE(std::equal(heard.begin() + 14, heard.end(), sent.begin() + 22, sent.end()));
    EXPECT_TRUE(hear().empty()) << "no ICMP error of ours beside it";
    EXPECT_EQ(bed_.count(SlowEvent::kHostDelivered), 1U);
}

TEST_F(HostFramesTest, ipv6_goes_up_likewise) {
    bed_.handle(kEdge, Exit::kLocal,
                from_customer().ipv6("2001:db8:15::1", "2001:db8:15::2").tcp(4'000, 179).bytes());
    EXPECT_EQ(at<EthernetHeader>(hear_kernel(), 0).type, Be16(0x86dd));
}

TEST_F(HostFramesTest, pings_are_answered_by_the_daemon_and_their_answers_go_up) {
    resolve_customer();
    hear();
    (void)host_.take();
    bed_.handle(kEdge, Exit::kLocal,
                from_customer().ipv4("192.168.0.1", "192.168.0.2").echo_request(1, 1).bytes());
    EXPECT_EQ(hear_one().icmp().type, 0);
    EXPECT_TRUE(host_.take().empty());
}

TEST_F(HostFramesTest, a_tap_that_takes_nothing_is_counted) {
    host_.refuse();
    bed_.handle(kEdge, Exit::kLocal,
                from_customer().ipv4("192.168.0.1", "192.168.0.2").tcp(4'000, 179).bytes());
    expect_silence(SlowEvent::kHostFull);
}

TEST_F(HostFramesTest, the_kernels_packets_leave_with_the_attachments_tags) {
    const Frame sent = from_kernel().ipv4("192.168.0.2", "192.168.0.1").tcp(179, 4'000).bytes();
    send(sent);
    const Heard left = hear_one();
    EXPECT_EQ(left.out, kEdge);
    EXPECT_EQ(left.to, kNeighbourMac);
    const FrameHeader header =
        bed_.attachments.find(kEdge)->header(kNeighbourMac, EtherType::kIpv4);
    EXPECT_TRUE(std::ranges::equal(left.header, header.view()));
    EXPECT_TRUE(std::equal(left.packet.begin(), left.packet.end(), sent.begin() + 14, sent.end()));
    send(in_ethernet(Ipv6Packet{"2001:db8:2::fe", "2001:db8:2::1"}.bytes(), kNeighbourMac), kCore);
    EXPECT_EQ(hear_one().out, kCore);
    EXPECT_EQ(bed_.count(SlowEvent::kHostSent), 2U);
}

TEST_F(HostFramesTest, nothing_leaves_on_a_link_that_is_down) {
    bed_.attachments.find(kEdge)->is_port_up = false;
    send(from_kernel().ipv4("192.168.0.2", "192.168.0.1").tcp(179, 4'000).bytes());
    expect_silence(SlowEvent::kHostClosed);
}

TEST_F(HostFramesTest, what_no_link_needs_does_not_leave) {
    const MacAddress group{{0x01, 0, 0x5e, 0, 0, 0x16}};
    send(from_kernel(group).ipv4("192.168.0.2", "224.0.0.22").udp(1, 1).bytes());
    send(in_ethernet(Ipv6Packet{"fe80::1", "ff02::16", 0}.bytes()));
    send(in_ethernet(icmpv6_packet("fe80::1", "ff02::2", 133, 4, 255)));  // router solicitation
    send(from_kernel().type(0x88cc).payload(64).bytes());
    send(from_kernel().tags(10, 100).ipv4("192.168.0.2", "192.168.0.1").udp(1, 1).bytes());
    send(Frame(14));
    send(Frame(1));
    send(from_kernel(kBroadcastMac)
             .arp(ArpOperation::kRequest, kRouterMac, "192.168.0.2", "192.168.0.2")
             .bytes());  // its announcement of its own address
    send(from_kernel(kBroadcastMac).type(0x0806).payload(10).bytes());
    expect_silence(SlowEvent::kHostIgnored, 9);
    EXPECT_TRUE(host_.take().empty());
}

TEST_F(HostFramesTest, the_kernels_arp_is_answered_from_our_own_table) {
    resolve_customer();
    hear();
    (void)host_.take();
    send(from_kernel(kBroadcastMac)
             .arp(ArpOperation::kRequest, kRouterMac, "192.168.0.2", "192.168.0.1")
             .bytes());
    const Frame heard = hear_kernel();
    const auto header = at<EthernetHeader>(heard, 0);
    EXPECT_EQ(header.destination, kRouterMac);
    EXPECT_EQ(header.source, kNeighbourMac);
    const auto arp = at<ArpHeader>(heard, 14);
    EXPECT_EQ(arp.operation, Be16(2));
    EXPECT_EQ(arp.sender_mac, kNeighbourMac);
    EXPECT_EQ(arp.sender_address, Be32(ip("192.168.0.1").value()));
    EXPECT_EQ(arp.target_mac, kRouterMac);
    EXPECT_EQ(arp.target_address, Be32(ip("192.168.0.2").value()));
    EXPECT_TRUE(hear().empty()) << "nothing of it on the wire";
}

TEST_F(HostFramesTest, a_neighbour_that_is_not_known_is_asked_for_and_the_kernel_told) {
    send(from_kernel(kBroadcastMac)
             .arp(ArpOperation::kRequest, kRouterMac, "10.2.0.254", "10.2.0.7")
             .bytes(),
         kCore);
    const Heard question = hear_one();
    EXPECT_EQ(question.arp().target_address, Be32(ip("10.2.0.7").value()));
    EXPECT_TRUE(host_.take().empty());
    bed_.handle(
        kCore, Exit::kArp,
        from_core().arp(ArpOperation::kReply, kNeighbourMac, "10.2.0.7", "10.2.0.254").bytes());
    EXPECT_EQ(at<ArpHeader>(hear_kernel(), 14).sender_mac, kNeighbourMac);
}

TEST_F(HostFramesTest, the_kernels_solicitation_is_answered_from_our_own_table) {
    const Frame asked =
        in_ethernet(NdPacket{"2001:db8:15::2", "ff02::1:ff00:1", "2001:db8:15::1"}.bytes());
    send(asked);
    EXPECT_EQ(hear().size(), 1U) << "the question, in our own name";
    bed_.neighbours.learn(customer_, kNeighbourMac, bed_.now_ns);
    (void)host_.take();
    hear();
    send(asked);
    const Frame heard = hear_kernel();
    EXPECT_EQ(at<EthernetHeader>(heard, 0).source, kNeighbourMac);
    const auto notice = parse_neighbour_notice(std::span(heard).subspan(14));
    ASSERT_TRUE(notice.has_value()) << "passes RFC 4861 7.1.2";
    EXPECT_EQ(notice->target, v6("2001:db8:15::1"));
    EXPECT_EQ(notice->destination, v6("2001:db8:15::2"));
    EXPECT_EQ(notice->mac, kNeighbourMac);
    EXPECT_TRUE(notice->is_solicited && notice->overrides);
}

TEST_F(HostFramesTest, its_test_for_duplicates_finds_none) {
    send(in_ethernet(NdPacket{"::", "ff02::1:ff00:2", "2001:db8:15::2", 135, 0, {}}.bytes()));
    expect_silence(SlowEvent::kHostIgnored);
    EXPECT_TRUE(host_.take().empty());
}

TEST_F(HostFramesTest, the_kernel_hears_of_a_new_mac_address) {
    resolve_customer();
    (void)host_.take();
    constexpr MacAddress kOther{{0x02, 0xbe, 0, 0, 0, 0x77}};
    bed_.neighbours.learn({kEdge, ip("192.168.0.1")}, kOther, bed_.now_ns);
    EXPECT_EQ(at<ArpHeader>(hear_kernel(), 14).sender_mac, kOther);
    bed_.neighbours.learn({kEdge, ip("192.168.0.1")}, kOther, bed_.now_ns);
    EXPECT_TRUE(host_.take().empty()) << "no news";
}

// Spoofed sources in a subnet of ours make the kernel ask for each of them.
TEST_F(HostFramesTest, a_kernel_that_asks_for_the_whole_subnet_is_bounded) {
    for (int host = 1; host < 250; ++host) {
        send(from_kernel(kBroadcastMac)
                 .arp(ArpOperation::kRequest, kRouterMac, "10.2.0.254",
                      "10.2.0." + std::to_string(host))
                 .bytes(),
             kCore);
    }
    EXPECT_EQ(hear().size(), Neighbours::kWantRate.burst);
    EXPECT_EQ(bed_.count(SlowEvent::kHostWaits), 249U);
    bed_.pass(10 * kSecond);
    EXPECT_TRUE(bed_.neighbours.all().empty()) << "who does not answer is forgotten";
}

Frame segment(const FrameBuilder& builder, std::uint8_t flags) {
    Frame bytes = builder.bytes();
    const std::size_t tcp = bytes[12] == 0x08 ? 14 + 20 : 14 + 40;
    bytes[tcp + 13] = flags;
    return bytes;
}

TEST_F(HostFramesTest, the_kernels_segments_tell_which_sessions_live) {
    std::vector<BgpSession> told;
    frames_.on_session([&](AttachmentId attachment, const BgpSession& session) {
        EXPECT_EQ(attachment, kEdge);
        told.push_back(session);
    });
    const auto to_peer = [](std::uint16_t from, std::uint16_t to) {
        return from_kernel().ipv4("192.168.0.2", "192.168.0.1").tcp(from, to);
    };
    constexpr std::uint8_t kFin = 1, kSyn = 2, kRst = 4, kPush = 8, kAck = 16;
    send(segment(to_peer(179, 4'000), kSyn | kAck));  // answers any SYN
    send(segment(to_peer(179, 4'000), kRst));         // answers anything
    send(segment(to_peer(179, 4'000), kRst | kAck));
    send(segment(to_peer(180, 4'000), kAck));
    send(from_kernel().ipv4("192.168.0.2", "192.168.0.1").udp(179, 4'000).bytes());
    EXPECT_TRUE(told.empty());

    send(segment(to_peer(179, 4'000), kPush | kAck));
    send(segment(to_peer(179, 4'001), kFin | kAck));
    send(segment(to_peer(5'000, 179), kSyn));
    send(segment(from_kernel().ipv6("2001:db8:15::2", "2001:db8:15::1").tcp(179, 6'000), kAck));
    ASSERT_EQ(told.size(), 4U);
    EXPECT_EQ(told[0].peer, IpAddress(ip("192.168.0.1")));
    EXPECT_EQ(told[0].peer_port, 4'000);
    EXPECT_EQ(told[0].our_port, 179);
    EXPECT_EQ(told[2].peer_port, 179);
    EXPECT_EQ(told[2].our_port, 5'000);
    EXPECT_EQ(told[3].peer, IpAddress(v6("2001:db8:15::1")));
}

// The kernel's frames cut short anywhere, and any byte of them changed: nothing is read that is not
// there (the sanitizers' build says so), and each frame ends somewhere.
TEST_F(HostFramesTest, mutilated_frames_do_no_harm) {
    frames_.on_session([](AttachmentId, const BgpSession&) {});
    const std::vector<Frame> whole{
        from_kernel().ipv4("192.168.0.2", "192.168.0.1").tcp(179, 4'000).bytes(),
        from_kernel().ipv6("2001:db8:15::2", "2001:db8:15::1").tcp(179, 4'000).bytes(),
        in_ethernet(NdPacket{"2001:db8:15::2", "ff02::1:ff00:1", "2001:db8:15::1"}.bytes()),
        from_kernel(kBroadcastMac)
            .arp(ArpOperation::kRequest, kRouterMac, "192.168.0.2", "192.168.0.1")
            .bytes()};
    std::uint64_t sent = 0;
    for (const Frame& frame : whole) {
        for (std::size_t size = 1; size <= frame.size(); ++size, ++sent) {
            send(Frame(frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(size)));
        }
        for (std::size_t at = 0; at < frame.size(); ++at, ++sent) {
            Frame changed = frame;
            changed[at] ^= 0xff;
            send(changed);
        }
    }
    std::uint64_t counted = 0;
    for (const SlowEvent event : {SlowEvent::kHostSent, SlowEvent::kHostIgnored,
                                  SlowEvent::kHostWaits, SlowEvent::kHostAnswered}) {
        counted += bed_.count(event);
    }
    EXPECT_EQ(counted, sent);
}

}  // namespace
}  // namespace causeway::test
