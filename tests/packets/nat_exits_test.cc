// SPDX-License-Identifier: Apache-2.0
//
// Every way to leave a walk because of NAT has a packet that takes it.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "tests/packets/nat_world.h"
#include "tests/support/frame_builder.h"

namespace causeway::test {
namespace {

Endpoint client(std::uint16_t port, std::uint8_t host = 5) {
    return {Ipv4Address(0x0a000000U + host), port};
}

struct Case {
    Exit exit;
    NatWorldOptions options;
    std::function<void(NatWorld&)> play;
    bool is_from_outside = false;
};

void out(NatWorld& world, const Bytes& packet) {
    (void)world.out(Customer::kContoso, packet);
}
// A thousand endpoints of one host, and a host's each.
void many_ports(NatWorld& world) {
    for (std::uint16_t port = 1; port <= 1'000; ++port) out(world, udp(client(port), kServer));
}
void many_hosts(NatWorld& world) {
    for (std::uint8_t host = 1; host <= 200; ++host) out(world, udp(client(9, host), kServer));
}

// Packets that the NAT cannot translate.
std::vector<Case> hopeless_packets() {
    return {
        {Exit::kNatMalformed,
         {},
         [](NatWorld& world) {
             Bytes packet = udp(client(1), kServer);
             packet.resize(24);
             packet[3] = 24;
             ++packet[8];
             out(world, hop(packet));
         }},
        {Exit::kNatForeign,
         {},
         [](NatWorld& world) {
             Bytes packet = udp(client(1), kServer);
             packet[9] = 50;  // ESP
             ++packet[8];
             out(world, hop(packet));
         }},
        {Exit::kNatMidFlow, {}, [](NatWorld& world) { out(world, tcp(client(1), kServer, kAck)); }},
        {Exit::kNatNoMapping,
         {},
         [](NatWorld& world) {
             (void)world.in(udp(kServer, {ip("198.51.100.1"), 5'000}));
         },
         true},
        {Exit::kNatFiltered,
         {.settings = {.filtering = NatFiltering::kAddressDependent}},
         [](NatWorld& world) {
             const auto sent = world.out(Customer::kContoso, udp(client(1), kServer));
             (void)world.in(udp({ip("198.18.66.6"), 1}, source_of(sent.at(0).packet)));
         },
         true},
        {Exit::kNatFragmentsFull,
         {},
         [](NatWorld& world) {
             for (std::uint16_t id = 1; id < 100; ++id) {
                 Bytes packet = udp(client(1), kServer);
                 packet[4] = static_cast<std::uint8_t>(id);
                 packet[7] = 3;
                 ++packet[8];
                 out(world, hop(packet));
             }
         }},
        {Exit::kNatFragmentLost,
         {},
         [](NatWorld& world) {
             Bytes packet = udp(client(1), kServer);
             packet[7] = 3;
             ++packet[8];
             out(world, hop(packet));
             world.pass(10);
         }},
        {Exit::kNatNoPool,
         {},
         [](NatWorld& world) {
             world.lose_pool(Customer::kContoso);
             out(world, udp(client(1), kServer));
         }},
        {Exit::kNatIcmpUnmatched,
         {},
         [](NatWorld& world) {
             (void)world.in(
                 build_error(ip("198.18.0.1"), 3, udp({ip("198.51.100.1"), 5'000}, kServer), 28));
         },
         true},
    };
}

// New flows that meet a limit.
std::vector<Case> refused_flows() {
    return {
        {Exit::kNatHostsFull, {.mappings = {.hosts_max = 10}}, many_hosts},
        {Exit::kNatHostSessions, {.settings = {.host_sessions_max = 10}}, many_ports},
        {Exit::kNatHostPorts, {.settings = {.block_ports = 64, .host_blocks_max = 1}}, many_ports},
        {Exit::kNatPortsExhausted,
         {.settings = {.block_ports = 4'096}, .mappings = {.hosts_max = 1'000}},
         many_hosts},
        {Exit::kNatMappingsFull,
         {.settings = {.block_ports = 4'096}, .mappings = {.mappings_max = 1}},
         many_ports},
        {Exit::kNatSessionsFull, {.sessions_max = 10}, many_ports},
    };
}

// Others hold and release mappings of one host, all the while, until a packet of it finds it taken
// as often as it tries.
void play_busy(NatWorld& world) {
    // What the engine shows of it is const, so that nobody but a worker writes there; these are.
    auto& mappings = const_cast<MappingTable&>(world.engine().mappings());
    std::atomic<bool> is_over = false;
    std::vector<std::thread> others;
    for (std::uint16_t port = 1; port <= 4; ++port) {
        others.emplace_back([&, port] {
            const MappingTable::Inside inside{NatPoolId(5), NatProtocol::kUdp, client(port)};
            while (!is_over) {
                const auto held = mappings.hold(inside, kServer.address, port);
                if (held.refusal != NatRefusal::kNone) continue;
                while (!mappings.release(held.port, kServer.address)) {
                }
            }
        });
    }
    const AttachmentId leg = world.leg(Customer::kContoso, kNatPrimary);
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    std::uint16_t port = 100;
    while (world.exits(leg, Exit::kNatBusy) == 0 && std::chrono::steady_clock::now() < deadline) {
        out(world, udp(client(++port), kServer));
    }
    is_over = true;
    for (std::thread& other : others) other.join();
}

TEST(NatExits, every_one_has_a_packet_that_ends_by_it) {
    std::set<Exit> seen;
    std::vector<Case> cases = hopeless_packets();
    for (Case& one : refused_flows()) cases.push_back(std::move(one));
    cases.push_back({Exit::kNatBusy, {.settings = {.host_sessions_max = 1U << 20}}, play_busy});
    for (const Case& one : cases) {
        SCOPED_TRACE(info_of(one.exit).name);
        NatWorld world(one.options);
        one.play(world);
        const AttachmentId row =
            one.is_from_outside ? world.core() : world.leg(Customer::kContoso, kNatPrimary);
        EXPECT_GT(world.exits(row, one.exit), 0U);
        world.pass(10);  // fragments that wait have no end yet
        EXPECT_EQ(world.bed().unaccounted(), "");
        seen.insert(one.exit);
    }
    for (const ExitInfo& info : kExits) {
        if (!info.name.starts_with("nat_") || info.fate == Fate::kWalk) continue;
        EXPECT_TRUE(seen.contains(info.exit)) << info.name << ": " << info.meaning;
    }
}

}  // namespace
}  // namespace causeway::test
