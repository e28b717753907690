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
        Shares shares;
        for (unsigned k = 0; k < packets.size(); ++k) {
            const PolicerPair* const pair = pair_of(packets[k], policies);
            if (pair != nullptr) shares.add(*pair, k, packets[k].frame_bytes);
        }
        std::array<Exit, kBurstSizeMax> exits{};
        unsigned over = 0;
        for (const Share& share : shares.all()) {
            if (share.pair->refused_by(share.bytes, now_ticks) == nullptr) continue;
            over = 1;
            for (std::uint64_t left = share.packets; left != 0; left &= left - 1) {
                const auto k = static_cast<unsigned>(std::countr_zero(left));
                exits[k] = judge(*share.pair, packets[k].frame_bytes, now_ticks);
            }
        }
        if (over == 0) return;
        burst.filter(exits, [](PacketMeta&, const Exit& exit) noexcept { return exit; });
    }

  private:
    static constexpr std::uint8_t kExpedited = 46;

    // What one pair of policers has of a burst.
    struct Share {
        const PolicerPair* pair;
        std::uint64_t packets;  // bit k: packet k
        std::uint64_t bytes;
    };

    // The shares of a burst, found again by a hash of the pair, whether it has one or 64.
    class Shares {
      public:
        void add(const PolicerPair& pair, unsigned packet, std::uint64_t bytes) noexcept {
            std::size_t slot = slot_of(pair);
            while (slots_[slot] != kNone && shares_[slots_[slot]].pair != &pair) {
                slot = (slot + 1) % kSlots;
            }
            if (slots_[slot] == kNone) {
                slots_[slot] = count_;
                shares_[count_++] = {.pair = &pair, .packets = 0, .bytes = 0};
            }
            Share& share = shares_[slots_[slot]];
            share.packets |= std::uint64_t{1} << packet;
            share.bytes += bytes;
        }
        [[nodiscard]] std::span<const Share> all() const noexcept {
            return {shares_.data(), count_};
        }

      private:
        static constexpr std::size_t kSlots = 2 * kBurstSizeMax;  // so that one is always free
        static constexpr std::uint8_t kNone = 0xff;

        [[nodiscard]] static std::size_t slot_of(const PolicerPair& pair) noexcept {
            // Fibonacci hashing: the high bits of a product depend on all of an address's.
            const auto address = reinterpret_cast<std::uintptr_t>(&pair);
            return (address * 0x9e37'79b9'7f4a'7c15U) >> (64 - std::countr_zero(kSlots));
        }

        std::array<std::uint8_t, kSlots> slots_ = [] {
            std::array<std::uint8_t, kSlots> slots;
            slots.fill(kNone);
            return slots;
        }();
        std::array<Share, kBurstSizeMax> shares_;
        std::uint8_t count_ = 0;
    };

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
