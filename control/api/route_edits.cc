// SPDX-License-Identifier: Apache-2.0
#include "control/api/route_edits.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <optional>
#include <string_view>

#include "base/limits.h"
#include "base/text.h"
#include "control/config/values.h"

namespace causeway {
namespace {

using simdjson::dom::element;

constexpr unsigned kWeightMax = 64;
constexpr std::array<std::string_view, 4> kEditFields{"op", "prefix", "via", "action"};
constexpr std::array<std::string_view, 3> kHopFields{"address", "weight", "recursive"};
constexpr std::string_view kRecursive = "recursive:";

Unexpected invalid(std::string message, std::string field) {
    return {ErrorCode::kInvalid, std::move(message), std::move(field)};
}

std::optional<std::string_view> text_of(element value) {
    std::string_view text;
    if (value.get_string().get(text)) return std::nullopt;
    return text;
}

// "[recursive:]ADDRESS[@WEIGHT]".
std::optional<RouteNextHop> hop_of(std::string_view text) {
    const bool is_recursive = text.starts_with(kRecursive);
    if (is_recursive) text.remove_prefix(kRecursive.size());
    const std::size_t at = text.find('@');
    const auto address = parse_ip_address(text.substr(0, at));
    if (!address) return std::nullopt;
    if (at == std::string_view::npos) return RouteNextHop{*address, 1, is_recursive};
    const std::string_view digits = text.substr(at + 1);
    unsigned weight = 0;
    const char* const digits_end = digits.data() + digits.size();
    const auto [end, error] = std::from_chars(digits.data(), digits_end, weight);
    if (error != std::errc() || end != digits_end || weight < 1 || weight > kWeightMax)
        return std::nullopt;
    return RouteNextHop{*address, weight, is_recursive};
}

Result<RouteNextHop> hop_of(simdjson::dom::object object) {
    RouteNextHop hop;
    bool has_address = false;
    for (const auto field : object) {
        if (field.key == "address") {
            const auto text = text_of(field.value);
            const auto address = text ? parse_ip_address(*text) : std::nullopt;
            if (!address) return invalid("must be an IPv4 or IPv6 address", "address");
            hop.address = *address;
            has_address = true;
        } else if (field.key == "weight") {
            std::uint64_t weight = 0;
            if (field.value.get_uint64().get(weight) || weight < 1 || weight > kWeightMax)
                return invalid(fmt::format("must be a number from 1 to {}", kWeightMax), "weight");
            hop.weight = static_cast<unsigned>(weight);
        } else if (field.key == "recursive") {
            if (field.value.get_bool().get(hop.is_recursive))
                return invalid("must be true or false", "recursive");
        } else {
            return invalid("unknown field" + suggestion(field.key, kHopFields),
                           quotable(field.key));
        }
    }
    if (!has_address) return invalid("is missing", "address");
    return hop;
}

Result<RouteNextHop> hop_of(element value) {
    if (const auto text = text_of(value)) {
        const auto hop = hop_of(*text);
        if (hop) return *hop;
        return invalid(fmt::format("\"{}\" is no next hop: write [recursive:]ADDRESS[@WEIGHT], "
                                   "with a weight from 1 to {}",
                                   quotable(*text), kWeightMax),
                       "");
    }
    simdjson::dom::object object;
    if (!value.get_object().get(object)) return hop_of(object);
    return invalid("a next hop is \"[recursive:]ADDRESS[@WEIGHT]\" or an object", "");
}

Result<RouteEditKind> kind_of(std::string_view word) {
    if (word == "add") return RouteEditKind::kAdd;
    if (word == "replace") return RouteEditKind::kReplace;
    if (word == "delete") return RouteEditKind::kDelete;
    return invalid("must be \"add\", \"replace\" or \"delete\"", "op");
}

// One member of an edit. `has_prefix` is set where it is the prefix.
Status read_field(std::string_view key, element value, RouteBatch& batch, RouteEdit& edit,
                  bool& has_prefix) {
    if (key == "via") {
        simdjson::dom::array via;
        if (value.get_array().get(via)) return invalid("must be an array", "via");
        return read_via(via, batch, edit);
    }
    const std::string_view text = text_of(value).value_or(std::string_view());
    if (key == "prefix") {
        const auto prefix = parse_ip_prefix(text);
        if (!prefix)
            return invalid(
                "must be a prefix without host bits, as in \"10.0.0.0/8\" or "
                "\"2001:db8::/32\"",
                "prefix");
        edit.prefix = *prefix;
        has_prefix = true;
        return ok();
    }
    if (key == "op") {
        const Result<RouteEditKind> kind = kind_of(text);
        if (!kind) return Unexpected(kind.error());
        edit.kind = *kind;
        return ok();
    }
    if (key == "action") {
        const Result<RouteAction> action = read_action(text);
        if (!action) return Unexpected(action.error());
        edit.action = *action;
        return ok();
    }
    return invalid("unknown field" + suggestion(key, kEditFields), quotable(key));
}

Result<RouteEdit> read_edit(element route, RouteBatch& batch) {
    simdjson::dom::object object;
    if (route.get_object().get(object)) return invalid("a route must be an object", "");
    RouteEdit edit;
    bool has_prefix = false;
    for (const auto field : object) {
        const Status read = read_field(field.key, field.value, batch, edit, has_prefix);
        if (!read) return Unexpected(read.error());
    }
    if (!has_prefix) return invalid("is missing", "prefix");
    const Status checked = check_route_edit(edit);
    if (!checked) return Unexpected(checked.error());
    return edit;
}

}  // namespace

Result<RouteAction> read_action(std::string_view word) {
    if (word == "forward") return RouteAction::kForward;
    const Result<RouteAction> action = kRouteActions(word);
    if (action) return *action;
    return invalid("must be \"forward\", \"blackhole\", \"unreachable\" or \"prohibit\"", "action");
}

Status read_via(simdjson::dom::array via, RouteBatch& batch, RouteEdit& edit) {
    edit.via_first = static_cast<std::uint32_t>(batch.via.size());
    edit.via_count = 0;
    for (const element value : via) {
        if (edit.via_count == kGroupMembersMax)
            return invalid(fmt::format("a route has at most {} next hops", kGroupMembersMax),
                           "via");
        const Result<RouteNextHop> hop = hop_of(value);
        if (!hop) {
            const Error& error = hop.error();
            return invalid(error.message, fmt::format("via[{}]{}{}", edit.via_count,
                                                      error.field.empty() ? "" : ".", error.field));
        }
        batch.via.push_back(*hop);
        ++edit.via_count;
    }
    return ok();
}

Status check_route_edit(const RouteEdit& edit) {
    if (edit.kind == RouteEditKind::kDelete) {
        if (edit.via_count != 0) return invalid("a delete names the prefix alone", "via");
        return ok();
    }
    if (edit.action == RouteAction::kForward && edit.via_count == 0)
        return invalid("a route needs a next hop, or an action that drops", "via");
    if (edit.action != RouteAction::kForward && edit.via_count != 0)
        return invalid("a route that drops has no next hops", "via");
    return ok();
}

std::vector<RouteFailure> read_route_edits(simdjson::dom::array routes, RouteBatch& batch) {
    std::vector<RouteFailure> failures;
    std::size_t index = 0;
    // The array's own count stops at 2^24 - 1, which is more than we take anyway.
    batch.edits.reserve(std::min(routes.size(), kRouteEditsMax));
    batch.via.reserve(std::min(routes.size(), kRouteEditsMax));
    for (const element route : routes) {
        if (index == kRouteEditsMax) {
            failures.push_back(
                {index,
                 {ErrorCode::kFull, fmt::format("a batch has at most {} routes", kRouteEditsMax),
                  ""}});
            return failures;
        }
        const Result<RouteEdit> edit = read_edit(route, batch);
        if (edit) {
            batch.edits.push_back(*edit);
        } else {
            failures.push_back({index, edit.error()});
            if (failures.size() == kRouteFailuresMax) return failures;
        }
        ++index;
    }
    return failures;
}

}  // namespace causeway
