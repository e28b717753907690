// SPDX-License-Identifier: Apache-2.0
//
// What a pattern means, and what is none.
#include <gtest/gtest.h>

#include <string>

#include "acl/names/name_pattern.h"

namespace causeway {
namespace {

NamePattern pattern(std::string_view text) {
    auto parsed = NamePattern::from(text);
    EXPECT_TRUE(parsed.has_value()) << text;
    return std::move(parsed).value();
}

bool matches(std::string_view text, std::string_view name) {
    const auto host = Hostname::from(name);
    EXPECT_TRUE(host.has_value()) << name;
    return pattern(text).matches(*host);
}

TEST(Hostname, IsLowerCaseWithoutTheLastDot) {
    const auto name = Hostname::from("Outlook.Office.COM.");
    ASSERT_TRUE(name.has_value());
    EXPECT_EQ(name->text(), "outlook.office.com");
    EXPECT_EQ(name->labels(), 3U);
    EXPECT_EQ(name->start_of(1), 8U);
}

TEST(Hostname, IsNoOtherText) {
    const std::string longest_label(63, 'a');
    const std::string longest =
        longest_label + '.' + longest_label + '.' + longest_label + '.' + std::string(61, 'b');
    EXPECT_TRUE(Hostname::from(longest).has_value());
    EXPECT_TRUE(Hostname::from("_dmarc.x-1").has_value());
    for (const std::string& text :
         {std::string(), std::string("."), std::string("a..b"), std::string(".a"),
          std::string("a b"), std::string("192.0.2.1"), std::string("[2001:db8::1]"),
          std::string("caf\xc3\xa9.fr"), std::string("a\0b", 3), longest + "b",
          longest_label + "a.com", std::string("*.com")}) {
        EXPECT_FALSE(Hostname::from(text).has_value()) << text;
    }
}

TEST(NamePattern, PlainNameIsItself) {
    EXPECT_TRUE(matches("outlook.office.com", "outlook.office.com"));
    EXPECT_TRUE(matches("Outlook.Office.com", "outlook.office.com"));
    EXPECT_FALSE(matches("outlook.office.com", "x.outlook.office.com"));
    EXPECT_FALSE(matches("office.com", "outlook.office.com"));
    EXPECT_EQ(pattern("office.com.").text(), "office.com");
    EXPECT_FALSE(NamePattern::from("office.com..").has_value());
}

TEST(NamePattern, LeadingStarIsAnyDepthBelow) {
    EXPECT_TRUE(matches("*.office.com", "outlook.office.com"));
    EXPECT_TRUE(matches("*.office.com", "a.b.outlook.office.com"));
    EXPECT_FALSE(matches("*.office.com", "office.com"));
    EXPECT_FALSE(matches("*.office.com", "myoffice.com"));
}

TEST(NamePattern, OtherStarsAreOfOneLabel) {
    EXPECT_TRUE(matches("*-files.sharepoint.com", "contoso-files.sharepoint.com"));
    EXPECT_FALSE(matches("*-files.sharepoint.com", "-files.sharepoint.com"));
    EXPECT_FALSE(matches("*-files.sharepoint.com", "a.contoso-files.sharepoint.com"));
    EXPECT_TRUE(matches("autodiscover.*.onmicrosoft.com", "autodiscover.contoso.onmicrosoft.com"));
    EXPECT_FALSE(matches("autodiscover.*.onmicrosoft.com", "autodiscover.a.b.onmicrosoft.com"));
    EXPECT_FALSE(matches("autodiscover.*.onmicrosoft.com", "autodiscover.onmicrosoft.com"));
    EXPECT_TRUE(matches("*.a-*-b.net", "x.y.a-1-b.net"));
    EXPECT_FALSE(matches("*.a-*-b.net", "a-1-b.net"));
}

TEST(NamePattern, CountsWhatIsNoStar) {
    EXPECT_EQ(pattern("*.office.com").literals(), 11U);
    EXPECT_EQ(pattern("outlook.office.com").literals(), 18U);
    EXPECT_EQ(pattern("*-files.sharepoint.com").literals(), 21U);
    EXPECT_EQ(pattern("*.office.com").kind(), NamePattern::Kind::kSubdomains);
    EXPECT_EQ(pattern("*.a*.office.com").kind(), NamePattern::Kind::kWildcard);
}

TEST(NamePattern, RefusesWhatMeansNothing) {
    for (const auto& [text, words] : {std::pair{"", "is no name"},
                                      {"*", "last label"},
                                      {"office.*", "last label"},
                                      {"**.office.com", "\"**\""},
                                      {"a b.com", "is no name"},
                                      {"*..com", "is no name"},
                                      {"*a*b*c*d*e.com", "5 \"*\""},
                                      {"192.0.2.1", "is no name"}}) {
        const auto parsed = NamePattern::from(text);
        ASSERT_FALSE(parsed.has_value()) << text;
        EXPECT_NE(parsed.error().message.find(words), std::string::npos) << parsed.error().message;
    }
}

}  // namespace
}  // namespace causeway
