// SPDX-License-Identifier: Apache-2.0
//
// Lists and packets that have much to do with each other: few networks, ports and protocols, so
// that rules overlap and packets hit late ones.
#pragma once

#include "acl/packet_view.h"
#include "acl/rule.h"
#include "tests/support/frame_builder.h"
#include "tests/support/seed.h"

namespace causeway::test {

[[nodiscard]] AclSets random_acl_sets(SeededRandom& random);
// Valid, with rules "r0", "r1", ...
[[nodiscard]] Acl random_acl(SeededRandom& random, std::size_t rules, const AclSets& sets);

enum class IpFamily : std::uint8_t { kIpv4, kIpv6 };

// Some of the sets' bits, and an address such as packets have.
[[nodiscard]] NameSetBits random_names(SeededRandom& random, const AclSets& sets);
[[nodiscard]] IpAddress random_address(SeededRandom& random, IpFamily family);

// A packet of layer 3 with sound headers: any protocol, fragments, options, extension headers,
// and such as end early.
[[nodiscard]] std::vector<std::uint8_t> random_packet(SeededRandom& random, IpFamily family);

}  // namespace causeway::test
