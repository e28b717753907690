// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <memory>
#include <vector>

#include "base/headers.h"
#include "dataplane/flow_hash.h"
#include "tests/support/seed.h"

namespace causeway::test {
namespace {

constexpr std::array kExtensions{IpProtocol::kHopByHopOptions, IpProtocol::kRouting,
                                 IpProtocol::kDestinationOptions, IpProtocol::kAuthentication,
                                 IpProtocol::kFragment};

struct Flow {
    Ipv6Address source{0x2001'0db8'0001'0000, 1};
    Ipv6Address destination{0x2001'0db8'0002'0000, 1};
    std::uint16_t source_port = 4'000;
    std::uint16_t destination_port = 443;
    IpProtocol protocol = IpProtocol::kTcp;
    std::vector<IpProtocol> extensions{};  // each 16 bytes long, that of a fragment 8
    std::uint16_t offset_more = 0;         // in headers of fragments
    std::size_t cut = 0;                   // bytes missing at the end

    [[nodiscard]] Flow reversed() const {
        Flow flow = *this;
        std::swap(flow.source, flow.destination);
        std::swap(flow.source_port, flow.destination_port);
        return flow;
    }
};

void append_extension(std::vector<std::uint8_t>& packet, IpProtocol protocol,
                      std::uint16_t offset_more) {
    std::array<std::uint8_t, 16> bytes{};
    if (protocol == IpProtocol::kFragment) {
        const Be16 word(offset_more);
        std::memcpy(&bytes[2], &word, sizeof word);
        packet.insert(packet.end(), bytes.begin(), bytes.begin() + 8);
        return;
    }
    bytes[1] = protocol == IpProtocol::kAuthentication ? 2 : 1;
    packet.insert(packet.end(), bytes.begin(), bytes.end());
}

// On a heap buffer of the packet's own size, so that AddressSanitizer sees what is read behind it.
std::uint32_t hash_of(const Flow& flow) {
    std::vector<std::uint8_t> packet(sizeof(Ipv6Header));
    std::size_t next_header = offsetof(Ipv6Header, next_header);
    for (const IpProtocol extension : flow.extensions) {
        packet[next_header] = static_cast<std::uint8_t>(extension);
        next_header = packet.size();
        append_extension(packet, extension, flow.offset_more);
    }
    packet[next_header] = static_cast<std::uint8_t>(flow.protocol);
    const Be16 ports[2] = {Be16(flow.source_port), Be16(flow.destination_port)};
    const auto* at = reinterpret_cast<const std::uint8_t*>(ports);
    packet.insert(packet.end(), at, at + sizeof ports);
    const WireIpv6Address addresses[2] = {WireIpv6Address(flow.source),
                                          WireIpv6Address(flow.destination)};
    std::memcpy(packet.data() + offsetof(Ipv6Header, source), addresses, sizeof addresses);

    const std::size_t bytes = packet.size() - flow.cut;
    const auto buffer = std::make_unique<std::uint8_t[]>(bytes);
    std::memcpy(buffer.get(), packet.data(), bytes);
    return flow_hash(*reinterpret_cast<const Ipv6Header*>(buffer.get()), bytes);
}

Flow random_flow(SeededRandom& random) {
    return {.source = {random(), random()},
            .destination = {random(), random()},
            .source_port = static_cast<std::uint16_t>(random()),
            .destination_port = static_cast<std::uint16_t>(random()),
            .protocol = random.below(2) == 0 ? IpProtocol::kTcp : IpProtocol::kUdp};
}

void add_extensions(Flow& flow, SeededRandom& random, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
        flow.extensions.push_back(kExtensions[random.below(kExtensions.size())]);
    }
}

TEST(FlowHashIpv6Property, both_directions_of_a_flow_hash_alike) {
    SeededRandom random;
    for (std::size_t i = 0; i < rounds(200'000); ++i) {
        Flow flow = random_flow(random);
        if (random.below(2) == 0) flow.destination = {flow.source.high(), random()};
        if (random.below(2) == 0) add_extensions(flow, random, random.below(8));
        if (random.below(4) == 0) flow.offset_more = static_cast<std::uint16_t>(random());
        ASSERT_EQ(hash_of(flow), hash_of(flow.reversed()));
    }
}

TEST(FlowHashIpv6Property, five_extension_headers_do_not_matter) {
    SeededRandom random;
    for (std::size_t i = 0; i < rounds(50'000); ++i) {
        const Flow plain = random_flow(random);
        Flow flow = plain;
        add_extensions(flow, random, 1 + random.below(5));
        ASSERT_EQ(hash_of(flow), hash_of(plain));
    }
}

TEST(FlowHashIpv6Property, ports_behind_more_do_not_count) {
    SeededRandom random;
    for (std::size_t i = 0; i < rounds(10'000); ++i) {
        Flow flow = random_flow(random);
        add_extensions(flow, random, 6);
        Flow other = flow;
        other.source_port = static_cast<std::uint16_t>(random());
        ASSERT_EQ(hash_of(flow), hash_of(other));
    }
}

TEST(FlowHashIpv6Property, fragments_hash_by_their_addresses_alone) {
    SeededRandom random;
    for (std::size_t i = 0; i < rounds(50'000); ++i) {
        Flow first = random_flow(random);
        add_extensions(first, random, random.below(4));
        first.extensions.push_back(IpProtocol::kFragment);
        first.offset_more = Ipv6FragmentHeader::kMoreFragments;
        Flow later = first;
        later.offset_more = static_cast<std::uint16_t>((1 + random.below(8'191)) << 3);
        later.protocol = IpProtocol::kIcmpv6;  // of no concern (RFC 8200 4.5)
        later.source_port = static_cast<std::uint16_t>(random());
        ASSERT_EQ(hash_of(first), hash_of(later));
    }
}

TEST(FlowHashIpv6, reserved_bits_make_no_fragment) {
    Flow flow;
    flow.extensions = {IpProtocol::kFragment};
    flow.offset_more = 6;
    EXPECT_EQ(hash_of(flow), hash_of(Flow{}));
}

TEST(FlowHashIpv6, what_has_no_ports_is_not_hashed_by_them) {
    for (const int protocol : {4, 41, 47, 50, 58, 59, 132, 255}) {
        const Flow flow{.protocol = static_cast<IpProtocol>(protocol)};
        Flow other = flow;
        other.source_port = 9;
        EXPECT_EQ(hash_of(flow), hash_of(other)) << protocol;
    }
}

// Whatever is cut off, nothing behind the packet's end is read, and half a pair of ports is none.
TEST(FlowHashIpv6, packets_may_end_anywhere) {
    for (const IpProtocol extension : kExtensions) {
        Flow flow;
        flow.extensions = {extension, IpProtocol::kDestinationOptions};
        Flow other = flow;
        other.destination_port = 80;
        EXPECT_NE(hash_of(flow), hash_of(other));
        const std::size_t behind = 4 + 16 + (extension == IpProtocol::kFragment ? 8U : 16U);
        for (std::size_t cut = 1; cut <= behind; ++cut) {
            flow.cut = other.cut = cut;
            EXPECT_EQ(hash_of(flow), hash_of(other)) << cut;
            EXPECT_EQ(hash_of(flow), hash_of(flow.reversed())) << cut;
        }
    }
    Flow plain;
    Flow other;
    other.source_port = 9;
    for (std::size_t cut = 1; cut <= 4; ++cut) {
        plain.cut = other.cut = cut;
        EXPECT_EQ(hash_of(plain), hash_of(other)) << cut;
    }
}

// As in flow_hash_test.cc: 16,000 flows over 64 buckets, 250 each on average, deviation 16.
template <class Change>
void expect_spread(const char* says, Change&& change) {
    std::array<unsigned, 64> buckets{};
    for (std::uint64_t i = 0; i < 16'000; ++i) {
        Flow flow;
        change(flow, i);
        ++buckets[hash_of(flow) % buckets.size()];
    }
    for (const unsigned count : buckets) {
        EXPECT_GT(count, 150U) << says;
        EXPECT_LT(count, 350U) << says;
    }
}

TEST(FlowHashIpv6, similar_flows_spread) {
    expect_spread("source ports", [](Flow& flow, std::uint64_t i) {
        flow.source_port = static_cast<std::uint16_t>(1'024 + i);
    });
    expect_spread("source ports behind options", [](Flow& flow, std::uint64_t i) {
        flow.extensions = {IpProtocol::kDestinationOptions};
        flow.source_port = static_cast<std::uint16_t>(1'024 + i);
    });
    expect_spread("hosts of a network", [](Flow& flow, std::uint64_t i) {
        flow.source = {flow.source.high(), i};
    });
    expect_spread("networks", [](Flow& flow, std::uint64_t i) {
        flow.destination = {flow.destination.high() + (i << 16), 1};
    });
    expect_spread("pairs in one network", [](Flow& flow, std::uint64_t i) {
        flow.source = {flow.source.high(), 1 + i % 126};
        flow.destination = {flow.source.high(), 1'000 + i / 126};
    });
}

}  // namespace
}  // namespace causeway::test
