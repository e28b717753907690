// SPDX-License-Identifier: Apache-2.0
//
// Pages as answers.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "control/api/method_handlers.h"
#include "control/api/page_request.h"

namespace causeway::detail {

// How many rows the caller wants, or gets at most.
[[nodiscard]] inline std::size_t page_limit(const Params& params) {
    return std::min<std::size_t>(params.count("limit").value_or(kPageRows), kPageRowsMax);
}

// The text after the last blank, taken off. Cursors are read from their end: names come first.
[[nodiscard]] inline std::string_view take_last_word(std::string_view& text) {
    const std::size_t blank = text.rfind(' ');
    if (blank == std::string_view::npos) return {};
    const std::string_view word = text.substr(blank + 1);
    text = text.substr(0, blank);
    return word;
}

[[nodiscard]] inline RpcError bad_cursor() {
    return rpc_error(RpcCode::kInvalidParams, "after must be the `next` of an earlier answer",
                     "after");
}

}  // namespace causeway::detail
