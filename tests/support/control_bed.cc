// SPDX-License-Identifier: Apache-2.0
#include "tests/support/control_bed.h"

#include <cstring>
#include <string>
#include <utility>

#include "base/check.h"
#include "tests/support/frame_builder.h"
#include "tests/support/test_bed.h"

namespace causeway::test {
namespace {

Mempool new_pool() {
    static unsigned count = 0;
    auto pool =
        make_packet_pool({.name = "control" + std::to_string(count++), .count = 1'023, .cache = 0});
    CHECK(pool.has_value());
    return std::move(pool).value();
}

std::unique_ptr<NextHops> new_next_hops(GracePeriods& grace) {
    auto next_hops = NextHops::create(grace);
    CHECK(next_hops.has_value());
    return std::move(next_hops).value();
}

std::unique_ptr<Fib4> new_fib(GracePeriods& grace) {
    auto fib = Fib4::create(grace, {.vrfs_max = 8});
    CHECK(fib.has_value());
    return std::move(fib).value();
}

std::unique_ptr<Fib6> new_fib6(GracePeriods& grace) {
    auto fib = Fib6::create(grace, {.vrfs_max = 8});
    CHECK(fib.has_value());
    return std::move(fib).value();
}

}  // namespace

bool FakeTransmitter::send(Packet frame, const Attachment& out) {
    if (refuses_) return false;
    const auto bytes = frame.bytes();
    sent_.push_back({out.id, Frame(bytes.begin(), bytes.end())});
    return true;
}

std::vector<FakeTransmitter::Sent> FakeTransmitter::take() {
    return std::exchange(sent_, {});
}

ControlBed::ControlBed(const SlowRates& rates, rte_mempool* pool)
    : own_pool_(((void)test_eal(), pool == nullptr ? new_pool() : nullptr)),
      transmitter(pool == nullptr ? own_pool_.get() : pool),
      next_hops(new_next_hops(grace_)),
      fib(new_fib(grace_)),
      fib6(new_fib6(grace_)),
      rib(*fib, *next_hops, {}),
      rib6(*fib6, *next_hops, {}),
      ribs(rib, rib6),
      neighbours(attachments, *next_hops, ribs, transmitter, counters),
      slow_path(attachments, neighbours, *fib, *fib6, *next_hops, transmitter, counters, rates) {}

void ControlBed::attach_edge_and_core() {
    CHECK(ribs.create_vrf(kVrf).has_value());
    CHECK(*attachments.id_of("edge") == kEdge && *attachments.id_of("core") == kCore);
    attach({.id = kEdge,
            .name = "edge",
            .port = PortId(0),
            .outer = 10,
            .inner = 100,
            .vrf = kVrf,
            .vrf_name = "contoso",
            .address = ip("192.168.0.2"),
            .subnet = prefix("192.168.0.0/30"),
            .mac = kRouterMac,
            .mtu = 1'500,
            .peer = ip("192.168.0.1"),
            .circuit = "contoso",
            .link = Link::kPrimary,
            .is_port_up = true});
    attach({.id = kCore,
            .name = "core",
            .port = PortId(1),
            .outer = 300,
            .vrf = kVrf,
            .vrf_name = "contoso",
            .address = ip("10.2.0.254"),
            .subnet = prefix("10.2.0.0/24"),
            .mac = kRouterMac,
            .mtu = 1'400,
            .peer = {},
            .circuit = {},
            .link = {},
            .is_port_up = true});
}

void ControlBed::attach(Attachment attachment) {
    const VrfId vrf = attachment.vrf;
    const Ipv4Prefix subnet = attachment.subnet;
    const Ipv4Prefix ours = Ipv4Prefix::of(attachment.address, 32);
    attachments.put(std::move(attachment));
    CHECK(rib.add(vrf, subnet, RouteSource::kConnected, special_group(AdjacencyKind::kUnresolved))
              .has_value());
    CHECK(rib.add(vrf, ours, RouteSource::kConnected, special_group(AdjacencyKind::kLocal))
              .has_value());
}

NextHopId ControlBed::route_via(std::string_view destination, AttachmentId out,
                                std::string_view address, VrfId vrf) {
    const auto next_hop = neighbours.acquire({out, ip(address)}, now_ns);
    CHECK(next_hop.has_value());
    const GroupMember member{.next_hop = *next_hop, .weight = 1};
    const auto group = next_hops->acquire_group({&member, 1});
    CHECK(group.has_value());
    route(destination, *group, vrf);
    return *next_hop;
}

void ControlBed::route(std::string_view destination, GroupId group, VrfId vrf) {
    CHECK(rib.add(vrf, prefix(destination), RouteSource::kStatic, group).has_value());
}

Packet ControlBed::punted(AttachmentId in, Exit exit, const Frame& frame) {
    auto packet = Packet::make(transmitter.pool());
    CHECK(packet.has_value());
    CHECK(packet->resize(frame.size()));
    std::memcpy(packet->bytes().data(), frame.data(), frame.size());
    const Attachment* attachment = attachments.find(in);
    CHECK(attachment != nullptr);
    packet->note() = {.attachment = in,
                      .vrf = attachment->vrf,
                      .port = attachment->port,
                      .exit = exit,
                      .header_bytes = attachment->header(kRouterMac, EtherType::kIpv4).size};
    return std::move(*packet);
}

void ControlBed::pass(std::uint64_t duration_ns) {
    for (std::uint64_t passed = 0; passed < duration_ns; passed += 100 * kMillisecond) {
        now_ns += 100 * kMillisecond;
        neighbours.tick(now_ns);
        for (Packet& packet : neighbours.take_given_up()) {
            slow_path.give_up(std::move(packet), now_ns);
        }
    }
}

}  // namespace causeway::test
