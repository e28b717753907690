// SPDX-License-Identifier: Apache-2.0
//
// From the text of a value of an access list or another policy to its type, and back; as values.h.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "acl/rule.h"
#include "base/result.h"
#include "control/config/policy_config.h"
#include "control/config/values.h"

namespace causeway {

inline constexpr Words<AclVerdict, 3> kAclVerdicts({{"permit", AclVerdict::kPermit},
                                                    {"deny", AclVerdict::kDeny},
                                                    {"reject", AclVerdict::kDenyAndExplain}});
inline constexpr Words<Fragments, 5> kFragmentWords({{"any", Fragments::kAny},
                                                     {"whole", Fragments::kWhole},
                                                     {"all", Fragments::kAll},
                                                     {"first", Fragments::kFirst},
                                                     {"later", Fragments::kLater}});

inline constexpr Words<SourceCheck, 4> kSourceChecks({{"off", SourceCheck::kOff},
                                                      {"advertised", SourceCheck::kAdvertised},
                                                      {"strict", SourceCheck::kStrict},
                                                      {"loose", SourceCheck::kLoose}});
inline constexpr Words<IpOptions, 2> kIpOptionsWords({{"pass", IpOptions::kPass},
                                                      {"drop", IpOptions::kDrop}});
inline constexpr Words<PrefixesState, 4> kPrefixesStates(
    {{"NotConfigured", PrefixesState::kNotConfigured},
     {"Configuring", PrefixesState::kConfiguring},
     {"Configured", PrefixesState::kConfigured},
     {"ValidationNeeded", PrefixesState::kValidationNeeded}});

// A name that cannot be taken for a number: it begins with a letter.
[[nodiscard]] Result<std::string> parse_word(std::string_view text);

// A member of a match or of a set's own list: a literal, or the name of a set.
using PrefixOrSet = std::variant<IpPrefix, std::string>;
using PortsOrSet = std::variant<PortRange, std::string>;
[[nodiscard]] Result<PrefixOrSet> parse_prefix_or_set(std::string_view text);
[[nodiscard]] Result<PortsOrSet> parse_ports_or_set(std::string_view text);
[[nodiscard]] Result<PortRange> parse_ports(std::string_view text);  // 443, or 8000-8100
[[nodiscard]] std::string to_string(const PortRange& ports);

// tcp, udp, icmp, icmpv6, sctp, gre, esp, ah, or a number.
[[nodiscard]] Result<std::uint8_t> parse_protocol(std::string_view text);
[[nodiscard]] std::string protocol_text(std::uint8_t protocol);

// A number from 0 to 63, or its name: ef (RFC 3246), af11 to af43 (RFC 2597), cs0 to cs7 (RFC
// 2474).
[[nodiscard]] Result<std::uint8_t> parse_dscp(std::string_view text);
[[nodiscard]] std::string dscp_text(std::uint8_t dscp);

// A rate: a number above 0 with its unit, as in 30 Mbps. bandwidth_text() writes it.
[[nodiscard]] Result<std::uint64_t> parse_rate(std::string_view text);
// Milliseconds (20 ms), or bytes (15000 B, 250 kB, 2 MB); above 0.
[[nodiscard]] Result<BurstSize> parse_burst(std::string_view text);
[[nodiscard]] std::string to_string(const BurstSize& burst);

// One flag of TCP: "syn" must be set, "not-ack" must not.
[[nodiscard]] Result<TcpFlagsMatch> parse_tcp_flag(std::string_view text);
[[nodiscard]] std::vector<std::string> tcp_flag_texts(const TcpFlagsMatch& flags);

}  // namespace causeway
