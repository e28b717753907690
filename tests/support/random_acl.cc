// SPDX-License-Identifier: Apache-2.0
#include "tests/support/random_acl.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <iterator>
#include <optional>
#include <string>

#include "acl/validate.h"
#include "base/check.h"
#include "base/checksum.h"
#include "base/text.h"

namespace causeway::test {
namespace {

constexpr std::uint64_t kNetwork6 = 0x2001'0db8'0000'0000U;
constexpr std::array<std::uint8_t, 7> kProtocols{6, 6, 17, 1, 58, kProtocolSctp, 47};
constexpr std::array<std::uint8_t, 6> kDscps{0, 46, 34, 10, 63, 1};
constexpr std::array<std::uint16_t, 8> kPorts{0, 1, 53, 80, 443, 1'024, 8'080, 0xffff};

bool one_in(SeededRandom& random, unsigned n) {
    return random.below(n) == 0;
}

std::uint8_t any_dscp(SeededRandom& random) {
    return kDscps[random.below(kDscps.size())];
}

// Addresses in 10.0.0.0 to 10.3.255.255, mostly in few of its networks.
Ipv4Address address4(SeededRandom& random) {
    const auto low = static_cast<std::uint32_t>(
        one_in(random, 4) ? random.below(1U << 18) : random.below(4) << 8 | random.below(4));
    return Ipv4Address(0x0a00'0000U | low);
}
Ipv6Address address6(SeededRandom& random) {
    return {kNetwork6 | random.below(4) << 16 | random.below(2),
            one_in(random, 4) ? random() : random.below(4)};
}

IpPrefix any_prefix(SeededRandom& random, IpFamily family) {
    if (family == IpFamily::kIpv4) {
        const int length =
            static_cast<int>(std::array{0, 8, 14, 16, 23, 24, 31, 32}[random.below(8)]);
        return Ipv4Prefix::of(address4(random), length);
    }
    const int length =
        static_cast<int>(std::array{0, 32, 47, 48, 63, 64, 127, 128}[random.below(8)]);
    return Ipv6Prefix::of(address6(random), length);
}

PortRange any_range(SeededRandom& random) {
    const auto port = [&random] {
        const std::uint16_t usual = kPorts[1 + random.below(kPorts.size() - 1)];
        return one_in(random, 3) ? static_cast<std::uint16_t>(1 + random.below(0xffff)) : usual;
    };
    const std::uint16_t a = port();
    const std::uint16_t b = one_in(random, 2) ? a : port();
    return {std::min(a, b), std::max(a, b)};
}

template <class Set>
std::string any_name(SeededRandom& random, const Set& sets) {
    return std::next(sets.begin(), static_cast<std::ptrdiff_t>(random.below(sets.size())))->first;
}

AddressMatch any_addresses(SeededRandom& random, const AclSets& sets, IpFamily family) {
    AddressMatch match;
    if (one_in(random, 4)) return match;
    if (one_in(random, 6)) match.sets.push_back(any_name(random, sets.prefixes));
    do {
        match.prefixes.push_back(any_prefix(random, family));
    } while (one_in(random, 4));
    return match;
}
PortMatch any_ports(SeededRandom& random, const AclSets& sets) {
    PortMatch match;
    if (one_in(random, 2)) return match;
    if (one_in(random, 6)) match.sets.push_back(any_name(random, sets.ports));
    do {
        match.ranges.push_back(any_range(random));
    } while (one_in(random, 4));
    return match;
}

AclRule any_rule(SeededRandom& random, const AclSets& sets) {
    const IpFamily family = one_in(random, 2) ? IpFamily::kIpv4 : IpFamily::kIpv6;
    AclRule rule{.source = any_addresses(random, sets, family),
                 .destination = any_addresses(random, sets, family)};
    if (!one_in(random, 5)) rule.protocol = kProtocols[random.below(kProtocols.size())];
    if (rule.protocol == 6 || rule.protocol == 17 || rule.protocol == kProtocolSctp) {
        rule.source_ports = any_ports(random, sets);
        rule.destination_ports = any_ports(random, sets);
    }
    if (rule.protocol == 6 && one_in(random, 3)) {
        const auto mask = static_cast<std::uint8_t>(1 + random.below(63));
        rule.tcp_flags = {static_cast<std::uint8_t>(random() & mask), mask};
    }
    if ((rule.protocol == 1 || rule.protocol == 58) && !one_in(random, 3)) {
        rule.icmp = {static_cast<std::uint8_t>(random.below(4)), std::nullopt};
        if (one_in(random, 2)) rule.icmp->code = static_cast<std::uint8_t>(random.below(3));
    }
    if (one_in(random, 6)) rule.dscp = any_dscp(random);
    if (one_in(random, 5)) rule.fragments = static_cast<Fragments>(random.below(5));
    if (one_in(random, 8)) rule.source_names.push_back(any_name(random, sets.names));
    while (one_in(random, 6)) rule.destination_names.push_back(any_name(random, sets.names));
    rule.action.verdict = static_cast<AclVerdict>(random.below(3));
    return rule;
}

void put(std::vector<std::uint8_t>& bytes, std::size_t at, std::uint64_t value, int count) {
    for (int i = 0; i < count; ++i) {
        bytes[at + static_cast<std::size_t>(i)] =
            static_cast<std::uint8_t>(value >> 8 * (count - 1 - i));
    }
}

// Layer 4 with something to see for most rules; sometimes too short to show it.
std::vector<std::uint8_t> any_layer4(SeededRandom& random, std::uint8_t protocol) {
    std::vector<std::uint8_t> bytes(40);
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
    if (protocol == 1 || protocol == 58) {
        bytes[0] = static_cast<std::uint8_t>(random.below(5));
        bytes[1] = static_cast<std::uint8_t>(random.below(4));
    } else {
        for (const std::size_t at : {std::size_t{0}, std::size_t{2}}) {
            const std::uint64_t port =
                one_in(random, 3) ? random() & 0xffffU : kPorts[random.below(kPorts.size())];
            put(bytes, at, port, 2);
        }
    }
    if (one_in(random, 6)) bytes.resize(random.below(bytes.size()));
    return bytes;
}

std::vector<std::uint8_t> packet4(SeededRandom& random, std::uint8_t protocol) {
    const std::size_t header = one_in(random, 6) ? 20 + 4 * random.below(11) : 20;
    std::vector<std::uint8_t> packet(header, 1);
    const auto layer4 = any_layer4(random, protocol);
    packet.insert(packet.end(), layer4.begin(), layer4.end());
    packet[0] = static_cast<std::uint8_t>(0x40 | header / 4);
    packet[1] = static_cast<std::uint8_t>(any_dscp(random) * 4U + random.below(4));
    put(packet, 2, packet.size(), 2);
    put(packet, 4, random(), 2);
    put(packet, 6,
        one_in(random, 4) ? random.below(2) << 13 | random.below(3) : random.below(2) << 14, 2);
    packet[8] = 64;
    packet[9] = protocol;
    put(packet, 10, 0, 2);
    put(packet, 12, address4(random).value(), 4);
    put(packet, 16, address4(random).value(), 4);
    const std::uint16_t sum = checksum_of(std::span(packet).first(header));
    std::memcpy(packet.data() + 10, &sum, sizeof sum);
    return packet;
}

std::vector<std::uint8_t> packet6(SeededRandom& random, std::uint8_t protocol) {
    std::vector<std::uint8_t> packet(40);
    const auto address = [&](std::size_t at) {
        const Ipv6Address a = address6(random);
        put(packet, at, a.high(), 8);
        put(packet, at + 8, a.low(), 8);
    };
    put(packet, 0, 6U << 28 | std::uint32_t{any_dscp(random)} << 22 | random.below(1U << 22), 4);
    packet[7] = 64;
    address(8);
    address(24);
    std::size_t next_at = 6;
    for (std::size_t left = one_in(random, 3) ? random.below(8) : 0; left > 0; --left) {
        const std::uint8_t kind = std::array<std::uint8_t, 5>{0, 43, 44, 51, 60}[random.below(5)];
        packet[next_at] = kind;
        next_at = packet.size();
        std::size_t bytes = 8;
        if (kind == 51) bytes = 8 + 4 * random.below(3);
        if (kind != 51 && kind != 44) bytes = 8 * (1 + random.below(3));
        packet.resize(next_at + bytes);
        packet[next_at + 1] = static_cast<std::uint8_t>(kind == 51 ? bytes / 4 - 2 : bytes / 8 - 1);
        if (kind == 44) put(packet, next_at + 2, random.below(3) << 3 | random.below(2), 2);
    }
    packet[next_at] = protocol;
    const auto layer4 = any_layer4(random, protocol);
    packet.insert(packet.end(), layer4.begin(), layer4.end());
    put(packet, 4, packet.size() - 40, 2);
    return packet;
}

}  // namespace

AclSets random_acl_sets(SeededRandom& random) {
    AclSets sets;
    sets.names = {{"cdn", 1U}, {"crl", 1U << 9}, {"office", 1U << 30}};
    for (const char* const name : {"alpha", "beta"}) {
        for (int i = 0; i < 5; ++i) {
            const IpFamily family = one_in(random, 2) ? IpFamily::kIpv4 : IpFamily::kIpv6;
            sets.prefixes[name].push_back(any_prefix(random, family));
            sets.ports[name].push_back(any_range(random));
        }
    }
    return sets;
}

Acl random_acl(SeededRandom& random, std::size_t rules, const AclSets& sets) {
    Acl acl{.name = "random", .rules = {}};
    acl.otherwise.verdict = static_cast<AclVerdict>(random.below(3));
    while (acl.rules.size() < rules) {
        acl.rules.push_back(any_rule(random, sets));
        acl.rules.back().name = "r" + std::to_string(acl.rules.size() - 1);
        // Some ask for what no packet has; those are for validate_test.
        if (!validate(Acl{.name = {}, .rules = {acl.rules.back()}}, sets)) acl.rules.pop_back();
    }
    return acl;
}

NameSetBits random_names(SeededRandom& random, const AclSets& sets) {
    NameSetBits bits = 0;
    for (const auto& [name, bit] : sets.names) {
        if (one_in(random, 2)) bits |= bit;
    }
    return bits;
}

IpAddress random_address(SeededRandom& random, IpFamily family) {
    if (family == IpFamily::kIpv4) return address4(random);
    return address6(random);
}

std::vector<std::uint8_t> random_packet(SeededRandom& random, IpFamily family) {
    const std::uint8_t protocol = one_in(random, 10) ? static_cast<std::uint8_t>(random())
                                                     : kProtocols[random.below(kProtocols.size())];
    return family == IpFamily::kIpv4 ? packet4(random, protocol) : packet6(random, protocol);
}

}  // namespace causeway::test
