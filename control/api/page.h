// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <iterator>

#include "control/api/router_api.h"

namespace causeway {

// The page of an ordered map that a request asks for; `view` makes a row of an element.
template <class Row, class Cursor, class Map, class View>
Page<Row, Cursor> page_of(const Map& map, const PageRequest<Cursor>& request, View&& view) {
    Page<Row, Cursor> page;
    auto at = request.after ? map.upper_bound(*request.after) : map.begin();
    for (; at != map.end(); ++at) {
        if (page.items.size() == request.limit) {
            page.next = std::prev(at)->first;
            break;
        }
        page.items.push_back(view(at->first, at->second));
    }
    return page;
}

}  // namespace causeway
