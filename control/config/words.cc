// SPDX-License-Identifier: Apache-2.0
#include "control/config/words.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <utility>
#include <vector>

namespace causeway {
namespace {

constexpr std::size_t kQuotedMax = 64;  // characters of a foreign text in a message
constexpr std::size_t kListedMax = 16;  // known words in a message

// Levenshtein's distance of two short words.
std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 0; i < a.size(); ++i) {
        std::size_t diagonal = std::exchange(row[0], i + 1);
        for (std::size_t j = 0; j < b.size(); ++j) {
            const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
            diagonal = row[j + 1];
            row[j + 1] = std::min({replaced, diagonal + 1, row[j] + 1});
        }
    }
    return row.back();
}

// Two words that differ only in case or in the kind of hyphen are equal for this purpose.
std::string fold(std::string_view text) {
    std::string folded = lower_case(text);
    std::ranges::replace(folded, '_', '-');
    return folded;
}

}  // namespace

bool is_printable_ascii(char c) noexcept {
    return c >= 0x20 && c < 0x7f;
}

std::string lower_case(std::string_view text) {
    std::string result(text);
    for (char& c : result) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return result;
}

std::string quotable(std::string_view text) {
    std::string result(text.substr(0, kQuotedMax));
    std::ranges::replace_if(
        result, [](char c) { return !is_printable_ascii(c); }, '?');
    if (text.size() > kQuotedMax) result += "...";
    return result;
}

std::string_view nearest_word(std::string_view word, std::span<const std::string_view> known) {
    const std::string folded = fold(word.substr(0, kQuotedMax));
    std::string_view nearest;
    std::size_t nearest_distance = kQuotedMax;
    for (const std::string_view candidate : known) {
        const std::size_t slips_max = 1 + candidate.size() / 4;
        // The difference in length is a lower bound, and costs nothing.
        if (candidate.size() + slips_max < folded.size() ||
            folded.size() + slips_max < candidate.size()) {
            continue;
        }
        const std::size_t distance = edit_distance(folded, fold(candidate));
        if (distance > slips_max || distance >= nearest_distance) continue;
        nearest = candidate;
        nearest_distance = distance;
    }
    return nearest;
}

std::string suggestion(std::string_view word, std::span<const std::string_view> known) {
    const std::string_view nearest = nearest_word(word, known);
    if (!nearest.empty()) return fmt::format(": did you mean \"{}\"?", nearest);
    if (known.empty() || known.size() > kListedMax) return {};
    return fmt::format(": known here are {}", fmt::join(known, ", "));
}

}  // namespace causeway
