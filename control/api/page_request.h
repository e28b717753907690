// SPDX-License-Identifier: Apache-2.0
//
// Pages of long lists.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

namespace causeway {

// The part of a list that follows `after`, at most `limit` of it. Lists are ordered by their key,
// so a cursor stays meaningful while rows come and go.
template <class Cursor>
struct PageRequest {
    std::optional<Cursor> after;
    std::size_t limit = 0;  // at least 1
};

template <class Row, class Cursor>
struct Page {
    std::vector<Row> items;
    std::optional<Cursor> next;  // the last item's key; none at the end of the list
};

}  // namespace causeway
