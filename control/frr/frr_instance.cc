// SPDX-License-Identifier: Apache-2.0
#include "control/frr/frr_instance.h"

#include <fmt/format.h>

#include <algorithm>
#include <concepts>
#include <fstream>
#include <iterator>
#include <set>
#include <utility>

#include "base/text.h"
#include "control/config/ranges.h"
#include "control/config/words.h"

namespace causeway {
namespace {

// The order of traffic between links: one that is not as usual is taken where there is no other.
constexpr unsigned kPreference = 100;
constexpr unsigned kDrainedPreference = 10;
// Of the prefixes that a session may have, how many per cent are worth a line in the log.
constexpr unsigned kWarningPercent = 80;
// At most four circuits of two links each lead to a prefix.
constexpr unsigned kPathsMax = 8;
// FRR's own defaults.
constexpr unsigned kUsualFpmPort = 2'620;
constexpr unsigned kUsualRestartSeconds = 120;
// RFC 7607, RFC 6793 (AS_TRANS), the cloud's own, RFC 7300.
constexpr std::string_view kReservedPath = "_(0|23456|6551[5-9]|65520|4294967295)_";

template <class Address>
struct FrrFamily;
template <>
struct FrrFamily<Ipv4Address> {
    static constexpr std::string_view kName = "ipv4";
    static constexpr std::string_view kMatch = "ip";
    static constexpr std::string_view kSuffix = "";
};
template <>
struct FrrFamily<Ipv6Address> {
    static constexpr std::string_view kName = "ipv6";
    static constexpr std::string_view kMatch = "ipv6";
    static constexpr std::string_view kSuffix = "-ipv6";
};

std::string peering_name(const FrrInstanceLeg& leg) {
    return fmt::format("{}-{}", leg.circuit->name, to_string(leg.peering->type));
}

std::string leg_name(const FrrInstanceLeg& leg) {
    return fmt::format("{}-{}", peering_name(leg), to_string(leg.link));
}

// One line a call; `depth` is FRR's own indentation.
class Lines {
  public:
    template <class... Args>
    void operator()(fmt::format_string<Args...> format, Args&&... args) {
        fmt::format_to(std::back_inserter(text_), format, std::forward<Args>(args)...);
        text_ += '\n';
    }
    [[nodiscard]] std::string take() { return std::move(text_); }

  private:
    std::string text_;
};

// A prefix list whose entries are numbered as they come; FRR refuses one that is there already.
template <class Address>
class PrefixList {
  public:
    PrefixList(Lines& lines, std::string name) : lines_(lines), name_(std::move(name)) {}
    void add(std::string_view action, Prefix<Address> prefix, std::string_view lengths = {}) {
        if (!added_.emplace(prefix, lengths).second) return;
        lines_("{} prefix-list {} seq {} {} {}{}", FrrFamily<Address>::kMatch, name_, next_ += 5,
               action, to_string(prefix), lengths);
    }

