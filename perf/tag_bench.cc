// SPDX-License-Identifier: Apache-2.0
//
// The tag lookup alone: (port, outer, inner) -> attachment, in bulk, keys in random order. TSC
// cycles a lookup. Attachments are laid out as a port pair of a provider has them: a few C-tags,
// 100 apart, under many S-tags. Half of the keys of the second benchmark belong to nobody.
#include <benchmark/benchmark.h>
#include <rte_cycles.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <random>
#include <span>
#include <vector>

#include "base/check.h"
#include "base/limits.h"
#include "vlan/attachment_table.h"

namespace causeway {
namespace {

constexpr std::size_t kKeys = 4'096;
constexpr unsigned kSeed = 1;

std::vector<AttachmentTable::Row> rows_of_port_pair(std::size_t attachments) {
    std::vector<AttachmentTable::Row> rows;
    for (std::size_t i = 0; i < attachments; ++i) {
        const PortId port(static_cast<std::uint8_t>(i % 2));
        const auto outer = static_cast<std::uint16_t>(1 + i / 4 % 4'094);
        const auto inner = static_cast<std::uint16_t>(100 * (1 + i / 2 % 2));
        rows.push_back({.key = {port, outer, inner},
                        .attachment = AttachmentId(static_cast<std::uint16_t>(kPortsMax + i))});
    }
    return rows;
}

void find(benchmark::State& state) {
    const auto burst = static_cast<std::size_t>(state.range(0));
    const auto rows = rows_of_port_pair(static_cast<std::size_t>(state.range(1)));
    const auto unknown_in_8 = static_cast<unsigned>(state.range(2));
    const auto table = AttachmentTable::build(rows);
    CHECK(table.has_value());

    std::mt19937 random(kSeed);
    std::vector<TagKey> keys;
    for (std::size_t i = 0; i < kKeys; ++i) {
        TagKey key = rows[random() % rows.size()].key;
        if (random() % 8 < unknown_in_8) key.inner = static_cast<std::uint16_t>(random() % 4'096);
        keys.push_back(key);
    }
    std::vector<double> passes;
    std::array<AttachmentId, kBurstSizeMax> found;
    for (auto _ : state) {
        const std::uint64_t start = rte_rdtsc();
        for (std::size_t at = 0; at < kKeys; at += burst) {
            (*table).find(std::span(keys).subspan(at, burst), std::span(found).first(burst));
            benchmark::DoNotOptimize(found);
        }
        passes.push_back(static_cast<double>(rte_rdtsc() - start) / kKeys);
    }
    std::ranges::sort(passes);
    state.counters["min"] = passes.front();
    state.counters["median"] = passes[passes.size() / 2];
    state.counters["KiB"] = static_cast<double>((*table).memory_bytes()) / 1'024;
}
BENCHMARK(find)
    ->ArgNames({"burst", "attachments", "unknown_in_8"})
    ->Args({32, 4, 0})
    ->Args({32, 16'000, 0})
    ->Args({64, 16'000, 0})
    ->Args({64, 16'000, 4});

}  // namespace
}  // namespace causeway

BENCHMARK_MAIN();
