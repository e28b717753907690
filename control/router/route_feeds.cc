// SPDX-License-Identifier: Apache-2.0
#include "control/router/route_feeds.h"

#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <string>
#include <utility>

#include "base/check.h"
#include "control/host/net_namespace.h"

namespace causeway {
namespace {

constexpr std::uint64_t kSecondNs = 1'000'000'000;

RouteFeed::Options options_of(const FpmConfig& config) {
    RouteFeed::Options options;
    const std::uint64_t restart_ns = config.restart_seconds * kSecondNs;
    options.quiet_ns = std::min(options.quiet_ns, restart_ns);
    options.sweep_after_ns = restart_ns;
    options.sweep_latest_ns = std::max(options.sweep_latest_ns, restart_ns);
    options.doubts_deletions = true;
    return options;
}

// Of a namespace that has just been made it is down, and without it there is no 127.0.0.1.
Status raise_loopback() {
    const Descriptor control(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ifreq loopback{};
    std::memcpy(loopback.ifr_name, "lo", sizeof "lo");
    if (control.get() >= 0 && ::ioctl(control.get(), SIOCGIFFLAGS, &loopback) == 0) {
        loopback.ifr_flags = static_cast<short>(loopback.ifr_flags | IFF_UP);
        if (::ioctl(control.get(), SIOCSIFFLAGS, &loopback) == 0) return ok();
    }
    return Unexpected(ErrorCode::kUnavailable,
                      std::string("the loopback interface: ") + std::strerror(errno));
}

}  // namespace

RouteFeeds::Feed::Feed(const FpmConfig& told, const FedTables& into)
    : config(told), routes(into, counters), feed(routes, counters, options_of(told)) {}

void RouteFeeds::Feed::reconfigure(const FpmConfig& told) {
    config = told;
    feed.set_options(options_of(told));
    listener->rename(told.name);
}

Result<int> RouteFeeds::listening_socket(const FpmConfig& config) {
    const auto port = static_cast<std::uint16_t>(config.port);
    if (config.network_namespace.empty()) return open_fpm_socket(config.address, port);
    const auto where = NetNamespace::open(config.network_namespace);
    if (!where) return Unexpected(where.error());
    const auto visit = NamespaceVisit::begin(*where);
    if (!visit) return Unexpected(visit.error());
    if (const Status raised = raise_loopback(); !raised) return Unexpected(raised.error());
    return open_fpm_socket(config.address, port);
}

Result<std::unique_ptr<RouteFeeds::Feed>> RouteFeeds::open(const FpmConfig& config) {
    const auto named = [&config](const Error& error) {
        return Unexpected(error.code, "FPM listener " + config.name + ": " + error.message, "fpm");
    };
    const auto socket = listening_socket(config);
    if (!socket) return named(socket.error());
    auto feed = std::make_unique<Feed>(config, tables_);
    auto listener = FpmListener::create(config.name, loop_, *socket, feed->feed, feed->counters);
    if (!listener) return named(listener.error());
    feed->listener = std::move(listener).value();
    return feed;
}

template <class Keep>
void RouteFeeds::unmap(Feed& feed, const Keep& keep) {
    std::erase_if(feed.tables, [&](const auto& mapping) {
        if (keep(mapping.first, mapping.second)) return false;
        feed.feed.unmap_table(mapping.first);
        feed.routes.clear(mapping.second);
        return true;
    });
}

Status RouteFeeds::configure(const std::vector<FpmConfig>& listeners,
                             const std::map<std::string, VrfId, std::less<>>& vrfs) {
    std::map<Endpoint, std::unique_ptr<Feed>> opened;
    std::map<Endpoint, const FpmConfig*> wanted;
    for (const FpmConfig& config : listeners) {
        const Endpoint at{config.network_namespace, config.address, config.port};
        wanted.emplace(at, &config);
        if (feeds_.contains(at)) continue;
        auto feed = open(config);
        if (!feed) return Unexpected(feed.error());
        opened.emplace(at, std::move(feed).value());
    }
    std::erase_if(feeds_, [&](auto& entry) {
        const bool goes = !wanted.contains(entry.first);
        if (goes) unmap(*entry.second, [](std::uint32_t, VrfId) { return false; });
        return goes;
    });
    feeds_.merge(opened);
    for (const auto& [at, config] : wanted) feeds_.at(at)->reconfigure(*config);
    // All that goes before anything comes: a VRF may pass from one feed to another.
    for (const auto& entry : feeds_) {
        Feed& feed = *entry.second;
        unmap(feed, [&](std::uint32_t number, VrfId vrf) {
            return std::ranges::any_of(feed.config.tables, [&](const FpmTable& table) {
                return table.table == number && vrfs.find(table.vrf)->second == vrf;
            });
        });
    }
    for (const auto& [at, feed] : feeds_) {
        for (const FpmTable& table : feed->config.tables) {
            const VrfId vrf = vrfs.find(table.vrf)->second;
            feed->tables.insert_or_assign(table.table, vrf);
            feed->feed.map_table(table.table, vrf);
        }
    }
    return ok();
}

void RouteFeeds::vrf_closing(VrfId vrf) {
    for (const auto& [at, feed] : feeds_) {
        unmap(*feed, [vrf](std::uint32_t, VrfId mapped) { return mapped != vrf; });
    }
}

void RouteFeeds::attachment_leaving(const Attachment& attachment) {
    for (const auto& [at, feed] : feeds_) feed->routes.leave(attachment);
}

void RouteFeeds::attachments_came() {
    for (const auto& [at, feed] : feeds_) feed->routes.resolve_again();
}

void RouteFeeds::limits_changed() {
    for (const auto& [at, feed] : feeds_) {
        if (!feed->routes.has_refused()) continue;
        feed->routes.forget_refusals();
        feed->listener->resync();
    }
}

RouteFeeds::Feed* RouteFeeds::feed_of(std::string_view vrf) const {
    for (const auto& entry : feeds_) {
        for (const FpmTable& table : entry.second->config.tables) {
            if (table.vrf == vrf) return entry.second.get();
        }
    }
    return nullptr;
}

std::map<std::string_view, std::size_t> RouteFeeds::route_counts() const {
    std::map<std::string_view, std::size_t> counts;
    for (const auto& [at, feed] : feeds_) {
        for (const FpmTable& table : feed->config.tables) {
            counts.emplace(table.vrf, feed->feed.route_count());
        }
    }
    return counts;
}

void RouteFeeds::hold(Feed& feed) {
    feed.feed.hold_deletions();
    feed.held_until = EventLoop::Clock::now() + std::chrono::seconds(feed.config.restart_seconds);
}

void RouteFeeds::bgpd_went(std::string_view vrf) {
    if (Feed* feed = feed_of(vrf)) hold(*feed);
}

void RouteFeeds::bgpd_came(std::string_view vrf) {
    Feed* feed = feed_of(vrf);
    if (feed != nullptr && feed->held_until) hold(*feed);
}

void RouteFeeds::bgpd_answered(std::string_view vrf) {
    if (Feed* feed = feed_of(vrf)) feed->feed.vouch();
}

// Noted first: a bgpd that has just gone is found out by asking it.
void RouteFeeds::clear_doubts(Feed& feed) {
    if (!feed.feed.has_question()) return;
    feed.feed.note_asked();
    const bool is_asked = std::ranges::any_of(
        feed.config.tables, [this](const FpmTable& table) { return ask_(table.vrf); });
    if (is_asked) return;
    feed.feed.vouch();
    loop_.hurry();
}

void RouteFeeds::end_hold(Feed& feed, EventLoop::Clock::time_point now) {
    if (!feed.held_until || now < *feed.held_until) return;
    feed.held_until.reset();
    if (feed.feed.heed_deletions()) feed.listener->resync();
}

void RouteFeeds::turn() {
    if (feeds_.empty()) return;
    const auto now = EventLoop::Clock::now();
    const auto end = now + kWorkPerTurn;
    first_ = (first_ + 1) % feeds_.size();
    auto next = std::next(feeds_.begin(), static_cast<std::ptrdiff_t>(first_));
    for (std::size_t count = feeds_.size(); count > 0; --count) {
        end_hold(*next->second, now);
        next->second->listener->turn(end);
        clear_doubts(*next->second);
        if (++next == feeds_.end()) next = feeds_.begin();
    }
}

std::vector<FpmView> RouteFeeds::views() const {
    std::vector<FpmView> views;
    for (const auto& [at, feed] : feeds_) views.push_back(view_of(*feed));
    std::ranges::sort(views, {}, &FpmView::name);
    return views;
}

FpmView RouteFeeds::view_of(const Feed& feed) {
    FpmView view{.name = feed.config.name,
                 .network_namespace = feed.config.network_namespace,
                 .address = feed.config.address,
                 .port = feed.config.port,
                 .state = FeedState::kAway,
                 .routes = feed.feed.route_count(),
                 .next_hops = feed.feed.next_hop_count(),
                 .tables = feed.config.tables,
                 .events = {}};
    if (feed.listener->is_connected()) {
        view.state = feed.feed.is_settled() ? FeedState::kSettled : FeedState::kReplaying;
    }
    for (const FpmEventInfo& info : kFpmEvents) {
        view.events.push_back({info.name, info.meaning, feed.counters.read(info.event)});
    }
    return view;
}

}  // namespace causeway
