// SPDX-License-Identifier: Apache-2.0
//
// Pages as answers.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "control/api/method_handlers.h"
#include "control/api/page_request.h"

namespace causeway::detail {

// How many rows the caller wants, or gets at most.
[[nodiscard]] inline std::size_t page_limit(const Params& params) {
    return std::min<std::size_t>(params.count("limit").value_or(kPageRows), kPageRowsMax);
}

[[nodiscard]] inline RpcError bad_cursor() {
    return rpc_error(RpcCode::kInvalidParams, "after must be the `next` of an earlier answer",
                     "after");
}

}  // namespace causeway::detail
