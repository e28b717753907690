// SPDX-License-Identifier: Apache-2.0
#include "tests/packets/nat_world.h"

#include <rte_ring.h>

#include <algorithm>

#include "base/check.h"
#include "base/checksum.h"
#include "tests/support/frame_builder.h"

namespace causeway::test {
namespace {

constexpr std::uint16_t kOuter[] = {10, 20};
constexpr std::uint16_t kInner = 100;
constexpr std::uint16_t kCoreOuter = 30;
constexpr std::uint16_t kCoreInner = 300;
constexpr std::size_t kTaggedBytes = 22;
constexpr NatSeconds kBeginning = 1'000;

SourceSet<Ipv4Address> set_of(std::string_view text) {
    const Ipv4Prefix one = prefix(text);
    return SourceSet<Ipv4Address>(std::span(&one, 1));
}

}  // namespace

Bytes hop(Bytes packet) {
    --packet[8];
    packet[10] = packet[11] = 0;
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i < 20; i += 2) sum += packet[i] * 256U + packet[i + 1];
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    packet[10] = static_cast<std::uint8_t>(~sum >> 8);
    packet[11] = static_cast<std::uint8_t>(~sum);
    return packet;
}

Frame framed(std::uint16_t outer, std::uint16_t inner, const Bytes& packet) {
    Frame bytes = frame().tags(outer, inner).type(0x0800).bytes();
    bytes.resize(kTaggedBytes);
    bytes.insert(bytes.end(), packet.begin(), packet.end());
    return bytes;
}

NatWorld::NatWorld(const NatWorldOptions& options)
    : engine_(std::move(NatEngine::create({.workers = options.workers,
                                           .sessions_max = options.sessions_max,
                                           .mappings = options.mappings,
                                           .fragments = options.fragments,
                                           .now = kBeginning,
                                           .pages = PageSize::kSmall})
                            .value())),
      bed_({.ports = 3, .packets = 8'191, .ring_size = 1'024, .workers = options.workers}) {
    attach();
    route();
    add_pools(options.settings);
    republish();
}

void NatWorld::attach() {
    outside_ = bed_.vrf();
    for (std::size_t customer = 0; customer < 2; ++customer) {
        for (const PortId link : {kNatPrimary, kNatSecondary}) {
            legs_[customer][link.value()] = bed_.attach(link, kOuter[customer], kInner, outside_);
        }
        vrfs_[customer] = bed_.vrf();
        insides_[customer] = {.pool = NatPoolId(static_cast<std::uint16_t>(5 + customer)),
                              .sources = set_of("10.0.0.0/8"),
                              .exceptions = {}};
    }
    insides_[0].exceptions = {
        {.source = prefix("10.0.0.0/8"), .destination = prefix("198.19.0.0/16")}};
    core_ = bed_.attach(kNatCore, kCoreOuter, kCoreInner, outside_);
}

