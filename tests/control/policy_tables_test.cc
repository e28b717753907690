// SPDX-License-Identifier: Apache-2.0
//
// From a configuration to what the workers read of policy: what is in force when, what counts go
// on, and that a packet under load meets one list whole, the old or the new.
#include "control/policy/policy_tables.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <map>
#include <thread>

#include "dataplane/published.h"
#include "tests/support/frame_builder.h"
#include "tests/support/sanitized.h"
#include "tests/support/test_bed.h"

namespace causeway::test {
namespace {

constexpr const char* kPeering = R"(
ports:
  - {name: edge, device: net_ring0, role: edge}
circuits:
  - service-key: 4f2d0a9e-8c7b-4a56-9e1d-2b3c4d5e6f70
    name: contoso
    bandwidth: 50 Mbps
    provider-state: Provisioned
    primary: {port: edge, s-tag: 10}
)";

// The same circuit with what a test wants of it and of its Microsoft peering.
Config config_of(const std::string& peering, const std::string& sections = {},
                 const std::string& circuit = {}) {
    const std::string text = kPeering + circuit +
                             "    peerings:\n"
                             "      - type: microsoft\n"
                             "        c-tag: 200\n"
                             "        primary-subnet: 198.51.100.0/30\n"
                             "        peer-asn: 65010\n" +
                             peering + sections;
    const LoadedConfig loaded = load_config(text);
    for (const ConfigError& error : loaded.errors) ADD_FAILURE() << format_error("", error);
    return loaded.config.value_or(Config{});
}

constexpr const char* kBound = "        acl-in: list\n";

std::string list_of(const std::string& rules) {
    return "acls:\n  - {name: list, rules: [" + rules + "]}\n";
}

class PolicyTablesTest : public testing::Test {
  protected:
    PolicyTablesTest()
        : tables_((test_eal(), grace_), [this](RuleCounterId row) { return rows_[row]; },
                  {.ticks_per_second = kHz, .state_directory = {}}) {
        id_ = *attachments_.id_of("contoso/microsoft/primary");
    }

    void adopt(const Config& config) {
        const Status status = tables_.adopt(config);
        ASSERT_TRUE(status) << status.error().message;
    }
    void adopt_and_wait(const Config& config) {
        adopt(config);
        tables_.wait();
        (void)tables_.collect();
    }
    // What the leg has now; nothing where no attachment has anything.
    [[nodiscard]] AttachmentPolicy made() {
        const Policies* const policies = tables_.make(attachments_);
        tables_.replaced();
        return policies == nullptr ? AttachmentPolicy{} : policies->of(id_);
    }
    [[nodiscard]] RuleCounterId row_of(std::size_t outcome) {
        return made().filter_in->outcomes()[outcome].counter;
    }

