// SPDX-License-Identifier: Apache-2.0
//
// Names as the control thread keeps them: from a document to policies, sets and learned addresses.
#include "control/names/names.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>

#include "base/text.h"
#include "control/config/config.h"
#include "tests/support/frame_builder.h"
#include "tests/support/seed.h"

namespace causeway {
namespace {

using Bytes = std::vector<std::uint8_t>;

PolicyConfig policy_of(const std::string& text) {
    const LoadedConfig loaded = load_config(text);
    for (const ConfigError& error : loaded.errors) ADD_FAILURE() << format_error("", error);
    return loaded.config.value_or(Config{}).policy;
}

constexpr const char* kSets =
    "resolvers: [192.0.2.53]\n"
    "name-sets:\n"
    "  - {name: cdn, names: [\"*.cdn.example\", \"a*b.wild.example\"]}\n";
constexpr const char* kPolicy =
    "name-policies:\n"
    "  - name: some\n"
    "    rules:\n"
    "      - {name: drop, sets: [cdn], action: reject, log-one-in: 7}\n";

// A packet of layer 3 with one A record, 198.51.100.N, good for a minute.
Bytes answer(std::string_view name, std::uint8_t last) {
    Bytes message{0, 1, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0};
    while (!name.empty()) {
        const std::string_view label = name.substr(0, name.find('.'));
        message.push_back(static_cast<std::uint8_t>(label.size()));
        message.insert(message.end(), label.begin(), label.end());
        name.remove_prefix(std::min(name.size(), label.size() + 1));
    }
    const Bytes rest{0, 0, 1, 0, 1, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 198, 51, 100, last};
    message.insert(message.end(), rest.begin(), rest.end());
    Bytes packet =
        test::frame().ipv4("192.0.2.53", "10.1.0.9").udp(53, 4'000).payload(message.size()).bytes();
    std::ranges::copy(message, packet.end() - static_cast<std::ptrdiff_t>(message.size()));
    packet.erase(packet.begin(), packet.begin() + 14);
    return packet;
}

class NamesTest : public ::testing::Test {
  protected:
    void adopt(Names& names, const std::string& text) {
        ASSERT_TRUE(names.adopt(policy_of(text), {}));
        names.wait();
        (void)names.collect();
        (void)names.learned_in("contoso");
    }
    // The sets of 198.51.100.N in a VRF.
    static std::vector<std::string> sets_of(const Names& names, std::uint8_t last,
                                            const char* vrf = "contoso") {
        const Ipv4Address address(0xc633'6400U | last);
        LearnedSets sets;
        names.learned().at(vrf)->table<Ipv4Address>().lookup({&address, 1}, {&sets, 1});
        std::vector<std::string> words;
        for (unsigned bit = 0; bit < kNameSetsMax; ++bit) {
            if ((sets.now() >> bit & 1) != 0) words.push_back(names.name_of(bit));
        }
        return words;
    }
    using Words = std::vector<std::string>;

    ImmediateGrace grace_;
    RuleRows rows_{[](RuleCounterId) { return RuleTotals{}; }};
};

TEST_F(NamesTest, answers_teach_what_rules_speak_of) {
    Names names(grace_, rows_, {.workers = 1, .state_directory = {}});
    adopt(names, std::string(kSets) + kPolicy);
    ASSERT_TRUE(names.is_current());
    names.hear("contoso", answer("img.cdn.example", 1), 100);
    names.hear("contoso", answer("axxb.wild.example", 2), 100);
    names.hear("contoso", answer("ab.wild.example", 3), 100);
    EXPECT_EQ(sets_of(names, 1), Words{"cdn"});
    EXPECT_EQ(sets_of(names, 2), Words{"cdn"});
    EXPECT_EQ(sets_of(names, 3), Words{});
    const NamePolicy& policy = names.policy("some")->policy;
    EXPECT_TRUE(names.resolvers()->contains(Ipv4Address(0xc000'0235)));
    ASSERT_EQ(policy.rules.size(), 1U);
    EXPECT_EQ(policy.rules[0].sets, 1U);
    EXPECT_EQ(policy.rules[0].outcome.exit, Exit::kAclProhibited);
    EXPECT_EQ(policy.rules[0].outcome.log_one_in, 7U);
    EXPECT_NE(policy.rules[0].outcome.counter, RuleCounterId());
    names.tick(160);
    EXPECT_EQ(sets_of(names, 1), Words{});
}

TEST_F(NamesTest, counters_and_what_was_learned_survive_a_change_of_the_rest) {
    Names names(grace_, rows_, {.workers = 1, .state_directory = {}});
    adopt(names, std::string(kSets) + kPolicy);
    const RuleCounterId counter = names.policy("some")->policy.rules[0].outcome.counter;
    names.hear("contoso", answer("img.cdn.example", 1), 100);
    adopt(names, std::string(kSets) + "  - {name: other, names: [other.example]}\n" + kPolicy +
                     "      - {name: second, sets: [other], action: permit}\n");
    EXPECT_EQ(sets_of(names, 1), Words{"cdn"});
    EXPECT_EQ(names.policy("some")->policy.rules[0].outcome.counter, counter);
    EXPECT_EQ(names.policy("some")->policy.rules[1].sets, 2U);
}

// Addresses overlap, and so may resolvers': what is said in one VRF says nothing of another.
TEST_F(NamesTest, what_one_vrf_learns_is_nothing_to_others) {
    Names names(grace_, rows_, {.workers = 1, .state_directory = {}});
    adopt(names, std::string(kSets) + kPolicy);
    (void)names.learned_in("fabrikam");
    names.hear("fabrikam", answer("img.cdn.example", 1), 100);
    names.hear("unknown", answer("img.cdn.example", 2), 100);
    EXPECT_EQ(sets_of(names, 1, "fabrikam"), Words{"cdn"});
    EXPECT_EQ(sets_of(names, 1, "contoso"), Words{});
    AclPacket packet{.source = Ipv4Address(0xc633'6401), .destination = Ipv4Address(1)};
    names.describe(packet, "contoso");
    EXPECT_EQ(packet.source_names, 0U);
    names.describe(packet, "fabrikam");
    EXPECT_EQ(packet.source_names, 1U);

    const auto kept = names.learned_in("fabrikam");
    names.keep_vrfs({"contoso"});
    EXPECT_EQ(names.learned().size(), 1U);
    EXPECT_EQ(kept->size(), 1U);  // whoever still reads it may
    (void)names.learned_in("fabrikam");
    EXPECT_EQ(sets_of(names, 1, "fabrikam"), Words{});
}

// Who teaches without end fills his own share.
TEST_F(NamesTest, vrfs_share_the_room_evenly) {
    Names names(grace_, rows_, {.workers = 1, .state_directory = {}});
    adopt(names, std::string(kSets) + kPolicy);
    std::set<std::string> vrfs{"contoso"};
    for (int i = 1; i < 8; ++i) vrfs.insert("v" + std::to_string(i));
    for (const std::string& vrf : vrfs) (void)names.learned_in(vrf);
    EXPECT_EQ(names.learned().at("v3")->room(), kLearnedAddressesMax / 8);
    names.keep_vrfs({"contoso", "v3"});
    EXPECT_EQ(names.learned().at("v3")->room(), kLearnedAddressesMax / 2);
    (void)names.learned_in("microsoft");
    EXPECT_EQ(names.learned().at("microsoft")->room(), kLearnedAddressesMax / 2);
    EXPECT_EQ(names.learned().at("v3")->room(), kLearnedAddressesMax / 4);
    names.keep_vrfs({"microsoft"});
    EXPECT_EQ(names.learned().at("microsoft")->room(), kLearnedAddressesMax);
}

TEST_F(NamesTest, a_new_set_inherits_nothing_of_one_that_is_gone) {
    Names names(grace_, rows_, {.workers = 1, .state_directory = {}});
    adopt(names, kSets);
    names.hear("contoso", answer("img.cdn.example", 1), 100);
    adopt(names, "{}");
    for (unsigned i = 0; i <= kNameSetsMax; ++i) {
        adopt(names, "name-sets: [{name: s" + std::to_string(i) + ", names: [x.example]}]\n");
        ASSERT_NE(sets_of(names, 1), Words{"s" + std::to_string(i)});
    }
}

// As long as sets are made ready, those before them judge; by then their bits may be others'.
TEST_F(NamesTest, sets_that_are_gone_judge_nothing_for_those_that_have_their_bits) {
    Names names(grace_, rows_, {.workers = 1, .state_directory = {}});
    adopt(names, kSets);
    for (unsigned i = 0; i <= kNameSetsMax; ++i) {
        const std::string set = "s" + std::to_string(i);
        ASSERT_TRUE(names.adopt(
            policy_of("resolvers: [192.0.2.53]\nname-sets: [{name: " + set + ", names: [" + set +
                      ".example]}]\nname-policies: [{name: some, inspect: true, rules: [{name: r, "
                      "sets: [" +
                      set + "], action: reject}]}]\n"),
            {}));
        names.hear("contoso", answer("img.cdn.example", 1), 100);
        ASSERT_EQ(sets_of(names, 1), Words{}) << set;
        ASSERT_EQ(names.policy("some")->policy.read_sets, 0U) << set;
    }
    EXPECT_EQ(names.policy("some")->policy.era, 1U);
    names.wait();
    ASSERT_TRUE(names.collect());
    const std::string last = "s" + std::to_string(kNameSetsMax);
    names.hear("contoso", answer(last + ".example", 1), 100);
    EXPECT_EQ(sets_of(names, 1), Words{last});
    const NamePolicy& policy = names.policy("some")->policy;
    EXPECT_EQ(policy.read_sets & policy.rules[0].sets, policy.rules[0].sets);
}

std::filesystem::path fresh_directory() {
    std::filesystem::path made = std::filesystem::path(::testing::TempDir()) / "names-test";
    std::filesystem::remove_all(made);
    std::filesystem::create_directories(made);
    return made;
}

std::shared_ptr<const CompiledNames> compiled(const std::filesystem::path& state,
                                              const std::string& text) {
    NameCompiler compiler(state);
    NameSets sets;
    for (const NameSetConfig& set : policy_of(text).name_sets) sets.push_back(set.set());
    compiler.submit(std::make_shared<const NameSets>(sets));
    compiler.wait();
    return compiler.take();
}

TEST_F(NamesTest, a_restart_reads_compiled_patterns_back) {
    const std::filesystem::path state = fresh_directory();
    const auto first = compiled(state, kSets);
    ASSERT_NE(first->matcher, nullptr);
    EXPECT_FALSE(first->was_kept);
    EXPECT_FALSE(first->not_kept);
    const auto second = compiled(state, kSets);
    EXPECT_TRUE(second->was_kept);
    PatternScratch scratch = second->matcher->make_scratch().value();
    EXPECT_EQ(second->matcher->match(*Hostname::from("axxb.wild.example"), scratch).in, 1U);
    EXPECT_FALSE(compiled(state, "name-sets: [{name: o, names: [\"x*y.example\"]}]")->was_kept);
    std::ofstream(state / "names.patterns", std::ios::app | std::ios::binary).write("x", 1);
    EXPECT_FALSE(compiled(state, kSets)->was_kept);
    const auto third = compiled(state, kSets);
    EXPECT_TRUE(third->was_kept);
    std::filesystem::remove_all(state);
    const auto homeless = compiled(state, kSets);
    EXPECT_NE(homeless->matcher, nullptr);
    EXPECT_TRUE(homeless->not_kept);
}

// Whatever bit of it has tipped over: it is compiled again, or says what it said.
TEST_F(NamesTest, a_damaged_file_of_patterns_does_no_harm) {
    const std::filesystem::path state = fresh_directory();
    (void)compiled(state, kSets);
    std::ifstream file(state / "names.patterns", std::ios::binary);
    const std::string whole{std::istreambuf_iterator<char>(file), {}};
    test::SeededRandom random;
    for (int i = 0; i < 200; ++i) {
        std::string damaged = whole;
        const std::size_t at = random.below(damaged.size());
        if (i % 4 == 0) {
            damaged.resize(at);
        } else {
            damaged[at] = static_cast<char>(damaged[at] ^ 1 << random.below(8));
        }
        std::ofstream(state / "names.patterns", std::ios::binary) << damaged;
        const auto names = compiled(state, kSets);
        ASSERT_NE(names->matcher, nullptr) << "byte " << at;
        PatternScratch scratch = names->matcher->make_scratch().value();
        ASSERT_EQ(names->matcher->match(*Hostname::from("axxb.wild.example"), scratch).in, 1U)
            << "byte " << at;
    }
}

TEST_F(NamesTest, a_file_of_names_counts_as_the_document) {
    const std::string file = ::testing::TempDir() + "names-test.txt";
    std::ofstream(file) << "# a list\n\n  img.files.example  # one\r\n*.more.example\n";
    Names names(grace_, rows_, {.workers = 1, .state_directory = {}});
    adopt(names, "resolvers: [192.0.2.53]\nname-sets: [{name: filed, names-file: " + file + "}]\n");
    EXPECT_EQ(names.sets().at("filed").names, 2U);
    names.hear("contoso", answer("x.more.example", 1), 100);
    EXPECT_EQ(sets_of(names, 1), Words{"filed"});
    std::ofstream(file) << "fine.example\nbad..example\n";
    const LoadedConfig loaded =
        load_config("name-sets: [{name: filed, names-file: " + file + "}]\n");
    ASSERT_EQ(loaded.errors.size(), 1U);
    EXPECT_EQ(loaded.errors[0].path, "name-sets[0].names-file");
    EXPECT_NE(loaded.errors[0].message.find("line 2 of " + file), std::string::npos);
    std::filesystem::remove(file);
}

}  // namespace
}  // namespace causeway
