// SPDX-License-Identifier: Apache-2.0
//
// Plan: what a configuration comes to: the attachments and the routes that it asks for, by name,
// before any of them has an id. A pure function of the Config.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/types.h"
#include "control/config/config.h"
#include "control/config/tap_places.h"
#include "control/slow_path/ip_interface.h"
#include "dataplane/bfd/session.h"
#include "dataplane/exit.h"

namespace causeway {

// One pool, and all that is translated by it.
struct PlannedNat {
    std::string circuit;
    std::optional<Link> link;  // of one link only
    std::string vrf;           // of the inside
    std::vector<std::string> attachments;
    std::vector<Ipv4Prefix> inside;
    std::vector<Ipv4Prefix> pool;
    NatPoolSettings settings;
    unsigned alarm_percent = 0;
    std::vector<NatStaticConfig> statics;
    std::vector<NatUntranslated> untranslated;
    friend bool operator==(const PlannedNat&, const PlannedNat&) = default;
};

struct PlannedAttachment {
    std::string name;
    std::string port;
    std::uint16_t outer = 0;
    std::uint16_t inner = 0;  // 0: single-tagged
    std::string vrf;
    IpInterface<Ipv4Address> ipv4;
    std::optional<IpInterface<Ipv6Address>> ipv6;
    std::uint16_t mtu = 0;
    std::string circuit;
    std::optional<Link> link;
    std::string inside_vrf;          // of what is translated here; empty: nothing is
    std::vector<Ipv4Prefix> inside;  // likewise
    Exit closed = Exit::kNone;       // whatever an operator says: circuit or peering
    bool enabled = true;             // the configuration's word; an operator may overrule it
    std::optional<TapPlace> tap;     // where it meets our own kernel
    std::optional<BfdParameters> bfd;

    // Whether the same attachment as before: what is learned on it and counted of it stays true.
    [[nodiscard]] bool is_same_place(const PlannedAttachment& other) const {
        return port == other.port && outer == other.outer && inner == other.inner &&
               vrf == other.vrf && ipv4 == other.ipv4 && ipv6 == other.ipv6;
    }
    friend bool operator==(const PlannedAttachment&, const PlannedAttachment&) = default;
};

struct PlannedHop {
    std::string attachment;  // empty: a recursive one
    IpAddress address;
    std::uint32_t weight = 1;
    friend bool operator==(const PlannedHop&, const PlannedHop&) = default;
};

struct PlannedRoute {
    RouteAction action = RouteAction::kForward;
    std::vector<PlannedHop> hops;
    friend bool operator==(const PlannedRoute&, const PlannedRoute&) = default;
};

// Where rules steer; a family without hops goes as the routes say.
struct PlannedTarget {
    std::string vrf;
    PlannedRoute ipv4;
    PlannedRoute ipv6;
    friend bool operator==(const PlannedTarget&, const PlannedTarget&) = default;
};

struct RoutePlace {
    std::string vrf;
    IpPrefix prefix;
    friend auto operator<=>(const RoutePlace&, const RoutePlace&) = default;
};

struct Plan {
    std::vector<std::string> vrfs;
    std::map<std::string, PlannedAttachment> attachments;
    std::map<RoutePlace, PlannedRoute> routes;  // behind customers, and static
    std::map<std::string, PlannedNat> nats;     // "contoso/microsoft"; by link, with its name
    std::map<std::string, PlannedTarget> targets;
};

// REQUIRES: a Config that load_config() gave.
[[nodiscard]] Plan plan_of(const Config& config);

// The attachment of a plan in whose subnet an address of the VRF lies; nullptr if none.
[[nodiscard]] const PlannedAttachment* connected(const Plan& plan, const std::string& vrf,
                                                 const IpAddress& address);

[[nodiscard]] std::string attachment_name(const CircuitConfig& circuit,
                                          const PeeringConfig& peering, Link link);

}  // namespace causeway
