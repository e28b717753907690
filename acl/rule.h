// SPDX-License-Identifier: Apache-2.0
//
// An access control list as its author means it: rules in order, of which the first that matches
// decides. What "matches" means is written in match.h, and nowhere else.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "acl/names/name_set.h"
#include "base/types.h"

namespace causeway {

// Both ends belong to it.
struct PortRange {
    std::uint16_t first = 0;
    std::uint16_t last = 0;
    [[nodiscard]] constexpr bool contains(std::uint16_t port) const noexcept {
        return first <= port && port <= last;
    }
    friend constexpr auto operator<=>(const PortRange&, const PortRange&) = default;
};

// One end of a packet: anything, or any of these. A set stands for what it holds.
struct AddressMatch {
    std::vector<IpPrefix> prefixes;
    std::vector<std::string> sets;
    [[nodiscard]] bool is_any() const noexcept { return prefixes.empty() && sets.empty(); }
};
struct PortMatch {
    std::vector<PortRange> ranges;
    std::vector<std::string> sets;
    [[nodiscard]] bool is_any() const noexcept { return ranges.empty() && sets.empty(); }
};

struct IcmpMatch {
    std::uint8_t type = 0;
    std::optional<std::uint8_t> code;
};

// Flags under the mask are exactly these (RFC 9293 3.1: FIN 1, SYN 2, RST 4, PSH 8, ACK 16).
struct TcpFlagsMatch {
    std::uint8_t value = 0;
    std::uint8_t mask = 0;
};

// Which part of a packet it is. Only the first part shows the header of layer 4.
enum class Fragments : std::uint8_t {
    kAny,
    kWhole,  // not a fragment
    kAll,    // any fragment
    kFirst,
    kLater,  // a fragment that is not the first
};

enum class AclVerdict : std::uint8_t {
    kPermit,
    kDeny,            // in silence
    kDenyAndExplain,  // with ICMP: communication administratively prohibited
};

// Every rule counts. The rest is what a rule does besides, and only to packets it permits, but for
// the log.
struct AclAction {
    AclVerdict verdict = AclVerdict::kPermit;
    std::uint32_t log_one_in = 0;           // of so many packets one is logged; 0: none
    std::optional<std::uint8_t> mark_dscp;  // 0 to 63
    std::string steer;                      // to this target, whatever the routes say; or empty
    friend bool operator==(const AclAction&, const AclAction&) = default;
};

struct AclRule {
    std::string name;  // unique in its list; its counter goes by it
    AddressMatch source;
    AddressMatch destination;
    // Name sets: the address was learned to be of one of them; none: whether or not.
    std::vector<std::string> source_names;
    std::vector<std::string> destination_names;
    std::optional<std::uint8_t> protocol;
    PortMatch source_ports;
    PortMatch destination_ports;
    std::optional<IcmpMatch> icmp;
    std::optional<TcpFlagsMatch> tcp_flags;
    std::optional<std::uint8_t> dscp;
    Fragments fragments = Fragments::kAny;
    AclAction action;
};

[[nodiscard]] inline bool asks_names(const AclRule& rule) noexcept {
    return !rule.source_names.empty() || !rule.destination_names.empty();
}

struct Acl {
    std::string name;
    std::vector<AclRule> rules;
    AclAction otherwise{.verdict = AclVerdict::kDeny};  // for a packet that no rule matches
};

// Where a target leads: a group of next hops in each family; 0: packets of the family go as the
// routes say.
struct SteerGroups {
    GroupId ipv4;
    GroupId ipv6;
    friend constexpr bool operator==(const SteerGroups&, const SteerGroups&) = default;
};

// Named sets and targets, shared by all lists.
struct AclSets {
    std::map<std::string, std::vector<IpPrefix>, std::less<>> prefixes;
    std::map<std::string, std::vector<PortRange>, std::less<>> ports;
    std::map<std::string, SteerGroups, std::less<>> targets;
    std::map<std::string, NameSetBits, std::less<>> names;  // one bit each
};

}  // namespace causeway
