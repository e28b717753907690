// SPDX-License-Identifier: Apache-2.0
#include "control/config/policy_values.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include "acl/packet_view.h"
#include "base/headers.h"
#include "base/text.h"

namespace causeway {
namespace {

template <class... Arguments>
Unexpected invalid(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    return {ErrorCode::kInvalid, fmt::format(format, std::forward<Arguments>(arguments)...)};
}

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

struct Named {
    std::string_view name;
    std::uint8_t number;
};

// IANA's numbers of protocols.
constexpr std::array kProtocols{
    Named{"icmp", static_cast<std::uint8_t>(IpProtocol::kIcmp)},
    Named{"tcp", static_cast<std::uint8_t>(IpProtocol::kTcp)},
    Named{"udp", static_cast<std::uint8_t>(IpProtocol::kUdp)},
    Named{"gre", 47},
    Named{"esp", 50},
    Named{"ah", static_cast<std::uint8_t>(IpProtocol::kAuthentication)},
    Named{"icmpv6", static_cast<std::uint8_t>(IpProtocol::kIcmpv6)},
    Named{"sctp", kProtocolSctp},
};

constexpr std::array kDscps{
    Named{"cs0", 0},   Named{"cs1", 8},   Named{"cs2", 16},  Named{"cs3", 24},  Named{"cs4", 32},
    Named{"cs5", 40},  Named{"cs6", 48},  Named{"cs7", 56},  Named{"af11", 10}, Named{"af12", 12},
    Named{"af13", 14}, Named{"af21", 18}, Named{"af22", 20}, Named{"af23", 22}, Named{"af31", 26},
    Named{"af32", 28}, Named{"af33", 30}, Named{"af41", 34}, Named{"af42", 36}, Named{"af43", 38},
    Named{"ef", 46},
};

// RFC 9293 3.1 and RFC 3168 6.1.
constexpr std::array kTcpFlags{
    Named{"fin", 0x01}, Named{"syn", 0x02}, Named{"rst", 0x04}, Named{"psh", 0x08},
    Named{"ack", 0x10}, Named{"urg", 0x20}, Named{"ece", 0x40}, Named{"cwr", 0x80},
};

template <class Table>
std::optional<std::uint8_t> number_of(const Table& table, std::string_view name) {
    const auto found = std::ranges::find(table, name, &Named::name);
    return found == table.end() ? std::nullopt : std::optional(found->number);
}

template <class Table>
std::string text_of(const Table& table, std::uint8_t number) {
    const auto found = std::ranges::find(table, number, &Named::number);
    return found == table.end() ? std::to_string(number) : std::string(found->name);
}

template <class Table>
std::string suggestion_of(const Table& table, std::string_view word) {
    std::vector<std::string_view> names;
    for (const Named& named : table) names.push_back(named.name);
    return suggestion(word, names);
}

// A number, or a name of the table.
template <class Table>
Result<std::uint8_t> parse_named(const Table& table, std::string_view what, unsigned max,
                                 std::string_view text) {
    if (const auto number = number_of(table, text)) return *number;
    if (const auto number = NumberBetween{0, max}(text)) return static_cast<std::uint8_t>(*number);
    if (!text.empty() && is_digit(text.front())) {
        return invalid("\"{}\" is not {}: give a number from 0 to {}", quotable(text), what, max);
    }
    return invalid("\"{}\" is not {} that is known{}", quotable(text), what,
                   suggestion_of(table, text));
}

struct Unit {
    std::string_view name;
    std::uint64_t size;
};
constexpr std::array kRateUnits{Unit{"Gbps", 1'000'000'000}, Unit{"Mbps", 1'000'000},
                                Unit{"kbps", 1'000}, Unit{"bps", 1}};
constexpr std::array kByteUnits{Unit{"MB", 1'000'000}, Unit{"kB", 1'000}, Unit{"B", 1}};
constexpr std::uint64_t kRateMax = 400'000'000'000;
constexpr std::uint64_t kBurstBytesMax = 10'000'000'000;

// A number with one of these units, from 1 unit to max; nothing where it is none.
template <class Units>
std::optional<std::uint64_t> parse_amount(const Units& units, std::uint64_t max,
                                          std::string_view text) {
    const auto unit = std::ranges::find_if(
        units, [&](const Unit& candidate) { return text.ends_with(candidate.name); });
    if (unit == units.end()) return std::nullopt;
    std::string_view digits = text.substr(0, text.size() - unit->name.size());
    if (digits.ends_with(' ')) digits.remove_suffix(1);
    const auto count = NumberBetween{1, 4'000'000'000U}(digits);
    if (!count || *count > max / unit->size) return std::nullopt;
    return *count * unit->size;
}

// Whether the text was meant to be an address or a prefix, and not a name.
bool looks_like_prefix(std::string_view text) {
    return text.find_first_of("./:") != std::string_view::npos;
}

}  // namespace

Result<std::string> parse_word(std::string_view text) {
    auto name = parse_name(text);
    if (name && is_digit(text.front())) {
        return invalid(
            "\"{}\" begins with a digit: let the name begin with a letter, so that it is "
            "not taken for a number",
            quotable(text));
    }
    return name;
}

Result<PrefixOrSet> parse_prefix_or_set(std::string_view text) {
    if (looks_like_prefix(text)) {
        auto prefix = parse_prefix(text);
        if (!prefix) return Unexpected(prefix.error());
        return PrefixOrSet(*prefix);
    }
    auto name = parse_word(text);
    if (!name) {
        return invalid("\"{}\" is neither a prefix nor the name of a set", quotable(text));
    }
    return PrefixOrSet(std::move(name).value());
}

Result<PortRange> parse_ports(std::string_view text) {
    const auto hyphen = text.find('-');
    const auto first = NumberBetween{1, 65'535}(text.substr(0, hyphen));
    const auto last = hyphen == std::string_view::npos
                          ? first
                          : NumberBetween{1, 65'535}(text.substr(hyphen + 1));
    if (!first || !last) {
        return invalid("\"{}\" is not a port from 1 to 65535 nor a range of them, as in 8000-8100",
                       quotable(text));
    }
    if (*first > *last) {
        return invalid("a range of ports ends at {}, before it begins at {}", *last, *first);
    }
    return PortRange{static_cast<std::uint16_t>(*first), static_cast<std::uint16_t>(*last)};
}

Result<PortsOrSet> parse_ports_or_set(std::string_view text) {
    if (text.empty() || is_digit(text.front())) {
        auto ports = parse_ports(text);
        if (!ports) return Unexpected(ports.error());
        return PortsOrSet(*ports);
    }
    auto name = parse_word(text);
    if (!name) return invalid("\"{}\" is neither ports nor the name of a set", quotable(text));
    return PortsOrSet(std::move(name).value());
}

std::string to_string(const PortRange& ports) {
    return ports.first == ports.last ? std::to_string(ports.first)
                                     : fmt::format("{}-{}", ports.first, ports.last);
}

Result<std::uint8_t> parse_protocol(std::string_view text) {
    return parse_named(kProtocols, "a protocol", 255, text);
}
std::string protocol_text(std::uint8_t protocol) {
    return text_of(kProtocols, protocol);
}

Result<std::uint8_t> parse_dscp(std::string_view text) {
    return parse_named(kDscps, "a DSCP", 63, text);
}
std::string dscp_text(std::uint8_t dscp) {
    return text_of(kDscps, dscp);
}

Result<std::uint64_t> parse_rate(std::string_view text) {
    if (const auto rate = parse_amount(kRateUnits, kRateMax, text)) return *rate;
    return invalid("\"{}\" is not a rate from 1 bps to 400 Gbps: write it as in 30 Mbps",
                   quotable(text));
}

Result<BurstSize> parse_burst(std::string_view text) {
    static constexpr std::array kMilliseconds{Unit{"ms", 1}};
    if (const auto count = parse_amount(kMilliseconds, 1'000, text)) {
        return BurstSize{*count, BurstSize::Unit::kMilliseconds};
    }
    if (const auto count = parse_amount(kByteUnits, kBurstBytesMax, text)) {
        return BurstSize{*count, BurstSize::Unit::kBytes};
    }
    return invalid(
        "\"{}\" is not a burst: write it as in 20 ms (1 to 1000) or as in 250 kB "
        "(B, kB or MB, to 10000 MB)",
        quotable(text));
}

std::string to_string(const BurstSize& burst) {
    if (burst.unit == BurstSize::Unit::kMilliseconds) return fmt::format("{} ms", burst.count);
    const auto unit = std::ranges::find_if(
        kByteUnits, [&](const Unit& candidate) { return burst.count % candidate.size == 0; });
    return fmt::format("{} {}", burst.count / unit->size, unit->name);
}

Result<TcpFlagsMatch> parse_tcp_flag(std::string_view text) {
    static constexpr std::string_view kNot = "not-";
    const bool is_set = !text.starts_with(kNot);
    const std::string_view name = is_set ? text : text.substr(kNot.size());
    const auto flag = number_of(kTcpFlags, name);
    if (!flag) {
        return invalid("\"{}\" is not a flag of TCP that is known{}", quotable(text),
                       suggestion_of(kTcpFlags, name));
    }
    return TcpFlagsMatch{.value = is_set ? *flag : std::uint8_t{0}, .mask = *flag};
}

std::vector<std::string> tcp_flag_texts(const TcpFlagsMatch& flags) {
    std::vector<std::string> texts;
    for (const Named& flag : kTcpFlags) {
        if ((flags.mask & flag.number) == 0) continue;
        const bool is_set = (flags.value & flag.number) != 0;
        texts.push_back(std::string(is_set ? "" : "not-").append(flag.name));
    }
    return texts;
}

}  // namespace causeway
