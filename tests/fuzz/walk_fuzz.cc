// SPDX-License-Identifier: Apache-2.0
//
// Frames of both families in bursts through the walk, over heap buffers of exactly the size that
// the walk may read, so that AddressSanitizer sees what it does not see inside DPDK's own memory.
// The slow twin says how each must end, and where: behind lists that mark, log and steer, checks of
// the source and the DSCP contract. What goes up of IPv4 is shown to the functions of
// control/slow_path/icmp.h. Nothing depends on
// time here, or on packets before.
//
//   input: see frame_script.h
//
// Readable is the room before the frame that a device leaves (the rewrite stores 32 bytes), the
// frame, and behind it: what a list may ask for of the shortest datagram (two tags, and 56 bytes of
// an IPv6 packet), and four more than the frame has (the ports, vlan/tag_stack.h and
// dataplane/flow_hash.h say so).
#include <rte_mbuf.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "acl/names/learned_addresses.h"
#include "base/check.h"
#include "base/checksum.h"
#include "base/grace.h"
#include "base/text.h"
#include "control/slow_path/icmp.h"
#include "dataplane/acl_list.h"
#include "dataplane/burst.h"
#include "dataplane/walk.h"
#include "fib/rib.h"
#include "tests/fuzz/frame_script.h"
#include "tests/fuzz/fuzz_lists.h"
#include "tests/support/frame_builder.h"
#include "tests/support/slow_walk.h"
#include "tests/support/test_bed.h"

namespace causeway::test {
namespace {

constexpr AttachmentId kEdge{16};
constexpr AttachmentId kSingle{17};
constexpr AttachmentId kClosed{18};
constexpr AttachmentId kGuarded{19};    // lists both ways, strict
constexpr AttachmentId kMicrosoft{20};  // advertised prefixes, the DSCP contract
constexpr AttachmentId kIpv4Only{21};   // the list of what comes in
constexpr AttachmentId kElsewhere{22};  // where rules steer to; the list of what goes out
constexpr PeeringId kPeering{7};

constexpr std::array kDoors{
    FuzzDoor{PortId(0), 10, 100}, FuzzDoor{PortId(1), 300, 0, Tpid::kDot1ad},
    FuzzDoor{PortId(0), 11, 100}, FuzzDoor{PortId(0), 12, 100},
    FuzzDoor{PortId(0), 13, 100}, FuzzDoor{PortId(1), 301, 0, Tpid::kDot1ad},
};

template <class T>
T made(Result<T> result) {
    CHECK(result.has_value());
    return std::move(result).value();
}

// A frame on its way, in a buffer of its own.
class FuzzBuffer {
  public:
    explicit FuzzBuffer(const Frame& frame) : came_(&frame) {
        constexpr std::size_t kRoom = RTE_PKTMBUF_HEADROOM;
        const std::size_t readable = std::max<std::size_t>(22 + 56, frame.size() + 4);
        bytes_ = std::make_unique<std::uint8_t[]>(kRoom + readable);
        std::ranges::copy(frame, bytes_.get() + kRoom);
        mbuf_->buf_addr = bytes_.get();
        mbuf_->data_off = kRoom;
        mbuf_->data_len = static_cast<std::uint16_t>(frame.size());
        mbuf_->pkt_len = mbuf_->data_len;
    }
    [[nodiscard]] rte_mbuf& mbuf() noexcept { return *mbuf_; }
    [[nodiscard]] const Frame& came() const noexcept { return *came_; }
    // As it is now.
    [[nodiscard]] Frame bytes() const {
        const auto* const at = rte_pktmbuf_mtod(mbuf_.get(), const std::uint8_t*);
        return {at, at + mbuf_->data_len};
    }

