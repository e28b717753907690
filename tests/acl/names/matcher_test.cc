// SPDX-License-Identifier: Apache-2.0
//
// All sets at once against their meaning, one pattern at a time.
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "acl/names/name_matcher.h"
#include "tests/support/seed.h"

namespace causeway {
namespace {

NamePattern pattern(std::string_view text) {
    auto parsed = NamePattern::from(text);
    EXPECT_TRUE(parsed.has_value()) << text;
    return std::move(parsed).value();
}

struct Asked {
    explicit Asked(std::span<const NameSet> sets) : matcher(make(sets)) {
        auto made = matcher.make_scratch();
        EXPECT_TRUE(made.has_value());
        scratch = std::move(made).value();
    }
    NameVerdict operator()(std::string_view name) {
        const auto host = Hostname::from(name);
        EXPECT_TRUE(host.has_value()) << name;
        return matcher.match(*host, scratch);
    }
    static NameMatcher make(std::span<const NameSet> sets) {
        PatternPlan plan = plan_patterns(sets);
        std::unique_ptr<const PatternDatabase> patterns;
        if (!plan.patterns.empty()) {
            auto compiled = PatternDatabase::compile(plan.patterns);
            EXPECT_TRUE(compiled.has_value());
            patterns = std::move(compiled).value();
        }
        return {sets, plan, std::move(patterns)};
    }
    NameMatcher matcher;
    PatternScratch scratch;
};

TEST(NameMatcher, MoreSpecificPatternDecidesBothWays) {
    const std::vector<NameSet> sets{
        {.name = "out",
         .members = {pattern("*.office.com"), pattern("admin.outlook.office.com")},
         .exceptions = {pattern("outlook.office.com"), pattern("*.outlook.office.com")},
         .payloads = {}},
        {.name = "files",
         .members = {pattern("*-files.sharepoint.com")},
         .exceptions = {pattern("contoso-files.sharepoint.com")},
         .payloads = {}}};
    Asked asked(sets);
    EXPECT_EQ(asked("www.office.com"), (NameVerdict{.in = 1, .decided = 1}));
    EXPECT_EQ(asked("outlook.office.com"), (NameVerdict{.in = 0, .decided = 1}));
    EXPECT_EQ(asked("x.outlook.office.com"), (NameVerdict{.in = 0, .decided = 1}));
    EXPECT_EQ(asked("admin.outlook.office.com"), (NameVerdict{.in = 1, .decided = 1}));
    EXPECT_EQ(asked("office.com"), NameVerdict{});
    EXPECT_EQ(asked("fabrikam-files.sharepoint.com"), (NameVerdict{.in = 2, .decided = 2}));
    EXPECT_EQ(asked("contoso-files.sharepoint.com"), (NameVerdict{.in = 0, .decided = 2}));
}

TEST(NameMatcher, FirstNameOfAChainDecidesThatASetSpeaksOf) {
    const std::vector<NameSet> sets{{.name = "cdn",
                                     .members = {pattern("*.cdn.net"), pattern("*.office.com")},
                                     .exceptions = {pattern("outlook.office.com")},
                                     .payloads = {}},
                                    {.name = "example",
                                     .members = {pattern("*.example.com")},
                                     .exceptions = {},
                                     .payloads = {}}};
    Asked asked(sets);
    const auto chain = [&asked](std::initializer_list<const char*> names) {
        std::vector<Hostname> hosts;
        for (const char* const name : names) hosts.push_back(*Hostname::from(name));
        return asked.matcher.match(hosts, asked.scratch);
    };
    EXPECT_EQ(chain({"www.example.com", "x.cdn.net"}), 0b11U);
    EXPECT_EQ(chain({"outlook.office.com", "x.cdn.net"}), 0U);
    EXPECT_EQ(chain({"x.cdn.net", "outlook.office.com"}), 0b01U);
    EXPECT_EQ(chain({"nothing.org"}), 0U);
}

TEST(NameMatcher, PayloadsAndNamesDoNotMeet) {
    const std::vector<NameSet> sets{
        {.name = "ocsp", .members = {}, .exceptions = {}, .payloads = {"ocsp"}},
        {.name = "names",
         .members = {pattern("oc*.example.com")},
         .exceptions = {},
         .payloads = {}}};
    Asked asked(sets);
    EXPECT_EQ(asked("ocsp.example.com"), (NameVerdict{.in = 2, .decided = 2}));
    EXPECT_EQ(asked.matcher.match_payload("ocsp.example.com", asked.scratch), 1U);
    EXPECT_EQ(asked.matcher.match_payload("nothing", asked.scratch), 0U);
}

// Few labels and letters, so that patterns meet names and each other.
std::string random_label(test::SeededRandom& random) {
    static constexpr std::string_view kLetters = "aab-";
    std::string label;
    const std::size_t size = 1 + random.below(random.below(8) == 0 ? 20 : 3);
    for (std::size_t i = 0; i < size; ++i) label += kLetters[random.below(kLetters.size())];
    return label;
}
std::string random_name(test::SeededRandom& random) {
    std::string name;
    for (std::size_t labels = random.below(4); labels > 0; --labels) {
        name += random_label(random) + '.';
    }
    return name + (random.below(2) == 0 ? "com" : "a");
}
NamePattern random_pattern(test::SeededRandom& random) {
    for (;;) {
        std::string text = random_name(random);
        if (random.below(2) == 0) text.insert(0, "*.");
        for (std::size_t stars = random.below(3); stars > 0; --stars) {
            text[random.below(text.size())] = '*';
        }
        if (auto parsed = NamePattern::from(text)) return std::move(parsed).value();
    }
}

// What a pattern means, letter by letter.
bool matches_slowly(std::string_view pattern, std::string_view text) {
    if (pattern.empty()) return text.empty();
    if (pattern.front() != '*') {
        return !text.empty() && text.front() == pattern.front() &&
               matches_slowly(pattern.substr(1), text.substr(1));
    }
    for (std::size_t taken = 1; taken <= text.size() && text[taken - 1] != '.'; ++taken) {
        if (matches_slowly(pattern.substr(1), text.substr(taken))) return true;
    }
    return false;
}
bool means(std::string_view pattern, std::string_view name) {
    if (!pattern.starts_with("*.")) return matches_slowly(pattern, name);
    for (std::size_t dot = name.find('.'); dot != name.npos; dot = name.find('.', dot + 1)) {
        if (matches_slowly(pattern.substr(2), name.substr(dot + 1))) return true;
    }
    return false;
}

TEST(NamePattern, MeansWhatItSays) {
    test::SeededRandom random;
    for (std::size_t i = 0; i < test::rounds(200'000); ++i) {
        const NamePattern made = random_pattern(random);
        const auto name = Hostname::from(random_name(random));
        ASSERT_TRUE(name.has_value());
        ASSERT_EQ(made.matches(*name), means(made.text(), name->text()))
            << made.text() << ' ' << name->text();
    }
}

TEST(NameMatcher, MeansWhatItsPatternsMean) {
    test::SeededRandom random;
    for (std::size_t round = 0; round < test::rounds(30); ++round) {
        std::vector<NameSet> sets(1 + random.below(kNameSetsMax));
        const bool has_wildcards = random.below(3) != 0;
        for (NameSet& set : sets) {
            for (std::size_t i = random.below(12); i > 0; --i) {
                NamePattern made = random_pattern(random);
                if (!has_wildcards && made.kind() == NamePattern::Kind::kWildcard) continue;
                (random.below(3) == 0 ? set.exceptions : set.members).push_back(std::move(made));
            }
        }
        Asked asked(sets);
        for (int i = 0; i < 500; ++i) {
            const auto name = Hostname::from(random_name(random));
            ASSERT_TRUE(name.has_value());
            ASSERT_EQ(asked.matcher.match(*name, asked.scratch), verdict_on(*name, sets))
                << name->text();
        }
    }
}

TEST(PatternDatabase, SaysWhatIsWrong) {
    EXPECT_TRUE(PatternDatabase::check("^GET [^ ]*\\.crl HTTP/1\\.").has_value());
    for (const char* const wrong : {"(", "a*", "(?=x)y", "\\1"}) {
        const Status status = PatternDatabase::check(wrong);
        ASSERT_FALSE(status.has_value()) << wrong;
        EXPECT_FALSE(status.error().message.empty());
    }
}

TEST(PatternDatabase, IsReadBackAsItWas) {
    const std::vector<ScanPattern> patterns{{"^abc"}, {"b.d"}, {"x$"}};
    const auto database = PatternDatabase::compile(patterns);
    ASSERT_TRUE(database.has_value());
    auto bytes = (*database)->serialize();
    ASSERT_TRUE(bytes.has_value());
    const auto again = PatternDatabase::deserialize(*bytes);
    ASSERT_TRUE(again.has_value());
    auto scratch = (*again)->make_scratch();
    ASSERT_TRUE(scratch.has_value());
    std::vector<unsigned> places;
    (*again)->scan("abcdx", *scratch, [&places](unsigned place) { places.push_back(place); });
    EXPECT_EQ(places, (std::vector<unsigned>{0, 1, 2}));

    EXPECT_FALSE(PatternDatabase::deserialize(std::span(*bytes).first(10)).has_value());
    (*bytes)[4] = static_cast<char>((*bytes)[4] + 1);  // the release that wrote it
    EXPECT_FALSE(PatternDatabase::deserialize(*bytes).has_value());
}

}  // namespace
}  // namespace causeway
