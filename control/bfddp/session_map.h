// SPDX-License-Identifier: Apache-2.0
//
// BfddpSessionMap: bfdd's sessions and ours, translated into each other.
//
// Thread safety: control thread only.
//
// bfdd names a session by a number that a restart of bfdd changes, so a session is known by its
// addresses and its interface: told of again under another number it goes on without a flap. While
// bfdd is away sessions go on, too. When it is back, those that it does not tell of again are
// closed, under the conditions of RouteFeed (control/fpm/route_feed.h): it said something, was
// silent for `quiet_ns`, and `sweep_after_ns` have passed.
//
// bfdd up to FRR 10.5 tells of no more than 58 sessions at a connection (FRR issue 22638), so more
// of them than that do not outlive one.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "base/types.h"
#include "control/bfddp/bfddp_counters.h"
#include "control/bfddp/bfddp_messages.h"

namespace causeway {

// Who runs the sessions.
class BfdHost {
  public:
    virtual ~BfdHost() = default;
    // Begins the session, shut down or not, as it says.
    [[nodiscard]] virtual Result<BfdDiscriminator> open(const BfddpSession& session) = 0;
    // Which session it is now: another one where the host has replaced it. An error: none.
    [[nodiscard]] virtual Result<BfdDiscriminator> update(BfdDiscriminator ours,
                                                          const BfddpSession& session) = 0;
    virtual void close(BfdDiscriminator ours) = 0;
    // How it is now. The id is filled in by who asks.
    [[nodiscard]] virtual BfddpState state(BfdDiscriminator ours) const = 0;
    [[nodiscard]] virtual BfdTraffic traffic(BfdDiscriminator ours) const = 0;
};

class BfddpSessionMap {
  public:
    struct Options {
        std::uint64_t quiet_ns = 10'000'000'000;
        std::uint64_t sweep_after_ns = 120'000'000'000;
    };

    // Both must outlive the map.
    BfddpSessionMap(BfdHost& host, BfddpCounters& counters, const Options& options)
        : host_(host), counters_(counters), options_(options) {}

    void begin_connection(std::uint64_t now_ns);
    void end_connection();
    // Answers go to output(), at once: bfdd waits for some of them in a loop.
    void hear(const BfddpMessage& message, std::uint64_t now_ns);
    // The state of a session of the host's has changed. Of others than bfdd's: does nothing.
    void state_changed(BfdDiscriminator ours);
    // The host may have replaced or ended sessions.
    void host_changed();
    // Closes what bfdd did not tell of again, when it is time.
    void tick(std::uint64_t now_ns);

    // What is to be sent. Whoever sends takes it away.
    [[nodiscard]] std::vector<std::uint8_t>& output() noexcept { return output_; }
    [[nodiscard]] std::size_t size() const noexcept { return sessions_.size(); }

  private:
    struct Key {
        IpAddress local;
        IpAddress remote;
        std::string interface;
        friend auto operator<=>(const Key&, const Key&) = default;
    };
    struct Entry {
        BfddpSession session;  // as bfdd told of it last; its number may be another's by now
        BfdDiscriminator ours;
        std::uint32_t generation = 0;  // of the connection that told of it last
    };
    using Sessions = std::map<Key, Entry>;
    enum class Connection : std::uint8_t { kNone, kReplaying, kSettled };

    void add(const BfddpSession& session);
    void remove(const BfddpSession& session);
    [[nodiscard]] static Key key_of(const BfddpSession& session);
    void unname(Sessions::iterator place);
    void unbind(Sessions::iterator place);
    void bind(Sessions::iterator place, BfdDiscriminator ours);
    Sessions::iterator close(Sessions::iterator place);
    void answer_counters(const BfddpCountersRequest& request);
    void report(const Entry& entry);

    BfdHost& host_;
    BfddpCounters& counters_;
    Options options_;
    Sessions sessions_;
    std::unordered_map<BfddpSessionId, Sessions::iterator> by_id_;  // as of this connection
    std::unordered_map<BfdDiscriminator, Sessions::iterator> by_ours_;
    std::vector<std::uint8_t> output_;

    Connection connection_ = Connection::kNone;
    std::uint32_t generation_ = 0;
    bool has_spoken_ = false;
    std::uint64_t connected_ns_ = 0;
    std::uint64_t heard_ns_ = 0;
};

}  // namespace causeway
