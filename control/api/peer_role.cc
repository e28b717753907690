// SPDX-License-Identifier: Apache-2.0
#include "control/api/peer_role.h"

#include <grp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace causeway {

Role role_of(const PeerCredentials& peer, const AdminPolicy& policy) {
    if (peer.user == 0 || peer.user == policy.daemon_user) return Role::kAdmin;
    const bool is_member = policy.group && std::ranges::count(peer.groups, *policy.group) != 0;
    return is_member ? Role::kAdmin : Role::kReadOnly;
}

Result<PeerCredentials> peer_credentials(int socket) {
    ucred credentials{};
    socklen_t bytes = sizeof credentials;
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &bytes) < 0)
        return Unexpected(ErrorCode::kUnavailable,
                          std::string("SO_PEERCRED: ") + std::strerror(errno));
    PeerCredentials peer{credentials.uid, std::vector<gid_t>(64)};
    bytes = static_cast<socklen_t>(peer.groups.size() * sizeof(gid_t));
    // The kernel says how much it needs when the room is too small.
    int status = ::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, peer.groups.data(), &bytes);
    if (status < 0 && errno == ERANGE) {
        peer.groups.resize(bytes / sizeof(gid_t));
        status = ::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, peer.groups.data(), &bytes);
    }
    if (status < 0)
        return Unexpected(ErrorCode::kUnavailable,
                          std::string("SO_PEERGROUPS: ") + std::strerror(errno));
    peer.groups.resize(bytes / sizeof(gid_t));
    peer.groups.push_back(credentials.gid);
    return peer;
}

Result<AdminPolicy> admin_policy(const std::string& group_name) {
    AdminPolicy policy{::geteuid(), std::nullopt};
    if (group_name.empty()) return policy;
    const group* found = ::getgrnam(group_name.c_str());  // single-threaded yet: at start
    if (found == nullptr)
        return Unexpected(ErrorCode::kNotFound, "no group '" + group_name + "' on this system",
                          "daemon.admin-group");
    policy.group = found->gr_gid;
    return policy;
}

}  // namespace causeway
