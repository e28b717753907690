// SPDX-License-Identifier: Apache-2.0
//
// The classes of what goes to the control thread. Each has a token bucket of its own for each
// attachment, and one for all attachments together, so that a flood of one class leaves the others
// alone, and one attachment's flood the other attachments'.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace causeway {

enum class PuntClass : std::uint8_t {
    kNeighbour,
    kBgp,
    kBgpNew,
    kBfd,
    kIcmp,
    kRest,
    kTransit,
    kNames,
    kCount,
};
inline constexpr std::size_t kPuntClassCount = static_cast<std::size_t>(PuntClass::kCount);

// Packets: a second on average, and at once.
struct PuntRate {
    std::uint32_t per_second = 0;
    std::uint32_t burst = 0;
    friend bool operator==(const PuntRate&, const PuntRate&) = default;
};
struct PuntRates {
    PuntRate attachment;  // of any one
    PuntRate total;       // of all together
    friend bool operator==(const PuntRates&, const PuntRates&) = default;
};
using PuntLimits = std::array<PuntRates, kPuntClassCount>;

struct PuntClassInfo {
    PuntClass punt_class;
    std::string_view name;
    std::string_view meaning;
    PuntRates usual;
};

inline constexpr std::array kPuntClasses{
    PuntClassInfo{PuntClass::kNeighbour,
                  "neighbour",
                  "ARP and Neighbour Discovery",
                  {{100, 50}, {20'000, 4'000}}},
    PuntClassInfo{PuntClass::kBgp,
                  "bgp",
                  "established BGP sessions, and those that our side is opening",
                  {{20'000, 4'000}, {100'000, 8'000}}},
    PuntClassInfo{PuntClass::kBgpNew,
                  "bgp-new",
                  "TCP port 179 from the configured peer, but of no established session",
                  {{200, 50}, {10'000, 1'000}}},
    PuntClassInfo{PuntClass::kBfd,
                  "bfd",
                  "BFD from the configured peer with TTL 255 (RFC 5881 5)",
                  {{500, 100}, {50'000, 2'000}}},
    PuntClassInfo{
        PuntClass::kIcmp, "icmp", "ICMP and ICMPv6 to us", {{1'000, 200}, {20'000, 1'000}}},
    PuntClassInfo{PuntClass::kRest,
                  "rest",
                  "anything else that is addressed to us",
                  {{200, 50}, {5'000, 500}}},
    PuntClassInfo{PuntClass::kTransit,
                  "transit",
                  "what is to be forwarded but needs the control thread: fragmentation, ICMP "
                  "errors, neighbours that are not known",
                  {{10'000, 1'000}, {50'000, 4'000}}},
    PuntClassInfo{PuntClass::kNames,
                  "names",
                  "answers of resolvers; beyond the rate they go on without being learned from",
                  {{20'000, 4'000}, {50'000, 4'000}}},
};

[[nodiscard]] consteval bool punt_classes_follow_enum() {
    for (std::size_t i = 0; i < kPuntClasses.size(); ++i) {
        if (static_cast<std::size_t>(kPuntClasses[i].punt_class) != i) return false;
    }
    return kPuntClasses.size() == kPuntClassCount;
}
static_assert(punt_classes_follow_enum(), "each PuntClass has one row, in the order of the enum");

inline constexpr PuntLimits kUsualPuntLimits = [] {
    PuntLimits limits;
    for (std::size_t i = 0; i < kPuntClassCount; ++i) limits[i] = kPuntClasses[i].usual;
    return limits;
}();

}  // namespace causeway
