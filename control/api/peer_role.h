// SPDX-License-Identifier: Apache-2.0
//
// Who is on the other end of the control socket, and what may they do.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "control/api/json_rpc.h"

namespace causeway {

struct PeerCredentials {
    uid_t user = 0;
    std::vector<gid_t> groups;  // the primary one and the supplementary ones, as of connect()
};

struct AdminPolicy {
    uid_t daemon_user = 0;
    std::optional<gid_t> group;  // members are admins
};

// Root, the daemon's own user and the admin group's members are admins; all others may read.
[[nodiscard]] Role role_of(const PeerCredentials& peer, const AdminPolicy& policy);

// Of a connected Unix socket, from the kernel (unix(7): SO_PEERCRED, SO_PEERGROUPS), so no name
// service is asked and nothing the peer says is believed.
[[nodiscard]] Result<PeerCredentials> peer_credentials(int socket);

// The policy of this process. An empty name means no group. May ask a name service: at start only.
[[nodiscard]] Result<AdminPolicy> admin_policy(const std::string& group_name);

}  // namespace causeway
