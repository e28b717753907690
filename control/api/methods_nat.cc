// SPDX-License-Identifier: Apache-2.0
//
// Methods about NAT.
#include <algorithm>
#include <charconv>
#include <string>

#include "base/text.h"
#include "control/api/method_handlers.h"
#include "control/api/nat_api.h"
#include "control/api/view_json.h"

namespace causeway::detail {
namespace {

constexpr std::array<std::string_view, kNatProtocols> kProtocolWords{"tcp", "udp", "icmp"};

std::string_view word(NatProtocol protocol) {
    return kProtocolWords[static_cast<std::size_t>(protocol)];
}

std::string endpoint_text(const Endpoint& end) {
    return to_string(end.address) + ':' + std::to_string(end.port);
}

Json json_of(const NatSessionView& session) {
    return {{"pool", session.pool},
            {"protocol", word(session.protocol)},
            {"inside", endpoint_text(session.inside)},
            {"outside", endpoint_text(session.outside)},
            {"remote", endpoint_text(session.remote)},
            {"state", session.state},
            {"age-seconds", session.age_seconds},
            {"ends-in-seconds", session.ends_in_seconds},
            {"worker", session.worker}};
}

Json json_of(const NatMappingView& mapping) {
    return {{"pool", mapping.pool},
            {"protocol", word(mapping.protocol)},
            {"inside", endpoint_text(mapping.inside)},
            {"outside", endpoint_text(mapping.outside)},
            {"static", mapping.is_static},
            {"sessions", mapping.sessions}};
}

Json json_of(const NatHostView& host) {
    return {{"pool", host.pool},
            {"address", to_string(host.address)},
            {"blocks", host.blocks},
            {"sessions", host.sessions}};
}

Json json_of(const NatPoolView& pool) {
    return {{"name", pool.name},
            {"circuit", pool.circuit},
            {"link", pool.link ? Json(to_string(*pool.link)) : Json(nullptr)},
            {"addresses", pool.addresses},
            {"draining", pool.draining},
            {"blocks", pool.blocks},
            {"blocks-lent", pool.blocks_lent},
            {"block-ports", pool.block_ports},
            {"alarm-percent", pool.alarm_percent},
            {"alarmed", pool.is_alarmed}};
}

Json json_of(const NatTableView& table) {
    return {{"name", table.name},
            {"used", table.used},
            {"max", table.max},
            {"alarmed", table.is_alarmed}};
}

Json next_of(const std::optional<NatCursor>& next) {
    return next ? Json(std::to_string(*next)) : Json(nullptr);
}

template <class Row>
Answer page_answer(const Result<NatPage<Row>>& page) {
    if (!page) return rpc_error(page.error());
    Json items = Json::array();
    for (const Row& row : page->items) items.push_back(json_of(row));
    return Json{{"items", items}, {"next", next_of(page->next)}};
}

// Nothing where `after` is none of ours.
std::optional<NatCursor> cursor_of(const Params& params) {
    const auto text = params.text("after");
    if (!text) return NatCursor{0};
    NatCursor cursor = 0;
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), cursor);
    if (error != std::errc() || end != text->data() + text->size()) return std::nullopt;
    return cursor;
}

RpcError bad_cursor() {
    return rpc_error(RpcCode::kInvalidParams, "after must be the `next` of an earlier answer",
                     "after");
}

// The filter's address of a name; false where it is none of IPv4.
bool read_address(const Params& params, std::string_view name, std::optional<Ipv4Address>& into) {
    if (!params.declares(name)) return true;
    const auto address = params.address(name);
    if (!address) return true;
    const auto* const ipv4 = std::get_if<Ipv4Address>(&*address);
    if (ipv4 == nullptr) return false;
    into = *ipv4;
    return true;
}

