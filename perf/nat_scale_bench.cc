// SPDX-License-Identifier: Apache-2.0
//
// NAT44 with ten million sessions: how much memory they are, how long it takes to look through all
// of them for a few, in the parts of 65,536 rows in which control/router/nat_show.cc does, and what
// a worker notices of it that translates meanwhile.
//
//   nat_scale_bench [SESSIONS]    10,000,000, which take 1.5 GiB; wants a core for itself and one
//                                 for the worker
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <utility>

#include "base/check.h"
#include "dataplane/nat_engine.h"
#include "perf/nat_frames.h"

namespace causeway::perf {
namespace {

using Clock = std::chrono::steady_clock;

constexpr NatPoolId kPool{3};
constexpr std::uint32_t kPublic = 0xc6336401;  // 198.51.100.1 and those behind it
constexpr std::uint32_t kHostPorts = 250;      // sessions of a host, each with a port of its own
constexpr std::uint32_t kBlockPorts = 256;
constexpr std::uint32_t kAddressBlocks = (65'536 - 1'024) / kBlockPorts;
constexpr NatSeconds kNow = 1;
constexpr std::uint32_t kPartRows = 65'536;

double milliseconds(Clock::duration time) {
    return std::chrono::duration<double, std::milli>(time).count();
}

// What this process has in memory, on pages of all sizes.
double memory_mib() {
    std::ifstream status("/proc/self/status");
    double kib = 0;
    for (std::string line; std::getline(status, line);) {
        if (line.starts_with("VmRSS:") || line.starts_with("HugetlbPages:"))
            kib += std::strtod(line.c_str() + line.find(':') + 1, nullptr);
    }
    return kib / 1'024;
}

Endpoint inside_of(std::uint32_t flow) {
    return {Ipv4Address(0x0a000000U + flow / kHostPorts),
            static_cast<std::uint16_t>(1'024 + flow % kHostPorts)};
}
Endpoint remote_of(std::uint32_t flow) {
    return {Ipv4Address(0x14000000U + flow % 60'000), 443};
}

std::unique_ptr<NatEngine> make_engine(std::uint32_t sessions) {
    auto engine = std::move(NatEngine::create({.workers = 1,
                                               .sessions_max = sessions,
                                               .mappings = {.hosts_max = sessions / kHostPorts + 1,
                                                            .mappings_max = sessions,
                                                            .peers_max = sessions,
                                                            .secret = {}},
                                               .fragments = {},
                                               .now = kNow,
                                               .session_file = {}})
                                .value());
    CHECK(engine->space()
              .add_pool(kPool, {.timers = {.udp = 3'600},
                                .filtering = NatFiltering::kAddressDependent,
                                .block_ports = kBlockPorts})
              .has_value());
    const std::uint32_t addresses = sessions / kHostPorts / kAddressBlocks + 1;
    for (std::uint32_t k = 0; k < addresses; ++k) {
        CHECK(engine->space().add_address(kPool, Ipv4Address(kPublic + k)).has_value());
    }
    return engine;
}

void fill(NatEngine& engine, std::uint32_t sessions) {
    NatFrames frames(kPool);
    for (std::uint32_t flow = 0; flow < sessions; flow += NatFrames::kBurst) {
        for (std::uint32_t k = 0; k < NatFrames::kBurst; ++k) {
            frames.set(k, inside_of(flow + k), remote_of(flow + k));
        }
        engine.translator(0).outbound(frames.packets, frames.results, {}, kNow);
        for (const NatResult& result : frames.results) {
            CHECK(result.outcome == NatOutcome::kTranslated);
        }
    }
    CHECK(engine.translator(0).sessions().size() == sessions);
}

// Packets of any of the flows, as fast as one core can.
class Worker {
  public:
    Worker(NatEngine& engine, std::uint32_t sessions)
        : engine_(engine), sessions_(sessions), thread_([this] { run(); }) {}
    ~Worker() {
        stop_ = true;
        thread_.join();
    }
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    struct Noticed {
        double packets_per_second;
        double longest_burst_ms;
    };
    // Since it was asked last.
    Noticed notice() {
        const auto now = Clock::now();
        const std::uint64_t bursts = bursts_.exchange(0);
        const double seconds = milliseconds(now - since_) / 1e3;
        since_ = now;
        return {static_cast<double>(bursts * NatFrames::kBurst) / seconds,
                static_cast<double>(longest_ns_.exchange(0)) / 1e6};
    }

  private:
    void run() {
        std::mt19937_64 random(1);
        NatFrames frames(kPool);
        auto last = Clock::now();
        while (!stop_) {
            for (std::size_t k = 0; k < NatFrames::kBurst; ++k) {
                const auto flow = static_cast<std::uint32_t>(random() % sessions_);
                frames.set(k, inside_of(flow), remote_of(flow));
            }
            engine_.translator(0).outbound(frames.packets, frames.results, {}, kNow);
            const auto now = Clock::now();
            const auto took = std::chrono::nanoseconds(now - std::exchange(last, now)).count();
            if (took > longest_ns_.load()) longest_ns_ = took;
            ++bursts_;
        }
    }

    NatEngine& engine_;
    std::uint32_t sessions_;
    std::atomic<bool> stop_ = false;
    std::atomic<std::uint64_t> bursts_ = 0;
    std::atomic<std::int64_t> longest_ns_ = 0;
    Clock::time_point since_ = Clock::now();
    std::thread thread_;
};

// Whether the row of this number is one of those that are looked for; nothing: no such row.
using Row = std::function<std::optional<bool>(std::uint32_t)>;

void look_through(const char* what, Worker& worker, std::uint32_t first, std::uint32_t last,
                  const Row& row) {
    (void)worker.notice();
    std::uint64_t rows = 0;
    std::uint64_t found = 0;
    Clock::duration longest{};
    const auto begun = Clock::now();
    auto part = begun;
    for (std::uint32_t number = first; number <= last; ++number) {
        const std::optional<bool> is_wanted = row(number);
        rows += is_wanted.has_value();
        found += is_wanted.value_or(false);
        if ((number - first + 1) % kPartRows != 0 && number != last) continue;
        const auto now = Clock::now();
        longest = std::max(longest, now - std::exchange(part, now));
    }
    const auto took = Clock::now() - begun;
    const auto [pace, longest_burst] = worker.notice();
    std::printf("%-22s %10lu %6lu %9.1f %9.2f %11.2f %9.2f\n", what, rows, found,
                milliseconds(took), milliseconds(longest), pace / 1e6, longest_burst);
}

void look_at_tables(NatEngine& engine, std::uint32_t sessions) {
    std::printf("%-22s %10s %6s %9s %9s %11s %9s\n", "", "", "", "", "longest", "worker: mil-",
                "longest");
    std::printf("%-22s %10s %6s %9s %9s %11s %9s\n", "looked through", "rows", "found", "ms",
                "part ms", "lion/s", "burst ms");
    Worker worker(engine, sessions);
    std::this_thread::sleep_for(std::chrono::seconds(1));
    const auto [pace, longest] = worker.notice();
    std::printf("%-22s %10s %6s %9s %9s %11.2f %9.2f\n", "nothing", "", "", "", "", pace / 1e6,
                longest);
    const Endpoint any = inside_of(sessions / 2);
    const SessionTable& table = engine.translator(0).sessions();
    const auto session = [&](const auto& is_wanted) -> Row {
        return [&table, is_wanted](std::uint32_t number) -> std::optional<bool> {
            const auto reading = table.read(number);
            if (!reading) return std::nullopt;
            return is_wanted(*reading);
        };
    };
    look_through("sessions of a host", worker, 1, sessions, session([&](const auto& reading) {
                     return reading.inside.own().address == any.address;
                 }));
    look_through("sessions to a remote", worker, 1, sessions, session([](const auto& reading) {
                     return reading.inside.remote().address == remote_of(77).address;
                 }));
    look_through("sessions of an address", worker, 1, sessions, session([](const auto& reading) {
                     return reading.outside.own().address == Ipv4Address(kPublic);
                 }));
    const PortSpace& space = engine.space();
    const std::uint32_t first = PortRef(1, NatProtocol::kUdp, 0).bits();
    const std::uint32_t last = first + (sessions / kHostPorts / kAddressBlocks + 2) * (1U << 18);
    look_through("mappings of a host", worker, first, last,
                 [&](std::uint32_t bits) -> std::optional<bool> {
                     const auto port = PortRef::from_bits(bits);
                     if (!space.is_known(port.address()) || port.protocol() != NatProtocol::kUdp ||
                         space.read(port).host() == 0) {
                         return std::nullopt;
                     }
                     const auto inside = engine.mappings().peek(port);
                     return inside && inside->endpoint.address == any.address;
                 });
    look_through("hosts, all", worker, 1, engine.mappings().host_numbers() - 1,
                 [&](std::uint32_t host) -> std::optional<bool> {
                     if (!engine.mappings().read_host(host)) return std::nullopt;
                     return true;
                 });
}

}  // namespace
}  // namespace causeway::perf

int main(int argc, char** argv) {
    using namespace causeway::perf;
    const auto wanted = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 10'000'000UL;
    const auto sessions =
        static_cast<std::uint32_t>(wanted / NatFrames::kBurst * NatFrames::kBurst);
    if (sessions < kHostPorts || sessions > 16'000'000) {
        std::fprintf(stderr, "SESSIONS: from 320 to 16,000,000\n");
        return 1;
    }
    const double before = memory_mib();
    const auto engine = make_engine(sessions);
    const auto begun = Clock::now();
    fill(*engine, sessions);
    std::printf("%u sessions in %.1f s; %.0f MiB with all of a NAT's tables\n\n", sessions,
                milliseconds(Clock::now() - begun) / 1e3, memory_mib() - before);
    look_at_tables(*engine, sessions);
    return 0;
}
