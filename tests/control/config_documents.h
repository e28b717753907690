// SPDX-License-Identifier: Apache-2.0
//
// The documents of tests/config: right ones, and wrong ones that say in leading comments what
// load_config() must answer:
//
//   # expect: LINE PATH: text
//
// one for each error, in order, none left out. PATH is "-" and LINE 0 where an error has none;
// `text` is a part of the message.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace causeway::test {

struct ExpectedError {
    unsigned line;
    std::string path;
    std::string text;
};

struct Document {
    std::string name;  // of the file, without folder and suffix
    std::string text;
    std::vector<ExpectedError> errors;
};

// Every document of tests/config/FOLDER, by name. Throws where the folder cannot be read.
[[nodiscard]] std::vector<Document> read_documents(const std::string& folder);

}  // namespace causeway::test
