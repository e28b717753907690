// SPDX-License-Identifier: Apache-2.0
//
// Entries, matched one by one, say the same as the rules they come from.
#include "acl/compile.h"

#include <gtest/gtest.h>

#include "acl/match.h"
#include "tests/acl/acl_words.h"
#include "tests/support/random_acl.h"

namespace causeway::test {
namespace {

bool is(BitMatch match, unsigned value) {
    return ((value ^ match.value) & match.mask) == 0;
}

template <class AddressT>
bool covers(const AclEntry<AddressT>& entry, const AclPacket& packet) {
    std::uint16_t first = 0;
    std::uint16_t second = 0;
    if (packet.ports) {
        first = packet.ports->source;
        second = packet.ports->destination;
    }
    if (packet.icmp) {
        first = static_cast<std::uint16_t>(packet.icmp->type + 1);
        second = static_cast<std::uint16_t>(packet.icmp->code + 1);
    }
    unsigned shape = AclShape::kNotLater;
    if (packet.fragment != FragmentKind::kWhole) shape |= AclShape::kFragment;
    if (packet.fragment == FragmentKind::kLater) shape &= ~unsigned{AclShape::kNotLater};
    if (!packet.ports && !packet.icmp) shape |= AclShape::kHidden;
    return entry.source.contains(std::get<AddressT>(packet.source)) &&
           entry.destination.contains(std::get<AddressT>(packet.destination)) &&
           is(entry.protocol, packet.protocol) && entry.source_ports.contains(first) &&
           entry.destination_ports.contains(second) && is(entry.shape, shape) &&
           is(entry.flags, packet.tcp_flags.value_or(0)) && is(entry.dscp, packet.dscp) &&
           (entry.source_names & ~packet.source_names) == 0 &&
           (entry.destination_names & ~packet.destination_names) == 0;
}

template <class AddressT>
std::optional<std::size_t> first_of(const std::vector<AclEntry<AddressT>>& entries,
                                    const AclPacket& packet) {
    for (const auto& entry : entries) {
        if (covers(entry, packet)) return entry.rule;
    }
    return std::nullopt;
}

TEST(AclCompile, entries_say_what_their_rules_say) {
    SeededRandom random;
    std::size_t hits = 0;
    for (std::size_t round = 0; round < rounds(100); ++round) {
        const AclSets sets = random_acl_sets(random);
        const Acl acl = random_acl(random, 1 + random.below(30), sets);
        const auto entries = compile(acl, sets);
        ASSERT_TRUE(entries);
        for (int i = 0; i < 500; ++i) {
            const IpFamily family = i % 2 == 0 ? IpFamily::kIpv4 : IpFamily::kIpv6;
            auto packet = read_acl_packet(random_packet(random, family));
            ASSERT_TRUE(packet);
            packet->source_names = random_names(random, sets);
            packet->destination_names = random_names(random, sets);
            const auto expected = first_match(acl, sets, *packet);
            hits += expected.has_value();
            ASSERT_EQ(family == IpFamily::kIpv4 ? first_of(entries->ipv4, *packet)
                                                : first_of(entries->ipv6, *packet),
                      expected);
        }
    }
    EXPECT_GT(hits, 1'000U);  // else this proves little
}

TEST(AclCompile, merges_what_lies_within_or_meets) {
    AclRule some = rule("r");
    some.protocol = kTcp;
    some.source = any_of({prefix("10.1.0.0/16"), prefix("10.0.0.0/8"), prefix("192.0.2.0/24")});
    some.destination_ports = any_of({{90, 99}, {80, 89}, {85, 95}, {443, 443}});
    const auto entries = compile(Acl{.name = "one", .rules = {some}}, {});
    ASSERT_TRUE(entries);
    EXPECT_TRUE(entries->ipv6.empty());
    ASSERT_EQ(entries->ipv4.size(), 4U);
    EXPECT_EQ(entries->ipv4[0].destination_ports, (PortRange{80, 99}));
    EXPECT_EQ(entries->ipv4[2].source, prefix("192.0.2.0/24"));
}

}  // namespace
}  // namespace causeway::test
