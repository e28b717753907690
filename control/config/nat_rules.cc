// SPDX-License-Identifier: Apache-2.0
//
// The rules about NAT: who may have one, that every public address has one owner, and that what is
// published is one's own.
#include <fmt/format.h>

#include <algorithm>
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
#include "nat/port_space.h"

namespace causeway {
namespace {

std::size_t addresses_in(const std::vector<Ipv4Prefix>& pool) {
    std::size_t count = 0;
    for (const Ipv4Prefix& prefix : pool) count += std::size_t{1} << (32 - prefix.length());
    return count;
}

bool holds(const std::vector<Ipv4Prefix>& prefixes, Ipv4Address address) {
    return std::ranges::any_of(prefixes,
                               [&](const Ipv4Prefix& prefix) { return prefix.contains(address); });
}

class NatRules {
  public:
    NatRules(const Config& config, const std::vector<LegView>& legs, ConfigErrors& errors)
        : config_(config), legs_(legs), errors_(errors) {}

    void check() {
        for (std::size_t i = 0; i < legs_.size(); i += 2) {  // primary and secondary in turns
            if (legs_[i].peering->nat) check_nat(legs_[i], *legs_[i].peering->nat);
        }
        check_owners();
    }

  private:
    // Public addresses that somebody claims.
    enum class Owner : std::uint8_t { kPool, kStatic, kAdvertised, kConnected };
    struct Claim {
        Ipv4Prefix prefix;
        std::string path;
        std::string who;
        Owner owner;
        const PeeringConfig* peering;  // null: a core attachment's
        std::size_t order;

        [[nodiscard]] bool is_of_nat() const {
            return owner == Owner::kPool || owner == Owner::kStatic;
        }
    };
    using OutsideKey = std::tuple<Endpoint, unsigned>;  // with the protocol, 3 for all of them

    void check_nat(const LegView& view, const NatConfig& nat);
    void check_inside(const LegView& view, const NatConfig& nat, const std::string& path);
    void check_pools(const LegView& view, const NatConfig& nat, const std::string& path);
    void check_pool(const LegView& view, const std::vector<Ipv4Prefix>& pool,
                    const std::string& path);
    void check_public(const Ipv4Prefix& prefix, const std::string& path);
    void check_statics(const LegView& view, const NatConfig& nat, const std::string& path);
    void check_static(const LegView& view, const NatConfig& nat, const NatStaticConfig& mapping,
                      const std::string& path);
    void check_link(const NatConfig& nat, const NatStaticConfig& mapping, const std::string& path);
    void check_owners();
    void report(const Claim& a, const Claim& b);
    void claim(const Ipv4Prefix& prefix, const std::string& path, const std::string& who,
               Owner owner, const PeeringConfig* peering) {
        claims_.push_back({prefix, path, who, owner, peering, claims_.size()});
    }

