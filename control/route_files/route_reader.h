// SPDX-License-Identifier: Apache-2.0
//
// RouteReader: the routes of a file one by one, whatever its format.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.h"
#include "base/types.h"
#include "control/route_files/byte_stream.h"

namespace causeway {

struct FileRoute {
    IpPrefix prefix;
    // What the file says of the way: a word of text, which stays until the next call and may be
    // empty; or the next hop of the router whose table an MRT dump is.
    std::variant<std::string_view, IpAddress> way;
    std::uint64_t place = 0;  // line, or record: see RouteReader::place()
};

class RouteReader {
  public:
    virtual ~RouteReader() = default;

    // Nothing at the end. An error's `field` is the place, its message what is wrong there; there
    // is nothing behind it.
    [[nodiscard]] virtual Result<std::optional<FileRoute>> next() = 0;

    // A route's place in words: "17" is a line, "record 17" one of a dump.
    [[nodiscard]] virtual std::string place(std::uint64_t number) const = 0;

    // Entries of the file so far that are no unicast route, or none of the chosen peer's.
    [[nodiscard]] virtual std::uint64_t passed_over() const = 0;
};

// Whose routes are taken of a dump: the first of each prefix, or those of one peer, which is given
// by its index in the dump or by its address.
using PeerChoice = std::variant<std::monostate, std::uint16_t, IpAddress>;

// Looks at the first bytes: an MRT dump holds a zero among them, and text never does.
[[nodiscard]] Result<std::unique_ptr<RouteReader>> read_routes(ByteSource& source,
                                                               const PeerChoice& peer);

}  // namespace causeway
