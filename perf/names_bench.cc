// SPDX-License-Identifier: Apache-2.0
//
// Names: what it costs to ask all sets about one, by how many names or patterns they hold. Names
// have 22 bytes on average, half of them match, and no two in a row are alike, so the tables are as
// cold as they get.
//
//   ns_name        nanoseconds a name, median of batches
//   tsc_name       TSC cycles a name, likewise
//   build_ms       to make the tables; with patterns, to compile them
//   load_ms        to read compiled patterns back
//   table_kib      what they take
//
// And what it costs to ask whether a packet's destination was learned, by how many are known:
// bursts of 64, of which a percentage is known, drawn from all of them at random.
//
//   tsc_packet     TSC cycles a packet
#include <benchmark/benchmark.h>
#include <x86intrin.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "acl/names/learned_table.h"
#include "acl/names/name_matcher.h"
#include "base/check.h"
#include "perf/cycles.h"

namespace causeway::perf {
namespace {

using Clock = std::chrono::steady_clock;

double ms_since(Clock::time_point start) {
    return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

std::string random_label(std::mt19937& random, std::size_t size) {
    std::string label;
    for (std::size_t i = 0; i < size; ++i) label += static_cast<char>('a' + random() % 26);
    return label;
}

struct Names {
    NameSet set{.name = "bench", .members = {}, .exceptions = {}, .payloads = {}};
    std::vector<Hostname> asked;
};

NamePattern pattern(const std::string& text) {
    auto parsed = NamePattern::from(text);
    CHECK(parsed.has_value());
    return std::move(parsed).value();
}
Hostname hostname(const std::string& text) {
    const auto name = Hostname::from(text);
    CHECK(name.has_value());
    return *name;
}

constexpr std::size_t kAsked = 1U << 16;
constexpr const char* kTops[] = {"com", "net", "org", "example"};

// "*.domain.top".
Names suffixes(std::size_t count) {
    std::mt19937 random(1);
    Names names;
    std::vector<std::string> domains;
    for (std::size_t i = 0; i < count; ++i) {
        domains.push_back(random_label(random, 6 + random() % 10) + '.' + kTops[random() % 4]);
        names.set.members.push_back(pattern("*." + domains.back()));
    }
    for (std::size_t i = 0; i < kAsked; ++i) {
        const std::string domain =
            i % 2 == 0 ? domains[random() % count]
                       : random_label(random, 6 + random() % 10) + '.' + kTops[random() % 4];
        names.asked.push_back(hostname(random_label(random, 3 + random() % 9) + '.' + domain));
    }
    return names;
}

// "*-files.domain.top" and "autodiscover.*.domain.top", in halves.
Names wildcards(std::size_t count) {
    std::mt19937 random(1);
    Names names;
    std::vector<std::string> domains;
    for (std::size_t i = 0; i < count; ++i) {
        domains.push_back(random_label(random, 6 + random() % 10) + '.' + kTops[random() % 4]);
        names.set.members.push_back(
            pattern((i % 2 == 0 ? "*-files." : "autodiscover.*.") + domains.back()));
    }
    for (std::size_t i = 0; i < kAsked; ++i) {
        const std::size_t k = random() % count;
        const std::string label = random_label(random, 3 + random() % 5);
        const std::string match =
            (k % 2 == 0 ? label + "-files." : "autodiscover." + label + '.') + domains[k];
        names.asked.push_back(hostname(i % 2 == 0 ? match
                                                  : random_label(random, 3 + random() % 9) + '.' +
                                                        random_label(random, 6 + random() % 10) +
                                                        '.' + kTops[random() % 4]));
    }
    return names;
}

void ask(benchmark::State& state, const Names& names) {
    const auto start = Clock::now();
    const std::span<const NameSet> sets(&names.set, 1);
    PatternPlan plan = plan_patterns(sets);
    std::unique_ptr<const PatternDatabase> patterns;
    double load_ms = 0;
    if (!plan.patterns.empty()) {
        auto compiled = PatternDatabase::compile(plan.patterns);
        CHECK(compiled.has_value());
        const auto bytes = (*compiled)->serialize();
        CHECK(bytes.has_value());
        const auto loading = Clock::now();
        patterns = std::move(PatternDatabase::deserialize(*bytes)).value();
        load_ms = ms_since(loading);
    }
    const NameMatcher matcher(sets, plan, std::move(patterns));
    state.counters["build_ms"] = ms_since(start) - load_ms;
    state.counters["load_ms"] = load_ms;
    auto scratch = std::move(matcher.make_scratch()).value();

    // What is asked about has just been read from a packet, so it is in the first-level cache.
    constexpr std::size_t kBatch = 64;
    std::array<Hostname, kBatch> batch{};
    Cycles cycles;
    const auto begin = Clock::now();
    const std::uint64_t begin_tsc = __rdtsc();
    std::size_t at = 0;
    std::size_t matched = 0;
    for (auto _ : state) {
        std::copy_n(names.asked.begin() + static_cast<std::ptrdiff_t>(at), kBatch, batch.begin());
        cycles.start();
        for (const Hostname& name : batch) matched += matcher.match(name, scratch).in;
        cycles.stop();
        at = (at + kBatch) % kAsked;
    }
    const double tsc_per_ns = static_cast<double>(__rdtsc() - begin_tsc) / (ms_since(begin) * 1e6);
    CHECK(matched != 0);
    const double tsc = cycles.median() / kBatch;
    state.counters["tsc_name"] = tsc;
    state.counters["ns_name"] = tsc / tsc_per_ns;
    state.counters["table_kib"] = static_cast<double>(matcher.bytes() / 1'024);
}

void suffix_names(benchmark::State& state) {
    ask(state, suffixes(static_cast<std::size_t>(state.range(0))));
}
void wildcard_names(benchmark::State& state) {
    ask(state, wildcards(static_cast<std::size_t>(state.range(0))));
}
BENCHMARK(suffix_names)->Arg(100)->Arg(10'000)->Arg(100'000);
BENCHMARK(wildcard_names)->Arg(100)->Arg(1'000)->Arg(10'000);

template <class Address>
void learned(benchmark::State& state) {
    const auto count = static_cast<std::uint64_t>(state.range(0));
    const auto known = static_cast<std::uint64_t>(state.range(1));
    std::mt19937_64 random(1);
    const auto address_of = [](std::uint64_t number) {
        number *= 0x9e37'79b9'7f4a'7c15;
        if constexpr (std::is_same_v<Address, Ipv4Address>) {
            return Address(static_cast<std::uint32_t>(number >> 32 | 1));
        } else {
            return Address(0x2001'0db8'0000'0000U | number >> 40, number);
        }
    };
    ImmediateGrace grace;
    const auto table = std::move(LearnedTable<Address>::create(grace)).value();
    for (std::uint64_t i = 0; i < count; ++i) {
        CHECK(table->set(address_of(i), LearnedSets(1)).has_value());
        table->reclaim();
    }
    constexpr std::size_t kBurst = kBurstSizeMax;
    Cycles cycles;
    std::array<Address, 1'024> asked;  // in the first cache, as those of packets just parsed
    std::array<LearnedSets, kBurst> answers;
    for (auto _ : state) {
        for (Address& address : asked) {
            address = address_of(random() % count + (random() % 100 < known ? 0 : count));
        }
        cycles.start();
        for (std::size_t i = 0; i < asked.size(); i += kBurst) {
            table->lookup({&asked[i], kBurst}, answers);
            benchmark::DoNotOptimize(answers);
        }
        cycles.stop();
    }
    state.counters["tsc_packet"] = cycles.median() / asked.size();
    state.counters["table_kib"] = static_cast<double>(table->bytes() / 1'024);
}
BENCHMARK(learned<Ipv4Address>)->ArgsProduct({{1'000, 100'000, 1'000'000}, {0, 50}});
BENCHMARK(learned<Ipv6Address>)->ArgsProduct({{1'000, 100'000, 1'000'000}, {0, 50}});

}  // namespace
}  // namespace causeway::perf

BENCHMARK_MAIN();
