// SPDX-License-Identifier: Apache-2.0
//
// Inside hosts: against a std::map, with as many as there may be and more, all of one hash, and
// from two threads.
#include "nat/host_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <random>
#include <set>
#include <thread>
#include <utility>
#include <vector>

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
    EXPECT_LT(at_home, kHostsMax) << "some are behind, and were seen";
}

// Hosts that have one home, so that they hang on a chain of spare buckets.
std::vector<HostKey> keys_of_one_home(const HostTable& table, std::size_t count) {
    std::vector<HostKey> keys;
    for (std::uint32_t i = 0; keys.size() < count; ++i) {
        if (&table.home_of(key_of(i)) == &table.home_of(key_of(0))) keys.push_back(key_of(i));
    }
    return keys;
}

TEST(Hosts, of_one_hash_hang_on_one_chain) {
    test::SeededRandom random;
    HostTable table = table_for(40);
    const std::vector<HostKey> keys = keys_of_one_home(table, 40);
    std::map<std::size_t, std::uint32_t> numbers;
    std::size_t most = 0;
    for (std::size_t round = 0; round < test::rounds(100'000); ++round) {
        const std::size_t i = random.below(keys.size());
        const bool grows = random.below(8) < (round / 500 % 2 == 0 ? 7U : 1U);
        if (grows) {
            const std::uint32_t number = add(table, keys[i]);
            ASSERT_NE(number, 0U);
            const auto [entry, is_new] = numbers.try_emplace(i, number);
            ASSERT_EQ(entry->second, number);
            if (is_new) table[number].ports = static_cast<std::uint32_t>(i);
        } else if (numbers.contains(i)) {
            ASSERT_EQ(table[numbers[i]].ports, i);
            remove(table, keys[i]);
            numbers.erase(i);
        }
        ASSERT_EQ(table.size(), numbers.size());
        most = std::max(most, numbers.size());
    }
    EXPECT_GT(most, 30U);
    for (const auto& [i, number] : numbers) ASSERT_EQ(add(table, keys[i]), number);
}

TEST(Hosts, come_and_go_on_two_threads) {
    HostTable table = table_for(200);
    // Half of the hosts share a home, the others meet at the spare buckets.
    std::vector<HostKey> keys = keys_of_one_home(table, 40);
    for (std::uint32_t i = 1'000'000; keys.size() < 160; ++i) keys.push_back(key_of(i));
    std::array<std::thread, 2> threads;
    for (std::size_t worker = 0; worker < threads.size(); ++worker) {
        threads[worker] = std::thread([&table, &keys, worker] {
            std::mt19937_64 random(worker);
            std::map<std::size_t, std::uint32_t> numbers;  // of every other host
            const auto change = [&](std::size_t i) {
                HostTable::Claim claim(table, table.home_of(keys[i]));
                if (!claim.is_held()) return;
                const std::uint32_t number = claim.find(keys[i]);
                ASSERT_EQ(number != 0, numbers.contains(i));
                if (number == 0) {
                    numbers[i] = claim.find_or_add(keys[i]);
                    ASSERT_NE(numbers[i], 0U);
                    table[numbers[i]].ports = static_cast<std::uint32_t>(i);
                } else {
                    ASSERT_EQ(number, numbers[i]);
                    ASSERT_EQ(table[number].ports, i);
                    claim.remove(number);
                    numbers.erase(i);
                }
            };
            for (std::size_t round = 0; round < test::rounds(50'000); ++round) {
                const std::size_t i = random() % (keys.size() / 2) * 2 + worker;
                (void)table.peek(table.home_of(keys[i]), keys[i]);
                change(i);
            }
            while (!numbers.empty()) change(numbers.begin()->first);
        });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(table.size(), 0U);
    for (const HostKey key : keys) ASSERT_NE(add(table, key), 0U);  // no bucket was lost
}

TEST(Hosts, are_as_many_as_their_numbers_allow) {
    EXPECT_FALSE(HostTable::create(0, {}).has_value());
    EXPECT_FALSE(HostTable::create(HostTable::kHostsMax + 1, {}).has_value());
}

}  // namespace
}  // namespace causeway