  private:
    const Frame* came_;
    std::unique_ptr<std::uint8_t[]> bytes_;
    std::unique_ptr<rte_mbuf> mbuf_ = std::make_unique<rte_mbuf>();
};

// Two ports, attachments with and without policies, a way out and a route of each kind.
class FuzzRouter {
  public:
    FuzzRouter() {
        (void)test_eal();  // which the classifier's memory comes from
        CHECK(rib_.create_vrf(kVrf).has_value() && rib6_.create_vrf(kVrf).has_value());
        twin_.mac = kRouterMac;
        twin_.tpids[1] = {.outer = Tpid::kDot1ad, .inner = Tpid::kDot1q};
        twin_.attachments = {{kEdge, PortId(0), 10, 100, kVrf, Exit::kNone},
                             {kSingle, PortId(1), 300, 0, kVrf, Exit::kNone},
                             {kClosed, PortId(0), 42, 100, kVrf, Exit::kAdminDown},
                             {kGuarded, PortId(0), 11, 100, kVrf, Exit::kNone},
                             {kMicrosoft, PortId(0), 12, 100, kVrf, Exit::kNone},
                             {kIpv4Only, PortId(0), 13, 100, kVrf, Exit::kNone},
                             {kElsewhere, PortId(1), 301, 0, kVrf, Exit::kNone}};
        for (std::size_t port = 0; port < 2; ++port) {
            tables_.ports[port] = FramePattern(twin_.tpids[port], kRouterMac);
        }
        tables_.fib4 = fib_.get();
        tables_.fib6 = fib6_.get();
        tables_.next_hops = next_hops_.get();
        route_all();
        learn();
        set_policies();
        attach_all();
    }

    // Those of one port are a burst.
    void walk(const std::vector<FuzzFrame>& frames) {
        for (const PortId port : {PortId(0), PortId(1)}) {
            std::vector<FuzzBuffer> buffers;
            for (const FuzzFrame& each : frames) {
                if (each.port == port) buffers.emplace_back(each.bytes);
            }
            if (!buffers.empty()) walk(port, buffers);
        }
    }

  private:
    static constexpr VrfId kVrf{1};

    void walk(PortId port, std::span<FuzzBuffer> buffers) {
        for (std::size_t k = 0; k < buffers.size(); ++k) burst_.room()[k] = &buffers[k].mbuf();
        burst_.start(port, buffers.size());
        ipv4_walk_(burst_, tables_);
        ipv6_burst_.take(burst_, Exit::kIpv6);
        if (ipv6_burst_.size() != 0) ipv6_walk_(ipv6_burst_, tables_);
        std::size_t ended = 0;
        for (Burst* const burst : {&burst_, &ipv6_burst_}) {
            for (unsigned k = 0; k < burst->size(); ++k, ++ended) {
                const FuzzBuffer& buffer = of(buffers, burst->mbufs()[k]);
                expect_sent(twin_.walk(port, buffer.came()), buffer, burst->walking()[k]);
            }
            for (const LeftPacket& packet : burst->left()) {
                const FuzzBuffer& buffer = of(buffers, packet.mbuf);
                expect_left(twin_.walk(port, buffer.came()), buffer, packet.meta);
                ++ended;
            }
        }
        CHECK(ended == buffers.size());
        read_log();
    }

    static FuzzBuffer& of(std::span<FuzzBuffer> buffers, const rte_mbuf* mbuf) {
        const auto found = std::ranges::find_if(
            buffers, [mbuf](FuzzBuffer& buffer) { return &buffer.mbuf() == mbuf; });
        CHECK(found != buffers.end());
        return *found;
    }

    static void expect_sent(const SlowFate& fate, const FuzzBuffer& buffer,
                            const PacketMeta& meta) {
        CHECK(fate.exit == Exit::kNone && fate.ways.at(0).frame == buffer.bytes());
        CHECK(fate.ways.at(0).attachment == meta.adjacency->attachment);
    }
    static void expect_left(const SlowFate& fate, const FuzzBuffer& buffer,
                            const PacketMeta& meta) {
        CHECK(meta.exit == fate.exit && meta.attachment == fate.row);
        const Frame after = buffer.bytes();
        CHECK(after == fate.left);
        const bool is_ipv4 = info_of(meta.exit).fate == Fate::kPunt && meta.exit != Exit::kArp &&
                             after[meta.header_bytes - 2U] == 0x08 &&
                             after[meta.header_bytes - 1U] == 0x00;
        if (is_ipv4) speak_icmp_about(after, meta.header_bytes, meta.packet_bytes);
    }

