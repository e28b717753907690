// SPDX-License-Identifier: Apache-2.0
#include "control/api/unix_socket.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/check.h"

namespace causeway {

bool is_socket_path(const std::string& path) noexcept {
    return !path.empty() && path.size() < sizeof(sockaddr_un::sun_path);
}

sockaddr_un socket_address(const std::string& path) noexcept {
    DCHECK(is_socket_path(path));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    return address;
}

std::optional<int> connect_unix_socket(const std::string& path) {
    if (!is_socket_path(path)) {
        errno = ENAMETOOLONG;
        return std::nullopt;
    }
    const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (socket < 0) return std::nullopt;
    const sockaddr_un address = socket_address(path);
    if (::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
        return socket;
    const int why = errno;
    ::close(socket);
    errno = why;
    return std::nullopt;
}

bool would_block() noexcept {
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

}  // namespace causeway
