// SPDX-License-Identifier: Apache-2.0
//
// Any frame through the walk of its family, over a heap buffer of exactly the size that the walk
// may read, so that AddressSanitizer sees what it does not see inside DPDK's own memory. The slow
// twin says how it must end; what goes up of IPv4 is shown to the functions of
// control/slow_path/icmp.h.
//
//   input: a byte whose lowest bit chooses the port, then the frame
//
// Readable is the room before the frame that a device leaves (the rewrite stores 32 bytes), the
// frame, and behind it: 62 bytes from the frame's start (two tags and an IPv6 header) and four more
// than the frame has (the ports, vlan/tag_stack.h and dataplane/flow_hash.h say so).
#include <rte_mbuf.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "base/check.h"
#include "base/checksum.h"
#include "base/grace.h"
#include "base/text.h"
#include "control/slow_path/icmp.h"
#include "dataplane/burst.h"
#include "dataplane/walk.h"
#include "fib/rib.h"
#include "tests/support/frame_builder.h"
#include "tests/support/slow_walk.h"

namespace causeway::test {
namespace {

constexpr std::size_t kFrameBytesMax = 2'000;
constexpr AttachmentId kEdge{16};
constexpr AttachmentId kSingle{17};
constexpr AttachmentId kClosed{18};

// Two ports, three attachments, a way out and a route of each kind.
class FuzzRouter {
  public:
    FuzzRouter() {
        CHECK(rib_.create_vrf(kVrf).has_value() && rib6_.create_vrf(kVrf).has_value());
        twin_.mac = kRouterMac;
        twin_.tpids[1] = {.outer = Tpid::kDot1ad, .inner = Tpid::kDot1q};
        twin_.attachments = {{kEdge, PortId(0), 10, 100, kVrf, Exit::kNone},
                             {kSingle, PortId(1), 300, 0, kVrf, Exit::kNone},
                             {kClosed, PortId(0), 42, 100, kVrf, Exit::kAdminDown}};
        std::array<std::uint8_t, 8> mac{};
        std::ranges::copy(kRouterMac.bytes, mac.begin());
        for (std::size_t port = 0; port < 2; ++port) {
            tables_.ports[port] = {.tags = TagPattern(twin_.tpids[port]),
                                   .mac = mac_word(mac.data())};
        }
        std::vector<AttachmentTable::Row> rows;
        for (const SlowAttachment& each : twin_.attachments) {
            rows.push_back({{each.port, each.outer, each.inner}, each.id});
            tables_.attachments[each.id.value()] = {.vrf = each.vrf, .closed = each.closed};
        }
        auto by_tag = AttachmentTable::build(rows);
        CHECK(by_tag.has_value());
        tables_.attachments_by_tag = std::move(by_tag).value();
        tables_.fib4 = fib_.get();
        tables_.fib6 = fib6_.get();
        tables_.next_hops = next_hops_.get();

        route_forward("10.2.0.0/16", 1'400);
        route_forward("2001:db8:2::/48", 1'400);
        route("10.3.0.0/16", AdjacencyKind::kUnresolved, Exit::kUnresolved);
        route("10.4.0.0/16", AdjacencyKind::kBlackhole, Exit::kBlackhole);
        route("10.5.0.0/16", AdjacencyKind::kUnreachable, Exit::kUnreachable);
        route("10.6.0.0/16", AdjacencyKind::kProhibit, Exit::kProhibit);
        route("192.168.0.2/32", AdjacencyKind::kLocal, Exit::kLocal);
        route("2001:db8:3::/48", AdjacencyKind::kUnresolved, Exit::kUnresolved);
        route("2001:db8::2/128", AdjacencyKind::kLocal, Exit::kLocal);
    }

    void walk(PortId port, const Frame& frame) {
        constexpr std::size_t kRoom = RTE_PKTMBUF_HEADROOM;
        const std::size_t readable = std::max<std::size_t>(62, frame.size() + 4);
        const auto buffer = std::make_unique<std::uint8_t[]>(kRoom + readable);
        std::ranges::copy(frame, buffer.get() + kRoom);
        rte_mbuf mbuf{};
        mbuf.buf_addr = buffer.get();
        mbuf.data_off = kRoom;
        mbuf.data_len = static_cast<std::uint16_t>(frame.size());
        mbuf.pkt_len = mbuf.data_len;
        burst_.room()[0] = &mbuf;
        burst_.start(port, 1);
        ipv4_walk_(burst_, tables_);
        ipv6_burst_.take(burst_, Exit::kIpv6);
        const bool is_ipv6 = ipv6_burst_.size() == 1;
        if (is_ipv6) ipv6_walk_(ipv6_burst_, tables_);
        CHECK(burst_.size() + burst_.left().size() == (is_ipv6 ? 0 : 1));
        Burst& burst = is_ipv6 ? ipv6_burst_ : burst_;
        CHECK(burst.size() + burst.left().size() == 1);

        const SlowFate fate = twin_.walk(port, frame);
        const auto* at = rte_pktmbuf_mtod(&mbuf, const std::uint8_t*);
        const Frame after(at, at + mbuf.data_len);
        if (burst.size() == 1) {
            CHECK(fate.exit == Exit::kNone && fate.ways.at(0).frame == after);
            return;
        }
        const PacketMeta& meta = burst.left()[0].meta;
        CHECK(meta.exit == fate.exit && meta.attachment == fate.row);
        CHECK(after == frame);
        const bool is_ipv4 =
            info_of(meta.exit).fate == Fate::kPunt && meta.exit != Exit::kArp && !is_ipv6;
        if (is_ipv4) speak_icmp_about(frame, meta.header_bytes, meta.packet_bytes);
    }

  private:
    static constexpr VrfId kVrf{1};

    static std::unique_ptr<NextHops> new_next_hops(GracePeriods& grace) {
        auto made = NextHops::create(grace);
        CHECK(made.has_value());
        return std::move(made).value();
    }
    static std::unique_ptr<Fib4> new_fib(GracePeriods& grace) {
        auto made = Fib4::create(grace, {.vrfs_max = 4});
        CHECK(made.has_value());
        return std::move(made).value();
    }
    static std::unique_ptr<Fib6> new_fib6(GracePeriods& grace) {
        auto made = Fib6::create(grace, {.vrfs_max = 4});
        CHECK(made.has_value());
        return std::move(made).value();
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
    void route_forward(const char* destination, std::uint16_t mtu) {
        Adjacency way;
        way.kind = AdjacencyKind::kForward;
        way.port = PortId(1);
        way.attachment = kSingle;
        way.mtu = mtu;
        const IpPrefix prefix = parse_ip_prefix(destination).value();
        const bool is_ipv4 = std::holds_alternative<Ipv4Prefix>(prefix);
        const Frame header = frame()
                                 .to(kCustomerMac)
                                 .from(kRouterMac)
                                 .tag(0x88a8, 300)
                                 .type(is_ipv4 ? 0x0800 : 0x86dd)
                                 .bytes();
        way.set_header(header);
        const IpAddress neighbour = is_ipv4 ? IpAddress(ip("10.2.0.1")) : ip6("2001:db8:2::1");
        const auto id = next_hops_->acquire(kSingle, neighbour);
        CHECK(id.has_value() && next_hops_->set_forwarding(*id, way).has_value());
        const GroupMember member{.next_hop = *id, .weight = 1};
        const auto group = next_hops_->acquire_group({&member, 1});
        CHECK(group.has_value());
        add(prefix, *group);
        twin_.routes.push_back({kVrf, prefix, Exit::kNone, {{kSingle, PortId(1), header, mtu}}});
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
    std::unique_ptr<NextHops> next_hops_ = new_next_hops(grace_);
    std::unique_ptr<Fib4> fib_ = new_fib(grace_);
    Rib4 rib_{*fib_, *next_hops_, {}};
    std::unique_ptr<Fib6> fib6_ = new_fib6(grace_);
    Rib6 rib6_{*fib6_, *next_hops_, {}};
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
    static causeway::test::FuzzRouter router;
    if (size < 1 || size > causeway::test::kFrameBytesMax) return 0;
    router.walk(causeway::PortId(data[0] & 1), {data + 1, data + size});
    return 0;
}
