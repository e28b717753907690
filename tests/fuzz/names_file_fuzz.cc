// SPDX-License-Identifier: Apache-2.0
//
// Any text as a file of names: read line by line by other means, it has the same patterns or the
// same first fault; and each pattern is one by itself, which matches a name that it was made for.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "control/config/names_file.h"

namespace causeway {
namespace {

constexpr std::string_view kPath = "/etc/causeway/names";

struct Read {
    std::vector<NamePattern> names;
    std::size_t bad_line = 0;
};

Read read_slowly(const std::string& text) {
    Read read;
    std::istringstream in(text);
    std::string line;
    for (std::size_t number = 1; std::getline(in, line); ++number) {
        std::string rest = line.substr(0, line.find('#'));
        const auto is_blank = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
        while (!rest.empty() && is_blank(rest.front())) rest.erase(0, 1);
        while (!rest.empty() && is_blank(rest.back())) rest.pop_back();
        if (rest.empty()) continue;
        auto name = NamePattern::from(rest);
        if (!name) {
            read.bad_line = number;
            return read;
        }
        read.names.push_back(std::move(name).value());
    }
    return read;
}

void check_pattern(const NamePattern& pattern) {
    const auto again = NamePattern::from(pattern.text());
    CHECK(again && *again == pattern && again->kind() == pattern.kind());
    CHECK(again->literals() == pattern.literals());
    std::string example = pattern.text();
    std::ranges::replace(example, '*', 'x');
    const auto name = Hostname::from(example);
    CHECK(name && pattern.matches(*name));
    for (const std::string& part : pattern.parts()) {
        CHECK(name->text().find(part) != std::string_view::npos);
    }
}

}  // namespace
}  // namespace causeway

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace causeway;
    const std::string text(reinterpret_cast<const char*>(data), size);
    const auto names = parse_names(text, kPath);
    const Read slowly = read_slowly(text);
    CHECK(names.has_value() == (slowly.bad_line == 0));
    if (names) {
        CHECK(*names == slowly.names);
        for (const NamePattern& pattern : *names) check_pattern(pattern);
        return 0;
    }
    const std::string& message = names.error().message;
    const std::string place =
        "line " + std::to_string(slowly.bad_line) + " of " + std::string(kPath) + ": ";
    CHECK(message.starts_with(place) && message.size() > place.size());
    CHECK(std::ranges::all_of(message, [](char c) { return c >= ' ' && c <= '~'; }));
    return 0;
}
