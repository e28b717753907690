// SPDX-License-Identifier: Apache-2.0
//
// FpmListener: where zebra connects (`zebra -M dplane_fpm_nl`, TCP, 127.0.0.1:2620 by default), and
// the road from its bytes to a RouteFeed.
//
// Thread safety: control thread only.
//
// Reading and doing are apart, because zebra's own queue has no bound until FRR 10.2: bytes are
// taken off the socket as they come, up to kWaitingBytesMax, and the owner's turn() works through
// them and through the feed, as long as the owner says. There is one peer; a newer connection takes
// the place of the one before with its first frame, for it is the same zebra, back before we saw it
// go.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/types.h"
#include "control/api/event_loop.h"
#include "control/fpm/fpm_newcomers.h"
#include "control/fpm/frame_reader.h"
#include "control/fpm/route_feed.h"

namespace causeway {

inline constexpr std::uint16_t kFpmPort = 2620;

// A listening TCP socket, non-blocking. Port 0: one that the kernel chooses.
[[nodiscard]] Result<int> open_fpm_socket(const IpAddress& address, std::uint16_t port);

class FpmListener {
  public:
    static constexpr std::size_t kWaitingBytesMax = std::size_t{32} << 20;

    // Takes the listening socket, even where it fails. The others must outlive the listener, and
    // `counters` are the feed's. The log calls it by its name. `patience` is that with newcomers.
    [[nodiscard]] static Result<std::unique_ptr<FpmListener>> create(
        std::string name, EventLoop& loop, int socket, RouteFeed& feed, FpmCounters& counters,
        std::chrono::milliseconds patience = FpmNewcomers::kPatience);
    ~FpmListener();
    FpmListener(const FpmListener&) = delete;
    FpmListener& operator=(const FpmListener&) = delete;

    // To be called in every turn of the loop. Works until `end`; where that is past, it only sees
    // to the connection.
    void turn(EventLoop::Clock::time_point end);

    void rename(std::string name) { name_ = std::move(name); }
    [[nodiscard]] bool is_connected() const noexcept { return connection_.has_value(); }
    // zebra connects again within seconds and tells everything again; what it does not repeat is
    // swept.
    void resync();

  private:
    struct Connection {
        int socket;
        FpmFrameReader frames{};
        bool is_reading = true;  // the descriptor is in the loop, and waits for input
        bool is_ended = false;   // by the peer: what it sent before is still worked through
    };

    FpmListener(std::string name, EventLoop& loop, int socket, RouteFeed& feed,
                FpmCounters& counters, std::chrono::milliseconds patience);
    void accept_all();
    // With what has come over the connection so far.
    void begin_connection(int socket, FpmFrameReader frames);
    void pause_listening(int error);
    void receive();
    void stop_reading();
    // Decodes the next frame. False: there is none yet.
    [[nodiscard]] bool hear_frame(std::uint64_t now_ns);
    void resume_or_end();
    void close_connection();
    void log_news();

    std::string name_;
    EventLoop& loop_;
    int socket_;
    bool is_listening_ = false;
    EventLoop::TimerId listen_timer_{};
    RouteFeed& feed_;
    FpmCounters& counters_;
    FpmNewcomers newcomers_;
    std::optional<Connection> connection_;
    std::vector<std::uint8_t> scratch_;
    std::vector<FpmMessage> messages_;
};

}  // namespace causeway
