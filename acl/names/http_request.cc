// SPDX-License-Identifier: Apache-2.0
#include "acl/names/http_request.h"

#include <algorithm>
#include <string_view>

#include "acl/names/tls_client_hello.h"

namespace causeway {
namespace {

constexpr std::size_t kMethodBytesMax = 24;  // longer than any that is registered

// RFC 9110 5.6.2: the characters of a token.
bool is_token_character(char c) noexcept {
    constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           kMarks.find(c) != std::string_view::npos;
}

bool equals_ignoring_case(std::string_view a, std::string_view lower) noexcept {
    return std::ranges::equal(a, lower, [](char x, char y) {
        return (x >= 'A' && x <= 'Z' ? static_cast<char>(x - 'A' + 'a') : x) == y;
    });
}

// host [":" port], perhaps with userinfo before it (RFC 3986 3.2).
NameSearch name_of_authority(std::string_view authority) noexcept {
    authority = authority.substr(authority.find_last_of('@') + 1);
    const std::size_t colon = authority.find(':');
    const auto name = Hostname::from(authority.substr(0, colon));
    return name ? NameSearch::found(*name) : NameSearch::none();
}

std::string_view trim(std::string_view text) noexcept {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

// Takes the next whole line off the text, without its end; nothing where it has not come yet.
std::optional<std::string_view> take_line(std::string_view& text) noexcept {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return std::nullopt;
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    text.remove_prefix(end + 1);
    return line;
}

// Whether this can be the begin of a request line: a method and a blank.
bool may_be_request(std::string_view text) noexcept {
    const auto end = std::ranges::find_if_not(text, is_token_character);
    const auto bytes = static_cast<std::size_t>(end - text.begin());
    return bytes <= kMethodBytesMax && (end == text.end() || (bytes != 0 && *end == ' '));
}

// Of the Host field among those that have come.
NameSearch find_in_fields(std::string_view text) noexcept {
    while (const auto line = take_line(text)) {
        if (line->empty()) return NameSearch::none();  // the end of the header
        const std::size_t colon = line->find(':');
        if (colon == std::string_view::npos) return NameSearch::none();
        if (equals_ignoring_case(line->substr(0, colon), "host")) {
            return name_of_authority(trim(line->substr(colon + 1)));
        }
    }
    return NameSearch::more();
}

}  // namespace

NameSearch find_name_in_http(std::span<const std::uint8_t> stream) noexcept {
    std::string_view text(reinterpret_cast<const char*>(stream.data()), stream.size());
    if (!may_be_request(text)) return NameSearch::none();
    const auto line = take_line(text);
    if (!line) return NameSearch::more();
    const std::size_t target_at = line->find(' ') + 1;
    const std::size_t version_at = line->rfind(' ') + 1;
    if (version_at <= target_at || !line->substr(version_at).starts_with("HTTP/1.")) {
        return NameSearch::none();
    }
    const std::string_view method = line->substr(0, target_at - 1);
    const std::string_view target = line->substr(target_at, version_at - 1 - target_at);
    if (method == "CONNECT") return name_of_authority(target);
    const std::size_t scheme_end = target.find("://");
    if (!target.starts_with('/') && scheme_end != std::string_view::npos) {
        const std::string_view rest = target.substr(scheme_end + 3);
        return name_of_authority(rest.substr(0, rest.find_first_of("/?#")));
    }
    return find_in_fields(text);
}

NameSearch find_name_in_stream(std::span<const std::uint8_t> stream) noexcept {
    if (stream.empty()) return NameSearch::more();
    constexpr std::uint8_t kTlsHandshake = 22;
    return stream.front() == kTlsHandshake ? find_name_in_tls(stream) : find_name_in_http(stream);
}

}  // namespace causeway
