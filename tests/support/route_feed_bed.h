// SPDX-License-Identifier: Apache-2.0
//
// What a RouteFeed talks to in tests: an applier that holds it to its promises.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <span>
#include <utility>
#include <variant>

#include "control/fpm/route_feed.h"

namespace causeway::test {

using InstalledRoutes = std::map<std::pair<VrfId, IpPrefix>, FpmWay>;

class RecordingApplier final : public FeedApplier {
  public:
    void apply(std::span<const FeedChange> changes) override {
        EXPECT_FALSE(changes.empty());
        EXPECT_LE(changes.size(), RouteFeed::kChangesPerWork);
        ++batches;
        changes_seen += changes.size();
        for (const FeedChange& change : changes)
            std::visit([this](const auto& one) { take(one); }, change);
    }
    // As the owner does before it maps the VRF's table anew.
    void destroy_vrf(VrfId vrf) {
        std::erase_if(routes_, [vrf](const auto& entry) { return entry.first.first == vrf; });
    }
    [[nodiscard]] InstalledRoutes routes() const {
        InstalledRoutes all;
        for (const auto& [place, way] : routes_) all[place] = ways_.at(way);
        return all;
    }
    [[nodiscard]] std::size_t way_count() const { return ways_.size(); }

    std::size_t batches = 0;
    std::size_t changes_seen = 0;

  private:
    void take(const FeedSetWay& set) { ways_[set.id] = set.way; }
    void take(const FeedForgetWay& forgotten) {
        EXPECT_EQ(ways_.erase(forgotten.id), 1U);
        for (const auto& [place, way] : routes_) EXPECT_NE(way, forgotten.id);
    }
    void take(const FeedSetRoute& set) {
        EXPECT_TRUE(ways_.contains(set.way));
        routes_[{set.vrf, set.prefix}] = set.way;
    }
    void take(const FeedRemoveRoute& removed) {
        EXPECT_EQ(routes_.erase({removed.vrf, removed.prefix}), 1U);
    }

    std::map<FeedWayId, FpmWay> ways_;
    std::map<std::pair<VrfId, IpPrefix>, FeedWayId> routes_;
};

}  // namespace causeway::test
