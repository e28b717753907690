// SPDX-License-Identifier: Apache-2.0
//
// JSON-RPC 2.0 (jsonrpc.org/specification) without its transport: text in, text out. Methods are
// rows of a table that says who may call them and what parameters they take; all of that is checked
// here, so a handler only ever sees what it declared. docs/api.md describes the same for callers.
#pragma once

#include <simdjson.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "base/types.h"

namespace causeway {

class RouterApi;
using Json = nlohmann::ordered_json;

enum class Role : std::uint8_t { kReadOnly, kAdmin };

// -32768 to -32100 are the specification's (section 5.1); -32099 to -32000 are left to servers.
enum class RpcCode : std::int16_t {
    kParseError = -32700,
    kInvalidRequest = -32600,
    kMethodNotFound = -32601,
    kInvalidParams = -32602,
    kNotFound = -32001,
    kExists = -32002,
    kFull = -32003,
    kDenied = -32004,
    kUnavailable = -32005,
    kTooLarge = -32006,
};

struct RpcError {
    RpcCode code = RpcCode::kInvalidParams;
    std::string message;
    Json data;  // an object: "field", "line", "column", "errors"; or null
};
[[nodiscard]] RpcError rpc_error(RpcCode code, std::string message, std::string_view field = {});
[[nodiscard]] RpcError rpc_error(const Error& error);

// A result that is text already, for lists that are too long to be values first.
struct JsonText {
    std::string text;
};

using Answer = std::variant<Json, JsonText, RpcError>;

enum class ParameterKind : std::uint8_t {
    kText,
    kCount,    // an integer from 1 on
    kAddress,  // "10.0.0.1", "2001:db8::1"
    kPrefix,   // "10.0.0.0/8", "2001:db8::/32"
    kList,
};
enum class Presence : std::uint8_t { kRequired, kOptional };

struct Parameter {
    std::string_view name;
    ParameterKind kind = ParameterKind::kText;
    Presence presence = Presence::kRequired;
    std::string_view meaning;
    std::span<const std::string_view> choices = {};  // of a text; empty: any
};

// The parameters of one call, checked against the method's declaration. Views into the message.
class Params {
  public:
    [[nodiscard]] static std::variant<Params, RpcError> read(
        std::span<const Parameter> declared, std::optional<simdjson::dom::element> params,
        Role caller);

    // For methods that tell some more than others.
    [[nodiscard]] Role caller() const noexcept { return caller_; }

    // Methods that share a reader of parameters need not have all of them.
    [[nodiscard]] bool declares(std::string_view name) const;
    // By declared name; asking as another kind than the declared is a programmer's error.
    [[nodiscard]] std::optional<std::string_view> text(std::string_view name) const;
    [[nodiscard]] std::optional<std::uint64_t> count(std::string_view name) const;
    [[nodiscard]] std::optional<IpAddress> address(std::string_view name) const;
    [[nodiscard]] std::optional<IpPrefix> prefix(std::string_view name) const;
    [[nodiscard]] std::optional<simdjson::dom::array> list(std::string_view name) const;

  private:
    Params(std::span<const Parameter> declared, Role caller)
        : declared_(declared), values_(declared.size()), caller_(caller) {}
    [[nodiscard]] std::optional<simdjson::dom::element> value(std::string_view name,
                                                              ParameterKind kind) const;
    [[nodiscard]] std::optional<RpcError> set(std::string_view name, simdjson::dom::element value);
    [[nodiscard]] std::optional<RpcError> missing() const;

    std::span<const Parameter> declared_;
    std::vector<std::optional<simdjson::dom::element>> values_;  // in the order of declared_
    Role caller_;
};

struct Method {
    std::string_view name;
    Role role = Role::kReadOnly;  // the least that may call it
    std::string_view summary;
    std::span<const Parameter> parameters;
    Answer (*handler)(RouterApi& router, const Params& params) = nullptr;
};

class JsonRpc {
  public:
    // Bytes that must be readable behind every text given to this class; their value is of no
    // matter.
    static constexpr std::size_t kPaddingBytes = simdjson::SIMDJSON_PADDING;
    // Calls of one batch array.
    static constexpr std::size_t kBatchCallsMax = 1'000;

    // What became of one message.
    struct Handled {
        std::string answer;              // without a newline; empty: nothing is to be said
        std::vector<std::string> batch;  // the calls of a batch, still to be executed, each padded
    };

    JsonRpc(RouterApi& router, std::span<const Method> methods)
        : router_(router), methods_(methods) {}

    // Executes a single call. A batch is only taken apart, so that its caller decides when each
    // call is executed: a message must not hold the control thread longer than a call does.
    [[nodiscard]] Handled handle(std::string_view padded_message, Role role);
    // One call of a batch; its answer, or nothing for a notification.
    [[nodiscard]] std::string handle_call(std::string_view padded_call, Role role);

  private:
    [[nodiscard]] std::string execute(simdjson::dom::element call, Role role);
    [[nodiscard]] Answer dispatch(std::string_view method,
                                  std::optional<simdjson::dom::element> params, Role role);

    RouterApi& router_;
    std::span<const Method> methods_;
    simdjson::dom::parser
        parser_;  // kept for its memory; messages above kKeptBytes bring their own
};

// {"jsonrpc":"2.0","error":...,"id":null}: for trouble that comes before any call is known.
[[nodiscard]] std::string answer_text(const RpcError& error);

// Text for a caller, never throwing: bytes that are not UTF-8 are replaced.
[[nodiscard]] std::string json_text(const Json& json);

}  // namespace causeway
