// SPDX-License-Identifier: Apache-2.0
#include "control/cli/own_ways.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/limits.h"
#include "base/text.h"
#include "control/api/route_edits.h"
#include "control/config/words.h"

namespace causeway::cli {
namespace {

bool is_action(std::string_view word) {
    return word != "forward" && read_action(word).has_value();
}

// The weight's bounds are the daemon's to know.
bool is_hop(std::string_view word) {
    constexpr std::string_view kRecursive = "recursive:";
    if (word.starts_with(kRecursive)) word.remove_prefix(kRecursive.size());
    const std::string_view weight = word.substr(std::min(word.find('@'), word.size()));
    if (weight.find_first_not_of("@0123456789") != std::string_view::npos) return false;
    return parse_ip_address(word.substr(0, word.size() - weight.size())).has_value();
}

}  // namespace

Result<std::string> way_json(std::string_view words) {
    if (is_action(words)) return fmt::format(R"("action":"{}")", words);
    std::string json = R"("via":[)";
    for (std::size_t begin = 0; begin <= words.size();) {
        const std::size_t end = std::min(words.find(',', begin), words.size());
        const std::string_view hop = words.substr(begin, end - begin);
        if (!is_hop(hop)) {
            return Unexpected(
                ErrorCode::kInvalid,
                fmt::format("\"{}\" is no next hop: [recursive:]ADDRESS[@WEIGHT] or an action",
                            quotable(hop)));
        }
        json += fmt::format(R"({}"{}")", begin == 0 ? "" : ",", hop);
        begin = end + 1;
    }
    return json + ']';
}

Result<OwnWays> OwnWays::of(const std::vector<std::string>& ways) {
    OwnWays own;
    for (const std::string& way : ways) {
        Result<std::string> json = way_json(way);
        if (!json) return Unexpected(json.error());
        const bool is_ipv6 = way.find(':') != std::string::npos;
        if (is_ipv6 || is_action(way)) own.ipv6_.ways.push_back(*json);
        if (!is_ipv6) own.ipv4_.ways.push_back(std::move(*json));
    }
    return own;
}

bool OwnWays::lead_to(const IpPrefix& prefix) const {
    const bool is_ipv4 = std::holds_alternative<Ipv4Prefix>(prefix);
    return is_empty() || !(is_ipv4 ? ipv4_ : ipv6_).ways.empty();
}

Result<std::string_view> OwnWays::of(const IpPrefix& prefix,
                                     const std::variant<std::string_view, IpAddress>& theirs) {
    Turns& turns = std::holds_alternative<Ipv4Prefix>(prefix) ? ipv4_ : ipv6_;
    if (const auto* word = std::get_if<std::string_view>(&theirs)) return of_word(turns, *word);
    if (is_empty()) {
        return Unexpected(ErrorCode::kInvalid,
                          "the next hops of a dump are those of another router: say with --via "
                          "which of ours take their place");
    }
    return turn_of(turns, to_string(std::get<IpAddress>(theirs)));
}

Result<std::string_view> OwnWays::of_word(Turns& turns, std::string_view word) {
    if (!is_empty() && !is_action(word)) return turn_of(turns, word);
    if (last_json_.empty() || word != last_word_) {
        Result<std::string> json = way_json(word);
        if (!json) return Unexpected(json.error());
        last_json_ = std::move(*json);
        last_word_ = word;
    }
    return std::string_view(last_json_);
}

Result<std::string_view> OwnWays::turn_of(Turns& turns, std::string_view next_hop) {
    auto turn = turns.by_next_hop.find(next_hop);
    if (turn == turns.by_next_hop.end()) {
        const std::size_t count = turns.by_next_hop.size();
        if (count == kNextHopsMax) {
            return Unexpected(
                ErrorCode::kFull,
                fmt::format("more than {} next hops: is this a table of routes?", kNextHopsMax));
        }
        turn = turns.by_next_hop.emplace(next_hop, count % turns.ways.size()).first;
    }
    return std::string_view(turns.ways[turn->second]);
}

}  // namespace causeway::cli
