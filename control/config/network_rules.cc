// SPDX-License-Identifier: Apache-2.0
//
// The rules about addresses, VRF by VRF: connected subnets do not overlap, a prefix has one owner,
// a next hop lies on a connected subnet, and nothing private reaches the Microsoft peering.
#include <fmt/format.h>

#include <algorithm>
#include <concepts>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include "base/text.h"
#include "control/config/legs.h"
#include "control/config/ranges.h"
#include "control/config/values.h"
#include "control/config/words.h"
#include "control/slow_path/subnet_hosts.h"

namespace causeway {
namespace {

// A connected subnet of a VRF.
template <class Address>
struct Network {
    Prefix<Address> subnet;
    Address ours;
    std::string path;
    std::string who;
    std::size_t order;  // in the document
};

// Those of one family.
template <class Address>
struct Networks {
    std::vector<Network<Address>> all;  // sorted by subnet once all are known
    bool is_complete = true;            // false: a subnet is bad, so what lies outside is not known
};

struct Vrf {
    Networks<Ipv4Address> ipv4;
    Networks<Ipv6Address> ipv6;

    template <class Address>
    [[nodiscard]] Networks<Address>& networks() noexcept {
        if constexpr (std::same_as<Address, Ipv4Address>) {
            return ipv4;
        } else {
            return ipv6;
        }
    }
};

class NetworkRules {
  public:
    NetworkRules(const Config& config, const std::vector<LegView>& legs, ConfigErrors& errors)
        : config_(config), legs_(legs), errors_(errors) {
        vrfs_[std::string(kMicrosoftVrf)];
    }

    void check() {
        for (const LegView& view : legs_) {
            add_leg<Ipv4Address>(view);
            add_leg<Ipv6Address>(view);
        }
        add_core_attachments();
        for (auto& [name, vrf] : vrfs_) {
            check_overlaps(name, vrf.ipv4);
            check_overlaps(name, vrf.ipv6);
        }
        check_peering_prefixes();
        check_routes();
        check_steer_targets();
    }

  private:
    template <class Address>
    void add_leg(const LegView& view);
    void add_core_attachments();
    template <class Address>
    void add_core_address(const CoreAttachmentConfig& core, const std::string& path,
                          const InterfaceAddress<Address>& address, Vrf* vrf);
    template <class Address>
    void add(const std::string& vrf, Network<Address> network);
    template <class Address>
    void check_overlaps(const std::string& name, Networks<Address>& networks);
    template <class Address>
    void report_overlap(const std::string& vrf, const Network<Address>& a,
                        const Network<Address>& b);
    void check_peering_prefixes();
    template <class Address>
    void check_peering_prefix(const LegView& view, Prefix<Address> prefix, const std::string& path);
    void check_routes();
    void check_steer_targets();
    // Of the list at `path`.
    void check_next_hops(const RouteConfig& route, const std::string& path, Vrf& vrf);
    template <class Address>
    [[nodiscard]] std::optional<std::string> fault_of(Address next_hop, const RouteConfig& route,
                                                      Vrf& vrf) const;

    template <class Address>
    [[nodiscard]] std::optional<std::string> recursive_fault_of(Address next_hop,
                                                                const RouteConfig& route,
                                                                Vrf& vrf) const;

    template <class Address>
    void check_public(const std::string& path, Prefix<Address> prefix);
    template <class Address>
    void check_unicast(const std::string& path, Prefix<Address> prefix);
    void claim_prefix(const std::string& vrf, const IpPrefix& prefix, const std::string& path);
    [[nodiscard]] Vrf* find_vrf(const std::string& path, const std::string& name);

