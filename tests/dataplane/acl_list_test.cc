// SPDX-License-Identifier: Apache-2.0
//
// The classifier says what the rules say: random lists and packets of both families against the
// linear reference.
#include "dataplane/acl_list.h"

#include <gtest/gtest.h>

#include <numeric>

#include "acl/match.h"
#include "acl/names/learned_addresses.h"
#include "tests/support/random_acl.h"
#include "tests/support/sanitized.h"
#include "tests/support/test_bed.h"

namespace causeway::test {
namespace {

std::vector<RuleCounterId> counters_of(const Acl& acl) {
    std::vector<RuleCounterId> counters;
    for (std::uint32_t i = 0; i <= acl.rules.size(); ++i) counters.emplace_back(i + 1);
    return counters;
}

std::unique_ptr<const AclList> built(const Acl& acl, const AclSets& sets,
                                     AclEngine engine = AclEngine::kBest) {
    auto list = AclList::build(acl, sets, counters_of(acl), engine);
    EXPECT_TRUE(list) << (list ? "" : list.error().message);
    return list ? std::move(list).value() : nullptr;
}

// Rules are told apart by their counters.
std::size_t rule_of(const AclList& list, std::uint32_t result) {
    return list.outcomes()[result].counter.value() - 1;
}

constexpr std::size_t kPackets = 64;

// What is known of addresses such as packets have: some of no set, some of the past.
class Learned {
  public:
    static constexpr std::uint64_t kPastSince = 100;

    Learned(SeededRandom& random, const AclSets& sets) {
        for (int i = 0; i < 200; ++i) {
            const IpFamily family = i % 2 == 0 ? IpFamily::kIpv4 : IpFamily::kIpv6;
            const NameSetBits bits = random_names(random, sets);
            if (bits == 0) continue;
            const auto seconds = static_cast<std::uint32_t>(random.below(2) == 0 ? 50 : 500);
            EXPECT_TRUE(learned_->learn(random_address(random, family), bits, seconds,
                                        *Hostname::from("a.example"), 0));
        }
        learned_->expire(kPastSince);
    }
    [[nodiscard]] const LearnedAddresses& addresses() const { return *learned_; }
    [[nodiscard]] NameSetBits sets_of(const IpAddress& address, const AclPacket& packet) const {
        const auto found = learned_->records().find(address);
        if (found == learned_->records().end()) return 0;
        NameSetBits now = 0;
        for (const auto& lease : found->second.leases) now |= lease.sets;
        const std::uint8_t flags = packet.tcp_flags.value_or(0);
        const bool is_first = packet.protocol != 6 || ((flags & 2) != 0 && (flags & 16) == 0);
        return now != 0 || is_first ? now : found->second.past_sets;
    }

