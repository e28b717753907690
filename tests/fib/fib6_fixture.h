// SPDX-License-Identifier: Apache-2.0
//
// A Fib6 and beside it the routes that it should have, with the least that a Rib does.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "base/text.h"
#include "fib/fib6.h"
#include "tests/fib/fib_fixture.h"
#include "tests/support/seed.h"

namespace causeway {

inline Ipv6Prefix prefix6(const char* text) {
    return parse_ipv6_prefix(text).value();
}
inline Ipv6Address address6(const char* text) {
    return parse_ipv6_address(text).value();
}

// The routes of one VRF; longest match by its definition.
class SlowTwin6 {
  public:
    using Routes = std::map<Ipv6Prefix, GroupId>;

    void set(Ipv6Prefix prefix, GroupId group) {
        const bool is_new = routes_.insert_or_assign(prefix, group).second;
        if (is_new) ++count_by_length_[static_cast<std::size_t>(prefix.length())];
    }
    void erase(Ipv6Prefix prefix) {
        if (routes_.erase(prefix) != 0) {
            --count_by_length_[static_cast<std::size_t>(prefix.length())];
        }
    }
    [[nodiscard]] GroupId lookup(Ipv6Address address) const {
        for (int length = 128; length >= 0; --length) {
            if (count_by_length_[static_cast<std::size_t>(length)] == 0) continue;
            const auto found = routes_.find(Ipv6Prefix::of(address, length));
            if (found != routes_.end()) return found->second;
        }
        return kNoRouteGroup;
    }
    [[nodiscard]] const Routes& routes() const noexcept { return routes_; }

  private:
    Routes routes_;
    std::array<std::size_t, 129> count_by_length_{};
};

// The first route from this prefix on, else the first of all. There is one.
inline Ipv6Prefix any_route(const SlowTwin6& twin, Ipv6Prefix from) {
    const auto found = twin.routes().lower_bound(from);
    return found != twin.routes().end() ? found->first : twin.routes().begin()->first;
}

class Bed6 {
  public:
    Bed6(GracePeriods& grace, const Fib6::Options& options)
        : fib(std::move(Fib6::create(grace, options).value())), twins(options.vrfs_max) {}

    [[nodiscard]] Status add(VrfId vrf, Ipv6Prefix prefix, GroupId group) {
        SlowTwin6& twin = twins[vrf.value()];
        if (!twin.routes().contains(prefix)) {
            if (Status status = fib->hold(vrf, prefix); !status) return status;
        }
        twin.set(prefix, group);
        compile(vrf, prefix, group);
        return ok();
    }
    // Leaves the nodes to collapse().
    void drop(VrfId vrf, Ipv6Prefix prefix) {
        SlowTwin6& twin = twins[vrf.value()];
        twin.erase(prefix);
        compile(vrf, prefix, covering(twin, prefix));
        fib->drop(vrf, prefix);
        dropped_.emplace_back(vrf, prefix);
    }
    void collapse() {
        for (const auto& [vrf, prefix] : dropped_) fib->collapse(vrf, prefix);
        dropped_.clear();
    }
    void remove(VrfId vrf, Ipv6Prefix prefix) {
        drop(vrf, prefix);
        collapse();
    }
    void close(VrfId vrf) {
        collapse();
        fib->close_vrf(vrf);
        twins[vrf.value()] = {};
    }
    [[nodiscard]] GroupId lookup(VrfId vrf, Ipv6Address destination) const {
        const RouteKey6 key{.vrf = vrf, .destination = destination};
        GroupId group;
        fib->lookup({&key, 1}, {&group, 1});
        return group;
    }

    std::unique_ptr<Fib6> fib;
    std::vector<SlowTwin6> twins;  // by VRF

  private:
    // The default route is not among the entries: they fall through to it.
    [[nodiscard]] static GroupId covering(const SlowTwin6& twin, Ipv6Prefix prefix) {
        for (int length = prefix.length() - 1; length > 0; --length) {
            const auto found = twin.routes().find(Ipv6Prefix::of(prefix.address(), length));
            if (found != twin.routes().end()) return found->second;
        }
        return kNoRouteGroup;
    }
    // Fills what no longer prefix has for itself.
    void compile(VrfId vrf, Ipv6Prefix prefix, GroupId group) {
        if (prefix.length() == 0) {
            fib->set_default(vrf, group);
            return;
        }
        const SlowTwin6::Routes& routes = twins[vrf.value()].routes();
        Ipv6Address next = prefix.first();
        for (auto route = routes.upper_bound(prefix);
             route != routes.end() && route->first.address() <= prefix.last(); ++route) {
            const Ipv6Prefix inner = route->first;
            if (inner.first() < next) continue;
            if (inner.first() > next) {
                fib->fill(vrf, next, Ipv6Address(inner.first().value() - 1), group);
            }
            if (inner.last() == prefix.last()) return;
            next = Ipv6Address(inner.last().value() + 1);
        }
        fib->fill(vrf, next, prefix.last(), group);
    }

    std::vector<std::pair<VrfId, Ipv6Prefix>> dropped_;
};

// Prefixes that are near each other, of all lengths, those near bit 64 and the strides' ends above
// all; and addresses that are near prefixes.
class Neighbourhood6 {
  public:
    explicit Neighbourhood6(test::SeededRandom& random) : random_(random) {}

    [[nodiscard]] Ipv6Prefix any_prefix() {
        constexpr std::array kLengths{0,  1,  8,  12, 16, 17, 29, 32, 32, 36, 40,  44,  47,  48,
                                      48, 48, 56, 60, 63, 64, 64, 65, 68, 72, 120, 126, 127, 128};
        const int length = random_.below(4) == 0 ? static_cast<int>(random_.below(129))
                                                 : kLengths[random_.below(kLengths.size())];
        return Ipv6Prefix::of(any_address(), length);
    }
    [[nodiscard]] Ipv6Address any_address() {
        constexpr std::uint64_t kHigh = 0x2001'0db8'0000'0000;
        Uint128 value = Uint128{kHigh} << 64;
        // A few bits differ from the common address: seldom the first ones.
        for (std::uint64_t flips = random_.below(6); flips > 0; --flips) {
            constexpr std::array kBits{127, 126, 112, 96, 95, 90, 84, 83, 82, 81, 80,
                                       79,  72,  66,  65, 64, 63, 62, 8,  1,  0};
            value ^= Uint128{1} << kBits[random_.below(kBits.size())];
        }
        return Ipv6Address(value);
    }
    [[nodiscard]] Ipv6Address near(Ipv6Prefix prefix) {
        const Uint128 first = prefix.first().value();
        const Uint128 last = prefix.last().value();
        const std::array<Uint128, 6> choices{first,
                                             last,
                                             first - 1,
                                             last + 1,
                                             first | (Uint128{random_()} & ~prefix.mask()),
                                             any_address().value()};
        return Ipv6Address(choices[random_.below(choices.size())]);
    }

  private:
    test::SeededRandom& random_;
};

}  // namespace causeway
