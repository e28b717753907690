// SPDX-License-Identifier: Apache-2.0
#include "control/bfddp/bfddp_client.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <utility>

#include "base/check.h"
#include "control/api/unix_socket.h"
#include "control/log/log.h"

namespace causeway {
namespace {

constexpr std::size_t kReadBytes = std::size_t{64} << 10;

std::uint64_t now_ns() {
    const auto now = EventLoop::Clock::now().time_since_epoch();
    return static_cast<std::uint64_t>(std::chrono::nanoseconds(now).count());
}

}  // namespace

Result<std::unique_ptr<BfddpClient>> BfddpClient::create(EventLoop& loop, const Options& options,
                                                         BfddpSessionMap& sessions,
                                                         BfddpCounters& counters) {
    if (!is_socket_path(options.path))
        return Unexpected(ErrorCode::kInvalid,
                          "bfdd's socket: the path must have 1 to 107 bytes (unix(7))");
    return std::unique_ptr<BfddpClient>(new BfddpClient(loop, options, sessions, counters));
}

BfddpClient::BfddpClient(EventLoop& loop, const Options& options, BfddpSessionMap& sessions,
                         BfddpCounters& counters)
    : loop_(loop),
      options_(options),
      sessions_(sessions),
      counters_(counters),
      timer_(loop.every(options.retry, [this] { tick(); })) {
    connect();
}

BfddpClient::~BfddpClient() {
    loop_.cancel(timer_);
    if (connection_) disconnect();
}

void BfddpClient::tick() {
    if (!connection_) connect();
    sessions_.tick(now_ns());
    log_news();
}

void BfddpClient::connect() {
    const std::optional<int> socket = connect_unix_socket(options_.path);
    if (!socket) return;
    if (!loop_.add(*socket, EPOLLIN, [this](EventLoop::Events events) { ready(events); })) {
        ::close(*socket);
        return;
    }
    connection_.emplace(Connection{.socket = *socket});
    counters_.expect_anew();
    counters_.count(BfddpEvent::kConnected);
    log_info("bfdd: connected to {}; {} sessions go on", options_.path, sessions_.size());
    sessions_.begin_connection(now_ns());
}

void BfddpClient::ready(EventLoop::Events events) {
    CHECK(connection_.has_value());
    const bool has_input = (events & ~EventLoop::Events{EPOLLOUT}) != 0;
    if ((has_input && !receive()) || !send()) disconnect();
    log_news();
}

bool BfddpClient::receive() {
    std::array<std::uint8_t, kReadBytes> bytes;
    const ssize_t count = ::recv(connection_->socket, bytes.data(), bytes.size(), 0);
    if (count < 0) return would_block();
    if (count == 0) return false;
    connection_->reader.append(std::span(bytes).first(static_cast<std::size_t>(count)));
    return hear_all();
}

bool BfddpClient::hear_all() {
    const std::uint64_t now = now_ns();
    while (const auto next = connection_->reader.next()) {
        if (const auto* message = std::get_if<BfddpMessage>(&*next)) {
            sessions_.hear(*message, now);
            continue;
        }
        const auto event = std::get<BfddpEvent>(*next);
        counters_.count(event);
        if (kBfddpEvents[static_cast<std::size_t>(event)].verdict == EventVerdict::kClosed)
            return false;
    }
    return true;
}

void BfddpClient::state_changed(BfdDiscriminator ours) {
    sessions_.state_changed(ours);
    if (connection_ && !send()) disconnect();
}

void BfddpClient::host_changed() {
    sessions_.host_changed();
    if (connection_ && !send()) disconnect();
}

bool BfddpClient::send() {
    std::vector<std::uint8_t>& output = sessions_.output();
    while (!output.empty()) {
        const ssize_t count =
            ::send(connection_->socket, output.data(), output.size(), MSG_NOSIGNAL);
        if (count < 0 && !would_block()) return false;
        if (count < 0) break;
        output.erase(output.begin(), output.begin() + count);
    }
    if (output.size() > kOutputBytesMax) {
        counters_.count(BfddpEvent::kPeerStuck);
        return false;
    }
    const bool must_wait = !output.empty();
    if (must_wait != connection_->waits_to_send) {
        connection_->waits_to_send = must_wait;
        loop_.modify(connection_->socket, must_wait ? EPOLLIN | EPOLLOUT : EPOLLIN);
    }
    return true;
}

void BfddpClient::disconnect() {
    loop_.remove(connection_->socket);
    ::close(connection_->socket);
    connection_.reset();
    counters_.count(BfddpEvent::kDisconnected);
    log_info("bfdd: connection closed; {} sessions go on", sessions_.size());
    sessions_.end_connection();
}

void BfddpClient::log_news() {
    counters_.tell_new([](const BfddpEventInfo& info, std::uint32_t subject) {
        log_warning("bfdd: {} ({}): {}{}", info.name, subject, info.meaning,
                    info.verdict == EventVerdict::kClosed ? "; the connection is closed" : "");
    });
}

}  // namespace causeway
