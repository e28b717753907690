// SPDX-License-Identifier: Apache-2.0
//
// What an access list permits is not translated (RFC 6888 REQ-6), and whoever is not translated is
// looked at as everybody else is.
#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <vector>

#include "dataplane/acl_list.h"
#include "tests/packets/nat_world.h"
#include "tests/support/frame_builder.h"

namespace causeway::test {
namespace {

constexpr std::uint32_t kFirst = 10;  // rule 0's counter
constexpr std::uint8_t kUdpProtocol = 17;
const Endpoint kClient{Ipv4Address(0x0a000005), 4'000};
const Endpoint kResolver{Ipv4Address(0xc6120035), 53};  // 198.18.0.53
const Endpoint kServer{Ipv4Address(0xc6120009), 443};

AclRule rule_to(std::string name, const char* destination, AclVerdict verdict) {
    AclRule rule;
    rule.name = std::move(name);
    rule.destination.prefixes = {prefix(destination)};
    rule.action.verdict = verdict;
    return rule;
}

// Queries of DNS to 198.18.0.0/24 pass as they are, but those to 198.18.0.54.
std::unique_ptr<const AclList> dns_as_it_is() {
    AclRule dns = rule_to("dns", "198.18.0.0/24", AclVerdict::kPermit);
    dns.protocol = kUdpProtocol;
    dns.destination_ports.ranges = {{53, 53}};
    const Acl acl{.name = "as-it-is",
                  .rules = {rule_to("but", "198.18.0.54/32", AclVerdict::kDeny), dns}};
    const std::array counters{RuleCounterId(kFirst), RuleCounterId(kFirst + 1),
                              RuleCounterId(kFirst + 2)};
    auto built = AclList::build(acl, {}, counters);
    EXPECT_TRUE(built);
    return std::move(built).value();
}

Bytes udp(Endpoint from, Endpoint to) {
    return build({.protocol = NatProtocol::kUdp, .source = from, .destination = to});
}

class NatExceptions : public testing::Test {
  protected:
    ~NatExceptions() override { EXPECT_EQ(world_.bed().unaccounted(), ""); }
    void set(AttachmentPolicy policy) {
        policy.untranslated = list_.get();
        for (const PortId link : {kNatPrimary, kNatSecondary}) {
            world_.bed().set_policy(world_.leg(Customer::kContoso, link), policy);
        }
        world_.republish();
    }
    [[nodiscard]] std::uint64_t hits(std::uint32_t rule) {
        return world_.bed().counters().rule(RuleCounterId(kFirst + rule)).packets.read();
    }
    Bytes only(const Bytes& packet, PortId link = kNatPrimary) {
        const auto sent = world_.out(Customer::kContoso, packet, link);
        EXPECT_EQ(sent.size(), 1U);
        return sent.empty() ? Bytes(64) : sent.front().packet;
    }

    std::unique_ptr<const AclList> list_ = (test_eal(), dns_as_it_is());
    NatWorld world_;
};

TEST_F(NatExceptions, what_a_rule_permits_passes_as_it_is_by_either_link) {
    set({});
    for (const PortId link : {kNatPrimary, kNatSecondary}) {
        EXPECT_EQ(only(udp(kClient, kResolver), link), hop(udp(kClient, kResolver)));
    }
    EXPECT_EQ(hits(1), 2U);
    EXPECT_EQ(world_.sessions(), 0U);
}

TEST_F(NatExceptions, everything_else_is_translated) {
    set({});
    const Endpoint denied{Ipv4Address(0xc6120036), 53};
    const Endpoint other_port{kResolver.address, 54};
    for (const Endpoint& to : {denied, other_port, kServer}) {
        EXPECT_EQ(source_of(only(udp(kClient, to))).address.value() >> 24, 198U);
    }
    EXPECT_EQ(world_.sessions(), 3U);
    EXPECT_EQ(hits(0) + hits(1) + hits(2), 0U) << "they count what they leave as it is";
    const auto others = world_.out(Customer::kAdatum, udp(kClient, kResolver));
    ASSERT_EQ(others.size(), 1U);
    EXPECT_NE(others[0].packet, hop(udp(kClient, kResolver))) << "it has no list";
}

TEST_F(NatExceptions, a_flow_that_is_there_becomes_an_exception_with_the_list) {
    EXPECT_NE(only(udp(kClient, kResolver)), hop(udp(kClient, kResolver)));
    set({});
    EXPECT_EQ(only(udp(kClient, kResolver)), hop(udp(kClient, kResolver)));
}

TEST_F(NatExceptions, a_private_source_that_nobody_translates_is_refused) {
    set({.source_check = SourceCheck::kAdvertised});
    EXPECT_TRUE(world_.out(Customer::kContoso, udp(kClient, kResolver)).empty());
    EXPECT_EQ(world_.exits(world_.leg(Customer::kContoso, kNatPrimary), Exit::kPrivateSource), 1U);
    EXPECT_NE(only(udp(kClient, kServer)), hop(udp(kClient, kServer)));
}

}  // namespace
}  // namespace causeway::test
