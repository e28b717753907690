// SPDX-License-Identifier: Apache-2.0
#include "control/config/nat_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <string_view>

#include "base/text.h"
#include "control/config/policy_values.h"
#include "control/config/reader.h"
#include "control/config/words.h"
#include "nat/host_table.h"

namespace causeway {
namespace {

constexpr std::size_t kPrefixesMax = 1'024;
constexpr std::size_t kStaticsMax = 4'096;
constexpr std::size_t kUntranslatedMax = 64;
constexpr NumberBetween kSeconds{1, 7 * 24 * 3'600};

Result<Ipv4Prefix> parse_ipv4_range(std::string_view text) {
    if (const auto address = parse_ipv4_address(text)) return Ipv4Prefix::of(*address, 32);
    return parse_prefix_of<Ipv4Address>(text);
}

Result<std::uint32_t> parse_block_ports(std::string_view text) {
    const auto number = NumberBetween{kNatBlockPortsMin, kNatBlockPortsMax}(text);
    if (!number) return Unexpected(number.error());
    if (!std::has_single_bit(*number)) {
        return Unexpected(ErrorCode::kInvalid,
                          fmt::format("{} is no power of two: give 64, 128, ... or 4096", text));
    }
    return *number;
}

Result<Endpoint> parse_whole_address(std::string_view text) {
    const auto address = parse_ipv4_address(text);
    if (address) return Endpoint{*address, 0};
    return Unexpected(ErrorCode::kInvalid,
                      fmt::format("\"{}\" is not an IPv4 address: write it as in 10.1.0.10, or "
                                  "add \"protocol\" to publish one port",
                                  quotable(text)));
}

Result<Endpoint> parse_endpoint(std::string_view text) {
    const std::size_t colon = text.find(':');
    if (colon != std::string_view::npos) {
        const auto address = parse_ipv4_address(text.substr(0, colon));
        const auto port = NumberBetween{1, 65'535}(text.substr(colon + 1));
        if (address && port) return Endpoint{*address, static_cast<std::uint16_t>(*port)};
    }
    return Unexpected(ErrorCode::kInvalid,
                      fmt::format("\"{}\" is not an IPv4 address with a port: write it as in "
                                  "10.1.0.10:8443",
                                  quotable(text)));
}

Result<std::string> parse_file(std::string_view text) {
    constexpr std::size_t kPathBytesMax = 4'000;  // of the 4,095 that the system takes
    const bool is_printable = std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~'; });
    if (!text.starts_with('/') || text.ends_with('/') || text.size() > kPathBytesMax ||
        !is_printable) {
        return Unexpected(ErrorCode::kInvalid,
                          fmt::format("\"{}\" is not a file's path: write it as in "
                                      "/var/log/causeway/nat",
                                      quotable(text)));
    }
    return std::string(text);
}

NatLogConfig read_log(const YamlNode& node, const std::string& path, ConfigErrors& errors) {
    NatLogConfig log;
    MapReader fields(node, path, errors);
    fields.optional("events", log.events, kNatLoggings);
    fields.optional("file", log.file, parse_file);
    fields.optional("file-mib", log.file_mib, NumberBetween{1, 1'000'000});
    if (fields.find("collector") != nullptr) {
        fields.required("collector", log.collector.emplace(), parse_endpoint);
    }
    fields.optional("observation-domain", log.observation_domain, NumberBetween{0, 0xffff'ffff});
    fields.refuse_other_keys();
    if (!log.is_on()) {
        errors.add(node.mark, path, "goes nowhere: give a \"file\", a \"collector\", or both");
    }
    return log;
}

void read_timers(const YamlNode& node, const std::string& path, ConfigErrors& errors,
                 NatTimers& timers) {
    MapReader fields(node, path, errors);
    fields.optional("tcp-established", timers.tcp_established, kSeconds);
    fields.optional("tcp-opening", timers.tcp_opening, kSeconds);
    fields.optional("tcp-closing", timers.tcp_closing, kSeconds);
    fields.optional("udp", timers.udp, kSeconds);
    fields.optional("icmp", timers.icmp, kSeconds);
    fields.optional("fragment", timers.fragment, kSeconds);
    fields.refuse_other_keys();
}

NatStaticConfig read_static(const YamlNode& node, const std::string& path, ConfigErrors& errors) {
    NatStaticConfig mapping;
    MapReader fields(node, path, errors);
    if (fields.find("protocol") != nullptr) {
        fields.optional("protocol", mapping.protocol.emplace(), kNatProtocolWords);
        fields.required("inside", mapping.inside, parse_endpoint);
        fields.required("outside", mapping.outside, parse_endpoint);
    } else {
        fields.required("inside", mapping.inside, parse_whole_address);
        fields.required("outside", mapping.outside, parse_whole_address);
    }
    if (fields.find("link") != nullptr) fields.optional("link", mapping.link.emplace(), kLinks);
    fields.refuse_other_keys();
    return mapping;
}

NatUntranslated read_untranslated(const YamlNode& node, const std::string& path,
                                  ConfigErrors& errors) {
    NatUntranslated packets;
    MapReader fields(node, path, errors);
    fields.optional("source", packets.source, parse_ipv4_range);
    fields.required("destination", packets.destination, parse_ipv4_range);
    fields.refuse_other_keys();
    return packets;
}

}  // namespace

NatConfig read_nat(const YamlNode& node, const std::string& path, ConfigErrors& errors) {
    NatConfig nat;
    NatPoolSettings& settings = nat.settings;
    MapReader fields(node, path, errors);
    fields.values("inside", kPrefixesMax, nat.inside, parse_ipv4_range);
    fields.values("pool", kNatPoolAddressesMax, nat.pool, parse_ipv4_range);
    fields.values("primary-pool", kNatPoolAddressesMax, nat.primary_pool, parse_ipv4_range);
    fields.values("secondary-pool", kNatPoolAddressesMax, nat.secondary_pool, parse_ipv4_range);
    fields.optional("block-ports", settings.block_ports, parse_block_ports);
    fields.optional("host-blocks", settings.host_blocks_max, NumberBetween{1, kNatHostBlocksMax});
    fields.optional("host-sessions", settings.host_sessions_max, NumberBetween{1, 1U << 24});
    fields.optional("filtering", settings.filtering, kNatFilterings);
    fields.optional("pairing", settings.pairing, kNatPairings);
    fields.optional("parity", settings.parity, kNatParities);
    fields.optional("refresh", settings.refresh, kNatRefreshes);
    fields.optional("alarm-percent", nat.alarm_percent, NumberBetween{1, 100});
    if (const YamlNode* timers = fields.find("timers")) {
        read_timers(*timers, fields.path_of("timers"), errors, settings.timers);
    }
    fields.each("static", kStaticsMax, [&](const YamlNode& item, const std::string& item_path) {
        nat.statics.push_back(read_static(item, item_path, errors));
    });
    fields.each("untranslated", kUntranslatedMax,
                [&](const YamlNode& item, const std::string& item_path) {
                    nat.untranslated.push_back(read_untranslated(item, item_path, errors));
                });
    fields.optional("untranslated-acl", nat.untranslated_acl, parse_word);
    fields.refuse_other_keys();
    return nat;
}

NatLimits read_nat_limits(const YamlNode& node, const std::string& path, ConfigErrors& errors) {
    NatLimits limits;
    MapReader fields(node, path, errors);
    fields.optional("sessions", limits.sessions, NumberBetween{1'000, 100'000'000});
    fields.optional("mappings", limits.mappings, NumberBetween{1'000, 100'000'000});
    fields.optional("hosts", limits.hosts, NumberBetween{16, HostTable::kHostsMax});
    fields.optional("alarm-percent", limits.alarm_percent, NumberBetween{1, 100});
    fields.optional("session-file", limits.session_file, parse_file);
    if (const YamlNode* log = fields.find("log")) {
        limits.log = read_log(*log, fields.path_of("log"), errors);
    }
    fields.refuse_other_keys();
    return limits;
}

}  // namespace causeway
