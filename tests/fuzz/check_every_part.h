// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "acl/names/name_search.h"
#include "base/check.h"

namespace causeway {

// What is found in a part of a stream is found in all of it, and nothing else.
template <class Find>
void check_every_part(std::span<const std::uint8_t> bytes, Find&& find) {
    const NameSearch all = find(bytes);
    if (all.state == NameSearch::State::kFound) CHECK(Hostname::from(all.name.text()) == all.name);
    const std::size_t step = 1 + bytes.size() / 256;
    for (std::size_t part = 0; part < bytes.size(); part += step) {
        const NameSearch search = find(bytes.first(part));
        if (search.state == NameSearch::State::kMore) continue;
        CHECK(search.state == all.state && search.name == all.name);
    }
}

}  // namespace causeway
