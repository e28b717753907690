// SPDX-License-Identifier: Apache-2.0
//
// RouteFeed against a slow twin: random messages as bytes in random pieces, next-hop objects before
// and after those who name them, tables that come and go, reconnects that repeat a part.
#include <gtest/gtest.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "control/fpm/frame_reader.h"
#include "control/fpm/netlink_decoder.h"
#include "control/fpm/route_feed.h"
#include "tests/support/fpm_frames.h"
#include "tests/support/route_feed_bed.h"
#include "tests/support/seed.h"

namespace causeway::test {
namespace {

constexpr std::uint8_t kBgp = 186;
constexpr std::uint64_t kSweepNs = 1'000;

// What the feed should come to, by the words of its header and in the simplest way.
class SlowFeed {
  public:
    void hear(const FpmMessage& message) {
        if (const auto* set = std::get_if<FpmSetRoute>(&message)) {
            if (set->protocol == RTPROT_KERNEL) {
                routes_.erase(set->key);
            } else {
                routes_[set->key] = {set->via, generation_};
            }
        } else if (const auto* gone = std::get_if<FpmDeleteRoute>(&message)) {
            if (gone->protocol != RTPROT_KERNEL) routes_.erase(gone->key);
        } else if (const auto* next_hop = std::get_if<FpmSetNextHop>(&message)) {
            objects_[next_hop->id] = {next_hop->object, generation_};
        } else {
            objects_.erase(std::get<FpmDeleteNextHop>(message).id);
        }
        settle();
    }
    void reconnect() { ++generation_; }
    void sweep() {
        std::erase_if(routes_, [&](const auto& r) { return r.second.generation != generation_; });
        settle();
        std::erase_if(objects_, [&](const auto& o) { return o.second.generation != generation_; });
        settle();
    }
    [[nodiscard]] InstalledRoutes installed(const std::map<std::uint32_t, VrfId>& tables) const {
        InstalledRoutes all;
        for (const auto& [key, route] : routes_) {
            const auto table = tables.find(key.table);
            if (table == tables.end()) continue;
            if (const auto* way = std::get_if<FpmWay>(&route.via)) {
                all[{table->second, key.prefix}] = *way;
            } else if (const auto known = known_.find(std::get<NextHopObjectId>(route.via));
                       known != known_.end()) {
                all[{table->second, key.prefix}] = known->second;
            }
        }
        return all;
    }
    [[nodiscard]] std::size_t route_count() const { return routes_.size(); }

  private:
    struct Route {
        std::variant<FpmWay, NextHopObjectId> via;
        int generation = 0;
    };
    struct Object {
        std::variant<FpmWay, FpmGroupMembers> definition;
        int generation = 0;
    };

    void settle() {
        std::set<NextHopObjectId> used;
        for (const auto& [key, route] : routes_) {
            if (const auto* id = std::get_if<NextHopObjectId>(&route.via)) used.insert(*id);
        }
        std::erase_if(known_, [&](const auto& entry) {
            return !objects_.contains(entry.first) && !used.contains(entry.first);
        });
        for (const auto& [id, object] : objects_) {
            if (const auto way = resolve(object)) known_[id] = *way;
        }
    }
    [[nodiscard]] std::optional<FpmWay> resolve(const Object& object) const {
        if (const auto* way = std::get_if<FpmWay>(&object.definition)) return *way;
        FpmWay all;
        std::optional<FpmWay> discarding;
        for (const auto& [id, weight] : std::get<FpmGroupMembers>(object.definition)) {
            const auto member = objects_.find(id);
            if (member == objects_.end()) continue;
            const auto* way = std::get_if<FpmWay>(&member->second.definition);
            if (way == nullptr) continue;
            if (way->action != FpmAction::kForward) {
                if (!discarding) discarding = *way;
                continue;
            }
            all.hops.push_back(way->hops.at(0));
            all.hops.back().weight = weight;
        }
        return all.hops.empty() ? discarding : all;
    }

    std::map<FpmRouteKey, Route> routes_;
    std::map<NextHopObjectId, Object> objects_;
    std::map<NextHopObjectId, FpmWay> known_;  // and, of those deleted in use, last known
    int generation_ = 0;
};

class Story {
  public:
    explicit Story(SeededRandom& random) : random_(random) { feed_.begin_replay(now_); }

    void step() {
        switch (random_.below(40)) {
            case 0:
                return change_table();
            case 1:
                return reconnect();
            case 2:
                return sweep();
            default:
                break;
        }
        const FpmMessage message = any_message();
        std::vector<WireBytes> messages{encode(message)};
        const auto* set = std::get_if<FpmSetRoute>(&message);
        if (set != nullptr && random_.below(2) == 0) {  // an update, as zebra writes it
            const FpmDeleteRoute before{.key = set->key, .protocol = kBgp};
            messages.insert(messages.begin(), encode(before));
        }
        send(messages);
        twin_.hear(message);
    }
    void expect_equal() {
        deliver(pipe_.size());
        while (feed_.has_work()) feed_.work();
        ASSERT_EQ(applier_.routes(), twin_.installed(tables_));
        ASSERT_EQ(feed_.route_count(), twin_.route_count());
        std::set<FpmWay> different;
        for (const auto& [place, way] : applier_.routes()) different.insert(way);
        ASSERT_GE(applier_.way_count(), different.size());
        if (twin_.route_count() == 0) {
            ASSERT_EQ(applier_.way_count(), 0U);
        }
    }

