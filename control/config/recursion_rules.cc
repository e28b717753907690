// SPDX-License-Identifier: Apache-2.0
//
// The rule about recursive next hops: none may lead back to its own route, by the document's other
// routes. Routes from elsewhere may still close a circle later; then the commit says so.
#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/text.h"
#include "control/config/legs.h"

namespace causeway {
namespace {

class RecursionRules {
  public:
    RecursionRules(const Config& config, ConfigErrors& errors) : config_(config), errors_(errors) {
        for (std::size_t i = 0; i < config.routes.size(); ++i) {
            routes_.try_emplace({config.routes[i].vrf, config.routes[i].prefix}, i);
        }
        for (const CircuitConfig& circuit : config.circuits) {
            for (const PeeringConfig& peering : circuit.peerings) add_ends(peering);
        }
    }

    void check() {
        for (std::size_t i = 0; i < config_.routes.size(); ++i) walk_from(i);
    }

  private:
    using Key = std::pair<std::string, IpPrefix>;
    static constexpr std::size_t kEnd = SIZE_MAX;  // not recursive: whoever gets here has arrived

    enum class Visit : std::uint8_t { kNone, kOnTheWay, kDone };
    struct Step {
        std::size_t route;
        std::size_t next_hop = 0;
    };

    // The prefixes behind a peering's customer. Its links and the cores' networks need no place
    // here: a recursive next hop lies in none of them.
    void add_ends(const PeeringConfig& peering) {
        for (const IpPrefix& prefix : peering.prefixes) {
            routes_.insert_or_assign({peering.vrf, prefix}, kEnd);
        }
    }

    // Depth first, without recursion of our own: a chain may be as long as the document.
    void walk_from(std::size_t start) {
        if (visits_[start] != Visit::kNone) return;
        std::vector<Step> way = {{start}};
        visits_[start] = Visit::kOnTheWay;
        while (!way.empty()) {
            const std::size_t route = way.back().route;
            if (way.back().next_hop == config_.routes[route].via.size()) {
                visits_[route] = Visit::kDone;
                way.pop_back();
                continue;
            }
            const std::size_t hop = way.back().next_hop++;
            const std::size_t through = route_of(route, hop);
            if (through == kEnd || visits_[through] == Visit::kDone) continue;
            if (visits_[through] == Visit::kOnTheWay) {
                report(route, hop, through);
                continue;
            }
            visits_[through] = Visit::kOnTheWay;
            way.push_back({through});
        }
    }

    // The route that a next hop resolves through: the longest but the default (fib/recursion.h).
    [[nodiscard]] std::size_t route_of(std::size_t route, std::size_t hop) const {
        const RouteNextHop& next_hop = config_.routes[route].via[hop];
        if (!next_hop.is_recursive) return kEnd;
        return std::visit(
            [&](auto address) { return longest_match(config_.routes[route].vrf, address); },
            next_hop.address);
    }

    template <class Address>
    [[nodiscard]] std::size_t longest_match(const std::string& vrf, Address address) const {
        for (int length = Address::kBits; length > 0; --length) {
            const auto found = routes_.find({vrf, Prefix<Address>::of(address, length)});
            if (found != routes_.end()) return found->second;
        }
        return kEnd;
    }

    void report(std::size_t route, std::size_t hop, std::size_t through) {
        const std::string path = element(member(element("routes", route), "via"), hop);
        if (errors_.is_bad(path) || errors_.is_bad(path + ".address")) return;
        const RouteConfig& target = config_.routes[through];
        errors_.add(path + ".address",
                    fmt::format("next hop {} leads back to its own route {}: it resolves through "
                                "{} (line {})",
                                to_string(config_.routes[route].via[hop].address),
                                to_string(config_.routes[route].prefix), to_string(target.prefix),
                                errors_.line_of(element("routes", through))));
    }

    const Config& config_;
    ConfigErrors& errors_;
    std::map<Key, std::size_t> routes_;
    std::vector<Visit> visits_ = std::vector<Visit>(config_.routes.size(), Visit::kNone);
};

}  // namespace

void check_recursion_rules(const Config& config, ConfigErrors& errors) {
    RecursionRules(config, errors).check();
}

}  // namespace causeway
