// SPDX-License-Identifier: Apache-2.0
//
// The whole walk without a NIC: the daemon's own Worker over ring devices, QinQ in and QinQ out,
// 64-byte frames (with FCS) of 4,096 distinct packets. Only Worker::turn() is timed: polling two
// ports, the walk, all counters, transmission. What puts the frames back is not.
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

#include "tests/support/frame_builder.h"
#include "tests/support/test_bed.h"

namespace causeway::test {
namespace {

constexpr std::size_t kPackets = 4'096;
constexpr std::size_t kFrameBytes = 60;  // 64 with FCS
const PortId kEdge(0);

struct Scene {
    std::size_t attachments = 2;  // of the edge port
    std::size_t routes = 16;
    std::size_t ways = 1;   // members of each route's group
    std::size_t ports = 1;  // that packets leave by, in random order
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
        for (std::size_t i = 0; i < 16; ++i) {
            const PortId port(static_cast<std::uint8_t>(1 + i % ports_));
            const AttachmentId out =
                bed_.attach(port, 1'000, static_cast<std::uint16_t>(1 + i), vrf);
            ways.push_back(bed_.neighbour(
                out, Ipv4Address(0x0a020000U + static_cast<std::uint32_t>(i)), kCustomerMac));
        }
        for (std::size_t i = 0; i < scene.routes; ++i) {
            std::vector<NextHopId> members;
            for (std::size_t k = 0; k < scene.ways; ++k) members.push_back(ways[(i + k) % 16]);
            const Ipv4Address network(0x14000000U + (static_cast<std::uint32_t>(i) << 8));
            bed_.route(vrf, Ipv4Prefix::of(network, 24), bed_.group(members));
        }
        bed_.publish();

        const auto rows = bed_.rows();
        for (std::size_t i = 0; i < kPackets; ++i) {
            const TagKey tags = rows[random() % scene.attachments].key;
            const std::uint32_t route = static_cast<std::uint32_t>(random() % scene.routes);
            const std::string source = "10.1." + std::to_string(random() % 256) + ".10";
            std::vector<std::uint8_t> bytes = frame()
                                                  .tags(tags.outer, tags.inner)
                                                  .ipv4(source, destination(route, random() % 256))
                                                  .udp(static_cast<std::uint16_t>(random()), 443)
                                                  .pad_to(kFrameBytes)
                                                  .bytes();
            std::memcpy(frames_[i].data(), bytes.data(), kFrameBytes);
            rte_mbuf* mbuf = rte_pktmbuf_alloc(bed_.pool());
            CHECK(mbuf != nullptr);
            put_back(mbuf, i);
        }
    }

    [[nodiscard]] const Ipv4Walk& stages() { return bed_.worker().walk(); }

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
    static std::string destination(std::uint32_t route, std::size_t host) {
        return "20." + std::to_string(route >> 8 & 255) + "." + std::to_string(route & 255) + "." +
               std::to_string(host % 256);
    }
    void put_back(rte_mbuf* mbuf, std::size_t i) {
        mbuf->data_off = RTE_PKTMBUF_HEADROOM;
        mbuf->data_len = kFrameBytes;
        mbuf->pkt_len = kFrameBytes;
        std::memcpy(rte_pktmbuf_mtod(mbuf, void*), frames_[i % kPackets].data(), kFrameBytes);
        CHECK(rte_ring_sp_enqueue(bed_.rx_ring(kEdge), mbuf) == 0);
    }

    TestBed bed_;
    std::size_t ports_;
    std::vector<std::array<std::uint8_t, kFrameBytes>> frames_{kPackets};
};

void walk(benchmark::State& state) {
    const Scene scene{.attachments = static_cast<std::size_t>(state.range(1)),
                      .routes = static_cast<std::size_t>(state.range(2)),
                      .ways = static_cast<std::size_t>(state.range(3)),
                      .ports = static_cast<std::size_t>(state.range(4))};
    WalkBench bench(scene, static_cast<unsigned>(state.range(0)));
    std::vector<double> passes;
    for (int warm = 0; warm < 20; ++warm) (void)bench.pass();
    for (auto _ : state) {
        passes.push_back(static_cast<double>(bench.pass()) / kPackets);
    }
    std::ranges::sort(passes);
    state.counters["min"] = passes.front();
    state.counters["median"] = passes[passes.size() / 2];
    for (std::size_t k = 0; k < Ipv4Walk::kStageNames.size(); ++k) {
        const StageCounters& stage = bench.stages().counters()[k];
        state.counters[std::string(Ipv4Walk::kStageNames[k])] =
            static_cast<double>(stage.cycles.read()) / static_cast<double>(stage.packets.read());
    }
    state.SetLabel(has_huge_pages() ? "huge pages" : "4 KiB pages");
}
BENCHMARK(walk)
    ->ArgNames({"burst", "attachments", "routes", "ways", "ports"})
    ->Args({32, 2, 16, 1, 1})
    ->Args({64, 2, 16, 1, 1})
    ->Args({32, 2, 16, 1, 2})
    ->Args({32, 2, 16, 1, 4})
    ->Args({32, 2, 16, 2, 1})
    ->Args({64, 2, 16, 2, 1})
    ->Args({32, 16'000, 16, 2, 1})
    ->Args({64, 16'000, 16, 2, 1});

}  // namespace
}  // namespace causeway::test

int main(int argc, char** argv) {
    causeway::test::test_eal(causeway::Pages::kHuge);
    benchmark::Initialize(&argc, argv);
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}
