// SPDX-License-Identifier: Apache-2.0
//
// The whole walk without a NIC: the daemon's own Worker over ring devices, QinQ in and QinQ out,
// 64-byte frames (with FCS) of 4,096 distinct packets, 74 bytes where they are IPv6. Only
// Worker::turn() is timed: polling two ports, the walk, all counters, transmission. What puts the
// frames back is not.
//
//   walk_bench --benchmark_filter=...     times are TSC cycles a packet: minimum and median of the
//                                         repetitions stand in the counters' columns
#include <benchmark/benchmark.h>
#include <rte_cycles.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "base/text.h"
#include "tests/support/frame_builder.h"
#include "tests/support/test_bed.h"

namespace causeway::test {
namespace {

constexpr std::size_t kPackets = 4'096;
constexpr std::size_t kFrameBytes = 60;                         // 64 with FCS
constexpr std::size_t kFrameBytesMax = 70;                      // of UDP over IPv6 with two tags
constexpr std::uint64_t kIpv6Network = 0x2001'0db8'8000'0000U;  // upper half; a /48 a route
const PortId kEdge(0);

struct Scene {
    std::size_t attachments = 2;  // of the edge port
    std::size_t routes = 16;
    std::size_t ways = 1;   // members of each route's group
    std::size_t ports = 1;  // that packets leave by, in random order
    std::size_t ipv6_percent = 0;
};

// Packets from the edge to the core, in random order of attachments and destinations.
class WalkBench {
  public:
    WalkBench(const Scene& scene, unsigned burst_size)
        : bed_({.ports = 1 + scene.ports,
                .packets = 2 * kPackets - 1,
                .ring_size = 2 * kPackets,
                .burst_size = burst_size}),
          ports_(scene.ports) {
        std::mt19937 random(1);
        const VrfId vrf = bed_.vrf();
        for (std::size_t i = 0; i < scene.attachments; ++i) {
            const auto outer = static_cast<std::uint16_t>(1 + i / 4 % 4'094);
            const auto inner = static_cast<std::uint16_t>(100 + i % 4);
            bed_.attach(kEdge, outer, inner, vrf);
        }
        std::vector<NextHopId> ways;
        std::vector<NextHopId> ipv6_ways;
        for (std::size_t i = 0; i < 16; ++i) {
            const PortId port(static_cast<std::uint8_t>(1 + i % ports_));
            const AttachmentId out =
                bed_.attach(port, 1'000, static_cast<std::uint16_t>(1 + i), vrf);
            ways.push_back(bed_.neighbour(
                out, Ipv4Address(0x0a020000U + static_cast<std::uint32_t>(i)), kCustomerMac));
            ipv6_ways.push_back(bed_.neighbour(out, Ipv6Address(0xfe80ULL << 48, i), kCustomerMac));
        }
        for (std::size_t i = 0; i < scene.routes; ++i) {
            std::vector<NextHopId> members;
            std::vector<NextHopId> ipv6_members;
            for (std::size_t k = 0; k < scene.ways; ++k) {
                members.push_back(ways[(i + k) % 16]);
                ipv6_members.push_back(ipv6_ways[(i + k) % 16]);
            }
            const Ipv4Address network(0x14000000U + (static_cast<std::uint32_t>(i) << 8));
            bed_.route(vrf, Ipv4Prefix::of(network, 24), bed_.group(members));
            const Ipv6Address network6(kIpv6Network + (i << 16), 0);
            bed_.route(vrf, Ipv6Prefix::of(network6, 48), bed_.group(ipv6_members));
        }
        bed_.publish();

        const auto rows = bed_.rows();
        for (std::size_t i = 0; i < kPackets; ++i) {
            const TagKey tags = rows[random() % scene.attachments].key;
            const std::uint64_t route = random() % scene.routes;
            FrameBuilder packet = frame().tags(tags.outer, tags.inner);
            if (random() % 100 < scene.ipv6_percent) {
                const Ipv6Address source(kIpv6Network - (1ULL << 32), random() % 256);
                const Ipv6Address target(kIpv6Network + (route << 16) + random() % 256, 0x10);
                packet.ipv6(to_string(source), to_string(target));
            } else {
                const std::string source = "10.1." + std::to_string(random() % 256) + ".10";
                packet.ipv4(source, destination(route, random() % 256));
            }
            packet.udp(static_cast<std::uint16_t>(random()), 443).pad_to(kFrameBytes);
            const std::vector<std::uint8_t> bytes = packet.bytes();
            CHECK(bytes.size() <= kFrameBytesMax);
            frames_[i].count = static_cast<std::uint16_t>(bytes.size());
            std::memcpy(frames_[i].bytes.data(), bytes.data(), bytes.size());
            rte_mbuf* mbuf = rte_pktmbuf_alloc(bed_.pool());
            CHECK(mbuf != nullptr);
            put_back(mbuf, i);
        }
    }

    [[nodiscard]] const Worker& worker() { return bed_.worker(); }

    // The cycles of one pass over all packets.
    std::uint64_t pass() {
        std::uint64_t cycles = 0;
        std::array<void*, kBurstSizeMax> sent;
        for (std::size_t done = 0; done < kPackets;) {
            const std::uint64_t start = rte_rdtsc();
            bed_.turn();
            cycles += rte_rdtsc() - start;
            std::size_t count = 0;
            for (std::size_t port = 1; port <= ports_; ++port) {
                rte_ring* ring = bed_.tx_ring(PortId(static_cast<std::uint8_t>(port)));
                const unsigned some =
                    rte_ring_sc_dequeue_burst(ring, sent.data(), kBurstSizeMax, nullptr);
                for (unsigned k = 0; k < some; ++k) {
                    put_back(static_cast<rte_mbuf*>(sent[k]), done + count + k);
                }
                count += some;
            }
            CHECK(count > 0);  // else packets get lost and the figure means nothing
            done += count;
        }
        return cycles;
    }

  private:
    struct StoredFrame {
        std::array<std::uint8_t, kFrameBytesMax> bytes;
        std::uint16_t count;
    };
    static std::string destination(std::size_t route, std::size_t host) {
        return "20." + std::to_string(route >> 8 & 255) + "." + std::to_string(route & 255) + "." +
               std::to_string(host % 256);
    }
    void put_back(rte_mbuf* mbuf, std::size_t i) {
        const StoredFrame& frame = frames_[i % kPackets];
        mbuf->data_off = RTE_PKTMBUF_HEADROOM;
        mbuf->data_len = frame.count;
        mbuf->pkt_len = mbuf->data_len;
        std::memcpy(rte_pktmbuf_mtod(mbuf, void*), frame.bytes.data(), frame.count);
        CHECK(rte_ring_sp_enqueue(bed_.rx_ring(kEdge), mbuf) == 0);
    }

    TestBed bed_;
    std::size_t ports_;
    std::vector<StoredFrame> frames_{kPackets};
};

template <class Walk>
void show_stages(benchmark::State& state, const Walk& walk, const char* family) {
    for (std::size_t k = 0; k < Walk::kStageNames.size(); ++k) {
        const StageCounters& stage = walk.counters()[k];
        if (stage.packets.read() == 0) continue;
        state.counters[std::string(family).append(Walk::kStageNames[k])] =
            static_cast<double>(stage.cycles.read()) / static_cast<double>(stage.packets.read());
    }
}

void walk(benchmark::State& state) {
    const Scene scene{.attachments = static_cast<std::size_t>(state.range(1)),
                      .routes = static_cast<std::size_t>(state.range(2)),
                      .ways = static_cast<std::size_t>(state.range(3)),
                      .ports = static_cast<std::size_t>(state.range(4)),
                      .ipv6_percent = static_cast<std::size_t>(state.range(5))};
    WalkBench bench(scene, static_cast<unsigned>(state.range(0)));
    std::vector<double> passes;
    for (int warm = 0; warm < 20; ++warm) (void)bench.pass();
    for (auto _ : state) {
        passes.push_back(static_cast<double>(bench.pass()) / kPackets);
    }
    std::ranges::sort(passes);
    state.counters["min"] = passes.front();
    state.counters["median"] = passes[passes.size() / 2];
    show_stages(state, bench.worker().ipv4_walk(), "");
    show_stages(state, bench.worker().ipv6_walk(), "ipv6/");
    state.SetLabel(has_huge_pages() ? "huge pages" : "4 KiB pages");
}
BENCHMARK(walk)
    ->ArgNames({"burst", "attachments", "routes", "ways", "ports", "ipv6"})
    ->Args({32, 2, 16, 1, 1, 0})
    ->Args({64, 2, 16, 1, 1, 0})
    ->Args({32, 2, 16, 1, 1, 100})
    ->Args({64, 2, 16, 1, 1, 100})
    ->Args({32, 2, 16, 1, 1, 50})
    ->Args({32, 2, 16, 2, 1, 100})
    ->Args({32, 2, 16, 1, 2, 0})
    ->Args({32, 2, 16, 1, 4, 0})
    ->Args({32, 2, 16, 2, 1, 0})
    ->Args({64, 2, 16, 2, 1, 0})
    ->Args({32, 16'000, 16, 2, 1, 0})
    ->Args({64, 16'000, 16, 2, 1, 0});

}  // namespace
}  // namespace causeway::test

int main(int argc, char** argv) {
    causeway::test::test_eal(causeway::Pages::kHuge);
    benchmark::Initialize(&argc, argv);
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}
