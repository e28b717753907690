// SPDX-License-Identifier: Apache-2.0
//
// A million frames, good, damaged and random, through the walk in bursts; what goes up goes through
// the slow path, and what that says goes down again and out. The slow twin predicts each frame's
// end; every frame is accounted; in the end every buffer is back in its pool.
#include "tests/packets/mutated_frames.h"

#include <gtest/gtest.h>
#include <rte_mbuf.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <deque>
#include <map>
#include <string>

#include "base/check.h"
#include "base/headers.h"
#include "base/text.h"
#include "tests/packets/world.h"
#include "tests/support/control_bed.h"
#include "tests/support/frame_builder.h"

namespace causeway::test {
namespace {

constexpr std::array kPorts{kPrimaryPort, kSecondaryPort, kCorePort};

std::string hex(const Frame& frame) {
    std::string text;
    for (const std::uint8_t byte : frame) {
        constexpr char kDigits[] = "0123456789abcdef";
        text += kDigits[byte >> 4];
        text += kDigits[byte & 15];
    }
    return text;
}

bool is_ipv6(const Frame& frame) {
    const auto type_at = [&frame](std::size_t at) {
        return at + 2 <= frame.size() ? frame[at] << 8 | frame[at + 1] : 0;
    };
    std::size_t at = 12;
    while (type_at(at) == 0x8100 || type_at(at) == 0x88a8) at += 4;
    return type_at(at) == 0x86dd;
}

// RFC 1071, once more.
bool checksum_holds(std::span<const std::uint8_t> bytes) {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i) sum += bytes[i] * (i % 2 == 0 ? 256ULL : 1ULL);
    return sum % 0xffff == 0 && sum != 0;
}

// Who we are on an attachment of the World, and who the neighbour is.
struct Leg {
    AttachmentId id;
    const char* name;
    const char* ours;
    const char* peer;
    const char* subnet;
    std::uint16_t mtu;
    // The same of IPv6; null: it has none.
    const char* ipv6_ours = nullptr;
    const char* ipv6_peer = nullptr;
    const char* ipv6_subnet = nullptr;
};
constexpr std::array kLegs{
    Leg{kContosoPrimary, "cp", "192.168.0.2", "192.168.0.1", "192.168.0.0/30", 1'500, "2001:db8::2",
        "2001:db8::1", "2001:db8::/126"},
    Leg{kContosoSecondary, "cs", "192.168.0.6", "192.168.0.5", "192.168.0.4/30", 1'500,
        "2001:db8::6", "2001:db8::5", "2001:db8::4/126"},
    Leg{kAdatumPrimary, "ap", "192.168.0.2", "192.168.0.1", "192.168.0.0/30", 1'500, "2001:db8::2",
        "2001:db8::1", "2001:db8::/126"},
    Leg{kAdatumSecondary, "as", "192.168.0.6", "192.168.0.5", "192.168.0.4/30", 1'500,
        "2001:db8::6", "2001:db8::5", "2001:db8::4/126"},
    Leg{kFabrikam, "f", "192.168.0.2", "192.168.0.1", "192.168.0.0/30", 1'500, "2001:db8::2",
        "2001:db8::1", "2001:db8::/126"},
    Leg{kNotProvisioned, "n", "192.168.1.2", "192.168.1.1", "192.168.1.0/30", 1'500},
    Leg{kDisabled, "d", "192.168.2.2", "192.168.2.1", "192.168.2.0/30", 1'500},
    Leg{kTakenDown, "t", "192.168.3.2", "192.168.3.1", "192.168.3.0/30", 1'500},
    Leg{kContosoCore, "cc", "10.2.0.254", "10.2.0.1", "10.2.0.0/24", 1'400, "2001:db8:2::254",
        "2001:db8:2::1", "2001:db8:2::/64"},
    Leg{kAdatumCore, "ac", "10.2.0.254", "10.2.0.1", "10.2.0.0/24", 1'500, "2001:db8:2::254",
        "2001:db8:2::1", "2001:db8:2::/64"},
    Leg{kFabrikamCore, "fc", "10.9.0.254", "10.9.0.1", "10.9.0.0/24", 1'500, "2001:db8:9::254",
        "2001:db8:9::1", "2001:db8:9::/64"},
    Leg{kGuarded, "g", "192.168.0.10", "192.168.0.9", "192.168.0.8/30", 1'500, "2001:db8::a",
        "2001:db8::9", "2001:db8::8/126"},
    Leg{kMicrosoft, "m", "192.168.0.14", "192.168.0.13", "192.168.0.12/30", 1'500, "2001:db8::12",
        "2001:db8::13", "2001:db8::10/126"},
    Leg{kIpv4Only, "i", "192.168.0.18", "192.168.0.17", "192.168.0.16/30", 1'500},
};

class MutatedFrames : public testing::Test {
  protected:
    MutatedFrames() {
        for (std::uint16_t vrf = 1; vrf <= 3; ++vrf) {
            CHECK(control_.ribs.create_vrf(VrfId(vrf)).has_value());
        }
        for (const Leg& leg : kLegs) install(leg);
        for (const SlowRoute& route : world_.twin().routes) install(route);
    }

    // The control thread's own view of the World. Its tables are not the worker's, so that what it
    // learns of neighbours on the way does not change what the twin knows.
    void install(const Leg& leg) {
        CHECK(*control_.attachments.id_of(leg.name) == leg.id);
        const SlowAttachment& known = world_.attachment(leg.id);
        const PortTpids tpids = world_.twin().tpids[known.port.value()];
        const bool is_core = known.port == kCorePort;
        control_.attach({.id = leg.id,
                         .name = leg.name,
                         .port = known.port,
                         .outer = known.outer,
                         .inner = known.inner,
                         .outer_tpid = tpids.outer,
                         .inner_tpid = tpids.inner,
                         .vrf = known.vrf,
                         .vrf_name = {},
                         .address = ip(leg.ours),
                         .subnet = prefix(leg.subnet),
                         .mac = kRouterMac,
                         .mtu = leg.mtu,
                         .peer = is_core ? std::nullopt : std::optional(ip(leg.peer)),
                         .circuit = {},
                         .link = {},
                         .closed = known.closed,
                         .is_port_up = true});
        if (leg.ipv6_ours != nullptr) install_ipv6(leg, known.vrf);
    }

    void install_ipv6(const Leg& leg, VrfId vrf) {
        const IpInterface<Ipv6Address> interface {
            ip6(leg.ipv6_ours), *parse_ipv6_prefix(leg.ipv6_subnet), ip6(leg.ipv6_peer)
        };
        Attachment attachment = *control_.attachments.find(leg.id);
        attachment.ipv6 = interface;
        control_.attachments.put(attachment);
        add(vrf, interface.subnet, RouteSource::kConnected,
            special_group(AdjacencyKind::kUnresolved));
        add(vrf, Ipv6Prefix::of(interface.address, 128), RouteSource::kConnected,
            special_group(AdjacencyKind::kLocal));
    }

    void add(VrfId vrf, const IpPrefix& prefix, RouteSource source, GroupId group) {
        CHECK(control_.ribs.add(vrf, prefix, source, group).has_value());
    }

    void install(const SlowRoute& route) {
        if (route.exit == Exit::kLocal) return;  // it came with its attachment
        if (route.exit != Exit::kNone) {
            const auto kind = std::ranges::find(kKinds, route.exit, &KindOfExit::exit)->kind;
            return add(route.vrf, route.prefix, RouteSource::kStatic, special_group(kind));
        }
        const auto leg = std::ranges::find(kLegs, route.hops.back().attachment, &Leg::id);
        const bool is_ipv4 = std::holds_alternative<Ipv4Prefix>(route.prefix);
        const auto peer = parse_ip_address(is_ipv4 ? leg->peer : leg->ipv6_peer);
        const auto next_hop = control_.neighbours.acquire({leg->id, *peer}, control_.now_ns);
        CHECK(next_hop.has_value());
        const GroupMember member{.next_hop = *next_hop, .weight = 1};
        const auto group = control_.next_hops->acquire_group({&member, 1});
        CHECK(group.has_value());
        add(route.vrf, route.prefix, RouteSource::kStatic, *group);
    }

    void receive(PortId port, const Frame& frame) {
        rte_mbuf* mbuf = rte_pktmbuf_alloc(bed_.pool());
        ASSERT_NE(mbuf, nullptr);
        auto* at = rte_pktmbuf_mtod(mbuf, std::uint8_t*);
        std::ranges::copy(frame, at);
        // Behind a frame lies what the buffer held before. The hash of a datagram too short for its
        // ports reads some of it; so that the twin knows it, it is zero here.
        std::fill_n(at + frame.size(), 64, std::uint8_t{0});
        mbuf->data_len = static_cast<std::uint16_t>(frame.size());
        mbuf->pkt_len = mbuf->data_len;
        ASSERT_EQ(rte_ring_enqueue(bed_.rx_ring(port), mbuf), 0);
    }

    void run_burst(FrameMaker& maker) {
        const PortId port = kPorts[random_.below(kPorts.size())];
        std::vector<Frame> frames(1 + random_.below(kBurstSizeMax));
        for (Frame& frame : frames) {
            frame = maker.next(port);
            ASSERT_NO_FATAL_FAILURE(receive(port, frame));
        }
        inject();
        bed_.turn();
        collect();
        for (const Frame& frame : frames) {
            ASSERT_NO_FATAL_FAILURE(expect_as_the_twin_says(port, frame));
        }
        expect_only_injected_remains();
        expect_counters();
        handle_punted();
    }

    void inject() {
        for (std::size_t k = 0; k < kBurstSizeMax && !to_inject_.empty(); ++k) {
            FakeTransmitter::Sent& next = to_inject_.front();
            const PortId port = world_.attachment(next.out).port;
            auto packet = Packet::make(bed_.pool());
            ASSERT_TRUE(packet && packet->resize(next.frame.size()));
            std::ranges::copy(next.frame, packet->bytes().begin());
            packet->note() = {.attachment = next.out, .vrf = {}, .port = port};
            bed_.inject(std::move(*packet));
            injected_[{port, is_ipv6(next.frame)}].push_back(std::move(next.frame));
            to_inject_.pop_front();
        }
    }

    void collect() {
        for (const PortId port : kPorts) {
            for (Frame& frame : bed_.sent(port)) {
                sent_[{port, is_ipv6(frame)}].push_back(std::move(frame));
            }
        }
        for (Packet& packet : bed_.punted()) punted_.push_back(std::move(packet));
        for (const BfdFrame& posted : bed_.posted()) posted_.push_back(posted);
    }

    void expect_as_the_twin_says(PortId port, const Frame& frame) {
        SCOPED_TRACE("port " + std::to_string(port.value()) + ": " + hex(frame));
        const SlowFate fate = world_.twin().walk(port, frame);
        ++seen_[static_cast<std::size_t>(fate.exit)];
        if (fate.exit == Exit::kNone) return expect_sent(fate, frame);
        ++exits_[fate.row][static_cast<std::size_t>(fate.exit)];
        if (info_of(fate.exit).fate == Fate::kDrop) return;
        if (info_of(fate.exit).fate == Fate::kPost) return expect_posted(port, fate, frame);
        // Those that leave at an earlier stage go up first, so there is no order to hold them to.
        const auto waiting = std::ranges::find_if(punted_, [&](Packet& packet) {
            return packet.note().exit == fate.exit && packet.note().attachment == fate.row &&
                   std::ranges::equal(packet.bytes(), frame);
        });
        ASSERT_NE(waiting, punted_.end()) << "did not go up as " << info_of(fate.exit).name;
        Packet& packet = *waiting;
        ASSERT_EQ(packet.note().vrf, fate.vrf);
        ASSERT_EQ(packet.note().header_bytes, fate.header_bytes);
        expected_.push_back(std::move(packet));
        punted_.erase(waiting);
    }

    // Layer 3 goes up, as much of it as a frame of BFD may have, and no padding.
    void expect_posted(PortId port, const SlowFate& fate, const Frame& frame) {
        const auto layer3 = std::span(frame).subspan(fate.header_bytes);
        const auto found = std::ranges::find_if(posted_, [&](const BfdFrame& posted) {
            const auto view = posted.view();
            return posted.attachment == fate.row && posted.port == port &&
                   view.size() <= layer3.size() &&
                   std::ranges::equal(view, layer3.first(view.size()));
        });
        ASSERT_NE(found, posted_.end()) << "did not go to BFD";
        posted_.erase(found);
    }

    void expect_sent(const SlowFate& fate, const Frame& frame) {
        for (const SlowFate::Way& way : fate.ways) {
            std::deque<Frame>& sent = sent_[{way.port, is_ipv6(frame)}];
            if (sent.empty() || sent.front() != way.frame) continue;
            sent.pop_front();
            if (fate.ways.size() == 1) return;
            // Several ways: whichever the flow took first, and in whichever direction, it keeps.
            const SlowFlow flow = SlowWalk::flow_of(frame, fate.header_bytes);
            const auto known = way_of_flow_.try_emplace({fate.vrf, flow}, way.attachment).first;
            ASSERT_EQ(known->second, way.attachment) << "the flow has moved";
            return;
        }
        FAIL() << "was not sent as the twin says: " << hex(fate.ways.at(0).frame);
    }

    void expect_only_injected_remains() {
        std::erase_if(sent_, [](const auto& each) { return each.second.empty(); });
        ASSERT_TRUE(sent_ == injected_);
        sent_.clear();
        injected_.clear();
        ASSERT_TRUE(punted_.empty() && posted_.empty());
    }

    void expect_counters() {
        for (const auto& [row, exits] : exits_) {
            for (std::size_t exit = 0; exit < kExitCount; ++exit) {
                ASSERT_EQ(bed_.counters().exits(row, static_cast<Exit>(exit)), exits[exit])
                    << "row " << row.value() << ", " << kExits[exit].name;
            }
        }
    }

    void handle_punted() {
        control_.now_ns += kMillisecond;
        for (Packet& packet : expected_) {
            control_.slow_path.handle(std::move(packet), control_.now_ns);
        }
        expected_.clear();
        if (random_.below(16) == 0) control_.neighbours.tick(control_.now_ns);
        for (FakeTransmitter::Sent& sent : control_.transmitter.take()) {
            expect_sound(sent);
            if (random_.below(8) == 0) answer_arp(sent);
            if (to_inject_.size() < 1'000) to_inject_.push_back(std::move(sent));
        }
    }

    // What the control thread sends is a frame of its attachment, and whole.
    void expect_sound(const FakeTransmitter::Sent& sent) {
        SCOPED_TRACE("attachment " + std::to_string(sent.out.value()) + ": " + hex(sent.frame));
        const Attachment* out = control_.attachments.find(sent.out);
        ASSERT_NE(out, nullptr);
        EXPECT_TRUE(out->is_usable());
        const std::uint8_t low_byte = sent.frame.at(out->header({}, EtherType::kArp).size - 1);
        const auto type = low_byte == 0x06   ? EtherType::kArp
                          : low_byte == 0xdd ? EtherType::kIpv6
                                             : EtherType::kIpv4;
        const FrameHeader header = out->header({}, type);
        ASSERT_GE(sent.frame.size(), header.size + 20U);
        EXPECT_TRUE(std::equal(header.bytes.begin() + 6, header.bytes.begin() + header.size,
                               sent.frame.begin() + 6));
        const auto layer3 = std::span(sent.frame).subspan(header.size);
        if (type == EtherType::kArp) {
            EXPECT_EQ(layer3.size(), sizeof(ArpHeader));
            return;
        }
        if (type == EtherType::kIpv6) return expect_sound_ipv6(*out, layer3);
        Ipv4Header ip_header;
        std::memcpy(&ip_header, layer3.data(), sizeof ip_header);
        EXPECT_EQ(ip_header.total_length.host(), layer3.size());
        EXPECT_TRUE(checksum_holds(layer3.first(ip_header.header_bytes())));
        EXPECT_LE(layer3.size(), out->mtu);
        EXPECT_GE(ip_header.ttl, 1);
    }

    static void expect_sound_ipv6(const Attachment& out, std::span<const std::uint8_t> packet) {
        Ipv6Header header;
        ASSERT_GE(packet.size(), sizeof header);
        std::memcpy(&header, packet.data(), sizeof header);
        EXPECT_EQ(header.payload_length.host() + sizeof header, packet.size());
        EXPECT_LE(packet.size(), out.mtu);
        EXPECT_GE(header.hop_limit, 1);
    }

    // Where this asks for a neighbour, as if that one answered.
    void answer_arp(const FakeTransmitter::Sent& sent) {
        const Attachment* out = control_.attachments.find(sent.out);
        const FrameHeader header = out->header({}, EtherType::kArp);
        ArpHeader arp;
        if (sent.frame.size() != header.size + sizeof arp) return;
        std::memcpy(&arp, sent.frame.data() + header.size, sizeof arp);
        if (arp.operation != Be16(static_cast<std::uint16_t>(ArpOperation::kRequest))) return;
        control_.neighbours.learn({sent.out, Ipv4Address(arp.target_address.host())},
                                  mac_behind(sent.out), control_.now_ns);
    }

    struct KindOfExit {
        Exit exit;
        AdjacencyKind kind;
    };
    static constexpr std::array kKinds{
        KindOfExit{Exit::kUnresolved, AdjacencyKind::kUnresolved},
        KindOfExit{Exit::kBlackhole, AdjacencyKind::kBlackhole},
        KindOfExit{Exit::kUnreachable, AdjacencyKind::kUnreachable},
        KindOfExit{Exit::kProhibit, AdjacencyKind::kProhibit},
    };

    World world_{{.ports = 3, .packets = 16'383, .ring_size = 256, .burst_size = 64}};
    TestBed& bed_ = world_.bed();
    SeededRandom random_;
    ControlBed control_{{}, bed_.pool()};

    // In their order, of one port and family; families overtake each other.
    using Queues = std::map<std::pair<PortId, bool>, std::deque<Frame>>;
    Queues sent_;
    Queues injected_;
    std::deque<FakeTransmitter::Sent> to_inject_;
    std::vector<Packet> punted_;
    std::vector<BfdFrame> posted_;
    std::vector<Packet> expected_;  // of those, what the twin has said would go up
    std::map<AttachmentId, std::array<std::uint64_t, kExitCount>> exits_;
    std::map<std::pair<VrfId, SlowFlow>, AttachmentId> way_of_flow_;
    std::array<std::size_t, kExitCount> seen_{};
};

TEST_F(MutatedFrames, a_million_end_as_the_slow_twin_says_and_every_one_is_accounted) {
    FrameMaker maker(random_);
    const std::size_t frames = rounds(1'000'000);
    std::size_t checkpoint = 0;
    for (std::size_t done = 0; done < frames;) {
        ASSERT_NO_FATAL_FAILURE(run_burst(maker));
        ASSERT_FALSE(HasFailure());
        done = 0;
        for (const PortId port : kPorts) {
            done += bed_.counters().traffic(row_of(port)).rx_packets.read();
        }
        if (done / 10'000 == checkpoint) continue;
        checkpoint = done / 10'000;
        ASSERT_EQ(bed_.unaccounted(), "");
    }
    EXPECT_EQ(bed_.unaccounted(), "");
    for (const ExitInfo& info : kExits) {
        if (info.exit == Exit::kTxFull || info.exit == Exit::kPuntFull) continue;
        if (info.exit == Exit::kOverPuntRate) continue;
        if (info.exit == Exit::kIpv6) continue;          // no end
        if (info.exit == Exit::kNameAnswer) continue;    // names_test.cc
        if (info.exit == Exit::kHandoverFull) continue;  // there is one worker
        if (info.name.starts_with("nat_")) continue;     // nat_property_test.cc
        // Nobody's bandwidth is limited: no twin could tell at what cycle a frame came.
        if (info.exit == Exit::kOverPeeringRate || info.exit == Exit::kOverCircuitRate) continue;
        if (info.exit == Exit::kOverClassRate) continue;
        EXPECT_GT(seen_[static_cast<std::size_t>(info.exit)], frames / 10'000) << info.name;
    }
    EXPECT_GT(way_of_flow_.size(), frames / 1'000);
    // Held packets expire, and every buffer comes home.
    control_.pass(10 * Neighbours::kSecond);
    EXPECT_EQ(rte_mempool_in_use_count(bed_.pool()), 0U);
    for (const SlowEventInfo& info : kSlowEvents) {
        RecordProperty(std::string(info.name), std::to_string(control_.count(info.event)));
    }
}

}  // namespace
}  // namespace causeway::test
