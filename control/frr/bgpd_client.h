// SPDX-License-Identifier: Apache-2.0
//
// BgpdClient: the connection to the bgpd of one namespace, at the socket where vtysh finds it, too.
// It says whether bgpd is there, the moment that it is not, and whether it goes on; and types lines
// of configuration.
//
// Thread safety: control thread only.
//
// The protocol is vtysh's: a command ends with a zero byte. The answer is its text, three zero
// bytes and one more, which is 0 where the command was done.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "control/api/event_loop.h"

namespace causeway {

struct VtyAnswer {
    std::string text;
    std::uint8_t code = 0;
};

// Bytes as they come, answers as they are whole.
class VtyReader {
  public:
    void append(std::string_view bytes) { bytes_ += bytes; }
    [[nodiscard]] std::optional<VtyAnswer> next();
    // Of an answer that is not whole yet.
    [[nodiscard]] std::size_t waiting() const noexcept { return bytes_.size() - begin_; }

  private:
    std::string bytes_;
    std::size_t begin_ = 0;
};

class BgpdClient {
  public:
    static constexpr std::size_t kAnswerBytesMax = std::size_t{1} << 20;

    struct Listener {
        std::function<void()> came;
        std::function<void()> answered;  // as often as ask() was called
        std::function<void()> went;
        // What was typed has been done, or why some of it has not: bgpd's own words.
        std::function<void(const Status&)> typed;
    };

    // `path` is that of bgpd.vty. The loop must outlive the client.
    BgpdClient(EventLoop& loop, std::string path, Listener listener);
    ~BgpdClient();
    BgpdClient(const BgpdClient&) = delete;
    BgpdClient& operator=(const BgpdClient&) = delete;

    // Connects, where there is no connection: to be called now and then.
    void connect();
    [[nodiscard]] bool is_connected() const noexcept { return connection_.has_value(); }
    [[nodiscard]] bool is_typing() const noexcept {
        return connection_ && connection_->lines_awaited > 0;
    }

    // Types lines in configuration mode. REQUIRES: is_connected() and not is_typing().
    void type(const std::vector<std::string>& lines);
    // Asks for a sign of life. A bgpd that is about to end gives none. REQUIRES: is_connected().
    void ask();

  private:
    enum class Awaited : std::uint8_t { kLine, kSignOfLife };
    struct Connection {
        int socket;
        VtyReader reader{};
        std::string output{};  // that bgpd has not taken yet
        std::deque<Awaited> awaited{};
        std::size_t lines_awaited = 0;
        std::string complaint{};  // the first, of the lines that are being typed
        bool waits_to_send = false;
    };

    void ready(EventLoop::Events events);
    // False: the connection is over.
    [[nodiscard]] bool receive();
    [[nodiscard]] bool send();
    void add(std::string_view command, Awaited answer);
    void hear(const VtyAnswer& answer);
    void disconnect();

    EventLoop& loop_;
    std::string path_;
    Listener listener_;
    std::optional<Connection> connection_;
};

}  // namespace causeway
