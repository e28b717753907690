// SPDX-License-Identifier: Apache-2.0
//
// The rules about addresses, VRF by VRF: connected subnets do not overlap, a prefix has one owner,
// a next hop lies on a connected subnet, and nothing private reaches the Microsoft peering.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "base/text.h"
#include "control/config_legs.h"
#include "control/config_words.h"

namespace causeway {
namespace {

struct Range {
    Ipv4Prefix prefix;
    std::string_view name;
};

constexpr Ipv4Prefix prefix_of(std::uint32_t address, int length) {
    return Ipv4Prefix::of(Ipv4Address(address), length);
}

// RFC 6890: what no network of hosts can have.
constexpr std::array kNeverUnicast{
    Range{prefix_of(0x00000000, 8), "\"this\" network"},
    Range{prefix_of(0x7f000000, 8), "loopback"},
    Range{prefix_of(0xe0000000, 4), "multicast"},
    Range{prefix_of(0xf0000000, 4), "reserved"},
};

// What is not the public internet's. Documentation ranges (RFC 5737) are left alone: laboratories
// use them for it.
constexpr std::array kNotPublic{
    Range{prefix_of(0x0a000000, 8), "private, RFC 1918"},
    Range{prefix_of(0xac100000, 12), "private, RFC 1918"},
    Range{prefix_of(0xc0a80000, 16), "private, RFC 1918"},
    Range{prefix_of(0x64400000, 10), "shared, RFC 6598"},
    Range{prefix_of(0xa9fe0000, 16), "link-local"},
    Range{prefix_of(0x00000000, 8), "\"this\" network"},
    Range{prefix_of(0x7f000000, 8), "loopback"},
    Range{prefix_of(0xe0000000, 4), "multicast"},
    Range{prefix_of(0xf0000000, 4), "reserved"},
};

// A connected subnet of a VRF.
struct Network {
    Ipv4Prefix subnet;
    Ipv4Address ours;
    std::string path;
    std::string who;
    std::size_t order;  // in the document
};

struct Vrf {
    std::vector<Network> networks;  // sorted by subnet once all are known
    bool is_complete = true;        // false: a subnet is bad, so what lies outside is not known
};

class NetworkRules {
  public:
    NetworkRules(const Config& config, const std::vector<LegView>& legs, ConfigErrors& errors)
        : config_(config), legs_(legs), errors_(errors) {
        vrfs_[std::string(kMicrosoftVrf)];
    }

    void check() {
        add_legs();
        add_core_attachments();
        for (auto& [name, vrf] : vrfs_) check_overlaps(name, vrf);
        check_peering_prefixes();
        check_routes();
    }

  private:
    void add_legs();
    void add_core_attachments();
    void add(const std::string& vrf, Network network);
    void check_overlaps(const std::string& name, Vrf& vrf);
    void report_overlap(const std::string& vrf, const Network& a, const Network& b);
    void check_peering_prefixes();
    void check_routes();
    void check_next_hops(const RouteConfig& route, const std::string& path, const Vrf& vrf);
    [[nodiscard]] std::optional<std::string> fault_of(Ipv4Address next_hop, const Vrf& vrf,
                                                      const std::string& vrf_name) const;

    void check_public(const std::string& path, Ipv4Prefix prefix);
    void check_unicast(const std::string& path, Ipv4Prefix prefix);
    void claim_prefix(const std::string& vrf, Ipv4Prefix prefix, const std::string& path);
    [[nodiscard]] Vrf* find_vrf(const std::string& path, const std::string& name);

