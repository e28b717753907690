// SPDX-License-Identifier: Apache-2.0
#include "control/router/recursions.h"

#include <variant>

namespace causeway {
namespace {

template <class Address, class RecursionT>
Result<GroupId> acquire_in(RecursionT& recursion, VrfId vrf, std::span<const RecursiveHop> hops) {
    std::vector<typename RecursionT::Hop> own;
    for (const RecursiveHop& hop : hops) {
        own.push_back({.address = std::get<Address>(hop.address), .weight = hop.weight});
    }
    return recursion.acquire(vrf, own);
}

template <class RecursionT>
std::vector<Recursions::HopView> view_in(const RecursionT& recursion, GroupId group) {
    const auto view = recursion.view(group);
    std::vector<Recursions::HopView> hops;
    for (std::size_t i = 0; i < view.hops.size(); ++i) {
        hops.push_back({.hop = {view.hops[i].address, view.hops[i].weight},
                        .is_resolved = view.is_resolved[i]});
    }
    return hops;
}

}  // namespace

Result<GroupId> Recursions::acquire(VrfId vrf, std::span<const RecursiveHop> hops) {
    const bool is_ipv6 = !hops.empty() && std::holds_alternative<Ipv6Address>(hops.front().address);
    return is_ipv6 ? acquire_in<Ipv6Address>(ipv6_, vrf, hops)
                   : acquire_in<Ipv4Address>(ipv4_, vrf, hops);
}

std::optional<std::size_t> Recursions::own_ancestor(GroupId group) const {
    return ipv4_.has(group) ? ipv4_.own_ancestor(group) : ipv6_.own_ancestor(group);
}

void Recursions::settle() {
    ipv4_.settle();
    ipv6_.settle();
}

std::vector<Recursions::HopView> Recursions::view(GroupId group) const {
    return ipv4_.has(group) ? view_in(ipv4_, group) : view_in(ipv6_, group);
}

}  // namespace causeway
