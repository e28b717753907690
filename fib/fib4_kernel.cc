// SPDX-License-Identifier: Apache-2.0
#include "fib/fib4_kernel.h"

#include <algorithm>
#include <array>

namespace causeway {
namespace {

// Entries are loaded by value and in this order (level 1, block, default), which is the reverse of
// the order in which a writer makes room and fills; acquire keeps the compiler to it and is a plain
// load on x86.
FibEntry load(const FibEntry* entry) noexcept {
    return __atomic_load_n(entry, __ATOMIC_ACQUIRE);
}

// One part of a burst. All level-1 loads come before the first branch that depends on one, so they
// are under way together: the processor's window does the prefetching.
void lookup_part(const FibTables& tables, const RouteKey* keys, GroupId* groups,
                 std::size_t count) noexcept {
    std::array<FibEntry, kBurstSizeMax> entries;
    std::uint32_t any = 0;
    for (std::size_t i = 0; i < count; ++i) {
        const std::size_t vrf = std::min<std::uint32_t>(keys[i].vrf.value(), tables.vrfs_max);
        const FibEntry entry =
            load(tables.level1 + vrf * kFibLevel1Entries + (keys[i].destination.value() >> 8));
        entries[i] = entry;
        any |= entry;
    }
    if ((any & kFibExtensionBit) != 0) {
        for (std::size_t i = 0; i < count; ++i) {
            if ((entries[i] & kFibExtensionBit) == 0) continue;
            const std::size_t block = entries[i] ^ kFibExtensionBit;
            entries[i] = load(tables.blocks + block * kFibBlockEntries +
                              (keys[i].destination.value() & 0xff));
        }
    }
    for (std::size_t i = 0; i < count; ++i) {
        const std::size_t vrf = std::min<std::uint32_t>(keys[i].vrf.value(), tables.vrfs_max);
        const FibEntry otherwise = load(tables.defaults + vrf);
        groups[i] = GroupId(entries[i] != 0 ? entries[i] : otherwise);
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
