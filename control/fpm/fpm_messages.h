// SPDX-License-Identifier: Apache-2.0
//
// What zebra says over FPM, as values: routes and next-hop objects come and go.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <variant>
#include <vector>

#include "base/types.h"

namespace causeway {

// zebra keeps one route a prefix, so neither metric nor protocol is part of the key. `table` is the
// kernel's number of a VRF's table.
struct FpmRouteKey {
    std::uint32_t table = 0;
    IpPrefix prefix;
    friend auto operator<=>(const FpmRouteKey&, const FpmRouteKey&) = default;
};

enum class FpmAction : std::uint8_t { kForward, kBlackhole, kUnreachable, kProhibit };

struct FpmHop {
    std::optional<IpAddress>
        gateway;                  // nothing: on the link; may be of the other family (RFC 8950)
    std::uint32_t interface = 0;  // the kernel's index of it; 0: not told
    std::uint32_t weight = 1;     // 1 to 256
    friend auto operator<=>(const FpmHop&, const FpmHop&) = default;
};

// Where packets go: hops where it forwards, none elsewhere.
struct FpmWay {
    FpmAction action = FpmAction::kForward;
    std::vector<FpmHop> hops;
    friend auto operator<=>(const FpmWay&, const FpmWay&) = default;
};

using NextHopObjectId = Id<struct NextHopObjectTag, std::uint32_t>;  // NHA_ID; never 0

// Adds the route of the prefix, or takes the place of the one there is.
struct FpmSetRoute {
    FpmRouteKey key;
    std::uint8_t protocol = 0;  // RTPROT_*
    std::uint32_t metric = 0;
    std::variant<FpmWay, NextHopObjectId> via;
    friend bool operator==(const FpmSetRoute&, const FpmSetRoute&) = default;
};

struct FpmDeleteRoute {
    FpmRouteKey key;
    std::uint8_t protocol = 0;
    std::uint32_t metric = 0;
    friend bool operator==(const FpmDeleteRoute&, const FpmDeleteRoute&) = default;
};

struct FpmGroupMember {
    NextHopObjectId id;
    std::uint32_t weight = 1;  // 1 to 256
    friend bool operator==(const FpmGroupMember&, const FpmGroupMember&) = default;
};
using FpmGroupMembers = std::vector<FpmGroupMember>;  // never empty

// Adds or replaces. A way of one hop or none, or a group of such.
struct FpmSetNextHop {
    NextHopObjectId id;
    std::variant<FpmWay, FpmGroupMembers> object;
    friend bool operator==(const FpmSetNextHop&, const FpmSetNextHop&) = default;
};

struct FpmDeleteNextHop {
    NextHopObjectId id;
    friend bool operator==(const FpmDeleteNextHop&, const FpmDeleteNextHop&) = default;
};

using FpmMessage = std::variant<FpmSetRoute, FpmDeleteRoute, FpmSetNextHop, FpmDeleteNextHop>;

}  // namespace causeway

template <>
struct std::hash<causeway::FpmRouteKey> {
    std::size_t operator()(const causeway::FpmRouteKey& key) const noexcept {
        const std::size_t prefix = std::visit(
            [](const auto& p) { return std::hash<std::decay_t<decltype(p)>>()(p); }, key.prefix);
        // The upper half again: a prefix's hash is a product, whose low bits know little.
        return (prefix ^ prefix >> 32) + key.table * std::size_t{0x9e3779b97f4a7c15};
    }
};
