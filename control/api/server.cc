// SPDX-License-Identifier: Apache-2.0
#include "control/api/server.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <utility>

#include "control/api/methods.h"

namespace causeway {
namespace {

constexpr std::size_t kReadBytes = std::size_t{256} << 10;
constexpr int kAcceptsPerTurnMax = 64;
// How long to leave the backlog alone when the system has no descriptor left.
constexpr std::chrono::milliseconds kAcceptPause{100};

void say_and_close(int descriptor, const RpcError& error) {
    const std::string text = answer_text(error) + '\n';
    // A new socket takes a line; if not, the caller learns by the close.
    [[maybe_unused]] const ssize_t sent =
        ::send(descriptor, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    ::close(descriptor);
}

}  // namespace

Result<std::unique_ptr<ApiServer>> ApiServer::start(EventLoop& loop, RouterApi& router,
                                                    Options options) {
    Result<ListenSocket> socket = ListenSocket::create(options.path);
    if (!socket) return Unexpected(socket.error());
    std::unique_ptr<ApiServer> server(
        new ApiServer(loop, router, std::move(options), std::move(*socket)));
    const Status added =
        loop.add(server->socket_.descriptor(), EPOLLIN,
                 [raw = server.get()](EventLoop::Events) { raw->accept_callers(); });
    if (!added) return Unexpected(added.error());
    server->stall_timer_ =
        loop.every(std::max(server->options_.limits.stall_max / 4, std::chrono::milliseconds(10)),
                   [raw = server.get()] { raw->cut_stalled(); });
    return server;
}

ApiServer::ApiServer(EventLoop& loop, RouterApi& router, Options options, ListenSocket socket)
    : loop_(loop),
      rpc_(router, methods()),
      options_(std::move(options)),
      socket_(std::move(socket)),
      scratch_(kReadBytes) {}

ApiServer::~ApiServer() {
    if (stall_timer_ == 0) return;  // start() failed half-way: nothing is registered
    loop_.cancel(stall_timer_);
    loop_.cancel(work_timer_);
    loop_.cancel(accept_timer_);
    for (const auto& caller : callers_) loop_.remove(caller.first);
    loop_.remove(socket_.descriptor());
}

void ApiServer::accept_callers() {
    for (int i = 0; i < kAcceptsPerTurnMax; ++i) {
        // Nobody is refused for the sake of callers that are gone: those end within a few turns,
        // and until then the next one waits in the backlog.
        if (!has_room_for(Role::kReadOnly) && has_vanished_callers()) return;
        const int descriptor =
            ::accept4(socket_.descriptor(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (descriptor >= 0) {
            admit(descriptor);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
            return pause_accepting();
        } else if (errno != ECONNABORTED) {
            return;
        }
    }
}

// The backlog stays readable, and the loop would find it so for ever.
void ApiServer::pause_accepting() {
    loop_.modify(socket_.descriptor(), 0);
    accept_timer_ =
        loop_.after(kAcceptPause, [this] { loop_.modify(socket_.descriptor(), EPOLLIN); });
}

bool ApiServer::has_room_for(Role role) const {
    const ApiLimits& limits = options_.limits;
    const std::size_t reserve = role == Role::kAdmin ? 0 : limits.admin_reserve;
    return callers_.size() + reserve < limits.connections_max;
}

// A caller that only ended its input still reads, and does not count.
bool ApiServer::has_vanished_callers() const {
    std::vector<pollfd> sockets;
    sockets.reserve(callers_.size());
    for (const auto& caller : callers_) sockets.push_back({caller.first, 0, 0});
    if (::poll(sockets.data(), sockets.size(), 0) <= 0) return false;
    return std::ranges::any_of(
        sockets, [](const pollfd& socket) { return (socket.revents & POLLHUP) != 0; });
}

void ApiServer::admit(int descriptor) {
    const Result<PeerCredentials> peer = peer_credentials(descriptor);
    if (!peer) return say_and_close(descriptor, rpc_error(peer.error()));
    const Role role = role_of(*peer, options_.policy);
    if (!has_room_for(role))
        return say_and_close(
            descriptor, rpc_error(RpcCode::kFull, "too many connections; close some, or wait"));
    const ApiLimits& limits = options_.limits;
    const std::size_t bytes_max =
        role == Role::kAdmin ? limits.admin_message_bytes_max : limits.reader_message_bytes_max;
    Caller caller{std::make_unique<ApiConnection>(descriptor, role, bytes_max), EPOLLIN, false};
    const Status added =
        loop_.add(descriptor, EPOLLIN,
                  [this, descriptor](EventLoop::Events events) { on_events(descriptor, events); });
    if (added) callers_.emplace(descriptor, std::move(caller));
}

void ApiServer::on_events(int descriptor, EventLoop::Events events) {
    ApiConnection& connection = *callers_.at(descriptor).connection;
    if ((events & EPOLLIN) != 0 && connection.wants_input()) {
        connection.receive(scratch_);
        bound_input(connection);
    } else if ((events & (EPOLLHUP | EPOLLERR)) != 0 && connection.wants_input()) {
        connection.receive(scratch_);  // finds out what happened
    }
    settle(descriptor);
}

void ApiServer::work() {
    work_timer_ = 0;
    const auto end = EventLoop::Clock::now() + kWorkTimeMax;
    for (int calls = 0; calls < kCallsPerTurnMax && !ready_.empty(); ++calls) {
        const int descriptor = ready_.front();
        ready_.pop_front();
        Caller& caller = callers_.at(descriptor);
        caller.is_queued = false;
        if (caller.connection->has_work()) caller.connection->work(rpc_);
        settle(descriptor);
        if (EventLoop::Clock::now() >= end) break;
    }
    if (!ready_.empty() && work_timer_ == 0)
        work_timer_ = loop_.after(EventLoop::Clock::duration::zero(), [this] { work(); });
}

// After anything happened on a connection: send, queue, wait for what it needs, or end it.
void ApiServer::settle(int descriptor) {
    Caller& caller = callers_.at(descriptor);
    ApiConnection& connection = *caller.connection;
    // Answers to a caller that goes on asking are collected, for one send costs as much as a call.
    if (connection.has_output() && !connection.has_work()) {
        connection.flush();
        if (connection.output_bytes() > ApiConnection::kOutputPauseBytes) {
            bound_output();
            if (!callers_.contains(descriptor)) return;
        }
    }
    if (connection.is_finished()) return close(descriptor);
    if (connection.has_work() && !caller.is_queued) {
        caller.is_queued = true;
        ready_.push_back(descriptor);
        if (work_timer_ == 0)
            work_timer_ = loop_.after(EventLoop::Clock::duration::zero(), [this] { work(); });
    }
    const EventLoop::Events events =
        (connection.wants_input() ? EventLoop::Events{EPOLLIN} : EventLoop::Events{0}) |
        (connection.has_output() ? EventLoop::Events{EPOLLOUT} : EventLoop::Events{0});
    if (events == caller.events) return;
    caller.events = events;
    loop_.modify(descriptor, events);
}

void ApiServer::bound_input(ApiConnection& connection) {
    if (connection.input_bytes() <= options_.limits.reader_message_bytes_max) return;
    std::size_t bytes = 0;
    for (const auto& caller : callers_) bytes += caller.second.connection->input_bytes();
    if (bytes <= options_.limits.input_bytes_max) return;
    connection.refuse(rpc_error(
        RpcCode::kFull, "too many large messages at the same time; send this one again later"));
}

// Whoever left most unread goes, which need not be the one at hand. REQUIRES: a caller.
void ApiServer::bound_output() {
    std::size_t bytes = 0;
    std::size_t most = 0;
    int slowest = callers_.begin()->first;
    for (const auto& [descriptor, caller] : callers_) {
        const std::size_t unread = caller.connection->output_bytes();
        bytes += unread;
        if (unread <= most) continue;
        most = unread;
        slowest = descriptor;
    }
    if (bytes > options_.limits.output_bytes_max) close(slowest);
}

void ApiServer::cut_stalled() {
    const auto then = ApiConnection::Clock::now() - options_.limits.stall_max;
    std::vector<int> stalled;
    for (const auto& [descriptor, caller] : callers_) {
        if (caller.connection->is_stalled_since(then)) stalled.push_back(descriptor);
    }
    for (const int descriptor : stalled) {
        ApiConnection& connection = *callers_.at(descriptor).connection;
        if (connection.has_output()) {
            connection.abandon();
        } else {
            connection.refuse(
                rpc_error(RpcCode::kInvalidRequest, "half a message, and no more of it for long"));
        }
        settle(descriptor);
    }
}

void ApiServer::close(int descriptor) {
    std::erase(ready_, descriptor);
    loop_.remove(descriptor);
    callers_.erase(descriptor);
}

}  // namespace causeway
