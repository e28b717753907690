// SPDX-License-Identifier: Apache-2.0
//
// What right documents mean, that write_config() says it again, and that no text breaks the rule
// "a Config or errors, never both, never neither".
#include "control/config/config.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "base/limits.h"
#include "base/text.h"
#include "tests/control/config_documents.h"
#include "tests/support/seed.h"

namespace causeway::test {
namespace {

std::string errors_of(const LoadedConfig& loaded) {
    std::string text;
    for (const ConfigError& error : loaded.errors) text += format_error("document", error) + '\n';
    return text;
}

// The configuration of a text that must be right.
Config load_right(std::string_view text) {
    LoadedConfig loaded = load_config(text);
    EXPECT_TRUE(loaded.config.has_value()) << errors_of(loaded);
    EXPECT_TRUE(loaded.errors.empty());
    return loaded.config.value_or(Config{});
}

void expect_round_trip(const Config& config) {
    const std::string text = write_config(config);
    const LoadedConfig again = load_config(text);
    ASSERT_TRUE(again.config.has_value()) << errors_of(again) << text;
    EXPECT_EQ(*again.config, config) << text;
    EXPECT_EQ(write_config(*again.config), text);
}

std::string content_of(const char* path) {
    std::ifstream file(path);
    std::ostringstream content;
    content << file.rdbuf();
    EXPECT_TRUE(file.good()) << path;
    return content.str();
}

std::string example() {
    return content_of(CONFIG_EXAMPLE);
}

TEST(ConfigRight, every_document_is_accepted_and_written_back) {
    const std::vector<Document> documents = read_documents("right");
    EXPECT_GE(documents.size(), 6U);
    for (const Document& document : documents) {
        SCOPED_TRACE(document.name);
        expect_round_trip(load_right(document.text));
    }
}

TEST(ConfigRight, the_example_is_accepted_and_written_back) {
    const Config config = load_right(example());
    ASSERT_EQ(config.circuits.size(), 2U);
    EXPECT_EQ(config.vrfs, (std::vector<std::string>{"adatum", "contoso", "microsoft"}));
    expect_round_trip(config);
}

TEST(ConfigRight, the_example_of_internet_only_is_accepted_and_written_back) {
    const Config config = load_right(content_of(CONFIG_INTERNET_ONLY));
    ASSERT_EQ(config.policy.name_policies.size(), 1U);
    for (const NameRuleConfig& rule : config.policy.name_policies[0].rules) {
        EXPECT_EQ(rule.action.steer, "internet") << rule.name;
    }
    expect_round_trip(config);
}

// The canonical form has every key that a document can have, but for "subnet" and "action".
TEST(ConfigRight, every_key_is_in_the_manual) {
    const std::string manual = content_of(CONFIG_MANUAL);
    const std::regex key_pattern("(?:\\n|\\{|, )[ -]*([a-z][a-z-]*): ");
    std::set<std::string> keys{"subnet", "action", "ports", "circuits", "routes"};
    for (const Document& document : read_documents("right")) {
        const std::string text = write_config(load_right(document.text));
        for (std::sregex_iterator i(text.begin(), text.end(), key_pattern), end; i != end; ++i) {
            keys.insert((*i)[1]);
        }
    }
    EXPECT_GE(keys.size(), 40U);
    for (const std::string& key : keys) {
        EXPECT_NE(manual.find('`' + key + '`'), std::string::npos) << key;
    }
}

TEST(ConfigRight, an_empty_mapping_has_the_defaults) {
    const Config config = load_right("{}");
    EXPECT_EQ(config, Config{});
    expect_round_trip(config);
}

TEST(ConfigRight, a_29_is_split_between_the_links) {
    const Config config = load_right(example());
    const PeeringConfig& peering = config.circuits[0].peerings[0];
    ASSERT_TRUE(peering.primary && peering.secondary);
    EXPECT_EQ(to_string(peering.primary->subnet), "192.168.15.16/30");
    EXPECT_EQ(to_string(peering.primary->customer()), "192.168.15.17");
    EXPECT_EQ(to_string(peering.primary->ours()), "192.168.15.18");
    EXPECT_EQ(to_string(peering.secondary->subnet), "192.168.15.20/30");
}

TEST(ConfigRight, a_125_is_split_between_the_links) {
    const Config config = load_right(example());
    const PeeringConfig& peering = config.circuits[0].peerings[0];
    ASSERT_TRUE(peering.ipv6_primary && peering.ipv6_secondary);
    EXPECT_EQ(to_string(peering.ipv6_primary->subnet), "2001:db8:15::/126");
    EXPECT_EQ(to_string(peering.ipv6_primary->customer()), "2001:db8:15::1");
    EXPECT_EQ(to_string(peering.ipv6_primary->ours()), "2001:db8:15::2");
    EXPECT_EQ(to_string(peering.ipv6_secondary->subnet), "2001:db8:15::4/126");
    EXPECT_EQ(to_string(peering.ipv6_secondary->customer()), "2001:db8:15::5");
    EXPECT_FALSE(config.circuits[1].peerings[0].ipv6_primary.has_value());
}

TEST(ConfigRight, values_are_those_of_the_document) {
    const Config config = load_right(example());
    EXPECT_EQ(config.daemon.admin_group, "netops");
    EXPECT_EQ(config.ports[2].role, PortRole::kCore);
    const CircuitConfig& contoso = config.circuits[0];
    EXPECT_EQ(contoso.bandwidth_bps, 1'000'000'000U);
    EXPECT_TRUE(contoso.forwards());
    EXPECT_EQ(contoso.primary->s_tag, VlanId::from(10));
    EXPECT_EQ(contoso.peerings[0].vrf, "contoso");
    EXPECT_EQ(contoso.peerings[1].vrf, kMicrosoftVrf);
    EXPECT_EQ(contoso.peerings[1].c_tag, *VlanId::from(200));
    const CoreAttachmentConfig& services = config.core_attachments[2];
    EXPECT_EQ(services.outer, VlanId::from(30));
    EXPECT_EQ(to_string(services.ipv4.subnet), "198.18.0.0/24");
    ASSERT_EQ(config.routes[0].via.size(), 2U);
    EXPECT_EQ(config.routes[0].via[0].weight, 2U);
    EXPECT_EQ(to_string(config.routes[0].via[1].address), "10.2.0.10");
    EXPECT_EQ(config.routes[1].action, RouteAction::kBlackhole);
    const CoreAttachmentConfig& vnet = config.core_attachments[0];
    ASSERT_TRUE(vnet.ipv6.has_value());
    EXPECT_EQ(to_string(vnet.ipv6->address), "2001:db8:2::1");
    EXPECT_EQ(to_string(vnet.ipv6->subnet), "2001:db8:2::/64");
    EXPECT_EQ(to_string(contoso.peerings[0].prefixes[1]), "2001:db8:1::/48");
    EXPECT_EQ(to_string(config.routes[2].via[0].address), "2001:db8:2::9");
}

TEST(ConfigRight, rules_that_do_nothing_are_warned_of_with_their_line) {
    const std::vector<Document> documents = read_documents("right");
    const auto document = std::ranges::find(documents, "idle-rules", &Document::name);
    ASSERT_NE(document, documents.end());
    const LoadedConfig loaded = load_config(document->text);
    ASSERT_TRUE(loaded.config.has_value());
    ASSERT_EQ(loaded.warnings.size(), 2U);
    EXPECT_EQ(format_error("a", loaded.warnings[0]),
              "a:8:9: acls[0].rules[1]: no packet reaches rule within-ten: rule all-of-ten and "
              "others before it take them all");
    EXPECT_EQ(format_error("a", loaded.warnings[1]),
              "a:9:9: acls[0].rules[2]: rule like-the-rest changes nothing: \"otherwise\" does the "
              "same to its packets");
}

TEST(ConfigError, is_printed_as_compilers_do) {
    EXPECT_EQ(format_error("a.yaml", {3, 7, "ports[0].mtu", "is empty"}),
              "a.yaml:3:7: ports[0].mtu: is empty");
    EXPECT_EQ(format_error("a.yaml", {0, 0, "", "the document is empty"}),
              "a.yaml: the document is empty");
}

TEST(ConfigError, has_the_column_of_the_value) {
    const LoadedConfig loaded = load_config("daemon: {control-core: 500}\n");
    ASSERT_EQ(loaded.errors.size(), 1U);
    EXPECT_EQ(loaded.errors[0].line, 1U);
    EXPECT_EQ(loaded.errors[0].column, 24U);
}

TEST(ConfigSecrets, are_left_out_and_nothing_else) {
    unsigned with_passwords = 0;
    for (const Document& document : read_documents("right")) {
        const Config config = load_right(document.text);
        const std::string spared = write_config(without_secrets(config));
        EXPECT_EQ(spared.find("password:"), std::string::npos) << document.name;
        Config expected = config;
        for (CircuitConfig& circuit : expected.circuits) {
            for (PeeringConfig& peering : circuit.peerings) {
                with_passwords += peering.bgp.password.empty() ? 0U : 1U;
                peering.bgp.password.clear();
            }
        }
        EXPECT_EQ(load_right(spared), expected) << document.name;
    }
    EXPECT_GT(with_passwords, 0U);
}

TEST(ConfigLimits, a_document_that_is_too_large_is_refused) {
    const std::string text(kConfigBytesMax + 1, '#');
    const LoadedConfig loaded = load_config(text);
    ASSERT_EQ(loaded.errors.size(), 1U);
    EXPECT_NE(loaded.errors[0].message.find("larger than"), std::string::npos);
}

TEST(ConfigLimits, a_very_deep_document_is_refused) {
    for (const std::string_view opening : {"[", "{a: ", "- "}) {
        std::string text;
        for (int i = 0; i < 100'000; ++i) text += opening;
        const LoadedConfig loaded = load_config(text);
        EXPECT_FALSE(loaded.config.has_value());
        EXPECT_EQ(loaded.errors.size(), 1U);
    }
}

TEST(ConfigLimits, errors_beyond_the_maximum_are_counted) {
    std::string text = "routes:\n";
    for (std::size_t i = 0; i < kConfigErrorsMax; ++i) text += "- {vrf: a}\n";
    const LoadedConfig loaded = load_config(text);
    ASSERT_EQ(loaded.errors.size(), kConfigErrorsMax + 1);
    EXPECT_NE(loaded.errors.back().message.find("more errors"), std::string::npos);
}

// As many circuits as there can be, each with both peerings' worth of tags on two ports.
TEST(ConfigLimits, the_largest_number_of_circuits_loads) {
    std::ostringstream text;
    text << "ports:\n- {name: a, device: net_ring0, role: edge}\n"
            "- {name: b, device: net_ring1, role: edge}\ncircuits:\n";
    constexpr std::size_t kCircuits = kVrfsMax - 1;  // one VRF is Microsoft's
    for (std::size_t i = 0; i < kCircuits; ++i) {
        const std::size_t s_tag = 1 + i % 4'000;
        const std::size_t c_tag = 1 + i / 4'000;
        char key[40];
        std::snprintf(key, sizeof key, "00000000-0000-4000-8000-%012zx", i);
        text << "- service-key: " << key << "\n  name: c" << i << "\n  bandwidth: 50 Mbps\n"
             << "  primary: {port: a, s-tag: " << s_tag << "}\n"
             << "  secondary: {port: b, s-tag: " << s_tag << "}\n"
             << "  peerings:\n  - {type: private, c-tag: " << c_tag
             << ", subnet: 10.0.0.0/29, peer-asn: 65001, prefixes: [10.1.0.0/16]}\n";
    }
    const Config config = load_right(text.str());
    EXPECT_EQ(config.circuits.size(), kCircuits);
    EXPECT_EQ(config.vrfs.size(), kCircuits);
    expect_round_trip(config);
}

// One change of a kind that editors, people and disks make.
// REQUIRES: the text is not empty, and leaves it so.
void mutate(std::string& text, SeededRandom& random) {
    static constexpr std::string_view kBytes = "{}[]:,-\n \t#&*!|>'\"%@`0129azAZ/.\x01\x7f\x80\xff";
    const std::size_t at = random.below(text.size());
    switch (random.below(6)) {
        case 0:
            text[at] = static_cast<char>(random());
            break;
        case 1:
            text.insert(at, 1, kBytes[random.below(kBytes.size())]);
            break;
        case 2:
            text.erase(at, 1 + random.below(8));
            break;
        case 3:  // a piece of it once more, elsewhere
            text.insert(at, text.substr(random.below(text.size()), random.below(200)));
            break;
        case 4:
            text.erase(at, random.below(200));
            break;
        default:  // a number a little different
            for (std::size_t i = at; i < text.size(); ++i) {
                if (text[i] < '0' || text[i] > '9') continue;
                text[i] = static_cast<char>('0' + random.below(10));
                break;
            }
    }
    if (text.empty()) text = " ";
}

TEST(ConfigProperty, a_mutated_document_yields_a_config_or_errors) {
    SeededRandom random;
    const std::string original = example();
    std::size_t accepted = 0;
    const std::size_t tries = rounds(3'000);
    for (std::size_t i = 0; i < tries; ++i) {
        std::string text = original;
        for (auto changes = 1 + random.below(4); changes > 0; --changes) mutate(text, random);
        const LoadedConfig loaded = load_config(text);
        ASSERT_NE(loaded.config.has_value(), !loaded.errors.empty()) << text;
        for (const ConfigError& error : loaded.errors) ASSERT_FALSE(error.message.empty());
        if (loaded.config) {
            ++accepted;
            ASSERT_NO_FATAL_FAILURE(expect_round_trip(*loaded.config));
        }
    }
    EXPECT_GT(accepted, 0U) << "the mutations are too wild to test what is accepted";
    EXPECT_LT(accepted, tries);
}

}  // namespace
}  // namespace causeway::test
