// SPDX-License-Identifier: Apache-2.0
#include "control/route_files/route_reader.h"

#include <algorithm>

#include "control/route_files/mrt_reader.h"
#include "control/route_files/text_reader.h"

namespace causeway {

Result<std::unique_ptr<RouteReader>> read_routes(ByteSource& source, const PeerChoice& peer) {
    constexpr std::size_t kMrtHeaderBytes = 12;  // its third field is a type below 256: byte 4 is 0
    ByteWindow window(source);
    const auto first = window.peek(kMrtHeaderBytes);
    if (!first) return Unexpected(first.error());
    const auto begin = first->first(std::min(first->size(), kMrtHeaderBytes));
    std::unique_ptr<RouteReader> reader;
    if (std::ranges::find(begin, 0) != begin.end()) {
        reader = std::make_unique<MrtReader>(std::move(window), peer);
    } else {
        reader = std::make_unique<TextReader>(std::move(window));
    }
    return reader;
}

}  // namespace causeway
