// SPDX-License-Identifier: Apache-2.0
//
// Sockets of the Unix domain, by their paths, and what calls that do not block say.
#pragma once

#include <sys/un.h>

#include <optional>
#include <string>

namespace causeway {

// 1 to 107 bytes (unix(7)).
[[nodiscard]] bool is_socket_path(const std::string& path) noexcept;

// REQUIRES: is_socket_path().
[[nodiscard]] sockaddr_un socket_address(const std::string& path) noexcept;

// A stream that does not block, connected: to a Unix socket that happens at once or not at all.
// Nothing: nobody listens there, or errno says what else it was. The caller closes it.
[[nodiscard]] std::optional<int> connect_unix_socket(const std::string& path);

// errno says that the call may work later.
[[nodiscard]] bool would_block() noexcept;

}  // namespace causeway
