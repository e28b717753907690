// SPDX-License-Identifier: Apache-2.0
//
// Result<T>: what functions of the control side return where they can fail. Member names are those
// of std::expected (C++23), which will replace it. Nothing on the packet path returns one.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>

#include "base/check.h"

namespace causeway {

enum class ErrorCode : std::uint8_t {
    kInvalid,      // the request makes no sense, whatever the state
    kNotFound,     // it names something that is not there
    kExists,       // it would make a second of something unique
    kFull,         // a maximum of base/limits.h or of the configuration is reached
    kUnavailable,  // the system refused: a device, a file, memory
    kDenied,       // the caller's role does not allow it
};

struct Error {
    ErrorCode code = ErrorCode::kInvalid;
    std::string message;  // a sentence for the operator, in the operator's words
    std::string field;    // path of the offending field, as in "circuits[2].s-tag"; may be empty
};

// Wraps an error for implicit conversion to any Result: `return Unexpected(Error{...});`
struct Unexpected {
    Error error;
    explicit Unexpected(Error e) : error(std::move(e)) {}
    Unexpected(ErrorCode code, std::string message, std::string field = {})
        : error{code, std::move(message), std::move(field)} {}
};

template <class T = std::monostate>
class [[nodiscard]] Result {
  public:
    Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT: by design
    Result(Unexpected unexpected)                                          // NOLINT: by design
        : state_(std::in_place_index<1>, std::move(unexpected.error)) {}

    [[nodiscard]] bool has_value() const noexcept { return state_.index() == 0; }
    explicit operator bool() const noexcept { return has_value(); }

    [[nodiscard]] T& value() & {
        CHECK(has_value());
        return *std::get_if<0>(&state_);
    }
    [[nodiscard]] const T& value() const& {
        CHECK(has_value());
        return *std::get_if<0>(&state_);
    }
    [[nodiscard]] T&& value() && {
        CHECK(has_value());
        return std::move(*std::get_if<0>(&state_));
    }
    [[nodiscard]] const Error& error() const& {
        CHECK(!has_value());
        return *std::get_if<1>(&state_);
    }
    T& operator*() & { return value(); }
    const T& operator*() const& { return value(); }
    T* operator->() { return &value(); }
    const T* operator->() const { return &value(); }

  private:
    std::variant<T, Error> state_;
};

using Status = Result<>;
[[nodiscard]] inline Status ok() {
    return Status(std::monostate{});
}

}  // namespace causeway