void NatWorld::route() {
    for (std::size_t customer = 0; customer < 2; ++customer) {
        ways_[customer][0] = bed_.neighbour(legs_[customer][0], ip("192.168.0.1"), kCustomerMac);
        ways_[customer][1] = bed_.neighbour(legs_[customer][1], ip("192.168.0.5"), kCustomerMac);
        bed_.route(vrfs_[customer], prefix("10.0.0.0/8"), bed_.group(ways_[customer]));
    }
    bed_.route(outside_, prefix("198.18.0.0/15"),
               bed_.neighbour(core_, ip("192.168.1.1"), kCustomerMac, 1'400));
    bed_.route(outside_, prefix("192.168.0.2/32"), AdjacencyKind::kLocal);
}

void NatWorld::add_pools(const NatPoolSettings& settings) {
    PortSpace& space = engine_->space();
    CHECK(space.add_pool(insides_[0].pool, settings).has_value());
    CHECK(space.add_address(insides_[0].pool, ip("198.51.100.1")).has_value());
    CHECK(space.add_address(insides_[0].pool, ip("198.51.100.2")).has_value());
    CHECK(space.add_pool(insides_[1].pool, settings).has_value());
    CHECK(space.add_address(insides_[1].pool, ip("203.0.113.1")).has_value());
}

NatTables NatWorld::tables() const {
    NatTables tables;
    tables.outside = outside_;
    tables.publics = PublicAddresses({{prefix("198.51.100.1/32"), insides_[0].pool, vrfs_[0]},
                                      {prefix("198.51.100.2/32"), insides_[0].pool, vrfs_[0]},
                                      {prefix("198.51.100.200/32"), insides_[0].pool, vrfs_[0]},
                                      {prefix("203.0.113.1/32"), insides_[1].pool, vrfs_[1]}});
    const StaticMapping statics[] = {{.pool = insides_[0].pool,
                                      .protocol = NatProtocol::kTcp,
                                      .inside = {ip("10.0.0.80"), 8'080},
                                      .outside = {ip("198.51.100.1"), 80}},
                                     {.pool = insides_[0].pool,
                                      .protocol = {},
                                      .inside = {ip("10.0.0.99"), 0},
                                      .outside = {ip("198.51.100.200"), 0}}};
    for (std::size_t customer = 0; customer < 2; ++customer) {
        tables.add_inside(insides_[customer], legs_[customer]);
    }
    tables.statics = std::move(StaticMappings::create(statics).value());
    return tables;
}

void NatWorld::from_inside(Customer customer, PortId link, const Bytes& packet) {
    bed_.receive(link, framed(kOuter[static_cast<std::size_t>(customer)], kInner, packet));
}

void NatWorld::from_outside(const Bytes& packet) {
    bed_.receive(kNatCore, framed(kCoreOuter, kCoreInner, packet));
}

std::vector<NatWorld::Sent> NatWorld::run() {
    std::vector<Sent> all;
    unsigned idle = 0;
    for (unsigned turn = 0; turn < kTurnsMax && idle < 4; ++turn) {
        bed_.turn();
        ++idle;
        for (const PortId port : {kNatPrimary, kNatSecondary, kNatCore}) {
            if (rte_ring_count(bed_.rx_ring(port)) != 0) idle = 0;
            for (const Frame& frame : bed_.sent(port)) {
                idle = 0;
                all.push_back({.port = port,
                               .outer_tag = static_cast<std::uint16_t>(frame[14] * 256 + frame[15]),
                               .packet = Bytes(frame.begin() + kTaggedBytes, frame.end())});
            }
        }
    }
    return all;
}

std::vector<NatWorld::Sent> NatWorld::out(Customer customer, const Bytes& packet, PortId link) {
    from_inside(customer, link, packet);
    return run();
}

std::vector<NatWorld::Sent> NatWorld::in(const Bytes& packet) {
    from_outside(packet);
    return run();
}

std::uint64_t NatWorld::exits(AttachmentId row, Exit exit) {
    std::uint64_t all = 0;
    for (std::size_t k = 0; k < engine_->workers(); ++k) {
        all += bed_.worker(k).counters().exits(row, exit);
    }
    return all;
}

std::uint64_t NatWorld::taken_over() {
    std::uint64_t all = 0;
    for (std::size_t k = 0; k < engine_->workers(); ++k) all += bed_.worker(k).nat().taken_over();
    return all;
}

std::size_t NatWorld::sessions() {
    std::size_t all = 0;
    for (std::size_t k = 0; k < engine_->workers(); ++k) {
        all += engine_->translator(k).sessions().size();
    }
    return all;
}

void NatWorld::cut(PortId link) {
    for (const auto& ways : ways_) bed_.neighbour_down(ways[link.value()]);
}

void NatWorld::lose_pool(Customer customer) {
    insides_[static_cast<std::size_t>(customer)].pool = NatPoolId(7);
    republish();
}

void NatWorld::republish() {
    bed_.set_nat(*engine_, tables());
    bed_.publish();
}

void NatWorld::pass(NatSeconds seconds) {
    engine_->tick(engine_->now() + seconds);
    for (int turn = 0; turn < 200; ++turn) bed_.turn();
}

}  // namespace causeway::test
