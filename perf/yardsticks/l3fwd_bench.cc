// SPDX-License-Identifier: Apache-2.0
//
// DPDK's example forwarder over the rings of perf/worker_bench: the same packets less their tags,
// the same routes, the same clock. perf/yardsticks/build_l3fwd.py links this with its sources,
// whose main() is then called l3fwd_main().
//
//   l3fwd_bench --lookup=lpm|fib [--routes=N] [--uniform] [--passes=N] [--core=N]
//
// Prints one JSON object: the scene's name, and minimum and median of the passes in TSC cycles a
// packet.
#include <rte_cycles.h>
#include <rte_eth_ring.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/text.h"
#include "dataplane/dpdk.h"
#include "perf/ring_lane.h"
#include "perf/samples.h"
#include "perf/scene.h"
#include "perf/scene_routes.h"
#include "perf/yardsticks/divert.h"

extern "C" {
int l3fwd_main(int argc, char** argv);
extern volatile bool force_quit;
}

namespace causeway::perf {
namespace {

constexpr int kWarmPasses = 20;
constexpr std::uint64_t kSeed = 1;

struct Options {
    std::string lookup = "lpm";
    Scene scene{.burst = 32};  // l3fwd's MAX_PKT_BURST
    int passes = 500;
    unsigned core = 0;
};

// All that one run is about. l3fwd calls back without a word about whom, so there is but one.
struct Run {
    explicit Run(Options chosen) : options(std::move(chosen)), routes(options.scene, kSeed) {}

    Options options;
    SceneRoutes routes;
    Mempool pool;
    std::vector<Ring> rings;
    std::unique_ptr<RingLane> lane;

    // Of the pass that goes on.
    std::uint64_t start = 0;
    std::uint64_t cycles = 0;
    std::size_t passed = 0;
    int passes_done = -kWarmPasses;
    std::vector<double> samples;
};
std::unique_ptr<Run> run;

Ring new_ring(const char* name) {
    return make_ring({.name = name, .size = 2 * RingLane::kInFlight}).value();
}

// Two devices: packets come from the one, and leave by the other.
void create_devices() {
    run->pool = make_packet_pool({.name = "lane", .count = 2 * RingLane::kInFlight - 1}).value();
    for (const char* name : {"in", "back", "unused", "out"}) run->rings.push_back(new_ring(name));
    for (std::size_t port = 0; port < 2; ++port) {
        rte_ring* rx = run->rings[2 * port].get();
        rte_ring* tx = run->rings[2 * port + 1].get();
        CHECK(rte_eth_from_rings(port == 0 ? "edge" : "core", &rx, 1, &tx, 1, 0) >= 0);
    }
    const std::vector<Entrance> anywhere(1);
    run->lane = std::make_unique<RingLane>(
        PrebuiltPackets(run->options.scene, run->routes, anywhere, 0, kSeed + 1),
        run->rings[0].get(), std::vector{run->rings[3].get()});
    run->lane->fill(run->pool.get());
}

void end_turn() {
    run->passed += run->lane->recycle();
    // All but what it gathers for a burst to send; else it drops them, and the figure means
    // nothing.
    CHECK(run->lane->waiting() + 2 * kBurstSizeMax > RingLane::kInFlight);
    if (run->passed < RingLane::kInFlight) return;
    if (run->passes_done++ >= 0) {
        run->samples.push_back(static_cast<double>(run->cycles) / static_cast<double>(run->passed));
    }
    run->cycles = 0;
    run->passed = 0;
    force_quit = run->passes_done == run->options.passes;
}

// l3fwd reads routes as lines of `Rprefix port`. Its tables have no default route: two halves.
void write_rules(const std::filesystem::path& folder) {
    std::ofstream ipv4(folder / "ipv4");
    ipv4 << "R0.0.0.0/1 1\nR128.0.0.0/1 1\n";
    for (const TableRoute& route : run->routes.ipv4.front()) {
        ipv4 << 'R' << to_string(route.prefix) << " 1\n";
    }
    std::ofstream ipv6(folder / "ipv6");
    ipv6 << "R2001:0db8:0000:0000:0000:0000:0000:0000/32 1\n";
    CHECK(ipv4.flush() && ipv6.flush());
}

int forward() {
    const Options& options = run->options;
    std::string name = (std::filesystem::temp_directory_path() / "l3fwd-XXXXXX").string();
    CHECK(mkdtemp(name.data()) != nullptr);
    const std::filesystem::path folder(name);
    write_rules(folder);
    std::vector<std::string> words = {"l3fwd",
                                      "--no-pci",
                                      "--no-telemetry",
                                      "--log-level=error",
                                      "--force-max-simd-bitwidth=512",
                                      "--iova-mode=va",
                                      "--in-memory"};
    words.push_back("--lcores=0@" + std::to_string(options.core));
    words.insert(words.end(), {"--", "-p", "3", "--config=(0,0,0)"});
    words.push_back("--lookup=" + options.lookup);
    words.push_back("--rule_ipv4=" + (folder / "ipv4").string());
    words.push_back("--rule_ipv6=" + (folder / "ipv6").string());
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    // l3fwd tells of each route; the one line of ours goes to the real stdout.
    const int real_stdout = dup(STDOUT_FILENO);
    CHECK(std::freopen("/dev/null", "w", stdout) != nullptr);
    const int code = l3fwd_main(static_cast<int>(argv.size()), argv.data());
    std::filesystem::remove_all(folder);
    if (code != 0 || run->samples.empty()) return 1;
    const Spread spread = spread_of(run->samples);
    dprintf(real_stdout, "{\"name\": \"l3fwd_%s/%s\", \"min\": %.3f, \"median\": %.3f}\n",
            options.lookup.c_str(), name_of(options.scene).c_str(), spread.min, spread.median);
    return 0;
}

int main_of(int argc, char** argv) {
    Options options;
    bool is_uniform = false;
    CLI::App app("Times DPDK's example forwarder over rings.", "l3fwd_bench");
    app.add_option("--lookup", options.lookup)->check(CLI::IsMember({"lpm", "fib"}));
    app.add_option("--routes", options.scene.routes);
    app.add_flag("--uniform", is_uniform, "destinations anywhere, instead of drawn from the table");
    app.add_option("--passes", options.passes)->check(CLI::PositiveNumber);
    app.add_option("--core", options.core);
    CLI11_PARSE(app, argc, argv);
    if (is_uniform) options.scene.destinations = Destinations::kUniform;
    run = std::make_unique<Run>(options);
    return forward();
}

}  // namespace
}  // namespace causeway::perf

