// SPDX-License-Identifier: Apache-2.0
//
// Each document of tests/config/wrong yields exactly the errors that it announces.
#include <gtest/gtest.h>

#include <ostream>

#include "control/config/config.h"
#include "tests/control/config_documents.h"

namespace causeway::test {
namespace {

// An error as its document announces it, for messages of this test.
std::string as_comment(const ConfigError& error) {
    return "# expect: " + std::to_string(error.line) + ' ' +
           (error.path.empty() ? "-" : error.path) + ": " + error.message;
}

TEST(ConfigWrong, there_are_many_documents) {
    EXPECT_GE(read_documents("wrong").size(), 30U);
}

class ConfigWrongDocument : public testing::TestWithParam<Document> {};

TEST_P(ConfigWrongDocument, yields_exactly_what_it_announces) {
    const Document& document = GetParam();
    ASSERT_FALSE(document.errors.empty()) << "the document announces nothing";
    const LoadedConfig loaded = load_config(document.text);
    EXPECT_FALSE(loaded.config.has_value());
    for (std::size_t i = 0; i < loaded.errors.size(); ++i) {
        const ConfigError& error = loaded.errors[i];
        ASSERT_LT(i, document.errors.size()) << "not announced: " << as_comment(error);
        EXPECT_EQ(error.line, document.errors[i].line) << as_comment(error);
        EXPECT_EQ(error.path, document.errors[i].path) << as_comment(error);
        EXPECT_NE(error.message.find(document.errors[i].text), std::string::npos)
            << as_comment(error) << "\nlacks " << document.errors[i].text;
        EXPECT_EQ(error.column > 0, error.line > 0) << as_comment(error);
    }
    EXPECT_EQ(loaded.errors.size(), document.errors.size()) << "announced, but not found";
}

INSTANTIATE_TEST_SUITE_P(Documents, ConfigWrongDocument, testing::ValuesIn(read_documents("wrong")),
                         [](const auto& each) {
                             std::string name = each.param.name;
                             for (char& c : name) c = c == '-' ? '_' : c;
                             return name;
                         });

}  // namespace
}  // namespace causeway::test
