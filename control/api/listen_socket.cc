// SPDX-License-Identifier: Apache-2.0
#include "control/api/listen_socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#include "control/api/unix_socket.h"

namespace causeway {
namespace {

constexpr std::string_view kNewSuffix = ".new";
constexpr int kBacklog = 1'024;  // as many as may be connected; the kernel may know better

Unexpected unavailable(const std::string& path, const std::string& why) {
    return {ErrorCode::kUnavailable, "control socket " + path + ": " + why, "daemon.socket"};
}

Unexpected system_error(const std::string& path, const char* call) {
    return unavailable(path, std::string(call) + ": " + std::strerror(errno));
}

int call_with_address(int (*call)(int, const sockaddr*, socklen_t), int socket,
                      const std::string& path) {
    const sockaddr_un address = socket_address(path);
    return call(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

// What stands in the way of our taking the path, if anything does.
std::optional<std::string> obstacle_at(const std::string& path) {
    struct stat existing {};
    if (::lstat(path.c_str(), &existing) < 0) return std::nullopt;
    if (!S_ISSOCK(existing.st_mode)) return "exists and is not a socket; remove it";
    const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (probe < 0) return std::string("socket: ") + std::strerror(errno);
    const int status = call_with_address(::connect, probe, path);
    // EAGAIN: a queue of callers that is full is a sign of life, too.
    const bool answers = status == 0 || errno != ECONNREFUSED;
    ::close(probe);
    if (answers) return "another process answers on it; is causewayd running already?";
    return std::nullopt;
}

Status make_parent(const std::string& path) {
    const std::filesystem::path parent = std::filesystem::path(path).parent_path();
    if (parent.empty()) return ok();
    std::error_code error;
    std::filesystem::create_directories(parent, error);
    if (error) return unavailable(path, "cannot make its directory: " + error.message());
    return ok();
}

}  // namespace

Result<ListenSocket> ListenSocket::create(const std::string& path) {
    const std::string new_path = path + std::string(kNewSuffix);
    if (path.empty() || !is_socket_path(new_path))
        return unavailable(path, "the path must have 1 to 103 bytes (unix(7))");
    if (const Status made = make_parent(path); !made) return Unexpected(made.error());
    if (const auto obstacle = obstacle_at(path)) return unavailable(path, *obstacle);

    const int descriptor = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return system_error(path, "socket");
    ListenSocket socket(descriptor, new_path);  // closes and removes on every way out
    ::unlink(new_path.c_str());
    if (call_with_address(::bind, descriptor, new_path) < 0) return system_error(path, "bind");
    struct stat bound {};
    if (::lstat(new_path.c_str(), &bound) < 0) return system_error(path, "lstat");
    socket.device_ = bound.st_dev;
    socket.inode_ = bound.st_ino;
    if (::chmod(new_path.c_str(), 0666) < 0) return system_error(path, "chmod");
    if (::listen(descriptor, kBacklog) < 0) return system_error(path, "listen");
    if (std::rename(new_path.c_str(), path.c_str()) < 0) return system_error(path, "rename");
    socket.path_ = path;
    return socket;
}

ListenSocket::ListenSocket(ListenSocket&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      path_(std::move(other.path_)),
      device_(other.device_),
      inode_(other.inode_) {}

ListenSocket::~ListenSocket() {
    if (descriptor_ < 0) return;
    struct stat now {};
    if (::lstat(path_.c_str(), &now) == 0 && now.st_dev == device_ && now.st_ino == inode_)
        ::unlink(path_.c_str());
    ::close(descriptor_);
}

}  // namespace causeway
