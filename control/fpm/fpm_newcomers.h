// SPDX-License-Identifier: Apache-2.0
//
// FpmNewcomers: who connects to an FPM listener that has a connection already, until the first
// frame shows that it is a zebra. A scan of ports, or a stranger who says nothing, so displaces
// nobody.
//
// Thread safety: control thread only.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>

#include "base/result.h"
#include "control/api/event_loop.h"
#include "control/fpm/fpm_counters.h"
#include "control/fpm/frame_reader.h"

namespace causeway {

class FpmNewcomers {
  public:
    // So many wait; one more closes the oldest.
    static constexpr std::size_t kWaitingMax = 4;
    // zebra's first frame comes within a second of its connection.
    static constexpr std::chrono::milliseconds kPatience{10'000};

    // Gets the socket, which is the loop's no longer, and what came over it.
    using Welcome = std::function<void(int socket, FpmFrameReader frames)>;

    FpmNewcomers(EventLoop& loop, FpmCounters& counters, std::chrono::milliseconds patience,
                 Welcome welcome);
    ~FpmNewcomers();
    FpmNewcomers(const FpmNewcomers&) = delete;
    FpmNewcomers& operator=(const FpmNewcomers&) = delete;

    // Takes the socket, non-blocking, even where it fails.
    [[nodiscard]] Status add(int socket);

  private:
    struct Newcomer {
        int socket;
        EventLoop::TimerId timer;
        FpmFrameReader frames{};
    };
    using Place = std::deque<Newcomer>::iterator;

    [[nodiscard]] Place place_of(int socket);
    void read(int socket);
    // Out of the loop and the queue; its socket is open.
    Newcomer take(Place place);
    void close(Place place, FpmEvent why);

    EventLoop& loop_;
    FpmCounters& counters_;
    std::chrono::milliseconds patience_;
    Welcome welcome_;
    std::deque<Newcomer> waiting_;  // the oldest first
};

}  // namespace causeway
