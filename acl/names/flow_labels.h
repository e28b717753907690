// SPDX-License-Identifier: Apache-2.0
//
// FlowLabels: what one worker knows of flows that have a name: the sets, as they were when the flow
// began. So a flow keeps its way when the address that it goes to runs out.
//
// Thread safety: its worker's. Nothing is allocated after construction.
//
// Time is in seconds, or what comes near. Four flows share a cache line, and among them the one
// that has been silent longest makes room for a new one. A flow is known by 64 bits of a hash with
// a seed of our own: that one is taken for another of 65,536 has a chance of 2^-48 a question.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "acl/names/name_set.h"
#include "base/limits.h"
#include "base/types.h"

namespace causeway {

// A flow in one direction.
struct FlowName {
    std::uint64_t source_high = 0;  // of IPv4: 0
    std::uint64_t source_low = 0;
    std::uint64_t destination_high = 0;
    std::uint64_t destination_low = 0;
    std::uint32_t ports = 0;
    VrfId vrf;
    std::uint8_t protocol = 0;
    std::uint8_t era = 0;  // of the sets' bits: what is remembered from another one is of no use

    // Of what comes back.
    [[nodiscard]] FlowName reversed() const noexcept {
        return {.source_high = destination_high,
                .source_low = destination_low,
                .destination_high = source_high,
                .destination_low = source_low,
                .ports = std::rotl(ports, 16),
                .vrf = vrf,
                .protocol = protocol,
                .era = era};
    }
};

class FlowLabels {
  public:
    // The count is a power of two, at least 4.
    FlowLabels(std::size_t flows, std::uint64_t seed)
        : seed_(seed), lines_(flows / kLineFlows), mask_(lines_.size() - 1) {}

    [[nodiscard]] std::uint64_t key_of(const FlowName& flow) const noexcept {
        std::uint64_t hash = seed_;
        hash = fold(hash ^ flow.source_high, kFactor ^ flow.source_low);
        hash = fold(hash ^ flow.destination_high, kFactor ^ flow.destination_low);
        hash = fold(hash ^ (std::uint64_t{flow.ports} << 32 | std::uint32_t{flow.era} << 24 |
                            std::uint32_t{flow.vrf.value()} << 8 | flow.protocol),
                    kFactor ^ seed_);
        return std::max<std::uint64_t>(hash, 1);  // 0 is free
    }

    // The sets of a flow, which has been heard of now; 0: of none.
    [[nodiscard]] NameSetBits find(std::uint64_t key, std::uint32_t now) noexcept {
        for (Flow& flow : lines_[key & mask_]) {
            if (flow.key != key) continue;
            flow.heard = now;
            return flow.sets;
        }
        return 0;
    }
    // True where another had to go that was not idle yet.
    bool put(std::uint64_t key, NameSetBits sets, std::uint32_t now) noexcept {
        auto& line = lines_[key & mask_];
        Flow* room = &line[0];
        for (Flow& flow : line) {
            if (flow.key == key) {
                room = &flow;
                break;
            }
            if (flow.heard < room->heard) room = &flow;
        }
        const bool displaces = room->key != 0 && room->key != key && now - room->heard < kIdle;
        *room = {.key = key, .sets = sets, .heard = now};
        return displaces;
    }

    static constexpr std::uint32_t kIdle = 2 * 3'600 + 4 * 60;  // RFC 5382 5, REQ-5

  private:
    struct Flow {
        std::uint64_t key = 0;
        NameSetBits sets = 0;
        std::uint32_t heard = 0;
    };
    static constexpr std::size_t kLineFlows = kCacheLine / sizeof(Flow);
    struct alignas(kCacheLine) Line : std::array<Flow, kLineFlows> {};
    static_assert(sizeof(Line) == kCacheLine);
    static constexpr std::uint64_t kFactor = 0x9e37'79b9'7f4a'7c15;  // 2^64 over the golden ratio

    [[nodiscard]] static std::uint64_t fold(std::uint64_t a, std::uint64_t b) noexcept {
        const Uint128 product = Uint128{a} * b;
        return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
    }

    std::uint64_t seed_;
    std::vector<Line> lines_;
    std::size_t mask_;
};

}  // namespace causeway
