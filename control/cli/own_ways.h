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
    // Without any, what a file says is taken as it is. A way is of the family of its next hops; an
    // action is of both.
    [[nodiscard]] static Result<OwnWays> of(const std::vector<std::string>& ways);

    // Whether a route to the prefix has a way: not where ours are all of the other family.
    [[nodiscard]] bool lead_to(const IpPrefix& prefix) const;

    // JSON as of way_json(), which stays until the next call. With ways of our own, the n-th new
    // next hop of the file gets the n-th of its family, and then they begin again; so equal files
    // make equal routes. An action is nobody's next hop, and remains. REQUIRES: lead_to(prefix).
    [[nodiscard]] Result<std::string_view> of(
        const IpPrefix& prefix, const std::variant<std::string_view, IpAddress>& theirs);

  private:
    struct Hash : std::hash<std::string_view> {
        using is_transparent = void;
    };
    struct Turns {
        std::vector<std::string> ways;  // as JSON
        std::unordered_map<std::string, std::size_t, Hash, std::equal_to<>> by_next_hop;
    };

    [[nodiscard]] bool is_empty() const { return ipv4_.ways.empty() && ipv6_.ways.empty(); }
    [[nodiscard]] Result<std::string_view> of_word(Turns& turns, std::string_view word);
    [[nodiscard]] static Result<std::string_view> turn_of(Turns& turns, std::string_view next_hop);

    Turns ipv4_;
    Turns ipv6_;
    std::string last_word_;  // of text without ways of our own: often the same as the line before
    std::string last_json_;
};

}  // namespace causeway::cli
