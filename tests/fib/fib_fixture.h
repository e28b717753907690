// SPDX-License-Identifier: Apache-2.0
//
// The three tables together, and groups to point at.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <ostream>
#include <utility>
#include <vector>

#include "base/grace.h"
#include "base/text.h"
#include "fib/fib4.h"
#include "fib/next_hops.h"
#include "fib/rib.h"

namespace causeway {

// Grace periods that end when the test says so.
class ManualGrace final : public GracePeriods {
  public:
    [[nodiscard]] std::uint64_t begin() override { return ++started_; }
    [[nodiscard]] bool is_over(std::uint64_t token) override { return token <= over_; }
    void pass() noexcept { over_ = started_; }

  private:
    std::uint64_t started_ = 0;
    std::uint64_t over_ = 0;
};

// Grace periods over one reader that counts its turns.
class TurnGrace final : public GracePeriods {
  public:
    [[nodiscard]] std::uint64_t begin() override { return turn_.fetch_add(0); }
    [[nodiscard]] bool is_over(std::uint64_t token) override { return turn_.load() > token; }
    void quiescent() noexcept { turn_.fetch_add(1); }

  private:
    std::atomic<std::uint64_t> turn_{0};
};

inline Ipv4Prefix prefix(const char* text) {
    return parse_ipv4_prefix(text).value();
}
inline Ipv4Address address(const char* text) {
    return parse_ipv4_address(text).value();
}

inline Adjacency forward_to(std::uint8_t port, std::uint16_t attachment) {
    Adjacency adjacency;
    adjacency.kind = AdjacencyKind::kForward;
    adjacency.port = PortId(port);
    adjacency.attachment = AttachmentId(attachment);
    adjacency.mtu = 1'500;
    return adjacency;
}

template <class FibT>
struct TablesOf {
    using Rib = causeway::Rib<FibT>;
    using Key = typename FibT::Key;

    explicit TablesOf(GracePeriods& grace,
                      const typename FibT::Options& fib_options = {.vrfs_max = 16},
                      const typename Rib::Options& rib_options = {})
        : fib(std::move(FibT::create(grace, fib_options).value())),
          next_hops(std::move(NextHops::create(grace).value())),
          rib(*fib, *next_hops, rib_options) {}

    // Groups of one member each.
    std::vector<GroupId> make_groups(std::size_t count) {
        std::vector<GroupId> groups;
        for (std::size_t i = 0; i < count; ++i) {
            const NextHopId hop =
                next_hops->acquire(AttachmentId(static_cast<std::uint16_t>(i)), Ipv4Address(1))
                    .value();
            const std::vector<GroupMember> members{{.next_hop = hop, .weight = 1}};
            groups.push_back(next_hops->acquire_group(members).value());
        }
        return groups;
    }
    // The group of the best route: a prefix with several has a fallback group of them.
    [[nodiscard]] GroupId lookup(VrfId vrf, typename FibT::Address destination) const {
        const Key key{.vrf = vrf, .destination = destination};
        GroupId group;
        fib->lookup({&key, 1}, {&group, 1});
        return best_of(group);
    }
    [[nodiscard]] GroupId best_of(GroupId group) const {
        const std::vector<GroupId> candidates = next_hops->group_info(group).candidates;
        return candidates.empty() ? group : candidates.front();
    }

    std::unique_ptr<FibT> fib;
    std::unique_ptr<NextHops> next_hops;
    Rib rib;
};
using Tables = TablesOf<Fib4>;
using Tables6 = TablesOf<Fib6>;

template <class RouteT>
concept IsRoute = requires(RouteT route) {
    route.is_best;
};
template <IsRoute RouteT>
bool operator==(const RouteT& a, const RouteT& b) {
    return a.prefix == b.prefix && a.source == b.source && a.group == b.group &&
           a.is_best == b.is_best && a.is_stale == b.is_stale;
}
template <IsRoute RouteT>
void PrintTo(const RouteT& route, std::ostream* out) {
    *out << to_string(route.prefix) << ' ' << to_string(route.source) << " group "
         << route.group.value() << (route.is_best ? " best" : "");
}

}  // namespace causeway
