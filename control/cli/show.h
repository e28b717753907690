// SPDX-License-Identifier: Apache-2.0
//
// `causeway show …`: one function a table. An empty argument means that none was given.
#pragma once

#include <string>
#include <string_view>

#include "control/cli/session.h"

namespace causeway::cli {

struct RouteArguments {
    std::string vrf;
    std::string source;
    std::string target;  // a prefix: it and what it covers; an address: its longest match
};

// A packet as `acl explain` is told of it.
struct PacketArguments {
    std::string acl;
    std::string source;
    std::string destination;
    std::string protocol;
    unsigned source_port = 0;  // 0: not given
    unsigned destination_port = 0;
    std::string icmp_type;
    std::string tcp_flags;
    std::string dscp;
    std::string fragment;
    std::string vrf;
};
[[nodiscard]] ExitCode explain_acl(Session& session, const PacketArguments& packet);

// The VRF given, or the only one there is; else the error says why one must be named.
[[nodiscard]] Called vrf_or_only(Session& session, const std::string& vrf, std::string_view why);

[[nodiscard]] ExitCode show_status(Session& session);
[[nodiscard]] ExitCode show_ports(Session& session);
[[nodiscard]] ExitCode show_circuits(Session& session, const std::string& name);
[[nodiscard]] ExitCode show_attachments(Session& session);
[[nodiscard]] ExitCode show_neighbours(Session& session, const std::string& attachment);
[[nodiscard]] ExitCode show_bfd(Session& session, const std::string& attachment);
[[nodiscard]] ExitCode show_vrfs(Session& session);
[[nodiscard]] ExitCode show_routes(Session& session, const RouteArguments& arguments);
[[nodiscard]] ExitCode show_fpm(Session& session, const std::string& name);
[[nodiscard]] ExitCode show_groups(Session& session);
[[nodiscard]] ExitCode show_counters(Session& session, const std::string& name);
[[nodiscard]] ExitCode show_punts(Session& session, const std::string& attachment);
[[nodiscard]] ExitCode show_drops(Session& session, const std::string& owner);
// Access lists, or one with its rules.
[[nodiscard]] ExitCode show_acl(Session& session, const std::string& name);
[[nodiscard]] ExitCode show_policer(Session& session);
[[nodiscard]] ExitCode show_peaks(Session& session);
[[nodiscard]] ExitCode show_stages(Session& session);
[[nodiscard]] ExitCode show_config(Session& session);
[[nodiscard]] ExitCode show_methods(Session& session);

}  // namespace causeway::cli
