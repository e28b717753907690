// SPDX-License-Identifier: Apache-2.0
//
// Methods that only read.
#include <algorithm>
#include <charconv>
#include <string>

#include "base/text.h"
#include "control/api/method_handlers.h"
#include "control/api/page_json.h"
#include "control/api/route_json.h"
#include "control/api/view_json.h"

namespace causeway::detail {
namespace {

std::string text_of(const std::string& name) {
    return name;
}
std::string text_of(GroupId group) {
    return std::to_string(group.value());
}
std::string text_of(const NeighbourCursor& cursor) {
    return cursor.attachment + ' ' + to_string(cursor.address);
}
std::string text_of(const RouteCursor& cursor) {
    return cursor.vrf + ' ' + to_string(cursor.prefix) + ' ' +
           std::string(kRouteSourceWords[static_cast<std::size_t>(cursor.source)]);
}

std::optional<RouteSource> source_of(std::string_view word) {
    const auto found = std::ranges::find(kRouteSourceWords, word);
    if (found == kRouteSourceWords.end()) return std::nullopt;
    return static_cast<RouteSource>(found - kRouteSourceWords.begin());
}

bool read_cursor(std::string_view text, std::string& name) {
    name = text;
    return true;
}

bool read_cursor(std::string_view text, GroupId& group) {
    std::uint16_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    group = GroupId(value);
    return error == std::errc() && end == text.data() + text.size();
}

bool read_cursor(std::string_view text, NeighbourCursor& cursor) {
    const auto address = parse_ip_address(take_last_word(text));
    if (!address) return false;
    cursor = {std::string(text), *address};
    return true;
}

bool read_cursor(std::string_view text, RouteCursor& cursor) {
    const auto source = source_of(take_last_word(text));
    const auto prefix = parse_ip_prefix(take_last_word(text));
    if (!source || !prefix) return false;
    cursor = {std::string(text), *prefix, *source};
    return true;
}

// The page that the parameters `after` and `limit` ask for; nothing: `after` is none of ours.
template <class Cursor>
std::optional<PageRequest<Cursor>> page_request(const Params& params) {
    PageRequest<Cursor> request;
    request.limit = page_limit(params);
    if (const auto after = params.text("after")) {
        request.after.emplace();
        if (!read_cursor(*after, *request.after)) return std::nullopt;
    }
    return request;
}

template <class Row, class Cursor>
Json page_json(const Page<Row, Cursor>& page) {
    return {{"items", json_list(page.items)},
            {"next", page.next ? Json(text_of(*page.next)) : Json(nullptr)}};
}

template <class Row, class Cursor>
Answer page_answer(const Result<Page<Row, Cursor>>& page) {
    if (!page) return rpc_error(page.error());
    return page_json(*page);
}

template <class View>
Answer view_answer(const Result<View>& view) {
    if (!view) return rpc_error(view.error());
    return json_of(*view);
}

std::optional<std::string> owned(std::optional<std::string_view> text) {
    if (!text) return std::nullopt;
    return std::string(*text);
}

}  // namespace

Answer get_status(RouterApi& router, const Params&) {
    return json_of(router.status());
}

Answer list_fpm(RouterApi& router, const Params&) {
    return Json{{"items", json_list(router.fpm_listeners())}, {"next", nullptr}};
}

Answer get_fpm(RouterApi& router, const Params& params) {
    const std::string name(*params.text("name"));
    const std::vector<FpmView> listeners = router.fpm_listeners();
    const auto found = std::ranges::find(listeners, name, &FpmView::name);
    if (found != listeners.end()) return json_of(*found);
    return rpc_error(Error{ErrorCode::kNotFound, "there is no FPM listener " + name, "name"});
}

Answer list_ports(RouterApi& router, const Params&) {
    return Json{{"items", json_list(router.ports())}, {"next", nullptr}};
}

Answer list_stages(RouterApi& router, const Params&) {
    return Json{{"items", json_list(router.stages())}, {"next", nullptr}};
}

Answer list_vrfs(RouterApi& router, const Params& params) {
    return page_json(router.vrfs(*page_request<std::string>(params)));
}

Answer list_circuits(RouterApi& router, const Params& params) {
    return page_json(router.circuits(*page_request<std::string>(params)));
}

Answer get_circuit(RouterApi& router, const Params& params) {
    return view_answer(router.circuit(*params.text("name")));
}

Answer list_attachments(RouterApi& router, const Params& params) {
    return page_json(router.attachments(*page_request<std::string>(params)));
}

Answer get_attachment(RouterApi& router, const Params& params) {
    return view_answer(router.attachment(*params.text("name")));
}

Answer list_counters(RouterApi& router, const Params& params) {
    return page_json(router.counters(*page_request<std::string>(params)));
}

Answer get_counters(RouterApi& router, const Params& params) {
    return view_answer(router.counters_of(*params.text("name")));
}

Answer list_neighbours(RouterApi& router, const Params& params) {
    const auto request = page_request<NeighbourCursor>(params);
    if (!request) return bad_cursor();
    return page_answer(router.neighbours(owned(params.text("attachment")), *request));
}

Answer list_bfd(RouterApi& router, const Params& params) {
    const auto request = page_request<NeighbourCursor>(params);
    if (!request) return bad_cursor();
    return page_answer(router.bfd_sessions(owned(params.text("attachment")), *request));
}

Answer list_routes(RouterApi& router, const Params& params) {
    const auto request = page_request<RouteCursor>(params);
    if (!request) return bad_cursor();
    RouteFilter filter{owned(params.text("vrf")), std::nullopt, params.prefix("within")};
    if (const auto source = params.text("source")) filter.source = source_of(*source);
    const auto page = router.routes(filter, *request);
    if (!page) return rpc_error(page.error());
    std::optional<std::string> next;
    if (page->next) next = text_of(*page->next);
    return JsonText{route_page_text(page->items, next)};
}

Answer match_route(RouterApi& router, const Params& params) {
    return view_answer(router.match(*params.text("vrf"), *params.address("address")));
}

Answer list_groups(RouterApi& router, const Params& params) {
    const auto request = page_request<GroupId>(params);
    if (!request) return bad_cursor();
    return page_json(router.groups(*request));
}

Answer list_punts(RouterApi& router, const Params& params) {
    const auto punts = router.punts(owned(params.text("attachment")));
    if (!punts) return rpc_error(punts.error());
    return Json{{"items", json_list(*punts)}, {"next", nullptr}};
}

Answer list_drops(RouterApi& router, const Params& params) {
    const auto reasons = router.drops(owned(params.text("of")));
    if (!reasons) return rpc_error(reasons.error());
    return Json{{"items", json_list(*reasons)}, {"next", nullptr}};
}

}  // namespace causeway::detail
