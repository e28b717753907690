// SPDX-License-Identifier: Apache-2.0
//
// What the walk does to TTL and checksum in one word, for each checksum that there is.
#include <gtest/gtest.h>

#include <array>
#include <cstdint>

#include "base/checksum.h"
#include "base/headers.h"
#include "dataplane/family.h"

namespace causeway {
namespace {

TEST(Ttl, one_less_and_the_checksum_says_so) {
    Ipv4Header header{.version_ihl = 0x45, .protocol = 0xff};
    PacketMeta meta{};
    meta.frame = reinterpret_cast<std::uint8_t*>(&header);
    for (const std::uint8_t ttl : std::array<std::uint8_t, 5>{2, 3, 64, 128, 255}) {
        for (std::uint32_t checksum = 0; checksum <= 0xffff; ++checksum) {
            header.ttl = ttl;
            header.checksum = Be16::from_wire(static_cast<std::uint16_t>(checksum));
            Ipv4::Ttl of_packet(meta);
            ASSERT_EQ(of_packet.value(), ttl);
            of_packet.decrement();
            ASSERT_EQ(header.ttl, ttl - 1);
            ASSERT_EQ(header.protocol, 0xff);
            // The TTL is the low byte of its word as it lies in memory.
            ASSERT_EQ(header.checksum.wire(),
                      checksum_replace(static_cast<std::uint16_t>(checksum), ttl,
                                       static_cast<std::uint16_t>(ttl - 1)))
                << "of " << checksum << ", TTL " << int{ttl};
        }
    }
}

}  // namespace
}  // namespace causeway
