// SPDX-License-Identifier: Apache-2.0
#include "tests/control/config_documents.h"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string_view>

namespace causeway::test {
namespace {

constexpr std::string_view kExpect = "# expect: ";

// REQUIRES: the line begins with kExpect.
ExpectedError parse_expectation(const std::string& line) {
    std::istringstream words(line.substr(kExpect.size()));
    ExpectedError expected;
    if (!(words >> expected.line >> expected.path) || !expected.path.ends_with(':')) {
        throw std::runtime_error("not \"# expect: LINE PATH: text\": " + line);
    }
    expected.path.pop_back();
    if (expected.path == "-") expected.path.clear();
    std::getline(words >> std::ws, expected.text);
    return expected;
}

Document read_document(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream content;
    content << file.rdbuf();
    if (!file) throw std::runtime_error("cannot read " + path.string());
    Document document{.name = path.stem().string(), .text = content.str(), .errors = {}};
    std::istringstream lines(document.text);
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with(kExpect)) document.errors.push_back(parse_expectation(line));
    }
    return document;
}

}  // namespace

std::vector<Document> read_documents(const std::string& folder) {
    std::vector<Document> documents;
    const auto path = std::filesystem::path(CONFIG_DOCUMENTS) / folder;
    for (const auto& entry : std::filesystem::directory_iterator(path)) {
        if (entry.path().extension() == ".yaml") documents.push_back(read_document(entry.path()));
    }
    std::ranges::sort(documents, {}, &Document::name);
    return documents;
}

}  // namespace causeway::test
