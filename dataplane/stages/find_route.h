// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <span>
#include <string_view>

#include "base/unroll.h"
#include "dataplane/burst.h"
#include "dataplane/family.h"
#include "dataplane/tables.h"

namespace causeway {

// Finds the way out: the route of the VRF, then the flow's bucket of its next-hop group.
//
//   Reads    meta.vrf, meta.steered, the destination, the flow's five-tuple where a group has
//            several ways
//   Writes   meta.adjacency, burst.policy()
//   Exits    kNoRoute kLocal kUnresolved kBlackhole kUnreachable kProhibit kNextHopDown;
//            of IPv6 kNeighbourDiscovery kMartianSource, too (Ipv6::settle())
//   Cost     one bulk FIB lookup a burst; one bucket and one adjacency a packet
//   Source   RFC 2992 (hash of the flow onto buckets); a dead way only changes buckets
template <class Family>
struct FindRoute {
    static constexpr std::string_view kName = "find_route";

    static void run(Burst& burst, const Tables& tables) noexcept {
        Column<decltype(Family::route_key(PacketMeta()))> keys;
        Column<GroupId> groups;
        burst.gather(keys, Family::route_key);

        const std::size_t count = burst.size();
        Family::fib(tables).lookup(keys.first(count), groups.first(count));

        if (burst.policy().has_any(kSteers)) [[unlikely]]
            steer(burst, groups);

        const NextHops& next_hops = *tables.next_hops;
        const std::span<PacketMeta> packets = burst.walking();
        unsigned unusual = 0;
        CAUSEWAY_UNROLL(2)
        for (unsigned k = 0; k < count; ++k) {
            PacketMeta& meta = packets[k];
            const Group group = next_hops.group(groups[k]);
            std::uint32_t bucket = group.first_bucket;
            if (group.bucket_mask != 0) bucket += Family::flow_hash_of(meta) & group.bucket_mask;
            const Adjacency& adjacency = next_hops.adjacency(next_hops.bucket(bucket));
            meta.adjacency = &adjacency;
            unusual |= Family::unusual(meta, adjacency.kind);
        }
        // Most bursts are forwarded whole; only the others are asked who is not.
        if (unusual != 0) {
            burst.filter(groups, [](PacketMeta& meta, const GroupId&) noexcept {
                return Family::settle(meta, exit_of(meta.adjacency->kind));
            });
        }
        if (tables.policies != nullptr) note_policies(burst, tables);
    }

    // What those who go out there ask for.
    static void note_policies(Burst& burst, const Tables& tables) noexcept {
        PolicyBits policy;
        for (const PacketMeta& meta : burst.walking()) {
            policy |= tables.attachments[meta.adjacency->attachment.value()].policy;
        }
        burst.note(policy);
    }

    // Where a rule said where to go, that is where it goes.
    static void steer(Burst& burst, Column<GroupId>& groups) noexcept {
        const std::span<PacketMeta> packets = burst.walking();
        for (unsigned k = 0; k < packets.size(); ++k) {
            if (packets[k].steered != 0) groups[k] = GroupId(packets[k].steered);
        }
    }

    [[nodiscard]] static Exit exit_of(AdjacencyKind kind) noexcept {
        static constexpr std::array kExitOfKind{
            Exit::kNone,      Exit::kNoRoute,     Exit::kLocal,    Exit::kUnresolved,
            Exit::kBlackhole, Exit::kUnreachable, Exit::kProhibit, Exit::kNextHopDown,
        };
        static_assert(kExitOfKind.size() == static_cast<std::size_t>(AdjacencyKind::kCount));
        return kExitOfKind[static_cast<std::size_t>(kind)];
    }
};

}  // namespace causeway