    const Config& config_;
    const std::vector<LegView>& legs_;
    ConfigErrors& errors_;
    std::map<std::string, Vrf> vrfs_;
    Claims<std::pair<std::string, IpPrefix>> prefixes_;
};

template <class Address>
void NetworkRules::check_public(const std::string& path, Prefix<Address> prefix) {
    if (errors_.is_bad(path)) return;
    if (prefix.length() == 0) {
        errors_.add(path,
                    "the default route is not accepted on the Microsoft peering: give the "
                    "customer's public prefixes");
        return;
    }
    for (const AddressRange<Address>& range : not_public<Address>()) {
        if (!range.prefix.overlaps(prefix)) continue;
        errors_.add(path, fmt::format("{} is not public ({} is {}): the Microsoft peering takes "
                                      "public addresses only",
                                      to_string(prefix), to_string(range.prefix), range.name));
        return;
    }
}

// A prefix that covers such a range among others, like 0.0.0.0/0, is a fine route.
template <class Address>
void NetworkRules::check_unicast(const std::string& path, Prefix<Address> prefix) {
    if (errors_.is_bad(path)) return;
    for (const AddressRange<Address>& range : never_unicast<Address>()) {
        if (!range.prefix.contains(prefix)) continue;
        errors_.add(path, fmt::format("{} is no network of hosts ({} is {}): give unicast "
                                      "addresses",
                                      to_string(prefix), to_string(range.prefix), range.name));
        return;
    }
}

void NetworkRules::claim_prefix(const std::string& vrf, const IpPrefix& prefix,
                                const std::string& path) {
    const auto* taken = prefixes_.take({vrf, prefix}, path);
    if (taken == nullptr || errors_.is_bad(path)) return;
    errors_.add(path, fmt::format("VRF {} has {} already (line {}): a prefix leads one way, give "
                                  "it once",
                                  quotable(vrf), to_string(prefix), errors_.line_of(taken->path)));
}

template <class Address>
void NetworkRules::add(const std::string& vrf, Network<Address> network) {
    auto& networks = vrfs_[vrf].networks<Address>().all;
    network.order = networks.size();
    networks.push_back(std::move(network));
}

template <class Address>
void NetworkRules::add_leg(const LegView& view) {
    const bool is_type_bad = errors_.is_bad(view.peering_path + ".type");
    if (is_type_bad) {
        vrfs_[std::string(kMicrosoftVrf)].networks<Address>().is_complete = false;
    }
    Vrf& vrf = vrfs_[is_type_bad ? view.circuit->name : view.peering->vrf];
    const auto& [leg, path] = view.subnet<Address>();
    // Where a link has no IPv6 and should not have it, nothing is missing.
    const bool is_ipv4_only = std::same_as<Address, Ipv6Address> && leg == nullptr &&
                              !errors_.is_bad(path) && !errors_.is_bad(view.peering_path);
    if (is_ipv4_only) return;
    if (is_type_bad || leg == nullptr || errors_.is_bad(path)) {
        bool& is_complete = vrf.networks<Address>().is_complete;
        is_complete = is_complete && view.link == nullptr && !is_type_bad;
        return;
    }
    if (view.peering->type == PeeringType::kMicrosoft) {
        check_public(path, leg->subnet);
    } else {
        check_unicast(path, leg->subnet);
    }
    add<Address>(view.peering->vrf, {leg->subnet, leg->ours(), path, view.who, 0});
}

Vrf* NetworkRules::find_vrf(const std::string& path, const std::string& name) {
    if (!errors_.is_given(path) || errors_.is_bad(path) || errors_.is_bad("circuits")) {
        return nullptr;
    }
    const auto found = vrfs_.find(name);
    if (found != vrfs_.end()) return &found->second;
    const auto is_named = [&](const CircuitConfig& circuit) { return circuit.name == name; };
    if (std::ranges::any_of(config_.circuits, is_named)) {
        errors_.add(path, fmt::format("circuit {} has no private peering, and so no VRF: add the "
                                      "peering",
                                      name));
        return nullptr;
    }
    std::vector<std::string_view> names;
    if (!errors_.is_full()) {
        for (const auto& [known, vrf] : vrfs_) names.push_back(known);
    }
    errors_.add(path, fmt::format("there is no VRF \"{}\"{}", name, suggestion(name, names)));
    return nullptr;
}

void NetworkRules::add_core_attachments() {
    for (std::size_t i = 0; i < config_.core_attachments.size(); ++i) {
        const CoreAttachmentConfig& core = config_.core_attachments[i];
        const std::string path = element("core-attachments", i);
        if (errors_.is_bad(path)) continue;
        Vrf* vrf = find_vrf(member(path, "vrf"), core.vrf);
        add_core_address(core, member(path, "address"), core.ipv4, vrf);
        if (core.ipv6) add_core_address(core, member(path, "ipv6-address"), *core.ipv6, vrf);
    }
}

template <class Address>
void NetworkRules::add_core_address(const CoreAttachmentConfig& core, const std::string& path,
                                    const InterfaceAddress<Address>& address, Vrf* vrf) {
    const bool is_address_bad = errors_.is_bad(path);
    if (!is_address_bad) check_unicast(path, address.subnet);
    if (vrf == nullptr) return;
    if (is_address_bad) {
        vrf->networks<Address>().is_complete = false;
    } else {
        add<Address>(core.vrf,
                     {address.subnet, address.address, path, "core attachment " + core.name, 0});
    }
}

// Prefixes nest or are disjoint: in sorted order, what holds a subnet stands before it. Each is
// compared with the innermost that holds it.
template <class Address>
void NetworkRules::check_overlaps(const std::string& name, Networks<Address>& networks) {
    using Row = Network<Address>;
    std::ranges::sort(networks.all, [](const Row& a, const Row& b) {
        return std::pair(a.subnet, a.order) < std::pair(b.subnet, b.order);
    });
    std::vector<const Row*> holders;
    for (const Row& network : networks.all) {
        (void)prefixes_.take({name, network.subnet}, network.path);
        while (!holders.empty() && !holders.back()->subnet.contains(network.subnet)) {
            holders.pop_back();
        }
        if (!holders.empty()) {
            networks.is_complete = false;
            report_overlap(name, *holders.back(), network);
        }
        holders.push_back(&network);
    }
}

// At the later of the two in the document.
template <class Address>
void NetworkRules::report_overlap(const std::string& vrf, const Network<Address>& a,
                                  const Network<Address>& b) {
    const auto& [earlier, later] = a.order < b.order ? std::tie(a, b) : std::tie(b, a);
    if (errors_.is_bad(later.path)) return;
    errors_.add(later.path,
                fmt::format("{} overlaps {} of {} (line {}) in VRF {}: choose another subnet",
                            to_string(later.subnet), to_string(earlier.subnet),
                            quotable(earlier.who), errors_.line_of(earlier.path), quotable(vrf)));
}

void NetworkRules::check_peering_prefixes() {
    for (const LegView& view : legs_) {
        if (view.which != Link::kPrimary || errors_.is_bad(view.peering_path + ".type")) continue;
        for (std::size_t i = 0; i < view.peering->prefixes.size(); ++i) {
            const std::string path = element(member(view.peering_path, "prefixes"), i);
            if (errors_.is_bad(path)) continue;
            std::visit([&](auto prefix) { check_peering_prefix(view, prefix, path); },
                       view.peering->prefixes[i]);
            claim_prefix(view.peering->vrf, view.peering->prefixes[i], path);
        }
        const auto& advertised = view.peering->policy.advertised_prefixes;
        for (std::size_t i = 0; i < advertised.size(); ++i) {
            const std::string list = member(view.peering_path, "advertised-public-prefixes");
            std::visit([&](auto prefix) { check_public(element(list, i), prefix); }, advertised[i]);
        }
    }
}

template <class Address>
void NetworkRules::check_peering_prefix(const LegView& view, Prefix<Address> prefix,
                                        const std::string& path) {
    const PeeringConfig& peering = *view.peering;
    if (peering.type == PeeringType::kMicrosoft) {
        check_public(path, prefix);
    } else if (prefix.length() > 0) {
        check_unicast(path, prefix);
    }
    // IPv4 is missing only where that has been said already.
    const bool has_leg = peering.leg<Address>(Link::kPrimary) ||
                         peering.leg<Address>(Link::kSecondary) ||
                         std::same_as<Address, Ipv4Address>;
    if (has_leg || errors_.is_bad(path)) return;
    errors_.add(path, fmt::format("{} is IPv6, which the peering does not have: add \"{}\"",
                                  to_string(prefix), FamilyWords<Address>::kBothKey));
}

void NetworkRules::check_routes() {
    for (std::size_t i = 0; i < config_.routes.size(); ++i) {
        const RouteConfig& route = config_.routes[i];
        const std::string path = element("routes", i);
        Vrf* vrf = find_vrf(member(path, "vrf"), route.vrf);
        const std::string prefix_path = member(path, "prefix");
        if (!errors_.is_bad(prefix_path) && !errors_.is_bad(path)) {
            std::visit([&](auto prefix) { check_unicast(prefix_path, prefix); }, route.prefix);
            if (vrf != nullptr) claim_prefix(route.vrf, route.prefix, prefix_path);
        }
        if (vrf != nullptr) check_next_hops(route, member(path, "via"), *vrf);
    }
}

// As next hops of a default route.
void NetworkRules::check_steer_targets() {
    const std::vector<SteerTargetConfig>& targets = config_.policy.steer_targets;
    for (std::size_t i = 0; i < targets.size(); ++i) {
        const std::string path = element("steer-targets", i);
        Vrf* vrf = find_vrf(member(path, "vrf"), targets[i].vrf);
        if (vrf == nullptr) continue;
        const std::string& name = targets[i].vrf;
        check_next_hops({.vrf = name,
                         .prefix = Ipv4Prefix::of(Ipv4Address(), 0),
                         .action = RouteAction::kForward,
                         .via = targets[i].via},
                        member(path, "via"), *vrf);
        check_next_hops({.vrf = name,
                         .prefix = Ipv6Prefix::of(Ipv6Address(), 0),
                         .action = RouteAction::kForward,
                         .via = targets[i].ipv6_via},
                        member(path, "ipv6-via"), *vrf);
    }
}

void NetworkRules::check_next_hops(const RouteConfig& route, const std::string& path, Vrf& vrf) {
    std::set<IpAddress> seen;
    const bool is_prefix_bad =
        errors_.is_bad(path.substr(0, path.rfind('.')) + ".prefix");  // beside it, of a route
    for (std::size_t i = 0; i < route.via.size(); ++i) {
        const std::string hop_path = element(path, i);
        const std::string address_path =
            errors_.is_given(hop_path + ".address") ? hop_path + ".address" : hop_path;
        const IpAddress& address = route.via[i].address;
        if (errors_.is_bad(address_path) || errors_.is_bad(hop_path + ".address")) continue;
        if (errors_.is_bad(hop_path + ".recursive")) continue;
        if (!seen.insert(address).second) {
            errors_.add(address_path, fmt::format("next hop {} is listed twice: give it once, with "
                                                  "a weight",
                                                  to_string(address)));
        } else if (address.index() != route.prefix.index()) {
            if (is_prefix_bad) continue;
            const bool wants_ipv6 = std::holds_alternative<Ipv6Prefix>(route.prefix);
            errors_.add(address_path,
                        fmt::format("next hop {} is not of the family of {}: give an {} neighbour",
                                    to_string(address), to_string(route.prefix),
                                    wants_ipv6 ? "IPv6" : "IPv4"));
        } else if (const auto fault = std::visit(
                       [&](auto hop) {
                           return route.via[i].is_recursive ? recursive_fault_of(hop, route, vrf)
                                                            : fault_of(hop, route, vrf);
                       },
                       address)) {
            errors_.add(address_path, *fault);
        }
    }
}

// The connected subnet that holds an address, or null.
template <class Address>
const Network<Address>* find_network(const Networks<Address>& networks, Address address) {
    using Row = Network<Address>;
    const auto after = std::ranges::upper_bound(
        networks.all, address, {}, [](const Row& network) { return network.subnet.first(); });
    if (after == networks.all.begin() || !std::prev(after)->subnet.contains(address)) {
        return nullptr;
    }
    return &*std::prev(after);
}

template <class Address>
std::optional<std::string> NetworkRules::recursive_fault_of(Address next_hop,
                                                            const RouteConfig& route,
                                                            Vrf& vrf) const {
    if (!route.via.front().is_recursive) {
        return "is recursive, and the first next hop is not: give all or none of them so";
    }
    const Network<Address>* network = find_network(vrf.networks<Address>(), next_hop);
    if (network == nullptr) return std::nullopt;
    return fmt::format("next hop {} is in the connected subnet of {}: a neighbour is not recursive",
                       to_string(next_hop), quotable(network->who));
}

template <class Address>
std::optional<std::string> NetworkRules::fault_of(Address next_hop, const RouteConfig& route,
                                                  Vrf& vrf) const {
    if (route.via.front().is_recursive) {
        return "is not recursive, and the first next hop is: give all or none of them so";
    }
    const Networks<Address>& networks = vrf.networks<Address>();
    const Network<Address>* found = find_network(networks, next_hop);
    if (found == nullptr) {
        if (!networks.is_complete) return std::nullopt;
        return fmt::format(
            "next hop {} is outside every connected subnet of VRF {}: give an "
            "address of a link or of a core attachment's network, or say recursive: true",
            to_string(next_hop), route.vrf);
    }
    const Network<Address>& network = *found;
    if (next_hop == network.ours) {
        return fmt::format("next hop {} is our own address on {}: give the neighbour's",
                           to_string(next_hop), quotable(network.who));
    }
    const std::string_view reserved = reserved_name(network.subnet, next_hop);
    if (reserved.empty()) return std::nullopt;
    return fmt::format("next hop {} is the {} address of {}: give a host's address",
                       to_string(next_hop), reserved, to_string(network.subnet));
}

}  // namespace

void check_network_rules(const Config& config, const std::vector<LegView>& legs,
                         ConfigErrors& errors) {
    NetworkRules(config, legs, errors).check();
}

}  // namespace causeway
