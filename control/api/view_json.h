// SPDX-License-Identifier: Apache-2.0
//
// The router's views as JSON, in the words and spelling of the configuration document. Units are
// part of a member's name. docs/api.md lists the members.
#pragma once

#include <array>
#include <string_view>
#include <vector>

#include "control/api/json_rpc.h"
#include "control/api/router_api.h"

namespace causeway {

// In the order of RouteSource.
inline constexpr std::array<std::string_view, kRouteSources> kRouteSourceWords{"connected", "api",
                                                                               "static", "bgp"};

[[nodiscard]] Json json_of(const DaemonStatus& status);
[[nodiscard]] Json json_of(const WorkerView& worker);
[[nodiscard]] Json json_of(const LimitUse& limit);
[[nodiscard]] Json json_of(const PortView& port);
[[nodiscard]] Json json_of(const StageView& stage);
[[nodiscard]] Json json_of(const FpmView& listener);
[[nodiscard]] Json json_of(const VrfView& vrf);
[[nodiscard]] Json json_of(const CircuitView& circuit);
[[nodiscard]] Json json_of(const CircuitLegView& leg);
[[nodiscard]] Json json_of(const PeeringView& peering);
[[nodiscard]] Json json_of(const AttachmentView& attachment);
[[nodiscard]] Json json_of(const CountersView& counters);
[[nodiscard]] Json json_of(const PuntView& punt);
[[nodiscard]] Json json_of(const NeighbourView& neighbour);
[[nodiscard]] Json json_of(const BfdView& session);
[[nodiscard]] Json json_of(const RouteView& route);
[[nodiscard]] std::string_view action_word(const RouteView& route);
[[nodiscard]] Json json_of(const RouteHopView& hop);
[[nodiscard]] Json json_of(const GroupView& group);
[[nodiscard]] Json json_of(const GroupMemberView& member);
[[nodiscard]] Json json_of(const RouteMatch& match);
[[nodiscard]] Json json_of(const ReasonCount& reason);
[[nodiscard]] Json json_of(const ConfigError& error);
[[nodiscard]] Json json_of(const ConfigChange& change);

template <class Row>
[[nodiscard]] Json json_list(const std::vector<Row>& rows) {
    Json list = Json::array();
    for (const Row& row : rows) list.push_back(json_of(row));
    return list;
}

}  // namespace causeway
