// SPDX-License-Identifier: Apache-2.0
//
// What an answer of the DNS says: to which addresses a name leads, over which aliases, and for how
// long (RFC 1035 4, RFC 3596 2, RFC 2181 8).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "acl/names/hostname.h"
#include "base/types.h"

namespace causeway {

inline constexpr std::uint16_t kDnsPort = 53;
// Records of one answer that are looked at, and aliases in one chain.
inline constexpr std::size_t kDnsRecordsMax = 128;
inline constexpr std::size_t kDnsAliasesMax = 16;

struct DnsAddress {
    IpAddress address;
    std::uint32_t ttl = 0;  // seconds: the least of its own and of the aliases that lead to it
};
struct DnsAnswer {
    std::vector<Hostname> names;  // the one that was asked for, then its aliases in order
    std::vector<DnsAddress> addresses;
};

enum class DnsFault : std::uint8_t {
    kNone,
    kCut,       // ends before its records do
    kBadName,   // a label too long, a pointer that does not lead back
    kNoAnswer,  // a query, a failure, a truncated answer, or to no question for one name
};
[[nodiscard]] std::string_view to_string(DnsFault fault) noexcept;

// `answer` is set where there is no fault; its addresses are none where the name has none.
[[nodiscard]] DnsFault parse_dns_answer(std::span<const std::uint8_t> message, DnsAnswer& answer);

}  // namespace causeway
