// SPDX-License-Identifier: Apache-2.0
#include "acl/names/name_pattern.h"

#include <algorithm>

namespace causeway {
namespace {

constexpr std::string_view kBelow = "*.";

// Whether the pattern matches the whole text, where each "*" stands for characters of one label.
// Only the last "*" need ever take one more: what the ones before it took was enough, and none
// reaches beyond its label.
bool matches_glob(std::string_view pattern, std::string_view text) noexcept {
    constexpr std::size_t kNone = std::string_view::npos;
    std::size_t at = 0;
    std::size_t in = 0;
    std::size_t star = kNone;  // in the pattern
    std::size_t star_end = 0;  // behind what it has taken of the text
    while (in < text.size()) {
        if (at < pattern.size() && pattern[at] == '*' && text[in] != '.') {
            star = at++;
            star_end = ++in;
        } else if (at < pattern.size() && pattern[at] == text[in]) {
            ++at;
            ++in;
        } else if (star != kNone && text[star_end] != '.') {
            at = star + 1;
            in = ++star_end;
        } else {
            return false;
        }
    }
    return at == pattern.size();
}

Unexpected refused(std::string message) {
    return Unexpected(ErrorCode::kInvalid, std::move(message));
}

}  // namespace

Result<NamePattern> NamePattern::from(std::string_view text) {
    // What a "*" stands for is at least one character, so a pattern without a "*" in the same place
    // has the same bounds as one with a letter there.
    std::string as_name(text);
    std::ranges::replace(as_name, '*', 'x');
    const auto shape = Hostname::from(as_name);
    if (!shape) {
        return refused(
            "is no name: give labels of 1 to 63 letters, digits, \"-\" and \"_\" (and \"*\"), with "
            "dots between, at most 253 in all");
    }
    if (text.ends_with('.')) text.remove_suffix(1);
    NamePattern pattern;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool is_star = text[i] == '*';
        if (is_star && i > 0 && text[i - 1] == '*') {
            return refused("has \"**\": one \"*\" stands for any number of characters");
        }
        pattern.text_ += is_star || text[i] == '.' ? text[i] : fold_name_character(text[i]);
    }
    const auto stars = static_cast<std::size_t>(std::ranges::count(pattern.text_, '*'));
    if (pattern.text_.find('*', shape->start_of(shape->labels() - 1)) != std::string::npos) {
        return refused("has a \"*\" in its last label: name the top-level domain");
    }
    if (stars > kWildcardsMax) {
        return refused("has " + std::to_string(stars) + " \"*\": at most " +
                       std::to_string(kWildcardsMax) + " are possible");
    }
    const bool is_below = pattern.text_.starts_with(kBelow);
    if (stars == 1 && is_below) pattern.kind_ = Kind::kSubdomains;
    if (stars > 1 || (stars == 1 && !is_below)) pattern.kind_ = Kind::kWildcard;
    pattern.literals_ = pattern.text_.size() - stars;
    return pattern;
}

std::string_view NamePattern::base() const noexcept {
    const std::string_view text = text_;
    return kind_ == Kind::kSubdomains ? text.substr(kBelow.size()) : text;
}

bool pattern_matches(std::string_view pattern, const Hostname& name) noexcept {
    const std::string_view text = name.text();
    if (!pattern.starts_with(kBelow)) return matches_glob(pattern, text);
    // The rest has as many labels as it has, so it can only match that many at the end.
    const std::string_view rest = pattern.substr(kBelow.size());
    const auto labels = static_cast<std::size_t>(std::ranges::count(rest, '.')) + 1;
    if (name.labels() <= labels) return false;
    return matches_glob(rest, text.substr(name.start_of(name.labels() - labels)));
}

std::vector<std::string> NamePattern::parts() const {
    std::vector<std::string> parts(1);
    for (const char c : text_) {
        if (c == '*') {
            parts.emplace_back();
        } else {
            parts.back() += c;
        }
    }
    std::erase(parts, std::string());
    return parts;
}

}  // namespace causeway
