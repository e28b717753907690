// SPDX-License-Identifier: Apache-2.0
//
// Mappings: RFC 4787's and RFC 6888's behaviour, pools that fill, grow and shrink, and many workers
// at once.
#include "nat/mapping_table.h"

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "tests/nat/nat_bed.h"
#include "tests/support/seed.h"

namespace causeway {
namespace {

using test::kPool;
using test::kPublic;
using test::MappingBed;

constexpr Ipv4Address kRemote{0x08080808};
constexpr Ipv4Address kOtherRemote{0x08080404};
constexpr std::uint32_t kLendable = 65'536 - 1'024;  // ports of an address, with blocks of 256

MappingTable::Inside inside(std::uint32_t host, std::uint16_t port,
                            NatProtocol protocol = NatProtocol::kUdp) {
    return {
        .pool = kPool, .protocol = protocol, .endpoint = {Ipv4Address(0x0a000000 + host), port}};
}

TEST(Mappings, one_public_endpoint_for_all_remotes) {  // RFC 4787 REQ-1
    MappingBed bed({});
    const auto first = bed.mappings->hold(inside(1, 5'000), kRemote, 77);
    const auto second = bed.mappings->hold(inside(1, 5'000), kOtherRemote, 12'345);
    ASSERT_EQ(first.refusal, NatRefusal::kNone);
    EXPECT_EQ(first.port, second.port);
    EXPECT_NE(first.port, bed.mappings->hold(inside(1, 5'002), kRemote, 77).port);
    const auto peeked = bed.mappings->peek(first.port);
    ASSERT_TRUE(peeked.has_value());
    EXPECT_EQ(peeked->endpoint, inside(1, 5'000).endpoint);
}

TEST(Mappings, last_session_takes_mapping_block_and_host_along) {
    MappingBed bed({});
    const auto held = bed.mappings->hold(inside(1, 5'000), kRemote, 1);
    ASSERT_EQ(bed.mappings->hold(inside(1, 5'000), kOtherRemote, 1).refusal, NatRefusal::kNone);
    EXPECT_EQ(bed.space->usage(kPool).blocks_lent, 1U);
    EXPECT_TRUE(bed.mappings->release(held.port, kRemote));
    EXPECT_TRUE(bed.mappings->peek(held.port).has_value());
    EXPECT_TRUE(bed.mappings->release(held.port, kOtherRemote));
    EXPECT_FALSE(bed.mappings->peek(held.port).has_value());
    EXPECT_EQ(bed.space->usage(kPool).blocks_lent, 0U);
    for (std::uint32_t host = 0; host < bed.mappings->host_numbers(); ++host) {
        ASSERT_FALSE(bed.mappings->read_host(host).has_value());
    }
}

TEST(Mappings, keep_parity_and_worker) {  // RFC 4787 REQ-4
    for (const std::size_t workers : {1U, 2U, 3U, 8U}) {
        MappingBed bed({}, workers);
        for (std::uint16_t port = 3'000; port < 3'024; ++port) {
            const auto held =
                bed.mappings->hold(inside(workers == 3 ? port : 1, port), kRemote, port);
            ASSERT_EQ(held.refusal, NatRefusal::kNone);
            const Endpoint outside = bed.space->endpoint(held.port);
            EXPECT_EQ(outside.port % 2, port % 2) << workers;
            EXPECT_EQ(bed.steering.kind_of(outside),
                      bed.steering.kind_of(inside(workers == 3 ? port : 1, port).endpoint));
        }
    }
}

TEST(Mappings, a_host_stays_at_one_address) {  // RFC 4787 REQ-2
    MappingBed bed({.host_blocks_max = 4});
    for (std::uint32_t i = 1; i < 8; ++i) {
        ASSERT_TRUE(bed.space->add_address(kPool, Ipv4Address(kPublic.value() + i)).has_value());
    }
    for (std::uint32_t host = 0; host < 20; ++host) {
        std::set<Ipv4Address> addresses;
        for (std::uint16_t port = 0; port < 1'000; ++port) {
            const auto held = bed.mappings->hold(inside(host, port), kRemote, host * 7 + port);
            ASSERT_EQ(held.refusal, NatRefusal::kNone);
            addresses.insert(bed.space->endpoint(held.port).address);
        }
        EXPECT_EQ(addresses.size(), 1U);
    }
}

TEST(Mappings, filtering_by_address_lets_in_only_whom_the_endpoint_has_sent_to) {
    MappingBed bed({.filtering = NatFiltering::kAddressDependent});
    const auto held = bed.mappings->hold(inside(1, 5'000), kRemote, 1);
    EXPECT_EQ(bed.mappings->hold_from_outside(held.port, kOtherRemote).refusal,
              NatRefusal::kFiltered);
    EXPECT_EQ(bed.mappings->hold_from_outside(held.port, kRemote).refusal, NatRefusal::kNone);
    EXPECT_TRUE(bed.mappings->release(held.port, kRemote));
    EXPECT_EQ(bed.mappings->hold_from_outside(held.port, kRemote).refusal, NatRefusal::kNone);
    EXPECT_TRUE(bed.mappings->release(held.port, kRemote));
    EXPECT_TRUE(bed.mappings->release(held.port, kRemote));
    EXPECT_EQ(bed.mappings->hold_from_outside(held.port, kRemote).refusal, NatRefusal::kNoMapping);
}

TEST(Mappings, endpoint_independent_filtering_lets_everybody_in) {
    MappingBed bed({});
    const auto held = bed.mappings->hold(inside(1, 5'000), kRemote, 1);
    const auto from_outside = bed.mappings->hold_from_outside(held.port, kOtherRemote);
    EXPECT_EQ(from_outside.refusal, NatRefusal::kNone);
    EXPECT_EQ(from_outside.inside.endpoint, inside(1, 5'000).endpoint);
}

// Every port serves before the first refusal, however many kinds there are.
TEST(Mappings, every_port_of_a_pool_is_used_before_the_first_refusal) {
    for (const std::size_t workers : {1U, 2U, 3U, 8U}) {
        test::SeededRandom random;
        MappingBed bed({.host_blocks_max = 1}, workers);
        std::set<std::uint32_t> ports;
        for (std::uint32_t host = 0; host < kLendable / 256; ++host) {
            for (std::uint16_t port = 0; port < 256; ++port) {
                const auto held = bed.mappings->hold(inside(host, port), kRemote, random());
                ASSERT_EQ(held.refusal, NatRefusal::kNone) << workers << ' ' << ports.size();
                ASSERT_TRUE(ports.insert(held.port.bits()).second);
            }
        }
        EXPECT_EQ(ports.size(), kLendable);
        EXPECT_EQ(bed.mappings->hold(inside(999, 1), kRemote, 1).refusal,
                  NatRefusal::kPoolExhausted);
        // Those who have ports keep them.
        EXPECT_EQ(bed.mappings->hold(inside(1, 1), kOtherRemote, 1).refusal, NatRefusal::kNone);
    }
}

TEST(Mappings, no_host_takes_more_than_its_share) {  // RFC 6888 REQ-4
    // All buckets of so small a map are looked at by estimated_mappings().
    MappingBed bed({.host_blocks_max = 2, .host_sessions_max = 600}, 2, {.mappings_max = 1'000});
    for (std::uint16_t port = 0; port < 512; ++port) {
        ASSERT_EQ(bed.mappings->hold(inside(1, port), kRemote, port).refusal, NatRefusal::kNone);
    }
    EXPECT_EQ(bed.mappings->estimated_mappings(), 512U);
    EXPECT_EQ(bed.mappings->hold(inside(1, 512), kRemote, 1).refusal, NatRefusal::kHostPorts);
    EXPECT_EQ(bed.mappings->estimated_mappings(), 512U) << "who is refused leaves no mapping";
    EXPECT_EQ(bed.mappings->hold(inside(2, 512), kRemote, 1).refusal, NatRefusal::kNone);
    for (std::uint32_t i = 0; i < 88; ++i) {
        ASSERT_EQ(bed.mappings->hold(inside(1, 7), Ipv4Address(i + 1), 1).refusal,
                  NatRefusal::kNone);
    }
    EXPECT_EQ(bed.mappings->hold(inside(1, 7), kOtherRemote, 1).refusal, NatRefusal::kHostSessions);
}

// A port of a restart: one that is another's, of another's block, or of a mapping that the endpoint
// does not have, is refused, and nothing is left of it.
TEST(Mappings, refused_ports_of_a_restart_leave_nothing) {
    MappingBed bed({.block_ports = 64}, 2, {.mappings_max = 1'000});
    const auto held = bed.mappings->hold(inside(1, 5'000), kRemote, 1);
    ASSERT_EQ(held.refusal, NatRefusal::kNone);
    const auto port_after = [](PortRef port, int n) {
        return PortRef(port.address(), port.protocol(),
                       static_cast<std::uint16_t>(port.port() + n));
    };
    const auto try_at = [&](const MappingTable::Inside& who, PortRef port) {
        const NatRefusal refusal = bed.mappings->hold_at(who, port, kRemote).refusal;
        EXPECT_EQ(bed.mappings->estimated_mappings(), 1U);
        EXPECT_EQ(bed.mappings->hosts(), 1U);
        EXPECT_EQ(bed.space->usage(kPool).blocks_lent, 1U);
        return refusal;
    };
    EXPECT_EQ(try_at(inside(2, 5'000), held.port), NatRefusal::kPoolExhausted);
    EXPECT_EQ(try_at(inside(1, 5'001), held.port), NatRefusal::kHostPorts);
    const int other = held.port.port() % 64 == 63 ? -1 : 1;
    EXPECT_EQ(try_at(inside(1, 5'000), port_after(held.port, other)), NatRefusal::kHostPorts);
    const auto same = bed.mappings->hold_at(inside(1, 5'000), held.port, kOtherRemote);
    EXPECT_EQ(same.refusal, NatRefusal::kNone);
    EXPECT_TRUE(bed.mappings->release(held.port, kRemote));
    EXPECT_TRUE(bed.mappings->release(held.port, kOtherRemote));
    EXPECT_EQ(bed.mappings->hosts(), 0U);
}

TEST(Mappings, a_full_table_of_hosts_refuses_and_recovers) {
    MappingBed bed({}, 2, {.hosts_max = 4});
    for (std::uint32_t host = 0; host < 4; ++host) {
        ASSERT_EQ(bed.mappings->hold(inside(host, 1), kRemote, 1).refusal, NatRefusal::kNone);
    }
    EXPECT_EQ(bed.mappings->hold(inside(9, 1), kRemote, 1).refusal, NatRefusal::kHostsFull);
    EXPECT_EQ(bed.mappings->hosts(), 4U);
    const auto held = bed.mappings->hold(inside(2, 2), kRemote, 1);
    EXPECT_TRUE(bed.mappings->release(held.port, kRemote));
    EXPECT_TRUE(bed.mappings->release(bed.mappings->hold(inside(2, 1), kRemote, 1).port, kRemote));
    EXPECT_EQ(bed.mappings->hold(inside(9, 1), kRemote, 1).refusal, NatRefusal::kHostsFull);
    EXPECT_TRUE(bed.mappings->release(bed.mappings->hold(inside(2, 1), kOtherRemote, 1).port,
                                      kOtherRemote));
}

TEST(Mappings, says_how_many_there_are) {
    MappingBed bed({.block_ports = 4'096, .host_blocks_max = 2}, 2, {.mappings_max = 1'000'000});
    EXPECT_EQ(bed.mappings->estimated_mappings(), 0U);
    std::vector<PortRef> ports;
    for (std::uint32_t host = 0; host < 12; ++host) {
        for (std::uint16_t port = 1; port <= 4'000; ++port) {
            ports.push_back(bed.mappings->hold(inside(host, port), kRemote, port).port);
        }
    }
    EXPECT_EQ(bed.mappings->hosts(), 12U);
    EXPECT_NEAR(static_cast<double>(bed.mappings->estimated_mappings()), 48'000, 12'000);
    for (const PortRef port : ports) EXPECT_TRUE(bed.mappings->release(port, kRemote));
    EXPECT_EQ(bed.mappings->estimated_mappings(), 0U);
    EXPECT_EQ(bed.mappings->hosts(), 0U);
}

// Blocks come and go while hosts have one of them, or several.
TEST(Mappings, a_block_goes_back_with_its_last_port) {
    test::SeededRandom random;
    MappingBed bed({.block_ports = 64, .host_blocks_max = 4}, 2, {.hosts_max = 3});
    std::map<std::pair<std::uint32_t, std::uint16_t>, PortRef> mappings;  // by host, inside port
    std::map<std::uint32_t, std::size_t> used;                            // ports, by first one
    const auto block_of = [](PortRef port) { return port.port() & ~63U; };
    std::array<std::size_t, 5> seen{};  // hosts, by how many blocks they had
    for (std::size_t round = 0; round < test::rounds(40'000); ++round) {
        const auto host = static_cast<std::uint32_t>(random.below(3));
        const bool grows = random.below(4) < (round / 2'000 % 2 == 0 ? 3U : 1U);
        const std::pair key(host, static_cast<std::uint16_t>(1 + random.below(150)));
        const auto known = mappings.find(key);
        if (grows && known == mappings.end()) {
            const auto held = bed.mappings->hold(inside(host, key.second), kRemote, random());
            ASSERT_EQ(held.refusal, NatRefusal::kNone);
            mappings[key] = held.port;
            ASSERT_EQ(static_cast<bool>(held.lent), ++used[block_of(held.port)] == 1);
        } else if (!grows && known != mappings.end()) {
            const auto released = bed.mappings->release(known->second, kRemote);
            ASSERT_TRUE(released);
            const bool is_last = --used[block_of(known->second)] == 0;
            ASSERT_EQ(static_cast<bool>(released.returned), is_last);
            if (is_last) used.erase(block_of(known->second));
            mappings.erase(known);
        }
        ASSERT_EQ(bed.space->usage(kPool).blocks_lent, used.size());
        for (std::uint32_t number = 0; number < bed.mappings->host_numbers(); ++number) {
            const auto reading = bed.mappings->read_host(number);
            if (reading) ++seen[reading->blocks];
        }
    }
    for (const std::size_t blocks : {1U, 2U, 3U}) EXPECT_GT(seen[blocks], 100U) << blocks;
    for (const auto& [key, port] : mappings) EXPECT_TRUE(bed.mappings->release(port, kRemote));
    EXPECT_EQ(bed.mappings->hosts(), 0U);
    EXPECT_EQ(bed.space->usage(kPool).blocks_lent, 0U);
}

TEST(Mappings, a_drained_address_empties_while_another_takes_over) {
    MappingBed bed({.pairing = NatPairing::kStrict});
    const Ipv4Address other(kPublic.value() + 1);
    const auto old = bed.mappings->hold(inside(1, 1), kRemote, 1);
    ASSERT_TRUE(bed.space->add_address(kPool, other).has_value());
    ASSERT_TRUE(bed.space->drain(kPublic).has_value());
    EXPECT_FALSE(bed.space->remove(kPublic).has_value());
    const auto same = bed.mappings->hold(inside(1, 1), kOtherRemote, 1);
    EXPECT_EQ(same.port, old.port) << "an old endpoint keeps its mapping";
    EXPECT_EQ(bed.space->endpoint(bed.mappings->hold(inside(1, 3), kRemote, 1).port).address,
              other);
    EXPECT_TRUE(bed.mappings->release(old.port, kRemote));
    EXPECT_FALSE(bed.space->is_drained(kPublic));
    EXPECT_TRUE(bed.mappings->release(old.port, kOtherRemote));
    EXPECT_TRUE(bed.space->is_drained(kPublic));
    EXPECT_TRUE(bed.space->remove(kPublic).has_value());
    EXPECT_EQ(bed.space->find(kPublic), 0U);
    EXPECT_NE(bed.space->find(other), 0U);
    EXPECT_TRUE(bed.space->add_address(kPool, kPublic).has_value());
}

TEST(Mappings, reserved_ports_are_never_lent) {
    MappingBed bed({.block_ports = 64, .host_blocks_max = 64});
    ASSERT_TRUE(bed.space->reserve(kPublic, 8'443).has_value());
    for (std::uint32_t host = 0; host < 20; ++host) {
        for (std::uint16_t port = 0; port < 4'096; ++port) {
            const auto held = bed.mappings->hold(inside(host, port), kRemote, port);
            if (held.refusal != NatRefusal::kNone) continue;
            ASSERT_NE(held.port.port(), 8'443);
        }
    }
}

TEST(PortSpace, refuses_nonsense) {
    auto space = std::move(PortSpace::create().value());
    EXPECT_FALSE(space->add_address(kPool, kPublic).has_value());
    EXPECT_FALSE(space->add_pool(kPool, {.block_ports = 100}).has_value());
    EXPECT_FALSE(space->add_pool(kPool, {.block_ports = 32}).has_value());
    EXPECT_FALSE(space->add_pool(kPool, {.host_blocks_max = 0}).has_value());
    EXPECT_FALSE(space->add_pool(kPool, {.timers = {.udp = 0}}).has_value());
    ASSERT_TRUE(space->add_pool(kPool, {}).has_value());
    ASSERT_TRUE(space->add_address(kPool, kPublic).has_value());
    EXPECT_FALSE(space->add_address(kPool, kPublic).has_value());
    EXPECT_FALSE(space->add_pool(kPool, {}).has_value());
    EXPECT_FALSE(space->drain(Ipv4Address(1)).has_value());
}

// Workers hold and release sessions of the same few endpoints as fast as they can. An endpoint that
// is held has one port, whoever asks; no port has two endpoints; in the end nothing is left.
TEST(Mappings, workers_at_once_agree) {
    test::SeededRandom random;
    constexpr std::size_t kWorkers = 4;
    MappingBed bed({.filtering = NatFiltering::kAddressDependent, .host_blocks_max = 64}, 4);
    std::array<std::uint64_t, kWorkers> seeds;
    for (auto& seed : seeds) seed = random();
    std::vector<std::thread> threads;
    for (std::size_t worker = 0; worker < kWorkers; ++worker) {
        threads.emplace_back([&, worker] {
            std::mt19937_64 own(seeds[worker]);
            std::vector<std::pair<MappingTable::Held, Ipv4Address>> held;
            for (std::size_t i = 0; i < test::rounds(100'000); ++i) {
                if (own() % 2 == 0 && held.size() < 64) {
                    const auto wanted = inside(static_cast<std::uint32_t>(own() % 3),
                                               static_cast<std::uint16_t>(own() % 40));
                    const Ipv4Address remote(1 + static_cast<std::uint32_t>(own() % 3));
                    const auto got = bed.mappings->hold(wanted, remote, own());
                    if (got.refusal == NatRefusal::kBusy) continue;
                    ASSERT_EQ(got.refusal, NatRefusal::kNone);
                    ASSERT_EQ(got.inside.endpoint, wanted.endpoint);
                    held.emplace_back(got, remote);
                } else if (!held.empty()) {
                    const std::size_t k = own() % held.size();
                    const auto peeked = bed.mappings->peek(held[k].first.port);
                    ASSERT_TRUE(peeked.has_value());
                    ASSERT_EQ(peeked->endpoint, held[k].first.inside.endpoint);
                    if (!bed.mappings->release(held[k].first.port, held[k].second)) continue;
                    held[k] = held.back();
                    held.pop_back();
                }
                for (const auto& [one, remote] : held) {
                    if (own() % 16 != 0) continue;
                    const auto again = bed.mappings->hold(one.inside, remote, own());
                    if (again.refusal != NatRefusal::kNone) continue;
                    ASSERT_EQ(again.port, one.port);
                    while (!bed.mappings->release(again.port, remote)) std::this_thread::yield();
                }
            }
            for (const auto& [one, remote] : held) {
                while (!bed.mappings->release(one.port, remote)) std::this_thread::yield();
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(bed.space->usage(kPool).blocks_lent, 0U);
    for (std::uint32_t host = 0; host < bed.mappings->host_numbers(); ++host) {
        ASSERT_FALSE(bed.mappings->read_host(host).has_value());
    }
}

}  // namespace
}  // namespace causeway
