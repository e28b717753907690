// SPDX-License-Identifier: Apache-2.0
#include "control/frr/bgpd_client.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <utility>

#include "base/check.h"
#include "control/api/unix_socket.h"

namespace causeway {
namespace {

constexpr std::size_t kReadBytes = std::size_t{16} << 10;
constexpr std::size_t kTrailerBytes = 4;

}  // namespace

std::optional<VtyAnswer> VtyReader::next() {
    const std::size_t zero = bytes_.find('\0', begin_);
    if (zero == std::string::npos || bytes_.size() - zero < kTrailerBytes) return std::nullopt;
    VtyAnswer answer{.text = bytes_.substr(begin_, zero - begin_),
                     .code = static_cast<std::uint8_t>(bytes_[zero + kTrailerBytes - 1])};
    begin_ = zero + kTrailerBytes;
    if (begin_ == bytes_.size()) {
        bytes_.clear();
        begin_ = 0;
    }
    return answer;
}

BgpdClient::BgpdClient(EventLoop& loop, std::string path, Listener listener)
    : loop_(loop), path_(std::move(path)), listener_(std::move(listener)) {}

BgpdClient::~BgpdClient() {
    if (!connection_) return;
    loop_.remove(connection_->socket);
    ::close(connection_->socket);
}

void BgpdClient::connect() {
    if (connection_) return;
    const std::optional<int> socket = connect_unix_socket(path_);
    if (!socket) return;
    if (!loop_.add(*socket, EPOLLIN, [this](EventLoop::Events events) { ready(events); })) {
        ::close(*socket);
        return;
    }
    connection_.emplace(Connection{.socket = *socket});
    listener_.came();
}

void BgpdClient::type(const std::vector<std::string>& lines) {
    CHECK(is_connected() && !is_typing());
    connection_->complaint.clear();
    add("enable", Awaited::kLine);
    add("configure terminal", Awaited::kLine);
    for (const std::string& line : lines) add(line, Awaited::kLine);
    add("end", Awaited::kLine);
    connection_->lines_awaited = lines.size() + 3;
    if (!send()) disconnect();
}

// A command that does nothing, whatever was typed before.
void BgpdClient::ask() {
    CHECK(is_connected());
    add("enable", Awaited::kSignOfLife);
    if (!send()) disconnect();
}

void BgpdClient::add(std::string_view command, Awaited answer) {
    connection_->output += command;
    connection_->output += '\0';
    connection_->awaited.push_back(answer);
}

void BgpdClient::ready(EventLoop::Events events) {
    const bool has_input = (events & ~EventLoop::Events{EPOLLOUT}) != 0;
    if ((has_input && !receive()) || !send()) disconnect();
}

bool BgpdClient::receive() {
    std::array<char, kReadBytes> bytes;
    const ssize_t count = ::recv(connection_->socket, bytes.data(), bytes.size(), 0);
    if (count < 0) return would_block();
    if (count == 0) return false;
    connection_->reader.append({bytes.data(), static_cast<std::size_t>(count)});
    while (const auto answer = connection_->reader.next()) {
        if (connection_->awaited.empty()) return false;  // it answers what nobody has asked
        hear(*answer);
    }
    return connection_->reader.waiting() <= kAnswerBytesMax;
}

void BgpdClient::hear(const VtyAnswer& answer) {
    const Awaited awaited = connection_->awaited.front();
    connection_->awaited.pop_front();
    if (awaited == Awaited::kSignOfLife) return listener_.answered();
    std::string& complaint = connection_->complaint;
    if (answer.code != 0 && complaint.empty()) {
        complaint = answer.text.empty() ? "code " + std::to_string(answer.code) : answer.text;
        while (complaint.ends_with('\n')) complaint.pop_back();
    }
    if (--connection_->lines_awaited != 0) return;
    if (complaint.empty()) return listener_.typed(ok());
    listener_.typed(Unexpected(ErrorCode::kInvalid, complaint));
}

bool BgpdClient::send() {
    std::string& output = connection_->output;
    while (!output.empty()) {
        const ssize_t count =
            ::send(connection_->socket, output.data(), output.size(), MSG_NOSIGNAL);
        if (count < 0 && !would_block()) return false;
        if (count < 0) break;
        output.erase(0, static_cast<std::size_t>(count));
    }
    const bool must_wait = !output.empty();
    if (std::exchange(connection_->waits_to_send, must_wait) != must_wait) {
        loop_.modify(connection_->socket, must_wait ? EPOLLIN | EPOLLOUT : EPOLLIN);
    }
    return true;
}

void BgpdClient::disconnect() {
    loop_.remove(connection_->socket);
    ::close(connection_->socket);
    connection_.reset();
    listener_.went();
}

}  // namespace causeway