  private:
    ImmediateGrace grace_;
    std::unique_ptr<LearnedAddresses> learned_ =
        std::move(LearnedAddresses::create(grace_)).value();
};

template <class Family>
std::size_t compare(SeededRandom& random, const Acl& acl, const AclSets& sets, const AclList& list,
                    const std::array<Learned, 2>& vrfs) {
    const IpFamily family = std::is_same_v<Family, Ipv4> ? IpFamily::kIpv4 : IpFamily::kIpv6;
    const std::size_t count = 1 + random.below(kPackets);
    std::vector<std::vector<std::uint8_t>> packets(count);
    std::array<AclImage, kPackets> rooms;
    std::array<const std::uint8_t*, kPackets> images;
    std::array<std::uint32_t, kPackets> results;
    for (std::size_t k = 0; k < count; ++k) {
        packets[k] = random_packet(random, family);
        const std::size_t bytes = packets[k].size();
        // What stands behind a packet in its buffer: a classifier may read it, but not mind it.
        for (int behind = 0; behind < 64; ++behind) {
            packets[k].push_back(static_cast<std::uint8_t>(random()));
        }
        PacketMeta meta{};
        meta.frame = packets[k].data();
        meta.packet_bytes = static_cast<std::uint16_t>(bytes);
        images[k] = acl_image_of<Family>(meta, rooms[k]);
        packets[k].resize(bytes);
    }
    // Of two VRFs, in any order.
    std::array<const Learned*, kBurstSizeMax> learned;
    std::array<const LearnedAddresses*, kBurstSizeMax> addresses;
    for (std::size_t k = 0; k < count; ++k) {
        learned[k] = &vrfs[random() % vrfs.size()];
        addresses[k] = &learned[k]->addresses();
    }
    if (list.asks_names()) {
        name_acl_images<Family>(std::span(addresses).first(count), std::span(images).first(count),
                                rooms);
    }
    list.classify<Family>(std::span(images).first(count), std::span(results).first(count));
    std::size_t hits = 0;
    for (std::size_t k = 0; k < count; ++k) {
        auto packet = read_acl_packet(packets[k]);
        EXPECT_TRUE(packet.has_value());
        packet->source_names = learned[k]->sets_of(packet->source, *packet);
        packet->destination_names = learned[k]->sets_of(packet->destination, *packet);
        const auto expected = first_match(acl, sets, *packet);
        hits += expected.has_value();
        EXPECT_EQ(rule_of(list, results[k]), expected.value_or(acl.rules.size()));
    }
    return hits;
}

// Some ten million packets; fewer where a sanitizer looks on.
TEST(AclList, says_what_the_rules_say) {
    constexpr int kBursts = kIsSanitized ? 20 : 2'600;
    test_eal();
    SeededRandom random;
    std::size_t hits = 0;
    std::array<std::size_t, 2> by_tables{};  // families of lists: no, yes
    for (std::size_t round = 0; round < rounds(60); ++round) {
        const AclSets sets = random_acl_sets(random);
        Acl acl = random_acl(random, 1 + random.below(round % 10 == 0 ? 300 : 30), sets);
        if (round % 3 != 0) {  // a list that asks for names has no tables
            for (AclRule& rule : acl.rules) {
                rule.source_names.clear();
                rule.destination_names.clear();
            }
        }
        const AclEngine engine = random.below(3) == 0 ? AclEngine::kTrie : AclEngine::kBest;
        const auto list = built(acl, sets, engine);
        ASSERT_NE(list, nullptr);
        ++by_tables[list->tables_of<Ipv4>() != nullptr ? 1 : 0];
        ++by_tables[list->tables_of<Ipv6>() != nullptr ? 1 : 0];
        const std::array vrfs{Learned(random, sets), Learned(random, sets)};
        for (int burst = 0; burst < kBursts; ++burst) {
            hits += compare<Ipv4>(random, acl, sets, *list, vrfs);
            hits += compare<Ipv6>(random, acl, sets, *list, vrfs);
        }
        ASSERT_FALSE(HasFailure());
    }
    EXPECT_GT(hits, 10'000U);  // else this proves little
    EXPECT_GT(by_tables[0], 0U);
    EXPECT_GT(by_tables[1], 0U);
}

TEST(AclList, a_list_of_no_rules_is_its_otherwise) {
    test_eal();
    SeededRandom random;
    const Acl acl{.name = "empty", .rules = {}};
    const auto list = built(acl, {});
    ASSERT_NE(list, nullptr);
    const std::array nothing{Learned(random, {}), Learned(random, {})};
    EXPECT_EQ(compare<Ipv4>(random, acl, {}, *list, nothing), 0U);
    EXPECT_EQ(list->outcomes()[0].exit, Exit::kAclDenied);
}

TEST(AclList, holds_as_many_rules_as_it_may) {
    test_eal();
    SeededRandom random;
    Acl acl{.name = "long", .rules = {}};
    for (std::uint32_t i = 0; i < kAclRulesMax; ++i) {
        AclRule rule;
        rule.name = std::to_string(i);
        rule.source.prefixes = {Ipv4Prefix::of(Ipv4Address(0x0a00'0000U + 7 * i), 32)};
        rule.protocol = 6;
        acl.rules.push_back(rule);
    }
    const auto list = built(acl, {});
    ASSERT_NE(list, nullptr);
    EXPECT_NE(list->trie_of<Ipv4>(), nullptr);
    const std::array nothing{Learned(random, {}), Learned(random, {})};
    for (int burst = 0; burst < 20; ++burst) (void)compare<Ipv4>(random, acl, {}, *list, nothing);
}

TEST(AclList, refuses_what_is_not_valid) {
    test_eal();
    Acl acl{.name = "bad", .rules = {AclRule{.name = "r", .dscp = std::uint8_t{64}}}};
    const auto list = AclList::build(acl, {}, counters_of(acl));
    ASSERT_FALSE(list);
    EXPECT_EQ(list.error().field, "rules[0].dscp");
}

TEST(AclList, is_asked_with_the_best_instructions_there_are) {
    test_eal();
    if (__builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw")) {
        EXPECT_EQ(acl_classify_method(), "avx512x32");
    } else {
        EXPECT_EQ(acl_classify_method(), "avx2");  // x86-64-v3 has it
    }
}

}  // namespace
}  // namespace causeway::test
