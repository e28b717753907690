// SPDX-License-Identifier: Apache-2.0
//
// How a logged packet reads.
#include "control/policy/acl_log_writer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/headers.h"
#include "tests/support/frame_builder.h"

namespace causeway::test {
namespace {

std::string read(const FrameBuilder& packet) {
    const std::vector<std::uint8_t> bytes = packet.bytes();
    const std::span<const std::uint8_t> ip = std::span(bytes).subspan(sizeof(EthernetHeader));
    AclLogRecord record;
    record.packet_bytes = static_cast<std::uint16_t>(ip.size());
    std::copy_n(ip.begin(), std::min(ip.size(), record.head.size()), record.head.begin());
    return describe(record, "contoso/microsoft/primary");
}

TEST(AclLogLine, tells_who_wanted_what) {
    EXPECT_EQ(read(frame().ipv4("10.1.0.7", "198.18.7.9").tcp(5'000, 25)),
              "in contoso/microsoft/primary: tcp 10.1.0.7:5000 -> 198.18.7.9:25, 40 bytes");
    EXPECT_EQ(
        read(frame().ipv6("2001:db8::7", "2001:db8::9").udp(5'000, 53).payload(200)),
        "in contoso/microsoft/primary: udp [2001:db8::7]:5000 -> [2001:db8::9]:53, 248 bytes");
}

TEST(AclLogLine, is_made_of_any_bytes) {
    AclLogRecord record;
    record.packet_bytes = 3;
    EXPECT_EQ(describe(record, "a"), "in a: 3 bytes");
}

}  // namespace
}  // namespace causeway::test
