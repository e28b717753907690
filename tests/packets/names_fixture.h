// SPDX-License-Identifier: Apache-2.0
//
// NamesTest: a leg whose packets policies and lists treat by the names of their addresses, a core
// by which the routes lead, and one by which rules steer. Of IPv6 the same: 10.N/16 is
// 2001:db8:N::/48.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.h"
#include "dataplane/acl_log.h"
#include "dataplane/name_policy.h"
#include "dataplane/policy.h"
#include "tests/support/frame_builder.h"
#include "tests/support/test_bed.h"

namespace causeway::test {

class NamesTest : public testing::Test {
  protected:
    static constexpr NameSetBits kSet = 0b1;
    static constexpr NameSetBits kOtherSet = 0b10;
    static constexpr std::uint8_t kSyn = 2;
    static constexpr std::uint8_t kAck = 16;
    static constexpr PortId kLeg{0};
    static constexpr PortId kCore{1};
    static constexpr std::uint32_t kFirst = 100;  // counter, of the first rule

    NamesTest() {
        leg_ = bed_.attach(kLeg, 10, 100, vrf_);
        for (const std::uint16_t vid : std::array<std::uint16_t, 2>{20, 21}) {
            const AttachmentId core = bed_.attach(kCore, vid, 100, vrf_);
            ways_.push_back(bed_.neighbour(core, ip("10.2.0.1"), kCustomerMac));
            ipv6_ways_.push_back(bed_.neighbour(core, ip6("2001:db8:2::1"), kCustomerMac));
        }
        bed_.route(vrf_, prefix("10.2.0.0/16"), ways_[0]);
        bed_.route(vrf_, prefix6("2001:db8:2::/48"), ipv6_ways_[0]);
        other_ = {.ipv4 = bed_.group({&ways_[1], 1}), .ipv6 = bed_.group({&ipv6_ways_[1], 1})};
        auto made = LearnedAddresses::create(grace_);
        EXPECT_TRUE(made);
        learned_ = std::move(made).value();
    }
    // With what the leg's VRF has learned.
    void set_leg(AttachmentPolicy policy) {
        policy.learned = learned_.get();
        bed_.set_policy(leg_, policy);
        bed_.publish();
    }
    void rule(NameSetBits sets, AclOutcome outcome) {
        outcome.counter = RuleCounterId(kFirst + static_cast<std::uint32_t>(policy_.rules.size()));
        policy_.rules.push_back({sets, outcome});
        set_leg({.names = &policy_});
    }
    void learn(std::string_view address, NameSetBits sets = kSet) {
        EXPECT_TRUE(learned_->learn(*parse_ip_address(address), sets, 60,
                                    *Hostname::from("a.example.com"), 0));
    }
    // What comes back goes to the leg, and classes hold it.
    void police_what_comes_back() {
        bed_.route(vrf_, prefix("10.1.0.0/16"), bed_.neighbour(leg_, ip("10.9.0.2"), kCustomerMac));
        bed_.route(vrf_, prefix6("2001:db8:1::/48"),
                   bed_.neighbour(leg_, ip6("2001:db8:9::2"), kCustomerMac));
        set_leg({.names = &policy_, .name_classes = &policy_});
    }
    std::size_t come_back(const std::vector<Frame>& frames) {
        for (const Frame& some : frames) bed_.receive(kCore, some);
        bed_.turn();
        EXPECT_EQ(bed_.unaccounted(), "");
        return bed_.sent(kLeg).size();
    }
    [[nodiscard]] std::uint64_t hits(std::uint32_t rule) {
        return bed_.counters().rule(RuleCounterId(kFirst + rule)).packets.read();
    }
    std::vector<AclLogRecord> logged() {
        std::vector<AclLogRecord> records(kBurstSizeMax);
        records.resize(bed_.worker().acl_log().take(records));
        return records;
    }
    // What the core got of these.
    std::vector<Frame> sent_of(const std::vector<Frame>& frames) {
        for (const Frame& some : frames) bed_.receive(kLeg, some);
        bed_.turn();
        EXPECT_EQ(bed_.unaccounted(), "");
        return bed_.sent(kCore);
    }
    // The outer tags by which these left.
    std::vector<int> ways_of(const std::vector<Frame>& frames) {
        std::vector<int> tags;
        for (const Frame& frame : sent_of(frames)) tags.push_back(frame[14] << 8 | frame[15]);
        return tags;
    }
    // On the leg to an address of either family, and on the core from it.
    static FrameBuilder going_to(std::string_view address) {
        FrameBuilder some = frame().tags(10, 100);
        return is_ipv6(address) ? some.ipv6("2001:db8:1::10", address)
                                : some.ipv4("10.1.0.10", address);
    }
    static FrameBuilder coming_from(std::string_view address) {
        FrameBuilder some = frame().tags(20, 100);
        return is_ipv6(address) ? some.ipv6(address, "2001:db8:1::10")
                                : some.ipv4(address, "10.1.0.10");
    }
    static Frame udp(std::string_view address, std::uint16_t from) {
        return going_to(address).udp(from, 443).bytes();
    }
    static Frame udp_back(std::string_view address, std::uint16_t to) {
        return coming_from(address).udp(443, to).bytes();
    }
    // What the core gets of it: 20 is the way of the routes, 21 the other.
    static FrameBuilder gone_to(std::string_view address, std::uint16_t way = 20) {
        FrameBuilder some = frame().to(kCustomerMac).from(kRouterMac).tags(way, 100);
        return is_ipv6(address) ? some.ipv6("2001:db8:1::10", address).ttl(63)
                                : some.ipv4("10.1.0.10", address).ttl(63);
    }
    static Frame tcp(std::string_view address, std::uint16_t from, std::uint8_t flags) {
        Frame bytes = going_to(address).tcp(from, 443).bytes();
        bytes[22 + (is_ipv6(address) ? 40U : 20U) + 13] = flags;
        return bytes;
    }

    ImmediateGrace grace_;
    std::unique_ptr<LearnedAddresses> learned_;
    NamePolicy policy_;
    TestBed bed_;
    VrfId vrf_ = bed_.vrf();
    AttachmentId leg_;
    std::vector<NextHopId> ways_;
    std::vector<NextHopId> ipv6_ways_;
    SteerGroups other_;

  private:
    static bool is_ipv6(std::string_view address) {
        return address.find(':') != std::string_view::npos;
    }
};

// A list of access that asks for names: a way of its own for what goes to them, and nothing else
// from there.
class NamesListTest : public NamesTest {
  protected:
    NamesListTest() {
        AclRule to{.name = "to", .action = {.steer = "other"}};
        to.destination_names = {"set", "else"};
        AclRule from{.name = "from"};
        from.source_names = {"set"};
        Acl acl{.name = "names", .rules = {std::move(to), std::move(from)}};
        AclSets sets;
        sets.names = {{"set", kSet}, {"else", kElse}};
        sets.targets["other"] = other_;
        const std::array counters{RuleCounterId(kFirst), RuleCounterId(kFirst + 1),
                                  RuleCounterId(kFirst + 2)};
        list_ = std::move(AclList::build(acl, sets, counters)).value();
        set_leg({.filter_in = list_.get()});
    }
    static constexpr NameSetBits kElse = NameSetBits{1} << 30;
    std::unique_ptr<const AclList> list_;
};

}  // namespace causeway::test
