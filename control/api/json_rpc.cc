// SPDX-License-Identifier: Apache-2.0
#include "control/api/json_rpc.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/text.h"
#include "control/config/values.h"

namespace causeway {
namespace {

using simdjson::dom::element;
using simdjson::dom::element_type;

// A parser keeps 13 bytes for each of its longest message so far, and a long one is rare.
constexpr std::size_t kKeptBytes = std::size_t{1} << 20;
// Much more than our deepest parameter has.
constexpr std::size_t kDepthMax = 32;

RpcCode code_of(ErrorCode code) {
    switch (code) {
        case ErrorCode::kInvalid:
            return RpcCode::kInvalidParams;
        case ErrorCode::kNotFound:
            return RpcCode::kNotFound;
        case ErrorCode::kExists:
            return RpcCode::kExists;
        case ErrorCode::kFull:
            return RpcCode::kFull;
        case ErrorCode::kUnavailable:
            return RpcCode::kUnavailable;
        case ErrorCode::kDenied:
            return RpcCode::kDenied;
    }
    return RpcCode::kInvalidParams;
}

Json error_json(const RpcError& error) {
    Json json{{"code", static_cast<int>(error.code)}, {"message", error.message}};
    if (!error.data.is_null()) json["data"] = error.data;
    return json;
}

std::string answer_text(const Answer& answer, const Json& id) {
    if (const JsonText* result = std::get_if<JsonText>(&answer)) {
        return R"({"jsonrpc":"2.0","result":)" + result->text + R"(,"id":)" + json_text(id) + '}';
    }
    Json json{{"jsonrpc", "2.0"}};
    if (const Json* result = std::get_if<Json>(&answer)) {
        json["result"] = *result;
    } else {
        json["error"] = error_json(std::get<RpcError>(answer));
    }
    json["id"] = id;
    return json_text(json);
}

// The specification's section 4: a string, a number, or null. Anything else is no identifier.
std::optional<Json> id_json(element id) {
    switch (id.type()) {
        case element_type::STRING:
            return Json(id.get_string().value_unsafe());
        case element_type::INT64:
            return Json(id.get_int64().value_unsafe());
        case element_type::UINT64:
            return Json(id.get_uint64().value_unsafe());
        case element_type::DOUBLE:
            return Json(id.get_double().value_unsafe());
        case element_type::NULL_VALUE:
            return Json(nullptr);
        default:
            return std::nullopt;
    }
}

std::string list_of(std::span<const std::string_view> words) {
    std::string list;
    for (const std::string_view word : words) {
        if (!list.empty()) list += ", ";
        list += word;
    }
    return list;
}

// What is wrong with a value of this parameter, as the end of a sentence; or nothing.
std::optional<std::string> complaint_about(const Parameter& parameter, element value) {
    const auto text = value.get_string();
    switch (parameter.kind) {
        case ParameterKind::kText:
            if (text.error()) return "must be a string";
            if (parameter.choices.empty()) return std::nullopt;
            if (std::ranges::count(parameter.choices, text.value_unsafe()) != 0)
                return std::nullopt;
            return "must be one of: " + list_of(parameter.choices);
        case ParameterKind::kCount:
            if (!value.get_uint64().error() && value.get_uint64().value_unsafe() >= 1)
                return std::nullopt;
            return "must be an integer from 1 on";
        case ParameterKind::kAddress:
            if (!text.error() && parse_ip_address(text.value_unsafe())) return std::nullopt;
            return "must be an address, as in \"10.0.0.1\" or \"2001:db8::1\"";
        case ParameterKind::kPrefix:
            if (!text.error() && parse_ip_prefix(text.value_unsafe())) return std::nullopt;
            return "must be a prefix without host bits, as in \"10.0.0.0/8\" or "
                   "\"2001:db8::/32\"";
        case ParameterKind::kList:
            if (!value.get_array().error()) return std::nullopt;
            return "must be an array";
    }
    return std::nullopt;
}

std::string quoted(std::string_view name) {
    return '"' + quotable(name) + '"';
}

RpcError invalid_request(std::string message, std::string_view field = {}) {
    return rpc_error(RpcCode::kInvalidRequest, std::move(message), field);
}

}  // namespace

RpcError rpc_error(RpcCode code, std::string message, std::string_view field) {
    RpcError error{code, std::move(message), nullptr};
    if (!field.empty()) error.data = Json{{"field", field}};
    return error;
}

RpcError rpc_error(const Error& error) {
    return rpc_error(code_of(error.code), error.message, error.field);
}

std::string json_text(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string answer_text(const RpcError& error) {
    return answer_text(Answer(error), nullptr);
}

std::variant<Params, RpcError> Params::read(std::span<const Parameter> declared,
                                            std::optional<element> params, Role caller) {
    Params result(declared, caller);
    if (params) {
        simdjson::dom::object object;
        if (params->get_object().get(object))
            return rpc_error(RpcCode::kInvalidParams, "params must be an object: we go by name",
                             "params");
        for (const auto field : object) {
            if (auto error = result.set(field.key, field.value)) return *std::move(error);
        }
    }
    if (auto error = result.missing()) return *std::move(error);
    return result;
}

std::optional<RpcError> Params::set(std::string_view name, element value) {
    const auto found = std::ranges::find(declared_, name, &Parameter::name);
    if (found == declared_.end()) {
        std::vector<std::string_view> known;
        for (const Parameter& parameter : declared_) known.push_back(parameter.name);
        std::string message = "unknown parameter " + quoted(name);
        message += known.empty() ? ": this method takes none" : suggestion(name, known);
        return rpc_error(RpcCode::kInvalidParams, std::move(message), quotable(name));
    }
    auto& slot = values_[static_cast<std::size_t>(found - declared_.begin())];
    if (slot)
        return rpc_error(RpcCode::kInvalidParams, "parameter " + quoted(name) + " stands twice",
                         name);
    if (auto complaint = complaint_about(*found, value))
        return rpc_error(RpcCode::kInvalidParams, std::string(name) + " " + *complaint, name);
    slot = value;
    return std::nullopt;
}

std::optional<RpcError> Params::missing() const {
    for (std::size_t i = 0; i < declared_.size(); ++i) {
        if (values_[i] || declared_[i].presence == Presence::kOptional) continue;
        const std::string_view name = declared_[i].name;
        return rpc_error(RpcCode::kInvalidParams,
                         std::string(name) + " is missing: " + std::string(declared_[i].meaning),
                         name);
    }
    return std::nullopt;
}

bool Params::declares(std::string_view name) const {
    return std::ranges::find(declared_, name, &Parameter::name) != declared_.end();
}

std::optional<element> Params::value(std::string_view name, ParameterKind kind) const {
    const auto found = std::ranges::find(declared_, name, &Parameter::name);
    CHECK(found != declared_.end() && found->kind == kind);
    return values_[static_cast<std::size_t>(found - declared_.begin())];
}

std::optional<std::string_view> Params::text(std::string_view name) const {
    const auto found = value(name, ParameterKind::kText);
    if (!found) return std::nullopt;
    return found->get_string().value_unsafe();
}

std::optional<std::uint64_t> Params::count(std::string_view name) const {
    const auto found = value(name, ParameterKind::kCount);
    if (!found) return std::nullopt;
    return found->get_uint64().value_unsafe();
}

std::optional<IpAddress> Params::address(std::string_view name) const {
    const auto found = value(name, ParameterKind::kAddress);
    if (!found) return std::nullopt;
    return parse_ip_address(found->get_string().value_unsafe());
}

std::optional<IpPrefix> Params::prefix(std::string_view name) const {
    const auto found = value(name, ParameterKind::kPrefix);
    if (!found) return std::nullopt;
    return parse_ip_prefix(found->get_string().value_unsafe());
}

std::optional<simdjson::dom::array> Params::list(std::string_view name) const {
    const auto found = value(name, ParameterKind::kList);
    if (!found) return std::nullopt;
    return found->get_array().value_unsafe();
}

namespace {

// REQUIRES: kPaddingBytes are readable behind the text. The element lives as long as the parser
// keeps it, and the text.
simdjson::error_code parse(simdjson::dom::parser& parser, std::string_view padded_text,
                           element& root) {
    if (parser.max_depth() != kDepthMax) {
        const auto error =
            parser.allocate(std::max<std::size_t>(padded_text.size(), 4096), kDepthMax);
        if (error) return error;
    }
    return parser.parse(padded_text.data(), padded_text.size(), false).get(root);
}

RpcError parse_error(simdjson::error_code code) {
    return rpc_error(RpcCode::kParseError,
                     std::string("not JSON: ") + simdjson::error_message(code));
}

// The calls of a batch as texts of their own, because the parser is needed for other clients before
// the last of them is executed.
JsonRpc::Handled take_apart(simdjson::dom::array calls) {
    if (calls.size() == 0) return {answer_text(invalid_request("an empty batch")), {}};
    JsonRpc::Handled handled;
    for (const element call : calls) {
        if (handled.batch.size() == JsonRpc::kBatchCallsMax) {
            return {answer_text(rpc_error(RpcCode::kTooLarge,
                                          "a batch holds at most " +
                                              std::to_string(JsonRpc::kBatchCallsMax) + " calls")),
                    {}};
        }
        std::string text = simdjson::minify(call);
        text.reserve(text.size() + JsonRpc::kPaddingBytes);
        handled.batch.push_back(std::move(text));
    }
    return handled;
}

}  // namespace

JsonRpc::Handled JsonRpc::handle(std::string_view padded_message, Role role) {
    simdjson::dom::parser own;
    simdjson::dom::parser& parser = padded_message.size() > kKeptBytes ? own : parser_;
    element root;
    if (const auto error = parse(parser, padded_message, root))
        return {answer_text(parse_error(error)), {}};
    if (root.is_array()) return take_apart(root.get_array().value_unsafe());
    return {execute(root, role), {}};
}

std::string JsonRpc::handle_call(std::string_view padded_call, Role role) {
    simdjson::dom::parser own;
    simdjson::dom::parser& parser = padded_call.size() > kKeptBytes ? own : parser_;
    element root;
    if (const auto error = parse(parser, padded_call, root)) return answer_text(parse_error(error));
    return execute(root, role);
}

std::string JsonRpc::execute(element call, Role role) {
    simdjson::dom::object object;
    if (call.get_object().get(object))
        return answer_text(invalid_request("a call must be an object"));
    std::optional<Json> id;
    std::string_view version;
    std::string_view method;
    std::optional<element> params;
    for (const auto field : object) {
        if (field.key == "id") {
            id = id_json(field.value);
            if (!id)
                return answer_text(invalid_request("id must be a string, number or null", "id"));
        } else if (field.key == "jsonrpc") {
            if (field.value.get_string().get(version)) version = {};
        } else if (field.key == "method") {
            if (field.value.get_string().get(method)) method = {};
        } else if (field.key == "params") {
            params = field.value;
        }
    }
    // A call without an id wants no answer, but one that is no call at all gets one (section 5).
    const Json answer_id = id.value_or(nullptr);
    if (version != "2.0")
        return answer_text(invalid_request("jsonrpc must be \"2.0\"", "jsonrpc"), answer_id);
    if (method.empty())
        return answer_text(invalid_request("method must be a string", "method"), answer_id);
    const Answer answer = dispatch(method, params, role);
    return id ? answer_text(answer, *id) : std::string();
}

Answer JsonRpc::dispatch(std::string_view name, std::optional<element> params, Role role) {
    const auto method = std::ranges::find(methods_, name, &Method::name);
    if (method == methods_.end()) {
        std::vector<std::string_view> known;
        for (const Method& row : methods_) known.push_back(row.name);
        return rpc_error(RpcCode::kMethodNotFound,
                         "no method " + quoted(name) + suggestion(name, known), "method");
    }
    if (role < method->role) {
        return rpc_error(RpcCode::kDenied,
                         std::string(name) +
                             " changes the router: only root, the daemon's own user and members "
                             "of its admin-group may",
                         "method");
    }
    std::variant<Params, RpcError> read = Params::read(method->parameters, params, role);
    if (RpcError* error = std::get_if<RpcError>(&read)) return std::move(*error);
    return method->handler(router_, std::get<Params>(read));
}

}  // namespace causeway
