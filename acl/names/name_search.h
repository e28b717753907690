// SPDX-License-Identifier: Apache-2.0
//
// NameSearch: where the search for a name in a flow's first bytes stands.
#pragma once

#include <cstdint>

#include "acl/names/hostname.h"

namespace causeway {

struct NameSearch {
    enum class State : std::uint8_t {
        kMore,  // these bytes have none yet; more of them may
        kNone,  // there is none, and none will come
        kFound,
    };
    State state = State::kMore;
    Hostname name;  // kFound

    [[nodiscard]] static NameSearch more() noexcept { return {.state = State::kMore, .name = {}}; }
    [[nodiscard]] static NameSearch none() noexcept { return {.state = State::kNone, .name = {}}; }
    [[nodiscard]] static NameSearch found(const Hostname& name) noexcept {
        return {.state = State::kFound, .name = name};
    }
};

}  // namespace causeway
