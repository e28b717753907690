// SPDX-License-Identifier: Apache-2.0
#include "control/api/route_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "base/text.h"
#include "control/api/view_json.h"

namespace causeway {
namespace {

// Of a page's rows, about.
constexpr std::size_t kRowBytes = 256;

constexpr bool is_plain(char c) noexcept {
    return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

void append(std::string& text, const RouteHopView& hop) {
    text += R"({"address":)";
    append_json(text, to_string(hop.address));
    fmt::format_to(std::back_inserter(text), R"(,"weight":{},"attachment":)", hop.weight);
    if (hop.attachment.empty()) {
        text += "null";
    } else {
        append_json(text, hop.attachment);
    }
    fmt::format_to(std::back_inserter(text), R"(,"recursive":{},"alive":{}}})", hop.recursive,
                   hop.alive);
}

void append(std::string& text, const RouteView& route) {
    text += R"({"vrf":)";
    append_json(text, route.vrf);
    text += R"(,"prefix":)";
    append_json(text, to_string(route.prefix));
    fmt::format_to(std::back_inserter(text),
                   R"(,"source":"{}","selected":{},"stale":{},"action":"{}","group":{},"via":[)",
                   kRouteSourceWords[static_cast<std::size_t>(route.source)], route.selected,
                   route.stale, action_word(route), route.group.value());
    for (const RouteHopView& hop : route.via) {
        if (&hop != &route.via.front()) text += ',';
        append(text, hop);
    }
    text += "]}";
}

}  // namespace

void append_json(std::string& text, std::string_view value) {
    if (!std::ranges::all_of(value, is_plain)) {
        text += json_text(Json(value));
        return;
    }
    text += '"';
    text += value;
    text += '"';
}

std::string route_page_text(const std::vector<RouteView>& routes,
                            const std::optional<std::string>& next) {
    std::string text = R"({"items":[)";
    text.reserve(kRowBytes * (routes.size() + 1));
    for (const RouteView& route : routes) {
        if (&route != &routes.front()) text += ',';
        append(text, route);
    }
    text += R"(],"next":)";
    if (next) {
        append_json(text, *next);
    } else {
        text += "null";
    }
    text += '}';
    return text;
}

}  // namespace causeway
