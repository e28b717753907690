// SPDX-License-Identifier: Apache-2.0
#include "fib/fib4_kernel.h"

#include <algorithm>
#include <array>

namespace causeway {
namespace {

// Entries are loaded by value and in this order (level 1, block, default), which is the reverse of
// the order in which a writer makes room and fills; acquire keeps the compiler to it and is a plain
// load on x86.
template <class T>
T load(const T* place) noexcept {
    return __atomic_load_n(place, __ATOMIC_ACQUIRE);
}

const FibEntry* level1_entry(const FibTables& tables, std::size_t vrf,
                             std::uint32_t address) noexcept {
    const std::size_t row = address >> (8 + kFibChunkBits);
    const std::uint32_t flat = load(tables.flats + vrf);
    const std::size_t chunk =
        flat != 0 ? flat + row : load(tables.directory + row * tables.row_length + vrf);
    return tables.level1 + chunk * kFibChunkEntries + (address >> 8) % kFibChunkEntries;
}

// One part of a burst. No branch depends on an entry, but for how many are extended at all. The
// prefetches are there because a load that misses holds up the processor's window long before it
// has seen 64 keys, and a prefetch does not: a full table takes 17 cycles a lookup with them and 42
// without, and a small one takes the same (docs/design/fib.md). The tables come by value, or each
// acquire would fetch their addresses again.
void lookup_part(const FibTables tables, const RouteKey* keys, GroupId* groups,
                 std::size_t count) noexcept {
    std::array<const FibEntry*, kBurstSizeMax> places;
    std::array<FibEntry, kBurstSizeMax> entries;
    std::array<std::uint8_t, kBurstSizeMax> extended;
    std::size_t extended_count = 0;
    for (std::size_t i = 0; i < count; ++i) {
        const std::size_t vrf = std::min<std::uint32_t>(keys[i].vrf.value(), tables.vrfs_max);
        places[i] = level1_entry(tables, vrf, keys[i].destination.value());
        __builtin_prefetch(places[i]);
    }
    for (std::size_t i = 0; i < count; ++i) {
        const FibEntry entry = load(places[i]);
        entries[i] = entry;
        extended[extended_count] = static_cast<std::uint8_t>(i);
        extended_count += entry / kFibExtensionBit;
    }
    for (std::size_t j = 0; j < extended_count; ++j) {
        const std::size_t i = extended[j];
        const std::size_t block = entries[i] ^ kFibExtensionBit;
        entries[i] =
            load(tables.blocks + block * kFibBlockEntries + (keys[i].destination.value() & 0xff));
    }
    for (std::size_t i = 0; i < count; ++i) {
        const std::size_t vrf = std::min<std::uint32_t>(keys[i].vrf.value(), tables.vrfs_max);
        const std::uint32_t entry = entries[i];
        const std::uint32_t if_zero = (entry - 1) >> 16;  // all ones, as an entry goes, or none
        groups[i] = GroupId(static_cast<FibEntry>(entry | (load(tables.defaults + vrf) & if_zero)));
    }
}

}  // namespace

void fib4_lookup_scalar(const FibTables& tables, std::span<const RouteKey> keys,
                        std::span<GroupId> groups) noexcept {
    for (std::size_t done = 0; done < keys.size(); done += kBurstSizeMax) {
        lookup_part(tables, keys.data() + done, groups.data() + done,
                    std::min(kBurstSizeMax, keys.size() - done));
    }
}

}  // namespace causeway