    static constexpr std::uint64_t kHz = 2'000'000'000;
    ImmediateGrace grace_;
    std::map<RuleCounterId, RuleTotals> rows_;
    Attachments attachments_;
    AttachmentId id_;
    PolicyTables tables_;
};

TEST_F(PolicyTablesTest, a_new_peering_lets_nothing_pass_until_its_list_is_built) {
    adopt(config_of(kBound, list_of("{name: web, action: permit}")));
    const AttachmentPolicy before = made();
    ASSERT_NE(before.filter_in, nullptr);
    EXPECT_EQ(before.filter_in->outcomes()[0].exit, Exit::kAclDenied);
    EXPECT_FALSE(tables_.acls().at("list").is_current());
    tables_.wait();
    EXPECT_TRUE(tables_.collect());
    EXPECT_TRUE(tables_.acls().at("list").is_current());
    EXPECT_EQ(made().filter_in->outcomes()[1].exit, Exit::kNone);
}

TEST_F(PolicyTablesTest, a_nat_translates_everything_until_its_list_is_built) {
    adopt(config_of(
        "        nat: {inside: [10.0.0.0/8], pool: [203.0.113.1], untranslated-acl: list}\n",
        list_of("{name: web, action: permit}")));
    const AttachmentPolicy before = made();
    ASSERT_NE(before.untranslated, nullptr);
    EXPECT_EQ(before.untranslated->outcomes()[0].exit, Exit::kAclDenied);
    tables_.wait();
    ASSERT_TRUE(tables_.collect());
    EXPECT_EQ(made().untranslated->outcomes()[1].exit, Exit::kNone);
    EXPECT_EQ(made().filter_in, nullptr) << "it filters nothing";
}

TEST_F(PolicyTablesTest, the_old_list_stays_until_the_new_one_is_built) {
    adopt_and_wait(config_of(kBound, list_of("{name: web, action: permit}")));
    const AclList* const old = made().filter_in;
    adopt(config_of(kBound, list_of("{name: web, action: deny}, {name: dns, action: permit}")));
    EXPECT_EQ(made().filter_in, old);
    tables_.wait();
    ASSERT_TRUE(tables_.collect());
    EXPECT_EQ(made().filter_in->outcomes()[1].exit, Exit::kAclDenied);
}

TEST_F(PolicyTablesTest, a_peering_that_had_no_list_has_none_until_its_own_is_built) {
    adopt(config_of(""));
    EXPECT_EQ(made().filter_in, nullptr);
    adopt(config_of(kBound, list_of("{name: web, action: permit}")));
    EXPECT_EQ(made().filter_in, nullptr);
    tables_.wait();
    ASSERT_TRUE(tables_.collect());
    EXPECT_NE(made().filter_in, nullptr);
}

TEST_F(PolicyTablesTest, a_list_that_means_the_same_is_not_built_again) {
    const char* const sets =
        "prefix-sets: [{name: a, prefixes: [10.0.0.0/8]}, "
        "{name: b, prefixes: [11.0.0.0/8]}]\n";
    const std::string list = list_of("{name: from, action: deny, source: [a]}");
    adopt_and_wait(config_of(kBound, sets + list));
    const AclList* const before = made().filter_in;
    const char* const other =
        "prefix-sets: [{name: a, prefixes: [10.0.0.0/8]}, "
        "{name: b, prefixes: [12.0.0.0/8]}]\n";
    adopt_and_wait(config_of(kBound, other + list));
    EXPECT_EQ(made().filter_in, before);
    const char* const changed = "prefix-sets: [{name: a, prefixes: [10.0.0.0/9]}]\n";
    adopt_and_wait(config_of(kBound, changed + list));
    EXPECT_NE(made().filter_in, before);
}

TEST_F(PolicyTablesTest, counts_go_on_over_a_swap_and_begin_anew_with_a_new_name) {
    adopt_and_wait(config_of(kBound, list_of("{name: a, action: deny}, {name: b, action: deny}")));
    const RuleCounterId row = row_of(2);
    rows_[row] = {5, 500};
    adopt_and_wait(config_of(kBound, list_of("{name: b, action: permit}")));
    EXPECT_EQ(row_of(1), row);
    EXPECT_EQ(tables_.rows().counted("list", "b"), (RuleTotals{5, 500}));
    EXPECT_EQ(tables_.rows().name_of(row)->rule, "b");
    adopt_and_wait(config_of(kBound, list_of("{name: c, action: permit}")));
    (void)made();
    adopt_and_wait(
        config_of(kBound, list_of("{name: d, action: permit}, {name: e, action: deny}")));
    (void)made();
    for (auto& [any, totals] : rows_) totals.packets += 1;
    EXPECT_EQ(tables_.rows().counted("list", "b"), RuleTotals{});
    const auto counted = tables_.rows().counted("list", "d").packets +
                         tables_.rows().counted("list", "e").packets +
                         tables_.rows().counted("list", "").packets;
    EXPECT_LE(counted, 3U);
}

TEST_F(PolicyTablesTest, says_which_rules_do_nothing) {
    adopt_and_wait(config_of(
        kBound, list_of("{name: a, action: permit}, {name: b, action: deny, protocol: tcp}")));
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (tables_.acls().at("list").findings.empty() &&
           std::chrono::steady_clock::now() < deadline) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        (void)tables_.collect();
    }
    const auto& findings = tables_.acls().at("list").findings;
    ASSERT_EQ(findings.size(), 1U);
    EXPECT_EQ(findings[0], (AclFinding{AclFault::kShadowed, 1, 0}));
}