    const Config& config_;
    const std::vector<LegView>& legs_;
    ConfigErrors& errors_;
    std::vector<Claim> claims_;
    std::size_t addresses_ = 0;
    Claims<OutsideKey> outsides_;
};

void NatRules::check_nat(const LegView& view, const NatConfig& nat) {
    const std::string path = member(view.peering_path, "nat");
    if (errors_.is_bad(path) || errors_.is_bad(view.peering_path + ".type")) return;
    if (view.peering->type != PeeringType::kMicrosoft) {
        errors_.add(path,
                    "is for a Microsoft peering: a private one has no public side; take it away");
        return;
    }
    check_inside(view, nat, path);
    check_pools(view, nat, path);
    check_statics(view, nat, path);
}

void NatRules::check_inside(const LegView& view, const NatConfig& nat, const std::string& path) {
    const std::string list = member(path, "inside");
    if (nat.inside.empty() && !errors_.is_bad(list)) {
        errors_.add(list, "is missing: give the prefixes whose sources are translated");
    }
    for (std::size_t i = 0; i < nat.inside.size(); ++i) {
        const std::string item = element(list, i);
        if (errors_.is_bad(item)) continue;
        const Ipv4Prefix& prefix = nat.inside[i];
        for (const AddressRange<Ipv4Address>& range : never_unicast<Ipv4Address>()) {
            if (!range.prefix.overlaps(prefix)) continue;
            errors_.add(item, fmt::format("{} is not all hosts ({} is {}): give the customer's "
                                          "networks",
                                          to_string(prefix), to_string(range.prefix), range.name));
            break;
        }
        for (const Link link : {Link::kPrimary, Link::kSecondary}) {
            const auto& leg = view.peering->leg<Ipv4Address>(link);
            if (!leg || errors_.is_bad(item) || !leg->subnet.overlaps(prefix)) continue;
            errors_.add(item,
                        fmt::format("{} overlaps the {} link's subnet {}, whose addresses "
                                    "are not translated: give the networks behind it",
                                    to_string(prefix), to_string(link), to_string(leg->subnet)));
        }
    }
}

void NatRules::check_pools(const LegView& view, const NatConfig& nat, const std::string& path) {
    const std::string shared = member(path, "pool");
    const auto path_of = [&](Link link) {
        return member(path, fmt::format("{}-pool", to_string(link)));
    };
    if (errors_.is_bad(shared) || errors_.is_bad(path_of(Link::kPrimary)) ||
        errors_.is_bad(path_of(Link::kSecondary))) {
        return;
    }
    if (!nat.has_pool_per_link()) {
        if (nat.pool.empty()) {
            errors_.add(shared,
                        "is missing: give the public addresses, for both links together as "
                        "\"pool\", or each as \"primary-pool\" and \"secondary-pool\"");
            return;
        }
        return check_pool(view, nat.pool, shared);
    }
    if (!nat.pool.empty()) {
        errors_.add(shared, "stands beside a pool of one link: give one for both, or one for each");
        return;
    }
    for (const Link link : {Link::kPrimary, Link::kSecondary}) {
        const auto& [primary, secondary] = std::tie(view.circuit->primary, view.circuit->secondary);
        const bool has_link = link == Link::kPrimary ? primary.has_value() : secondary.has_value();
        const bool has_pool = !nat.pool_of(link).empty();
        if (has_link && !has_pool) {
            errors_.add(path_of(link), fmt::format("is missing: the other link has a pool of its "
                                                   "own, so the {} one needs one, too",
                                                   to_string(link)));
        } else if (!has_link && has_pool) {
            errors_.add(path_of(link), fmt::format("is for a {} link, which the circuit does not "
                                                   "have: take it away",
                                                   to_string(link)));
        } else if (has_pool) {
            check_pool(view, nat.pool_of(link), path_of(link));
        }
    }
}

void NatRules::check_pool(const LegView& view, const std::vector<Ipv4Prefix>& pool,
                          const std::string& path) {
    const std::string who = fmt::format("the NAT of circuit {}", view.circuit->name);
    for (std::size_t i = 0; i < pool.size(); ++i) {
        const std::string item = element(path, i);
        if (errors_.is_bad(item)) return;
        check_public(pool[i], item);
        claim(pool[i], item, who, Owner::kPool, view.peering);
    }
    const std::size_t count = addresses_in(pool);
    addresses_ += count;
    if (count > kNatPoolAddressesMax) {
        errors_.add(path, fmt::format("has {} addresses: a pool has at most {}", count,
                                      kNatPoolAddressesMax));
    } else if (addresses_ > kNatAddressesMax) {
        errors_.add(path, fmt::format("makes {} addresses of all pools: at most {} are possible",
                                      addresses_, kNatAddressesMax));
    }
}

void NatRules::check_public(const Ipv4Prefix& prefix, const std::string& path) {
    for (const AddressRange<Ipv4Address>& range : not_public<Ipv4Address>()) {
        if (!range.prefix.overlaps(prefix)) continue;
        errors_.add(path, fmt::format("{} is not public ({} is {}): give addresses that the "
                                      "outside can reach",
                                      to_string(prefix), to_string(range.prefix), range.name));
        return;
    }
}

void NatRules::check_statics(const LegView& view, const NatConfig& nat, const std::string& path) {
    const std::string list = member(path, "static");
    Claims<OutsideKey> insides;
    for (std::size_t i = 0; i < nat.statics.size(); ++i) {
        const NatStaticConfig& mapping = nat.statics[i];
        const std::string item = element(list, i);
        const std::string inside = member(item, "inside");
        const std::string outside = member(item, "outside");
        if (errors_.is_bad(item) || errors_.is_bad(inside) || errors_.is_bad(outside)) continue;
        check_static(view, nat, mapping, item);
        const unsigned protocol = mapping.protocol ? static_cast<unsigned>(*mapping.protocol) : 3U;
        if (const auto* taken = insides.take({mapping.inside, protocol}, inside)) {
            errors_.add(inside, fmt::format("is published already (line {}): give it once",
                                            errors_.line_of(taken->path)));
        }
        if (const auto* taken = outsides_.take({mapping.outside, protocol}, outside)) {
            errors_.add(outside, fmt::format("is taken already (line {}): choose another",
                                             errors_.line_of(taken->path)));
        }
    }
}

void NatRules::check_static(const LegView& view, const NatConfig& nat,
                            const NatStaticConfig& mapping, const std::string& path) {
    const std::string inside = member(path, "inside");
    const std::string outside = member(path, "outside");
    if (!nat.inside.empty() && !holds(nat.inside, mapping.inside.address)) {
        errors_.add(inside, fmt::format("{} is in none of the NAT's inside prefixes: add it there, "
                                        "or give an address that is",
                                        to_string(mapping.inside.address)));
    }
    const bool is_in_pool = holds(nat.pool, mapping.outside.address) ||
                            holds(nat.primary_pool, mapping.outside.address) ||
                            holds(nat.secondary_pool, mapping.outside.address);
    if (!is_in_pool) {
        const Ipv4Prefix address = Ipv4Prefix::of(mapping.outside.address, 32);
        check_public(address, outside);
        claim(address, outside, fmt::format("the NAT of circuit {}", view.circuit->name),
              Owner::kStatic, view.peering);
    } else if (!mapping.protocol) {
        errors_.add(outside, fmt::format("{} is in a pool, whose addresses many hosts share: give "
                                         "an address outside of it, or a protocol and ports",
                                         to_string(mapping.outside.address)));
    }
    check_link(nat, mapping, path);
}

void NatRules::check_link(const NatConfig& nat, const NatStaticConfig& mapping,
                          const std::string& path) {
    const std::string link_path = member(path, "link");
    if (errors_.is_bad(link_path)) return;
    if (!nat.has_pool_per_link()) {
        if (!mapping.link) return;
        errors_.add(link_path, "is for a NAT with a pool for each link: this one's is shared");
        return;
    }
    if (!mapping.link) {
        errors_.add(link_path, "is missing: each link has a pool of its own, so say whose it is");
        return;
    }
    const Link other = *mapping.link == Link::kPrimary ? Link::kSecondary : Link::kPrimary;
    if (!holds(nat.pool_of(other), mapping.outside.address)) return;
    errors_.add(link_path, fmt::format("{} is in the {} link's pool",
                                       to_string(mapping.outside.address), to_string(other)));
}

// Every public address is either in one pool, or published by static mappings of one NAT, or
// somebody else's.
void NatRules::check_owners() {
    if (claims_.empty()) return;
    for (const LegView& view : legs_) {
        if (view.peering->type != PeeringType::kMicrosoft) continue;
        const auto& [leg, path] = view.ipv4;
        if (leg != nullptr && !errors_.is_bad(path))
            claim(leg->subnet, path, view.who, Owner::kConnected, view.peering);
        if (view.which != Link::kPrimary) continue;
        for (std::size_t i = 0; i < view.peering->prefixes.size(); ++i) {
            const auto* prefix = std::get_if<Ipv4Prefix>(&view.peering->prefixes[i]);
            const std::string item = element(member(view.peering_path, "prefixes"), i);
            if (prefix == nullptr || errors_.is_bad(item)) continue;
            claim(*prefix, item, "circuit " + view.circuit->name, Owner::kAdvertised, view.peering);
        }
    }
    for (std::size_t i = 0; i < config_.core_attachments.size(); ++i) {
        const CoreAttachmentConfig& core = config_.core_attachments[i];
        const std::string path = element("core-attachments", i);
        if (core.vrf != kMicrosoftVrf || errors_.is_bad(path)) continue;
        claim(core.ipv4.subnet, member(path, "address"), "core attachment " + core.name,
              Owner::kConnected, nullptr);
    }
    std::ranges::sort(claims_, [](const Claim& a, const Claim& b) {
        return std::pair(a.prefix, a.order) < std::pair(b.prefix, b.order);
    });
    std::vector<const Claim*> holders;
    for (const Claim& claim : claims_) {
        while (!holders.empty() && !holders.back()->prefix.contains(claim.prefix)) {
            holders.pop_back();
        }
        for (const Claim* holder : holders) report(*holder, claim);
        holders.push_back(&claim);
    }
}

// Two that are no NAT's are none of our business. A customer's pool may lie within what that
// customer advertises, and several of its static mappings may share an address.
void NatRules::report(const Claim& a, const Claim& b) {
    if (!a.is_of_nat() && !b.is_of_nat()) return;
    const bool is_shared = a.owner == Owner::kAdvertised || b.owner == Owner::kAdvertised ||
                           (a.owner == Owner::kStatic && b.owner == Owner::kStatic);
    if (a.peering == b.peering && is_shared) return;
    const bool blames_a = a.is_of_nat() && (!b.is_of_nat() || a.order > b.order);
    const auto& [blamed, other] = blames_a ? std::tie(a, b) : std::tie(b, a);
    if (errors_.is_bad(blamed.path)) return;
    errors_.add(blamed.path,
                fmt::format("{} overlaps {} of {} (line {}): a public address has one owner",
                            to_string(blamed.prefix), to_string(other.prefix), quotable(other.who),
                            errors_.line_of(other.path)));
}

}  // namespace

void check_nat_rules(const Config& config, const std::vector<LegView>& legs, ConfigErrors& errors) {
    NatRules(config, legs, errors).check();
}

}  // namespace causeway
