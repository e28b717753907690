// SPDX-License-Identifier: Apache-2.0
//
// What rtnetlink(7) says of interfaces, as a function from a datagram's bytes to values.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace causeway {

enum class CarrierState : std::uint8_t {
    kRunning,  // administratively up, and the lower layer too: IFF_RUNNING and IFF_LOWER_UP
    kDown,
    kGone,  // the interface is no more, or has left for another namespace or name
};

struct LinkNews {
    enum class Kind : std::uint8_t {
        kLink,      // it is there, and this is its state; or it is gone
        kDumpEnds,  // an answer to a question about all of them
        kRefused,   // an answer to ours, with an errno
        kOther,
    };
    Kind kind = Kind::kOther;
    // Interfaces came or went during the dump: it may have missed one.
    bool is_dump_interrupted = false;
    int index = 0;
    std::string_view name;  // within the datagram; of one that is gone: empty
    CarrierState state = CarrierState::kDown;
    int error = 0;
};

// All messages that are whole, in their order.
[[nodiscard]] std::vector<LinkNews> read_link_messages(std::span<const std::uint8_t> datagram);

}  // namespace causeway
