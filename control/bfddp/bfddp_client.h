// SPDX-License-Identifier: Apache-2.0
//
// BfddpClient: the connection to bfdd, which listens (`bfdd --dplaneaddr unix:PATH`; the other way
// round is broken before FRR 10.3), made again whenever it is lost.
//
// Thread safety: control thread only.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "control/api/event_loop.h"
#include "control/bfddp/bfddp_counters.h"
#include "control/bfddp/session_map.h"

namespace causeway {

class BfddpClient {
  public:
    // That bfdd has not read: the latest states of thousands of sessions.
    static constexpr std::size_t kOutputBytesMax = std::size_t{1} << 20;

    struct Options {
        std::string path;
        std::chrono::milliseconds retry{1'000};
    };

    // kInvalid: the path cannot be that of a socket. The others must outlive the client, and
    // `counters` are the map's.
    [[nodiscard]] static Result<std::unique_ptr<BfddpClient>> create(EventLoop& loop,
                                                                     const Options& options,
                                                                     BfddpSessionMap& sessions,
                                                                     BfddpCounters& counters);
    ~BfddpClient();
    BfddpClient(const BfddpClient&) = delete;
    BfddpClient& operator=(const BfddpClient&) = delete;

    // Of a session of the host's; bfdd hears of it at once.
    void state_changed(BfdDiscriminator ours);
    // Of any.
    void host_changed();
    [[nodiscard]] bool is_connected() const noexcept { return connection_.has_value(); }

  private:
    struct Connection {
        int socket;
        BfddpReader reader{};
        bool waits_to_send = false;
    };

    BfddpClient(EventLoop& loop, const Options& options, BfddpSessionMap& sessions,
                BfddpCounters& counters);
    void tick();
    void connect();
    void ready(EventLoop::Events events);
    // False: the connection is over.
    [[nodiscard]] bool receive();
    [[nodiscard]] bool hear_all();
    [[nodiscard]] bool send();
    void disconnect();
    void log_news();

    EventLoop& loop_;
    Options options_;
    BfddpSessionMap& sessions_;
    BfddpCounters& counters_;
    std::optional<Connection> connection_;
    EventLoop::TimerId timer_;
};

}  // namespace causeway
