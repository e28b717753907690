// SPDX-License-Identifier: Apache-2.0
//
// Pages of routes as JSON text, written without a value in between: a table has a million. The text
// is what view_json.h would make of them.
#pragma once

#include <string>
#include <string_view>

#include "control/api/router_api.h"

namespace causeway {

// `next`: the cursor's text, or nothing at the end of the list.
[[nodiscard]] std::string route_page_text(const std::vector<RouteView>& routes,
                                          const std::optional<std::string>& next);

// A string with its quotes. Bytes that are not UTF-8 are replaced.
void append_json(std::string& text, std::string_view value);

}  // namespace causeway
