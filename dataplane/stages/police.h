// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <rte_cycles.h>

#include <array>
#include <bit>
#include <cstdint>
#include <span>
#include <string_view>

#include "dataplane/burst.h"
#include "dataplane/family.h"
#include "dataplane/policer.h"
#include "dataplane/stages/filter.h"
#include "dataplane/tables.h"

namespace causeway {

// Drops what exceeds the rate of the peering or of the circuit, by the link it comes in by, or
// leaves by. Bytes are of layer 2 with tags and without FCS, as the counters have them.
//
//   Reads    meta.attachment or meta.adjacency, meta.frame_bytes, the DSCP
//   Writes   the policers' buckets
//   Exits    kOverPeeringRate kOverCircuitRate
//   Cost     nothing where nobody in the burst is policed; else two atomic updates for each pair
//            of policers in the burst, and two a packet where a burst does not fit
//   Source   ITU-T I.371 annex A (see policer.h), RFC 3246 (expedited forwarding)
template <class Family, Direction kDirection>
struct Police {
    static constexpr bool kIsIn = kDirection == Direction::kIn;
    static constexpr std::string_view kName = kIsIn ? "police_in" : "police_out";

    static void run(Burst& burst, const Tables& tables) noexcept {
        if (burst.policy().has_any(kIsIn ? kPolicesIn : kPolicesOut)) {
            run(burst, *tables.policies, rte_rdtsc());
        }
    }

    // At a time that a test may choose.
    static void run(Burst& burst, const Policies& policies, std::uint64_t now_ticks) noexcept {
        const std::span<PacketMeta> packets = burst.walking();
        std::array<const PolicerPair*, kBurstSizeMax> pairs;
        burst.gather(pairs,
                     [&](const PacketMeta& meta) noexcept { return pair_of(meta, policies); });
        std::array<Exit, kBurstSizeMax> exits{};
        std::uint64_t judged = 0;  // bit k: packet k
        unsigned over = 0;
        for (unsigned first = 0; first < packets.size(); ++first) {
            if ((judged >> first & 1) != 0 || pairs[first] == nullptr) continue;
            const PolicerPair* const pair = pairs[first];
            std::uint64_t same = 0;
            std::uint64_t bytes = 0;
            for (unsigned k = first; k < packets.size(); ++k) {
                const bool is_same = pairs[k] == pair;
                same |= std::uint64_t{is_same} << k;
                bytes += is_same ? packets[k].frame_bytes : 0U;
            }
            judged |= same;
            if (pair->refused_by(bytes, now_ticks) == nullptr) continue;
            over = 1;
            for (; same != 0; same &= same - 1) {
                const auto k = static_cast<unsigned>(std::countr_zero(same));
                exits[k] = judge(*pair, packets[k].frame_bytes, now_ticks);
            }
        }
        if (over == 0) return;
        burst.filter(exits, [](PacketMeta&, const Exit& exit) noexcept { return exit; });
    }

  private:
    static constexpr std::uint8_t kExpedited = 46;

    [[nodiscard]] static const PolicerPair* pair_of(const PacketMeta& meta,
                                                    const Policies& policies) noexcept {
        const PolicePlan* plan;
        if constexpr (kIsIn) {
            plan = policies.of(meta.attachment).police_in;
        } else {
            plan = policies.of(meta.adjacency->attachment).police_out;
        }
        if (plan == nullptr) return nullptr;
        return Family::dscp_of(meta) == kExpedited ? &plan->expedited : &plan->rest;
    }

    [[nodiscard]] static Exit judge(const PolicerPair& pair, std::uint64_t bytes,
                                    std::uint64_t now_ticks) noexcept {
        Policer* const refuser = pair.refused_by(bytes, now_ticks);
        if (refuser == nullptr) return Exit::kNone;
        refuser->count_drop(bytes);
        return refuser == pair.peering ? Exit::kOverPeeringRate : Exit::kOverCircuitRate;
    }
};

}  // namespace causeway
