// SPDX-License-Identifier: Apache-2.0
//
// Routes as callers write them, read straight from the parsed message into a RouteBatch: no value
// in between, because a batch may hold a million of them.
#pragma once

#include <simdjson.h>

#include <string>
#include <variant>

#include "base/result.h"
#include "control/api/router_api.h"

namespace causeway {

// Edits of one batch.
inline constexpr std::size_t kRouteEditsMax = 1'000'000;

// Each element: {"op": "add"|"replace"|"delete", "prefix": P, "via": [...], "action": A}; "op" is
// "add" where it is missing. All that is wrong, up to kRouteFailuresMax, is found in one go.
[[nodiscard]] std::vector<RouteFailure> read_route_edits(simdjson::dom::array routes,
                                                         RouteBatch& batch);

// "via" of a route: each element "[recursive:]ADDRESS[@WEIGHT]" or {"address": A, "weight": W,
// "recursive": R}. Appends to the batch's pool and points the edit at it. Fields of errors begin
// with "via".
[[nodiscard]] Status read_via(simdjson::dom::array via, RouteBatch& batch, RouteEdit& edit);

// "forward", "blackhole", "unreachable", "prohibit".
[[nodiscard]] Result<RouteAction> read_action(std::string_view word);

// Whether the parts of an edit go together: next hops where it forwards, none elsewhere.
[[nodiscard]] Status check_route_edit(const RouteEdit& edit);

}  // namespace causeway
