// SPDX-License-Identifier: Apache-2.0
//
// Inside hosts: against a std::map, with as many as there may be and more, and from two threads.
#include "nat/host_table.h"

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <set>
#include <thread>
#include <utility>

#include "tests/support/seed.h"

namespace causeway {
namespace {

HostTable table_for(std::uint32_t hosts_max) {
    return std::move(HostTable::create(hosts_max, {})).value();
}
HostKey key_of(std::uint32_t i) {
    return {NatPoolId(static_cast<std::uint16_t>(i % 3)), Ipv4Address(0x0a000000 + i)};
}
std::uint32_t add(HostTable& table, HostKey key) {
    HostTable::Claim claim(table, table.home_of(key));
    return claim.is_held() ? claim.find_or_add(key) : 0;
}
void remove(HostTable& table, HostKey key) {
    HostTable::Claim claim(table, table.home_of(key));
    ASSERT_TRUE(claim.is_held());
    claim.remove(claim.find(key));
}

TEST(Hosts, are_those_of_a_map) {
    constexpr std::uint32_t kHostsMax = 200;
    constexpr std::uint32_t kKeys = 300;
    test::SeededRandom random;
    HostTable table = table_for(kHostsMax);
    std::map<std::uint32_t, std::uint32_t> numbers;  // of those that are there
    std::size_t refused = 0;
    for (std::size_t round = 0; round < test::rounds(200'000); ++round) {
        const auto i = static_cast<std::uint32_t>(random.below(kKeys));
        const HostKey key = key_of(i);
        const auto known = numbers.find(i);
        if (known == numbers.end()) {
            const std::uint32_t number = add(table, key);
            refused += number == 0 ? 1U : 0U;
            ASSERT_EQ(number == 0, numbers.size() == kHostsMax);
            if (number == 0) continue;
            ASSERT_LT(number, table.numbers());
            ASSERT_EQ(table[number].block_count.load(), 0U);
            ASSERT_EQ(table[number].ports, 0U);
            table[number].ports = i;
            table[number].block_count.store(i);
            numbers[i] = number;
        } else if (random.below(4) == 0) {
            remove(table, key);
            numbers.erase(known);
            ASSERT_EQ(table.peek(table.home_of(key), key), 0U);
        } else {
            ASSERT_EQ(add(table, key), known->second);
            ASSERT_EQ(table[known->second].ports, i);
            ASSERT_EQ(table.key_of(known->second)->bits(), key.bits());
        }
        ASSERT_EQ(table.size(), numbers.size());
        if (round % 1'000 != 0) continue;
        std::set<std::uint32_t> unique;
        for (const auto& [host, number] : numbers) unique.insert(number);
        ASSERT_EQ(unique.size(), numbers.size());
    }
    EXPECT_GT(refused, 0U) << "never full";
    std::size_t seen = 0;
    for (std::uint32_t number = 0; number < table.numbers(); ++number) {
        if (table.key_of(number)) ++seen;
    }
    EXPECT_EQ(seen, numbers.size());
}

// Without a claim a host is found in the first few buckets of its hash, where nearly all are.
TEST(Hosts, are_nearly_all_seen_without_a_claim) {
    constexpr std::uint32_t kHostsMax = 60'000;
    HostTable table = table_for(kHostsMax);
    std::size_t at_home = 0;
    for (std::uint32_t i = 0; i < kHostsMax; ++i) {
        const HostKey key = key_of(i);
        const std::uint32_t number = add(table, key);
        ASSERT_NE(number, 0U);
        ASSERT_EQ(table.peek(table.home_of(key), key), number);
        at_home += &table[number] == &table.home_of(key).hosts[number % 2] ? 1U : 0U;
    }
    EXPECT_EQ(add(table, key_of(kHostsMax)), 0U);
    EXPECT_GT(at_home, kHostsMax / 100 * 93);
}

TEST(Hosts, come_and_go_on_two_threads) {
    constexpr std::uint32_t kHosts = 64;  // of each; so few homes that the threads meet
    HostTable table = table_for(2 * kHosts);
    std::array<std::thread, 2> threads;
    for (std::uint32_t worker = 0; worker < threads.size(); ++worker) {
        threads[worker] = std::thread([&table, worker] {
            test::SeededRandom random;
            std::map<std::uint32_t, std::uint32_t> numbers;
            for (std::size_t round = 0; round < test::rounds(50'000); ++round) {
                const auto i = 2 * static_cast<std::uint32_t>(random.below(kHosts)) + worker;
                const HostKey key = key_of(i);
                HostTable::Claim claim(table, table.home_of(key));
                if (!claim.is_held()) continue;
                const std::uint32_t number = claim.find(key);
                ASSERT_EQ(number != 0, numbers.contains(i));
                if (number == 0) {
                    numbers[i] = claim.find_or_add(key);
                    ASSERT_NE(numbers[i], 0U);
                    table[numbers[i]].ports = i;
                } else {
                    ASSERT_EQ(number, numbers[i]);
                    ASSERT_EQ(table[number].ports, i);
                    claim.remove(number);
                    numbers.erase(i);
                }
            }
            for (const auto& [i, number] : numbers) {
                const HostKey key = key_of(i);
                while (table.peek(table.home_of(key), key) != 0) {
                    HostTable::Claim claim(table, table.home_of(key));
                    if (claim.is_held()) claim.remove(claim.find(key));
                }
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(table.size(), 0U);
    for (std::uint32_t i = 0; i < 2 * kHosts; ++i) ASSERT_NE(add(table, key_of(i)), 0U);
}

TEST(Hosts, are_as_many_as_their_numbers_allow) {
    EXPECT_FALSE(HostTable::create(0, {}).has_value());
    EXPECT_FALSE(HostTable::create(HostTable::kHostsMax + 1, {}).has_value());
    EXPECT_LE(table_for(HostTable::kHostsMax).numbers(), PortUse::kHostsMax + 1);
}

}  // namespace
}  // namespace causeway