TEST_F(PolicyTablesTest, a_thousand_lists_are_built) {
    std::string sections = "acls:\n";
    for (int i = 0; i < 1'000; ++i) {
        sections += "  - {name: list" + std::to_string(i) +
                    ", rules: [{name: one, action: permit, protocol: tcp, destination-ports: [" +
                    std::to_string(i + 1) + "]}]}\n";
    }
    adopt_and_wait(config_of("        acl-in: list999\n", sections));
    EXPECT_EQ(tables_.acls().size(), 1'000U);
    for (const auto& [name, state] : tables_.acls()) EXPECT_TRUE(state.is_current()) << name;
    EXPECT_EQ(tables_.rows().used(), 2'000U);
    adopt_and_wait(config_of(""));
    (void)made();
    EXPECT_EQ(tables_.rows().used(), 0U);
}

TEST_F(PolicyTablesTest, sources_are_those_that_are_validated) {
    const std::string prefixes = "        advertised-public-prefixes: [203.0.113.0/26]\n";
    adopt(config_of(prefixes));
    const AttachmentPolicy before = made();
    EXPECT_EQ(before.source_check, SourceCheck::kAdvertised);
    EXPECT_EQ(before.sources, nullptr);
    adopt(config_of(prefixes + "        advertised-public-prefixes-state: Configured\n"));
    const AttachmentPolicy after = made();
    ASSERT_NE(after.sources, nullptr);
    EXPECT_TRUE(after.sources->ipv4.contains(ip("203.0.113.63")));
    EXPECT_FALSE(after.sources->ipv4.contains(ip("203.0.113.64")));
    EXPECT_TRUE(after.link_prefixes.ipv4.contains(ip("198.51.100.1")));
    EXPECT_NE(after.peering, PeeringId());
}

TEST_F(PolicyTablesTest, dscp_maps_are_data) {
    adopt(config_of(""));
    ASSERT_NE(made().dscp_map, nullptr);
    EXPECT_EQ(*made().dscp_map, kMicrosoftDscpMap);
    adopt(config_of("        dscp-map: voice\n",
                    "dscp-maps: [{name: voice, keep: [ef], rewrite: [{from: 26, to: 34}], "
                    "others: 8}]\n"));
    const AttachmentPolicy policy = made();
    EXPECT_EQ((*policy.dscp_map)[46], 46);
    EXPECT_EQ((*policy.dscp_map)[26], 34);
    EXPECT_EQ((*policy.dscp_map)[1], 8);
    adopt(config_of("        dscp-map: none\n"));
    EXPECT_EQ(made().dscp_map, nullptr);
}

TEST_F(PolicyTablesTest, policers_outlive_a_change_of_rate) {
    adopt(config_of("        bandwidth: 30 Mbps\n"));
    const PolicePlan before = *made().police_in;
    ASSERT_NE(before.rest.peering, nullptr);
    ASSERT_NE(before.rest.circuit, nullptr);
    ASSERT_NE(before.expedited.circuit, nullptr);
    EXPECT_NE(before.expedited.circuit, before.rest.circuit);
    adopt(config_of("        bandwidth: 40 Mbps\n"));
    const PolicePlan after = *made().police_in;
    EXPECT_EQ(after.rest.peering, before.rest.peering);
    EXPECT_EQ(after.rest.circuit, before.rest.circuit);
    adopt(config_of("", "", "    policing: {enabled: false}\n"));
    EXPECT_EQ(made().police_in, nullptr);
}

constexpr const char* kNames = "resolvers: [198.18.0.53]\nname-sets:\n";
constexpr const char* kCdn = "  - {name: cdn, names: [\"*.cdn.example\"]}\n";
constexpr const char* kOther = "  - {name: other, names: [\"*.other.example\"]}\n";

TEST_F(PolicyTablesTest, where_a_list_asks_for_names_resolvers_are_heard) {
    const std::string asks = list_of("{name: cdn, action: permit, destination-names: [cdn]}");
    adopt_and_wait(config_of(kBound, kNames + std::string(kCdn) + asks));
    const AttachmentPolicy policy = made();
    ASSERT_NE(policy.resolvers, nullptr);
    EXPECT_TRUE(policy.resolvers->contains(Ipv4Address(0xc612'0035)));
    EXPECT_TRUE(policy.filter_in->asks_names());
    EXPECT_TRUE(policy.bits().has_any(kHearsAnswers));
    // It keeps the bit of its set, whatever sets there are besides.
    const auto before = tables_.acls().at("list").active;
    adopt(config_of(kBound, kNames + std::string(kOther) + kCdn + asks));
    EXPECT_EQ(tables_.acls().at("list").active, before);
    EXPECT_TRUE(tables_.acls().at("list").is_current());
    adopt_and_wait(
        config_of(kBound, kNames + std::string(kCdn) + list_of("{name: cdn, action: permit}")));
    EXPECT_EQ(made().resolvers, nullptr);
}

TEST_F(PolicyTablesTest, a_class_of_policers_outlives_a_change_of_rate) {
    const auto with_rate = [](const std::string& rate) {
        return config_of(
            "        name-policy: some\n",
            kNames + std::string(kCdn) + "policer-classes: [{name: video, bandwidth: " + rate +
                "}]\n"
                "name-policies:\n"
                "  - name: some\n"
                "    rules: [{name: cdn, sets: [cdn], action: permit, police: video}]\n");
    };
    adopt_and_wait(with_rate("10 Mbps"));
    const Policer* const before = made().names->rules[0].police.in;
    ASSERT_NE(before, nullptr);
    ASSERT_NE(made().names->rules[0].police.out, nullptr);
    EXPECT_NE(made().names->rules[0].police.out, before) << "each direction has its own";
    EXPECT_EQ(made().name_classes, made().names);
    adopt_and_wait(with_rate("20 Mbps"));
    EXPECT_EQ(made().names->rules[0].police.in, before);
    EXPECT_EQ(tables_.policers().classes().at({"video", Direction::kOut}).bits_per_second,
              20'000'000U);
}

// What workers are given, as far as this test is concerned.
struct Generation {
    const Policies* policies = nullptr;
};

// So many rules that building them takes a while: the largest list there may be. A sanitizer makes
// the same while of fewer, for their comparison with each other is quadratic.
constexpr int kManyRules = kIsSanitized ? 2'000 : 10'000;

// Asks a list as a worker does, a burst after the other, and notes what came of each. Its packets
// meet rules from all over the list.
class Asker {
  public:
    Asker(const Published<Generation>& published, Quiescence& quiescence, AttachmentId id)
        : published_(published), quiescence_(quiescence), id_(id) {
        for (std::size_t i = 0; i < packets_.size(); ++i) {
            packets_[i] = {};
            packets_[i][0] = 0x45;
            packets_[i][9] = 6;
            packets_[i][12] = 10;
            const std::size_t rule = i * kManyRules / kBurst;
            packets_[i][13] = static_cast<std::uint8_t>(rule / 256);
            packets_[i][14] = static_cast<std::uint8_t>(rule % 256);
            images_[i] = packets_[i].data();
        }
    }

    void run() {
        constexpr WorkerId kWorker(0);
        quiescence_.online(kWorker);
        while (!stop.load()) {
            ask();
            quiescence_.report(kWorker);
        }
        quiescence_.offline(kWorker);
    }

    std::atomic<bool> stop{false};
    std::atomic<std::uint64_t> bursts{0}, mixed{0}, permitted{0}, denied{0};

  private:
    static constexpr std::size_t kBurst = 32;

    void ask() {
        const AclList& list = *published_.read().policies->of(id_).filter_in;
        list.classify<Ipv4>(images_, results_);
        std::size_t denials = 0;
        for (const std::uint32_t result : results_) {
            denials += list.outcomes()[result].exit != Exit::kNone;
        }
        mixed += denials != 0 && denials != kBurst;
        (denials == 0 ? permitted : denied) += 1;
        ++bursts;
    }

    const Published<Generation>& published_;
    Quiescence& quiescence_;
    const AttachmentId id_;
    std::array<std::array<std::uint8_t, 128>, kBurst> packets_;
    std::array<const std::uint8_t*, kBurst> images_;
    std::array<std::uint32_t, kBurst> results_;
};

// They all do the same.
Config uniform_rules(const std::string& action) {
    std::string rules;
    for (int i = 0; i < kManyRules; ++i) {
        rules += "{name: r" + std::to_string(i) + ", action: " + action + ", source: [10." +
                 std::to_string(i / 256) + '.' + std::to_string(i % 256) + ".0/24]},\n      ";
    }
    return config_of(kBound, list_of(rules));
}

// Two lists of so many rules that are each other's opposite, and a reader who asks as a worker
// does. No burst is judged by both, none is not judged, and the reader never waits: read() is one
// load.
TEST(PolicySwap, under_load_each_burst_meets_one_list) {
    test_eal();
    Quiescence quiescence;
    PolicyTables tables(quiescence, [](RuleCounterId) { return RuleTotals{}; },
                        {.ticks_per_second = 1'000'000'000, .state_directory = {}});
    Attachments attachments;
    const AttachmentId id = *attachments.id_of("contoso/microsoft/primary");
    Published<Generation> published(quiescence);
    const auto publish = [&] {
        published.publish(std::make_unique<const Generation>(Generation{tables.make(attachments)}));
        tables.replaced();
    };
    ASSERT_TRUE(tables.adopt(uniform_rules("permit")));
    tables.wait();
    ASSERT_TRUE(tables.collect());
    publish();

    Asker asker(published, quiescence, id);
    std::thread worker([&asker] { asker.run(); });
    for (int swap = 0; swap < 4; ++swap) {
        const std::uint64_t before = asker.bursts.load();
        ASSERT_TRUE(tables.adopt(uniform_rules(swap % 2 == 0 ? "deny" : "permit")));
        publish();
        tables.wait();
        EXPECT_GT(asker.bursts.load(), before) << "the worker has stood still";
        ASSERT_TRUE(tables.collect());
        publish();
        tables.tick(0);
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    asker.stop = true;
    worker.join();
    EXPECT_EQ(asker.mixed.load(), 0U);
    EXPECT_GT(asker.permitted.load(), 0U);
    EXPECT_GT(asker.denied.load(), 0U);
    EXPECT_EQ(asker.permitted.load() + asker.denied.load(), asker.bursts.load());
}

}  // namespace
}  // namespace causeway::test
