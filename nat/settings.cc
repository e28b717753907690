// SPDX-License-Identifier: Apache-2.0
#include "nat/settings.h"

#include <bit>
#include <string>

namespace causeway {
namespace {

struct Timer {
    const char* name;
    NatSeconds value;
};

constexpr NatSeconds kLongest = 7 * 24 * 3'600;

}  // namespace

Status check(const NatPoolSettings& settings) {
    const NatTimers& timers = settings.timers;
    for (const Timer& timer : {Timer{"tcp-established", timers.tcp_established},
                               Timer{"tcp-opening", timers.tcp_opening},
                               Timer{"tcp-closing", timers.tcp_closing}, Timer{"udp", timers.udp},
                               Timer{"icmp", timers.icmp}, Timer{"fragment", timers.fragment}}) {
        if (timer.value == 0 || timer.value > kLongest) {
            return Unexpected(ErrorCode::kInvalid, "a timer lasts 1 second to 7 days",
                              std::string("timers.") + timer.name);
        }
    }
    if (!std::has_single_bit(settings.block_ports) || settings.block_ports < kNatBlockPortsMin ||
        settings.block_ports > kNatBlockPortsMax) {
        return Unexpected(ErrorCode::kInvalid, "a block has 64, 128, ... or 4,096 ports",
                          "block-ports");
    }
    if (settings.host_blocks_max == 0 || settings.host_blocks_max > kNatHostBlocksMax) {
        return Unexpected(ErrorCode::kInvalid, "a host has 1 to 64 blocks", "host-blocks");
    }
    if (settings.host_sessions_max == 0) {
        return Unexpected(ErrorCode::kInvalid, "a host has at least one session", "host-sessions");
    }
    return ok();
}

}  // namespace causeway
