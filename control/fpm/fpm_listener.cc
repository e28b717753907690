// SPDX-License-Identifier: Apache-2.0
#include "control/fpm/fpm_listener.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "base/check.h"
#include "base/endian.h"
#include "base/headers.h"
#include "base/text.h"
#include "control/api/unix_socket.h"
#include "control/fpm/netlink_decoder.h"
#include "control/log/log.h"

namespace causeway {
namespace {

constexpr std::size_t kReadBytes = std::size_t{256} << 10;
constexpr int kBacklog = 8;
constexpr std::chrono::seconds kListenPause{1};  // where there is no descriptor left

socklen_t fill(sockaddr_storage& storage, Ipv4Address address, std::uint16_t port) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = Be16(port).wire();
    to.sin_addr.s_addr = Be32(address.value()).wire();
    std::memcpy(&storage, &to, sizeof to);
    return sizeof to;
}

socklen_t fill(sockaddr_storage& storage, Ipv6Address address, std::uint16_t port) {
    sockaddr_in6 to{};
    to.sin6_family = AF_INET6;
    to.sin6_port = Be16(port).wire();
    const WireIpv6Address wire(address);
    std::memcpy(&to.sin6_addr, &wire, sizeof wire);
    std::memcpy(&storage, &to, sizeof to);
    return sizeof to;
}

std::uint64_t now_ns() {
    const auto now = EventLoop::Clock::now().time_since_epoch();
    return static_cast<std::uint64_t>(std::chrono::nanoseconds(now).count());
}

}  // namespace

