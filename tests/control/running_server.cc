// SPDX-License-Identifier: Apache-2.0
#include "tests/control/running_server.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <utility>

#include "base/check.h"

namespace causeway {

RunningServer::RunningServer(const ApiLimits& limits) {
    std::string pattern = "/tmp/causeway-api-XXXXXX";
    CHECK(::mkdtemp(pattern.data()) != nullptr);
    directory_ = pattern;
    ::chmod(directory_.c_str(), 0755);  // callers of any user find the socket
    path_ = directory_ + "/control.sock";
    loop_ = std::move(EventLoop::create().value());
    server_ = std::move(
        ApiServer::start(*loop_, router_, {path_, AdminPolicy{::geteuid(), {}}, limits}).value());
    thread_ = std::thread([this] { loop_->run(); });
}

FakeRouter& RunningServer::stop() {
    if (thread_.joinable()) {
        loop_->stop();
        thread_.join();
    }
    return router_;
}

RunningServer::~RunningServer() {
    stop();
    server_.reset();
    std::filesystem::remove_all(directory_);
}

Caller::Caller(const std::string& path) : socket_(::socket(AF_UNIX, SOCK_STREAM, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    CHECK(path.size() < sizeof address.sun_path);
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    CHECK(::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    const timeval patience{.tv_sec = 10, .tv_usec = 0};
    CHECK(::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0);
}

Caller::~Caller() {
    if (socket_ >= 0) ::close(socket_);
}

Caller::Caller(Caller&& other) noexcept
    : socket_(std::exchange(other.socket_, -1)), received_(std::move(other.received_)) {}

bool Caller::send(std::string_view text) const {
    while (!text.empty()) {
        const ssize_t count = ::send(socket_, text.data(), text.size(), MSG_NOSIGNAL);
        if (count <= 0) return false;
        text.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
}

std::optional<std::string> Caller::read_line() {
    std::array<char, 64 << 10> chunk;
    std::size_t searched = 0;
    while (true) {
        if (const std::size_t end = received_.find('\n', searched); end != std::string::npos) {
            std::string line = received_.substr(0, end);
            received_.erase(0, end + 1);
            return line;
        }
        searched = received_.size();
        const ssize_t count = ::recv(socket_, chunk.data(), chunk.size(), 0);
        if (count <= 0) return std::nullopt;
        received_.append(chunk.data(), static_cast<std::size_t>(count));
    }
}

Json Caller::ask(std::string_view line) {
    if (!send(std::string(line) + '\n')) return Json("could not send");
    const auto answer = read_line();
    return answer ? Json::parse(*answer, nullptr, false) : Json("no answer");
}

void Caller::end_input() const {
    ::shutdown(socket_, SHUT_WR);
}

}  // namespace causeway
