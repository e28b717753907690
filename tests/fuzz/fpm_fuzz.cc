// SPDX-License-Identifier: Apache-2.0
//
// Any bytes as an FPM connection, in pieces whose sizes they choose, through decoder and feed to an
// applier that holds the feed to its promises.
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/limits.h"
#include "control/fpm/frame_reader.h"
#include "control/fpm/netlink_decoder.h"
#include "control/fpm/route_feed.h"

namespace causeway {
namespace {

class CheckingApplier final : public FeedApplier {
  public:
    void apply(std::span<const FeedChange> changes) override {
        CHECK(!changes.empty() && changes.size() <= RouteFeed::kChangesPerWork);
        for (const FeedChange& change : changes) {
            if (const auto* set = std::get_if<FeedSetWay>(&change)) {
                CHECK((set->way.action == FpmAction::kForward) != set->way.hops.empty());
                CHECK(set->way.hops.size() <= kGroupMembersMax);
                for (const FpmHop& hop : set->way.hops)
                    CHECK(hop.weight >= 1 && hop.weight <= kGroupWeightMax);
                users_.try_emplace(set->id, 0);
            } else if (const auto* forgotten = std::get_if<FeedForgetWay>(&change)) {
                CHECK(users_.at(forgotten->id) == 0);
                users_.erase(forgotten->id);
            } else if (const auto* route = std::get_if<FeedSetRoute>(&change)) {
                ++users_.at(route->way);
                const auto [place, is_new] =
                    routes_.try_emplace({route->vrf, route->prefix}, route->way);
                if (!is_new) --users_.at(std::exchange(place->second, route->way));
            } else {
                const auto& removed = std::get<FeedRemoveRoute>(change);
                const auto found = routes_.find({removed.vrf, removed.prefix});
                CHECK(found != routes_.end());
                --users_.at(found->second);
                routes_.erase(found);
            }
        }
    }
    [[nodiscard]] std::size_t routes() const { return routes_.size(); }
    [[nodiscard]] std::size_t ways() const { return users_.size(); }

  private:
    std::map<FeedWayId, int> users_;
    std::map<std::pair<VrfId, IpPrefix>, FeedWayId> routes_;
};

void run(std::span<const std::uint8_t> bytes) {
    CheckingApplier applier;
    FpmCounters counters;
    RouteFeed feed(applier, counters, {.quiet_ns = 10, .sweep_after_ns = 10});
    for (std::uint32_t table = 0; table < 255; ++table)
        feed.map_table(table, VrfId(static_cast<std::uint16_t>(table)));
    feed.begin_replay(0);
    FpmFrameReader reader;
    std::vector<FpmMessage> messages;
    while (!bytes.empty()) {
        const std::size_t size = std::min<std::size_t>(bytes.size(), 1 + bytes[0] % 64);
        reader.append(bytes.first(size));
        bytes = bytes.subspan(size);
        while (const auto frame = reader.next()) {
            messages.clear();
            decode_netlink(*frame, messages, counters);
            for (const FpmMessage& message : messages) feed.hear(message, 1);
            feed.work();
        }
    }
    while (feed.has_work()) feed.work();
    // A replay of nothing but a deletion sweeps it all.
    feed.begin_replay(100);
    feed.hear(FpmDeleteNextHop{NextHopObjectId(1)}, 100);
    feed.tick(200);
    while (feed.has_work()) feed.work();
    CHECK(feed.is_settled() && feed.route_count() == 0 && feed.next_hop_count() == 0);
    CHECK(applier.routes() == 0 && applier.ways() == 0);
}

}  // namespace
}  // namespace causeway

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    causeway::run({data, size});
    return 0;
}
