// SPDX-License-Identifier: Apache-2.0
//
// OwnWays: which way of ours stands for a next hop that a file names.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "base/result.h"
#include "control/route_files/route_reader.h"

namespace causeway::cli {

// The members of a route edit that say where it leads, as JSON: `"via":["192.0.2.1@2"]` or
// `"action":"blackhole"`. Words are checked before they get into it, so nothing needs escaping.
[[nodiscard]] Result<std::string> way_json(std::string_view words);

class OwnWays {
  public:
    // Without any, what a file says is taken as it is.
    [[nodiscard]] static Result<OwnWays> of(const std::vector<std::string>& ways);

    // JSON as of way_json(), which stays until the next call. With ways of our own, the n-th new
    // next hop of the file gets the n-th of them, and then they begin again; so equal files make
    // equal routes. An action is nobody's next hop, and remains.
    [[nodiscard]] Result<std::string_view> of(
        const std::variant<std::string_view, IpAddress>& theirs);

  private:
    [[nodiscard]] Result<std::string_view> of_word(std::string_view word);
    [[nodiscard]] Result<std::string_view> turn_of(std::string_view next_hop);

    struct Hash : std::hash<std::string_view> {
        using is_transparent = void;
    };
    std::vector<std::string> ways_;  // as JSON
    std::unordered_map<std::string, std::size_t, Hash, std::equal_to<>> turns_;
    std::string last_word_;  // of text without ways of our own: often the same as the line before
    std::string last_json_;
};

}  // namespace causeway::cli