Result<int> open_fpm_socket(const IpAddress& address, std::uint16_t port) {
    sockaddr_storage storage{};
    const socklen_t size =
        std::visit([&](const auto& a) { return fill(storage, a, port); }, address);
    const int socket =
        ::socket(storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
    const int on = 1;
    // A restart must not wait for the end of connections of the daemon before.
    if (socket >= 0 && ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
        ::bind(socket, reinterpret_cast<const sockaddr*>(&storage), size) == 0 &&
        ::listen(socket, kBacklog) == 0)
        return socket;
    const std::string why = std::strerror(errno);
    if (socket >= 0) ::close(socket);
    return Unexpected(ErrorCode::kUnavailable, "FPM socket " + to_string(address) + " port " +
                                                   std::to_string(port) + ": " + why);
}

Result<std::unique_ptr<FpmListener>> FpmListener::create(std::string name, EventLoop& loop,
                                                         int socket, RouteFeed& feed,
                                                         FpmCounters& counters,
                                                         std::chrono::milliseconds patience) {
    std::unique_ptr<FpmListener> listener(
        new FpmListener(std::move(name), loop, socket, feed, counters, patience));
    Status added =
        loop.add(socket, EPOLLIN, [raw = listener.get()](EventLoop::Events) { raw->accept_all(); });
    if (!added) return Unexpected(added.error());
    listener->is_listening_ = true;
    return listener;
}

FpmListener::FpmListener(std::string name, EventLoop& loop, int socket, RouteFeed& feed,
                         FpmCounters& counters, std::chrono::milliseconds patience)
    : name_(std::move(name)),
      loop_(loop),
      socket_(socket),
      feed_(feed),
      counters_(counters),
      newcomers_(loop, counters, patience,
                 [this](int accepted, FpmFrameReader frames) {
                     begin_connection(accepted, std::move(frames));
                 }),
      scratch_(kReadBytes) {}

FpmListener::~FpmListener() {
    if (connection_) close_connection();
    loop_.cancel(listen_timer_);
    if (is_listening_) loop_.remove(socket_);
    ::close(socket_);
}

void FpmListener::resync() {
    if (connection_) close_connection();
}

void FpmListener::accept_all() {
    while (true) {
        const int accepted = ::accept4(socket_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (accepted < 0) {
            const bool has_gone = errno == ECONNABORTED || errno == EINTR || would_block();
            if (!has_gone) pause_listening(errno);
            return;
        }
        const int on = 1;  // a zebra whose host has died is noticed, at last; of TCP only
        ::setsockopt(accepted, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
        if (!connection_) {
            begin_connection(accepted, {});
        } else if (const Status added = newcomers_.add(accepted); !added) {
            log_error("FPM {}: {}", name_, added.error().message);
        }
    }
}

void FpmListener::begin_connection(int socket, FpmFrameReader frames) {
    const Status added = loop_.add(socket, EPOLLIN, [this](EventLoop::Events) { receive(); });
    if (!added) {
        log_error("FPM {}: {}", name_, added.error().message);
        ::close(socket);
        return;
    }
    if (connection_) {
        counters_.count(FpmEvent::kSuperseded);
        close_connection();
    }
    connection_.emplace(Connection{.socket = socket, .frames = std::move(frames)});
    counters_.expect_anew();
    counters_.count(FpmEvent::kConnected);
    log_info("FPM {}: zebra connected; {} routes are kept until it repeats them", name_,
             feed_.route_count());
    feed_.begin_replay(now_ns());
}

// Who waits stays readable, and the loop would find it so for ever.
void FpmListener::pause_listening(int error) {
    log_error("FPM {}: nobody can connect for now: {}", name_, std::strerror(error));
    loop_.modify(socket_, 0);
    listen_timer_ = loop_.after(kListenPause, [this] { loop_.modify(socket_, EPOLLIN); });
}

// Takes bytes only; turn() works on them.
void FpmListener::receive() {
    CHECK(connection_.has_value());
    const ssize_t count = ::recv(connection_->socket, scratch_.data(), scratch_.size(), 0);
    if (count < 0 && would_block()) return;
    if (count <= 0) {
        connection_->is_ended = true;
        return stop_reading();
    }
    connection_->frames.append(
        std::span<const std::uint8_t>(scratch_).first(static_cast<std::size_t>(count)));
    if (connection_->frames.waiting_bytes() >= kWaitingBytesMax) stop_reading();
}

void FpmListener::stop_reading() {
    if (std::exchange(connection_->is_reading, false)) loop_.remove(connection_->socket);
}

void FpmListener::turn(EventLoop::Clock::time_point end) {
    const std::uint64_t now = now_ns();
    bool is_heard = false;
    // The feed first: what it holds is bounded by that.
    while (EventLoop::Clock::now() < end) {
        if (feed_.has_work()) {
            feed_.work();
        } else if (!hear_frame(now)) {
            is_heard = true;
            break;
        }
    }
    if (connection_) resume_or_end();
    if (is_heard) feed_.tick(now);
    if (feed_.wants_replay()) resync();
    if (feed_.has_work() || (connection_ && connection_->frames.has_frame())) loop_.hurry();
    log_news();
}

bool FpmListener::hear_frame(std::uint64_t now_ns) {
    if (!connection_) return false;
    const auto frame = connection_->frames.next();
    if (!frame) return false;
    counters_.count(FpmEvent::kFrame);
    messages_.clear();
    decode_netlink(*frame, messages_, counters_);
    for (const FpmMessage& message : messages_) feed_.hear(message, now_ns);
    return true;
}

void FpmListener::resume_or_end() {
    if (const auto error = connection_->frames.error()) {
        counters_.count(*error);
        return close_connection();
    }
    const std::size_t waiting = connection_->frames.waiting_bytes();
    if (connection_->is_ended) {
        // Less than a frame may be left; it is worth nothing.
        if (!connection_->frames.has_frame()) close_connection();
        return;
    }
    if (connection_->is_reading || waiting >= kWaitingBytesMax / 2) return;
    const Status added =
        loop_.add(connection_->socket, EPOLLIN, [this](EventLoop::Events) { receive(); });
    connection_->is_reading = added.has_value();  // else the next turn tries again
}

void FpmListener::close_connection() {
    stop_reading();
    ::close(connection_->socket);
    connection_.reset();
    counters_.count(FpmEvent::kDisconnected);
    log_info("FPM {}: connection closed; {} routes stay", name_, feed_.route_count());
    feed_.end_session();
}

void FpmListener::log_news() {
    counters_.tell_new([this](const FpmEventInfo& info, std::uint32_t subject) {
        log_warning("FPM {}: {} ({}): {}{}", name_, info.name, subject, info.meaning,
                    info.verdict == EventVerdict::kClosed ? "; the connection is closed" : "");
    });
}

}  // namespace causeway