  private:
    FpmRouteKey any_key() {
        const auto table = static_cast<std::uint32_t>(100 + random_.below(4) * 100);
        const auto number = static_cast<std::uint32_t>(random_.below(12));
        if (random_.below(3) == 0)
            return {table, Ipv6Prefix::of(Ipv6Address(0x2001'0db8'0000'0000U + number, 0), 64)};
        return {table, Ipv4Prefix::of(Ipv4Address(number << 28), 4)};
    }
    FpmHop any_hop() {
        FpmHop hop{.interface = static_cast<std::uint32_t>(random_.below(3))};
        if (random_.below(2) == 0) hop.gateway = Ipv6Address(0xfe80, random_.below(3));
        if (!hop.gateway && (random_.below(2) == 0 || hop.interface == 0))
            hop.gateway = Ipv4Address(static_cast<std::uint32_t>(random_.below(3)));
        return hop;
    }
    FpmWay any_way() {
        if (random_.below(8) == 0) return {.action = FpmAction::kBlackhole, .hops = {}};
        FpmWay way{.hops = {any_hop()}};
        while (random_.below(2) == 0) {
            way.hops.push_back(any_hop());
            way.hops.back().weight = static_cast<std::uint32_t>(1 + random_.below(256));
        }
        return way;
    }
    NextHopObjectId any_id() {
        return NextHopObjectId(1 + static_cast<std::uint32_t>(random_.below(10)));
    }
    FpmMessage any_message() {
        switch (random_.below(10)) {
            case 0:
                return FpmDeleteNextHop{any_id()};
            case 1:
            case 2:
                return FpmSetNextHop{any_id(), random_.below(6) == 0
                                                   ? FpmWay{.action = FpmAction::kBlackhole}
                                                   : FpmWay{.hops = {any_hop()}}};
            case 3: {
                FpmGroupMembers members{{any_id(), 1}};
                while (random_.below(3) != 0)
                    members.push_back(
                        {any_id(), static_cast<std::uint32_t>(1 + random_.below(256))});
                return FpmSetNextHop{any_id(), members};
            }
            case 4:
            case 5:
                return FpmDeleteRoute{.key = any_key(), .protocol = any_protocol()};
            case 6:
                return FpmSetRoute{.key = any_key(), .protocol = any_protocol(), .via = any_way()};
            default:
                return FpmSetRoute{.key = any_key(), .protocol = any_protocol(), .via = any_id()};
        }
    }
    std::uint8_t any_protocol() {
        return random_.below(10) == 0 ? std::uint8_t{RTPROT_KERNEL} : kBgp;
    }

    void send(const std::vector<WireBytes>& messages) {
        const WireBytes bytes = frame(messages);
        pipe_.insert(pipe_.end(), bytes.begin(), bytes.end());
        deliver(random_.below(pipe_.size() + 1));
        if (random_.below(4) == 0) feed_.work();
    }
    void deliver(std::size_t count) {
        reader_.append(std::span(pipe_).first(count));
        pipe_.erase(pipe_.begin(), pipe_.begin() + static_cast<std::ptrdiff_t>(count));
        std::vector<FpmMessage> messages;
        while (const auto next = reader_.next()) decode_netlink(*next, messages, counters_);
        for (const FpmMessage& message : messages) feed_.hear(message, now_);
        ASSERT_FALSE(reader_.error().has_value());
    }
    void change_table() {
        const auto table = static_cast<std::uint32_t>(100 + random_.below(4) * 100);
        if (const auto found = tables_.find(table); found != tables_.end()) {
            applier_.destroy_vrf(found->second);
            tables_.erase(found);
            if (random_.below(2) == 0) return feed_.unmap_table(table);
        }
        const VrfId vrf(next_vrf_++);
        tables_.emplace(table, vrf);
        feed_.map_table(table, vrf);
    }
    // What was sent and not yet delivered goes with the connection: deliver it, to keep in step.
    void reconnect() {
        deliver(pipe_.size());
        feed_.end_session();
        feed_.begin_replay(now_);
        twin_.reconnect();
    }
    // After a replay in which at least something was said.
    void sweep() {
        const FpmMessage message = any_message();
        send({encode(message)});
        twin_.hear(message);
        deliver(pipe_.size());
        if (feed_.is_settled()) return;
        feed_.tick(now_ += kSweepNs);
        while (feed_.has_work()) feed_.work();
        ASSERT_TRUE(feed_.is_settled());
        twin_.sweep();
    }

    SeededRandom& random_;
    RecordingApplier applier_;
    FpmCounters counters_;
    RouteFeed feed_{applier_, counters_, {.quiet_ns = kSweepNs, .sweep_after_ns = kSweepNs}};
    SlowFeed twin_;
    FpmFrameReader reader_;
    WireBytes pipe_;
    std::map<std::uint32_t, VrfId> tables_;
    std::uint16_t next_vrf_ = 0;
    std::uint64_t now_ = 0;
};

TEST(RouteFeedProperty, comes_to_what_its_slow_twin_says) {
    SeededRandom random;
    for (std::size_t round = 0; round < rounds(150); ++round) {
        Story story(random);
        for (std::size_t i = random.below(400); i > 0; --i) {
            story.step();
            if (HasFatalFailure()) return;
            if (random.below(10) != 0) continue;
            story.expect_equal();
            if (HasFatalFailure()) return;
        }
        story.expect_equal();
        if (HasFatalFailure()) return;
    }
}

}  // namespace
}  // namespace causeway::test
