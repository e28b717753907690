// SPDX-License-Identifier: Apache-2.0
//
// The tables leave no Exit out: whoever adds one adds a packet that ends by it.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/packets/packet_table.h"

namespace causeway::test {
namespace {

TEST(EveryExit, has_a_packet_that_ends_by_it) {
    for (const ExitInfo& info : kExits) {
        if (info.exit == Exit::kIpv6) continue;          // no packet ends by it
        if (info.exit == Exit::kHandoverFull) continue;  // wants two workers: handover_test.cc
        // These want a policy of names: names_test.cc.
        if (info.exit == Exit::kNameAnswer || info.exit == Exit::kOverClassRate) continue;
        if (info.name.starts_with("nat_")) continue;  // wants sessions: nat_exits_test.cc
        EXPECT_TRUE(std::ranges::any_of(PacketTable::all(),
                                        [&](const Row& row) { return row.out.exit == info.exit; }))
            << info.name << ": " << info.meaning;
    }
}

TEST(EveryExit, every_row_says_something_of_its_own) {
    std::vector<std::string> says;
    for (const Row& row : PacketTable::all()) says.push_back(row.says);
    std::ranges::sort(says);
    EXPECT_EQ(std::ranges::adjacent_find(says), says.end());
}

}  // namespace
}  // namespace causeway::test