    // A record is of a packet that came in by an attachment with a list, or went out by one.
    void read_log() {
        std::array<AclLogRecord, 2 * kFuzzFramesMax> records;
        const std::size_t count = acl_log_.take(records);
        CHECK(count < records.size());
        for (const AclLogRecord& record : std::span(records).first(count)) {
            CHECK(record.packet_bytes >= 20 && record.attachment >= kEdge);
            CHECK(record.head[0] >> 4 == 4 || record.head[0] >> 4 == 6);
        }
    }

    void attach_all() {
        std::vector<AttachmentTable::Row> rows;
        for (const SlowAttachment& each : twin_.attachments) {
            rows.push_back({{each.port, each.outer, each.inner}, each.id});
            AttachmentState& state = tables_.attachments[each.id.value()];
            state = {.vrf = each.vrf, .closed = each.closed};
            state.policy = policies_.of(each.id).bits() | kRunsBfd;
            if (!each.has_ipv6) state.policy |= kLacksIpv6;
        }
        tables_.attachments_by_tag = made(AttachmentTable::build(rows));
        tables_.policies = &policies_;
    }

    void route_all() {
        const SlowHop core = hop({kSingle, 0x88a8, 300}, 1'400);
        route("10.2.0.0/16", core);
        route("2001:db8:2::/48", core);
        const SlowHop edge = hop({kEdge, 0x8100, 10, 100}, 1'500);
        route("10.1.0.0/16", edge);
        route("2001:db8:1::/48", edge);
        const SlowHop guarded = hop({kGuarded, 0x8100, 11, 100}, 1'500);
        route("10.11.0.0/16", guarded);
        route("2001:db8:11::/48", guarded);
        const SlowHop microsoft = hop({kMicrosoft, 0x8100, 12, 100}, 1'500);
        route("203.0.113.0/24", microsoft);
        route("2001:db8:113::/48", microsoft);
        route("10.3.0.0/16", AdjacencyKind::kUnresolved, Exit::kUnresolved);
        route("10.4.0.0/16", AdjacencyKind::kBlackhole, Exit::kBlackhole);
        route("10.5.0.0/16", AdjacencyKind::kUnreachable, Exit::kUnreachable);
        route("10.6.0.0/16", AdjacencyKind::kProhibit, Exit::kProhibit);
        route("192.168.0.2/32", AdjacencyKind::kLocal, Exit::kLocal);
        route("2001:db8:3::/48", AdjacencyKind::kUnresolved, Exit::kUnresolved);
        route("2001:db8::2/128", AdjacencyKind::kLocal, Exit::kLocal);
    }

    // One address of each set in each family, and one whose time is over.
    void learn() {
        const Hostname name = *Hostname::from("a.example.com");
        const auto learn = [&](const IpAddress& address, NameSetBits sets, std::uint32_t ttl) {
            CHECK(learned_->learn(address, sets, ttl, name, 0));
            twin_.learned[address] = ttl < 60 ? LearnedSets::past(sets) : LearnedSets(sets);
        };
        learn(ip("10.2.0.5"), kFuzzVideo, 3'600);
        learn(ip("10.2.0.6"), kFuzzOffice, 3'600);
        learn(ip("10.1.0.7"), kFuzzVideo | kFuzzOffice, 3'600);
        learn(ip("10.2.0.8"), kFuzzOffice, 30);
        learn(ip6("2001:db8:2::5"), kFuzzVideo, 3'600);
        learn(ip6("2001:db8:2::6"), kFuzzOffice, 3'600);
        learn(ip6("2001:db8:1::7"), kFuzzVideo, 30);
        learned_->expire(60);
    }

    void set_policies() {
        const SlowHop other = hop({kElsewhere, 0x88a8, 301}, 1'300);
        const SteerGroups elsewhere{.ipv4 = group_of(other, ip("10.2.0.9")),
                                    .ipv6 = group_of(other, ip6("2001:db8:2::9"))};
        twin_.sets = fuzz_sets(elsewhere);
        const SlowRoute ipv4{.vrf = kVrf, .hops = {with_type(other, 0x0800)}};
        const SlowRoute ipv6{.vrf = kVrf, .hops = {with_type(other, 0x86dd)}};
        twin_.targets["elsewhere"] = {ipv4, ipv6};
        twin_.targets["elsewhere4"] = {.ipv4 = ipv4, .ipv6 = {}};
        list_in_ = build_fuzz_list(fuzz_list_in(), twin_.sets, 1);
        list_out_ = build_fuzz_list(fuzz_list_out(), twin_.sets, 101);

        const Ipv4Prefix public4 = prefix("203.0.113.0/24");
        const Ipv6Prefix public6 = prefix6("2001:db8:113::/48");
        sources_ = {.ipv4 = SourceSet<Ipv4Address>({&public4, 1}),
                    .ipv6 = SourceSet<Ipv6Address>({&public6, 1})};
        const LinkPrefixes link{.ipv4 = prefix("192.168.0.0/30"),
                                .ipv6 = prefix6("2001:db8::/126")};
        policy(kGuarded) = {.filter_in = list_in_.get(),
                            .filter_out = list_out_.get(),
                            .learned = learned_.get(),
                            .peering = kPeering,
                            .source_check = SourceCheck::kStrict,
                            .link_prefixes = link};
        policy(kMicrosoft) = {.sources = &sources_,
                              .dscp_map = &kMicrosoftDscpMap,
                              .source_check = SourceCheck::kAdvertised,
                              .ip_options = IpOptions::kDrop};
        policy(kIpv4Only) = {.filter_in = list_in_.get(), .learned = learned_.get()};
        policy(kElsewhere) = {.filter_out = list_out_.get(),
                              .learned = learned_.get(),
                              .source_check = SourceCheck::kLoose};
        policy(kEdge) = {.peering = kPeering};
        slow(kGuarded).link = {link.ipv4, link.ipv6};
        slow(kMicrosoft).advertised = {public4, public6};
        slow(kMicrosoft).kept_dscps = {kMicrosoftDscps.begin(), kMicrosoftDscps.end()};
        slow(kIpv4Only).has_ipv6 = false;
        for (SlowAttachment& each : twin_.attachments) {
            const AttachmentPolicy& its = policy(each.id);
            if (its.filter_in != nullptr) each.filter_in = &fuzz_list_in();
            if (its.filter_out != nullptr) each.filter_out = &fuzz_list_out();
            each.source_check = its.source_check;
            each.ip_options = its.ip_options;
            each.peering = its.peering;
        }
    }
    AttachmentPolicy& policy(AttachmentId id) { return policies_.attachments[id.value()]; }
    SlowAttachment& slow(AttachmentId id) {
        return *std::ranges::find(twin_.attachments, id, &SlowAttachment::id);
    }

    void add(const IpPrefix& prefix, GroupId group) {
        const auto* const ipv4 = std::get_if<Ipv4Prefix>(&prefix);
        const auto added = ipv4 != nullptr ? rib_.add(kVrf, *ipv4, RouteSource::kStatic, group)
                                           : rib6_.add(kVrf, std::get<Ipv6Prefix>(prefix),
                                                       RouteSource::kStatic, group);
        CHECK(added.has_value());
    }
    void route(const char* destination, AdjacencyKind kind, Exit exit) {
        const IpPrefix prefix = parse_ip_prefix(destination).value();
        add(prefix, special_group(kind));
        twin_.routes.push_back({kVrf, prefix, exit, {}});
    }
    void route(const char* destination, const SlowHop& hop) {
        const IpPrefix prefix = parse_ip_prefix(destination).value();
        const bool is_ipv4 = std::holds_alternative<Ipv4Prefix>(prefix);
        const IpAddress neighbour = is_ipv4 ? IpAddress(ip("10.2.0.1")) : ip6("2001:db8:2::1");
        add(prefix, group_of(hop, neighbour));
        twin_.routes.push_back(
            {kVrf, prefix, Exit::kNone, {with_type(hop, is_ipv4 ? 0x0800 : 0x86dd)}});
    }

    struct Out {
        AttachmentId id;
        std::uint16_t tpid = 0;
        std::uint16_t outer = 0;
        std::uint16_t inner = 0;
    };
    // Its header has no type yet, which is the family's.
    SlowHop hop(const Out& out, std::uint16_t mtu) {
        FrameBuilder header = frame().to(kCustomerMac).from(kRouterMac).tag(out.tpid, out.outer);
        if (out.inner != 0) header.tag(0x8100, out.inner);
        return {.attachment = out.id,
                .port = slow(out.id).port,
                .header = header.cut_to(out.inner != 0 ? 20 : 16).bytes(),
                .mtu = mtu};
    }
    static SlowHop with_type(SlowHop hop, unsigned type) {
        hop.header.push_back(static_cast<std::uint8_t>(type >> 8));
        hop.header.push_back(static_cast<std::uint8_t>(type));
        return hop;
    }
    GroupId group_of(const SlowHop& hop, const IpAddress& neighbour) {
        const bool is_ipv4 = std::holds_alternative<Ipv4Address>(neighbour);
        Adjacency way;
        way.kind = AdjacencyKind::kForward;
        way.port = hop.port;
        way.attachment = hop.attachment;
        way.mtu = hop.mtu;
        way.set_header(with_type(hop, is_ipv4 ? 0x0800 : 0x86dd).header);
        const NextHopId id = made(next_hops_->acquire(hop.attachment, neighbour));
        CHECK(next_hops_->set_forwarding(id, way).has_value());
        const GroupMember member{.next_hop = id, .weight = 1};
        return made(next_hops_->acquire_group({&member, 1}));
    }

    // As the slow path would: the packet alone, in a buffer of its own length.
    static void speak_icmp_about(const Frame& frame, std::size_t header_bytes, std::size_t bytes) {
        std::vector<std::uint8_t> packet(
            frame.begin() + static_cast<std::ptrdiff_t>(header_bytes),
            frame.begin() + static_cast<std::ptrdiff_t>(header_bytes + bytes));
        packet.shrink_to_fit();
        if (may_be_answered_with_error(packet)) {
            std::vector<std::uint8_t> room(kIcmpErrorBytesMax);
            const std::size_t written =
                write_icmp_error(room, IcmpError::kTooBig, 1'400, ip("192.168.0.2"), packet);
            CHECK(written <= kIcmpErrorBytesMax);
            CHECK(checksum_fold(checksum_sum(std::span(room).first(20))) == 0xffff);
            CHECK(checksum_fold(checksum_sum(std::span(room).first(written).subspan(20))) ==
                  0xffff);
        }
        if (!is_echo_request(packet)) return;
        turn_into_echo_reply(packet);
        const std::size_t header = (packet[0] & 15U) * std::size_t{4};
        CHECK(checksum_fold(checksum_sum(std::span(packet).first(header))) == 0xffff);
        CHECK(checksum_fold(checksum_sum(std::span(packet).subspan(header))) == 0xffff);
    }

    ImmediateGrace grace_;
    std::unique_ptr<NextHops> next_hops_ = made(NextHops::create(grace_));
    std::unique_ptr<Fib4> fib_ = made(Fib4::create(grace_, {.vrfs_max = 4}));
    Rib4 rib_{*fib_, *next_hops_, {}};
    std::unique_ptr<Fib6> fib6_ = made(Fib6::create(grace_, {.vrfs_max = 4}));
    Rib6 rib6_{*fib6_, *next_hops_, {}};
    std::unique_ptr<LearnedAddresses> learned_ = made(LearnedAddresses::create(grace_));
    std::unique_ptr<const AclList> list_in_;
    std::unique_ptr<const AclList> list_out_;
    IpSources sources_;
    Policies policies_;
    Tables tables_;
    SlowWalk twin_;
    Counters counters_;
    AclLog acl_log_;
    Burst burst_{counters_, acl_log_};
    Burst ipv6_burst_{counters_, acl_log_};
    Ipv4Walk ipv4_walk_;
    Ipv6Walk ipv6_walk_;
};

}  // namespace
}  // namespace causeway::test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace causeway::test;
    static FuzzRouter router;
    router.walk(fuzz_frames({data, size}, kDoors));
    return 0;
}