// What is wrong with the filter, or nothing.
std::optional<RpcError> read_filter(const Params& params, NatFilter& filter) {
    if (const auto pool = params.text("pool")) filter.pool = std::string(*pool);
    if (params.declares("protocol") && params.text("protocol")) {
        const auto found = std::ranges::find(kProtocolWords, *params.text("protocol"));
        filter.protocol = static_cast<NatProtocol>(found - kProtocolWords.begin());
    }
    const struct {
        std::string_view name;
        std::optional<Ipv4Address>* into;
    } addresses[] = {
        {"inside", &filter.inside}, {"outside", &filter.outside}, {"remote", &filter.remote}};
    for (const auto& [name, into] : addresses) {
        if (read_address(params, name, *into)) continue;
        return rpc_error(RpcCode::kInvalidParams, "is IPv6: NAT translates IPv4 only", name);
    }
    return std::nullopt;
}

template <class Row>
using List = Result<NatPage<Row>> (NatApi::*)(const NatFilter&, const NatPageRequest&);

template <class Row>
Answer list(RouterApi& router, const Params& params, List<Row> rows) {
    NatFilter filter;
    if (auto wrong = read_filter(params, filter)) return *wrong;
    const auto after = cursor_of(params);
    if (!after) return bad_cursor();
    const NatPageRequest request{
        .after = *after,
        .limit = std::min<std::size_t>(params.count("limit").value_or(kPageRows), kPageRowsMax)};
    return page_answer((router.nat().*rows)(filter, request));
}

}  // namespace

Answer get_nat_status(RouterApi& router, const Params&) {
    const NatStatusView status = router.nat().status();
    Json outcomes = Json::object();
    for (const ReasonCount& reason : status.outcomes) {
        outcomes[std::string(reason.name)] = reason.packets;
    }
    Json log;
    if (status.log) {
        log = Json{{"events", status.log->events},
                   {"lost", status.log->lost},
                   {"unwritten", status.log->unwritten},
                   {"messages", status.log->messages},
                   {"unsent", status.log->unsent}};
    }
    Json tables = Json::array();
    for (const NatTableView& table : status.tables) tables.push_back(json_of(table));
    return Json{{"sessions", status.sessions},
                {"sessions-max", status.sessions_max},
                {"created", status.created},
                {"created-per-second", status.created_per_second},
                {"refused", status.refused},
                {"refused-per-second", status.refused_per_second},
                {"changed-worker", status.changed_worker},
                {"cleared", status.cleared},
                {"tables", tables},
                {"log", log},
                {"packets", outcomes}};
}

Answer list_nat_pools(RouterApi& router, const Params&) {
    Json items = Json::array();
    for (const NatPoolView& pool : router.nat().pools()) items.push_back(json_of(pool));
    return Json{{"items", items}, {"next", nullptr}};
}

Answer list_nat_sessions(RouterApi& router, const Params& params) {
    return list<NatSessionView>(router, params, &NatApi::sessions);
}

Answer list_nat_mappings(RouterApi& router, const Params& params) {
    return list<NatMappingView>(router, params, &NatApi::mappings);
}

Answer list_nat_hosts(RouterApi& router, const Params& params) {
    return list<NatHostView>(router, params, &NatApi::hosts);
}

Answer clear_nat(RouterApi& router, const Params& params) {
    NatFilter filter;
    if (auto wrong = read_filter(params, filter)) return *wrong;
    const bool is_all = params.text("scope") == "all";
    const bool is_filtered =
        filter.pool || filter.protocol || filter.inside || filter.outside || filter.remote;
    if (is_all == is_filtered) {
        return rpc_error(RpcCode::kInvalidParams,
                         "give a filter, or \"all\" to end every session there is", "scope");
    }
    const auto after = cursor_of(params);
    if (!after) return bad_cursor();
    const auto cleared = router.nat().clear(filter, *after);
    if (!cleared) return rpc_error(cleared.error());
    return Json{{"sessions", cleared->sessions}, {"next", next_of(cleared->next)}};
}

}  // namespace causeway::detail
