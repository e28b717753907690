// SPDX-License-Identifier: Apache-2.0
//
// The netlink messages of an FPM frame -> FpmMessages. Bytes are foreign: whatever they are, each
// message is either understood as a whole, or counted by what is wrong with it and passed over.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "control/fpm/fpm_counters.h"
#include "control/fpm/fpm_messages.h"

namespace causeway {

// Appends the messages of one frame. A deletion that the same route's addition follows is left out:
// the addition replaces, and between the two the prefix would have no route.
void decode_netlink(std::span<const std::uint8_t> frame, std::vector<FpmMessage>& messages,
                    FpmCounters& counters);

}  // namespace causeway
