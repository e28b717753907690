// SPDX-License-Identifier: Apache-2.0
//
// The text of a page of routes is what the values would be.
#include "control/api/route_json.h"

#include <gtest/gtest.h>

#include "base/text.h"
#include "control/api/view_json.h"

namespace causeway {
namespace {

Json page(const std::vector<RouteView>& routes, const std::optional<std::string>& next) {
    return {{"items", json_list(routes)}, {"next", next ? Json(*next) : Json(nullptr)}};
}

RouteView route(std::string_view prefix) {
    RouteView view;
    view.vrf = "contoso";
    view.prefix = *parse_ip_prefix(prefix);
    view.group = GroupId(17);
    return view;
}

TEST(RouteJson, IsWhatTheValuesWouldBe) {
    std::vector<RouteView> routes;
    EXPECT_EQ(route_page_text(routes, std::nullopt), json_text(page(routes, std::nullopt)));
    routes.push_back(route("10.0.0.0/8"));
    routes.back().action = RouteAction::kBlackhole;
    routes.back().source = RouteSource::kApi;
    routes.back().stale = true;
    routes.push_back(route("192.168.255.255/32"));
    routes.back().local = true;
    routes.back().selected = false;
    routes.back().source = RouteSource::kConnected;
    routes.push_back(route("2001:db8::/32"));
    routes.back().source = RouteSource::kBgp;
    routes.back().via = {
        {*parse_ip_address("2001:db8::1"), 64, "contoso/private/primary", false, true},
        {*parse_ip_address("10.0.0.1"), 1, "", true, false}};
    const std::string text = route_page_text(routes, "contoso 2001:db8::/32 bgp");
    EXPECT_EQ(text, json_text(page(routes, "contoso 2001:db8::/32 bgp")));
}

TEST(RouteJson, EscapesWhatNeedsIt) {
    for (const std::string name : {"plain", "", "with \"quotes\"", "back\\slash", "line\nbreak",
                                   "\x01\x1f\x7f", "\xc3\xa9", "not UTF-8: \xff\xc3", "end\\"}) {
        std::string text = "before";
        append_json(text, name);
        EXPECT_EQ(text, "before" + json_text(Json(name)));
    }
}

}  // namespace
}  // namespace causeway
