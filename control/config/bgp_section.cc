// SPDX-License-Identifier: Apache-2.0
#include "control/config/bgp_section.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <variant>
#include <vector>

#include "base/limits.h"
#include "base/text.h"
#include "control/config/ranges.h"
#include "control/config/values.h"
#include "control/config/words.h"

namespace causeway {
namespace {

constexpr NumberBetween kAsn{1, std::numeric_limits<std::uint32_t>::max() - 1};
constexpr NumberBetween kPrefixesMax{1, kRoutesPerVrfMax};
constexpr std::size_t kPasswordBytesMax = 80;  // TCP_MD5SIG_MAXKEYLEN
constexpr std::size_t kAdvertisedMax = 1'000;  // as many as a connection's customers take

constexpr std::size_t kRuntimeBytesMax = 64;  // a namespace and /bgpd.vty follow; see unix(7)

Result<std::string> parse_frr_runtime(std::string_view text) {
    const bool is_path = text.starts_with('/') && std::ranges::all_of(text, is_printable_ascii);
    if ((text.empty() || is_path) && text.size() <= kRuntimeBytesMax) return std::string(text);
    return Unexpected(ErrorCode::kInvalid,
                      fmt::format("\"{}\" is not a folder: give an absolute path of at most {} "
                                  "bytes, or nothing",
                                  quotable(text), kRuntimeBytesMax));
}

// FRR reads a password as one word.
Result<std::string> parse_password(std::string_view text) {
    const auto may_be_inside = [](char c) { return is_printable_ascii(c) && c != ' '; };
    if (text.empty() || text.size() > kPasswordBytesMax ||
        !std::ranges::all_of(text, may_be_inside)) {
        return Unexpected(ErrorCode::kInvalid,
                          fmt::format("is not a password for TCP MD5: use 1 to {} printable "
                                      "characters without blanks",
                                      kPasswordBytesMax));
    }
    return std::string(text);
}

Result<std::string> parse_password_file(std::string_view text) {
    if (text.starts_with('/') && std::ranges::all_of(text, is_printable_ascii)) {
        return std::string(text);
    }
    return Unexpected(ErrorCode::kInvalid,
                      "\"" + quotable(text) + "\" is not a file: give an absolute path");
}

template <class Address>
bool has_family(const PeeringConfig& peering) {
    return peering.leg<Address>(Link::kPrimary) || peering.leg<Address>(Link::kSecondary);
}

// Why a prefix may not be advertised on the peering; empty where it may.
template <class Address>
std::string fault_of(const PeeringConfig& peering, Prefix<Address> prefix) {
    if (!has_family<Address>(peering)) {
        return fmt::format("{} is {}, which the peering does not have: add \"{}\"",
                           to_string(prefix), FamilyWords<Address>::kName,
                           FamilyWords<Address>::kBothKey);
    }
    const bool is_private = peering.type == PeeringType::kPrivate;
    for (const auto& range : is_private ? never_unicast<Address>() : not_public<Address>()) {
        const bool is_bad =
            is_private ? range.prefix.contains(prefix) : range.prefix.overlaps(prefix);
        if (!is_bad) continue;
        return fmt::format("{} is {}: {}", to_string(prefix), range.name,
                           is_private ? "give unicast addresses"
                                      : "the Microsoft peering takes public addresses only");
    }
    return {};
}

void check_peering(const Config& config, const PeeringConfig& peering, const std::string& path,
                   ConfigErrors& errors) {
    const std::string bgp = member(path, "bgp");
    const std::string hold = member(bgp, "hold-seconds");
    const PeeringBgpConfig& told = peering.bgp;
    if (told.hold_seconds < 3 * told.keepalive_seconds && !errors.is_bad(hold) &&
        !errors.is_bad(member(bgp, "keepalive-seconds"))) {
        errors.add(hold, fmt::format("{} is less than three keepalives of {} seconds: raise it, or "
                                     "lower keepalive-seconds",
                                     told.hold_seconds, told.keepalive_seconds));
    }
    const std::string bfd = member(bgp, "bfd");
    if (told.bfd && peering.bfd.enabled && config.daemon.bfdd_socket.empty() &&
        !errors.is_bad(bfd) && !errors.is_bad(member(path, "bfd")) &&
        !errors.is_bad("daemon.bfdd-socket")) {
        errors.add(bfd,
                   "true, but BFD of the peering is causewayd's own, so bfdd would hear nothing: "
                   "leave it out, or set bfd of the peering to {enabled: false}, or "
                   "daemon.bfdd-socket");
    }
    const std::string asn = member(path, "peer-asn");
    if (config.bgp && peering.peer_asn == config.bgp->local_asn && !errors.is_bad(asn) &&
        !errors.is_bad("bgp.local-asn")) {
        errors.add(asn, fmt::format("AS {} is bgp.local-asn: give the customer's own AS number",
                                    peering.peer_asn));
    }
    if (!told.advertise || errors.is_bad(member(path, "type"))) return;
    for (std::size_t i = 0; i < told.advertise->size(); ++i) {
        const std::string at = element(member(bgp, "advertise"), i);
        if (errors.is_bad(at)) continue;
        const std::string fault = std::visit([&](auto prefix) { return fault_of(peering, prefix); },
                                             (*told.advertise)[i]);
        if (!fault.empty()) errors.add(at, fault);
    }
}

}  // namespace

BgpConfig read_bgp(const YamlNode& node, ConfigErrors& errors) {
    BgpConfig bgp;
    MapReader fields(node, "bgp", errors);
    fields.optional("local-asn", bgp.local_asn, kAsn);
    fields.optional("drain-prepends", bgp.drain_prepends, NumberBetween{1, 10});
    fields.optional("restart-seconds", bgp.restart_seconds, NumberBetween{1, 3'600});
    fields.optional("frr-runtime", bgp.frr_runtime, parse_frr_runtime);
    fields.refuse_other_keys();
    return bgp;
}

PeeringBgpConfig read_peering_bgp(MapReader& peering, PeeringType type) {
    PeeringBgpConfig bgp;
    if (type == PeeringType::kMicrosoft) bgp.prefixes_max = bgp.ipv6_prefixes_max = 200;
    const YamlNode* node = peering.find("bgp");
    if (node == nullptr || node->kind == YamlNode::Kind::kNull) return bgp;
    MapReader fields(*node, peering.path_of("bgp"), peering.errors());
    fields.optional("password", bgp.password, parse_password);
    fields.optional("password-file", bgp.password_file, parse_password_file);
    fields.optional("keepalive-seconds", bgp.keepalive_seconds, NumberBetween{1, 21'845});
    fields.optional("hold-seconds", bgp.hold_seconds, NumberBetween{3, 65'535});
    fields.optional("prefixes-max", bgp.prefixes_max, kPrefixesMax);
    fields.optional("ipv6-prefixes-max", bgp.ipv6_prefixes_max, kPrefixesMax);
    fields.optional("restart-minutes", bgp.restart_minutes, NumberBetween{1, 1'440});
    fields.optional("length-max", bgp.length_max, NumberBetween{8, 32});
    fields.optional("ipv6-length-max", bgp.ipv6_length_max, NumberBetween{16, 128});
    fields.optional("bfd", bgp.bfd, kFlags);
    if (fields.find("advertise") != nullptr) {
        fields.values("advertise", kAdvertisedMax, bgp.advertise.emplace(), parse_prefix);
    }
    fields.refuse_other_keys();
    if (fields.find("password") != nullptr && fields.find("password-file") != nullptr) {
        peering.errors().add(fields.path_of("password"),
                             "stands beside password-file: give one of them");
    }
    return bgp;
}

void check_bgp_rules(const Config& config, ConfigErrors& errors) {
    for (std::size_t i = 0; i < config.circuits.size(); ++i) {
        const std::string peerings = member(element("circuits", i), "peerings");
        for (std::size_t j = 0; j < config.circuits[i].peerings.size(); ++j) {
            const std::string path = element(peerings, j);
            if (errors.is_bad(path)) continue;
            check_peering(config, config.circuits[i].peerings[j], path, errors);
        }
    }
}

}  // namespace causeway
