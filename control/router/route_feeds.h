// SPDX-License-Identifier: Apache-2.0
//
// RouteFeeds: the FPM listeners of the configuration, each with what its zebra has told and the
// routes that have come of it.
//
// Thread safety: control thread only.
//
// All listeners together work for kWorkPerTurn in a turn of the event loop, in turns of their own:
// a zebra that tells a full table holds up neither the links nor the others.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/types.h"
#include "control/api/event_loop.h"
#include "control/api/views.h"
#include "control/config/config.h"
#include "control/fpm/fpm_counters.h"
#include "control/fpm/fpm_listener.h"
#include "control/fpm/route_feed.h"
#include "control/router/fed_routes.h"

namespace causeway {

class RouteFeeds {
  public:
    static constexpr std::chrono::microseconds kWorkPerTurn{1'000};

    // They must outlive this.
    RouteFeeds(EventLoop& loop, const FedTables& tables) : loop_(loop), tables_(tables) {}

    // Listens where the configuration says. Where a socket cannot be opened, nothing has changed.
    // REQUIRES: `vrfs` knows all VRFs that are named.
    [[nodiscard]] Status configure(const std::vector<FpmConfig>& listeners,
                                   const std::map<std::string, VrfId, std::less<>>& vrfs);

    // Before a VRF is destroyed, and before an attachment is removed; and when some have come.
    void vrf_closing(VrfId vrf);
    void attachment_leaving(const Attachment& attachment);
    void attachments_came();
    // bgpd of the VRF has gone, or is back. For restart-seconds from then on its routes stay; after
    // that zebra is asked for all of them, and what it has no more is swept.
    void bgpd_went(std::string_view vrf);
    void bgpd_came(std::string_view vrf);
    // It lives: what its routes lost before it was asked, they have lost.
    void bgpd_answered(std::string_view vrf);
    // Asks the bgpd of a VRF for a sign of life, upon which bgpd_answered() or bgpd_went() follows.
    // False: there is none to be asked.
    using AskBgpd = std::function<bool(std::string_view vrf)>;
    void ask_by(AskBgpd ask) { ask_ = std::move(ask); }
    // Routes that zebra has told of each VRF; the names are those of the configuration.
    [[nodiscard]] std::map<std::string_view, std::size_t> route_counts() const;
    // There may be room for routes that were refused: asks their zebras to tell them again.
    void limits_changed();

    // One slice of what the feeds have to do. To be called in every turn of the loop.
    void turn();

    [[nodiscard]] std::vector<FpmView> views() const;

  private:
    using Endpoint = std::tuple<std::string, IpAddress, unsigned>;  // namespace, address, port
    struct Feed {
        Feed(const FpmConfig& told, const FedTables& into);
        void reconfigure(const FpmConfig& told);

        FpmConfig config;
        FpmCounters counters;
        FedRoutes routes;
        RouteFeed feed;
        std::unique_ptr<FpmListener> listener;
        std::map<std::uint32_t, VrfId> tables;  // that are mapped now
        // Deletions are held until then.
        std::optional<EventLoop::Clock::time_point> held_until;
    };

    [[nodiscard]] static Result<int> listening_socket(const FpmConfig& config);
    [[nodiscard]] Result<std::unique_ptr<Feed>> open(const FpmConfig& config);
    // Ends every mapping that a predicate (table, VRF) does not want to keep.
    template <class Keep>
    static void unmap(Feed& feed, const Keep& keep);
    [[nodiscard]] Feed* feed_of(std::string_view vrf) const;
    static void hold(Feed& feed);
    static void end_hold(Feed& feed, EventLoop::Clock::time_point now);
    void clear_doubts(Feed& feed);
    [[nodiscard]] static FpmView view_of(const Feed& feed);

    EventLoop& loop_;
    FedTables tables_;
    AskBgpd ask_ = [](std::string_view) { return false; };
    std::map<Endpoint, std::unique_ptr<Feed>> feeds_;
    std::size_t first_ = 0;  // which feed works first in the next turn
};

}  // namespace causeway