  private:
    Lines& lines_;
    std::string name_;
    std::set<std::pair<Prefix<Address>, std::string>> added_;
    unsigned next_ = 0;
};

template <class Address>
std::vector<Prefix<Address>> of_family(const std::vector<IpPrefix>& prefixes) {
    std::vector<Prefix<Address>> result;
    for (const IpPrefix& prefix : prefixes) {
        if (const auto* one = std::get_if<Prefix<Address>>(&prefix)) result.push_back(*one);
    }
    return result;
}

// Of a private peering, unless it says otherwise: the networks of its VRF on the cloud side.
std::vector<IpPrefix> advertised(const Config& config, const PeeringConfig& peering) {
    if (peering.bgp.advertise) return *peering.bgp.advertise;
    if (peering.type != PeeringType::kPrivate) return {};
    std::set<IpPrefix> prefixes;
    for (const CoreAttachmentConfig& core : config.core_attachments) {
        if (core.vrf != peering.vrf || !core.enabled) continue;
        prefixes.insert(core.ipv4.subnet);
        if (core.ipv6) prefixes.insert(core.ipv6->subnet);
    }
    for (const RouteConfig& route : config.routes) {
        const int length = std::visit([](auto prefix) { return prefix.length(); }, route.prefix);
        if (route.vrf == peering.vrf && route.action == RouteAction::kForward && length != 0) {
            prefixes.insert(route.prefix);
        }
    }
    return {prefixes.begin(), prefixes.end()};
}

// What no customer may tell us. Of a range that is not public, neither a part nor a whole that
// holds it.
template <class Address>
void write_refused(Lines& lines, PeeringType type) {
    const bool is_private = type == PeeringType::kPrivate;
    PrefixList<Address> list(lines, "refused" + std::string(FrrFamily<Address>::kSuffix));
    for (const auto& range : is_private ? never_unicast<Address>() : not_public<Address>()) {
        list.add("permit", range.prefix, fmt::format(" le {}", Address::kBits));
        if (is_private) continue;
        for (int length = 0; length < range.prefix.length(); ++length) {
            list.add("permit", Prefix<Address>::of(range.prefix.first(), length));
        }
    }
}

// What a customer may announce: to the Microsoft peering, whose VRF is everybody's, no more than
// what was validated to be his.
template <class Address>
void write_announced(Lines& lines, const FrrInstanceLeg& leg) {
    const PeeringConfig& peering = *leg.peering;
    const bool is_ipv4 = std::same_as<Address, Ipv4Address>;
    const auto longest =
        static_cast<int>(is_ipv4 ? peering.bgp.length_max : peering.bgp.ipv6_length_max);
    const auto all = Prefix<Address>::of(Address{}, 0);
    PrefixList<Address> list(lines,
                             peering_name(leg) + "-in" + std::string(FrrFamily<Address>::kSuffix));
    if (peering.type == PeeringType::kPrivate) {
        list.add("permit", all, fmt::format(" le {}", longest));
        return;
    }
    const PeeringPolicyConfig& policy = peering.policy;
    if (policy.advertised_state == PrefixesState::kConfigured) {
        for (const auto& prefix : of_family<Address>(policy.advertised_prefixes)) {
            if (prefix.length() > longest) continue;
            list.add("permit", prefix,
                     prefix.length() < longest ? fmt::format(" le {}", longest) : std::string());
        }
    }
    list.add("deny", all, fmt::format(" le {}", Address::kBits));
}

template <class Address>
void write_peering_lists(Lines& lines, const Config& config, const FrrInstanceLeg& leg) {
    const std::string suffix(FrrFamily<Address>::kSuffix);
    write_announced<Address>(lines, leg);
    PrefixList<Address> out(lines, peering_name(leg) + "-out" + suffix);
    for (const auto& prefix : of_family<Address>(advertised(config, *leg.peering))) {
        out.add("permit", prefix);
    }
    out.add("deny", Prefix<Address>::of(Address{}, 0), fmt::format(" le {}", Address::kBits));
}

Result<std::string> password_of(const PeeringBgpConfig& bgp) {
    if (bgp.password_file.empty()) return bgp.password;
    std::ifstream file(bgp.password_file);
    std::string password;
    std::getline(file, password);
    const bool is_word =
        std::ranges::all_of(password, [](char c) { return is_printable_ascii(c) && c != ' '; });
    if (file && !password.empty() && is_word) return password;
    return Unexpected(
        ErrorCode::kUnavailable,
        bgp.password_file + ": its first line is not a password, or it cannot be read");
}

template <class Address>
bool has_session(const FrrInstanceLeg& leg) {
    return leg.peering->leg<Address>(leg.link).has_value();
}

template <class Address>
Address neighbour(const FrrInstanceLeg& leg) {
    return leg.peering->leg<Address>(leg.link)->customer();
}

bool is_up(const FrrInstanceLeg& leg) {
    const auto& link = leg.link == Link::kPrimary ? leg.circuit->primary : leg.circuit->secondary;
    return leg.circuit->forwards() && leg.peering->enabled && link && link->enabled;
}

template <class Address>
Status write_neighbour(Lines& lines, const FrrInstanceLeg& leg) {
    if (!has_session<Address>(leg)) return ok();
    const PeeringBgpConfig& bgp = leg.peering->bgp;
    const std::string name = to_string(neighbour<Address>(leg));
    const auto password = password_of(bgp);
    if (!password) return Unexpected(password.error());
    lines(" neighbor {} remote-as {}", name, leg.peering->peer_asn);
    lines(" neighbor {} description {}", name, attachment_of(leg));
    if (!password->empty()) lines(" neighbor {} password {}", name, *password);
    lines(" neighbor {} timers {} {}", name, bgp.keepalive_seconds, bgp.hold_seconds);
    lines(" neighbor {} timers connect 10", name);
    lines(" neighbor {} enforce-first-as", name);
    if (bgp.bfd) lines(" neighbor {} bfd", name);
    if (!is_up(leg)) lines(" neighbor {} shutdown", name);
    return ok();
}

template <class Address>
std::string limit_line(const FrrInstanceLeg& leg) {
    const PeeringBgpConfig& bgp = leg.peering->bgp;
    const bool is_ipv4 = std::same_as<Address, Ipv4Address>;
    return fmt::format(
        "  neighbor {} maximum-prefix {} {} restart {}", to_string(neighbour<Address>(leg)),
        is_ipv4 ? bgp.prefixes_max : bgp.ipv6_prefixes_max, kWarningPercent, bgp.restart_minutes);
}

template <class Address>
void add_limits(const FrrInstance& instance, std::vector<std::string>& lines) {
    if (std::ranges::none_of(instance.legs, has_session<Address>)) return;
    lines.push_back(fmt::format(" address-family {} unicast", FrrFamily<Address>::kName));
    for (const FrrInstanceLeg& leg : instance.legs) {
        if (has_session<Address>(leg)) lines.push_back(limit_line<Address>(leg));
    }
    lines.emplace_back(" exit-address-family");
}

template <class Address>
void write_family(Lines& lines, const Config& config, const FrrInstance& instance) {
    if (std::ranges::none_of(instance.legs, has_session<Address>)) return;
    std::set<Prefix<Address>> networks;
    for (const FrrInstanceLeg& leg : instance.legs) {
        for (const auto& prefix : of_family<Address>(advertised(config, *leg.peering))) {
            networks.insert(prefix);
        }
    }
    lines(" !\n address-family {} unicast", FrrFamily<Address>::kName);
    for (const auto& prefix : networks) lines("  network {}", to_string(prefix));
    lines("  maximum-paths {}", kPathsMax);
    for (const FrrInstanceLeg& leg : instance.legs) {
        if (!has_session<Address>(leg)) continue;
        const std::string name = to_string(neighbour<Address>(leg));
        lines("  neighbor {} activate", name);
        lines("  neighbor {} route-map {}-in in", name, leg_name(leg));
        lines("  neighbor {} route-map {}-out out", name, leg_name(leg));
        lines("{}", limit_line<Address>(leg));
    }
    lines(" exit-address-family");
}

Status write_router(Lines& lines, const Config& config, const FrrInstance& instance) {
    const FrrInstanceLeg& first = instance.legs.front();
    lines("router bgp {}", config.bgp->local_asn);
    lines(" bgp router-id {}", to_string(first.peering->leg<Ipv4Address>(first.link)->ours()));
    lines(" bgp log-neighbor-changes");
    lines(" no bgp default ipv4-unicast");
    lines(" no bgp network import-check");
    lines(" bgp graceful-restart");
    if (config.bgp->restart_seconds != kUsualRestartSeconds) {
        lines(" bgp graceful-restart restart-time {}", config.bgp->restart_seconds);
    }
    // Customers keep what we told them while bgpd restarts: what forwards is another process.
    lines(" bgp graceful-restart preserve-fw-state");
    for (const FrrInstanceLeg& leg : instance.legs) {
        if (Status status = write_neighbour<Ipv4Address>(lines, leg); !status) return status;
        if (Status status = write_neighbour<Ipv6Address>(lines, leg); !status) return status;
    }
    write_family<Ipv4Address>(lines, config, instance);
    write_family<Ipv6Address>(lines, config, instance);
    lines("exit\n!");
    return ok();
}

void write_lists(Lines& lines, const Config& config, const FrrInstance& instance) {
    const PeeringType type = instance.legs.front().peering->type;
    lines("bgp as-path access-list reserved seq 5 permit {}", kReservedPath);
    write_refused<Ipv4Address>(lines, type);
    write_refused<Ipv6Address>(lines, type);
    std::set<std::string> written;
    for (const FrrInstanceLeg& leg : instance.legs) {
        if (!written.insert(peering_name(leg)).second) continue;
        write_peering_lists<Ipv4Address>(lines, config, leg);
        write_peering_lists<Ipv6Address>(lines, config, leg);
    }
    lines("!");
}

}  // namespace

std::string attachment_of(const FrrInstanceLeg& leg) {
    return fmt::format("{}/{}/{}", leg.circuit->name, to_string(leg.peering->type),
                       to_string(leg.link));
}

std::vector<std::string> frr_route_maps(const Config& config, const FrrInstanceLeg& leg,
                                        const LinkAppeals& appeals, RouteMapUse use) {
    const std::string in = leg_name(leg) + "-in";
    const std::string out = leg_name(leg) + "-out";
    const std::string peering = peering_name(leg);
    const auto found = appeals.find(attachment_of(leg));
    const Appeal appeal = found == appeals.end() ? Appeal::kNormal : found->second;
    const bool is_normal = appeal == Appeal::kNormal;
    std::vector<std::string> lines;
    const auto add = [&lines]<class... Args>(fmt::format_string<Args...> format, Args&&... args) {
        lines.push_back(fmt::format(format, std::forward<Args>(args)...));
    };
    add("route-map {} deny 10", in);
    add(" match as-path reserved");
    add("exit");
    unsigned sequence = 20;
    for (const auto& [match, suffix] : {std::pair("ip", ""), std::pair("ipv6", "-ipv6")}) {
        add("route-map {} deny {}", in, sequence);
        add(" match {} address prefix-list refused{}", match, suffix);
        add("exit");
        add("route-map {} permit {}", in, sequence + 10);
        add(" match {} address prefix-list {}-in{}", match, peering, suffix);
        // A customer's communities mean nothing here.
        add(" set community none");
        // Another customer's router is in the same VRF, perhaps: who announces is who gets it.
        add(" set {} next-hop peer-address", match);
        if (std::string_view(match) == "ipv6") add(" set ipv6 next-hop prefer-global");
        add(" set local-preference {}", is_normal ? kPreference : kDrainedPreference);
        add("exit");
        sequence += 20;
    }
    std::string path;
    for (unsigned i = 0; i < config.bgp->drain_prepends; ++i) {
        path += fmt::format(" {}", config.bgp->local_asn);
    }
    if (appeal == Appeal::kWithdrawn) {
        add("route-map {} deny 5", out);
        add("exit");
    } else if (use == RouteMapUse::kTyped) {
        add("no route-map {} deny 5", out);
    }
    sequence = 10;
    for (const auto& [match, suffix] : {std::pair("ip", ""), std::pair("ipv6", "-ipv6")}) {
        add("route-map {} permit {}", out, sequence);
        add(" match {} address prefix-list {}-out{}", match, peering, suffix);
        if (!is_normal) add(" set as-path prepend{}", path);
        if (is_normal && use == RouteMapUse::kTyped) add(" no set as-path prepend");
        add("exit");
        sequence += 10;
    }
    return lines;
}

std::vector<std::string> frr_limits(const Config& config, const FrrInstance& instance) {
    std::vector<std::string> lines{fmt::format("router bgp {}", config.bgp->local_asn)};
    add_limits<Ipv4Address>(instance, lines);
    add_limits<Ipv6Address>(instance, lines);
    lines.emplace_back("exit");
    return lines;
}

Result<std::string> frr_text(const Config& config, const FrrInstance& instance,
                             const LinkAppeals& appeals) {
    Lines lines;
    lines("! VRF {}. Written by `causeway frr-config`: changes made here are lost.", instance.vrf);
    // The kernel of the namespace must not forward past us. What FRR does not show where it is the
    // default stays out: frr-reload.py would see a difference, and zebra connect to us anew.
    lines("frr defaults traditional\nno ip forwarding\nno ipv6 forwarding");
    // A kernel forgets the groups of next hops of a TAP that loses its carrier. zebra 8.4 keeps
    // what nobody uses for three minutes and does not install it anew: the next route over it is
    // refused, and we hear nothing of it.
    lines("zebra nexthop-group keep 1");
    // A link that drains, or has lost its core, is to be left at once, not after FRR's five
    // seconds.
    lines("bgp route-map delay-timer 1\n!");
    if (instance.fpm) {
        const bool is_usual = instance.fpm->port == kUsualFpmPort;
        lines("fpm address {}{}\n!", to_string(instance.fpm->address),
              is_usual ? "" : fmt::format(" port {}", instance.fpm->port));
    }
    write_lists(lines, config, instance);
    for (const FrrInstanceLeg& leg : instance.legs) {
        for (const std::string& line :
             frr_route_maps(config, leg, appeals, RouteMapUse::kWritten)) {
            lines("{}", line);
        }
        lines("!");
    }
    if (const Status status = write_router(lines, config, instance); !status) {
        return Unexpected(status.error());
    }
    lines("end");
    return lines.take();
}

// zebra leaves its routes in the kernel when it ends, and takes them up again (-r, -K): else its
// last words to us would be that all of them are gone.
std::string frr_daemons(const Config& config, const FrrInstance& instance) {
    const bool has_bfd = std::ranges::any_of(
        instance.legs, [](const FrrInstanceLeg& leg) { return leg.peering->bgp.bfd; });
    const std::string& socket = config.daemon.bfdd_socket;
    const bool is_told = follows_our_bfd(instance) && !socket.empty();
    return fmt::format(
        "# Written by `causeway frr-config`, once: changes made here stay.\n"
        "bgpd=yes\n"
        "bfdd={}\n"
        "vtysh_enable=yes\n"
        "watchfrr_options=\"--netns\"\n"
        "zebra_options=\"-A 127.0.0.1 -s 90000000 -M dplane_fpm_nl -r -K 120\"\n"
        "bgpd_options=\"-A 127.0.0.1\"\n"
        "bfdd_options=\"-A 127.0.0.1{}\"\n",
        has_bfd ? "yes" : "no", is_told ? " --dplaneaddr unix:" + socket : "");
}

bool follows_our_bfd(const FrrInstance& instance) {
    return std::ranges::any_of(instance.legs, [](const FrrInstanceLeg& leg) {
        return leg.peering->bgp.bfd && leg.peering->bfd.enabled;
    });
}

}  // namespace causeway
