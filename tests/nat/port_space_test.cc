// SPDX-License-Identifier: Apache-2.0
//
// What an operator changes of a pool while hosts hold its ports.
#include "nat/port_space.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/nat/nat_bed.h"

namespace causeway::test {
namespace {

constexpr Ipv4Address kOther{0xc6336402};
constexpr Endpoint kHost{Ipv4Address(0x0a000005), 40'000};
constexpr Ipv4Address kRemote{0xc6120009};

MappingTable::Inside tcp_of(Endpoint endpoint) {
    return {.pool = kPool, .protocol = NatProtocol::kTcp, .endpoint = endpoint};
}

TEST(PortSpaceChange, limits_and_timers_change_while_sessions_live) {
    MappingBed bed({.host_sessions_max = 1});
    EXPECT_EQ(bed.mappings->hold(tcp_of(kHost), kRemote, 1).refusal, NatRefusal::kNone);
    EXPECT_EQ(bed.mappings->hold(tcp_of(kHost), kRemote, 1).refusal, NatRefusal::kHostSessions);
    NatPoolSettings more{.host_sessions_max = 2};
    more.timers.udp = 17;
    ASSERT_TRUE(bed.space->change(kPool, more).has_value());
    EXPECT_EQ(bed.mappings->hold(tcp_of(kHost), kRemote, 1).refusal, NatRefusal::kNone);
    EXPECT_EQ(bed.space->settings(kPool).timers.udp, 17U);
}

TEST(PortSpaceChange, what_gives_blocks_their_form_does_not_change_while_there_are_any) {
    MappingBed bed({});
    const Status blocks = bed.space->change(kPool, {.block_ports = 512});
    ASSERT_FALSE(blocks.has_value());
    EXPECT_EQ(blocks.error().field, "block-ports");
    const Status filtering =
        bed.space->change(kPool, {.filtering = NatFiltering::kAddressDependent});
    ASSERT_FALSE(filtering.has_value());
    EXPECT_EQ(filtering.error().field, "filtering");
    EXPECT_EQ(bed.space->settings(kPool), NatPoolSettings());
}

TEST(PortSpaceChange, wrong_settings_change_nothing) {
    MappingBed bed({});
    EXPECT_FALSE(bed.space->change(kPool, {.host_blocks_max = 0}).has_value());
    EXPECT_FALSE(bed.space->change(NatPoolId(77), {}).has_value());
    EXPECT_EQ(bed.space->settings(kPool), NatPoolSettings());
}

TEST(PortSpaceChange, an_address_that_stops_draining_is_lent_again) {
    MappingBed bed({});
    ASSERT_TRUE(bed.space->drain(kPublic).has_value());
    EXPECT_EQ(bed.mappings->hold(tcp_of(kHost), kRemote, 1).refusal, NatRefusal::kPoolExhausted);
    bed.space->stop_draining(kPublic);
    EXPECT_EQ(bed.mappings->hold(tcp_of(kHost), kRemote, 1).refusal, NatRefusal::kNone);
    bed.space->stop_draining(kOther);  // of no pool: nothing happens
    EXPECT_FALSE(bed.space->is_known(bed.space->find(kOther)));
}

// RFC 6888 REQ-8.
class PortSpaceRest : public testing::Test {
  protected:
    static constexpr std::uint32_t kBlocks =
        15;  // of an address; what begins below 1024 is lent to nobody

    // A new host's first port; its block.
    BlockRef arrive() {
        ++hosts_;
        const Endpoint host{Ipv4Address(kHost.address.value() + hosts_), 1};
        const auto held = bed_.mappings->hold(tcp_of(host), kRemote, hosts_ * 7'919);
        EXPECT_EQ(held.refusal, NatRefusal::kNone);
        ports_.push_back(held.port);
        return bed_.space->block_of(held.port);
    }
    // Whoever came as this one has no port any more.
    void leave(std::size_t host) { EXPECT_TRUE(bed_.mappings->release(ports_.at(host), kRemote)); }

    MappingBed bed_{{.block_ports = 4'096, .host_blocks_max = 1}};
    std::uint32_t hosts_ = 0;
    std::vector<PortRef> ports_;
};

TEST_F(PortSpaceRest, a_block_that_came_back_is_the_last_to_be_lent) {
    const BlockRef first = arrive();
    leave(0);
    for (std::uint32_t k = 1; k < kBlocks; ++k) EXPECT_NE(arrive(), first);
    EXPECT_EQ(arrive(), first) << "rather than refuse";
}

TEST_F(PortSpaceRest, is_over_when_it_has_been_long_enough) {
    std::vector<BlockRef> blocks;
    for (std::uint32_t k = 0; k < kBlocks; ++k) blocks.push_back(arrive());
    leave(3);
    bed_.space->end_rest();
    leave(5);
    EXPECT_EQ(arrive(), blocks[3]) << "the one that has rested for longer";
    bed_.space->end_rest();
    leave(7);
    bed_.space->end_rest();  // 5 is free, 7 rests
    leave(9);
    EXPECT_EQ(arrive(), blocks[5]);
    EXPECT_EQ(arrive(), blocks[7]);
    EXPECT_EQ(arrive(), blocks[9]);
}

TEST(PortSpaceChange, a_port_that_is_published_no_more_is_lent_again) {
    MappingBed bed({.block_ports = 64, .host_blocks_max = 64});
    ASSERT_TRUE(bed.space->reserve(kPublic, 2'000).has_value());
    const std::uint32_t index = bed.space->find(kPublic);
    const auto is_free = [&] {
        const std::uint64_t free = bed.space->free_ports(index, NatProtocol::kUdp, 1'984);
        return (free >> (2'000 - 1'984) & 1U) == 1;
    };
    EXPECT_FALSE(is_free());
    bed.space->release(kPublic, 2'000);
    EXPECT_TRUE(is_free());
}

}  // namespace
}  // namespace causeway::test
