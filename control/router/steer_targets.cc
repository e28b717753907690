// SPDX-License-Identifier: Apache-2.0
#include "control/router/steer_targets.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/check.h"

namespace causeway {
namespace {

// A packet that is steered nowhere is answered, and not let go where its sender did not want it.
constexpr GroupId nowhere() {
    return special_group(AdjacencyKind::kUnreachable);
}

}  // namespace

class SteerTargets::Target {
  public:
    Target(NextHops& next_hops, Ways& ways) : next_hops_(next_hops), ways_(ways) {}
    ~Target() {
        for (Family& family : families_) {
            if (family.group == GroupId()) continue;
            next_hops_.release_group(family.group);
            if (family.way != GroupId()) ways_.release(family.way);
        }
    }
    Target(const Target&) = delete;
    Target& operator=(const Target&) = delete;

    // A family that has hops for the first time gets its group.
    [[nodiscard]] Status open(const SteerTargetConfig& config) {
        for (const bool is_ipv4 : {true, false}) {
            Family& family = families_[is_ipv4 ? 0 : 1];
            if ((is_ipv4 ? config.via : config.ipv6_via).empty()) continue;
            if (family.group != GroupId()) continue;
            const auto group = next_hops_.create_indirect(nowhere());
            if (!group) return Unexpected(group.error());
            family.group = *group;
        }
        return ok();
    }
    // What a rule is to steer by: a family that has no hops now goes as the routes say.
    [[nodiscard]] SteerGroups groups(const SteerTargetConfig& config) const {
        return {.ipv4 = config.via.empty() ? GroupId() : families_[0].group,
                .ipv6 = config.ipv6_via.empty() ? GroupId() : families_[1].group};
    }
    // Takes over the reference to the way; 0: leads nowhere.
    void lead(std::size_t which, GroupId way) {
        Family& family = families_[which];
        if (family.group == GroupId()) return;
        CHECK(next_hops_.redirect(family.group, way == GroupId() ? nowhere() : way).has_value());
        if (family.way != GroupId()) ways_.release(family.way);
        family.way = way;
    }
    [[nodiscard]] GroupId way(std::size_t which) const { return families_[which].way; }

  private:
    struct Family {
        GroupId group;
        GroupId way;
    };
    NextHops& next_hops_;
    Ways& ways_;
    std::array<Family, 2> families_;  // IPv4, IPv6
};

Result<SteerLeases> SteerTargets::lease(const std::vector<SteerTargetConfig>& targets) {
    SteerLeases leases;
    for (const SteerTargetConfig& config : targets) {
        auto target = targets_[config.name].lock();
        if (target == nullptr) {
            target = std::make_shared<Target>(next_hops_, ways_);
            targets_[config.name] = target;
        }
        if (const Status status = target->open(config); !status) return Unexpected(status.error());
        struct Held {
            std::shared_ptr<Target> target;
            SteerGroups groups;
        };
        const auto held = std::make_shared<const Held>(Held{target, target->groups(config)});
        leases.emplace(config.name, SteerLease(held, &held->groups));
    }
    std::erase_if(targets_, [](const auto& target) { return target.second.expired(); });
    return leases;
}

Status SteerTargets::resolve(const Plan& plan, const FindVrf& find_vrf, std::uint64_t now_ns) {
    static const PlannedRoute kNowhere{};
    for (const auto& [name, weak] : targets_) {
        const auto target = weak.lock();
        if (target == nullptr) continue;
        const auto planned = plan.targets.find(name);
        const bool is_planned = planned != plan.targets.end();
        const std::array<const PlannedRoute*, 2> routes =
            is_planned ? std::array{&planned->second.ipv4, &planned->second.ipv6}
                       : std::array{&kNowhere, &kNowhere};
        for (std::size_t which = 0; which < routes.size(); ++which) {
            if (routes[which]->hops.empty()) {
                target->lead(which, GroupId());
                continue;
            }
            const auto way = routes_.acquire(find_vrf(planned->second.vrf), *routes[which], now_ns);
            if (!way) return Unexpected(way.error());
            target->lead(which, *way);
        }
    }
    return ok();
}

void SteerTargets::remove_over(AttachmentId attachment) {
    const std::vector<GroupId> gone = ways_.over(attachment);
    for (const auto& [name, weak] : targets_) {
        const auto target = weak.lock();
        if (target == nullptr) continue;
        for (const std::size_t which : {0U, 1U}) {
            const GroupId way = target->way(which);
            if (way != GroupId() && std::ranges::find(gone, way) != gone.end()) {
                target->lead(which, GroupId());
            }
        }
    }
}

}  // namespace causeway