    const Config& config_;
    const std::vector<LegView>& legs_;
    ConfigErrors& errors_;
    std::map<std::string, Vrf> vrfs_;
    Claims<std::pair<std::string, Ipv4Prefix>> prefixes_;
};

void NetworkRules::check_public(const std::string& path, Ipv4Prefix prefix) {
    if (errors_.is_bad(path)) return;
    if (prefix.length() == 0) {
        errors_.add(path,
                    "the default route is not accepted on the Microsoft peering: give the "
                    "customer's public prefixes");
        return;
    }
    for (const Range& range : kNotPublic) {
        if (!range.prefix.overlaps(prefix)) continue;
        errors_.add(path, fmt::format("{} is not public ({} is {}): the Microsoft peering takes "
                                      "public addresses only",
                                      to_string(prefix), to_string(range.prefix), range.name));
        return;
    }
}

// A prefix that covers such a range among others, like 0.0.0.0/0, is a fine route.
void NetworkRules::check_unicast(const std::string& path, Ipv4Prefix prefix) {
    if (errors_.is_bad(path)) return;
    for (const Range& range : kNeverUnicast) {
        if (!range.prefix.contains(prefix)) continue;
        errors_.add(path, fmt::format("{} is no network of hosts ({} is {}): give unicast "
                                      "addresses",
                                      to_string(prefix), to_string(range.prefix), range.name));
        return;
    }
}

void NetworkRules::claim_prefix(const std::string& vrf, Ipv4Prefix prefix,
                                const std::string& path) {
    const auto* taken = prefixes_.take({vrf, prefix}, path);
    if (taken == nullptr || errors_.is_bad(path)) return;
    errors_.add(path, fmt::format("VRF {} has {} already (line {}): a prefix leads one way, give "
                                  "it once",
                                  quotable(vrf), to_string(prefix), errors_.line_of(taken->path)));
}

void NetworkRules::add(const std::string& vrf, Network network) {
    network.order = vrfs_[vrf].networks.size();
    vrfs_[vrf].networks.push_back(std::move(network));
}

void NetworkRules::add_legs() {
    for (const LegView& view : legs_) {
        const bool is_type_bad = errors_.is_bad(view.peering_path + ".type");
        if (is_type_bad) vrfs_[std::string(kMicrosoftVrf)].is_complete = false;
        Vrf& vrf = vrfs_[is_type_bad ? view.circuit->name : view.peering->vrf];
        const bool is_leg_bad = view.leg == nullptr || errors_.is_bad(view.subnet_path);
        if (is_type_bad || is_leg_bad) {
            vrf.is_complete = vrf.is_complete && view.link == nullptr && !is_type_bad;
            continue;
        }
        if (view.peering->type == PeeringType::kMicrosoft) {
            check_public(view.subnet_path, view.leg->subnet);
        } else {
            check_unicast(view.subnet_path, view.leg->subnet);
        }
        add(view.peering->vrf, {view.leg->subnet, view.leg->ours(), view.subnet_path, view.who, 0});
    }
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
        const std::string address_path = member(path, "address");
        if (errors_.is_bad(path)) continue;
        Vrf* vrf = find_vrf(member(path, "vrf"), core.vrf);
        const bool is_address_bad = errors_.is_bad(address_path);
        if (!is_address_bad) check_unicast(address_path, core.subnet);
        if (vrf == nullptr) continue;
        if (is_address_bad) {
            vrf->is_complete = false;
        } else {
            add(core.vrf,
                {core.subnet, core.address, address_path, "core attachment " + core.name, 0});
        }
    }
}

// Prefixes nest or are disjoint: in sorted order, what holds a subnet stands before it. Each is
// compared with the innermost that holds it.
void NetworkRules::check_overlaps(const std::string& name, Vrf& vrf) {
    std::ranges::sort(vrf.networks, [](const Network& a, const Network& b) {
        return std::pair(a.subnet, a.order) < std::pair(b.subnet, b.order);
    });
    std::vector<const Network*> holders;
    for (const Network& network : vrf.networks) {
        (void)prefixes_.take({name, network.subnet}, network.path);
        while (!holders.empty() && !holders.back()->subnet.contains(network.subnet)) {
            holders.pop_back();
        }
        if (!holders.empty()) {
            vrf.is_complete = false;
            report_overlap(name, *holders.back(), network);
        }
        holders.push_back(&network);
    }
}

// At the later of the two in the document.
void NetworkRules::report_overlap(const std::string& vrf, const Network& a, const Network& b) {
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
        const PeeringConfig& peering = *view.peering;
        for (std::size_t i = 0; i < peering.prefixes.size(); ++i) {
            const std::string path = element(member(view.peering_path, "prefixes"), i);
            if (errors_.is_bad(path)) continue;
            if (peering.type == PeeringType::kMicrosoft) {
                check_public(path, peering.prefixes[i]);
            } else if (peering.prefixes[i].length() > 0) {
                check_unicast(path, peering.prefixes[i]);
            }
            claim_prefix(peering.vrf, peering.prefixes[i], path);
        }
    }
}

void NetworkRules::check_routes() {
    for (std::size_t i = 0; i < config_.routes.size(); ++i) {
        const RouteConfig& route = config_.routes[i];
        const std::string path = element("routes", i);
        const Vrf* vrf = find_vrf(member(path, "vrf"), route.vrf);
        const std::string prefix_path = member(path, "prefix");
        if (!errors_.is_bad(prefix_path) && !errors_.is_bad(path)) {
            check_unicast(prefix_path, route.prefix);
            if (vrf != nullptr) claim_prefix(route.vrf, route.prefix, prefix_path);
        }
        if (vrf != nullptr) check_next_hops(route, path, *vrf);
    }
}

void NetworkRules::check_next_hops(const RouteConfig& route, const std::string& path,
                                   const Vrf& vrf) {
    std::set<Ipv4Address> seen;
    for (std::size_t i = 0; i < route.via.size(); ++i) {
        const std::string hop_path = element(member(path, "via"), i);
        const std::string address_path =
            errors_.is_given(hop_path + ".address") ? hop_path + ".address" : hop_path;
        const Ipv4Address address = route.via[i].address;
        if (errors_.is_bad(address_path) || errors_.is_bad(hop_path + ".address")) continue;
        if (!seen.insert(address).second) {
            errors_.add(address_path, fmt::format("next hop {} is listed twice: give it once, with "
                                                  "a weight",
                                                  to_string(address)));
        } else if (const auto fault = fault_of(address, vrf, route.vrf)) {
            errors_.add(address_path, *fault);
        }
    }
}

std::optional<std::string> NetworkRules::fault_of(Ipv4Address next_hop, const Vrf& vrf,
                                                  const std::string& vrf_name) const {
    const auto after = std::ranges::upper_bound(
        vrf.networks, next_hop, {}, [](const Network& network) { return network.subnet.first(); });
    if (after == vrf.networks.begin() || !std::prev(after)->subnet.contains(next_hop)) {
        if (!vrf.is_complete) return std::nullopt;
        return fmt::format(
            "next hop {} is outside every connected subnet of VRF {}: give an "
            "address of a link or of a core attachment's network",
            to_string(next_hop), vrf_name);
    }
    const Network& network = *std::prev(after);
    if (next_hop == network.ours) {
        return fmt::format("next hop {} is our own address on {}: give the neighbour's",
                           to_string(next_hop), quotable(network.who));
    }
    if (next_hop == network.subnet.first() || next_hop == network.subnet.last()) {
        return fmt::format("next hop {} is the {} address of {}: give a host's address",
                           to_string(next_hop),
                           next_hop == network.subnet.first() ? "network" : "broadcast",
                           to_string(network.subnet));
    }
    return std::nullopt;
}

}  // namespace

void check_network_rules(const Config& config, const std::vector<LegView>& legs,
                         ConfigErrors& errors) {
    NetworkRules(config, legs, errors).check();
}

}  // namespace causeway