using namespace causeway::perf;

int causeway_eal_init(int argc, char** argv) {
    const int words = rte_eal_init(argc, argv);
    if (words >= 0) create_devices();
    return words;
}

void causeway_next_turn() {
    run->cycles += rte_rdtsc() - run->start;
    end_turn();
    run->start = rte_rdtsc();
}

int causeway_dev_configure(std::uint16_t port, std::uint16_t rx_queues, std::uint16_t tx_queues,
                           const rte_eth_conf* configuration) {
    rte_eth_dev_info info;
    CHECK(rte_eth_dev_info_get(port, &info) == 0);
    rte_eth_conf possible = *configuration;
    possible.rxmode.offloads &= info.rx_offload_capa;
    possible.txmode.offloads &= info.tx_offload_capa;
    possible.rx_adv_conf.rss_conf.rss_hf &= info.flow_type_rss_offloads;
    possible.rxmode.mq_mode = RTE_ETH_MQ_RX_NONE;
    return rte_eth_dev_configure(port, rx_queues, tx_queues, &possible);
}

int causeway_rx_queue_setup(std::uint16_t port, std::uint16_t queue, std::uint16_t descriptors,
                            unsigned socket, const rte_eth_rxconf* configuration,
                            rte_mempool* pool) {
    rte_eth_rxconf possible = *configuration;
    possible.offloads = 0;
    return rte_eth_rx_queue_setup(port, queue, descriptors, socket, &possible, pool);
}

int causeway_get_supported_ptypes(std::uint16_t, std::uint32_t, std::uint32_t* types, int count) {
    constexpr std::uint32_t kTypes[] = {RTE_PTYPE_L3_IPV4, RTE_PTYPE_L3_IPV6};
    for (int i = 0; i < count && i < 2; ++i) types[i] = kTypes[i];
    return 2;
}

int main(int argc, char** argv) {
    return main_of(argc, argv);
}
