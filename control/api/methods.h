// SPDX-License-Identifier: Apache-2.0
//
// The table of everything that the control socket understands; `method.list` answers with it.
#pragma once

#include <span>

#include "control/api/json_rpc.h"

namespace causeway {

[[nodiscard]] std::span<const Method> methods();

}  // namespace causeway
