// SPDX-License-Identifier: Apache-2.0
#include "control/cli/client.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "control/api/unix_socket.h"

namespace causeway::cli {
namespace {

// Much longer than any answer takes: the daemon is stuck, and waiting does not help.
constexpr timeval kPatience{.tv_sec = 60, .tv_usec = 0};

std::string_view advice_for(int error) {
    switch (error) {
        case ENOENT:
            return "There is no such socket: is causewayd running? Start it with `causewayd "
                   "--config FILE`, or name its socket with --socket or CAUSEWAY_SOCKET.";
        case ECONNREFUSED:
            return "Nobody answers on it: causewayd has ended. Start it again with `causewayd "
                   "--config FILE`.";
        case EACCES:
            return "You may not open it: look at the permissions of its directory.";
        default:
            return {};
    }
}

}  // namespace

Client::~Client() {
    if (socket_ >= 0) ::close(socket_);
}

CallError Client::unreachable(std::string_view why) const {
    return {ExitCode::kUnreachable,
            fmt::format("cannot reach causewayd at {}: {}", socket_path_, why), nullptr};
}

bool Client::connect(CallError& error) {
    if (!is_socket_path(socket_path_)) {
        error = unreachable("the path of a Unix socket has 1 to 107 bytes");
        return false;
    }
    const sockaddr_un address = socket_address(socket_path_);
    socket_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (socket_ < 0 ||
        ::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0) {
        const int code = errno;
        error = unreachable(fmt::format("{}. {}", std::strerror(code), advice_for(code)));
        return false;
    }
    // Fails on no socket we could have; without it we would wait for longer.
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience);
    return true;
}

bool Client::send(std::string_view text) {
    while (!text.empty()) {
        const ssize_t count = ::send(socket_, text.data(), text.size(), MSG_NOSIGNAL);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return false;
        text.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
}

bool Client::receive_line(std::string& line) {
    std::array<char, 64 << 10> chunk;
    std::size_t searched = 0;
    while (true) {
        const std::size_t newline = received_.find('\n', searched);
        if (newline != std::string::npos) {
            line = received_.substr(0, newline);
            received_.erase(0, newline + 1);
            return true;
        }
        searched = received_.size();
        const ssize_t count = ::recv(socket_, chunk.data(), chunk.size(), 0);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) {
            if (count == 0) errno = ECONNRESET;
            return false;
        }
        received_.append(chunk.data(), static_cast<std::size_t>(count));
    }
}

Called Client::call(std::string_view method, const Json& params) {
    return call_text(method, params.dump(-1, ' ', false, Json::error_handler_t::replace));
}

Called Client::call_text(std::string_view method, std::string_view params) {
    auto line = call_line(method, params);
    if (CallError* error = std::get_if<CallError>(&line)) return std::move(*error);
    return answer_of(std::get<std::string>(line));
}

std::variant<std::string, CallError> Client::call_line(std::string_view method,
                                                       std::string_view params) {
    if (CallError error; socket_ < 0 && !connect(error)) return error;
    const bool is_sent = send(fmt::format(R"({{"jsonrpc":"2.0","id":{},"method":"{}","params":)",
                                          next_id_++, method)) &&
                         send(params) && send("}\n");
    // A daemon that refuses a connection says why and hangs up: that reads better than EPIPE.
    std::string line;
    const int send_error = errno;
    if (!receive_line(line)) {
        const int code = is_sent ? errno : send_error;
        return unreachable(code == EAGAIN ? "no answer for a minute; is the daemon stuck?"
                                          : fmt::format("{}. Has the daemon just ended? Its log "
                                                        "says more.",
                                                        std::strerror(code)));
    }
    return line;
}

Called Client::answer_of(std::string_view line) const {
    Json answer = Json::parse(line, nullptr, false);
    if (!answer.is_object()) return unreachable("what answers there is not causewayd");
    if (answer.contains("result")) return std::move(answer["result"]);
    const Json& error = answer.at("error");
    return CallError{ExitCode::kRefused, error.at("message").get<std::string>(),
                     error.value("data", Json(nullptr))};
}

}  // namespace causeway::cli
