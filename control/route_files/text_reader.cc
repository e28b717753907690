// SPDX-License-Identifier: Apache-2.0
#include "control/route_files/text_reader.h"

#include <fmt/format.h>

#include <cstring>

#include "base/text.h"
#include "control/config/words.h"

namespace causeway {
namespace {

// Several times what a route with all the next hops there may be takes.
constexpr std::size_t kLineBytesMax = 64 << 10;

// The next word of a line, taken off its front; empty at the end or at a comment.
std::string_view take_word(std::string_view& line) {
    const std::size_t begin = line.find_first_not_of(" \t\r");
    if (begin == std::string_view::npos || line[begin] == '#') return {};
    line.remove_prefix(begin);
    const std::string_view word = line.substr(0, line.find_first_of(" \t\r"));
    line.remove_prefix(word.size());
    return word;
}

}  // namespace

std::string TextReader::place(std::uint64_t number) const {
    return std::to_string(number);
}

Unexpected TextReader::wrong(std::string message) const {
    return {ErrorCode::kInvalid, std::move(message), place(line_)};
}

Result<std::optional<std::string_view>> TextReader::next_line() {
    ++line_;
    for (std::size_t searched = 0;;) {
        const auto ahead = window_.peek(searched + 1);
        if (!ahead) return wrong(ahead.error().message);
        if (ahead->empty()) return std::optional<std::string_view>();
        const auto* const text = reinterpret_cast<const char*>(ahead->data());
        const void* const newline = std::memchr(text + searched, '\n', ahead->size() - searched);
        const bool is_last = newline == nullptr && ahead->size() == searched;
        if (newline != nullptr || is_last) {
            const auto size =
                is_last ? ahead->size()
                        : static_cast<std::size_t>(static_cast<const char*>(newline) - text);
            window_.skip(is_last ? size : size + 1);
            return std::optional(std::string_view(text, size));
        }
        searched = ahead->size();
        if (searched > kLineBytesMax)
            return wrong(
                fmt::format("is longer than {} bytes: is this a file of routes?", kLineBytesMax));
    }
}

Result<std::optional<FileRoute>> TextReader::next() {
    while (true) {
        const auto read = next_line();
        if (!read) return Unexpected(read.error());
        if (!read->has_value()) return std::optional<FileRoute>();
        std::string_view line = **read;
        const std::string_view word = take_word(line);
        if (word.empty()) continue;
        const auto prefix = parse_ip_prefix(word);
        if (!prefix)
            return wrong(fmt::format("\"{}\" is no prefix without host bits, as in 10.0.0.0/8",
                                     quotable(word)));
        const std::string_view way = take_word(line);
        if (const std::string_view rest = take_word(line); !rest.empty())
            return wrong(fmt::format("\"{}\" is one word too many: PREFIX NEXTHOP[,NEXTHOP...]",
                                     quotable(rest)));
        return std::optional(FileRoute{*prefix, way, line_});
    }
}

}  // namespace causeway
